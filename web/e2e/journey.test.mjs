// The main job in a browser against the real server and its simulated Stripe:
// sign up, buy Team, be active, use the portal, look at an invoice, change the
// plan, cancel, resume, and see the plan end when it should. Each step depends on
// the one before, so it is one test with named parts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, visitor } from "./browser.mjs";
import {
  billingShows,
  fillCard,
  moveClock,
  PATIENCE_MS,
  planName,
  signUp,
  status,
} from "./steps.mjs";

const url = process.env.BILLHOOK_URL;
const simulator = process.env.SIMULATOR_URL;
const skip = url ? false : "BILLHOOK_URL is not set: start `billhook demo` and name it";

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => {
  await browser?.close();
});

test("sign up, buy, manage, leave", { skip, timeout: 300_000 }, async (t) => {
  const { context, page, faults } = await visitor(browser, url);
  let failed = false;
  const part = (name, play) =>
    t.test(name, { skip: failed && "an earlier part failed" }, async () => {
      failed = true;
      await play();
      failed = false;
    });

  await part("sign up lands on the prices", async () => {
    await signUp(page, "journey");
    await page.getByTestId("choose-team").waitFor();
    await inspect(page, "real-pricing");
  });

  await part("buy Team with 4242 and come back to an active plan", async () => {
    await page.getByTestId("choose-team").click();
    await page.getByTestId("pay").waitFor();
    await fillCard(page, "4242 4242 4242 4242");
    await page.getByTestId("pay").click();
    await page.waitForURL("**/settings?**checkout=success**");
    await page.getByTestId("checkout-active").waitFor({ timeout: PATIENCE_MS });
    assert.equal(await planName(page), "Team");
    assert.equal(await status(page), "ACTIVE");
    await page.getByTestId("payment-method").getByText("4242").waitFor();
    await inspect(page, "real-billing");
  });

  await part("the invoice opens, as a page and as a PDF", async () => {
    await billingShows(page, () => page.getByTestId("invoice-row").first(), "the invoice");
    const hosted = await page.getByTestId("invoice-link").first().getAttribute("href");
    const pdf = await page.getByTestId("invoice-pdf").first().getAttribute("href");
    assert.equal((await page.request.get(hosted)).status(), 200);
    const file = await page.request.get(pdf);
    assert.equal((await file.body()).subarray(0, 5).toString(), "%PDF-");
  });

  await part("a second checkout is not offered", async () => {
    await page.goto("/pricing");
    await page.getByTestId("plan-team").getByText("Current plan").waitFor();
    assert.match(await page.getByTestId("choose-enterprise").innerText(), /Upgrade/);
  });

  await part("a new card from the portal shows here", async () => {
    await page.goto("/settings?tab=billing");
    await page.getByTestId("portal").click();
    await page.getByTestId("portal-update-card").click();
    await fillCard(page, "5555 5555 5555 4444");
    await page.getByTestId("portal-save-card").click();
    await page.getByTestId("card-on-file").getByText("4444").waitFor();
    await page.getByTestId("portal-return").click();
    await page.waitForURL("**/settings?**");
    const method = () => page.getByTestId("payment-method").getByText("4444");
    await billingShows(page, method, "the new card");
  });

  await part("cancelled in the portal, resumed here", async () => {
    await page.getByTestId("portal").click();
    await page.getByTestId("portal-cancel").click();
    await page.getByTestId("portal-confirm-cancel").click();
    await page.getByTestId("portal-resume").waitFor();
    await page.getByTestId("portal-return").click();
    await billingShows(page, () => page.getByTestId("ending-notice"), "that the plan ends");
    assert.equal(await status(page), "ACTIVE");
    await inspect(page, "real-ending");
    await page.getByTestId("resume-plan").click();
    await page.getByTestId("ending-notice").waitFor({ state: "detached" });
  });

  await part("an upgrade charges what was shown", async () => {
    await page.getByTestId("change-plan").click();
    await page.getByRole("radio", { name: /Enterprise/ }).check();
    const confirm = page.getByRole("button", { name: /^Pay .* and switch$/ });
    await confirm.waitFor();
    await inspect(page, "real-change");
    const [amount] = (await confirm.innerText()).match(/[$][\d,.]+/);
    await confirm.click();
    await page.getByTestId("plan-name").getByText("Enterprise").waitFor();
    const charged = () => page.getByTestId("invoice-row").filter({ hasText: amount });
    await billingShows(page, () => charged().first(), `an invoice over ${amount}`);
    assert.equal(await planName(page), "Enterprise");
  });

  await part("a move down waits for the period's end and can be withdrawn", async () => {
    await page.getByTestId("change-plan").click();
    await page.getByRole("radio", { name: /Team/ }).check();
    await page.getByRole("button", { name: "Schedule Team" }).click();
    await page.getByTestId("switching-notice").waitFor();
    assert.equal(await planName(page), "Enterprise");
    await page.getByTestId("withdraw-change").click();
    await page.getByTestId("switching-notice").waitFor({ state: "detached" });
  });

  await part("cancelled here, the plan runs on until its end", async () => {
    await page.getByTestId("cancel-plan").click();
    await page.getByTestId("confirm-cancel").click();
    await page.getByTestId("ending-notice").waitFor();
    assert.equal(await status(page), "ACTIVE");
  });

  const noClock = simulator ? failed : true;
  await t.test(
    "when the period is over the plan has ended",
    { skip: noClock && "SIMULATOR_URL is not set, or an earlier part failed" },
    async () => {
      await moveClock(context, "renewal");
      const ended = () =>
        page.locator(
          '[data-testid="subscription-status"]:is([data-status="FREE"], [data-status="CANCELLED"])',
        );
      await billingShows(page, () => ended().first(), "that the plan has ended");
      await page.goto("/settings?tab=usage");
      await page.getByTestId("usage").getByText(/Free/).first().waitFor();
    },
  );

  await t.test("nothing was refused by the content security policy", () => {
    assert.deepEqual(faults, []);
  });
  await context.close();
});

const operator = { email: process.env.OPERATOR_EMAIL, password: process.env.OPERATOR_PASSWORD };

test("an operator sees the deliveries", {
  skip: skip || (!operator.email && "OPERATOR_EMAIL is not set"),
  timeout: 120_000,
}, async () => {
  const { context, page, faults } = await visitor(browser, url);
  await page.goto("/login?next=%2Fadmin");
  await page.getByLabel("E-mail").fill(operator.email);
  await page.getByLabel("Password").fill(operator.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByTestId("figures").waitFor();
  await inspect(page, "real-admin");
  await page.goto("/admin/deliveries?state=applied");
  await page.getByTestId("delivery-row").first().waitFor();
  await inspect(page, "real-deliveries");
  await page.getByTestId("delivery-row").first().getByRole("button").click();
  await page.getByTestId("payload").waitFor();
  await inspect(page, "real-delivery");
  await page.getByTestId("replay").click();
  await page
    .getByTestId("announcer")
    .getByText(/Replayed/)
    .waitFor({ state: "attached" });
  assert.deepEqual(faults, []);
  await context.close();
});
