//! Cards as people type them, and how each test card behaves.

/// A card as typed on a page or sent raw to the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardInput {
    /// Digits; spaces and dashes are ignored.
    pub number: String,
    /// 1 to 12.
    pub exp_month: i64,
    /// Two or four digits.
    pub exp_year: i64,
    /// Three or four digits.
    pub cvc: Option<String>,
    /// Name on the card.
    pub name: Option<String>,
    /// Two-letter country code of the billing address.
    pub country: Option<String>,
    /// Postal code of the billing address.
    pub postal_code: Option<String>,
}
