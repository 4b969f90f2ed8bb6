// The mock's catalogue and its invented deliveries.

const GiB = 1024 ** 3;
const usd = (amount) => ({ amount, currency: "usd" });

const count = (id, name, kind, limit) => ({ id, name, kind, unit: "count", limit, enabled: null });
const bytes = (id, name, limit) => ({
  id,
  name,
  kind: "allocated",
  unit: "bytes",
  limit,
  enabled: null,
});
const flag = (id, name, enabled) => ({
  id,
  name,
  kind: "switch",
  unit: "count",
  limit: null,
  enabled,
});

function features(runs, projects, users, parallel, storage, ai, sso, audit) {
  return [
    count("test_runs", "Test runs", "metered", runs),
    count("projects", "Projects", "allocated", projects),
    count("users", "Users", "allocated", users),
    count("concurrent_runs", "Concurrent runs", "allocated", parallel),
    bytes("storage_bytes", "Storage", storage),
    flag("ai_analysis", "AI analysis", ai),
    flag("sso", "Single sign-on", sso),
    flag("audit_log", "Audit log", audit),
  ];
}

export const PLANS = [
  {
    id: "free",
    name: "Free",
    description: "For trying things out and for small projects.",
    rank: 0,
    prices: [],
    features: features(100, 1, 3, 1, GiB, false, false, false),
  },
  {
    id: "team",
    name: "Team",
    description: "For teams that test every change before it ships.",
    rank: 1,
    prices: [
      { interval: "monthly", amount: usd(9_900) },
      { interval: "yearly", amount: usd(99_000) },
    ],
    features: features(1_000, 10, 20, 5, 10 * GiB, true, false, false),
  },
  {
    id: "enterprise",
    name: "Enterprise",
    description: "For companies with many teams and their own rules.",
    rank: 2,
    prices: [
      { interval: "monthly", amount: usd(49_900) },
      { interval: "yearly", amount: usd(499_000) },
    ],
    features: features("unlimited", "unlimited", "unlimited", 20, 100 * GiB, true, true, true),
  },
];

export const HANDLED_EVENTS = [
  "checkout.session.completed",
  "checkout.session.expired",
  "customer.subscription.created",
  "customer.subscription.deleted",
  "customer.subscription.updated",
  "customer.updated",
  "invoice.finalized",
  "invoice.paid",
  "invoice.payment_failed",
  "payment_method.attached",
];

const REASONS = {
  unknown_price: {
    code: "unknown_price",
    detail: "The price price_1Q9mLegacyGold is not in the plan mapping.",
    what_to_do:
      "Add the price to STRIPE_PLAN_PRICE_MAPPING or map it to a plan in billhook.toml, restart, then replay this delivery.",
  },
  unknown_customer: {
    code: "unknown_customer",
    detail: "The customer cus_R8dTnobody belongs to no organisation here.",
    what_to_do:
      "If the customer is yours, set its metadata organization_id at Stripe, then replay. Otherwise leave it parked.",
  },
};

export function makeDeliveries(now) {
  const deliveries = [];
  for (let index = 0; index < 57; index += 1) {
    const type =
      index % 9 === 4 ? "product.updated" : HANDLED_EVENTS[(index * 7 + 3) % HANDLED_EVENTS.length];
    const parked = index === 2 || index === 19;
    const state = parked
      ? "parked"
      : index === 0
        ? "pending"
        : index === 1
          ? "claimed"
          : type === "product.updated"
            ? "ignored"
            : "applied";
    const received = now - index * 47 * 60_000 - 40_000;
    const id = `evt_1TbK${(91_337 + index * 7_919).toString(36)}Qm8XzR${(index * 31 + 7).toString(36)}`;
    deliveries.push({
      id,
      type,
      state,
      attempts: state === "pending" ? 0 : parked ? 8 : 1,
      received_at: iso(received),
      due_at: state === "pending" ? iso(now + 5_000) : null,
      finished_at: state === "pending" || state === "claimed" ? null : iso(received + 240),
      reason: parked ? (index === 2 ? REASONS.unknown_price : REASONS.unknown_customer) : null,
      object_id: `${type.startsWith("invoice") ? "in" : "sub"}_1TbK${(index * 977 + 5_000).toString(36)}`,
      organization_id: index === 19 ? null : "org_01jd3m5v8k",
      api_version: index % 6 === 5 ? "2024-11-20.acacia" : "2026-08-26.dahlia",
    });
  }
  return deliveries;
}

export function payloadOf(delivery) {
  return {
    id: delivery.id,
    object: "event",
    api_version: delivery.api_version,
    created: Math.floor(Date.parse(delivery.received_at) / 1000),
    livemode: false,
    pending_webhooks: 1,
    type: delivery.type,
    data: {
      object: {
        id: delivery.object_id,
        object: delivery.type.startsWith("invoice") ? "invoice" : "subscription",
        customer: "cus_R8dTq2n41b",
        customer_email: "[left out]",
        currency: "usd",
        amount_due: 9900,
        attempt_count: 1,
        collection_method: "charge_automatically",
        lines: { object: "list", has_more: false, data: [{ id: "il_1TbK", amount: 9900 }] },
      },
    },
    request: { id: "req_9f2Qb1", idempotency_key: null },
  };
}

export function iso(ms) {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
