// Moments as text, in the reader's own zone.
import { locale } from "./money";

export type WhenStyle = "date" | "dateTime" | "relative";

/** Up to here a difference is the way the answer took, and whole seconds. */
const SAME_MS = 5_000;
let aheadMs = 0;

/**
 * Takes the server's time from an answer's `Date`. How long ago something was is told by the
 * server's clock: a reader's may be wrong, and the demo's is moved by months.
 */
export function noteServerTime(date: string | null): void {
  const ahead = Date.parse(date ?? "") - Date.now();
  if (Number.isNaN(ahead)) return;
  aheadMs = Math.abs(ahead) < SAME_MS ? 0 : ahead;
}

export function whenText(
  iso: string,
  style: WhenStyle,
  now: number = Date.now() + aheadMs,
): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "unknown date";
  switch (style) {
    case "date":
      return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(moment);
    case "dateTime":
      return new Intl.DateTimeFormat(locale(), {
        dateStyle: "medium",
        timeStyle: "short",
      }).format(moment);
    case "relative":
      return relativeText(moment.getTime() - now, moment);
  }
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

function relativeText(distanceMs: number, moment: Date): string {
  const far = Math.abs(distanceMs);
  if (far < 60_000) return distanceMs <= 0 ? "just now" : "in a moment";
  if (far >= 7 * 86_400_000) return whenText(moment.toISOString(), "date");
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "always" });
  for (const [unit, ms] of UNITS) {
    if (far >= ms) return format.format(Math.trunc(distanceMs / ms), unit);
  }
  return "just now";
}
