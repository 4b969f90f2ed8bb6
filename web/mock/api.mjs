// A stand-in for the server, in memory, that follows its HTTP contract closely
// enough to build and check the pages. It is not evidence of anything the
// server does: e2e/journey.test.mjs against the real binary is.
import { HANDLED_EVENTS, iso, makeDeliveries, PLANS, payloadOf } from "./data.mjs";
import { checkoutPage, portalPage } from "./pages.mjs";

const DAY = 86_400_000;
const usd = (amount) => ({ amount, currency: "usd" });
const planById = (id) => PLANS.find((plan) => plan.id === id);
const planRef = (plan) => ({ id: plan.id, name: plan.name });
const monthsLater = (ms, months) => {
  const date = new Date(ms);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.getTime();
};

class Problem extends Error {
  constructor(status, code, detail, extra = {}) {
    super(detail);
    Object.assign(this, { status, code, extra });
  }
}

/** Makes a handler `(request, response, next)`; `next` gets what is not the API. */
export function makeMock({ now = () => Date.now() } = {}) {
  let serial = 0;
  const id = (prefix) => `${prefix}_mock${(++serial).toString(36).padStart(4, "0")}`;
  const users = new Map();
  const orgs = new Map();
  const sessions = new Map();
  const checkouts = new Map();
  const deliveries = makeDeliveries(now());
  const webhooks = { paused: false, paused_at: null, paused_by: null };
  /** Answers to give instead of the real ones: path → {status, code, detail}. */
  const faults = new Map();
  let delayMs = 0;

  function freeSubscription() {
    return {
      plan: planRef(PLANS[0]),
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
      because: "No subscription at Stripe, so the free plan holds.",
      surplus_subscriptions: [],
    };
  }

  function addUser({
    email,
    password,
    name,
    organization_name,
    is_operator = false,
    role = "admin",
  }) {
    const created_at = iso(now());
    const org = {
      id: id("org"),
      name: organization_name,
      created_at,
      subscription: freeSubscription(),
      invoices: [],
      used: {
        test_runs: 64,
        projects: 1,
        users: 2,
        concurrent_runs: 0,
        storage_bytes: 412_000_000,
      },
    };
    orgs.set(org.id, org);
    const user = {
      id: id("usr"),
      email,
      name,
      email_verified: is_operator,
      is_operator,
      created_at,
    };
    users.set(email, { user, password, org: org.id, role });
    return users.get(email);
  }

  addUser({
    email: "operator@billhook.test",
    password: "operator",
    name: "Olga Operator",
    organization_name: "Billhook",
    is_operator: true,
  });

  function invoice(org, amount, description, status = "paid") {
    const number = `BHK-${String(org.invoices.length + 1).padStart(4, "0")}`;
    const created = iso(now());
    org.invoices.unshift({
      id: id("in"),
      number,
      status,
      amount: usd(amount),
      amount_due: usd(status === "paid" ? 0 : amount),
      amount_paid: usd(status === "paid" ? amount : 0),
      created_at: created,
      period_start: created,
      period_end: null,
      hosted_invoice_url: `/mock/invoice/${number}`,
      invoice_pdf: `/mock/invoice/${number}.pdf`,
      description,
    });
  }

  function subscribe(org, plan, interval) {
    const price = plan.prices.find((one) => one.interval === interval);
    const end = monthsLater(now(), interval === "yearly" ? 12 : 1);
    Object.assign(org.subscription, freeSubscription(), {
      plan: planRef(plan),
      subscribed_plan: planRef(plan),
      status: "ACTIVE",
      price,
      current_period_start: iso(now()),
      current_period_end: iso(end),
      stripe_customer_id: org.subscription.stripe_customer_id ?? id("cus"),
      stripe_subscription_id: id("sub"),
      payment_method: { brand: "visa", last4: "4242", exp_month: 12, exp_year: 2034 },
      because: `Stripe says the subscription to ${plan.name} is active.`,
    });
    invoice(org, price.amount.amount, plan.name);
  }

  function preview(org, { plan: planId, interval, when }) {
    const plan = planById(planId);
    const price = plan?.prices.find((one) => one.interval === interval);
    const { subscription } = org;
    if (!plan || !price) throw new Problem(400, "invalid_request", "This plan is not sold.");
    if (!subscription.price)
      throw new Problem(409, "conflict", "There is no running plan to change.");
    const monthly = (one) => one.amount.amount / (one.interval === "yearly" ? 12 : 1);
    const up = monthly(price) > monthly(subscription.price) || interval === "yearly";
    const at = when ?? (up ? "now" : "period_end");
    const start = Date.parse(subscription.current_period_start);
    const end = Date.parse(subscription.current_period_end);
    const left = (end - now()) / (end - start);
    const old = planById(subscription.plan.id);
    const unused = -Math.floor(subscription.price.amount.amount * left);
    const same = interval === subscription.price.interval;
    const remaining = same ? Math.floor(price.amount.amount * left) : price.amount.amount;
    const renews = at === "now" && !same ? monthsLater(now(), interval === "yearly" ? 12 : 1) : end;
    const due = at === "now" ? unused + remaining : 0;
    return {
      plan: planRef(plan),
      interval,
      when: at,
      amount_due: usd(Math.max(0, due)),
      credit: usd(Math.max(0, -due)),
      lines:
        at === "now"
          ? [
              { description: `Unused time on ${old.name}`, amount: usd(unused) },
              {
                description: same ? `Remaining time on ${plan.name}` : `1 × ${plan.name}`,
                amount: usd(remaining),
              },
            ]
          : [],
      proration_date: at === "now" ? Math.floor(now() / 1000) : null,
      effective_at: at === "now" ? iso(now()) : iso(end),
      renews_at: iso(renews),
      renewal_amount: price.amount,
    };
  }

  function entitlements(org) {
    const plan = planById(org.subscription.plan.id);
    const resets = iso(monthsLater(Date.parse(org.created_at), 1));
    return {
      organization_id: org.id,
      plan: planRef(plan),
      is_active: org.subscription.is_active,
      status: org.subscription.status,
      because: { fact: "mirror", detail: org.subscription.because },
      features: plan.features.map((feature) => {
        if (feature.kind === "switch") {
          return { ...feature, used: null, remaining: null, resets_at: null };
        }
        const used = org.used[feature.id] ?? 0;
        return {
          ...feature,
          used,
          remaining: typeof feature.limit === "number" ? Math.max(0, feature.limit - used) : null,
          resets_at: feature.kind === "metered" ? resets : null,
        };
      }),
    };
  }

  const surplus = [
    { organization_id: "org_01jd3m5v8k", name: "Nordlicht GmbH", subscriptions: ["sub_1TbKaaQm8"] },
  ];

  const counts = () => {
    const all = { pending: 0, claimed: 0, applied: 0, ignored: 0, parked: 0 };
    for (const delivery of deliveries) all[delivery.state] += 1;
    return all;
  };

  function sessionFor(account) {
    const token = id("tok");
    sessions.set(token, account);
    const org = orgs.get(account.org);
    return {
      cookie: `billhook_session=${token}; HttpOnly; SameSite=Lax; Path=/`,
      body: {
        token,
        expires_at: iso(now() + DAY),
        user: account.user,
        organization: organizationOf(account, org),
      },
    };
  }

  const organizationOf = (account, org) => ({
    id: org.id,
    name: org.name,
    role: account.role,
    created_at: org.created_at,
  });

  const routes = [
    ["POST", /^\/auth\/signup$/, signup],
    ["POST", /^\/auth\/login$/, login],
    ["POST", /^\/auth\/logout$/, logout],
    [
      "GET",
      /^\/auth\/me$/,
      member((c) => ({
        user: c.account.user,
        organization: organizationOf(c.account, c.org),
        installation: { mode: "test" },
      })),
    ],
    ["GET", /^\/plans$/, () => ({ body: { data: PLANS, next: null } })],
    ["GET", /^\/organization$/, member(({ org }) => profileOf(org))],
    [
      "PATCH",
      /^\/organization$/,
      member(({ org, input }) => {
        org.name = input.name;
        return profileOf(org);
      }),
    ],
    ["GET", /^\/billing\/subscription$/, member(({ org }) => org.subscription)],
    ["POST", /^\/billing\/checkout$/, member(startCheckout, 201)],
    ["GET", /^\/billing\/checkout\/([^/]+)$/, member(readCheckout)],
    [
      "POST",
      /^\/billing\/portal$/,
      member(({ org, origin }) => ({ url: `${origin}/mock/portal/${org.id}` }), 201),
    ],
    ["POST", /^\/billing\/plan-change\/preview$/, member(({ org, input }) => preview(org, input))],
    ["POST", /^\/billing\/plan-change$/, member(changePlan)],
    [
      "POST",
      /^\/billing\/plan-change\/withdraw$/,
      member(({ org }) => Object.assign(org.subscription, { scheduled_change: null })),
    ],
    ["POST", /^\/billing\/cancel$/, member(({ org, input }) => cancel(org, input.when))],
    [
      "POST",
      /^\/billing\/resume$/,
      member(({ org }) =>
        Object.assign(org.subscription, { cancel_at_period_end: false, cancel_at: null }),
      ),
    ],
    ["GET", /^\/billing\/invoices$/, member(({ org }) => ({ data: org.invoices, next: null }))],
    ["GET", /^\/entitlements$/, member(({ org }) => entitlements(org))],
    ["GET", /^\/admin\/deliveries$/, operator(listDeliveries)],
    [
      "GET",
      /^\/admin\/deliveries\/([^/]+)$/,
      operator((c) => {
        const delivery = findDelivery(c.match[1]);
        return { ...delivery, payload: payloadOf(delivery) };
      }),
    ],
    [
      "POST",
      /^\/admin\/deliveries\/([^/]+)\/replay$/,
      operator((c) =>
        Object.assign(findDelivery(c.match[1]), {
          state: "pending",
          reason: null,
          due_at: null,
          attempts: findDelivery(c.match[1]).attempts + 1,
          finished_at: iso(now()),
        }),
      ),
    ],
    ["GET", /^\/admin\/webhooks$/, operator(webhookState)],
    [
      "POST",
      /^\/admin\/webhooks\/pause$/,
      operator((c) => {
        Object.assign(webhooks, {
          paused: true,
          paused_at: iso(now()),
          paused_by: c.account.user.email,
        });
        return webhookState();
      }),
    ],
    [
      "POST",
      /^\/admin\/webhooks\/resume$/,
      operator(() => {
        Object.assign(webhooks, { paused: false, paused_at: null, paused_by: null });
        return webhookState();
      }),
    ],
    ["POST", /^\/admin\/organizations\/([^/]+)\/resync$/, operator(() => ({ changed: [] }))],
    [
      "POST",
      /^\/admin\/organizations\/([^/]+)\/cancel-surplus$/,
      operator(({ input, org }) => {
        surplus.length = 0;
        const refunded = input.refund ? usd(9_900) : null;
        return { refund_id: refunded && "re_mock", refunded, subscription: org.subscription };
      }),
    ],
    [
      "GET",
      /^\/admin\/summary$/,
      operator(() => ({
        organizations: orgs.size + 41,
        active_subscriptions: 27,
        mrr: [usd(412_300), { amount: 58_000, currency: "eur" }],
        trialing: 4,
        past_due: 2,
        deliveries: counts(),
        surplus,
      })),
    ],
  ];

  const profileOf = ({ id: orgId, name, created_at }) => ({ id: orgId, name, created_at });

  function signup({ input }) {
    const fields = {};
    if (users.has(input.email)) fields.email = "There is already an account with this address.";
    if (Object.keys(fields).length > 0) {
      throw new Problem(400, "invalid_request", "Some fields need another look.", { fields });
    }
    return { status: 201, ...sessionFor(addUser(input)) };
  }

  function login({ input }) {
    const account = users.get(input.email);
    if (!account || account.password !== input.password) {
      throw new Problem(401, "unauthenticated", "E-mail or password is wrong.");
    }
    return sessionFor(account);
  }

  function logout({ token }) {
    sessions.delete(token);
    return { status: 204 };
  }

  function startCheckout({ org, input, origin }) {
    if (org.subscription.stripe_subscription_id && org.subscription.status !== "CANCELLED") {
      throw new Problem(409, "already_subscribed", "There is a running plan already.", {
        subscription: { plan: org.subscription.plan.id, status: org.subscription.status },
      });
    }
    const session = {
      id: id("cs_test"),
      org: org.id,
      status: "open",
      asked: 0,
      plan: input.plan,
      interval: input.interval,
      cancel_url: `${origin}/settings?tab=billing&checkout=cancelled`,
    };
    checkouts.set(session.id, session);
    return { id: session.id, url: `${origin}/mock/checkout/${session.id}` };
  }

  function readCheckout({ match, org }) {
    const session = checkouts.get(match[1]);
    if (session?.org !== org.id) throw new Problem(404, "not_found", "No such checkout.");
    // Two looks find it still open, so that the page's progress can be seen.
    if (session.status === "paid" && ++session.asked > 2) {
      subscribe(org, planById(session.plan), session.interval);
      session.status = "complete";
    }
    const status = session.status === "paid" ? "open" : session.status;
    return {
      id: session.id,
      status,
      url: null,
      subscription: status === "complete" ? org.subscription : null,
    };
  }

  function changePlan({ org, input }) {
    const wanted = preview(org, input);
    const { subscription } = org;
    if (wanted.when === "period_end") {
      subscription.scheduled_change = {
        plan: wanted.plan,
        interval: wanted.interval,
        at: wanted.effective_at,
      };
      return subscription;
    }
    invoice(org, input.expected_amount_due ?? 0, wanted.plan.name);
    return Object.assign(subscription, {
      plan: wanted.plan,
      price: { interval: wanted.interval, amount: wanted.renewal_amount },
      current_period_end: wanted.renews_at,
      scheduled_change: null,
      because: `Stripe says the subscription to ${wanted.plan.name} is active.`,
    });
  }

  function cancel(org, when) {
    const { subscription } = org;
    if (when === "now") {
      return Object.assign(subscription, freeSubscription(), {
        status: "CANCELLED",
        ended_at: iso(now()),
        stripe_customer_id: subscription.stripe_customer_id,
      });
    }
    return Object.assign(subscription, {
      cancel_at_period_end: true,
      cancel_at: subscription.current_period_end,
      scheduled_change: null,
    });
  }

  function listDeliveries({ query }) {
    const from = Number(query.get("cursor") ?? 0);
    const state = query.get("state");
    const type = query.get("type");
    const all = deliveries.filter(
      (one) => (!state || one.state === state) && (!type || one.type === type),
    );
    const next = from + 20 < all.length ? String(from + 20) : null;
    return { data: all.slice(from, from + 20), next };
  }

  function findDelivery(wanted) {
    const delivery = deliveries.find((one) => one.id === wanted);
    if (!delivery) throw new Problem(404, "not_found", "No such delivery.");
    return delivery;
  }

  function webhookState() {
    return { ...webhooks, counts: counts(), lag_ms: 420, handled_events: HANDLED_EVENTS };
  }

  function member(handle, status = 200) {
    return (context) => {
      if (!context.account) throw new Problem(401, "unauthenticated", "Please log in.");
      return { status, body: handle(context) };
    };
  }

  function operator(handle) {
    return member((context) => {
      if (!context.account.user.is_operator) {
        throw new Problem(403, "forbidden", "This is for operators.");
      }
      return handle(context);
    });
  }

  /** Test controls: patch an organisation's subscription or usage, plant a fault, slow down. */
  function control(path, input) {
    if (path === "/__mock/fault") {
      if (input.status) faults.set(input.path, input);
      else faults.delete(input.path);
    } else if (path === "/__mock/delay") {
      delayMs = input.ms;
    } else if (path === "/__mock/account") {
      const account = users.get(input.email);
      if (input.role) account.role = input.role;
      Object.assign(account.user, input.user ?? {});
      Object.assign(orgs.get(account.org).subscription, input.subscription ?? {});
      Object.assign(orgs.get(account.org).used, input.used ?? {});
    }
    return { ok: true };
  }

  function hosted(request, { pathname: path, origin, searchParams }, input) {
    const view = searchParams.get("view");
    const [, kind, key] = path.match(/^\/mock\/(checkout|portal|invoice)\/(.+)$/) ?? [];
    const form = new URLSearchParams(input);
    if (kind === "checkout" && checkouts.has(key)) {
      if (request.method === "GET") return { html: checkoutPage(checkouts.get(key)) };
      if (form.get("card_number").endsWith("0002")) {
        return { html: checkoutPage(checkouts.get(key), "Your card was declined.") };
      }
      checkouts.get(key).status = "paid";
      return { to: `${origin}/settings?tab=billing&checkout=success&session_id=${key}` };
    }
    if (kind === "portal" && orgs.has(key)) {
      const org = orgs.get(key);
      if (request.method === "POST") {
        if (form.get("do") === "cancel") cancel(org);
        if (form.get("do") === "resume") {
          Object.assign(org.subscription, { cancel_at_period_end: false, cancel_at: null });
        }
        if (form.get("do") === "card") {
          org.subscription.payment_method = {
            brand: form.get("card_number").startsWith("5") ? "mastercard" : "visa",
            last4: form.get("card_number").replaceAll(" ", "").slice(-4),
            exp_month: 11,
            exp_year: 2035,
          };
        }
      }
      return { html: portalPage(org, view) };
    }
    if (key?.endsWith(".pdf")) return { html: "%PDF-1.4 (mock)", type: "application/pdf" };
    return { html: `<!doctype html><title>Invoice</title><h1>Invoice ${key ?? ""}</h1>` };
  }

  return async function mock(request, response, next) {
    const url = new URL(request.url, `http://${request.headers.host}`);
    const path = url.pathname;
    const send = (status, type, body, headers = {}) => {
      response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", ...headers });
      response.end(body);
    };
    if (!/^\/(api|mock|__mock)\//.test(path)) return next();
    const text = await readBody(request);
    if (path.startsWith("/mock/")) {
      const { html, to, type = "text/html" } = hosted(request, url, text);
      return to ? send(303, "text/plain", "", { Location: to }) : send(200, type, html);
    }
    const requestId = id("req");
    try {
      const input = text ? JSON.parse(text) : {};
      if (path.startsWith("/__mock/")) {
        return send(200, "application/json", JSON.stringify(control(path, input)));
      }
      if (delayMs > 0) await new Promise((done) => setTimeout(done, delayMs));
      const fault = faults.get(path);
      if (fault) throw new Problem(fault.status, fault.code, fault.detail, fault.extra);
      const token = /billhook_session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
      const account = sessions.get(token);
      const inner = path.replace(/^\/api\/v1/, "");
      for (const [method, pattern, handle] of routes) {
        const match = pattern.exec(inner);
        if (!match || request.method !== method) continue;
        const context = {
          input,
          match,
          token,
          account,
          org: account && orgs.get(account.org),
          origin: url.origin,
          query: url.searchParams,
        };
        const { status = 200, body, cookie } = handle(context);
        return send(status, "application/json", body === undefined ? "" : JSON.stringify(body), {
          "Request-Id": requestId,
          ...(cookie ? { "Set-Cookie": cookie } : {}),
        });
      }
      throw new Problem(404, "not_found", "There is nothing here.");
    } catch (error) {
      const known = error instanceof Problem;
      const problem = {
        type: `https://billhook.dev/problems/${known ? error.code : "internal"}`,
        title: known ? error.code.replaceAll("_", " ") : "Internal error",
        status: known ? error.status : 500,
        code: known ? error.code : "internal",
        detail: known ? error.message : String(error),
        request_id: requestId,
        ...(known ? error.extra : {}),
      };
      send(problem.status, "application/problem+json", JSON.stringify(problem), {
        "Request-Id": requestId,
      });
    }
  };
}

async function readBody(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
