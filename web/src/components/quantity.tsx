import { type Limit, limitText, quantityText } from "@/lib/quantity";

/** A count or a number of bytes. */
export function Quantity({ value, unit }: { value: number; unit: string }) {
  return <span className="whitespace-nowrap tabular-nums">{quantityText(value, unit)}</span>;
}

export function LimitText({ limit, unit }: { limit: Limit; unit: string }) {
  return <span className="whitespace-nowrap tabular-nums">{limitText(limit, unit)}</span>;
}
