import { screen, waitFor, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { renderAt } from "@/test/render";
import { DELIVERY, ME, ON_TEAM, OPERATOR } from "@/test/samples";
import { problem, stubServer } from "@/test/server";

const LIST = "GET /api/v1/admin/deliveries";
const RUNNING = {
  paused: false,
  paused_at: null,
  paused_by: null,
  counts: { pending: 0, claimed: 0, applied: 3, ignored: 1, parked: 1 },
  lag_ms: null,
  handled_events: ["invoice.paid", "invoice.payment_failed"],
};
const BASE = {
  "GET /api/v1/auth/me": { body: OPERATOR },
  "GET /api/v1/admin/webhooks": { body: RUNNING },
  [LIST]: { body: { data: [DELIVERY], next: "older1" } },
  "GET /api/v1/admin/deliveries/evt_1": {
    body: { ...DELIVERY, payload: { id: "evt_1", data: { amount: 9900, email: null } } },
  },
};

it("asks for what the address says, and the filters show it", async () => {
  const server = stubServer(BASE);
  renderAt("/admin/deliveries?state=parked&type=invoice.paid");
  await screen.findByTestId("delivery-row");
  expect(server.calls(LIST).map((one) => one.query)).toEqual([
    { state: "parked", type: "invoice.paid" },
  ]);
  expect(screen.getByTestId<HTMLSelectElement>("filter-state").value).toBe("parked");
  expect(screen.getByTestId<HTMLInputElement>("filter-type").value).toBe("invoice.paid");
});

it("puts filters into the address and starts at the newest page again", async () => {
  stubServer(BASE);
  const { user, router } = renderAt("/admin/deliveries?cursor=older9");
  await user.selectOptions(await screen.findByTestId("filter-state"), "parked");
  await waitFor(() => expect(router.state.location.search).toEqual({ state: "parked" }));
  await user.type(screen.getByTestId("filter-type"), "invoice.paid{Enter}");
  await waitFor(() =>
    expect(router.state.location.search).toEqual({ state: "parked", type: "invoice.paid" }),
  );
  await user.click(screen.getByTestId("filter-clear"));
  await waitFor(() => expect(router.state.location.searchStr).toBe(""));
});

it("ignores filters that make no sense", async () => {
  const server = stubServer(BASE);
  renderAt("/admin/deliveries?state=exploded&type=");
  await screen.findByTestId("delivery-row");
  expect(server.calls(LIST)[0]?.query).toEqual({});
});

it("pages by cursor", async () => {
  const server = stubServer(BASE);
  const { user, router } = renderAt("/admin/deliveries?state=parked");
  await user.click(await screen.findByTestId("page-older"));
  await waitFor(() =>
    expect(router.state.location.search).toEqual({ state: "parked", cursor: "older1" }),
  );
  await waitFor(() =>
    expect(server.calls(LIST).at(-1)?.query).toEqual({ state: "parked", cursor: "older1" }),
  );
});

it("shows why a delivery is parked and what to do, and replays it", async () => {
  const server = stubServer(BASE);
  const { user } = renderAt("/admin/deliveries");
  await user.click(await screen.findByRole("button", { name: "invoice.payment_failed" }));
  const sheet = await screen.findByTestId("delivery-sheet");
  expect((await within(sheet).findByTestId("park-reason")).textContent).toMatch(
    /not mapped.*What to do: Add it to the mapping/,
  );
  expect(JSON.parse(within(sheet).getByTestId("payload").textContent ?? "")).toEqual({
    id: "evt_1",
    data: { amount: 9900, email: null },
  });
  const queued = { ...DELIVERY, state: "pending" as const, reason: null };
  server.answer("POST /api/v1/admin/deliveries/evt_1/replay", { body: queued });
  server.answer("GET /api/v1/admin/deliveries/evt_1", { body: { ...queued, payload: {} } });
  await user.click(within(sheet).getByTestId("replay"));
  await waitFor(() => expect(within(sheet).queryByTestId("park-reason")).toBeNull());
  expect(screen.getByTestId("announcer").textContent).toMatch(/back in the queue/);
  // It is in work now: nothing more to replay, and the sheet follows it to its end.
  expect(within(sheet).getByTestId<HTMLButtonElement>("replay").disabled).toBe(true);
  server.answer("GET /api/v1/admin/deliveries/evt_1", {
    body: { ...queued, state: "applied", payload: {} },
  });
  await waitFor(
    () => expect(within(sheet).getByTestId("delivery-status").dataset.status).toBe("applied"),
    { timeout: 3_000 },
  );
});

it("pauses webhooks only after a confirmation, with the reason", async () => {
  const server = stubServer({
    ...BASE,
    "POST /api/v1/admin/webhooks/pause": {
      body: {
        ...RUNNING,
        paused: true,
        paused_at: "2026-11-20T10:00:00Z",
        paused_by: "ada@x.test",
      },
    },
    "POST /api/v1/admin/webhooks/resume": { body: RUNNING },
  });
  const { user } = renderAt("/admin/deliveries");
  await user.click(await screen.findByTestId("pause-webhooks"));
  expect(server.calls("POST /api/v1/admin/webhooks/pause")).toEqual([]);
  await user.type(screen.getByRole("textbox", { name: /Reason/ }), "migration");
  await user.click(screen.getByTestId("confirm-pause"));
  expect((await screen.findByTestId("webhooks-paused")).textContent).toMatch(/by ada@x\.test/);
  expect(server.calls("POST /api/v1/admin/webhooks/pause")[0]?.body).toEqual({
    reason: "migration",
  });
  await user.click(screen.getByTestId("resume-webhooks"));
  expect(await screen.findByTestId("webhooks-running")).toBeTruthy();
});

it("has an empty state, a no-permission state and an error state", async () => {
  const server = stubServer({ ...BASE, [LIST]: { body: { data: [], next: null } } });
  const first = renderAt("/admin/deliveries?state=parked");
  expect(await screen.findByText("No delivery matches")).toBeTruthy();
  first.unmount();
  server.answer(LIST, problem(403, "forbidden", "This is for operators."));
  const second = renderAt("/admin/deliveries");
  expect(await screen.findByText("You have no access to this")).toBeTruthy();
  second.unmount();
  server.answer(LIST, problem(500, "internal", "Our side failed."));
  renderAt("/admin/deliveries");
  expect(await screen.findByText("Could not load the deliveries")).toBeTruthy();
});

it("is closed to who is no operator, without asking the server", async () => {
  const server = stubServer({ ...BASE, "GET /api/v1/auth/me": { body: ME } });
  renderAt("/admin/deliveries");
  expect(await screen.findByText("You have no access to this")).toBeTruthy();
  expect(server.asked.filter((one) => one.path.includes("/admin/"))).toEqual([]);
});

it("sends to log-in when the session has ended, and back afterwards", async () => {
  const server = stubServer(BASE);
  const { user, router } = renderAt("/admin/deliveries");
  await screen.findByTestId("delivery-row");
  server.answer(LIST, problem(401, "unauthenticated", "Please log in."));
  server.answer("GET /api/v1/auth/me", problem(401, "unauthenticated", "Please log in."));
  await user.selectOptions(screen.getByTestId("filter-state"), "parked");
  await waitFor(() => expect(router.state.location.pathname).toBe("/login"));
  expect(router.state.location.search).toEqual({ next: "/admin/deliveries?state=parked" });
});

it("ends a surplus subscription after one confirmation and says what was refunded", async () => {
  const summary = {
    organizations: 2,
    active_subscriptions: 2,
    mrr: [{ amount: 9_900, currency: "usd" }],
    trialing: 0,
    past_due: 0,
    deliveries: RUNNING.counts,
    surplus: [{ organization_id: "org_1", name: "Analytical Engines", subscriptions: ["sub_2"] }],
  };
  const END = "POST /api/v1/admin/organizations/org_1/cancel-surplus";
  const server = stubServer({
    ...BASE,
    "GET /api/v1/admin/summary": { body: summary },
    [END]: {
      body: {
        refund_id: "re_1",
        refunded: { amount: 9_900, currency: "usd" },
        subscription: ON_TEAM,
      },
    },
  });
  const { user } = renderAt("/admin");
  await user.click(await screen.findByTestId("end-surplus"));
  expect(server.calls(END)).toEqual([]);
  server.answer("GET /api/v1/admin/summary", { body: { ...summary, surplus: [] } });
  await user.click(await screen.findByRole("button", { name: "End and refund" }));
  await waitFor(() => expect(screen.queryByTestId("surplus")).toBeNull());
  expect(server.calls(END).map((one) => one.body)).toEqual([
    { subscription_id: "sub_2", refund: true },
  ]);
  expect(screen.getByTestId("announcer").textContent).toMatch(/\$99\.00 was refunded/);
});
