import { cn } from "@/lib/cn";
import { moneyText } from "@/lib/money";

/** An amount in minor units. The only place that turns money into text on a page. */
export function Money({
  value,
  short = false,
  sign = false,
  className,
}: {
  value: { amount: number; currency: string };
  /** Drops `.00`, for prices of plans. */
  short?: boolean;
  /** Shows a plus as well as a minus, for lines that add up. */
  sign?: boolean;
  className?: string;
}) {
  return (
    <span className={cn("whitespace-nowrap tabular-nums", className)}>
      {moneyText(value, { short, sign })}
    </span>
  );
}
