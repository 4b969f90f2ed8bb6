// Subscriptions from the first day to the last.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  APRIL,
  advance,
  clock,
  DAY,
  HOUR,
  payer,
  price,
  refused,
  Stripe,
  stripe,
  subscriber,
  until,
} from "./house.mjs";

const InvalidRequest = Stripe.errors.StripeInvalidRequestError;

test("a subscription begins paid and active", async () => {
  const team = await price(9_900);
  const customer = await payer();
  const subscription = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id, quantity: 3 }],
    metadata: { organization_id: "org_1" },
    expand: ["latest_invoice.payments", "customer"],
  });
  assert.match(subscription.id, /^sub_/);
  assert.equal(subscription.status, "active");
  assert.equal(subscription.customer.id, customer.id);
  assert.equal(subscription.collection_method, "charge_automatically");
  assert.equal(subscription.billing_mode.type, "flexible");
  assert.equal(subscription.current_period_end, undefined, "the period is on the items");

  const [item] = subscription.items.data;
  assert.match(item.id, /^si_/);
  assert.equal(item.quantity, 3);
  assert.equal(item.price.id, team.id);
  assert.ok(item.current_period_end - item.current_period_start >= 28 * DAY);

  const invoice = subscription.latest_invoice;
  assert.equal(invoice.status, "paid");
  assert.equal(invoice.amount_paid, 29_700);
  assert.equal(invoice.parent.subscription_details.subscription, subscription.id);
  assert.equal(invoice.parent.subscription_details.metadata.organization_id, "org_1");
  const [payment] = invoice.payments.data;
  assert.equal(payment.status, "paid");
  assert.equal(payment.payment.type, "payment_intent");
  const intent = await stripe.paymentIntents.retrieve(payment.payment.payment_intent);
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.amount_received, 29_700);

  const items = await stripe.subscriptionItems.list({ subscription: subscription.id });
  assert.deepEqual(
    items.data.map(({ id }) => id),
    [item.id],
  );
});

test("subscriptions are listed by customer, without the ended ones unless asked", async () => {
  const team = await price(9_900);
  const { customer, subscription } = await subscriber(team);
  const second = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id }],
  });
  await stripe.subscriptions.cancel(second.id);
  const ids = async (more) => {
    const list = await stripe.subscriptions.list({ customer: customer.id, ...more });
    return list.data.map(({ id }) => id);
  };
  assert.deepEqual(await ids({}), [subscription.id]);
  assert.deepEqual(await ids({ status: "canceled" }), [second.id]);
  assert.deepEqual(await ids({ status: "all" }), [second.id, subscription.id]);
  assert.deepEqual(await ids({ price: team.id }), [subscription.id]);
  const expanded = await stripe.subscriptions.list({
    customer: customer.id,
    expand: ["data.latest_invoice", "data.customer"],
  });
  assert.equal(expanded.data[0].latest_invoice.status, "paid");
  assert.equal(expanded.data[0].customer.email, customer.email);
});

test("an upgrade in mid-period charges exactly what its preview said", async () => {
  const [basic, pro] = [await price(1_000), await price(3_000)];
  const { id } = await clock();
  const { customer, subscription } = await subscriber(basic, { customer: { test_clock: id } });
  const [item] = subscription.items.data;
  assert.equal(item.current_period_start, APRIL);
  assert.equal(item.current_period_end, APRIL + 30 * DAY);
  await advance(id, APRIL + 15 * DAY);

  const change = {
    items: [{ id: item.id, price: pro.id }],
    proration_behavior: "always_invoice",
    proration_date: APRIL + 15 * DAY,
  };
  const preview = await stripe.invoices.createPreview({
    customer: customer.id,
    subscription: subscription.id,
    subscription_details: change,
  });
  assert.equal(preview.total, 1_000);
  assert.deepEqual(
    preview.lines.data.map(({ amount }) => amount).sort((a, b) => a - b),
    [-500, 1_500],
  );

  const upgraded = await stripe.subscriptions.update(subscription.id, {
    ...change,
    expand: ["latest_invoice"],
  });
  assert.equal(upgraded.items.data[0].price.id, pro.id);
  assert.equal(upgraded.items.data[0].id, item.id);
  assert.equal(upgraded.items.data[0].current_period_end, APRIL + 30 * DAY);
  assert.equal(upgraded.latest_invoice.billing_reason, "subscription_update");
  assert.equal(upgraded.latest_invoice.status, "paid");
  assert.equal(upgraded.latest_invoice.total, preview.total);
  assert.equal(upgraded.latest_invoice.amount_paid, 1_000);
  for (const line of upgraded.latest_invoice.lines.data) {
    const origin = line.parent[line.parent.type];
    assert.equal(origin.proration, true);
    assert.equal(origin.subscription, subscription.id);
    assert.deepEqual({ ...line.period }, { start: APRIL + 15 * DAY, end: APRIL + 30 * DAY });
  }
});

