// The banners above the plan: what needs attention, each with its way out.
import { CreditCard } from "lucide-react";
import type { PaymentProblem, Subscription } from "@/api/types";
import { Money } from "@/components/money";
import { Button } from "@/components/ui/button";
import { ActionError, Banner } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { usePortal, useResume, useWithdraw } from "./queries";
import { spokenPlan, standingOf } from "./standing";

export function BillingNotices({ subscription }: { subscription: Subscription }) {
  const standing = standingOf(subscription);
  return (
    <>
      {subscription.payment_problem || standing.kind === "unpaid" ? (
        <PaymentProblemNotice
          problem={subscription.payment_problem ?? null}
          planName={spokenPlan(subscription).name}
          active={subscription.is_active}
        />
      ) : null}
      {standing.kind === "ending" ? (
        <EndingNotice planName={spokenPlan(subscription).name} at={standing.at} />
      ) : null}
      {standing.kind === "switching" ? (
        <SwitchingNotice
          from={spokenPlan(subscription).name}
          to={standing.planName}
          interval={standing.interval}
          at={standing.at}
        />
      ) : null}
      {standing.kind === "incomplete" ? (
        <Banner
          tone="warn"
          title="The first payment has not gone through"
          testId="incomplete-notice"
        >
          Nothing was bought yet. Choose a plan again to restart the payment.
        </Banner>
      ) : null}
      {standing.kind === "paused" ? (
        <Banner tone="warn" title="Your plan is paused" testId="paused-notice">
          Its features are off until it continues. Add a payment method in the customer portal.
        </Banner>
      ) : null}
      {subscription.surplus_subscriptions.length > 0 ? (
        <Banner
          tone="warn"
          title="There is more than one subscription for this organisation"
          testId="surplus-notice"
        >
          You keep the better one. We have been told and will sort out the other:{" "}
          <span className="break-all font-mono text-[0.8125rem]">
            {subscription.surplus_subscriptions.join(", ")}
          </span>
        </Banner>
      ) : null}
    </>
  );
}

function PaymentProblemNotice({
  problem,
  planName,
  active,
}: {
  /** Null when the status says so but the invoice is not known yet. */
  problem: PaymentProblem | null;
  planName: string;
  active: boolean;
}) {
  const portal = usePortal();
  return (
    <>
      <Banner
        tone="bad"
        testId="payment-problem"
        title={
          problem ? (
            <>
              Your payment of <Money value={problem.amount} /> did not go through
            </>
          ) : (
            "Your last payment did not go through"
          )
        }
        actions={
          <>
            {problem?.hosted_invoice_url ? (
              <Button asChild look="primary">
                <a
                  href={problem.hosted_invoice_url}
                  target="_blank"
                  rel="noreferrer"
                  data-testid="pay-invoice"
                >
                  Pay now
                </a>
              </Button>
            ) : null}
            <Button
              onClick={() => portal.mutate()}
              busy={portal.isPending}
              data-testid="update-card"
            >
              <CreditCard aria-hidden="true" />
              Update card
            </Button>
          </>
        }
      >
        {problem ? `${problem.reason} ` : null}
        {active ? `${planName} stays on for now.` : `${planName} is off until the invoice is paid.`}{" "}
        {problem?.next_payment_attempt ? (
          <>
            We will try again on <When at={problem.next_payment_attempt} />.
          </>
        ) : null}
      </Banner>
      <ActionError error={portal.error} />
    </>
  );
}

function EndingNotice({ planName, at }: { planName: string; at: string | null }) {
  const resume = useResume();
  return (
    <>
      <Banner
        tone="warn"
        testId="ending-notice"
        title={
          <>
            {planName} ends{" "}
            {at ? (
              <>
                on <When at={at} />
              </>
            ) : (
              "at the end of this period"
            )}
          </>
        }
        actions={
          <Button
            look="primary"
            busy={resume.isPending}
            data-testid="resume-plan"
            onClick={() =>
              resume.mutate(undefined, {
                onSuccess: () => announce(`${planName} continues. Nothing ends.`),
              })
            }
          >
            Resume {planName}
          </Button>
        }
      >
        You can use everything until then. Afterwards the organisation moves to the free plan and
        nothing more is charged.
      </Banner>
      <ActionError error={resume.error} />
    </>
  );
}

function SwitchingNotice({
  from,
  to,
  interval,
  at,
}: {
  from: string;
  to: string;
  interval: string;
  at: string;
}) {
  const withdraw = useWithdraw();
  return (
    <>
      <Banner
        tone="info"
        testId="switching-notice"
        title={
          <>
            {from === to ? `${to} becomes ${interval}` : `You move to ${to}`} on <When at={at} />
          </>
        }
        actions={
          <Button
            busy={withdraw.isPending}
            data-testid="withdraw-change"
            onClick={() =>
              withdraw.mutate(undefined, {
                onSuccess: () => announce(`The change is withdrawn. You stay on ${from}.`),
              })
            }
          >
            {from === to ? "Keep as it is" : `Stay on ${from}`}
          </Button>
        }
      >
        Until then everything stays as it is. The change can be withdrawn any time before.
      </Banner>
      <ActionError error={withdraw.error} />
    </>
  );
}
