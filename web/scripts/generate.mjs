// Writes src/api/schema.ts from the server's OpenAPI document, which the
// server crate generates from its handlers (see `cargo xtask generate`).
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import openapiTypescript, { astToString } from "openapi-typescript";

const source = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.ts", import.meta.url);

if (!existsSync(source)) {
  console.error("error: crates/server/openapi.json is missing");
  console.error("hint: run `cargo xtask generate` first");
  process.exit(2);
}

const header =
  "// Generated from crates/server/openapi.json by `npm run generate`. Do not edit.\n\n";
const text = header + astToString(await openapiTypescript(source));
if (process.argv.includes("--check")) {
  const current = await readFile(target, "utf8");
  if (current !== text) {
    console.error("error: src/api/schema.ts is not what crates/server/openapi.json generates");
    console.error("hint: run `npm run generate` and commit the result");
    process.exit(1);
  }
} else {
  await writeFile(target, text);
}
