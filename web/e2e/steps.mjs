// Steps that the tests on the real server share, as a person takes them.

/** What comes through a webhook may take this long to be seen. */
export const PATIENCE_MS = 30_000;

const stamp = `${Date.now().toString(36)}${process.pid.toString(36)}`;

/** Makes an account of its own and stands on the prices. */
export async function signUp(page, name) {
  await page.goto("/signup");
  await page.getByLabel("Your name").fill("Ada Byron");
  await page.getByLabel("Organisation").fill(`${name} Ltd`);
  await page.getByLabel("E-mail").fill(`${name}-${stamp}@example.com`);
  await page.getByLabel("Password").fill("correct horse battery staple");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("**/pricing*");
}

/** Fills in a card on any of the simulator's pages. */
export async function fillCard(page, number) {
  await page.getByTestId("card-number").fill(number);
  await page.getByTestId("card-expiry").fill("12 / 34");
  await page.getByTestId("card-cvc").fill("123");
  await page.getByTestId("card-name").fill("Ada Byron");
}

/** From the prices to Stripe's page. */
export async function openCheckout(page, plan = "team") {
  await page.goto("/pricing");
  await page.getByTestId(`choose-${plan}`).click();
  await page.getByTestId("pay").waitFor();
}

/** Types a card on Stripe's page and presses the button. */
export async function pay(page, number) {
  await fillCard(page, number);
  await page.getByTestId("pay").click();
}

/** Waits on the page one returns to until the plan is active. */
export async function comeBackActive(page) {
  await page.waitForURL("**/settings?**checkout=success**");
  await page.getByTestId("checkout-active").waitFor({ timeout: PATIENCE_MS });
}

/** Changes the card in the customer portal and returns. */
export async function changeCard(page, number) {
  await page.goto("/settings?tab=billing");
  await page.getByTestId("portal").click();
  await page.getByTestId("portal-update-card").click();
  await fillCard(page, number);
  await page.getByTestId("portal-save-card").click();
  await page.getByTestId("card-on-file").getByText(number.slice(-4)).waitFor();
  await page.getByTestId("portal-return").click();
  await page.waitForURL("**/settings?**");
}

/** Moves the time of server and simulated Stripe, as the control page's button does. */
export async function moveClock(context, by) {
  const control = await context.newPage();
  await control.goto(`${process.env.SIMULATOR_URL}/?tab=clock`);
  await control.getByTestId(`clock-${by}`).click();
  await control.getByTestId("notice").waitFor();
  await control.close();
}

/** Opens billing afresh until it shows what a webhook has to bring. */
export async function billingShows(page, locator, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    await page.goto("/settings?tab=billing");
    await page.getByTestId("plan-name").waitFor();
    try {
      await locator().waitFor({ timeout: 1_500 });
      return;
    } catch (cause) {
      if (Date.now() > end) throw new Error(`billing never showed ${what}`, { cause });
    }
  }
}

export const status = (page) =>
  page.getByTestId("subscription-status").first().getAttribute("data-status");

export const planName = (page) => page.getByTestId("plan-name").innerText();