test("a downgrade waits as pending items, or becomes credit at once", async () => {
  const [basic, pro] = [await price(1_000), await price(3_000)];
  const { id } = await clock();
  const { customer, subscription } = await subscriber(pro, { customer: { test_clock: id } });
  const [item] = subscription.items.data;
  await advance(id, APRIL + 15 * DAY);

  await stripe.subscriptions.update(subscription.id, { items: [{ id: item.id, price: basic.id }] });
  const pending = await stripe.invoiceItems.list({ customer: customer.id, pending: true });
  assert.deepEqual(
    pending.data.map(({ amount }) => amount).sort((a, b) => a - b),
    [-1_500, 500],
  );

  const other = await subscriber(pro, { customer: { test_clock: id } });
  const [theirs] = other.subscription.items.data;
  await advance(id, APRIL + 30 * DAY);
  const lowered = await stripe.subscriptions.update(other.subscription.id, {
    items: [{ id: theirs.id, price: basic.id }],
    proration_behavior: "always_invoice",
    expand: ["latest_invoice", "customer"],
  });
  assert.ok(lowered.latest_invoice.total < 0);
  assert.equal(lowered.latest_invoice.status, "paid");
  assert.equal(lowered.latest_invoice.amount_paid, 0);
  assert.equal(lowered.customer.balance, lowered.latest_invoice.total);
});

test("cancelling at the end of the period can be taken back", async () => {
  const { subscription } = await subscriber(await price(9_900));
  const ending = await stripe.subscriptions.update(subscription.id, {
    cancel_at_period_end: true,
    cancellation_details: { feedback: "too_expensive", comment: "Perhaps later" },
  });
  assert.equal(ending.status, "active");
  assert.equal(ending.cancel_at_period_end, true);
  assert.equal(ending.cancel_at, ending.items.data[0].current_period_end);
  assert.ok(ending.canceled_at >= subscription.created);
  assert.equal(ending.cancellation_details.reason, "cancellation_requested");
  assert.equal(ending.cancellation_details.feedback, "too_expensive");

  const kept = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
  assert.equal(kept.status, "active");
  assert.equal(kept.cancel_at_period_end, false);
  assert.equal(kept.cancel_at, null);
  assert.equal(kept.canceled_at, null);
});

test("cancelling now ends it, and an ended one takes no more changes", async () => {
  const team = await price(9_900);
  const { subscription } = await subscriber(team);
  const ended = await stripe.subscriptions.cancel(subscription.id);
  assert.equal(ended.status, "canceled");
  assert.ok(ended.ended_at >= subscription.created);
  assert.ok(ended.canceled_at >= subscription.created);

  const again = await refused(stripe.subscriptions.cancel(subscription.id), InvalidRequest);
  assert.equal(again.statusCode, 404);
  assert.equal(again.code, "resource_missing");

  const noted = await stripe.subscriptions.update(subscription.id, { metadata: { why: "test" } });
  assert.equal(noted.metadata.why, "test");
  const closed = await refused(
    stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true }),
    InvalidRequest,
  );
  assert.match(closed.message, /^A canceled subscription can only update/);
});

test("a trial costs nothing until it ends", async () => {
  const team = await price(9_900);
  const { subscription } = await subscriber(team, {
    trial_period_days: 7,
    expand: ["latest_invoice"],
  });
  assert.equal(subscription.status, "trialing");
  assert.equal(subscription.trial_end - subscription.trial_start, 7 * DAY);
  assert.equal(subscription.latest_invoice.total, 0);
  assert.equal(subscription.latest_invoice.status, "paid");
  const now = await stripe.subscriptions.update(subscription.id, {
    trial_end: "now",
    expand: ["latest_invoice"],
  });
  assert.equal(now.status, "active");
  assert.equal(now.latest_invoice.amount_paid, 9_900);
});

