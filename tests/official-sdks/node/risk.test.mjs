// Disputes and early fraud warnings, which test cards bring about.

import assert from "node:assert/strict";
import { test } from "node:test";

import { payer, refused, Stripe, stripe, until } from "./house.mjs";

/** A charge on one of Stripe's `pm_card_…` cards. */
async function charge(card, amount = 4_900) {
  const customer = await payer();
  const intent = await stripe.paymentIntents.create({
    amount,
    currency: "usd",
    customer: customer.id,
    payment_method: card,
    payment_method_types: ["card"],
    confirm: true,
  });
  assert.equal(intent.status, "succeeded");
  return intent;
}

async function disputeOf(intent) {
  return until(async () => {
    const { data } = await stripe.disputes.list({ payment_intent: intent.id });
    return data[0];
  });
}

async function settled(id, status) {
  return until(async () => {
    const now = await stripe.disputes.retrieve(id);
    return now.status === status && now;
  });
}

test("a dispute waits for evidence, and winning words win it", async () => {
  const intent = await charge("pm_card_createDispute");
  const dispute = await disputeOf(intent);
  assert.match(dispute.id, /^du_|^dp_/);
  assert.equal(dispute.status, "needs_response");
  assert.equal(dispute.reason, "fraudulent");
  assert.equal(dispute.amount, 4_900);
  assert.equal(dispute.charge, intent.latest_charge);
  assert.ok(dispute.evidence_details.due_by > dispute.created);
  assert.equal((await stripe.charges.retrieve(intent.latest_charge)).disputed, true);

  const staged = await stripe.disputes.update(dispute.id, {
    evidence: { customer_name: "Ada Example" },
    submit: false,
  });
  assert.equal(staged.status, "needs_response");
  assert.equal(staged.evidence.customer_name, "Ada Example");
  assert.equal(staged.evidence_details.has_evidence, true);
  assert.equal(staged.evidence_details.submission_count, 0);

  const sent = await stripe.disputes.update(dispute.id, {
    evidence: { uncategorized_text: "winning_evidence" },
  });
  assert.equal(sent.status, "under_review");
  assert.equal(sent.evidence_details.submission_count, 1);
  await settled(dispute.id, "won");
});

test("a dispute can be given up", async () => {
  const dispute = await disputeOf(await charge("pm_card_createDisputeProductNotReceived"));
  assert.equal(dispute.reason, "product_not_received");
  const closed = await stripe.disputes.close(dispute.id);
  assert.equal(closed.status, "lost");
  await refused(
    stripe.disputes.update(dispute.id, { evidence: { customer_name: "Late" } }),
    Stripe.errors.StripeInvalidRequestError,
  );
});

test("an inquiry takes no money", async () => {
  const dispute = await disputeOf(await charge("pm_card_createDisputeInquiry"));
  assert.equal(dispute.status, "warning_needs_response");
  assert.equal(dispute.balance_transactions.length, 0);
});

test("a fraud warning can be acted on until the charge is refunded", async () => {
  const intent = await charge("pm_card_createIssuerFraudRecord");
  const warning = await until(async () => {
    const { data } = await stripe.radar.earlyFraudWarnings.list({ charge: intent.latest_charge });
    return data[0];
  });
  assert.match(warning.id, /^issfr_/);
  assert.equal(warning.actionable, true);
  assert.equal(warning.payment_intent, intent.id);
  await stripe.refunds.create({ charge: intent.latest_charge });
  const after = await until(async () => {
    const now = await stripe.radar.earlyFraudWarnings.retrieve(warning.id, { expand: ["charge"] });
    return !now.actionable && now;
  });
  assert.equal(after.charge.refunded, true);
});
