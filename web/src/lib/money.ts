// Minor units to text, without ever passing through a float.

// The same table as the server's (crates/domain/src/money.rs), which is Stripe's:
// Intl knows ISO 4217, and the two differ for some (ISK and UGX are sent as hundredths).
const WHOLE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
const THOUSANDTHS = "bhd jod kwd omr tnd".split(" ");

/** How many decimal digits the minor unit of a currency stands for. */
export function currencyExponent(currency: string): number {
  const code = currency.toLowerCase();
  if (WHOLE.includes(code)) return 0;
  return THOUSANDTHS.includes(code) ? 3 : 2;
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