test("a trial that ends without a card pauses, and resumes with one", async () => {
  const team = await price(9_900);
  const { id } = await clock();
  const customer = await stripe.customers.create({ email: "ada@example.com", test_clock: id });
  const trial = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id }],
    trial_end: APRIL + 7 * DAY,
    trial_settings: { end_behavior: { missing_payment_method: "pause" } },
  });
  assert.equal(trial.status, "trialing");
  await advance(id, APRIL + 8 * DAY);
  assert.equal((await stripe.subscriptions.retrieve(trial.id)).status, "paused");

  const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  await stripe.customers.update(customer.id, {
    invoice_settings: { default_payment_method: card.id },
  });
  const resumed = await stripe.subscriptions.resume(trial.id, { expand: ["latest_invoice"] });
  // Stripe may leave the invoice of the resumption to be paid; paying it makes the difference.
  if (["draft", "open"].includes(resumed.latest_invoice.status)) {
    await stripe.invoices.pay(resumed.latest_invoice.id);
  }
  const active = await until(async () => {
    const now = await stripe.subscriptions.retrieve(trial.id);
    return now.status === "active" && now;
  });
  assert.equal(active.items.data[0].current_period_start, APRIL + 8 * DAY);
});

test("an incomplete start becomes active with its first payment", async () => {
  const team = await price(9_900);
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const waiting = await stripe.subscriptions.create({
    customer: customer.id,
    items: [{ price: team.id }],
    payment_behavior: "default_incomplete",
    payment_settings: { save_default_payment_method: "on_subscription" },
    expand: ["latest_invoice.confirmation_secret", "latest_invoice.payments"],
  });
  assert.equal(waiting.status, "incomplete");
  assert.equal(waiting.latest_invoice.status, "open");
  const { client_secret: secret } = waiting.latest_invoice.confirmation_secret;
  const intent = waiting.latest_invoice.payments.data[0].payment.payment_intent;
  assert.ok(secret.startsWith(`${intent}_secret_`));
  const confirmed = await stripe.paymentIntents.confirm(intent, {
    payment_method: "pm_card_visa",
    return_url: "http://127.0.0.1:9/back",
  });
  assert.equal(confirmed.status, "succeeded");
  const active = await until(async () => {
    const now = await stripe.subscriptions.retrieve(waiting.id);
    return now.status === "active" && now;
  });
  assert.match(active.default_payment_method, /^pm_/);
});

test("no card, or a card that fails, is told apart", async () => {
  const team = await price(9_900);
  const bare = await stripe.customers.create({ email: "ada@example.com" });
  const items = [{ price: team.id }];
  const none = await refused(
    stripe.subscriptions.create({ customer: bare.id, items }),
    InvalidRequest,
  );
  assert.equal(none.statusCode, 400);
  assert.equal(none.code, "resource_missing");
  assert.match(none.message, /^This customer has no attached payment source/);

  const poor = await payer("pm_card_chargeCustomerFail");
  const failed = await refused(
    stripe.subscriptions.create({
      customer: poor.id,
      items,
      payment_behavior: "error_if_incomplete",
    }),
    Stripe.errors.StripeCardError,
  );
  assert.equal(failed.statusCode, 402);
  assert.equal(failed.code, "card_declined");
  assert.equal(failed.decline_code, "generic_decline");
  const nothing = await stripe.subscriptions.list({ customer: poor.id, status: "all" });
  assert.equal(nothing.data.length, 0);

  const tried = await stripe.subscriptions.create({
    customer: poor.id,
    items,
    payment_behavior: "allow_incomplete",
    expand: ["latest_invoice"],
  });
  assert.equal(tried.status, "incomplete");
  assert.equal(tried.latest_invoice.status, "open");
  assert.equal(tried.latest_invoice.attempt_count, 1);
});

