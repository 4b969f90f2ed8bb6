import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { LayoutList } from "lucide-react";
import { ApiError } from "@/api/problem";
import type { Interval, Plan } from "@/api/types";
import { Card } from "@/components/ui/card";
import {
  ActionError,
  Banner,
  EmptyState,
  ErrorState,
  Skeleton,
  Waiting,
} from "@/components/ui/feedback";
import { Segmented } from "@/components/ui/field";
import { CompareTable } from "@/features/billing/compare-table";
import { type Offer, PlanCards } from "@/features/billing/plan-cards";
import { plansQuery, subscriptionQuery, useCheckout } from "@/features/billing/queries";
import { spokenPlan, yearlySavingBp } from "@/features/billing/standing";
import { sessionQuery } from "@/features/identity/session";

export function PricingPage() {
  const search = useSearch({ from: "/pricing" });
  const navigate = useNavigate();
  const me = useQuery(sessionQuery);
  const plans = useQuery(plansQuery);
  // Only an administrator may buy; others see the prices and who to ask.
  const isAdmin = me.data?.organization.role === "admin";
  const subscription = useQuery({ ...subscriptionQuery, enabled: isAdmin });
  const checkout = useCheckout();
  const interval: Interval = search.interval ?? "monthly";

  const viewer = subscription.data
    ? {
        subscription: subscription.data,
        rank: plans.data?.find((plan) => plan.id === spokenPlan(subscription.data).id)?.rank ?? 0,
      }
    : null;
  const saving = Math.max(0, ...(plans.data ?? []).map((plan) => yearlySavingBp(plan) ?? 0));
  // Until both are known a button could promise the wrong thing.
  const settled = !me.isPending && (!isAdmin || !subscription.isPending);

  function toChange(plan: Plan) {
    void navigate({
      to: "/settings",
      search: { tab: "billing", dialog: "plan", plan: plan.id, interval },
    });
  }

  function act(plan: Plan, offer: Offer) {
    switch (offer.kind) {
      case "join": {
        const next =
          plan.prices.length > 0
            ? `/pricing?interval=${interval}&plan=${plan.id}`
            : "/settings?tab=billing";
        return void navigate({ to: "/signup", search: { next } });
      }
      case "buy":
        return checkout.mutate(
          { plan: plan.id, interval },
          {
            onError: (error) => {
              // Another tab or another administrator was faster.
              if (error instanceof ApiError && error.code === "already_subscribed") toChange(plan);
            },
          },
        );
      case "change":
        return toChange(plan);
      case "leave":
        return void navigate({ to: "/settings", search: { tab: "billing", dialog: "cancel" } });
      case "current":
      case "none":
        return;
    }
  }

  return (
    <>
      <title>Pricing – Billhook</title>
      <div className="mx-auto max-w-2xl text-center">
        <h1 className="font-semibold text-3xl tracking-[-0.03em] sm:text-[2.625rem] sm:leading-tight">
          Plans that grow with your team
        </h1>
        <p className="mt-3 text-ink-soft text-lg">
          Start free. Change or cancel whenever you like; you see every amount before it is charged.
        </p>
        <div className="mt-7 mb-10 flex flex-wrap items-center justify-center gap-3">
          <Segmented
            label="Billing interval"
            value={interval}
            onChange={(next) =>
              navigate({
                to: "/pricing",
                search: { ...search, interval: next },
                replace: true,
                resetScroll: false,
              })
            }
            options={[
              { value: "monthly", label: "Monthly" },
              { value: "yearly", label: "Yearly" },
            ]}
          />
          {saving > 0 ? (
            <span className="rounded-full bg-accent-soft px-3 py-1 font-medium text-[0.8125rem] text-accent-ink">
              Yearly saves up to {Math.floor(saving / 100)} %
            </span>
          ) : null}
        </div>
      </div>

      <div className="mx-auto mb-6 grid max-w-5xl gap-3 empty:hidden">
        {search.checkout === "cancelled" ? (
          <Banner tone="info" live title="You left the payment page" testId="checkout-cancelled">
            Nothing was charged. Choose a plan whenever you are ready.
          </Banner>
        ) : null}
        {me.data && !isAdmin ? (
          <Banner tone="info" title="Only an administrator can change the plan">
            Ask an administrator of {me.data.organization.name}.
          </Banner>
        ) : null}
        <ActionError error={checkout.error} />
        {subscription.isError ? <ActionError error={subscription.error} /> : null}
      </div>

      {plans.isPending || !settled ? (
        <Waiting what="plans">
          <div className="mx-auto grid max-w-5xl gap-5 lg:grid-cols-3">
            <Skeleton className="h-[26rem] rounded-card" />
            <Skeleton className="h-[26rem] rounded-card" />
            <Skeleton className="h-[26rem] rounded-card" />
          </div>
        </Waiting>
      ) : plans.isError ? (
        <Card>
          <ErrorState error={plans.error} what="the plans" onRetry={() => plans.refetch()} />
        </Card>
      ) : plans.data.length === 0 ? (
        <Card>
          <EmptyState icon={LayoutList} title="Nothing is sold yet">
            The plans appear here once they are set up.
          </EmptyState>
        </Card>
      ) : (
        <>
          <PlanCards
            plans={plans.data}
            interval={interval}
            viewer={viewer}
            buyable={!me.data || isAdmin}
            busyPlan={
              checkout.isPending || checkout.isSuccess ? (checkout.variables?.plan ?? null) : null
            }
            highlighted={search.plan ?? null}
            onOffer={act}
          />
          <div className="mx-auto mt-14 max-w-5xl">
            <CompareTable plans={plans.data} currentPlan={subscription.data?.plan.id ?? null} />
          </div>
        </>
      )}
    </>
  );
}
