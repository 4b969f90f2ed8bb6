import { describe, expect, it } from "vitest";
import type { Subscription } from "@/api/types";
import { ENTERPRISE, FREE, ON_FREE, ON_TEAM, TEAM } from "@/test/samples";
import { offerFor } from "./plan-cards";
import { isLive, standingOf, yearlySavingBp } from "./standing";

const team = (change: Partial<Subscription>): Subscription => ({ ...ON_TEAM, ...change });
const END = "2026-12-01T00:00:00Z";

describe("what a subscription means", () => {
  it.each([
    ["free", ON_FREE, "free", false],
    ["running", ON_TEAM, "renewing", true],
    ["on trial", team({ status: "TRIALING", trial_end: END }), "trial", true],
    ["ending", team({ cancel_at_period_end: true, cancel_at: END }), "ending", true],
    [
      "ending during a trial",
      team({ status: "TRIALING", cancel_at_period_end: true }),
      "ending",
      true,
    ],
    [
      "moving down",
      team({
        scheduled_change: { plan: { id: "basic", name: "Basic" }, interval: "monthly", at: END },
      }),
      "switching",
      true,
    ],
    ["past due", team({ status: "PAST_DUE", is_active: false }), "unpaid", true],
    ["unpaid", team({ status: "UNPAID", is_active: false }), "unpaid", true],
    ["paused", team({ status: "PAUSED", is_active: false }), "paused", true],
    ["incomplete", team({ status: "INCOMPLETE", is_active: false }), "incomplete", false],
    ["cancelled", team({ status: "CANCELLED", is_active: false, ended_at: END }), "free", false],
    ["of a newer server", team({ status: "ON_HOLD" as never }), "unknown", false],
  ])("%s", (_, subscription, kind, live) => {
    expect(standingOf(subscription).kind).toBe(kind);
    expect(isLive(subscription)).toBe(live);
  });

  it("says when a cancelled plan ends even if only the period is known", () => {
    expect(standingOf(team({ cancel_at_period_end: true }))).toEqual({ kind: "ending", at: END });
  });
});

describe("what the pricing page offers", () => {
  const viewer = (subscription: Subscription, rank: number) => ({ subscription, rank });
  it.each([
    ["a visitor joins", TEAM, "monthly", null, { kind: "join" }],
    ["on free, a plan is bought", TEAM, "monthly", viewer(ON_FREE, 0), { kind: "buy" }],
    ["on free, free is current", FREE, "monthly", viewer(ON_FREE, 0), { kind: "current" }],
    ["the same plan is current", TEAM, "monthly", viewer(ON_TEAM, 1), { kind: "current" }],
    [
      "the same plan yearly is a change",
      TEAM,
      "yearly",
      viewer(ON_TEAM, 1),
      { kind: "change", label: "Switch to yearly" },
    ],
    [
      "a higher plan is a change, never a second checkout",
      ENTERPRISE,
      "monthly",
      viewer(ON_TEAM, 1),
      { kind: "change", label: "Upgrade to Enterprise" },
    ],
    ["down to free is a cancellation", FREE, "monthly", viewer(ON_TEAM, 1), { kind: "leave" }],
    [
      "what ends already is not cancelled again",
      FREE,
      "monthly",
      viewer(team({ cancel_at_period_end: true }), 1),
      { kind: "none" },
    ],
    [
      "past due still changes, never buys again",
      ENTERPRISE,
      "monthly",
      viewer(team({ status: "PAST_DUE" }), 1),
      { kind: "change", label: "Upgrade to Enterprise" },
    ],
    [
      "after the end the same plan is bought again",
      TEAM,
      "monthly",
      viewer(team({ status: "CANCELLED" }), 1),
      { kind: "buy" },
    ],
  ] as const)("%s", (_, plan, interval, who, offer) => {
    expect(offerFor(plan, interval, who)).toEqual(offer);
  });
});

describe("the yearly saving", () => {
  it("is rounded down", () => expect(yearlySavingBp(TEAM)).toBe(1_666));
  it("is not announced where nothing is saved", () => {
    expect(yearlySavingBp(FREE)).toBeNull();
    const dear = { interval: "yearly" as const, amount: { amount: 118_800, currency: "usd" } };
    const [monthly] = TEAM.prices;
    expect(yearlySavingBp({ ...TEAM, prices: monthly ? [monthly, dear] : [] })).toBeNull();
  });
});