test("a schedule brings the downgrade at the end of the period", async () => {
  const [basic, pro] = [await price(1_000), await price(3_000)];
  const { id } = await clock();
  const { subscription } = await subscriber(pro, { customer: { test_clock: id } });
  const schedule = await stripe.subscriptionSchedules.create({
    from_subscription: subscription.id,
  });
  assert.match(schedule.id, /^sub_sched_/);
  const [now] = schedule.phases;
  assert.equal(now.end_date, APRIL + 30 * DAY);
  await stripe.subscriptionSchedules.update(schedule.id, {
    end_behavior: "release",
    phases: [
      {
        items: [{ price: pro.id, quantity: 1 }],
        start_date: now.start_date,
        end_date: now.end_date,
      },
      {
        items: [{ price: basic.id, quantity: 1 }],
        duration: { interval: "month", interval_count: 1 },
      },
    ],
  });
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).schedule, schedule.id);
  await advance(id, APRIL + 31 * DAY);
  const lower = await stripe.subscriptions.retrieve(subscription.id, {
    expand: ["latest_invoice"],
  });
  assert.equal(lower.items.data[0].price.id, basic.id);
  assert.equal(lower.latest_invoice.total, 1_000);
  const released = await stripe.subscriptionSchedules.release(schedule.id);
  assert.equal(released.status, "released");
  assert.equal((await stripe.subscriptions.retrieve(subscription.id)).schedule, null);
});

test("a change of quantity is credited and charged as a whole", async () => {
  const { id } = await clock();
  const { customer, subscription } = await subscriber(await price(1_000), {
    customer: { test_clock: id },
  });
  const [item] = subscription.items.data;
  await advance(id, APRIL + 15 * DAY);
  await stripe.subscriptionItems.update(item.id, { quantity: 3 });
  const pending = await stripe.invoiceItems.list({ customer: customer.id });
  const found = pending.data.map(({ amount, description }) => ({ amount, description }));
  assert.deepEqual(
    found.sort((a, b) => a.amount - b.amount),
    [
      { amount: -500, description: "Unused time on Team after 16 Apr 2027" },
      { amount: 1_500, description: "Remaining time on 3 × Team after 16 Apr 2027" },
    ],
  );
  const next = await stripe.invoices.createPreview({ subscription: subscription.id });
  assert.equal(next.total, 3_000 + 1_000);

  const none = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: item.id, quantity: 5 }],
    proration_behavior: "none",
  });
  assert.equal(none.items.data[0].quantity, 5);
  assert.equal((await stripe.invoiceItems.list({ customer: customer.id })).data.length, 2);
});

test("an item without an id is added, one marked deleted goes", async () => {
  const { subscription } = await subscriber(await price(1_000));
  const seats = await price(200);
  const two = await stripe.subscriptions.update(subscription.id, {
    items: [{ price: seats.id, quantity: 4 }],
  });
  assert.equal(two.items.data.length, 2);
  assert.equal(two.items.total_count, 2);
  const added = two.items.data.find((item) => item.price.id === seats.id);
  const one = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: added.id, deleted: true }],
  });
  assert.deepEqual(
    one.items.data.map(({ id }) => id),
    [subscription.items.data[0].id],
  );
});

test("collection can be paused without a change of status", async () => {
  const { id } = await clock();
  const { subscription } = await subscriber(await price(1_000), { customer: { test_clock: id } });
  const paused = await stripe.subscriptions.update(subscription.id, {
    pause_collection: { behavior: "void" },
  });
  assert.equal(paused.status, "active");
  assert.equal(paused.pause_collection.behavior, "void");
  await advance(id, APRIL + 30 * DAY + 2 * HOUR);
  const [invoice] = (await stripe.invoices.list({ subscription: subscription.id })).data;
  assert.equal(invoice.status, "void");
  const again = await stripe.subscriptions.update(subscription.id, { pause_collection: "" });
  assert.equal(again.pause_collection, null);
});

test("a sum too small to charge waits on the customer's balance", async () => {
  const [basic, pro] = [await price(1_000), await price(1_040)];
  const { id } = await clock();
  const { customer, subscription } = await subscriber(basic, { customer: { test_clock: id } });
  await advance(id, APRIL + 15 * DAY);
  const changed = await stripe.subscriptions.update(subscription.id, {
    items: [{ id: subscription.items.data[0].id, price: pro.id }],
    proration_behavior: "always_invoice",
    expand: ["latest_invoice", "customer"],
  });
  assert.equal(changed.latest_invoice.total, 20);
  assert.equal(changed.latest_invoice.status, "paid");
  assert.equal(changed.latest_invoice.attempt_count, 0);
  assert.equal(changed.customer.balance, 20);
  const [entry] = (await stripe.customers.listBalanceTransactions(customer.id)).data;
  assert.equal(entry.amount, 20);
  assert.equal(entry.type, "invoice_too_small");
});
