// What the tests stand on: the official package pointed at the simulator, people who buy, a webhook
// receiver and a wire that can be cut. Start reading at `stripe`.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

import Stripe from "stripe";

export { Stripe };

/** Where the simulator listens. */
export const SIMULATOR = new URL(process.env.SIMULATOR_URL ?? "http://127.0.0.1:12111");

/** The version of the API that this release of the package was made for. */
export const VERSION = "2026-08-26.dahlia";

/** Any key of test mode will do. */
export const KEY = "sk_test_official_sdk";

/** 1 April 2027, 00:00 UTC: a month of thirty days begins. */
export const APRIL = Date.UTC(2027, 3, 1) / 1000;
export const HOUR = 3_600;
export const DAY = 24 * HOUR;

/** A client at some other address or with other settings; no retries unless asked for. */
export function client(settings = {}, address = SIMULATOR, key = KEY) {
  return new Stripe(key, {
    host: address.hostname,
    port: address.port,
    protocol: "http",
    telemetry: false,
    maxNetworkRetries: 0,
    ...settings,
  });
}

/** The client most tests use. */
export const stripe = client();

/** An address nobody else in this run has. */
export const email = () => `${randomUUID()}@example.com`;

/** A price of a new product, monthly unless `more` says otherwise. */
export async function price(unit_amount, more = {}) {
  return stripe.prices.create({
    unit_amount,
    currency: "usd",
    recurring: { interval: "month" },
    product_data: { name: "Team" },
    ...more,
  });
}

/** A customer whose invoices are charged to `card`, one of Stripe's `pm_card_…` names. */
export async function payer(card = "pm_card_visa", more = {}) {
  return stripe.customers.create({
    email: email(),
    name: "Ada Example",
    payment_method: card,
    invoice_settings: { default_payment_method: card },
    ...more,
  });
}

/** A customer with an active subscription to `to`. */
export async function subscriber(to, { customer = {}, ...more } = {}) {
  const who = await payer("pm_card_visa", customer);
  const subscription = await stripe.subscriptions.create({
    customer: who.id,
    items: [{ price: to.id }],
    ...more,
  });
  return { customer: who, subscription };
}

/** A test clock that stands at `at`. */
export async function clock(at = APRIL) {
  return stripe.testHelpers.testClocks.create({ frozen_time: at, name: "official package" });
}

/** Moves a test clock and waits until it is ready. */
export async function advance(id, to) {
  const moving = await stripe.testHelpers.testClocks.advance(id, { frozen_time: to });
  assert.ok(["advancing", "ready"].includes(moving.status), moving.status);
  return until(async () => {
    const now = await stripe.testHelpers.testClocks.retrieve(id);
    assert.notEqual(now.status, "internal_failure");
    return now.status === "ready" && now;
  });
}

/** Asks again until the answer is not falsy, for ten seconds at most. */
export async function until(ask) {
  const end = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, `still not so: ${ask}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** The error a call ends with; fails the test when there is none or it is of another class. */
export async function refused(call, kind) {
  const error = await call.then(
    () => assert.fail("the call was not refused"),
    (error) => error,
  );
  assert.ok(error instanceof kind, `${error?.constructor?.name} instead of ${kind.name}: ${error}`);
  return error;
}

/** Fills in a hosted page's card form and presses the button. */
export async function submitCard(page, number) {
  return fetch(page, {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({
      email: "ada@example.com",
      card_number: number,
      card_expiry: "12 / 34",
      card_cvc: "123",
      card_name: "Ada Example",
    }),
  });
}

async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new URL(`http://127.0.0.1:${server.address().port}`);
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** An application that takes webhooks and keeps them as they came over the wire. */
export class Receiver {
  #server;
  #received = [];

  static async open() {
    const receiver = new Receiver();
    receiver.#server = http.createServer(async (request, response) => {
      const body = await bodyOf(request);
      receiver.#received.push({ headers: request.headers, body, text: body.toString("utf8") });
      response.end('{"received": true}');
    });
    receiver.url = new URL("/hook", await listening(receiver.#server)).href;
    return receiver;
  }

  /** What has arrived so far, oldest first. */
  get received() {
    return this.#received;
  }

  /** The first delivery that `fits`, given its parsed body. */
  async delivery(fits) {
    return until(() => this.#received.find(({ text }) => fits(JSON.parse(text))));
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/**
 * A wire between client and simulator. `faults` holds one entry per request, in order: `'lose'`
 * lets the request through and loses the answer, `'refuse'` answers 500 without asking anybody;
 * where there is none left, all is well.
 */
export class Wire {
  #server;
  seen = [];

  static async open(faults) {
    const wire = new Wire();
    wire.#server = http.createServer(async (request, response) => {
      const body = await bodyOf(request);
      wire.seen.push({ method: request.method, key: request.headers["idempotency-key"] });
      const fault = faults.shift();
      if (fault === "refuse") {
        response.writeHead(500, { "content-type": "application/json" });
        response.end('{"error": {"type": "api_error", "message": "An unknown error occurred"}}');
        return;
      }
      const through = http.request(
        new URL(request.url, SIMULATOR),
        { method: request.method, headers: { ...request.headers, host: SIMULATOR.host } },
        async (answer) => {
          const text = await bodyOf(answer);
          if (fault === "lose") {
            request.socket.destroy();
            return;
          }
          response.writeHead(answer.statusCode, answer.headers);
          response.end(text);
        },
      );
      through.end(body);
    });
    wire.address = await listening(wire.#server);
    return wire;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
