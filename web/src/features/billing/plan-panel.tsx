import { ExternalLink } from "lucide-react";
import type { Subscription } from "@/api/types";
import { Money } from "@/components/money";
import { StatusBadge } from "@/components/status-badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { ActionError } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { usePortal } from "./queries";
import {
  intervalNoun,
  intervalWord,
  isLive,
  type Standing,
  spokenPlan,
  standingOf,
} from "./standing";

/** The plan, what it costs, what comes next, and what can be done about it. */
export function PlanPanel({
  subscription,
  onChange,
  onCancel,
  pricingLink,
}: {
  subscription: Subscription;
  onChange: () => void;
  onCancel: () => void;
  /** The link to the plans, for who has none yet. */
  pricingLink: React.ReactNode;
}) {
  const portal = usePortal();
  const standing = standingOf(subscription);
  const live = isLive(subscription);
  // What an ended subscription cost is not what the free plan costs.
  const price = standing.kind === "free" ? null : subscription.price;
  const hasPeriod = standing.kind !== "free";
  const mayChange = live && standing.kind !== "ending" && standing.kind !== "unpaid";
  const mayCancel = live && standing.kind !== "ending";

  return (
    <Card aria-labelledby="plan-title" data-testid="plan-panel">
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-4 p-5 sm:p-6">
        <div>
          <p className="text-ink-faint text-sm">Current plan</p>
          <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h2
              id="plan-title"
              data-testid="plan-name"
              className="font-semibold text-[1.75rem] leading-tight tracking-[-0.025em]"
            >
              {spokenPlan(subscription).name}
            </h2>
            <StatusBadge kind="subscription" value={subscription.status} />
          </div>
        </div>
        {price ? (
          <p className="text-right max-sm:text-left">
            <Money
              short
              value={price.amount}
              className="font-semibold text-[1.75rem] leading-tight tracking-[-0.025em]"
            />
            <span className="text-ink-soft"> / {intervalNoun(price.interval)}</span>
          </p>
        ) : null}
      </div>

      <dl className="grid divide-line border-line border-y max-sm:divide-y sm:grid-cols-3 sm:divide-x">
        <Cell term="Billed">{price ? intervalWord(price.interval) : "Nothing to pay"}</Cell>
        <Cell term="Current period">
          {hasPeriod && subscription.current_period_start && subscription.current_period_end ? (
            <>
              <When at={subscription.current_period_start} /> –{" "}
              <When at={subscription.current_period_end} />
            </>
          ) : (
            "No billing period"
          )}
        </Cell>
        <Cell term={nextTerm(standing)} testId="next-step">
          <Next subscription={subscription} standing={standing} />
        </Cell>
      </dl>

      <div className="p-5 sm:p-6">
        <div className="flex flex-wrap gap-2.5">
          {mayChange ? (
            <Button look="primary" onClick={onChange} data-testid="change-plan">
              Change plan
            </Button>
          ) : null}
          {live ? null : pricingLink}
          {subscription.stripe_customer_id ? (
            <Button onClick={() => portal.mutate()} busy={portal.isPending} data-testid="portal">
              Manage in customer portal
              <ExternalLink aria-hidden="true" />
            </Button>
          ) : null}
          {mayCancel ? (
            <Button look="quiet" onClick={onCancel} data-testid="cancel-plan">
              Cancel plan
            </Button>
          ) : null}
        </div>
        <ActionError error={portal.error} className="mt-4" />
        {subscription.because ? (
          <p className="mt-4 text-[0.8125rem] text-ink-faint">{subscription.because}</p>
        ) : null}
      </div>
    </Card>
  );
}

function Cell({
  term,
  children,
  testId,
}: {
  term: string;
  children: React.ReactNode;
  testId?: string;
}) {
  return (
    <div className="px-5 py-3.5 sm:px-6" data-testid={testId}>
      <dt className="text-ink-faint text-[0.8125rem]">{term}</dt>
      <dd className="mt-0.5 font-medium text-sm">{children}</dd>
    </div>
  );
}

function nextTerm(standing: Standing): string {
  switch (standing.kind) {
    case "free":
      return standing.endedAt ? "Ended" : "Next charge";
    case "trial":
      return "Trial ends, first charge";
    case "renewing":
      return "Next charge";
    case "ending":
      return "Plan ends";
    case "switching":
      return "Plan changes";
    case "unpaid":
      return "Payment";
    case "incomplete":
    case "paused":
    case "unknown":
      return "Next charge";
  }
}

function Next({ subscription, standing }: { subscription: Subscription; standing: Standing }) {
  const price = subscription.price;
  switch (standing.kind) {
    case "free":
      return standing.endedAt ? <When at={standing.endedAt} /> : "None";
    case "trial":
      return <Charge at={standing.endsAt} price={price} />;
    case "renewing":
      return <Charge at={standing.at} price={price} />;
    case "ending":
      return standing.at ? <When at={standing.at} /> : "At the end of the period";
    case "switching":
      return (
        <>
          {standing.planName}, <When at={standing.at} />
        </>
      );
    case "unpaid":
      return "Overdue";
    case "incomplete":
      return "Waiting for the first payment";
    case "paused":
      return "Paused";
    case "unknown":
      return "Unknown";
  }
}

function Charge({ at, price }: { at: string | null; price: Subscription["price"] }) {
  if (!at) return "Not scheduled";
  return (
    <>
      {price ? (
        <>
          <Money value={price.amount} /> on{" "}
        </>
      ) : null}
      <When at={at} />
    </>
  );
}
