import { expect, it } from "vitest";
import { afterSignIn, safeNext } from "./session";

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

it("loads a link of a mail from the server after signing in, and a page not", () => {
  const link = "/api/v1/auth/verify?token=a";
  expect(afterSignIn(link, "/pricing")).toMatchObject({ href: link, reloadDocument: true });
  const page = { href: "/pricing", reloadDocument: false };
  expect(afterSignIn("https://evil.example", "/pricing")).toMatchObject(page);
});
