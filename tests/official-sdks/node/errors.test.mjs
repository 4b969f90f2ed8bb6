// Refusals and lost connections: which class of error the package makes of them, and what it does
// by itself.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import {
  client,
  email,
  KEY,
  payer,
  price,
  refused,
  SIMULATOR,
  Stripe,
  stripe,
  VERSION,
  Wire,
} from "./house.mjs";

const {
  StripeAPIError,
  StripeAuthenticationError,
  StripeCardError,
  StripeIdempotencyError,
  StripeInvalidRequestError,
} = Stripe.errors;

/** Stripe's names for cards, with the `code` and `decline_code` they are refused with. */
const DECLINES = [
  ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
  ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
  ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
  ["pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"],
  ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined],
  ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined],
  ["pm_card_chargeDeclinedProcessingError", "processing_error", undefined],
];

for (const [card, code, decline] of DECLINES) {
  test(`${card} is a card error`, async () => {
    const error = await refused(
      stripe.paymentIntents.create({
        amount: 2_000,
        currency: "usd",
        payment_method: card,
        automatic_payment_methods: { enabled: true, allow_redirects: "never" },
        confirm: true,
      }),
      StripeCardError,
    );
    assert.equal(error.statusCode, 402);
    assert.equal(error.rawType, "card_error");
    assert.equal(error.code, code);
    if (decline) assert.equal(error.decline_code, decline);
    assert.match(error.charge, /^ch_/);
    assert.equal(error.payment_intent.status, "requires_payment_method");
    assert.equal(error.payment_intent.last_payment_error.code, code);
    assert.equal(error.doc_url, `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}`);
    assert.match(error.requestId, /^req_/);
    const kept = await stripe.charges.retrieve(error.charge);
    assert.equal(kept.status, "failed");
    assert.equal(kept.failure_code, code);
  });
}

test("a card that is declined cannot even be attached", async () => {
  const customer = await stripe.customers.create({ email: email() });
  const error = await refused(
    stripe.paymentMethods.attach("pm_card_visa_chargeDeclined", { customer: customer.id }),
    StripeCardError,
  );
  assert.equal(error.statusCode, 402);
  assert.equal(error.code, "card_declined");
});

test("a card that asks for its owner leaves the payment waiting", async () => {
  const intent = await stripe.paymentIntents.create({
    amount: 2_000,
    currency: "usd",
    payment_method: "pm_card_authenticationRequired",
    payment_method_types: ["card"],
    confirm: true,
    return_url: "http://127.0.0.1:9/back",
  });
  assert.equal(intent.status, "requires_action");
  assert.equal(intent.next_action.type, "redirect_to_url");
});

test("parameters are refused by name", async () => {
  const team = await price(9_900);
  const items = [{ price: team.id }];
  const { customers, prices, subscriptions } = stripe;
  const { id: payerId } = await payer();
  const table = [
    {
      call: () => customers.create({ nonsense: 1 }),
      code: "parameter_unknown",
      param: "nonsense",
      message: "Received unknown parameter: nonsense",
    },
    {
      call: () => customers.create({ invoice_settings: { nope: "x" } }),
      code: "parameter_unknown",
      param: "invoice_settings[nope]",
    },
    {
      call: () => prices.create({ unit_amount: 1, product: team.product }),
      code: "parameter_missing",
      param: "currency",
      message: "Missing required param: currency.",
    },
    {
      call: () => customers.create({ balance: "abc" }),
      code: "parameter_invalid_integer",
      param: "balance",
      message: "Invalid integer: abc",
    },
    {
      call: () =>
        subscriptions.create({ customer: "cus_1", items: [{ ...items[0], quantity: -1 }] }),
      code: "parameter_invalid_integer",
      param: "items[0][quantity]",
    },
    {
      call: () => stripe.billingPortal.sessions.create({ customer: payerId, return_url: "back" }),
      code: "url_invalid",
      param: "return_url",
    },
    {
      call: () => customers.retrieve("cus_missing"),
      status: 404,
      code: "resource_missing",
      param: "id",
      message: "No such customer: 'cus_missing'",
    },
    {
      call: () => subscriptions.retrieve("sub_missing"),
      status: 404,
      code: "resource_missing",
      param: "id",
      message: "No such subscription: 'sub_missing'",
    },
    {
      call: () => subscriptions.create({ customer: "cus_missing", items }),
      code: "resource_missing",
      param: "customer",
      message: "No such customer: 'cus_missing'",
    },
    {
      call: () => customers.list({ starting_after: "cus_missing" }),
      code: "resource_missing",
      param: "starting_after",
    },
    {
      call: () => customers.list({ starting_after: "cus_1", ending_before: "cus_2" }),
      message:
        "Received both starting_after and ending_before parameters. Please pass in only one.",
    },
  ];
  for (const { call, status = 400, code, param, message } of table) {
    const error = await refused(call(), StripeInvalidRequestError);
    assert.equal(error.rawType, "invalid_request_error");
    assert.equal(error.statusCode, status, error.message);
    if (message) assert.equal(error.message, message);
    if (code) assert.equal(error.code, code, error.message);
    if (param) assert.equal(error.param, param, error.message);
    assert.match(error.requestId, /^req_/);
  }
});

