// Shows that every page in each of its states is accessible, fits a phone, works
// in light and dark and obeys the content security policy. Runs against the mock,
// where each state can be put in place; the journey runs against the real server.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { serve } from "../mock/serve.mjs";
import { inspect, launch, outline, visitor } from "./browser.mjs";

const built = existsSync(new URL("../dist/index.html", import.meta.url));
const skip = built ? false : "web/dist is missing: run `npm run build` first";
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

let browser;
let mock;
before(async () => {
  if (skip) return;
  mock = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  mock?.close();
});

let number = 0;
async function join(page) {
  const email = `ada${++number}@example.test`;
  await page.goto("/signup");
  await page.getByLabel("Your name").fill("Ada Byron");
  await page.getByLabel("Organisation").fill("Analytical Engines Ltd");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill("a long enough sentence");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/pricing");
  return email;
}

async function buyTeam(page) {
  await page.goto("/pricing");
  await page.getByTestId("choose-team").click();
  await page.getByTestId("pay").click();
  await page.getByTestId("checkout-active").waitFor();
}

async function control(page, path, data) {
  await page.request.post(`/__mock/${path}`, { data });
}

async function login(page, next = "/admin") {
  await page.goto(`/login?next=${encodeURIComponent(next)}`);
  await page.getByLabel("E-mail").fill("operator@billhook.test");
  await page.getByLabel("Password").fill("operator");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`**${next}`);
}

/** One visitor per test; faults of the console fail it. */
function scene(name, play) {
  test(name, { skip, timeout: 120_000 }, async () => {
    const { context, page, faults } = await visitor(browser, mock.url);
    try {
      await play(page);
      assert.deepEqual(faults, []);
    } finally {
      await context.close();
    }
  });
}

scene("pricing for a visitor, monthly and yearly", async (page) => {
  await page.goto("/");
  await page.waitForURL("**/pricing");
  await page.getByTestId("choose-team").waitFor();
  await outline(page, "pricing");
  await inspect(page, "pricing");
  await page.getByText("Yearly", { exact: true }).click();
  await page.waitForURL("**/pricing?interval=yearly");
  await page.getByText("saves 16 %").first().waitFor();
  await inspect(page, "pricing-yearly");
});

scene("sign-up and log-in, with faults beside their inputs", async (page) => {
  await page.goto("/signup");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Enter your name.").waitFor();
  await outline(page, "signup-faults");
  await inspect(page, "signup-faults");
  await page.goto("/login");
  await page.getByLabel("E-mail").fill("nobody@example.test");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("E-mail or password is wrong.").waitFor();
  await inspect(page, "login-refused");
});

scene("billing on the free plan", async (page) => {
  await join(page);
  await page.getByTestId("choose-team").waitFor();
  await inspect(page, "pricing-member");
  await page.goto("/settings?tab=billing");
  await page.getByText("No invoices yet").waitFor();
  await inspect(page, "billing-free");
});

scene("back from checkout, then the running plan", async (page) => {
  await join(page);
  await page.getByTestId("choose-team").click();
  await page.getByTestId("pay").click();
  await page.getByTestId("checkout-progress").waitFor();
  await control(page, "delay", { ms: 4_000 });
  await page.getByText("Confirming your payment with Stripe…").waitFor();
  await inspect(page, "checkout-progress");
  await control(page, "delay", { ms: 0 });
  await page.getByTestId("checkout-active").waitFor();
  await page.getByTestId("invoice-row").waitFor();
  await inspect(page, "billing-returned");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL(/tab=billing$/);
  await outline(page, "billing-active");
  await inspect(page, "billing-active");
  await page.goto("/pricing");
  await page.getByText("Current plan", { exact: true }).waitFor();
  await inspect(page, "pricing-subscribed");
});

