//! How amounts, moments and states read to people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

/// Currencies without a minor unit at Stripe.
const ZERO_DECIMAL: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

/// Currencies with a thousandth.
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];

/// Digits after the point.
fn exponent(currency: &str) -> u32 {
    if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    }
}

fn symbol(currency: &str) -> Option<&'static str> {
    Some(match currency {
        "usd" => "$",
        "eur" => "€",
        "gbp" => "£",
        "jpy" => "¥",
        "cad" => "CA$",
        "aud" => "A$",
        "inr" => "₹",
        "krw" => "₩",
        _ => return None,
    })
}

/// An amount in minor units as people write it: `$1,234.50`, `¥1,200`, `KWD 9.900`, `−$3.00`.
pub(super) fn money(minor: i64, currency: &str) -> String {
    let currency = currency.to_ascii_lowercase();
    let digits = exponent(&currency);
    let scale = 10_u64.pow(digits);
    let whole = (minor.unsigned_abs() / scale).to_string();
    let rest = minor.unsigned_abs() % scale;
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if digits > 0 {
        let width = usize::try_from(digits).unwrap_or(0);
        grouped = format!("{grouped}.{rest:0width$}");
    }
    let sign = if minor < 0 { "−" } else { "" };
    match symbol(&currency) {
        Some(symbol) => format!("{sign}{symbol}{grouped}"),
        None => format!("{sign}{} {grouped}", currency.to_ascii_uppercase()),
    }
}

/// `per month`, `every 3 months`; empty for a price that does not recur.
pub(super) fn per(price: &Value) -> String {
    let recurring = &price["recurring"];
    let Some(interval) = recurring["interval"].as_str() else { return String::new() };
    match recurring["interval_count"].as_i64().unwrap_or(1) {
        1 => format!("per {interval}"),
        count => format!("every {count} {interval}s"),
    }
}

fn written(seconds: i64, pattern: &str) -> String {
    Timestamp::from_second(seconds)
        .map(|moment| moment.to_zoned(TimeZone::UTC).strftime(pattern).to_string())
        .unwrap_or_default()
}

/// `3 January 2027`.
pub(super) fn day(seconds: i64) -> String {
    written(seconds, "%-d %B %Y")
}

/// `3 Jan 2027`, for lists.
pub(super) fn short_day(seconds: i64) -> String {
    written(seconds, "%-d %b %Y")
}

/// `3 Jan 2027, 09:15:02 UTC`.
pub(super) fn moment(seconds: i64) -> String {
    written(seconds, "%-d %b %Y, %H:%M:%S UTC")
}

/// RFC 3339 with a `Z`.
pub(super) fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|moment| moment.to_string()).unwrap_or_default()
}

/// A string inside a JSON value; empty when absent or null.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The first of the texts that is not empty.
pub(super) fn first_of<const N: usize>(texts: [&str; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

/// A short state with a colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Mark {
    /// `good`, `warn`, `bad` or nothing.
    pub(super) tone: &'static str,
    /// What it says.
    pub(super) text: String,
}

impl Mark {
    pub(super) fn new(tone: &'static str, text: impl Into<String>) -> Self {
        Self { tone, text: text.into() }
    }

    /// The mark of a subscription.
    pub(super) fn of_subscription(subscription: &Value) -> Self {
        let status = field(subscription, "status");
        let ending = subscription["cancel_at"].as_i64().is_some();
        match status {
            "active" | "trialing" if ending => Self::new("warn", "Ending"),
            "active" => Self::new("good", "Active"),
            "trialing" => Self::new("good", "Trial"),
            "past_due" => Self::new("bad", "Past due"),
            "unpaid" => Self::new("bad", "Unpaid"),
            "incomplete" => Self::new("warn", "Incomplete"),
            "incomplete_expired" => Self::new("", "Expired"),
            "canceled" => Self::new("", "Cancelled"),
            "paused" => Self::new("warn", "Paused"),
            other => Self::new("", other),
        }
    }

    /// The mark of an invoice.
    pub(super) fn of_invoice(invoice: &Value) -> Self {
        match field(invoice, "status") {
            "paid" => Self::new("good", "Paid"),
            "open" if invoice["attempted"].as_bool() == Some(true) => {
                Self::new("bad", "Payment failed")
            }
            "open" => Self::new("warn", "Open"),
            "void" => Self::new("", "Void"),
            "uncollectible" => Self::new("bad", "Uncollectible"),
            "draft" => Self::new("", "Draft"),
            other => Self::new("", other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Shows that each currency is written with its own number of decimals.
    #[test]
    fn money_follows_the_currency() {
        let table = [
            (9_900, "usd", "$99.00"),
            (123_456_789, "usd", "$1,234,567.89"),
            (-300, "usd", "−$3.00"),
            (5, "eur", "€0.05"),
            (1_200, "jpy", "¥1,200"),
            (9_900, "kwd", "KWD 9.900"),
            (0, "chf", "CHF 0.00"),
            (100_000, "vnd", "VND 100,000"),
        ];
        for (minor, currency, expected) in table {
            assert_eq!(money(minor, currency), expected);
        }
    }

    /// Shows intervals, single and several.
    #[test]
    fn intervals_read_naturally() {
        assert_eq!(
            per(&json!({"recurring": {"interval": "month", "interval_count": 1}})),
            "per month"
        );
        assert_eq!(
            per(&json!({"recurring": {"interval": "month", "interval_count": 3}})),
            "every 3 months"
        );
        assert_eq!(per(&json!({"recurring": null})), "");
        assert_eq!(day(0), "1 January 1970");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    }
}
