import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { faceOf, StatusBadge } from "./status-badge";

// Every status of the contract has its own word; the compiler checks that each has a face.
it.each([
  ["subscription", "FREE", "Free", "neutral"],
  ["subscription", "ACTIVE", "Active", "good"],
  ["subscription", "TRIALING", "Trial", "info"],
  ["subscription", "PAST_DUE", "Past due", "bad"],
  ["subscription", "CANCELLED", "Cancelled", "neutral"],
  ["subscription", "INCOMPLETE", "Incomplete", "warn"],
  ["subscription", "UNPAID", "Unpaid", "bad"],
  ["subscription", "PAUSED", "Paused", "warn"],
  ["invoice", "draft", "Draft", "neutral"],
  ["invoice", "open", "Open", "warn"],
  ["invoice", "paid", "Paid", "good"],
  ["invoice", "void", "Void", "neutral"],
  ["invoice", "uncollectible", "Uncollectible", "bad"],
  ["delivery", "pending", "Pending", "info"],
  ["delivery", "claimed", "In work", "info"],
  ["delivery", "applied", "Applied", "good"],
  ["delivery", "ignored", "Ignored", "neutral"],
  ["delivery", "parked", "Parked", "bad"],
] as const)("shows %s %s as %s", (kind, value, label, tone) => {
  expect(faceOf(kind, value)).toMatchObject({ label, tone });
});

it("shows a status newer than the page as it came, without a colour that judges", () => {
  render(<StatusBadge kind="subscription" value="ON_HOLD" />);
  expect(screen.getByText("On hold")).toBeTruthy();
  expect(faceOf("subscription", "ON_HOLD").tone).toBe("neutral");
});
