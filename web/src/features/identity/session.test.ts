import { expect, it } from "vitest";
import { safeNext } from "./session";

// The place to go after log-in comes from the address bar and must not leave the site.
it.each([
  ["/settings?tab=billing", "/settings?tab=billing"],
  ["/pricing?interval=yearly&plan=team", "/pricing?interval=yearly&plan=team"],
  ["//evil.example", null],
  ["/\\evil.example", null],
  ["/\t/evil.example", null],
  ["https://evil.example", null],
  ["javascript:alert(1)", null],
  ["", null],
  [undefined, null],
])("takes %s as %s", (next, path) => {
  expect(safeNext(next)).toBe(path);
});
