import { expect, it } from "vitest";
import { webAddress } from "./leave";

// Where to go comes from an answer; only web addresses are followed.
it("takes web addresses and nothing else", () => {
  expect(webAddress("https://checkout.stripe.test/cs_1")).toBe("https://checkout.stripe.test/cs_1");
  expect(() => webAddress("javascript:alert(1)")).toThrow();
  expect(() => webAddress("data:text/html,x")).toThrow();
});