scene("changing and cancelling the plan", async (page) => {
  await join(page);
  await buyTeam(page);
  await page.getByTestId("change-plan").click();
  await page.getByLabel("Enterprise").check();
  await page.getByTestId("preview").waitFor();
  assert.match(
    await page.getByTestId("change-plan-dialog").ariaSnapshot(),
    /dialog "Change plan".*radio "Enterprise.*button "Pay [$]4[\d.]+ and switch"/s,
  );
  await inspect(page, "change-plan");
  await page.getByTestId("confirm-change").click();
  await page.getByTestId("plan-name").getByText("Enterprise").waitFor();
  await page.getByTestId("change-plan").click();
  await page.getByRole("radio", { name: /Team/ }).check();
  await page.getByTestId("confirm-change").click();
  await page.getByTestId("switching-notice").waitFor();
  await inspect(page, "billing-switching");
  await page.getByTestId("withdraw-change").click();
  await page.getByTestId("switching-notice").waitFor({ state: "detached" });
  await page.getByTestId("cancel-plan").click();
  await page.getByTestId("cancel-dialog").waitFor();
  await inspect(page, "cancel-plan");
  await page.getByTestId("confirm-cancel").click();
  await page.getByTestId("ending-notice").waitFor();
  await inspect(page, "billing-ending");
  await page.getByTestId("resume-plan").click();
  await page.getByTestId("ending-notice").waitFor({ state: "detached" });
});

scene("a failed payment", async (page) => {
  const email = await join(page);
  await buyTeam(page);
  await control(page, "account", {
    email,
    subscription: {
      plan: { id: "free", name: "Free" },
      status: "PAST_DUE",
      is_active: false,
      because: "Stripe could not collect the last invoice, and no grace period is set.",
      payment_problem: {
        reason: "The bank refused the card: insufficient funds.",
        decline_code: "insufficient_funds",
        invoice_id: "in_mock",
        amount: { amount: 9900, currency: "usd" },
        hosted_invoice_url: "/mock/invoice/BHK-0002",
        next_payment_attempt: inDays(3),
      },
    },
  });
  await page.goto("/settings?tab=billing");
  await page.getByTestId("payment-problem").waitFor();
  await inspect(page, "billing-past-due");
});

