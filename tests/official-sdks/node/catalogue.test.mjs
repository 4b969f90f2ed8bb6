// Customers, products and prices: reading, writing, lists and what may be expanded.

import assert from "node:assert/strict";
import { test } from "node:test";

import { email, price, refused, Stripe, stripe, until, VERSION } from "./house.mjs";

const InvalidRequest = Stripe.errors.StripeInvalidRequestError;

test("a customer is created, read, changed and deleted", async () => {
  const created = await stripe.customers.create({
    email: email(),
    name: "Ada Example",
    address: { line1: "1 High Street", city: "Dublin", country: "IE" },
    metadata: { organization_id: "org_1", team: "alpha" },
  });
  assert.match(created.id, /^cus_/);
  assert.equal(created.object, "customer");
  assert.equal(created.livemode, false);
  assert.equal(created.balance, 0);
  assert.equal(created.address.city, "Dublin");
  assert.match(created.lastResponse.requestId, /^req_/);
  assert.equal(created.lastResponse.apiVersion, VERSION);
  assert.equal(created.lastResponse.statusCode, 200);

  const read = await stripe.customers.retrieve(created.id);
  assert.deepEqual({ ...read }, { ...created });

  const changed = await stripe.customers.update(created.id, {
    name: "Ada Byron",
    address: "",
    metadata: { team: "", seats: 3 },
  });
  assert.equal(changed.name, "Ada Byron");
  assert.equal(changed.address, null);
  assert.deepEqual({ ...changed.metadata }, { organization_id: "org_1", seats: "3" });

  const deleted = await stripe.customers.del(created.id);
  assert.deepEqual({ ...deleted }, { id: created.id, object: "customer", deleted: true });
  assert.equal((await stripe.customers.retrieve(created.id)).deleted, true);
});

test("lists are paged through in both directions without gaps or repeats", async () => {
  const address = email();
  const ids = [];
  for (let count = 0; count < 7; count += 1) {
    ids.push((await stripe.customers.create({ email: address, name: `Nr ${count}` })).id);
  }
  const newestFirst = [...ids].reverse();

  const first = await stripe.customers.list({ email: address, limit: 3 });
  assert.equal(first.object, "list");
  assert.equal(first.url, "/v1/customers");
  assert.equal(first.has_more, true);
  assert.deepEqual(
    first.data.map(({ id }) => id),
    newestFirst.slice(0, 3),
  );

  const seen = [];
  for await (const customer of stripe.customers.list({ email: address, limit: 3 })) {
    seen.push(customer.id);
  }
  assert.deepEqual(seen, newestFirst);

  const some = await stripe.customers
    .list({ email: address, limit: 2 })
    .autoPagingToArray({ limit: 5 });
  assert.deepEqual(
    some.map(({ id }) => id),
    newestFirst.slice(0, 5),
  );

  const backwards = [];
  const before = { email: address, limit: 3, ending_before: ids[0] };
  for await (const customer of stripe.customers.list(before)) backwards.push(customer.id);
  assert.deepEqual(backwards, ids.slice(1));

  const last = await stripe.customers.list({ email: address, limit: 7 });
  assert.equal(last.has_more, false);
});

test("a search finds a customer by address and by metadata", async () => {
  const organization = email();
  const { id } = await stripe.customers.create({
    email: email(),
    metadata: { organization_id: organization },
  });
  const found = await until(async () => {
    const result = await stripe.customers.search({
      query: `metadata['organization_id']:'${organization}'`,
    });
    assert.equal(result.object, "search_result");
    return result.data.length > 0 && result.data;
  });
  assert.deepEqual(
    found.map((customer) => customer.id),
    [id],
  );
  const counted = await stripe.customers.search({
    query: `metadata['organization_id']:'${organization}'`,
    expand: ["total_count"],
  });
  assert.equal(counted.total_count, 1);
});

