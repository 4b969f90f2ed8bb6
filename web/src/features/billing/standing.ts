// What a subscription means for the person looking at it: one standing, decided
// here, so that the panel, the banners and the buttons cannot disagree.
import type { Plan, Subscription } from "@/api/types";

export type Standing =
  /** Nothing bought, or what was bought has ended. */
  | { kind: "free"; endedAt: string | null }
  | { kind: "trial"; endsAt: string | null }
  | { kind: "renewing"; at: string | null }
  | { kind: "ending"; at: string | null }
  | { kind: "switching"; planName: string; interval: string; at: string }
  /** Stripe could not collect; `active` says whether a grace period still grants the plan. */
  | { kind: "unpaid"; active: boolean }
  | { kind: "incomplete" }
  | { kind: "paused" }
  | { kind: "unknown" };

export function standingOf(subscription: Subscription): Standing {
  switch (subscription.status) {
    case "FREE":
      return { kind: "free", endedAt: subscription.ended_at ?? null };
    case "CANCELLED":
      return { kind: "free", endedAt: subscription.ended_at ?? null };
    case "PAST_DUE":
    case "UNPAID":
      return { kind: "unpaid", active: subscription.is_active };
    case "INCOMPLETE":
      return { kind: "incomplete" };
    case "PAUSED":
      return { kind: "paused" };
    case "ACTIVE":
    case "TRIALING": {
      if (subscription.cancel_at_period_end || subscription.cancel_at) {
        return {
          kind: "ending",
          at: subscription.cancel_at ?? subscription.current_period_end ?? null,
        };
      }
      const change = subscription.scheduled_change;
      if (change) {
        return {
          kind: "switching",
          planName: change.plan.name,
          interval: change.interval,
          at: change.at,
        };
      }
      return subscription.status === "TRIALING"
        ? { kind: "trial", endsAt: subscription.trial_end ?? null }
        : { kind: "renewing", at: subscription.current_period_end ?? null };
    }
    default:
      return { kind: "unknown" };
  }
}

/**
 * The plan to speak of: the one that was bought, also while its features are off because a
 * payment is missing and the free plan's limits apply.
 */
export function spokenPlan({ is_active, plan, subscribed_plan }: Subscription) {
  return is_active ? plan : (subscribed_plan ?? plan);
}

/** Whether Stripe holds a subscription that can be changed or cancelled. */
export function isLive(subscription: Subscription): boolean {
  switch (standingOf(subscription).kind) {
    case "trial":
    case "renewing":
    case "ending":
    case "switching":
    case "unpaid":
    case "paused":
      return true;
    case "free":
    case "incomplete":
    case "unknown":
      return false;
  }
}

export function intervalNoun(interval: string): string {
  return interval === "yearly" ? "year" : "month";
}

export function intervalWord(interval: string): string {
  return interval === "yearly" ? "Yearly" : "Monthly";
}

export function priceFor(plan: Plan, interval: string) {
  return plan.prices.find((price) => price.interval === interval)?.amount ?? null;
}

/** What twelve months cost less when paid at once, in basis points; null when nothing is saved. */
export function yearlySavingBp(plan: Plan): number | null {
  const monthly = priceFor(plan, "monthly");
  const yearly = priceFor(plan, "yearly");
  if (!monthly || !yearly || monthly.currency !== yearly.currency || monthly.amount <= 0) {
    return null;
  }
  const twelve = monthly.amount * 12;
  if (yearly.amount >= twelve) return null;
  // Rounded down: a saving is never announced larger than it is.
  return Math.floor(((twelve - yearly.amount) * 10_000) / twelve);
}
