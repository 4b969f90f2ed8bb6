//! The card form: what people type, what is wrong with it, and the cards to try.

use serde::{Deserialize, Serialize};

use crate::CardInput;

/// The fields of the card form as they were posted.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CardFields {
    #[serde(rename(deserialize = "card_number"))]
    pub(super) number: String,
    #[serde(rename(deserialize = "card_expiry"))]
    pub(super) expiry: String,
    #[serde(rename(deserialize = "card_cvc"))]
    pub(super) cvc: String,
    #[serde(rename(deserialize = "card_name"))]
    pub(super) name: String,
}

/// Texts beside the fields, and one above the form.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct FormErrors {
    pub(super) form: Option<String>,
    pub(super) email: Option<String>,
    pub(super) card_number: Option<String>,
    pub(super) card_expiry: Option<String>,
    pub(super) card_cvc: Option<String>,
    pub(super) card_name: Option<String>,
    pub(super) billing_name: Option<String>,
    pub(super) billing_email: Option<String>,
}

impl FormErrors {
    pub(super) fn is_empty(&self) -> bool {
        self.form.is_none()
            && self.email.is_none()
            && self.card_number.is_none()
            && self.card_expiry.is_none()
            && self.card_cvc.is_none()
            && self.card_name.is_none()
    }

    /// A refusal of the whole form.
    pub(super) fn of(message: impl Into<String>) -> Self {
        Self { form: Some(message.into()), ..Self::default() }
    }

    /// A refusal by the bank. It stands above the form, where it is read out, and the field that
    /// the person can mend repeats it.
    pub(super) fn declined(message: &str, code: &str) -> Self {
        let mut errors = Self::of(message);
        let text = Some(message.to_owned());
        match code {
            "incorrect_number" | "invalid_number" => errors.card_number = text,
            "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => {
                errors.card_expiry = text;
            }
            "incorrect_cvc" | "invalid_cvc" => errors.card_cvc = text,
            _ => {}
        }
        errors
    }
}

impl CardFields {
    /// The fields with a test card's number in them, for the helper list without a script.
    pub(super) fn prefilled(number: &str) -> Self {
        let Some(card) = test_cards().into_iter().find(|card| card.number == number) else {
            return Self::default();
        };
        Self {
            number: card.shown,
            expiry: card.expiry.to_owned(),
            cvc: card.cvc.to_owned(),
            name: "Jo Tester".to_owned(),
        }
    }

    /// The fields again after a refusal: the security code is never sent back.
    pub(super) fn without_cvc(mut self) -> Self {
        self.cvc = String::new();
        self
    }

    /// The card, or what is wrong with each field. Whether the number is a possible one (Luhn) and
    /// the date has passed is for the engine to say, in Stripe's words.
    pub(super) fn parse(&self) -> Result<CardInput, Box<FormErrors>> {
        let mut errors = FormErrors::default();
        let number: String = self.number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if number.is_empty() {
            errors.card_number = Some("Enter the card number.".to_owned());
        } else if !(12..=19).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit())
        {
            errors.card_number = Some("Your card number is incomplete.".to_owned());
        }
        let expiry = parse_expiry(&self.expiry);
        if expiry.is_none() {
            errors.card_expiry = Some("Enter the expiry as MM / YY.".to_owned());
        }
        let cvc = self.cvc.trim();
        if !(3..=4).contains(&cvc.len()) || !cvc.bytes().all(|b| b.is_ascii_digit()) {
            errors.card_cvc = Some("Enter the 3 or 4 digits.".to_owned());
        }
        let name = self.name.trim();
        if name.is_empty() {
            errors.card_name = Some("Enter the name on the card.".to_owned());
        }
        match expiry {
            Some((exp_month, exp_year)) if errors.is_empty() => Ok(CardInput {
                number,
                exp_month,
                exp_year,
                cvc: Some(cvc.to_owned()),
                name: Some(name.to_owned()),
                country: None,
                postal_code: None,
            }),
            _ => Err(Box::new(errors)),
        }
    }
}

/// `MM / YY`, `MM/YYYY`, `MMYY`, `MM-YY`.
fn parse_expiry(text: &str) -> Option<(i64, i64)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let other = text.chars().any(|c| !c.is_ascii_digit() && !matches!(c, ' ' | '/' | '-' | '.'));
    if other || !matches!(digits.len(), 4 | 6) {
        return None;
    }
    let month: i64 = digits.get(..2)?.parse().ok()?;
    let year: i64 = digits.get(2..)?.parse().ok()?;
    let year = if year < 100 { 2000 + year } else { year };
    (1..=12).contains(&month).then_some((month, year))
}

/// A card of the helper list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TestCard {
    number: &'static str,
    shown: String,
    expiry: &'static str,
    cvc: &'static str,
    does: &'static str,
}

/// The cards worth trying on a page, with what each does.
pub(super) fn test_cards() -> Vec<TestCard> {
    const LIST: &[(&str, &str)] = &[
        ("4242424242424242", "Visa, works"),
        ("5555555555554444", "Mastercard, works"),
        ("378282246310005", "American Express, works"),
        ("4000002500003155", "asks for 3-D Secure"),
        ("4000002760003184", "asks for 3-D Secure every time"),
        ("4000000000003220", "3-D Secure required"),
        ("4000000000000002", "declined"),
        ("4000000000009995", "insufficient funds"),
        ("4000000000009987", "lost card"),
        ("4000000000000069", "expired card"),
        ("4000000000000127", "wrong security code"),
        ("4000000000000119", "processing error"),
        ("4000000000000341", "is saved, then every charge fails"),
        ("4242424242424241", "impossible number"),
        ("4000000000000259", "works, then is disputed"),
        ("4000000000005423", "works, then a fraud warning"),
    ];
    LIST.iter()
        .map(|(number, does)| TestCard {
            number,
            shown: grouped(number),
            expiry: "12 / 34",
            cvc: if number.len() == 15 { "1234" } else { "123" },
            does,
        })
        .collect()
}

fn grouped(number: &str) -> String {
    let cuts: &[usize] = if number.len() == 15 { &[4, 10] } else { &[4, 8, 12, 16] };
    let mut text = String::new();
    for (index, digit) in number.chars().enumerate() {
        if cuts.contains(&index) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows the ways in which people write an expiry date.
    #[test]
    fn expiry_is_read_as_people_write_it() {
        let table = [
            ("12 / 34", Some((12, 2034))),
            ("01/2030", Some((1, 2030))),
            ("0130", Some((1, 2030))),
            ("13/30", None),
            ("00/30", None),
            ("1/30", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_expiry(text), expected, "{text}");
        }
    }

    /// Shows that each missing field is named, and that a whole form becomes a card.
    #[test]
    fn names_each_fault() {
        let errors = CardFields::default().parse().unwrap_err();
        assert!(errors.card_number.is_some() && errors.card_expiry.is_some());
        assert!(errors.card_cvc.is_some() && errors.card_name.is_some());
        let card = CardFields::prefilled("378282246310005").parse().unwrap();
        assert_eq!((card.number.as_str(), card.exp_year), ("378282246310005", 2034));
    }
}
