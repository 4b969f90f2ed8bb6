//! Money as integer minor units with its currency. No floats, no implicit conversion.

use std::fmt;

/// An ISO 4217 currency code in lower case, as Stripe writes it (`usd`, `jpy`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Why a text is no currency or two amounts cannot be combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text is not three ASCII letters.
    #[error("`{0}` is not a three-letter currency code")]
    InvalidCurrency(String),
    /// The two amounts are in different currencies.
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch {
        /// Currency of the left amount.
        left: Currency,
        /// Currency of the right amount.
        right: Currency,
    },
    /// The result does not fit in 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

impl Currency {
    /// US dollar, the currency of the sample catalogue.
    pub const USD: Self = Self(*b"usd");

    /// Parses a code in any letter case.
    ///
    /// # Errors
    /// [`MoneyError::InvalidCurrency`] unless it is three ASCII letters.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Self([a.to_ascii_lowercase(), b.to_ascii_lowercase(), c.to_ascii_lowercase()]))
            }
            _ => Err(MoneyError::InvalidCurrency(text.to_owned())),
        }
    }

    /// The code in lower case.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("xxx")
    }

    /// How many decimal places the minor unit stands for.
    ///
    /// Source: Stripe's lists of zero-decimal and three-decimal currencies
    /// (`docs.stripe.com/currencies`). ISK and UGX are zero-decimal in fact, but Stripe's API takes
    /// them with two decimals, so they count two here.
    #[must_use]
    pub fn exponent(&self) -> u32 {
        match &self.0 {
            b"bif" | b"clp" | b"djf" | b"gnf" | b"jpy" | b"kmf" | b"krw" | b"mga" | b"pyg"
            | b"rwf" | b"vnd" | b"vuv" | b"xaf" | b"xof" | b"xpf" => 0,
            b"bhd" | b"jod" | b"kwd" | b"omr" | b"tnd" => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents, yen, fils) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units; negative for credits.
    pub minor: i64,
    /// The currency the minor units belong to.
    pub currency: Currency,
}

impl Money {
    /// An amount of `minor` units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] for two currencies, [`MoneyError::Overflow`] past 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, currency: self.currency })
    }
}

/// `99.00 USD`, `9900 JPY`, `9.900 KWD`: for people and logs, never parsed back.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.currency.code().to_ascii_uppercase();
        let places = self.currency.exponent();
        if places == 0 {
            return write!(f, "{} {code}", self.minor);
        }
        let scale = 10_u64.pow(places);
        let sign = if self.minor < 0 { "-" } else { "" };
        let size = self.minor.unsigned_abs();
        let whole = size.checked_div(scale).unwrap_or(0);
        let part = size.checked_rem(scale).unwrap_or(0);
        let width = usize::try_from(places).unwrap_or(2);
        write!(f, "{sign}{whole}.{part:0width$} {code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that each kind of currency prints with its own number of decimals.
    #[test]
    fn amounts_print_by_the_exponent_of_their_currency() {
        let table = [
            (9_900, "usd", "99.00 USD"),
            (-5, "usd", "-0.05 USD"),
            (9_900, "jpy", "9900 JPY"),
            (9_900, "KWD", "9.900 KWD"),
            (i64::MIN, "eur", "-92233720368547758.08 EUR"),
        ];
        for (minor, code, shown) in table {
            let currency = Currency::parse(code).expect("a code");
            assert_eq!(Money::new(minor, currency).to_string(), shown);
        }
    }

    /// Shows that adding two currencies, or past 64 bits, is an error and never a wrong sum.
    #[test]
    fn sums_are_refused_rather_than_wrong() {
        let usd = |minor| Money::new(minor, Currency::USD);
        let jpy = Money::new(1, Currency::parse("jpy").expect("a code"));
        assert_eq!(usd(1).checked_add(usd(2)), Ok(usd(3)));
        assert!(matches!(usd(1).checked_add(jpy), Err(MoneyError::CurrencyMismatch { .. })));
        assert_eq!(usd(i64::MAX).checked_add(usd(1)), Err(MoneyError::Overflow));
        assert!(Currency::parse("us").is_err() && Currency::parse("u$d").is_err());
    }
}