test("an address that does not exist is refused", async () => {
  const error = await refused(stripe.rawRequest("GET", "/v1/nothing"), StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.match(error.message, /^Unrecognized request URL \(GET: \/v1\/nothing\)\./);
});

test("a wrong key is an authentication error that does not repeat the key", async () => {
  const wrong = client({}, SIMULATOR, "sk_wrong_0123456789abcdef");
  const error = await refused(wrong.customers.list(), StripeAuthenticationError);
  assert.equal(error.statusCode, 401);
  assert.match(error.message, /^Invalid API Key provided: /);
  assert.ok(!error.message.includes("0123456789abcdef"));
});

test("test mode and live mode do not see each other", async () => {
  const { id } = await stripe.customers.create({ email: email() });
  const live = client({}, SIMULATOR, KEY.replace("_test_", "_live_"));
  const error = await refused(live.customers.retrieve(id), StripeInvalidRequestError);
  assert.equal(error.code, "resource_missing");
});

test("a request asks for its version and is told which one answered", async () => {
  const { customer, subscription } = await payerWithSubscription();
  const old = client({ apiVersion: "2024-11-20.acacia" });
  const seen = await old.subscriptions.retrieve(subscription.id);
  assert.equal(seen.lastResponse.apiVersion, "2024-11-20.acacia");
  assert.equal(seen.current_period_end, subscription.items.data[0].current_period_end);
  const [invoice] = (await old.invoices.list({ customer: customer.id })).data;
  assert.equal(invoice.subscription, subscription.id);
  assert.equal(invoice.paid, true);

  // An event keeps the shape it was made in, whoever asks.
  const told = await old.events.list({ type: "customer.subscription.created", limit: 100 });
  const event = told.data.find(({ data }) => data.object.id === subscription.id);
  assert.equal(event.api_version, VERSION);
  assert.equal(event.data.object.current_period_end, undefined);

  const wrong = client({ apiVersion: "not-a-real-version" });
  const error = await refused(wrong.customers.list(), StripeInvalidRequestError);
  assert.equal(error.statusCode, 400);
  assert.equal(error.message, "Invalid Stripe API version: not-a-real-version");
});

async function payerWithSubscription() {
  const team = await price(9_900);
  const customer = await payer();
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id }],
  });
  return { customer, subscription };
}

test("the same idempotency key answers the same and refuses other parameters", async () => {
  const [address, idempotencyKey] = [email(), randomUUID()];
  const create = (name) => stripe.customers.create({ email: address, name }, { idempotencyKey });
  const first = await create("Ada");
  assert.equal(first.lastResponse.idempotencyKey, idempotencyKey);
  assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  const second = await create("Ada");
  assert.equal(second.id, first.id);
  assert.equal(second.lastResponse.headers["idempotent-replayed"], "true");
  assert.equal((await stripe.customers.list({ email: address })).data.length, 1);

  const error = await refused(create("Grace"), StripeIdempotencyError);
  assert.equal(error.statusCode, 400);
  assert.equal(error.rawType, "idempotency_error");
  assert.ok(error.message.includes(`other than '${idempotencyKey}'`), error.message);
});

