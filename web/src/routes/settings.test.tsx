import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderAt } from "@/test/render";
import { ME, ON_FREE, ON_TEAM, PLANS, UPGRADE } from "@/test/samples";
import { problem, stubServer } from "@/test/server";

const BASE = {
  "GET /api/v1/auth/me": { body: ME },
  "GET /api/v1/plans": { body: { data: PLANS, next: null } },
  "GET /api/v1/billing/invoices": { body: { data: [], next: null } },
  "GET /api/v1/billing/subscription": { body: ON_TEAM },
};
const PREVIEW = "POST /api/v1/billing/plan-change/preview";
const CHANGE = "POST /api/v1/billing/plan-change";

afterEach(() => vi.useRealTimers());

describe("billing", () => {
  it("shows plan, status, period and the next charge", async () => {
    stubServer(BASE);
    renderAt("/settings?tab=billing");
    const panel = await screen.findByTestId("plan-panel");
    expect(within(panel).getByTestId("plan-name").textContent).toBe("Team");
    expect(within(panel).getByTestId("subscription-status").dataset.status).toBe("ACTIVE");
    expect(screen.getByTestId("next-step").textContent).toMatch(/Next charge\$99\.00 on .*2026/);
    expect(screen.getByText("Test mode")).toBeTruthy();
  });

  it("shows a failed load with the request id and loads again on request", async () => {
    const server = stubServer({
      ...BASE,
      "GET /api/v1/billing/subscription": problem(500, "internal", "Our side failed."),
    });
    const { user } = renderAt("/settings?tab=billing");
    expect(await screen.findByText("Could not load billing")).toBeTruthy();
    expect(screen.getByText("req_test1")).toBeTruthy();
    server.answer("GET /api/v1/billing/subscription", { body: ON_TEAM });
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByTestId("plan-name")).toBeTruthy();
  });

  it("tells a payment problem with its ways out", async () => {
    stubServer({
      ...BASE,
      "GET /api/v1/billing/subscription": {
        body: {
          ...ON_TEAM,
          plan: { id: "free", name: "Free" },
          status: "PAST_DUE",
          is_active: false,
          payment_problem: {
            reason: "Insufficient funds.",
            decline_code: "insufficient_funds",
            invoice_id: "in_1",
            amount: { amount: 9_900, currency: "usd" },
            hosted_invoice_url: "https://invoice.stripe.test/1",
            next_payment_attempt: null,
          },
        },
      },
    });
    renderAt("/settings?tab=billing");
    const banner = await screen.findByTestId("payment-problem");
    expect(banner.textContent).toMatch(/\$99\.00 did not go through/);
    expect(banner.textContent).toMatch(/Team is off until the invoice is paid/);
    expect(within(banner).getByTestId("pay-invoice").getAttribute("href")).toBe(
      "https://invoice.stripe.test/1",
    );
    expect(screen.queryByTestId("change-plan")).toBeNull();
  });

  it("looks again by itself after a visit to the portal, and not for ever", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    sessionStorage.setItem("billhook.portal", "visited");
    const server = stubServer(BASE);
    renderAt("/settings?tab=billing");
    await screen.findByTestId("plan-name");
    server.answer("GET /api/v1/billing/subscription", {
      body: { ...ON_TEAM, cancel_at_period_end: true },
    });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(await screen.findByTestId("ending-notice")).toBeTruthy();
    await vi.advanceTimersByTimeAsync(25_000);
    const asked = server.calls("GET /api/v1/billing/subscription").length;
    await vi.advanceTimersByTimeAsync(25_000);
    expect(server.calls("GET /api/v1/billing/subscription")).toHaveLength(asked);
  });

  it("says that a payment failed even before the invoice is known", async () => {
    stubServer({
      ...BASE,
      "GET /api/v1/billing/subscription": {
        body: { ...ON_TEAM, status: "UNPAID", is_active: false },
      },
    });
    renderAt("/settings?tab=billing");
    expect((await screen.findByTestId("payment-problem")).textContent).toMatch(
      /last payment did not go through/,
    );
  });

  it("resumes a plan that was to end", async () => {
    const ending = { ...ON_TEAM, cancel_at_period_end: true, cancel_at: "2026-12-01T00:00:00Z" };
    stubServer({
      ...BASE,
      "GET /api/v1/billing/subscription": { body: ending },
      "POST /api/v1/billing/resume": { body: ON_TEAM },
    });
    const { user } = renderAt("/settings?tab=billing");
    await screen.findByTestId("ending-notice");
    expect(screen.queryByTestId("cancel-plan")).toBeNull();
    await user.click(screen.getByTestId("resume-plan"));
    await waitFor(() => expect(screen.queryByTestId("ending-notice")).toBeNull());
    expect(screen.getByTestId("announcer").textContent).toMatch(/Team continues/);
  });

  it("cancels at period end after one confirmation", async () => {
    const server = stubServer({
      ...BASE,
      "POST /api/v1/billing/cancel": {
        body: { ...ON_TEAM, cancel_at_period_end: true, cancel_at: "2026-12-01T00:00:00Z" },
      },
    });
    const { user } = renderAt("/settings?tab=billing");
    await user.click(await screen.findByTestId("cancel-plan"));
    await user.click(await screen.findByTestId("confirm-cancel"));
    await screen.findByTestId("ending-notice");
    expect(server.calls("POST /api/v1/billing/cancel").map((one) => one.body)).toEqual([
      { when: "period_end" },
    ]);
  });

  it("is closed to members who are not administrators", async () => {
    const server = stubServer({
      ...BASE,
      "GET /api/v1/auth/me": {
        body: { ...ME, organization: { ...ME.organization, role: "viewer" } },
      },
    });
    renderAt("/settings?tab=billing");
    expect(await screen.findByText("You have no access to this")).toBeTruthy();
    expect(server.calls("GET /api/v1/billing/subscription")).toEqual([]);
  });
});

