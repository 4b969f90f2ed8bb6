//! Amounts in words and the smallest amount a card is charged.

const ZERO_DECIMAL: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
    "xaf", "xof", "xpf",
];
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Decimal places of a currency.
pub(crate) fn decimals(currency: &str) -> usize {
    if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    }
}

/// "$99.00", "€5.00", "¥1000", "KWD 1.500".
pub(crate) fn in_words(amount: i64, currency: &str) -> String {
    let places = decimals(currency);
    let scale = 10_i64.pow(u32::try_from(places).unwrap_or(2));
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, rest) = (amount.abs() / scale, amount.abs() % scale);
    let symbol = match currency {
        "usd" => "$".to_owned(),
        "eur" => "€".to_owned(),
        "gbp" => "£".to_owned(),
        "jpy" => "¥".to_owned(),
        other => format!("{} ", other.to_uppercase()),
    };
    if places == 0 {
        format!("{sign}{symbol}{whole}")
    } else {
        format!("{sign}{symbol}{whole}.{rest:0places$}")
    }
}

/// The smallest amount Stripe charges, in minor units.
pub(crate) fn minimum_charge(currency: &str) -> i64 {
    match currency {
        "gbp" => 30,
        "aed" | "bgn" | "thb" | "czk" | "dkk" | "hkd" | "huf" | "mxn" | "myr" | "nok" | "pln"
        | "ron" | "sek" => 200,
        _ => 50,
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    /// Amounts are written with the decimals of their currency.
    #[test]
    fn writes_amounts() {
        assert_eq!(in_words(9_900, "usd"), "$99.00");
        assert_eq!(in_words(-5, "eur"), "-€0.05");
        assert_eq!(in_words(1_000, "jpy"), "¥1000");
        assert_eq!(in_words(1_500, "kwd"), "KWD 1.500");
    }
}
