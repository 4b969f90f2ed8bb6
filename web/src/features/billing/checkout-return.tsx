// The way back from Stripe's payment page. We ask our server, which asks Stripe,
// until the plan is there; the webhook may come before or after.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { Check, LoaderCircle } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { answer, api } from "@/api/client";
import { ApiError } from "@/api/problem";
import type { CheckoutState } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Banner, RequestId } from "@/components/ui/feedback";
import { announce } from "@/lib/announce";
import { cn } from "@/lib/cn";
import { useSettle } from "./queries";

const QUICK_MS = 1_000;
const SLOW_MS = 4_000;
/** From here on the page says that it takes longer than usual. */
const PATIENCE_MS = 20_000;

type Stage = "confirming" | "activating" | "active" | "expired";

function stageOf(state: CheckoutState | undefined): Stage {
  switch (state?.status) {
    case "complete":
      return state.subscription?.is_active ? "active" : "activating";
    case "expired":
      return "expired";
    default:
      return "confirming";
  }
}

const checkoutQuery = (id: string, slow: boolean) =>
  queryOptions({
    queryKey: ["billing", "checkout", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/billing/checkout/{id}", { signal, params: { path: { id } } })),
    refetchInterval: (query) => {
      const stage = stageOf(query.state.data);
      if (stage === "active" || stage === "expired") return false;
      const error = query.state.error;
      // A session that is not ours or unknown will not become ours by asking again.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
        return error.status === 429 ? (error.retryAfterSeconds ?? 10) * 1_000 : false;
      }
      return slow || error ? SLOW_MS : QUICK_MS;
    },
    // The interval is the retry.
    retry: false,
    staleTime: 0,
    refetchOnWindowFocus: false,
  });

export function CheckoutReturn({ sessionId, onDone }: { sessionId: string; onDone: () => void }) {
  const [slow, setSlow] = useState(false);
  const checkout = useQuery(checkoutQuery(sessionId, slow));
  const stage = stageOf(checkout.data);
  const settle = useSettle();
  const settled = useRef(false);

  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);

  const subscription = checkout.data?.subscription;
  useEffect(() => {
    if (stage === "active" && subscription && !settled.current) {
      settled.current = true;
      announce(`${subscription.plan.name} is active.`);
      void settle(subscription);
    }
  }, [stage, subscription, settle]);

  if (checkout.error instanceof ApiError && isFinal(checkout.error) && !checkout.data) {
    return (
      <Banner
        tone="bad"
        live
        testId="checkout-error"
        title="This payment could not be looked up"
        actions={
          <Button size="small" onClick={onDone}>
            Dismiss
          </Button>
        }
      >
        {checkout.error.message} If you have paid, your plan appears below as soon as Stripe tells
        us. <RequestId error={checkout.error} />
      </Banner>
    );
  }

  if (stage === "expired") {
    return (
      <Banner
        tone="warn"
        live
        testId="checkout-expired"
        title="The payment page expired"
        actions={
          <Button size="small" onClick={onDone}>
            Dismiss
          </Button>
        }
      >
        Nothing was charged and nothing changed. You can choose a plan again.
      </Banner>
    );
  }

  if (stage === "active") {
    const name = checkout.data?.subscription?.plan.name ?? "Your plan";
    return (
      <Banner
        tone="good"
        live
        testId="checkout-active"
        title={`${name} is active`}
        actions={
          <Button size="small" onClick={onDone}>
            Continue
          </Button>
        }
      >
        Thank you. Everything in {name} can be used from this moment.
      </Banner>
    );
  }

  return (
    <Card className="p-5 sm:p-6" data-testid="checkout-progress">
      <div role="status">
        <p className="font-semibold">
          {stage === "confirming" ? "Confirming your payment with Stripe…" : "Starting your plan…"}
        </p>
        <p className="mt-0.5 text-ink-soft text-sm">
          {slow
            ? "This takes longer than usual. You can leave this page: the plan starts by itself, and nothing is charged twice."
            : "This takes a few seconds. Please keep this page open."}
        </p>
      </div>
      <ol className="mt-4 grid gap-2 text-sm">
        <Step done>Back from the payment page</Step>
        <Step done={stage === "activating"} current={stage === "confirming"}>
          Payment confirmed
        </Step>
        <Step current={stage === "activating"}>Plan active</Step>
      </ol>
      {checkout.isError ? (
        <p className="mt-3 text-ink-soft text-sm">
          The last look-up failed ({checkout.error.message}) We keep trying.
        </p>
      ) : null}
    </Card>
  );
}

function isFinal(error: ApiError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}

function Step({
  children,
  done = false,
  current = false,
}: {
  children: React.ReactNode;
  done?: boolean;
  current?: boolean;
}) {
  return (
    <li
      aria-current={current ? "step" : undefined}
      className={cn("flex items-center gap-2.5", done || current ? "text-ink" : "text-ink-faint")}
    >
      <span
        className={cn(
          "grid size-5 place-items-center rounded-full",
          done ? "bg-accent text-on-accent" : "border border-edge",
          current && "border-transparent text-accent-ink",
        )}
      >
        {done ? <Check aria-hidden="true" className="size-3.5" strokeWidth={3} /> : null}
        {current ? <LoaderCircle aria-hidden="true" className="size-5 animate-spin" /> : null}
      </span>
      {children}
      {done ? <span className="sr-only">(done)</span> : null}
    </li>
  );
}

/** Came back without paying. */
export function CheckoutCancelled({
  onDone,
  again,
}: {
  onDone: () => void;
  again: React.ReactNode;
}) {
  return (
    <Banner
      tone="info"
      live
      testId="checkout-cancelled"
      title="You left the payment page"
      actions={
        <>
          {again}
          <Button size="small" look="quiet" onClick={onDone}>
            Dismiss
          </Button>
        </>
      }
    >
      Nothing was charged and nothing changed.
    </Banner>
  );
}
