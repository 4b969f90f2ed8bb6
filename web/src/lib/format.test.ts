import { describe, expect, it } from "vitest";
import { currencyExponent, decimalText, moneyText } from "./money";
import { limitFrom, limitText, quantityText } from "./quantity";
import { noteServerTime, whenText } from "./time";

describe("money", () => {
  it.each([
    [9_900, "usd", "$99.00"],
    [-4_950, "usd", "-$49.50"],
    [5, "usd", "$0.05"],
    [0, "eur", "€0.00"],
    [1_500, "jpy", "¥1,500"],
    [12_345, "kwd", "KWD 12.345"],
    [100, "isk", "ISK 1.00"],
    [9_007_199_254_740_991, "usd", "$90,071,992,547,409.91"],
  ])("shows %i minor units of %s as %s", (amount, currency, text) => {
    expect(moneyText({ amount, currency }).replaceAll("\u00a0", " ")).toBe(text);
  });

  it("drops only a fraction of zeros when short", () => {
    expect(moneyText({ amount: 9_900, currency: "usd" }, { short: true })).toBe("$99");
    expect(moneyText({ amount: 9_950, currency: "usd" }, { short: true })).toBe("$99.50");
  });

  it("knows how many digits a minor unit has, Stripe's exceptions included", () => {
    expect(["usd", "jpy", "kwd", "ugx", "mga"].map(currencyExponent)).toEqual([2, 0, 3, 2, 0]);
  });

  it("never goes through a float", () => {
    expect(decimalText(-1, 2)).toBe("-0.01");
    expect(decimalText(7, 3)).toBe("0.007");
    expect(decimalText(12, 0)).toBe("12");
  });
});

describe("quantities and limits", () => {
  it("shows bytes in binary steps and counts with separators", () => {
    expect(quantityText(10 * 1024 ** 3, "bytes")).toBe("10 GiB");
    expect(quantityText(1_536, "bytes")).toBe("1.5 KiB");
    expect(quantityText(1_000, "count")).toBe("1,000");
  });

  it("grants nothing for a limit it does not understand", () => {
    expect(["unlimited", "disabled", 0, 5, "many", null, {}].map(limitFrom)).toEqual([
      "unlimited",
      "disabled",
      0,
      5,
      "disabled",
      "disabled",
      "disabled",
    ]);
    expect(limitText(0, "count")).toBe("0");
    expect(limitText("disabled", "count")).toBe("Not included");
  });
});

describe("moments", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  it.each([
    ["2026-11-20T11:59:30Z", "just now"],
    ["2026-11-20T11:57:00Z", "3 minutes ago"],
    ["2026-11-20T07:00:00Z", "5 hours ago"],
    ["2026-11-18T12:00:00Z", "2 days ago"],
    ["2026-11-20T14:30:00Z", "in 2 hours"],
    ["nonsense", "unknown date"],
  ])("shows %s as %s", (iso, text) => {
    expect(whenText(iso, "relative", now)).toBe(text);
  });

  it("are told by the server's clock where it is another", () => {
    const moved = new Date(Date.now() + 30 * 86_400_000).toUTCString();
    noteServerTime(moved);
    expect(whenText(new Date(moved).toISOString(), "relative")).toBe("just now");
    noteServerTime(null);
    expect(whenText(new Date(moved).toISOString(), "relative")).toBe("just now");
    noteServerTime(new Date().toUTCString());
    expect(whenText(new Date().toISOString(), "relative")).toBe("just now");
  });

  it("shows far moments as dates", () => {
    expect(whenText("2026-10-01T12:00:00Z", "relative", now)).toMatch(/2026/);
  });
});
