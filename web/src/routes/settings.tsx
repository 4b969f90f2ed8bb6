import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouteContext, useSearch } from "@tanstack/react-router";
import type { Me } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Banner, ErrorState, NoPermission, Skeleton, Waiting } from "@/components/ui/feedback";
import { CancelPlanDialog } from "@/features/billing/cancel-plan";
import { ChangePlanDialog } from "@/features/billing/change-plan";
import { CheckoutCancelled, CheckoutReturn } from "@/features/billing/checkout-return";
import { Invoices } from "@/features/billing/invoices";
import { BillingNotices } from "@/features/billing/notices";
import { PaymentMethod } from "@/features/billing/payment-method";
import { PlanPanel } from "@/features/billing/plan-panel";
import { useLookAgain } from "@/features/billing/portal-return";
import { subscriptionQuery } from "@/features/billing/queries";
import { isLive, standingOf } from "@/features/billing/standing";
import { UsagePanel } from "@/features/entitlements/usage";
import { OrganizationPanel } from "@/features/identity/organization";
import { ProfilePanel } from "@/features/identity/profile";
import { cn } from "@/lib/cn";

const TABS = [
  { id: "billing", label: "Billing" },
  { id: "usage", label: "Usage" },
  { id: "organization", label: "Organisation" },
  { id: "profile", label: "Profile" },
] as const;
type Tab = (typeof TABS)[number]["id"];

export function SettingsPage() {
  const { me } = useRouteContext({ from: "/member" });
  const { tab = "billing" } = useSearch({ from: "/member/settings" });
  const title = TABS.find((one) => one.id === tab)?.label ?? "Settings";
  return (
    <>
      <title>{`${title} – Settings – Billhook`}</title>
      <div className="mb-6">
        <p className="text-ink-faint text-sm">{me.organization.name}</p>
        <h1 className="font-semibold text-2xl sm:text-[1.75rem]">Settings</h1>
      </div>
      <TabLinks current={tab} />
      <div className="mt-7">
        <TabContent tab={tab} me={me} />
      </div>
    </>
  );
}

/** The tabs are links: each has an address, and the browser's keys work as ever. */
function TabLinks({ current }: { current: Tab }) {
  return (
    <nav
      aria-label="Settings"
      className="-mx-4 overflow-x-auto px-4 shadow-[inset_0_-1px_0_var(--line)] sm:mx-0 sm:px-0"
    >
      <ul className="flex gap-1">
        {TABS.map((tab) => (
          <li key={tab.id}>
            <Link
              to="/settings"
              search={{ tab: tab.id }}
              aria-current={tab.id === current ? "page" : undefined}
              className={cn(
                "block whitespace-nowrap border-b-2 px-3 py-2.5 font-medium text-sm outline-offset-[-3px]",
                tab.id === current
                  ? "border-accent text-ink"
                  : "border-transparent text-ink-soft hover:border-line hover:text-ink",
              )}
            >
              {tab.label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function TabContent({ tab, me }: { tab: Tab; me: Me }) {
  switch (tab) {
    case "billing":
      return me.organization.role === "admin" ? (
        <BillingTab />
      ) : (
        <Card>
          <NoPermission
            detail={`Billing is open to administrators of ${me.organization.name}. Ask one of them.`}
          />
        </Card>
      );
    case "usage":
      return (
        <UsagePanel
          organization={me.organization.id}
          upgrade={
            <Button asChild look="primary" size="small">
              <Link to="/pricing">See plans</Link>
            </Button>
          }
        />
      );
    case "organization":
      return <OrganizationPanel me={me} />;
    case "profile":
      return <ProfilePanel me={me} />;
  }
}

function BillingTab() {
  const search = useSearch({ from: "/member/settings" });
  const navigate = useNavigate();
  const refetchInterval = useLookAgain();
  const subscription = useQuery({ ...subscriptionQuery, refetchInterval });

  const toBilling = (dialog?: "plan" | "cancel") =>
    void navigate({
      to: "/settings",
      search: { tab: "billing", ...(dialog ? { dialog } : {}) },
      replace: true,
      resetScroll: false,
    });

  return (
    <div className="grid gap-6">
      {search.checkout === "success" && search.session_id ? (
        <CheckoutReturn sessionId={search.session_id} onDone={() => toBilling()} />
      ) : null}
      {search.checkout === "cancelled" ? (
        <CheckoutCancelled
          onDone={() => toBilling()}
          again={
            <Button asChild size="small">
              <Link to="/pricing">See plans</Link>
            </Button>
          }
        />
      ) : null}
      {subscription.isPending ? (
        <Waiting what="billing">
          <div className="grid gap-6">
            <Skeleton className="h-64 rounded-card" />
            <Skeleton className="h-40 rounded-card" />
          </div>
        </Waiting>
      ) : subscription.isError ? (
        <Card>
          <ErrorState
            error={subscription.error}
            what="billing"
            onRetry={() => subscription.refetch()}
          />
        </Card>
      ) : (
        <>
          <BillingNotices subscription={subscription.data} />
          {search.dialog && !isLive(subscription.data) ? (
            <Banner tone="info" title="There is no running plan to change" />
          ) : null}
          <PlanPanel
            subscription={subscription.data}
            onChange={() => toBilling("plan")}
            onCancel={() => toBilling("cancel")}
            pricingLink={
              // Nobody is sent to buy while a payment of theirs is being confirmed.
              search.checkout === "success" ? null : (
                <Button asChild look="primary">
                  <Link to="/pricing" data-testid="see-plans">
                    See plans
                  </Link>
                </Button>
              )
            }
          />
          <div className="grid items-start gap-6 lg:grid-cols-[1fr_20rem]">
            <Invoices />
            <PaymentMethod subscription={subscription.data} />
          </div>
          {isLive(subscription.data) ? (
            <>
              <ChangePlanDialog
                subscription={subscription.data}
                open={search.dialog === "plan"}
                onClose={() => toBilling()}
                initial={{ plan: search.plan, interval: search.interval }}
              />
              <CancelPlanDialog
                subscription={subscription.data}
                open={search.dialog === "cancel" && standingOf(subscription.data).kind !== "ending"}
                onClose={() => toBilling()}
              />
            </>
          ) : null}
        </>
      )}
    </div>
  );
}
