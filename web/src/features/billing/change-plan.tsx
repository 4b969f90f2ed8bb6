import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { ApiError } from "@/api/problem";
import type { Interval, Plan, PlanChangePreview, Subscription } from "@/api/types";
import { Money } from "@/components/money";
import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFoot } from "@/components/ui/dialog";
import { ActionError, Banner, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { Segmented } from "@/components/ui/field";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { cn } from "@/lib/cn";
import { plansQuery, previewQuery, useChangePlan, usePortal } from "./queries";
import { intervalNoun, priceFor } from "./standing";

/** Choose, see what it costs, agree once. */
export function ChangePlanDialog({
  subscription,
  open,
  onClose,
  initial,
}: {
  subscription: Subscription;
  open: boolean;
  onClose: () => void;
  initial?: { plan?: string | undefined; interval?: Interval | undefined };
}) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title="Change plan"
      description="You see what it costs before anything changes."
      testId="change-plan-dialog"
    >
      {/* Mounted with the dialog: each opening starts from the current plan. */}
      <ChangePlan subscription={subscription} onClose={onClose} initial={initial ?? {}} />
    </Dialog>
  );
}

function ChangePlan({
  subscription,
  onClose,
  initial,
}: {
  subscription: Subscription;
  onClose: () => void;
  initial: { plan?: string | undefined; interval?: Interval | undefined };
}) {
  const plans = useQuery(plansQuery);
  const current = subscription.price?.interval === "yearly" ? "yearly" : "monthly";
  const [interval, setInterval] = useState<Interval>(initial.interval ?? current);
  const [plan, setPlan] = useState(initial.plan ?? subscription.plan.id);
  const change = useChangePlan();

  const paid = plans.data?.filter((one) => one.prices.length > 0) ?? [];
  const offered = paid.filter((one) => priceFor(one, interval));
  const chosen = offered.find((one) => one.id === plan);
  const isCurrent = plan === subscription.plan.id && interval === current;
  const preview = useQuery({
    ...previewQuery({ plan, interval }),
    enabled: Boolean(chosen) && !isCurrent,
  });
  // An amount asked for an earlier choice is never the one agreed to.
  const agreed = preview.isSuccess && !preview.isFetching && !isCurrent ? preview.data : null;

  function reset() {
    change.reset();
  }

  function confirm() {
    if (!agreed) return;
    change.mutate(agreed, {
      onSuccess: () => {
        announce(
          agreed.when === "now"
            ? `You are on ${agreed.plan.name} now.`
            : `The move to ${agreed.plan.name} is scheduled.`,
        );
        onClose();
      },
      onError: (error) => {
        // Time has passed or the subscription moved on: ask for the amount anew.
        if (error instanceof ApiError && error.status === 409) void preview.refetch();
      },
    });
  }

  return (
    <>
      <DialogBody className="grid content-start gap-5">
        {plans.isPending ? (
          <Waiting what="plans">
            <Skeleton className="h-32" />
          </Waiting>
        ) : plans.isError ? (
          <ErrorState error={plans.error} what="the plans" onRetry={() => plans.refetch()} />
        ) : (
          <>
            <div>
              <Segmented
                label="Billing interval"
                value={interval}
                onChange={(next) => {
                  reset();
                  setInterval(next);
                }}
                options={[
                  { value: "monthly", label: "Monthly" },
                  { value: "yearly", label: "Yearly" },
                ]}
              />
            </div>
            <PlanRadios
              plans={offered}
              value={plan}
              interval={interval}
              currentPlan={subscription.plan.id}
              currentInterval={current}
              onChange={(next) => {
                reset();
                setPlan(next);
              }}
            />
            {/* The wrapper stays, so that what appears inside it is said. */}
            <div aria-live="polite" className="min-h-16">
              {isCurrent || !chosen ? (
                <p className="text-ink-soft text-sm" data-testid="preview-none">
                  {isCurrent
                    ? "This is what you have now. Choose another plan or interval."
                    : "Choose a plan to see what it costs."}
                </p>
              ) : preview.isFetching ? (
                <Waiting what="the amount">
                  <div className="grid gap-2">
                    <Skeleton className="h-5 w-3/4" />
                    <Skeleton className="h-5 w-2/3" />
                    <Skeleton className="h-8" />
                  </div>
                </Waiting>
              ) : preview.isError ? (
                <ErrorState
                  error={preview.error}
                  what="the amount"
                  onRetry={() => preview.refetch()}
                />
              ) : preview.data ? (
                <Preview preview={preview.data} from={subscription.plan.name} />
              ) : null}
            </div>
            <ChangeFailure error={change.error} planName={subscription.plan.name} />
          </>
        )}
      </DialogBody>
      <DialogFoot>
        <Button onClick={onClose}>Keep {subscription.plan.name}</Button>
        <Button
          look="primary"
          disabled={!agreed}
          busy={change.isPending}
          onClick={confirm}
          data-testid="confirm-change"
        >
          {agreed ? <ConfirmText preview={agreed} /> : "Confirm change"}
        </Button>
      </DialogFoot>
    </>
  );
}