describe("changing the plan", () => {
  it("charges exactly what was shown", async () => {
    const upgraded = { ...ON_TEAM, plan: UPGRADE.plan };
    const server = stubServer({
      ...BASE,
      [PREVIEW]: { body: UPGRADE },
      [CHANGE]: { body: upgraded },
    });
    const { user } = renderAt("/settings?tab=billing&dialog=plan&plan=enterprise&interval=monthly");
    const confirm = await screen.findByRole("button", { name: "Pay $200.00 and switch" });
    expect(screen.getByTestId("preview").textContent).toMatch(/Unused time on Team-\$49\.50/);
    await user.click(confirm);
    await waitFor(() => expect(screen.getByTestId("plan-name").textContent).toBe("Enterprise"));
    expect(server.calls(CHANGE).map((one) => one.body)).toEqual([
      {
        plan: "enterprise",
        interval: "monthly",
        when: "now",
        proration_date: 1_795_000_000,
        expected_amount_due: 20_000,
      },
    ]);
  });

  it("cannot be confirmed while the plan is the current one", async () => {
    const server = stubServer(BASE);
    renderAt("/settings?tab=billing&dialog=plan");
    expect(await screen.findByTestId("preview-none")).toBeTruthy();
    expect(screen.getByTestId<HTMLButtonElement>("confirm-change").disabled).toBe(true);
    expect(server.calls(PREVIEW)).toEqual([]);
  });

  it("asks for the amount anew when it is no longer the previewed one", async () => {
    const server = stubServer({
      ...BASE,
      [PREVIEW]: { body: UPGRADE },
      [CHANGE]: problem(409, "conflict", "The amount is now another one."),
    });
    const { user } = renderAt("/settings?tab=billing&dialog=plan&plan=enterprise");
    const confirm = await screen.findByRole("button", { name: "Pay $200.00 and switch" });
    server.answer(PREVIEW, {
      body: { ...UPGRADE, amount_due: { amount: 19_900, currency: "usd" } },
    });
    await user.click(confirm);
    expect(await screen.findByRole("button", { name: "Pay $199.00 and switch" })).toBeTruthy();
    expect(screen.getByTestId("change-conflict").textContent).toMatch(/Nothing was changed/);
    expect(server.calls(CHANGE)).toHaveLength(1);
  });

  it("says why a payment failed and that the old plan stays", async () => {
    stubServer({
      ...BASE,
      [PREVIEW]: { body: UPGRADE },
      [CHANGE]: problem(402, "payment_failed", "The payment failed.", {
        reason: "Your card has insufficient funds.",
        decline_code: "insufficient_funds",
      }),
    });
    const { user } = renderAt("/settings?tab=billing&dialog=plan&plan=enterprise");
    await user.click(await screen.findByRole("button", { name: "Pay $200.00 and switch" }));
    const failure = await screen.findByTestId("change-payment-failed");
    expect(failure.textContent).toMatch(/still on Team/);
    expect(failure.textContent).toMatch(/insufficient funds/);
  });

  it("says when a move down takes effect and what it gives back", async () => {
    stubServer({
      ...BASE,
      [PREVIEW]: {
        body: {
          ...UPGRADE,
          plan: { id: "team", name: "Team" },
          interval: "yearly",
          when: "period_end",
          amount_due: { amount: 0, currency: "usd" },
          credit: { amount: 1_234, currency: "usd" },
          lines: [],
          effective_at: "2026-12-01T00:00:00Z",
        },
      },
    });
    renderAt("/settings?tab=billing&dialog=plan&plan=team&interval=yearly");
    const preview = await screen.findByTestId("preview");
    expect(preview.textContent).toMatch(/You keep Team until .*2026/);
    expect(screen.getByTestId("preview-credit").textContent).toMatch(/\$12\.34/);
    expect(screen.getByTestId("confirm-change").textContent).toBe("Schedule Team");
  });
});

