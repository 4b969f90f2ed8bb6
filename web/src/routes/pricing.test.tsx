import { screen, waitFor, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { leaveTo } from "@/lib/leave";
import { renderAt } from "@/test/render";
import { ME, ON_FREE, ON_TEAM, PLANS } from "@/test/samples";
import { problem, stubServer } from "@/test/server";

vi.mock("@/lib/leave", () => ({ leaveTo: vi.fn() }));

const CHECKOUT = "POST /api/v1/billing/checkout";
const PLAN_LIST = { body: { data: PLANS, next: null } };
const visitor = {
  "GET /api/v1/auth/me": problem(401, "unauthenticated", "Please log in."),
  "GET /api/v1/plans": PLAN_LIST,
};
const member = {
  "GET /api/v1/auth/me": { body: ME },
  "GET /api/v1/plans": PLAN_LIST,
  "GET /api/v1/billing/subscription": { body: ON_FREE },
  "GET /api/v1/billing/invoices": { body: { data: [], next: null } },
};

it("shows yearly prices with their saving, and keeps the interval in the address", async () => {
  stubServer(visitor);
  const { user, router } = renderAt("/pricing");
  await user.click(await screen.findByRole("radio", { name: "Yearly" }));
  const team = await screen.findByTestId("plan-team");
  await waitFor(() =>
    expect(team.textContent).toMatch(/\$990 \/ year.*Instead of \$1,188, saves 16 %/),
  );
  expect(router.state.location.searchStr).toBe("?interval=yearly");
});

it("sends a visitor to sign up and remembers the choice", async () => {
  stubServer(visitor);
  const { user, router } = renderAt("/pricing?interval=yearly");
  await user.click(await screen.findByTestId("choose-team"));
  await waitFor(() => expect(router.state.location.pathname).toBe("/signup"));
  expect(router.state.location.search).toEqual({ next: "/pricing?interval=yearly&plan=team" });
});

it("opens Stripe's page for who has no plan", async () => {
  const server = stubServer({
    ...member,
    [CHECKOUT]: { status: 201, body: { id: "cs_1", url: "https://checkout.stripe.test/cs_1" } },
  });
  const { user } = renderAt("/pricing");
  await user.click(await screen.findByTestId("choose-team"));
  await waitFor(() => expect(leaveTo).toHaveBeenCalledWith("https://checkout.stripe.test/cs_1"));
  expect(server.calls(CHECKOUT).map((one) => one.body)).toEqual([
    { plan: "team", interval: "monthly" },
  ]);
});

it("never starts a second checkout for who has a plan", async () => {
  const server = stubServer({
    ...member,
    "GET /api/v1/billing/subscription": { body: ON_TEAM },
    "POST /api/v1/billing/plan-change/preview": problem(503, "stripe_unavailable", "Later."),
  });
  const { user, router } = renderAt("/pricing");
  expect(within(await screen.findByTestId("plan-team")).getByText("Current plan")).toBeTruthy();
  await user.click(screen.getByTestId("choose-enterprise"));
  await waitFor(() =>
    expect(router.state.location.search).toEqual({
      tab: "billing",
      dialog: "plan",
      plan: "enterprise",
      interval: "monthly",
    }),
  );
  expect(server.calls(CHECKOUT)).toEqual([]);
});

it("goes to the plan change when another tab was faster", async () => {
  stubServer({
    ...member,
    [CHECKOUT]: problem(409, "already_subscribed", "There is a running plan already."),
  });
  const { user, router } = renderAt("/pricing");
  await user.click(await screen.findByTestId("choose-team"));
  await waitFor(() => expect(router.state.location.pathname).toBe("/settings"));
});

it("says when to try again after too many checkouts", async () => {
  stubServer({
    ...member,
    [CHECKOUT]: problem(429, "rate_limited", "Too many attempts.", { retry_after_seconds: 42 }),
  });
  const { user } = renderAt("/pricing");
  await user.click(await screen.findByTestId("choose-team"));
  expect((await screen.findByTestId("action-error")).textContent).toMatch(
    /Too many attempts\.Try again in 42 seconds/,
  );
});
