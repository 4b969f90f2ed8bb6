// What goes wrong around a payment, in a browser against the real server and its
// simulated Stripe: refused cards, 3-D Secure, checkouts left open, a renewal that
// fails and is paid after all, an upgrade that is not paid.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, visitor } from "./browser.mjs";
import {
  billingShows,
  changeCard,
  comeBackActive,
  moveClock,
  openCheckout,
  pay,
  planName,
  signUp,
  status,
} from "./steps.mjs";

const WORKS = "4242 4242 4242 4242";
const ASKS = "4000 0025 0000 3155";
const SAVED_THEN_FAILS = "4000 0000 0000 0341";

const url = process.env.BILLHOOK_URL;
const skip = url ? false : "BILLHOOK_URL is not set: start `billhook demo` and name it";
const noClock = skip || (!process.env.SIMULATOR_URL && "SIMULATOR_URL is not set");

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => {
  await browser?.close();
});

/** One visitor with an account of its own, whose pages must show no fault. */
function story(name, who, options, play) {
  test(name, { timeout: 180_000, skip, ...options }, async () => {
    const { context, page, faults } = await visitor(browser, url);
    try {
      await signUp(page, who);
      await play(page, context);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

const isFree = async (page) => {
  await page.goto("/settings?tab=billing");
  assert.equal(await planName(page), "Free");
  assert.equal(await status(page), "FREE");
};

story(
  "a refused card says why, changes nothing, and another one pays",
  "refused",
  {},
  async (page) => {
    await openCheckout(page);
    await inspect(page, "real-checkout");
    for (const [number, words] of [
      ["4000 0000 0000 0002", "Your card was declined."],
      ["4000 0000 0000 9995", "Your card has insufficient funds."],
      ["4000 0000 0000 0069", "Your card has expired."],
      ["4000 0000 0000 0341", "Your card was declined."],
    ]) {
      await pay(page, number);
      await page.getByTestId("form-error").getByText(words).waitFor();
    }
    await inspect(page, "real-checkout-declined");
    const checkout = page.url();
    await isFree(page);
    await page.goto(checkout);
    await pay(page, WORKS);
    await comeBackActive(page);
    assert.equal(await planName(page), "Team");
  },
);

story("3-D Secure: failed changes nothing, completed pays", "bank", {}, async (page) => {
  await openCheckout(page);
  await pay(page, ASKS);
  await page.getByTestId("challenge-fail").waitFor();
  await inspect(page, "real-challenge");
  await page.getByTestId("challenge-fail").click();
  await page.getByTestId("form-error").waitFor();
  await pay(page, ASKS);
  await page.getByTestId("challenge-complete").click();
  await comeBackActive(page);
  assert.equal(await planName(page), "Team");
  assert.equal(await status(page), "ACTIVE");
});

story("a checkout that was left is the one that goes on", "left", {}, async (page) => {
  await openCheckout(page);
  const first = page.url();
  await page.getByTestId("checkout-cancel").click();
  await page.getByTestId("checkout-cancelled").waitFor();
  await isFree(page);
  await openCheckout(page);
  assert.equal(page.url(), first, "the same choice opens the same checkout");
  await openCheckout(page, "enterprise");
  assert.notEqual(page.url(), first);
  // Two tabs with something to pay would be two subscriptions.
  await page.goto(first);
  assert.equal(await page.getByTestId("pay").count(), 0, "the first one takes no card any more");
  await openCheckout(page, "enterprise");
  await pay(page, WORKS);
  await comeBackActive(page);
  assert.equal(await planName(page), "Enterprise");
});

story(
  "an expired checkout changed nothing, and a new one starts",
  "expired",
  { skip: noClock },
  async (page, context) => {
    await openCheckout(page);
    const first = page.url();
    await moveClock(context, "day");
    await moveClock(context, "hour");
    await page.reload();
    assert.equal(await page.getByTestId("pay").count(), 0, "it takes no card any more");
    await isFree(page);
    await openCheckout(page);
    assert.notEqual(page.url(), first);
    await pay(page, WORKS);
    await comeBackActive(page);
  },
);

story("an upgrade that is not paid leaves the plan and says why", "upgrade", {}, async (page) => {
  await openCheckout(page);
  await pay(page, WORKS);
  await comeBackActive(page);
  await changeCard(page, SAVED_THEN_FAILS);
  await page.getByTestId("change-plan").click();
  await page.getByRole("radio", { name: /Enterprise/ }).check();
  await page.getByRole("button", { name: /^Pay .* and switch$/ }).click();
  await page.getByTestId("change-payment-failed").getByText("declined").waitFor();
  await inspect(page, "real-change-failed");
  await page.goto("/settings?tab=billing");
  assert.equal(await planName(page), "Team");
  assert.equal(await status(page), "ACTIVE");
});

story(
  "a failed renewal is shown, and paying it brings the plan back",
  "renewal",
  { skip: noClock },
  async (page, context) => {
    await openCheckout(page);
    await pay(page, WORKS);
    await comeBackActive(page);
    await changeCard(page, SAVED_THEN_FAILS);
    const problem = page.getByTestId("payment-problem");
    // The clock's button goes to whoever is next: those who bought before, and then to us.
    await moveClock(context, "month");
    await moveClock(context, "hour");
    await moveClock(context, "hour");
    await billingShows(page, () => problem, "the payment problem");
    await problem.getByText("$99").waitFor();
    await problem.getByText("Team is off until the invoice is paid.").waitFor();
    assert.equal(await planName(page), "Team");
    assert.equal(await status(page), "PAST_DUE");
    await inspect(page, "real-payment-problem");
    await page.goto("/settings?tab=usage");
    await page.getByTestId("usage").getByText(/Free/).first().waitFor();

    await page.goto("/settings?tab=billing");
    const [invoice] = await Promise.all([
      context.waitForEvent("page"),
      page.getByTestId("pay-invoice").click(),
    ]);
    await pay(invoice, WORKS);
    await invoice.getByTestId("notice").waitFor();
    await inspect(invoice, "real-invoice");
    await invoice.close();
    const active = () => page.locator('[data-testid="subscription-status"][data-status="ACTIVE"]');
    await billingShows(page, () => active().first(), "that the plan is back");
    assert.equal(await problem.count(), 0);
    await page.getByTestId("payment-method").getByText("4242").waitFor();
  },
);