test("a declined payment is replayed as declined", async () => {
  const idempotencyKey = randomUUID();
  const pay = () =>
    stripe.paymentIntents.create(
      {
        amount: 2_000,
        currency: "usd",
        payment_method: "pm_card_visa_chargeDeclined",
        payment_method_types: ["card"],
        confirm: true,
      },
      { idempotencyKey },
    );
  const first = await refused(pay(), StripeCardError);
  const second = await refused(pay(), StripeCardError);
  assert.equal(second.charge, first.charge);
  assert.equal(second.headers["idempotent-replayed"], "true");
});

test("an answer that was lost is fetched again without a second customer", async () => {
  const wire = await Wire.open(["lose"]);
  try {
    const address = email();
    const patient = client({ maxNetworkRetries: 2 }, wire.address);
    const created = await patient.customers.create({ email: address });
    assert.equal(created.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(wire.seen.length, 2);
    assert.equal(wire.seen[0].key, wire.seen[1].key);
    assert.ok(wire.seen[0].key);
    const all = await stripe.customers.list({ email: address });
    assert.deepEqual(
      all.data.map(({ id }) => id),
      [created.id],
    );
  } finally {
    wire.close();
  }
});

test("a broken server is asked again, as often as was said", async () => {
  const wire = await Wire.open(["refuse", "refuse"]);
  try {
    const patient = client({ maxNetworkRetries: 2 }, wire.address);
    assert.match((await patient.customers.create({ email: email() })).id, /^cus_/);
    assert.equal(wire.seen.length, 3);
    assert.equal(new Set(wire.seen.map(({ key }) => key)).size, 1);
  } finally {
    wire.close();
  }
  const dead = await Wire.open(["refuse"]);
  try {
    await refused(client({}, dead.address).customers.list(), StripeAPIError);
  } finally {
    dead.close();
  }
});

test("a refusal for good is not asked again", async () => {
  const wire = await Wire.open([]);
  try {
    const patient = client({ maxNetworkRetries: 2 }, wire.address);
    await refused(
      patient.paymentIntents.create({
        amount: 2_000,
        currency: "usd",
        payment_method: "pm_card_visa_chargeDeclined",
        payment_method_types: ["card"],
        confirm: true,
      }),
      StripeCardError,
    );
    await refused(patient.customers.retrieve("cus_missing"), StripeInvalidRequestError);
    assert.equal(wire.seen.length, 2);
  } finally {
    wire.close();
  }
});

test("one key used by ten callers at once makes one customer", async () => {
  const [address, idempotencyKey] = [email(), randomUUID()];
  const patient = client({ maxNetworkRetries: 3 });
  const all = await Promise.all(
    Array.from({ length: 10 }, () =>
      patient.customers.create({ email: address }, { idempotencyKey }),
    ),
  );
  assert.equal(new Set(all.map(({ id }) => id)).size, 1);
  assert.equal((await stripe.customers.list({ email: address })).data.length, 1);
});

test("lists are narrowed by time, and their limit is kept", async () => {
  const address = email();
  const { created } = await stripe.customers.create({ email: address });
  const count = async (range) =>
    (await stripe.customers.list({ email: address, created: range })).data.length;
  assert.equal(await count({ gte: created, lt: created + 1 }), 1);
  assert.equal(await count({ gt: created }), 0);
  assert.equal(await count(created), 1);
  for (const limit of [0, 101]) {
    await refused(stripe.customers.list({ limit }), StripeInvalidRequestError);
  }
  const deep = ["a.b.c.d.e"];
  await refused(stripe.customers.list({ expand: deep }), StripeInvalidRequestError);
});
