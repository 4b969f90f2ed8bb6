// Limits and quantities as people read them.
import { locale } from "./money";

/** What a plan allows of one thing. */
export type Limit = number | "unlimited" | "disabled";

/** Parses a limit at the edge; what is not understood grants nothing. */
export function limitFrom(value: unknown): Limit {
  if (value === "unlimited" || value === "disabled") return value;
  return typeof value === "number" && Number.isFinite(value) ? value : "disabled";
}

const STEPS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `10737418240` bytes become `10 GiB`; counts get their thousands separators. */
export function quantityText(value: number, unit: string): string {
  if (unit !== "bytes") return new Intl.NumberFormat(locale()).format(value);
  let amount = value;
  let step = 0;
  while (Math.abs(amount) >= 1024 && step < STEPS.length - 1) {
    amount /= 1024;
    step += 1;
  }
  const digits = new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(amount);
  return `${digits} ${STEPS[step]}`;
}

export function limitText(limit: Limit, unit: string): string {
  if (limit === "unlimited") return "Unlimited";
  if (limit === "disabled") return "Not included";
  return quantityText(limit, unit);
}
