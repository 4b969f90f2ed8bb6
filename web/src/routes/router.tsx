// Every page on one page: its path, what its search parameters may be, who may see it.
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import * as z from "zod/mini";
import { DELIVERY_STATES } from "@/components/status-badge";
import { afterSignIn, sessionQuery } from "@/features/identity/session";
import { AdminFrame } from "./admin-frame";
import { NotFoundPage, PageFailure } from "./not-found";
import { PricingPage } from "./pricing";
import { Shell } from "./shell";

interface RouterContext {
  queryClient: QueryClient;
}

/** A parameter that is absent when it is missing or makes no sense. */
function maybe<T extends z.ZodMiniType>(schema: T) {
  return z.catch(z.optional(schema), undefined);
}

const interval = z.enum(["monthly", "yearly"]);
const shortText = z.string().check(z.minLength(1), z.maxLength(300));

const pricingSearch = z.object({
  interval: maybe(interval),
  plan: maybe(shortText),
  checkout: maybe(z.enum(["cancelled"])),
});

const SETTINGS_TABS = ["billing", "usage", "organization", "profile"] as const;

const settingsSearch = z.object({
  tab: maybe(z.enum(SETTINGS_TABS)),
  checkout: maybe(z.enum(["success", "cancelled"])),
  session_id: maybe(shortText),
  /** Opens a dialog: `plan` with a choice made on the pricing page, or `cancel`. */
  dialog: maybe(z.enum(["plan", "cancel"])),
  plan: maybe(shortText),
  interval: maybe(interval),
});

const deliveriesSearch = z.object({
  state: maybe(z.enum(DELIVERY_STATES as [string, ...string[]])),
  type: maybe(shortText),
  cursor: maybe(shortText),
  id: maybe(shortText),
});

const authSearch = z.object({
  next: maybe(shortText),
  /** Set by the link of a verification mail: whether it worked. */
  verified: maybe(z.enum(["1", "0"])),
});

const rootRoute = createRootRouteWithContext<RouterContext>()({
  component: Shell,
  notFoundComponent: NotFoundPage,
  errorComponent: PageFailure,
});

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: async ({ context }) => {
    const me = await context.queryClient.ensureQueryData(sessionQuery);
    throw me
      ? redirect({ to: "/settings", search: { tab: "billing" }, replace: true })
      : redirect({ to: "/pricing", replace: true });
  },
});

const pricingRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/pricing",
  validateSearch: (raw) => pricingSearch.parse(raw),
  component: PricingPage,
});

/** Log-in and sign-up; who is signed in already goes where they wanted to. */
const visitorRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "visitor",
  validateSearch: (raw) => authSearch.parse(raw),
  beforeLoad: async ({ context, search, location }) => {
    // After a verification the session says something new.
    if (search.verified) await context.queryClient.invalidateQueries(sessionQuery);
    const me = await context.queryClient.ensureQueryData(sessionQuery);
    if (!me) return;
    if (search.verified) {
      throw redirect({ to: "/settings", search: { tab: "profile" }, replace: true });
    }
    const fallback = location.pathname === "/signup" ? "/pricing" : "/settings?tab=billing";
    throw redirect(afterSignIn(search.next, fallback));
  },
});

const loginRoute = createRoute({
  getParentRoute: () => visitorRoute,
  path: "/login",
  component: lazyRouteComponent(() => import("./auth"), "LoginPage"),
});

const signupRoute = createRoute({
  getParentRoute: () => visitorRoute,
  path: "/signup",
  component: lazyRouteComponent(() => import("./auth"), "SignupPage"),
});

/** Pages behind the log-in: `me` is in their context. */
const memberRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "member",
  beforeLoad: async ({ context, location }) => {
    const me = await context.queryClient.ensureQueryData(sessionQuery);
    if (!me) throw redirect({ to: "/login", search: { next: location.href }, replace: true });
    return { me };
  },
});

const settingsRoute = createRoute({
  getParentRoute: () => memberRoute,
  path: "/settings",
  validateSearch: (raw) => settingsSearch.parse(raw),
  component: lazyRouteComponent(() => import("./settings"), "SettingsPage"),
});

const adminRoute = createRoute({
  getParentRoute: () => memberRoute,
  path: "/admin",
  component: AdminFrame,
});

const adminHomeRoute = createRoute({
  getParentRoute: () => adminRoute,
  path: "/",
  component: lazyRouteComponent(() => import("./admin"), "AdminHomePage"),
});

const deliveriesRoute = createRoute({
  getParentRoute: () => adminRoute,
  path: "/deliveries",
  validateSearch: (raw) => deliveriesSearch.parse(raw),
  component: lazyRouteComponent(() => import("./admin"), "DeliveriesPage"),
});

const routeTree = rootRoute.addChildren([
  homeRoute,
  pricingRoute,
  visitorRoute.addChildren([loginRoute, signupRoute]),
  memberRoute.addChildren([
    settingsRoute,
    adminRoute.addChildren([adminHomeRoute, deliveriesRoute]),
  ]),
]);

export function makeRouter(queryClient: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree,
    context: { queryClient },
    ...(history ? { history } : {}),
    scrollRestoration: true,
    defaultPreload: "intent",
    defaultPendingMs: 200,
    // Plain text both ways: `?id=12` is the text "12", and nothing is quoted.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const pairs = Object.entries(search).filter(([, value]) => value !== undefined);
      const text = new URLSearchParams(
        pairs.map(([key, value]) => [key, String(value)]),
      ).toString();
      return text ? `?${text}` : "";
    },
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
