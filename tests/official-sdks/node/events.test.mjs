// The order in which Stripe tells what happened. Deliveries may overtake each other; this is the
// order in which the account's own list keeps them.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  APRIL,
  advance,
  clock,
  DAY,
  email,
  HOUR,
  price,
  stripe,
  submitCard,
  subscriber,
} from "./house.mjs";

const MAY = APRIL + 30 * DAY;

/** The newest event now; what comes later is listed before it. */
async function mark() {
  await stripe.customers.create({ email: email() });
  return (await stripe.events.list({ limit: 1 })).data[0].id;
}

/** The events about a customer since a mark, oldest first. */
async function told(customer, since) {
  const events = [];
  for await (const event of stripe.events.list({ ending_before: since, limit: 100 })) {
    const { object } = event.data;
    if (object.customer === customer || object.id === customer) events.push(event);
  }
  return events;
}

/** Fails the test unless `types` happened in this order, whatever else happened between. */
function inOrder(events, types) {
  const seen = events.map(({ type }) => type);
  let from = 0;
  for (const type of types) {
    const at = seen.indexOf(type, from);
    assert.ok(at >= 0, `${type} is missing or too early in:\n${seen.join("\n")}`);
    from = at + 1;
  }
}

/** The one event of a type. */
function only(events, type) {
  const found = events.filter((event) => event.type === type);
  assert.equal(found.length, 1, `${found.length} of ${type}`);
  return found[0];
}

test("a purchase in checkout ends with the session", async () => {
  const since = await mark();
  const team = await price(9_900);
  const customer = await stripe.customers.create({ email: email() });
  const session = await stripe.checkout.sessions.create({
    mode: "subscription",
    customer: customer.id,
    line_items: [{ price: team.id, quantity: 1 }],
    success_url: "http://127.0.0.1:9/ok",
  });
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const events = await told(customer.id, since);
  inOrder(events, [
    "customer.created",
    "payment_intent.created",
    "charge.succeeded",
    "payment_method.attached",
    "payment_intent.succeeded",
    "customer.subscription.created",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "checkout.session.completed",
  ]);
  assert.equal(events.at(-1).type, "checkout.session.completed");
  const begun = only(events, "customer.subscription.created");
  assert.equal(begun.data.object.status, "active", "no incomplete subscription comes before");
  assert.equal(begun.data.previous_attributes, undefined);
});

test("a subscription made by the API is told after its first invoice", async () => {
  const since = await mark();
  const { customer, subscription } = await subscriber(await price(9_900));
  const events = await told(customer.id, since);
  inOrder(events, [
    "customer.created",
    "invoice.created",
    "invoice.finalized",
    "charge.succeeded",
    "invoice.payment_succeeded",
    "invoice.paid",
    "customer.subscription.created",
  ]);
  const begun = only(events, "customer.subscription.created");
  assert.equal(begun.request.id, subscription.lastResponse.requestId);
  assert.equal(begun.request.idempotency_key, subscription.lastResponse.idempotencyKey);
});

test("an upgrade that is billed at once is told after its invoice", async () => {
  const [basic, pro] = [await price(1_000), await price(3_000)];
  const { id } = await clock();
  const { customer, subscription } = await subscriber(basic, { customer: { test_clock: id } });
  await advance(id, APRIL + 15 * DAY);
  const since = await mark();
  await stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: pro.id }],
    proration_behavior: "always_invoice",
  });
  const events = await told(customer.id, since);
  inOrder(events, [
    "invoiceitem.created",
    "invoiceitem.created",
    "invoice.created",
    "invoice.finalized",
    "charge.succeeded",
    "invoice.payment_succeeded",
    "invoice.paid",
    "customer.subscription.updated",
  ]);
  const before = only(events, "customer.subscription.updated").data.previous_attributes;
  assert.equal(before.items.data[0].price.id, basic.id, "whole changed lists are shown");
  assert.ok(before.latest_invoice);
});