describe("back from checkout", () => {
  const CHECKOUT = "GET /api/v1/billing/checkout/cs_test_1";
  const at = "/settings?tab=billing&checkout=success&session_id=cs_test_1";

  it("asks until the plan is active, then says so and stops asking", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    let asked = 0;
    const server = stubServer({
      ...BASE,
      "GET /api/v1/billing/subscription": { body: ON_FREE },
      [CHECKOUT]: () => {
        asked += 1;
        return {
          body:
            asked < 3
              ? { id: "cs_test_1", status: "open", url: null, subscription: null }
              : { id: "cs_test_1", status: "complete", url: null, subscription: ON_TEAM },
        };
      },
    });
    renderAt(at);
    expect(await screen.findByText("Confirming your payment with Stripe…")).toBeTruthy();
    await vi.advanceTimersByTimeAsync(1_100);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(await screen.findByText("Team is active")).toBeTruthy();
    expect(screen.getByTestId("plan-name").textContent).toBe("Team");
    expect(screen.getByTestId("announcer").textContent).toMatch(/Team is active/);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(server.calls(CHECKOUT)).toHaveLength(3);
  });

  it("keeps asking after a failed look-up and says that it takes longer", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = stubServer({
      ...BASE,
      [CHECKOUT]: problem(503, "stripe_unavailable", "Later."),
    });
    renderAt(at);
    await screen.findByText(/The last look-up failed/);
    await vi.advanceTimersByTimeAsync(21_000);
    expect(screen.getByText(/longer than usual/)).toBeTruthy();
    server.answer(CHECKOUT, {
      body: { id: "cs_test_1", status: "complete", url: null, subscription: ON_TEAM },
    });
    await vi.advanceTimersByTimeAsync(4_100);
    expect(await screen.findByText("Team is active")).toBeTruthy();
  });

  it("does not ask again for a session that is not ours", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const server = stubServer({
      ...BASE,
      [CHECKOUT]: problem(404, "not_found", "No such checkout."),
    });
    renderAt(at);
    expect(await screen.findByTestId("checkout-error")).toBeTruthy();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(server.calls(CHECKOUT)).toHaveLength(1);
  });

  it("says that an expired or left checkout changed nothing", async () => {
    stubServer({
      ...BASE,
      [CHECKOUT]: { body: { id: "cs_test_1", status: "expired", url: null, subscription: null } },
    });
    const { unmount } = renderAt(at);
    expect((await screen.findByTestId("checkout-expired")).textContent).toMatch(
      /Nothing was charged/,
    );
    unmount();
    const { user, router } = renderAt("/settings?tab=billing&checkout=cancelled");
    const notice = await screen.findByTestId("checkout-cancelled");
    await user.click(within(notice).getByRole("button", { name: "Dismiss" }));
    await waitFor(() => expect(router.state.location.searchStr).toBe("?tab=billing"));
  });
});
