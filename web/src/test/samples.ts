// What the server would send, for tests.
import type { Delivery, Me, Plan, PlanChangePreview, Subscription } from "@/api/types";

const usd = (amount: number) => ({ amount, currency: "usd" });

export const ME: Me = {
  user: {
    id: "usr_1",
    email: "ada@example.test",
    name: "Ada Byron",
    email_verified: true,
    is_operator: false,
    created_at: "2026-01-01T00:00:00Z",
  },
  organization: {
    id: "org_1",
    name: "Analytical Engines",
    role: "admin",
    created_at: "2026-01-01T00:00:00Z",
  },
  installation: { mode: "test" },
};

export const OPERATOR: Me = { ...ME, user: { ...ME.user, is_operator: true } };

const runs = (limit: number | "unlimited") => ({
  id: "test_runs",
  name: "Test runs",
  kind: "metered" as const,
  unit: "count" as const,
  limit,
  enabled: null,
});
const sso = (enabled: boolean) => ({
  id: "sso",
  name: "Single sign-on",
  kind: "switch" as const,
  unit: "count" as const,
  limit: null,
  enabled,
});

export const FREE: Plan = {
  id: "free",
  name: "Free",
  description: "To try",
  rank: 0,
  prices: [],
  features: [runs(100), sso(false)],
};
export const TEAM: Plan = {
  id: "team",
  name: "Team",
  description: "For teams",
  rank: 1,
  prices: [
    { interval: "monthly", amount: usd(9_900) },
    { interval: "yearly", amount: usd(99_000) },
  ],
  features: [runs(1_000), sso(false)],
};
export const ENTERPRISE: Plan = {
  id: "enterprise",
  name: "Enterprise",
  description: "For companies",
  rank: 2,
  prices: [
    { interval: "monthly", amount: usd(49_900) },
    { interval: "yearly", amount: usd(499_000) },
  ],
  features: [runs("unlimited"), sso(true)],
};
export const PLANS = [FREE, TEAM, ENTERPRISE];

export const ON_FREE: Subscription = {
  plan: { id: "free", name: "Free" },
  subscribed_plan: null,
  status: "FREE",
  is_active: true,
  price: null,
  current_period_start: null,
  current_period_end: null,
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  ended_at: null,
  scheduled_change: null,
  stripe_customer_id: null,
  stripe_subscription_id: null,
  payment_problem: null,
  payment_method: null,
  because: "No subscription.",
  surplus_subscriptions: [],
};

export const ON_TEAM: Subscription = {
  ...ON_FREE,
  plan: { id: "team", name: "Team" },
  subscribed_plan: { id: "team", name: "Team" },
  status: "ACTIVE",
  price: { interval: "monthly", amount: usd(9_900) },
  current_period_start: "2026-11-01T00:00:00Z",
  current_period_end: "2026-12-01T00:00:00Z",
  stripe_customer_id: "cus_1",
  stripe_subscription_id: "sub_1",
  payment_method: { brand: "visa", last4: "4242", exp_month: 4, exp_year: 2030 },
  because: "Stripe says active.",
};

export const UPGRADE: PlanChangePreview = {
  plan: { id: "enterprise", name: "Enterprise" },
  interval: "monthly",
  when: "now",
  amount_due: usd(20_000),
  credit: usd(0),
  lines: [
    { description: "Unused time on Team", amount: usd(-4_950) },
    { description: "Remaining time on Enterprise", amount: usd(24_950) },
  ],
  proration_date: 1_795_000_000,
  effective_at: "2026-11-15T00:00:00Z",
  renews_at: "2026-12-01T00:00:00Z",
  renewal_amount: usd(49_900),
};

export const DELIVERY: Delivery = {
  id: "evt_1",
  type: "invoice.payment_failed",
  state: "parked",
  attempts: 8,
  received_at: "2026-11-20T10:00:00Z",
  due_at: null,
  finished_at: "2026-11-20T11:00:00Z",
  reason: {
    code: "unknown_price",
    detail: "The price is not mapped.",
    what_to_do: "Add it to the mapping, then replay.",
  },
  object_id: "in_1",
  organization_id: "org_1",
  api_version: "2026-08-26.dahlia",
};
