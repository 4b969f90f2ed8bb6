// Checkout and the customer portal, with the hosted pages used as a browser would.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  client,
  DAY,
  email,
  payer,
  price,
  refused,
  SIMULATOR,
  Stripe,
  stripe,
  submitCard,
  subscriber,
} from "./house.mjs";

const InvalidRequest = Stripe.errors.StripeInvalidRequestError;
const SUCCESS = "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}";

async function open(more = {}) {
  const team = await price(9_900);
  const customer = await stripe.customers.create({ email: email() });
  return stripe.checkout.sessions.create({
    mode: "subscription",
    customer: customer.id,
    line_items: [{ price: team.id, quantity: 2 }],
    success_url: SUCCESS,
    cancel_url: "http://127.0.0.1:9/no",
    client_reference_id: "org_1",
    metadata: { from: "pricing" },
    subscription_data: { metadata: { organization_id: "org_1" } },
    ...more,
  });
}

test("a purchase on the hosted page makes an active subscription", async () => {
  const session = await open();
  assert.match(session.id, /^cs_test_/);
  assert.equal(session.status, "open");
  assert.equal(session.payment_status, "unpaid");
  assert.equal(session.amount_total, 19_800);
  assert.equal(session.currency, "usd");
  assert.equal(session.subscription, null);
  assert.equal(session.invoice, null);
  assert.equal(session.payment_intent, null);
  assert.equal(session.expires_at, session.created + DAY);
  assert.equal(new URL(session.url).host, SIMULATOR.host);
  assert.equal(session.line_items, undefined, "line items come only when asked for");

  assert.equal((await fetch(session.url)).status, 200);
  const paid = await submitCard(session.url, "4242 4242 4242 4242");
  assert.equal(paid.status, 303);
  assert.equal(paid.headers.get("location"), SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id));

  const done = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ["subscription.latest_invoice", "line_items", "customer"],
  });
  assert.equal(done.status, "complete");
  assert.equal(done.payment_status, "paid");
  assert.equal(done.url, null);
  assert.equal(done.client_reference_id, "org_1");
  assert.equal(done.metadata.from, "pricing");
  assert.equal(done.customer_details.email, done.customer.email);
  assert.equal(done.line_items.data[0].quantity, 2);
  assert.equal(done.subscription.status, "active");
  assert.equal(done.subscription.metadata.organization_id, "org_1");
  assert.equal(done.subscription.items.data[0].quantity, 2);
  assert.equal(done.subscription.latest_invoice.status, "paid");
  assert.equal(done.subscription.latest_invoice.amount_paid, 19_800);
  assert.equal(done.subscription.latest_invoice.billing_reason, "subscription_create");
  assert.equal(done.invoice, done.subscription.latest_invoice.id);

  const lines = await stripe.checkout.sessions.listLineItems(session.id);
  assert.equal(lines.data[0].amount_total, 19_800);
  assert.equal(lines.data[0].price.unit_amount, 9_900);
  const listed = await stripe.checkout.sessions.list({ customer: done.customer.id });
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [session.id],
  );
});

test("a purchase can be finished without a page, as the command-line tool does it", async () => {
  const session = await open();
  const card = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_visa" } });
  assert.equal(card.card.last4, "4242");
  await stripe.rawRequest("POST", `/v1/payment_pages/${session.id}/confirm`, {
    payment_method: card.id,
    expected_amount: session.amount_total,
  });
  const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
  assert.equal(done.status, "complete");
  assert.equal(done.subscription.status, "active");
});

test("a refused card leaves the session open and no subscription behind", async () => {
  const session = await open();
  const refusal = await submitCard(session.url, "4000000000009995");
  assert.equal(refusal.status, 402);
  assert.match(await refusal.text(), /insufficient funds/);
  const still = await stripe.checkout.sessions.retrieve(session.id);
  assert.equal(still.status, "open");
  assert.equal(still.subscription, null);
  const none = await stripe.subscriptions.list({ customer: session.customer, status: "all" });
  assert.equal(none.data.length, 0);

  assert.equal((await submitCard(session.url, "5555555555554444")).status, 303);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, "complete");
});

