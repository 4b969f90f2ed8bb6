// The plans side by side. What the button of each does depends on who looks;
// `offerFor` decides it in one place.
import { Check } from "lucide-react";
import type { Interval, Plan, Subscription } from "@/api/types";
import { Money } from "@/components/money";
import { LimitText } from "@/components/quantity";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { cn } from "@/lib/cn";
import { limitFrom } from "@/lib/quantity";
import { intervalNoun, isLive, priceFor, spokenPlan, standingOf, yearlySavingBp } from "./standing";

export type Offer =
  /** A visitor: make an account first. */
  | { kind: "join" }
  | { kind: "current" }
  /** No live subscription: pay at Stripe. */
  | { kind: "buy" }
  /** A live subscription: change it, with a preview. */
  | { kind: "change"; label: string }
  /** Down to the free plan: that is a cancellation. */
  | { kind: "leave" }
  | { kind: "none" };

export function offerFor(
  plan: Plan,
  interval: Interval,
  viewer: { subscription: Subscription; rank: number } | null,
): Offer {
  if (!viewer) return { kind: "join" };
  const { subscription } = viewer;
  const free = plan.prices.length === 0;
  if (!isLive(subscription)) {
    if (free) return plan.id === subscription.plan.id ? { kind: "current" } : { kind: "none" };
    return { kind: "buy" };
  }
  // What is ending already ends in the free plan; there is nothing more to cancel.
  if (free) return { kind: standingOf(subscription).kind === "ending" ? "none" : "leave" };
  if (plan.id === spokenPlan(subscription).id) {
    return subscription.price && subscription.price.interval !== interval
      ? { kind: "change", label: interval === "yearly" ? "Switch to yearly" : "Switch to monthly" }
      : { kind: "current" };
  }
  return {
    kind: "change",
    label: plan.rank > viewer.rank ? `Upgrade to ${plan.name}` : `Move to ${plan.name}`,
  };
}

export function PlanCards({
  plans,
  interval,
  viewer,
  buyable,
  busyPlan,
  highlighted,
  onOffer,
}: {
  plans: Plan[];
  interval: Interval;
  /** What the looking organisation has; null for a visitor. */
  viewer: { subscription: Subscription; rank: number } | null;
  /** False for a member who may look but not buy: no buttons then. */
  buyable: boolean;
  busyPlan: string | null;
  highlighted: string | null;
  onOffer: (plan: Plan, offer: Offer) => void;
}) {
  return (
    <ul
      className={cn(
        "mx-auto grid gap-5",
        plans.length >= 4 ? "sm:grid-cols-2 xl:grid-cols-4" : "max-w-5xl lg:grid-cols-3",
      )}
    >
      {plans.map((plan) => (
        <li key={plan.id} className="grid">
          <PlanCard
            plan={plan}
            interval={interval}
            offer={buyable ? offerFor(plan, interval, viewer) : { kind: "none" }}
            busy={busyPlan === plan.id}
            locked={busyPlan !== null && busyPlan !== plan.id}
            highlighted={highlighted === plan.id}
            onOffer={onOffer}
          />
        </li>
      ))}
    </ul>
  );
}

function PlanCard({
  plan,
  interval,
  offer,
  busy,
  locked,
  highlighted,
  onOffer,
}: {
  plan: Plan;
  interval: Interval;
  offer: Offer;
  busy: boolean;
  locked: boolean;
  highlighted: boolean;
  onOffer: (plan: Plan, offer: Offer) => void;
}) {
  const current = offer.kind === "current";
  return (
    <Card
      aria-labelledby={`plan-${plan.id}`}
      data-testid={`plan-${plan.id}`}
      className={cn(
        "flex flex-col p-6",
        (highlighted || current) && "border-accent ring-1 ring-accent",
      )}
    >
      <div className="flex items-center justify-between gap-3">
        <h2 id={`plan-${plan.id}`} className="font-semibold text-lg">
          {plan.name}
        </h2>
        {current ? (
          <span className="rounded-full bg-accent-soft px-2.5 py-0.5 font-medium text-[0.8125rem] text-accent-ink">
            Current plan
          </span>
        ) : null}
      </div>
      <p className="mt-1 text-ink-soft text-sm lg:min-h-11">{plan.description}</p>
      <Price plan={plan} interval={interval} />
      <OfferButton plan={plan} offer={offer} busy={busy} locked={locked} onOffer={onOffer} />
      <FeatureList plan={plan} />
    </Card>
  );
}

