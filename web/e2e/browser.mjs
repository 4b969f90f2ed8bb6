// Chromium, and the checks every page gets: accessibility, no sideways scrolling,
// nothing refused by the content security policy.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 375, height: 812 };

/** Where pictures go; none are taken when it is not set. */
const pictures = process.env.SCREENSHOT_DIR;

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
}

/**
 * Compares what a screen reader meets in the page's main part with the outline kept
 * in e2e/outlines. UPDATE_OUTLINES=1 writes them anew, to be read in the change.
 */
export async function outline(page, name) {
  const seen = (await page.locator("main").ariaSnapshot())
    .replace(/[A-Z][a-z]{2} \d{1,2}, \d{4}(, \d{1,2}:\d{2} [AP]M)?/g, "(date)")
    .replace(/(\d+ (minutes?|hours?|days?) ago|just now)/g, "(moment)")
    .replace(/(evt|org|sub|in|cus)_\w+/g, "$1_…");
  const file = new URL(`outlines/${name}.yml`, import.meta.url);
  if (process.env.UPDATE_OUTLINES) return writeFile(file, `${seen}\n`);
  assert.equal(`${seen}\n`, await readFile(file, "utf8"), `the outline of ${name} has changed`);
}

/** A fresh visitor whose console faults are kept. */
export async function visitor(browser, url, options = {}) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: DESKTOP,
    locale: "en-US",
    timezoneId: "UTC",
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // A 401 for a visitor and planted faults are answers, not faults of the page.
    if (message.type() === "error" && !/status of (4\d\d|500)/.test(message.text())) {
      faults.push(message.text());
    }
  });
  return { context, page, faults };
}

/** Checks the page as it stands in light and dark, on desktop and phone, with pictures. */
export async function inspect(page, name) {
  for (const [size, viewport] of [
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ]) {
    await page.setViewportSize(viewport);
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.waitForFunction(
        // Pages that are not ours follow the browser and say nothing.
        (wanted) => [undefined, wanted].includes(document.documentElement.dataset.theme),
        theme,
      );
      await page.evaluate(() =>
        Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined))),
      );
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (pictures) {
        await mkdir(pictures, { recursive: true });
        await page.screenshot({
          path: join(pictures, `${name}-${size}-${theme}.png`),
          fullPage: true,
        });
      }
      assert.ok(wide <= 0, `${name} scrolls sideways by ${wide}px (${size})`);
      const { violations } = await new AxeBuilder({ page })
        .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
        .analyze();
      assert.deepEqual(
        violations.map(
          (one) =>
            `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`,
        ),
        [],
        `${name} (${size}, ${theme})`,
      );
    }
  }
  await page.setViewportSize(DESKTOP);
}