test("a product carries its default price, expanded on request", async () => {
  const product = await stripe.products.create({
    name: "Team",
    description: "For ten people",
    metadata: { tier: "team" },
    marketing_features: [{ name: "Ten projects" }],
    default_price_data: {
      currency: "usd",
      unit_amount: 9_900,
      recurring: { interval: "month" },
    },
    expand: ["default_price"],
  });
  assert.match(product.id, /^prod_/);
  assert.equal(product.active, true);
  assert.equal(product.default_price.unit_amount, 9_900);
  assert.equal(product.default_price.product, product.id);

  const renamed = await stripe.products.update(product.id, {
    name: "Team 2",
    active: false,
    marketing_features: "",
  });
  assert.deepEqual(renamed.marketing_features, []);
  assert.equal(renamed.name, "Team 2");
  assert.equal(renamed.active, false);
  assert.equal(typeof renamed.default_price, "string");

  const listed = await stripe.products.list({ ids: [product.id] });
  assert.deepEqual(
    listed.data.map(({ id }) => id),
    [product.id],
  );

  const chosen = await stripe.products.create({ id: `team-${Date.now()}`, name: "Own id" });
  assert.match(chosen.id, /^team-/);
  assert.equal((await stripe.products.del(chosen.id)).deleted, true);
  await refused(stripe.products.retrieve(chosen.id), InvalidRequest);
});

test("a price is found by its lookup key, which can move to its successor", async () => {
  const key = `team-monthly-${email()}`;
  const first = await price(9_900, { lookup_key: key, nickname: "Team monthly" });
  assert.match(first.id, /^price_/);
  assert.equal(first.type, "recurring");
  assert.equal(first.recurring.interval, "month");
  assert.equal(first.recurring.interval_count, 1);
  assert.equal(first.recurring.usage_type, "licensed");
  assert.equal(first.billing_scheme, "per_unit");
  assert.equal(String(first.unit_amount_decimal), "9900");

  const byKey = () => stripe.prices.list({ lookup_keys: [key], expand: ["data.product"] });
  const [found] = (await byKey()).data;
  assert.equal(found.id, first.id);
  assert.equal(found.product.name, "Team");

  const taken = await refused(price(10_900, { lookup_key: key }), InvalidRequest);
  assert.equal(taken.statusCode, 400);

  const next = await price(10_900, { lookup_key: key, transfer_lookup_key: true });
  assert.deepEqual(
    (await byKey()).data.map(({ id }) => id),
    [next.id],
  );
  assert.equal((await stripe.prices.retrieve(first.id)).lookup_key, null);

  const retired = await stripe.prices.update(first.id, { active: false });
  assert.equal(retired.active, false);
  const frozen = await refused(stripe.prices.update(first.id, { unit_amount: 1 }), InvalidRequest);
  assert.equal(frozen.code, "parameter_unknown");
  assert.equal(frozen.param, "unit_amount");
});

test("prices exist in currencies without and with three decimals, and once only", async () => {
  const yen = await price(1_000, { currency: "jpy", recurring: { interval: "year" } });
  assert.equal(yen.currency, "jpy");
  assert.equal(yen.unit_amount, 1_000);
  assert.equal(yen.recurring.interval, "year");
  const once = await price(5_000, { currency: "kwd", recurring: undefined });
  assert.equal(once.type, "one_time");
  assert.equal(once.recurring, null);
  const fine = await price(undefined, { unit_amount_decimal: "0.5" });
  assert.equal(fine.unit_amount, null);
  assert.equal(String(fine.unit_amount_decimal), "0.5");
});

test("what cannot be expanded is refused by name", async () => {
  const { id } = await price(100);
  const wrong = await refused(stripe.prices.retrieve(id, { expand: ["nothing"] }), InvalidRequest);
  assert.equal(wrong.statusCode, 400);
  assert.match(wrong.message, /^This property cannot be expanded \(nothing\)\./);
  const list = await refused(stripe.prices.list({ expand: ["product"] }), InvalidRequest);
  assert.match(list.message, /data\.product/);
});
