// Moments as text, in the reader's own zone.
import { locale } from "./money";

export type WhenStyle = "date" | "dateTime" | "relative";

export function whenText(iso: string, style: WhenStyle, now: number = Date.now()): string {
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