function Price({ plan, interval }: { plan: Plan; interval: Interval }) {
  const price = priceFor(plan, interval);
  const monthly = priceFor(plan, "monthly");
  const currency = monthly?.currency ?? "usd";
  const saving = interval === "yearly" ? yearlySavingBp(plan) : null;
  if (plan.prices.length === 0) {
    return (
      <PriceLines note="For as long as you like">
        <BigMoney value={{ amount: 0, currency }} />
      </PriceLines>
    );
  }
  if (!price) return <PriceLines note={`Not sold ${interval}`}>–</PriceLines>;
  return (
    <PriceLines
      per={intervalNoun(interval)}
      note={
        saving !== null && monthly ? (
          <>
            Instead of <Money short value={{ ...monthly, amount: monthly.amount * 12 }} />, saves{" "}
            {Math.floor(saving / 100)} %
          </>
        ) : interval === "yearly" ? (
          "Billed once a year"
        ) : (
          "Billed monthly, cancel any time"
        )
      }
    >
      <BigMoney value={price} />
    </PriceLines>
  );
}

function BigMoney({ value }: { value: { amount: number; currency: string } }) {
  return (
    <Money
      short
      value={value}
      className="font-semibold text-[2.5rem] leading-none tracking-[-0.035em]"
    />
  );
}

function PriceLines({
  children,
  per,
  note,
}: {
  children: React.ReactNode;
  per?: string;
  note: React.ReactNode;
}) {
  return (
    <div className="mt-5" data-testid="price">
      <p>
        {children}
        {per ? <span className="text-ink-soft"> / {per}</span> : null}
      </p>
      <p className="mt-2 text-[0.8125rem] text-ink-faint">{note}</p>
    </div>
  );
}

function OfferButton({
  plan,
  offer,
  busy,
  locked,
  onOffer,
}: {
  plan: Plan;
  offer: Offer;
  busy: boolean;
  locked: boolean;
  onOffer: (plan: Plan, offer: Offer) => void;
}) {
  const free = plan.prices.length === 0;
  const look = free || offer.kind === "leave" ? "secondary" : "primary";
  const label = offerLabel(plan, offer);
  if (label === null) {
    return offer.kind === "current" ? (
      <p className="mt-6 grid h-10 place-items-center rounded-lg bg-sunken font-medium text-ink-soft text-sm">
        Your plan
      </p>
    ) : null;
  }
  return (
    <Button
      look={look}
      className="mt-6 w-full"
      busy={busy}
      disabled={locked}
      onClick={() => onOffer(plan, offer)}
      data-testid={`choose-${plan.id}`}
    >
      {label}
    </Button>
  );
}

function offerLabel(plan: Plan, offer: Offer): string | null {
  switch (offer.kind) {
    case "join":
      return plan.prices.length === 0 ? "Start for free" : `Choose ${plan.name}`;
    case "buy":
      return `Choose ${plan.name}`;
    case "change":
      return offer.label;
    case "leave":
      return `Move to ${plan.name}`;
    case "current":
    case "none":
      return null;
  }
}

/** What a plan holds: its quantities as label and value, then its switches. */
function FeatureList({ plan }: { plan: Plan }) {
  const quantities = plan.features.filter(
    (feature) => feature.kind !== "switch" && limitFrom(feature.limit) !== "disabled",
  );
  const switches = plan.features.filter((feature) => feature.kind === "switch" && feature.enabled);
  return (
    <div className="mt-6 grid gap-4 border-line border-t pt-5 text-sm">
      <dl className="grid gap-2">
        {quantities.map((feature) => (
          <div key={feature.id} className="flex justify-between gap-4">
            <dt className="text-ink-soft">
              {feature.name}
              {feature.kind === "metered" ? " / month" : ""}
            </dt>
            <dd className="font-medium">
              <LimitText limit={limitFrom(feature.limit)} unit={feature.unit} />
            </dd>
          </div>
        ))}
      </dl>
      {switches.length > 0 ? (
        <ul className="grid gap-2">
          {switches.map((feature) => (
            <li key={feature.id} className="flex items-center gap-2">
              <Check aria-hidden="true" className="size-4 shrink-0 text-accent" strokeWidth={2.5} />
              {feature.name}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
