// Events: listed by the API, and delivered, signed, to an application that checks them with the
// package's own words.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  email,
  price,
  Receiver,
  refused,
  Stripe,
  stripe,
  submitCard,
  subscriber,
  until,
  VERSION,
} from "./house.mjs";

const { StripeInvalidRequestError, StripeSignatureVerificationError } = Stripe.errors;

let receiver;
before(async () => {
  receiver = await Receiver.open();
});
after(() => receiver.close());

async function endpoint(more = {}) {
  return stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["*"], ...more });
}

/** The first delivery of this type about this object that `secret` signed. */
async function delivered(secret, type, id) {
  return until(() =>
    receiver.received.find(({ text, headers }) => {
      const event = JSON.parse(text);
      if (event.type !== type || event.data.object.id !== id) return false;
      try {
        return stripe.webhooks.constructEvent(text, headers["stripe-signature"], secret);
      } catch {
        return false;
      }
    }),
  );
}

test("a delivery is verified on its raw body, and nothing else is", async () => {
  const { id, secret } = await endpoint({ enabled_events: ["customer.created"] });
  assert.match(secret, /^whsec_/);
  const customer = await stripe.customers.create({ email: email(), name: "Zoë 漢字" });
  const { body, text, headers } = await delivered(secret, "customer.created", customer.id);

  const signature = headers["stripe-signature"];
  const event = stripe.webhooks.constructEvent(body, signature, secret);
  assert.match(event.id, /^evt_/);
  assert.equal(event.object, "event");
  assert.equal(event.type, "customer.created");
  assert.equal(event.api_version, VERSION);
  assert.equal(event.livemode, false);
  assert.equal(event.data.object.name, "Zoë 漢字");
  assert.equal(event.request.id, customer.lastResponse.requestId);
  assert.equal(event.request.idempotency_key, customer.lastResponse.idempotencyKey);
  const later = await stripe.webhooks.constructEventAsync(text, signature, secret);
  assert.equal(later.id, event.id);
  assert.match(headers["content-type"], /^application\/json/);
  assert.match(headers["user-agent"], /^Stripe\/1\.0/);

  const forged = (...parts) =>
    assert.throws(() => stripe.webhooks.constructEvent(...parts), StripeSignatureVerificationError);
  forged(text, signature, "whsec_of_somebody_else");
  forged(text.replace(customer.id, "cus_other"), signature, secret);
  forged(text, signature.replace(/t=\d+/, "t=1492774577"), secret);

  const same = await stripe.events.retrieve(event.id);
  assert.equal(same.type, "customer.created");
  assert.equal(same.data.object.id, customer.id);
  await stripe.webhookEndpoints.del(id);
});

test("an endpoint shows its secret once, gets only what it wants, and can be switched off", async () => {
  const created = await endpoint({
    enabled_events: ["customer.updated"],
    description: "official package",
    metadata: { of: "test" },
  });
  assert.match(created.id, /^we_/);
  assert.equal(created.status, "enabled");
  const read = await stripe.webhookEndpoints.retrieve(created.id);
  assert.equal(read.secret, undefined);
  assert.equal(read.description, "official package");

  const customer = await stripe.customers.create({ email: email() });
  await stripe.customers.update(customer.id, { name: "Changed" });
  const { text } = await delivered(created.secret, "customer.updated", customer.id);
  assert.equal(JSON.parse(text).data.previous_attributes.name, null);
  const mine = receiver.received.filter(({ text }) => text.includes(customer.id));
  assert.deepEqual(
    mine.map(({ text }) => JSON.parse(text).type),
    ["customer.updated"],
  );

  const off = await stripe.webhookEndpoints.update(created.id, { disabled: true });
  assert.equal(off.status, "disabled");
  await stripe.customers.update(customer.id, { name: "Unseen" });
  const seen = (await stripe.webhookEndpoints.list({ limit: 100 })).data.map(({ id }) => id);
  assert.ok(seen.includes(created.id));
  assert.equal((await stripe.webhookEndpoints.del(created.id)).deleted, true);
  await refused(stripe.webhookEndpoints.retrieve(created.id), StripeInvalidRequestError);

  // A second endpoint hears of the next change; by then the first would have heard of the last.
  const second = await endpoint({ enabled_events: ["customer.updated"] });
  await stripe.customers.update(customer.id, { name: "Seen" });
  await delivered(second.secret, "customer.updated", customer.id);
  assert.ok(
    !receiver.received.some(
      ({ text }) => text.includes("Unseen") && JSON.parse(text).data.object.name === "Unseen",
    ),
  );
  await stripe.webhookEndpoints.del(second.id);
});

test("a purchase is told as Stripe tells it", async () => {
  const { id, secret } = await endpoint();
  const team = await price(9_900);
  const customer = await stripe.customers.create({ email: email() });
  const session = await stripe.checkout.sessions.create({
    mode: "subscription",
    customer: customer.id,
    line_items: [{ price: team.id, quantity: 1 }],
    success_url: "http://127.0.0.1:9/ok",
  });
  assert.equal((await submitCard(session.url, "4242424242424242")).status, 303);
  const { text } = await delivered(secret, "checkout.session.completed", session.id);
  const completed = JSON.parse(text).data.object;
  assert.equal(completed.payment_status, "paid");
  assert.equal(completed.customer, customer.id);
  assert.match(completed.subscription, /^sub_/);
  await delivered(secret, "customer.subscription.created", completed.subscription);
  for (const type of [
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
  ]) {
    await delivered(secret, type, completed.invoice);
  }
  await stripe.webhookEndpoints.del(id);
});

test("an endpoint keeps the version it was made with", async () => {
  const { id, secret } = await endpoint({ api_version: "2024-11-20.acacia" });
  const { subscription } = await subscriber(await price(9_900));
  const { text } = await delivered(secret, "customer.subscription.created", subscription.id);
  const event = JSON.parse(text);
  assert.equal(event.api_version, "2024-11-20.acacia");
  const [item] = subscription.items.data;
  assert.equal(event.data.object.current_period_end, item.current_period_end);
  await stripe.webhookEndpoints.del(id);
});

test("events are paged through by type, newest first", async () => {
  const ids = [];
  for (let count = 0; count < 12; count += 1) {
    ids.push((await stripe.customers.create({ email: email() })).id);
  }
  await stripe.customers.del(ids[0]);

  const created = [];
  for await (const event of stripe.events.list({ type: "customer.created", limit: 5 })) {
    assert.equal(event.type, "customer.created");
    if (ids.includes(event.data.object.id)) created.push(event.data.object.id);
    if (created.length === ids.length) break;
  }
  assert.deepEqual(created, [...ids].reverse());

  const both = await stripe.events.list({
    types: ["customer.deleted", "customer.created"],
    limit: 50,
  });
  const types = both.data
    .filter((event) => event.data.object.id === ids[0])
    .map(({ type }) => type);
  assert.deepEqual(types, ["customer.deleted", "customer.created"]);

  const wildcard = await stripe.events.list({ type: "customer.*", limit: 1 });
  assert.match(wildcard.data[0].type, /^customer\./);
});
