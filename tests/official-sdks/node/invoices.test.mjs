// Invoices and the money that moves for them.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  APRIL,
  advance,
  clock,
  DAY,
  payer,
  price,
  refused,
  Stripe,
  stripe,
  submitCard,
  subscriber,
} from "./house.mjs";

const { StripeCardError, StripeInvalidRequestError } = Stripe.errors;

/** An invoice over 20.00 that waits to be finalised. */
async function draft(customer) {
  const invoice = await stripe.invoices.create({ customer: customer.id, auto_advance: false });
  await stripe.invoiceItems.create({
    customer: customer.id,
    invoice: invoice.id,
    amount: 2_000,
    currency: "usd",
    description: "Setting up",
  });
  return invoice;
}

test("a subscription invoice is listed, read, shown and printed", async () => {
  const { customer, subscription } = await subscriber(await price(9_900));
  const byCustomer = await stripe.invoices.list({ customer: customer.id });
  const bySubscription = await stripe.invoices.list({ subscription: subscription.id });
  assert.deepEqual(
    bySubscription.data.map(({ id }) => id),
    byCustomer.data.map(({ id }) => id),
  );
  assert.deepEqual(
    byCustomer.data.map(({ id }) => id),
    [subscription.latest_invoice],
  );
  const [invoice] = byCustomer.data;
  assert.equal(invoice.status, "paid");
  assert.equal(invoice.total, 9_900);
  assert.equal(invoice.amount_remaining, 0);
  assert.ok(invoice.number);
  assert.ok(invoice.status_transitions.paid_at >= invoice.created);

  const lines = await stripe.invoices.listLineItems(invoice.id);
  assert.equal(lines.data.length, 1);
  assert.equal(lines.data[0].amount, 9_900);
  assert.equal(lines.data[0].parent.type, "subscription_item_details");
  assert.equal(lines.data[0].pricing.price_details.price, subscription.items.data[0].price.id);

  const payments = await stripe.invoicePayments.list({ invoice: invoice.id });
  assert.equal(payments.data[0].amount_paid, 9_900);

  const page = await fetch(invoice.hosted_invoice_url);
  assert.equal(page.status, 200);
  const printed = await fetch(invoice.invoice_pdf);
  assert.equal(printed.status, 200);
  const bytes = Buffer.from(await printed.arrayBuffer());
  assert.equal(bytes.subarray(0, 5).toString(), "%PDF-");
});

test("an invoice of one's own goes from draft to open to paid", async () => {
  const customer = await payer();
  const { id } = await draft(customer);
  const before = await stripe.invoices.retrieve(id);
  assert.equal(before.status, "draft");
  assert.equal(before.total, 2_000);
  assert.equal(before.hosted_invoice_url, null);
  const open = await stripe.invoices.finalizeInvoice(id);
  assert.equal(open.status, "open");
  assert.equal(open.amount_due, 2_000);
  const paid = await stripe.invoices.pay(id);
  assert.equal(paid.status, "paid");
  assert.equal(paid.amount_paid, 2_000);
  const twice = await refused(stripe.invoices.pay(id), StripeInvalidRequestError);
  assert.match(twice.message, /already paid/);
});

test("a declined invoice says why and can be paid with another card", async () => {
  const customer = await payer("pm_card_chargeCustomerFail");
  const { id } = await draft(customer);
  await stripe.invoices.finalizeInvoice(id);
  const declined = await refused(stripe.invoices.pay(id), StripeCardError);
  assert.equal(declined.statusCode, 402);
  assert.equal(declined.code, "card_declined");
  assert.equal(declined.decline_code, "generic_decline");
  const open = await stripe.invoices.retrieve(id);
  assert.equal(open.status, "open");
  assert.equal(open.attempted, true);
  assert.equal(open.attempt_count, 1);

  const card = await stripe.paymentMethods.attach("pm_card_mastercard", { customer: customer.id });
  const paid = await stripe.invoices.pay(id, { payment_method: card.id });
  assert.equal(paid.status, "paid");
});

test("drafts are deleted, open invoices voided or written off", async () => {
  const customer = await payer();
  const first = await draft(customer);
  assert.equal((await stripe.invoices.del(first.id)).deleted, true);

  const second = await draft(customer);
  await stripe.invoices.finalizeInvoice(second.id);
  await refused(stripe.invoices.del(second.id), StripeInvalidRequestError);
  assert.equal((await stripe.invoices.voidInvoice(second.id)).status, "void");

  const third = await draft(customer);
  await stripe.invoices.finalizeInvoice(third.id);
  assert.equal((await stripe.invoices.markUncollectible(third.id)).status, "uncollectible");

  const fourth = await draft(customer);
  await stripe.invoices.finalizeInvoice(fourth.id);
  const outside = await stripe.invoices.pay(fourth.id, { paid_out_of_band: true });
  assert.equal(outside.status, "paid");
});

test("a preview shows the next invoice and leaves nothing behind", async () => {
  const { customer, subscription } = await subscriber(await price(9_900));
  const preview = await stripe.invoices.createPreview({ subscription: subscription.id });
  assert.equal(preview.object, "invoice");
  assert.equal(preview.total, 9_900);
  assert.equal(preview.lines.data.length, 1);
  assert.equal((await stripe.invoices.list({ customer: customer.id })).data.length, 1);

  const team = await price(4_500);
  const fresh = await stripe.invoices.createPreview({
    customer: customer.id,
    subscription_details: { items: [{ price: team.id, quantity: 2 }] },
  });
  assert.equal(fresh.total, 9_000);
});