function ConfirmText({ preview }: { preview: PlanChangePreview }) {
  if (preview.when === "period_end") return <>Schedule {preview.plan.name}</>;
  if (preview.amount_due.amount > 0) {
    return (
      <span>
        Pay <Money value={preview.amount_due} /> and switch
      </span>
    );
  }
  return <>Switch to {preview.plan.name} now</>;
}

function PlanRadios({
  plans,
  value,
  interval,
  currentPlan,
  currentInterval,
  onChange,
}: {
  plans: Plan[];
  value: string;
  interval: Interval;
  currentPlan: string;
  currentInterval: Interval;
  onChange: (plan: string) => void;
}) {
  const name = useId();
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 font-medium text-sm">Plan</legend>
      {plans.map((plan) => {
        const price = priceFor(plan, interval);
        return (
          <label
            key={plan.id}
            className={cn(
              "flex cursor-pointer items-center gap-3 rounded-xl border px-4 py-3 has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2",
              plan.id === value
                ? "border-accent bg-accent-soft"
                : "border-line hover:border-edge hover:bg-sunken",
            )}
          >
            <input
              type="radio"
              name={name}
              value={plan.id}
              checked={plan.id === value}
              onChange={() => onChange(plan.id)}
              className="size-4 accent-accent"
            />
            <span className="flex-1 font-medium">
              {plan.name}
              {plan.id === currentPlan && interval === currentInterval ? (
                <span className="ml-2 font-normal text-ink-soft text-sm">current</span>
              ) : null}
            </span>
            {price ? (
              <span className="text-sm">
                <Money short value={price} className="font-semibold" />
                <span className="text-ink-soft"> / {intervalNoun(interval)}</span>
              </span>
            ) : null}
          </label>
        );
      })}
    </fieldset>
  );
}

function Preview({ preview, from }: { preview: PlanChangePreview; from: string }) {
  const later = preview.when === "period_end";
  return (
    <div data-testid="preview" className="rounded-xl border border-line">
      {preview.lines.length > 0 ? (
        <ul className="grid gap-1.5 border-line border-b px-4 py-3 text-sm">
          {preview.lines.map((line) => (
            <li
              // Two lines may read the same; together with the amount they differ.
              key={`${line.description} ${line.amount.amount}`}
              className="flex justify-between gap-4"
            >
              <span className="text-ink-soft">{line.description}</span>
              <Money value={line.amount} />
            </li>
          ))}
        </ul>
      ) : null}
      <div className="flex items-baseline justify-between gap-4 px-4 py-3">
        <span className="font-semibold">Due now</span>
        <Money value={preview.amount_due} className="font-semibold text-lg" />
      </div>
      {preview.credit.amount > 0 ? (
        <p
          data-testid="preview-credit"
          className="flex justify-between gap-4 px-4 pb-3 text-good text-sm"
        >
          <span>Credit towards your next invoices</span>
          <Money value={preview.credit} className="font-medium" />
        </p>
      ) : null}
      <p className="border-line border-t px-4 py-3 text-ink-soft text-sm">
        {later ? (
          <>
            You keep {from} until <When at={preview.effective_at} />, then {preview.plan.name}{" "}
            starts.
          </>
        ) : (
          <>{preview.plan.name} starts at once.</>
        )}{" "}
        {preview.renews_at ? (
          <>
            {later ? "First charge" : "Next charge"}: <Money value={preview.renewal_amount} /> on{" "}
            <When at={preview.renews_at} />.
          </>
        ) : (
          <>
            It renews at <Money value={preview.renewal_amount} />.
          </>
        )}
      </p>
    </div>
  );
}

function ChangeFailure({ error, planName }: { error: unknown; planName: string }) {
  const portal = usePortal();
  if (!error) return null;
  if (error instanceof ApiError && error.code === "payment_failed") {
    const reason = error.extra.reason;
    return (
      <Banner
        tone="bad"
        live
        testId="change-payment-failed"
        title={`The payment failed. You are still on ${planName}.`}
        actions={
          <Button size="small" onClick={() => portal.mutate()} busy={portal.isPending}>
            Update card
          </Button>
        }
      >
        {typeof reason === "string" && reason ? reason : error.message}
      </Banner>
    );
  }
  if (error instanceof ApiError && error.status === 409) {
    return (
      <Banner tone="warn" live testId="change-conflict" title="The amount was worked out anew">
        {error.message} Nothing was changed. Please look at the new amount and confirm again.
      </Banner>
    );
  }
  return <ActionError error={error} />;
}
