//! Stripe's test cards, by what they do.

use simulator::CardInput;

/// Always pays.
pub const GOOD: &str = "4242424242424242";
/// A second one that always pays: Mastercard, ends in 4444.
pub const OTHER: &str = "5555555555554444";
/// Refused at once.
pub const DECLINED: &str = "4000000000000002";
/// Refused for lack of money.
pub const NO_FUNDS: &str = "4000000000009995";
/// Can be saved, and then each charge is refused.
pub const FAILS_LATER: &str = "4000000000000341";
/// Asks the customer's bank each time.
pub const ASKS_BANK: &str = "4000002760003184";
/// Pays, and is then disputed as fraudulent.
pub const DISPUTED: &str = "4000000000000259";
/// Pays, and the issuer then warns of fraud.
pub const WARNED_OF: &str = "4000000000005423";

/// A card of this number, with all else in order.
#[must_use]
pub fn card(number: &str) -> CardInput {
    CardInput {
        number: number.to_owned(),
        exp_month: 12,
        exp_year: 2034,
        cvc: Some("123".to_owned()),
        name: Some("Test Person".to_owned()),
        country: Some("US".to_owned()),
        postal_code: Some("94103".to_owned()),
    }
}