test("a cancellation says what it changed, then that it is done", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(1_000), {
    customer: { test_clock: id },
  });
  const since = await mark();
  await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  await advance(id, MAY + HOUR);
  const events = await told(customer.id, since);
  inOrder(events, ["customer.subscription.updated", "customer.subscription.deleted"]);
  const changed = events.find(({ type }) => type === "customer.subscription.updated");
  const before = changed.data.previous_attributes;
  assert.equal(before.cancel_at_period_end, false);
  assert.equal(before.cancel_at, null);
  assert.equal(before.canceled_at, null);
  const { object } = only(events, "customer.subscription.deleted").data;
  assert.equal(object.status, "canceled");
  assert.equal(object.ended_at, MAY);
});

test("a renewal rolls the period first and is paid an hour later", async () => {
  const { id } = await clock();
  const { customer } = await subscriber(await price(1_000), { customer: { test_clock: id } });
  const since = await mark();
  await advance(id, MAY + 2 * HOUR);
  const events = await told(customer.id, since);
  inOrder(events, [
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "invoice.paid",
    "invoice.payment_succeeded",
  ]);
  for (const type of ["invoice.created", "invoice.finalized"]) {
    const { object } = only(events, type).data;
    assert.equal(object.status, type === "invoice.created" ? "draft" : "open");
  }
  const automatic = only(events, "invoice.paid");
  assert.equal(automatic.request.id, null, "nobody asked for it");
});

test("a renewal that fails, again and again, ends the subscription", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(1_000), {
    customer: { test_clock: id },
  });
  const bad = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", {
    customer: customer.id,
  });
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: bad.id },
  });
  const since = await mark();
  await advance(id, MAY + 2 * HOUR);
  const first = await told(customer.id, since);
  inOrder(first, [
    "customer.subscription.updated",
    "invoice.created",
    "invoice.finalized",
    "charge.failed",
    "payment_intent.payment_failed",
    "invoice.payment_failed",
    "customer.subscription.updated",
  ]);
  const failed = only(first, "invoice.payment_failed").data.object;
  assert.equal(failed.attempt_count, 1);
  assert.ok(failed.next_payment_attempt > MAY);
  const late = first.findLast(({ type }) => type === "customer.subscription.updated");
  assert.equal(late.data.previous_attributes.status, "active");
  assert.equal(late.data.object.status, "past_due");

  // One retry at a time, at the moment the invoice itself names.
  let attempts = 1;
  for (let at = failed.next_payment_attempt; at; attempts += 1) {
    await advance(id, at + HOUR);
    const invoice = await stripe.invoices.retrieve(failed.id);
    assert.equal(invoice.attempt_count, attempts + 1);
    at = invoice.next_payment_attempt;
    assert.ok(attempts < 20, "the retries never end");
  }
  const ended = await stripe.subscriptions.retrieve(subscription.id);
  assert.equal(ended.status, "canceled");
  assert.equal(ended.cancellation_details.reason, "payment_failed");
  assert.equal((await stripe.invoices.retrieve(failed.id)).status, "open");
  only(await told(customer.id, since), "customer.subscription.deleted");
});

test("a trial says three days before that it ends", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(1_000), {
    customer: { test_clock: id },
    trial_end: APRIL + 14 * DAY,
  });
  const since = await mark();
  await advance(id, APRIL + 10 * DAY);
  assert.deepEqual(await told(customer.id, since), []);
  await advance(id, APRIL + 12 * DAY);
  const warned = await told(customer.id, since);
  assert.deepEqual(
    warned.map(({ type }) => type),
    ["customer.subscription.trial_will_end"],
  );
  await advance(id, APRIL + 14 * DAY + 2 * HOUR);
  const now = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
  assert.equal(now.status, "active");
  assert.equal(now.latest_invoice.amount_paid, 1_000);
});
