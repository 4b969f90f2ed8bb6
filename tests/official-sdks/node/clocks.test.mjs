// Test clocks: months that pass in a moment.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  APRIL,
  advance,
  clock,
  DAY,
  HOUR,
  price,
  refused,
  Stripe,
  stripe,
  submitCard,
  subscriber,
} from "./house.mjs";

const InvalidRequest = Stripe.errors.StripeInvalidRequestError;
const MAY = APRIL + 30 * DAY;
const JUNE = MAY + 31 * DAY;

test("a month passes and the subscription renews", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(9_900), {
    customer: { test_clock: id },
  });
  assert.equal(customer.test_clock, id);
  assert.equal(subscription.test_clock, id);
  assert.equal(subscription.created, APRIL);
  assert.equal(subscription.items.data[0].current_period_end, MAY);

  // The invoice of a renewal stays a draft for an hour.
  await advance(id, MAY + 60);
  const [fresh] = (await stripe.invoices.list({ subscription: subscription.id })).data;
  assert.equal(fresh.status, "draft");
  assert.equal(fresh.billing_reason, "subscription_cycle");
  assert.equal(fresh.created, MAY);

  const ready = await advance(id, MAY + 2 * HOUR);
  assert.equal(ready.frozen_time, MAY + 2 * HOUR);
  const renewed = await stripe.subscriptions.retrieve(subscription.id);
  assert.equal(renewed.status, "active");
  assert.equal(renewed.items.data[0].current_period_start, MAY);
  assert.equal(renewed.items.data[0].current_period_end, JUNE);
  assert.equal(renewed.latest_invoice, fresh.id);
  const paid = await stripe.invoices.retrieve(fresh.id);
  assert.equal(paid.status, "paid");
  assert.equal(paid.amount_paid, 9_900);
});

test("a renewal that fails makes it past due, and paying makes it active", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(9_900), {
    customer: { test_clock: id },
  });
  const bad = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", {
    customer: customer.id,
  });
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: bad.id },
  });
  await advance(id, MAY + 2 * HOUR);
  const late = await stripe.subscriptions.retrieve(subscription.id, { expand: ["latest_invoice"] });
  assert.equal(late.status, "past_due");
  assert.equal(late.latest_invoice.status, "open");
  assert.equal(late.latest_invoice.attempt_count, 1);
  assert.ok(late.latest_invoice.next_payment_attempt > MAY);

  const good = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  await stripe.invoices.pay(late.latest_invoice.id, { payment_method: good.id });
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "active");
});

test("what was cancelled for the end of the period ends then", async () => {
  const { id } = await clock();
  const { subscription } = await subscriber(await price(9_900), { customer: { test_clock: id } });
  await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
  await advance(id, MAY - HOUR);
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "active");
  await advance(id, MAY + HOUR);
  const ended = await stripe.subscriptions.retrieve(subscription.id);
  assert.equal(ended.status, "canceled");
  assert.equal(ended.ended_at, MAY);
  const invoices = await stripe.invoices.list({ subscription: subscription.id });
  assert.equal(invoices.data.length, 1);
});

test("a clock goes forward only, and takes its customers with it", async () => {
  const { id } = await clock();
  const { customer } = await subscriber(await price(9_900), { customer: { test_clock: id } });
  const back = await refused(
    stripe.testHelpers.testClocks.advance(id, { frozen_time: APRIL - 1 }),
    InvalidRequest,
  );
  assert.equal(back.statusCode, 400);
  await refused(
    stripe.testHelpers.testClocks.advance(id, { frozen_time: APRIL + 400 * DAY }),
    InvalidRequest,
  );
  const all = (await stripe.testHelpers.testClocks.list({ limit: 100 })).data;
  assert.ok(all.some((one) => one.id === id));
  const mine = await stripe.customers.list({ test_clock: id });
  assert.deepEqual(
    mine.data.map((one) => one.id),
    [customer.id],
  );

  assert.equal((await stripe.testHelpers.testClocks.del(id)).deleted, true);
  const gone = await refused(stripe.testHelpers.testClocks.retrieve(id), InvalidRequest);
  assert.equal(gone.statusCode, 404);
});

test("the end of January is the end of February, and of March again", async () => {
  const january = Date.UTC(2027, 0, 31, 12) / 1000;
  const { id } = await clock(january);
  const { subscription } = await subscriber(await price(1_000), { customer: { test_clock: id } });
  const ends = [subscription.items.data[0].current_period_end];
  for (let month = 0; month < 2; month += 1) {
    await advance(id, ends.at(-1) + 2 * HOUR);
    const { items } = await stripe.subscriptions.retrieve(subscription.id);
    ends.push(items.data[0].current_period_end);
  }
  assert.deepEqual(
    ends.map((end) => new Date(end * 1000).toISOString().slice(0, 16)),
    ["2027-02-28T12:00", "2027-03-31T12:00", "2027-04-30T12:00"],
  );
});

test("a start that is never paid expires after a day", async () => {
  const { id } = await clock();
  const team = await price(1_000);
  const customer = await stripe.customers.create({ test_clock: id });
  const waiting = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id }],
    payment_behavior: "default_incomplete",
  });
  await advance(id, APRIL + 22 * HOUR);
  assert.equal((await stripe.subscriptions.retrieve(waiting.id)).status, "incomplete");
  await advance(id, APRIL + 24 * HOUR);
  const expired = await stripe.subscriptions.retrieve(waiting.id, { expand: ["latest_invoice"] });
  assert.equal(expired.status, "incomplete_expired");
  assert.equal(expired.latest_invoice.status, "void");
});

test("a trial bought in checkout runs by the customer's clock", async () => {
  const { id } = await clock();
  const team = await price(1_000);
  const customer = await stripe.customers.create({ test_clock: id });
  const session = await stripe.checkout.sessions.create({
    mode: "subscription",
    customer: customer.id,
    line_items: [{ price: team.id, quantity: 1 }],
    success_url: "http://127.0.0.1:9/ok",
    subscription_data: { trial_period_days: 14 },
  });
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
  assert.equal(done.payment_status, "no_payment_required");
  assert.equal(done.subscription.status, "trialing");
  assert.equal(done.subscription.trial_end, APRIL + 14 * DAY);
});