test("a payment is taken, refunded in part and then in full", async () => {
  const customer = await payer();
  const intent = await stripe.paymentIntents.create({
    amount: 5_000,
    currency: "usd",
    customer: customer.id,
    payment_method: customer.invoice_settings.default_payment_method,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    confirm: true,
    expand: ["latest_charge"],
  });
  assert.equal(intent.status, "succeeded");
  const charge = intent.latest_charge;
  assert.equal(charge.paid, true);
  assert.equal(charge.outcome.type, "authorized");
  assert.equal(charge.payment_method_details.card.brand, "visa");

  const part = await stripe.refunds.create({ payment_intent: intent.id, amount: 2_000 });
  assert.equal(part.status, "succeeded");
  assert.equal(part.charge, charge.id);
  const rest = await stripe.refunds.create({ charge: charge.id });
  assert.equal(rest.amount, 3_000);
  const after = await stripe.charges.retrieve(charge.id);
  assert.equal(after.refunded, true);
  assert.equal(after.amount_refunded, 5_000);
  const more = await refused(
    stripe.refunds.create({ charge: charge.id }),
    StripeInvalidRequestError,
  );
  assert.equal(more.code, "charge_already_refunded");
  const listed = await stripe.refunds.list({ charge: charge.id });
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [rest.id, part.id],
  );
});

test("a card is set up for later, listed and detached", async () => {
  const customer = await stripe.customers.create({ email: "ada@example.com" });
  const setup = await stripe.setupIntents.create({
    customer: customer.id,
    payment_method: "pm_card_visa",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    confirm: true,
  });
  assert.equal(setup.status, "succeeded");
  const cards = await stripe.customers.listPaymentMethods(customer.id, { type: "card" });
  assert.deepEqual(
    cards.data.map(({ id }) => id),
    [setup.payment_method],
  );
  const gone = await stripe.paymentMethods.detach(setup.payment_method);
  assert.equal(gone.customer, null);
  const spent = await refused(
    stripe.paymentMethods.attach(setup.payment_method, { customer: customer.id }),
    StripeInvalidRequestError,
  );
  assert.match(spent.message, /was detached from a Customer, and may not be used again/);
  assert.equal((await stripe.paymentMethods.list({ customer: customer.id })).data.length, 0);
});

test("parts of a cent are rounded once, on the sum", async () => {
  const fine = await price(undefined, { unit_amount_decimal: "0.5" });
  const { subscription } = await subscriber(fine, {
    items: [{ price: fine.id, quantity: 1_001 }],
    expand: ["latest_invoice"],
  });
  assert.equal(subscription.latest_invoice.total, 501);
  const [line] = subscription.latest_invoice.lines.data;
  assert.equal(String(line.pricing.unit_amount_decimal), "0.5");

  const customer = await payer();
  const item = await stripe.invoiceItems.create({
    customer: customer.id,
    currency: "usd",
    quantity: 3,
    unit_amount_decimal: "33.4",
  });
  assert.equal(item.amount, 100);
});

test("what is added to a subscription once stands on the next invoice only", async () => {
  const [team, setup] = [await price(9_900), await price(2_500, { recurring: undefined })];
  const { customer, subscription } = await subscriber(team, {
    add_invoice_items: [{ price: setup.id, quantity: 2 }],
    expand: ["latest_invoice"],
  });
  assert.equal(subscription.latest_invoice.total, 14_900);
  assert.equal(subscription.latest_invoice.amount_paid, 14_900);
  assert.equal((await stripe.invoiceItems.list({ customer: customer.id })).data.length, 1);

  await stripe.subscriptions.update(subscription.id, { add_invoice_items: [{ price: setup.id }] });
  const next = await stripe.invoices.createPreview({ subscription: subscription.id });
  assert.equal(next.total, 12_400);
});

test("checkout charges what it shows, whatever else is waiting", async () => {
  const [team, setup] = [await price(9_900), await price(2_500, { recurring: undefined })];
  const customer = await payer();
  await stripe.invoiceItems.create({ customer: customer.id, amount: 700, currency: "usd" });
  const session = await stripe.checkout.sessions.create({
    mode: "subscription",
    customer: customer.id,
    line_items: [
      { price: team.id, quantity: 1 },
      { price: setup.id, quantity: 1 },
    ],
    success_url: "http://127.0.0.1:9/ok",
  });
  assert.equal(session.amount_total, 12_400);
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const done = await stripe.checkout.sessions.retrieve(session.id, {
    expand: ["invoice.payments.data.payment.payment_intent"],
  });
  assert.equal(done.invoice.amount_paid, 12_400);
  const [{ payment }] = done.invoice.payments.data;
  assert.equal(payment.payment_intent.amount_received, 12_400);
});

test("a preview of leaving shows what comes back, or that nothing more comes", async () => {
  const { id } = await clock();
  const { subscription } = await subscriber(await price(3_000), { customer: { test_clock: id } });
  await advance(id, APRIL + 15 * DAY);
  const leaving = (how) =>
    stripe.invoices.createPreview({
      subscription: subscription.id,
      subscription_details: how,
    });
  const now = await leaving({ cancel_now: true, proration_behavior: "always_invoice" });
  assert.equal(now.total, -1_500);
  const nothing = await refused(leaving({ cancel_at_period_end: true }), StripeInvalidRequestError);
  assert.equal(nothing.code, "invoice_upcoming_none");
  assert.equal((await leaving({})).total, 3_000);
});
