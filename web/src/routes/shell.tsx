import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { CircleUserRound, LogOut, Monitor, Moon, Settings, Sun } from "lucide-react";
import { useEffect, useRef } from "react";
import type { Me } from "@/api/types";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import {
  Menu,
  MenuItem,
  MenuLabel,
  MenuLine,
  MenuRadioGroup,
  MenuRadioItem,
} from "@/components/ui/menu";
import { sessionQuery, useLogout } from "@/features/identity/session";
import { useAnnouncement } from "@/lib/announce";
import { chooseTheme, type ThemeChoice, useTheme } from "@/lib/theme";

/** The frame around every page. */
export function Shell() {
  const me = useQuery(sessionQuery).data ?? null;
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const shown = useRef(pathname);
  useEffect(() => {
    // After a change of page, reading and tabbing start at its beginning.
    if (shown.current !== pathname) {
      shown.current = pathname;
      main.current?.focus({ preventScroll: true });
    }
  }, [pathname]);

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-accent px-4 py-2 font-medium text-on-accent focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
      >
        Skip to content
      </a>
      <Header me={me} />
      <main
        id="main"
        ref={main}
        tabIndex={-1}
        className="mx-auto w-full max-w-6xl flex-1 px-4 pt-8 pb-20 outline-none sm:px-6 sm:pt-10"
      >
        <Outlet />
      </main>
      <Announcer />
    </div>
  );
}

function Announcer() {
  return (
    <div role="status" aria-live="polite" className="sr-only" data-testid="announcer">
      {useAnnouncement()}
    </div>
  );
}

function Header({ me }: { me: Me | null }) {
  return (
    <header className="sticky top-0 z-30 border-line border-b bg-surface/90 backdrop-blur-md">
      <div className="mx-auto flex h-16 max-w-6xl items-center gap-1 px-4 sm:gap-2 sm:px-6">
        <Link to="/" aria-label="Billhook, home" className="mr-1 sm:mr-4">
          <Logo />
        </Link>
        <nav aria-label="Main" className="flex gap-0.5 max-md:hidden">
          <NavLinks me={me} />
        </nav>
        <div className="ml-auto flex items-center gap-1">
          {me?.installation.mode === "test" ? <TestModeBadge /> : null}
          <ThemeMenu />
          {me ? <AccountMenu me={me} /> : <VisitorLinks />}
        </div>
      </div>
    </header>
  );
}

const NAV =
  "rounded-lg px-3 py-2 font-medium text-ink-soft text-sm hover:bg-sunken hover:text-ink data-[status=active]:bg-sunken data-[status=active]:text-ink";

function NavLinks({ me }: { me: Me | null }) {
  return (
    <>
      <Link to="/pricing" className={NAV}>
        Pricing
      </Link>
      {me ? (
        <Link
          to="/settings"
          search={{ tab: "billing" }}
          activeOptions={{ includeSearch: false }}
          className={NAV}
        >
          Settings
        </Link>
      ) : null}
      {me?.user.is_operator ? (
        <Link to="/admin" className={NAV}>
          Operations
        </Link>
      ) : null}
    </>
  );
}

function TestModeBadge() {
  return (
    <span
      data-testid="test-mode"
      title="No real money moves on this installation"
      className="mr-1 rounded-full border border-warn-line bg-warn-soft px-2.5 py-0.5 font-medium text-[0.8125rem] text-warn"
    >
      Test mode
    </span>
  );
}

function VisitorLinks() {
  return (
    <>
      <Link to="/login" className={NAV}>
        Log in
      </Link>
      <Button asChild look="primary" className="max-sm:px-3">
        <Link to="/signup">Sign up</Link>
      </Button>
    </>
  );
}

const THEMES: readonly { value: ThemeChoice; label: string; icon: typeof Sun }[] = [
  { value: "system", label: "System", icon: Monitor },
  { value: "light", label: "Light", icon: Sun },
  { value: "dark", label: "Dark", icon: Moon },
];

function ThemeMenu() {
  const choice = useTheme();
  const Icon = THEMES.find((theme) => theme.value === choice)?.icon ?? Monitor;
  return (
    <Menu
      label="Theme"
      trigger={
        <Button look="quiet" size="icon" aria-label={`Theme: ${choice}`} data-testid="theme">
          <Icon aria-hidden="true" />
        </Button>
      }
    >
      <MenuRadioGroup value={choice} onValueChange={(next) => chooseTheme(next as ThemeChoice)}>
        {THEMES.map(({ value, label, icon: ItemIcon }) => (
          <MenuRadioItem key={value} value={value}>
            <ItemIcon aria-hidden="true" />
            {label}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
    </Menu>
  );
}

function AccountMenu({ me }: { me: Me }) {
  const logout = useLogout();
  return (
    <Menu
      label="Account"
      trigger={
        <Button
          look="quiet"
          size="icon"
          aria-label={`Account of ${me.user.name}`}
          data-testid="account"
        >
          <CircleUserRound aria-hidden="true" />
        </Button>
      }
    >
      <MenuLabel>
        <span className="block max-w-56 truncate font-semibold">{me.organization.name}</span>
        <span className="block max-w-56 truncate text-ink-soft">{me.user.email}</span>
      </MenuLabel>
      <MenuLine />
      <MenuItem asChild className="md:hidden">
        <Link to="/pricing">Pricing</Link>
      </MenuItem>
      {me.user.is_operator ? (
        <MenuItem asChild className="md:hidden">
          <Link to="/admin">Operations</Link>
        </MenuItem>
      ) : null}
      <MenuItem asChild>
        <Link to="/settings" search={{ tab: "billing" }}>
          <Settings aria-hidden="true" />
          Settings
        </Link>
      </MenuItem>
      <MenuItem onSelect={() => logout.mutate()} data-testid="logout">
        <LogOut aria-hidden="true" />
        Log out
      </MenuItem>
    </Menu>
  );
}