test("a session makes its customer when it was not given one", async () => {
  const session = await open({ customer: undefined, customer_email: "new@example.com" });
  assert.equal(session.customer, null);
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["customer"] });
  assert.equal(done.customer.email, "new@example.com");
});

test("an open session can be expired, once", async () => {
  const session = await open();
  const expired = await stripe.checkout.sessions.expire(session.id);
  assert.equal(expired.status, "expired");
  assert.equal(expired.subscription, null);
  const again = await refused(stripe.checkout.sessions.expire(session.id), InvalidRequest);
  assert.equal(again.statusCode, 400);
});

test("a session in payment mode takes money once", async () => {
  const once = await price(2_500, { recurring: undefined });
  const session = await open({
    mode: "payment",
    line_items: [{ price: once.id, quantity: 1 }],
    subscription_data: undefined,
  });
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const done = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ["payment_intent.latest_charge"],
  });
  assert.equal(done.payment_status, "paid");
  assert.equal(done.payment_intent.status, "succeeded");
  assert.equal(done.payment_intent.latest_charge.amount, 2_500);
});

test("what checkout cannot do is refused with the parameter at fault", async () => {
  const missing = await refused(
    open({ line_items: [{ price: "price_none", quantity: 1 }] }),
    InvalidRequest,
  );
  assert.equal(missing.code, "resource_missing");
  assert.equal(missing.param, "line_items[0][price]");
});

test("the old name of the hosted page is understood from old callers only", async () => {
  const error = await refused(open({ ui_mode: "hosted" }), InvalidRequest);
  assert.equal(error.statusCode, 400);
  assert.equal(error.param, "ui_mode");

  const team = await price(9_900);
  const old = await client({ apiVersion: "2025-03-31.basil" }).checkout.sessions.create({
    mode: "subscription",
    ui_mode: "hosted",
    line_items: [{ price: team.id, quantity: 1 }],
    success_url: SUCCESS,
  });
  assert.equal(old.ui_mode, "hosted");
  assert.equal((await submitCard(old.url, "4242424242424242")).status, 303);
  const now = await stripe.checkout.sessions.retrieve(old.id);
  assert.equal(now.ui_mode, "hosted_page");
});

test("the portal opens for a customer, with its own configuration", async () => {
  const { customer } = await subscriber(await price(9_900));
  const configuration = await stripe.billingPortal.configurations.create({
    business_profile: { headline: "Billhook" },
    features: {
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true },
      subscription_cancel: { enabled: true, mode: "at_period_end" },
    },
  });
  assert.match(configuration.id, /^bpc_/);
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    configuration: configuration.id,
    return_url: "http://127.0.0.1:9/back",
  });
  assert.match(session.id, /^bps_/);
  assert.equal(session.customer, customer.id);
  assert.equal(session.configuration, configuration.id);
  assert.equal(new URL(session.url).host, SIMULATOR.host);
  const page = await fetch(session.url);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /Team/);

  const nobody = await refused(stripe.billingPortal.sessions.create({}), InvalidRequest);
  assert.match(nobody.param, /^customer/);
});

test("the portal can lead straight to the end of a subscription", async () => {
  const { customer, subscription } = await subscriber(await price(9_900));
  const session = await stripe.billingPortal.sessions.create({
    customer: customer.id,
    return_url: "http://127.0.0.1:9/back",
    flow_data: {
      type: "subscription_cancel",
      subscription_cancel: { subscription: subscription.id },
    },
  });
  assert.equal(session.flow.type, "subscription_cancel");
  assert.equal((await fetch(session.url)).status, 200);

  const stranger = await payer();
  await refused(
    stripe.billingPortal.sessions.create({
      customer: stranger.id,
      flow_data: {
        type: "subscription_cancel",
        subscription_cancel: { subscription: subscription.id },
      },
    }),
    InvalidRequest,
  );
});
