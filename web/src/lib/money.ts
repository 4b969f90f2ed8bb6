// Minor units to text, without ever passing through a float.

/**
 * Where Stripe's minor units differ from what Intl (ISO 4217) says: these are
 * sent as hundredths or as whole units regardless of the currency's own rule.
 */
const STRIPE_EXPONENT: Readonly<Record<string, number>> = { isk: 2, ugx: 2, mga: 0 };

/** How many decimal digits the minor unit of a currency stands for. */
export function currencyExponent(currency: string): number {
  const known = STRIPE_EXPONENT[currency.toLowerCase()];
  if (known !== undefined) return known;
  const options = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return options.maximumFractionDigits ?? 2;
}

/** `9900` and exponent 2 become `"99.00"`. */
export function decimalText(minor: number, exponent: number): string {
  const sign = minor < 0 ? "-" : "";
  const digits = Math.abs(minor)
    .toString()
    .padStart(exponent + 1, "0");
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Text of an amount for a reader; `short` drops a fraction of only zeros. */
export function moneyText(
  money: { amount: number; currency: string },
  options: { short?: boolean; sign?: boolean } = {},
): string {
  const exponent = currencyExponent(money.currency);
  const format = new Intl.NumberFormat(locale(), {
    style: "currency",
    currency: money.currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
    ...(options.short ? { trailingZeroDisplay: "stripIfInteger" as const } : {}),
    ...(options.sign ? { signDisplay: "exceptZero" as const } : {}),
  });
  // A decimal string is formatted exactly; the cast says what ES2023 allows.
  return format.format(decimalText(money.amount, exponent) as `${number}`);
}

/** The pages are in English, so only English conventions are followed. */
export function locale(): string {
  return navigator.language.startsWith("en") ? navigator.language : "en-US";
}