scene("usage, organisation and profile", async (page) => {
  const email = await join(page);
  await control(page, "account", { email, used: { test_runs: 91, users: 3 } });
  await page.goto("/settings?tab=usage");
  await page.getByText("Limit reached.").first().waitFor();
  await inspect(page, "usage");
  await page.getByRole("link", { name: "Organisation", exact: true }).click();
  await page.getByLabel("Name").fill("Difference Engines Ltd");
  await page.getByRole("button", { name: "Save name" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await inspect(page, "organization");
  await page.getByRole("link", { name: "Profile", exact: true }).click();
  await page.getByText("Member since").waitFor();
  await inspect(page, "profile");
});

scene("no permission, not found, failure", async (page) => {
  const email = await join(page);
  await page.goto("/admin");
  await page.getByText("You have no access to this").waitFor();
  await inspect(page, "no-access");
  await page.goto("/nowhere");
  await page.getByText("There is no page here").waitFor();
  await inspect(page, "not-found");
  await control(page, "fault", {
    path: "/api/v1/billing/subscription",
    status: 500,
    code: "internal",
    detail: "Something went wrong on our side.",
  });
  await page.goto("/settings?tab=billing");
  await page.getByText("Could not load billing").waitFor();
  await inspect(page, "billing-failure");
  await control(page, "fault", { path: "/api/v1/billing/subscription" });
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByTestId("plan-name").waitFor();
  await control(page, "account", { email, role: "viewer" });
  await page.goto("/settings?tab=billing");
  await page.getByText("open to administrators").waitFor();
});

scene("the operators' pages", async (page) => {
  await login(page);
  await page.getByTestId("figures").waitFor();
  await inspect(page, "admin");
  await page.getByTestId("end-surplus").click();
  await page.getByTestId("surplus-dialog").waitFor();
  await inspect(page, "surplus");
  await page.getByTestId("confirm-surplus").click();
  await page.getByTestId("surplus").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Deliveries", exact: true }).click();
  await page.getByTestId("delivery-row").first().waitFor();
  await outline(page, "deliveries");
  await inspect(page, "deliveries");
  await page.getByTestId("page-older").click();
  await page.waitForURL(/cursor=20/);
  await page.getByTestId("filter-state").selectOption("parked");
  await page.waitForURL(/deliveries\?state=parked$/);
  await page
    .getByRole("button", { name: /^\w+\.\w+/ })
    .first()
    .click();
  await page.getByTestId("park-reason").waitFor();
  await inspect(page, "delivery");
  await page.getByTestId("replay").click();
  await page.getByTestId("park-reason").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.getByTestId("delivery-sheet").waitFor({ state: "detached" });
  await page.getByTestId("pause-webhooks").click();
  await page.getByTestId("pause-dialog").waitFor();
  await inspect(page, "pause");
  await page.getByTestId("confirm-pause").click();
  await page.getByTestId("webhooks-paused").waitFor();
  await inspect(page, "deliveries-paused");
  await page.getByTestId("resume-webhooks").click();
  await page.getByTestId("webhooks-running").waitFor();
});

scene("the end of a session sends to log-in and back", async (page) => {
  await join(page);
  await page.goto("/settings?tab=usage");
  await page.getByTestId("usage").waitFor();
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Organisation", exact: true }).click();
  await page.waitForURL(/\/login\?next=/);
  assert.match(decodeURIComponent(page.url()), /next=\/settings\?tab=organization/);
});

/** Presses Tab until a control has the focus; gives up after going round. */
async function tabTo(page, testId) {
  for (let presses = 0; presses < 60; presses += 1) {
    const found = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
    if (found === testId) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${testId}`);
}

scene("sign-up, purchase, plan change and cancellation by keyboard alone", async (page) => {
  await page.goto("/signup");
  await page.getByLabel("Your name").focus();
  for (const text of ["Grace", "Cobol Ltd", "grace@example.test", "a long enough sentence"]) {
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await page.waitForURL("**/pricing");
  await page.getByTestId("choose-team").waitFor();
  await tabTo(page, "choose-team");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/mock/checkout/**");
  await tabTo(page, "pay");
  await page.keyboard.press("Enter");
  await page.getByTestId("checkout-active").waitFor();
  await tabTo(page, "change-plan");
  await page.keyboard.press("Enter");
  await page.getByTestId("change-plan-dialog").waitFor();
  await page.getByRole("radio", { name: /Team/ }).waitFor();
  // The focus is inside the dialog: interval, then plan, changed with the arrow keys.
  const inPlans = () =>
    page.evaluate(() => document.activeElement?.getAttribute("value") === "team");
  while (!(await inPlans())) await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.getByTestId("preview").waitFor();
  await tabTo(page, "confirm-change");
  await page.keyboard.press("Enter");
  await page.getByTestId("change-plan-dialog").waitFor({ state: "detached" });
  await page.getByTestId("plan-name").getByText("Enterprise").waitFor();
  await tabTo(page, "cancel-plan");
  await page.keyboard.press("Enter");
  await page.getByTestId("cancel-dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("cancel-dialog").waitFor({ state: "detached" });
  // Closing gives the focus back to where it was.
  assert.equal(
    await page.evaluate(() => document.activeElement?.getAttribute("data-testid")),
    "cancel-plan",
  );
});

scene("the theme is chosen, kept and set before the first paint", async (page) => {
  await page.goto("/pricing");
  await page.getByTestId("theme").click();
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  assert.equal(await theme(), "dark");
  await page.reload({ waitUntil: "commit" });
  await page.waitForFunction(() => document.documentElement.dataset.theme !== undefined);
  assert.equal(await theme(), "dark");
});

scene("while an answer is awaited the page says so", async (page) => {
  await join(page);
  await control(page, "delay", { ms: 6_000 });
  await page.goto("/settings?tab=billing");
  await control(page, "delay", { ms: 6_000 });
  await page.getByText("Loading billing…").waitFor({ state: "attached" });
  await inspect(page, "billing-loading");
  await control(page, "delay", { ms: 0 });
  await page.getByTestId("plan-name").waitFor();
});
