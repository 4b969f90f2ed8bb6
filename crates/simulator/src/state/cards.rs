//! Cards as people type them, and how each of Stripe's test cards behaves.

use crate::protocol::ApiError;

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

/// A refusal by the card's bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
}

impl Decline {
    pub(crate) fn error(self) -> ApiError {
        ApiError::card(self.code, self.decline_code, self.message)
    }
}

const fn declined(decline_code: &'static str, message: &'static str) -> Decline {
    Decline { code: "card_declined", decline_code: Some(decline_code), message }
}

const fn coded(code: &'static str, message: &'static str) -> Decline {
    Decline { code, decline_code: None, message }
}

const GENERIC: Decline = declined("generic_decline", "Your card was declined.");
const FUNDS: Decline = declined("insufficient_funds", "Your card has insufficient funds.");
const LOST: Decline = declined("lost_card", "Your card was declined.");
const STOLEN: Decline = declined("stolen_card", "Your card was declined.");
const EXPIRED: Decline = coded("expired_card", "Your card has expired.");
const CVC: Decline = coded("incorrect_cvc", "Your card's security code is incorrect.");
const PROCESSING: Decline = coded(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);
const VELOCITY: Decline = declined(
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount \
     limit.",
);
const NUMBER: Decline = coded("incorrect_number", "Your card number is incorrect.");
const FRAUD: Decline = declined("fraudulent", "Your card was declined.");

/// When a card's bank asks for a 3-D Secure challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenges {
    Never,
    /// Until it has been set up for later use with one.
    UntilSetUp,
    /// Only while its owner is present.
    OnSession,
    Always,
}

/// What follows a successful charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    Nothing,
    /// A chargeback with this reason.
    Dispute(&'static str),
    /// An inquiry with this reason: no money moves.
    Inquiry(&'static str),
    /// Two chargebacks.
    Disputes,
    FraudWarning,
    /// Refunds of it are pending first.
    RefundPending,
    /// Refunds of it succeed and fail afterwards.
    RefundFails,
}

/// How one card number behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CardTrait {
    pub(crate) number: &'static str,
    /// Names after `pm_card_` and `tok_`, without a leading `visa_`.
    tokens: &'static [&'static str],
    /// Whether the refusal already meets the attempt to save the card.
    declines_on_attach: bool,
    pub(crate) decline: Option<Decline>,
    pub(crate) challenges: Challenges,
    pub(crate) aftermath: Aftermath,
    pub(crate) risk: &'static str,
}

const PLAIN: CardTrait = CardTrait {
    number: "4242424242424242",
    tokens: &["visa", "us"],
    declines_on_attach: false,
    decline: None,
    challenges: Challenges::Never,
    aftermath: Aftermath::Nothing,
    risk: "normal",
};

const fn ok(number: &'static str, tokens: &'static [&'static str]) -> CardTrait {
    CardTrait { number, tokens, ..PLAIN }
}

const fn bad(number: &'static str, tokens: &'static [&'static str], decline: Decline) -> CardTrait {
    CardTrait { number, tokens, decline: Some(decline), declines_on_attach: true, ..PLAIN }
}

const fn asks(
    number: &'static str,
    tokens: &'static [&'static str],
    challenges: Challenges,
    decline: Option<Decline>,
) -> CardTrait {
    CardTrait { number, tokens, challenges, decline, ..PLAIN }
}

const fn then(
    number: &'static str,
    tokens: &'static [&'static str],
    aftermath: Aftermath,
) -> CardTrait {
    CardTrait { number, tokens, aftermath, ..PLAIN }
}

/// Stripe's test cards.
static CARDS: &[CardTrait] = &[
    PLAIN,
    ok("4000056655665556", &["visa_debit", "debit"]),
    ok("5555555555554444", &["mastercard"]),
    ok("5200828282828210", &["mastercard_debit"]),
    ok("5105105105105100", &["mastercard_prepaid"]),
    ok("378282246310005", &["amex"]),
    ok("371449635398431", &[]),
    ok("6011111111111117", &["discover"]),
    ok("3056930009020004", &["diners"]),
    ok("3566002020360505", &["jcb"]),
    ok("6200000000000005", &["unionpay"]),
    ok("4000000000000077", &["bypassPending"]),
    ok("4000000000003055", &["threeDSecureOptional"]),
    ok("4000000000000101", &["cvcCheckFail"]),
    bad("4000000000000002", &["chargeDeclined"], GENERIC),
    bad("4000000000009995", &["chargeDeclinedInsufficientFunds"], FUNDS),
    bad("4000000000009987", &["chargeDeclinedLostCard"], LOST),
    bad("4000000000009979", &["chargeDeclinedStolenCard"], STOLEN),
    bad("4000000000000069", &["chargeDeclinedExpiredCard"], EXPIRED),
    bad("4000000000000127", &["chargeDeclinedIncorrectCvc"], CVC),
    bad("4000000000000119", &["chargeDeclinedProcessingError"], PROCESSING),
    bad("4000000000006975", &["chargeDeclinedVelocityLimitExceeded"], VELOCITY),
    CardTrait {
        declines_on_attach: false,
        ..bad("4000000000000341", &["chargeCustomerFail"], GENERIC)
    },
    asks("4000002500003155", &["authenticationRequiredOnSetup"], Challenges::UntilSetUp, None),
    asks("4000002760003184", &["authenticationRequired"], Challenges::Always, None),
    asks(
        "4000003800000446",
        &["authenticationRequiredSetupForOffSession"],
        Challenges::OnSession,
        None,
    ),
    asks(
        "4000008260003178",
        &["authenticationRequiredChargeDeclinedInsufficientFunds"],
        Challenges::Always,
        Some(FUNDS),
    ),
    asks("4000000000003220", &["threeDSecure2Required"], Challenges::UntilSetUp, None),
    asks("4000000000003063", &["threeDSecureRequired"], Challenges::UntilSetUp, None),
    asks(
        "4000008400001629",
        &["threeDSecureRequiredChargeDeclined"],
        Challenges::Always,
        Some(GENERIC),
    ),
    then("4000000000000259", &["createDispute"], Aftermath::Dispute("fraudulent")),
    then(
        "4000000000002685",
        &["createDisputeProductNotReceived"],
        Aftermath::Dispute("product_not_received"),
    ),
    then("4000000000001976", &["createDisputeInquiry"], Aftermath::Inquiry("fraudulent")),
    then("4000000000005423", &["createIssuerFraudRecord"], Aftermath::FraudWarning),
    then("4000000404000079", &["createMultipleDisputes"], Aftermath::Disputes),
    then("4000000404000038", &["createCe3EligibleDispute"], Aftermath::Dispute("fraudulent")),
    then("4000008400000779", &["createComplianceDispute"], Aftermath::Dispute("noncompliant")),
    then("4000000000007726", &["pendingRefund"], Aftermath::RefundPending),
    then("4000000000005126", &["refundFail"], Aftermath::RefundFails),
    CardTrait {
        risk: "highest",
        declines_on_attach: false,
        ..bad("4100000000000019", &["radarBlock"], FRAUD)
    },
    CardTrait { risk: "highest", ..ok("4000000000004954", &["riskLevelHighest"]) },
    CardTrait { risk: "elevated", ..ok("4000000000009235", &["riskLevelElevated"]) },
];

/// What the bank behind a payment method knows and does.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) traits: CardTrait,
    pub(crate) last4: String,
    pub(crate) exp_month: i64,
    pub(crate) exp_year: i64,
    pub(crate) brand: &'static str,
    pub(crate) funding: &'static str,
    /// Stable per number, as Stripe's fingerprint is.
    pub(crate) fingerprint: String,
    /// A challenge has been passed, so later payments need none.
    pub(crate) set_up: bool,
}

/// The bank's answer to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved,
    Challenge,
    Declined(Decline),
}

impl Card {
    /// A card by its number.
    ///
    /// # Errors
    /// 402 for a number that fails its check digit or an expiry that is past or no date.
    pub(crate) fn typed(input: &CardInput, now: i64) -> Result<Self, ApiError> {
        let number: String = input.number.chars().filter(char::is_ascii_digit).collect();
        if number.len() < 12 || number.len() > 19 || !luhn(&number) {
            return Err(NUMBER.error().at("number"));
        }
        if !(1..=12).contains(&input.exp_month) {
            let message = "Your card's expiration month is invalid.";
            return Err(ApiError::card("invalid_expiry_month", None, message).at("exp_month"));
        }
        let year = if input.exp_year < 100 { 2_000 + input.exp_year } else { input.exp_year };
        let months = (year - 1_970) * 12 + input.exp_month;
        if crate::rules::calendar::add_months(0, months) <= now || year > 2_100 {
            let message = "Your card's expiration year is invalid.";
            return Err(ApiError::card("invalid_expiry_year", None, message).at("exp_year"));
        }
        if let Some(cvc) = &input.cvc
            && (!(3..=4).contains(&cvc.len()) || !cvc.bytes().all(|b| b.is_ascii_digit()))
        {
            let message = "Your card's security code is invalid.";
            return Err(ApiError::card("invalid_cvc", None, message).at("cvc"));
        }
        let traits = CARDS.iter().find(|card| card.number == number).copied().unwrap_or(PLAIN);
        Ok(Self::of(traits, &number, input.exp_month, year))
    }

    /// The card behind `pm_card_…` or `tok_…`, valid until the end of the year after next.
    pub(crate) fn by_token(token: &str, now: i64) -> Option<Self> {
        let name = token.strip_prefix("pm_card_").or_else(|| token.strip_prefix("tok_"))?;
        let bare = name.strip_prefix("visa_").unwrap_or(name);
        let traits = CARDS
            .iter()
            .find(|card| card.tokens.contains(&name) || card.tokens.contains(&bare))
            .copied()?;
        let year = 1_970 + now.div_euclid(31_556_952) + 2;
        Some(Self::of(traits, traits.number, 12, year))
    }

    fn of(traits: CardTrait, number: &str, exp_month: i64, exp_year: i64) -> Self {
        let brand = match number.as_bytes() {
            [b'3', b'4' | b'7', ..] => "amex",
            [b'3', b'5', ..] => "jcb",
            [b'3', ..] => "diners",
            [b'5' | b'2', ..] => "mastercard",
            [b'6', b'2', ..] => "unionpay",
            [b'6', ..] => "discover",
            _ => "visa",
        };
        let funding = if traits.tokens.iter().any(|token| token.ends_with("debit")) {
            "debit"
        } else {
            "credit"
        };
        let seed = number
            .bytes()
            .fold(7_u64, |sum, byte| sum.wrapping_mul(1_000_003).wrapping_add(u64::from(byte)));
        Self {
            traits,
            last4: number[number.len() - 4..].to_owned(),
            exp_month,
            exp_year,
            brand,
            funding,
            fingerprint: super::Ids::new(seed).token(16),
            set_up: false,
        }
    }

    /// What the bank says to saving the card without a charge.
    pub(crate) fn attach(&self) -> Verdict {
        match self.traits.decline {
            Some(decline) if self.traits.declines_on_attach => Verdict::Declined(decline),
            _ => Verdict::Approved,
        }
    }

    /// What the bank says to a set-up for later use.
    pub(crate) fn setup(&self, challenge_passed: bool) -> Verdict {
        match self.attach() {
            Verdict::Approved
                if self.traits.challenges != Challenges::Never
                    && !challenge_passed
                    && !self.set_up =>
            {
                Verdict::Challenge
            }
            verdict => verdict,
        }
    }

    /// What the bank says to a charge.
    pub(crate) fn charge(&self, off_session: bool, challenge_passed: bool) -> Verdict {
        let challenge = match self.traits.challenges {
            Challenges::Never => false,
            Challenges::UntilSetUp => !self.set_up,
            Challenges::OnSession => !off_session,
            Challenges::Always => true,
        };
        if challenge && !challenge_passed {
            return Verdict::Challenge;
        }
        self.traits.decline.map_or(Verdict::Approved, Verdict::Declined)
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            match (at % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Every number of the table is a possible card number.
    #[test]
    fn numbers_pass_their_check_digit() {
        for card in CARDS {
            assert!(luhn(card.number), "{}", card.number);
        }
        assert!(!luhn("4242424242424241"));
    }

    /// Tokens are found with and without `visa_`, and say the card's behaviour.
    #[test]
    fn tokens_name_cards() {
        let card = |token: &str| Card::by_token(token, 1_800_000_000).unwrap();
        assert_eq!(card("pm_card_visa").last4, "4242");
        assert_eq!(card("tok_visa_debit").funding, "debit");
        assert_eq!(card("pm_card_visa_chargeDeclined").attach(), Verdict::Declined(GENERIC));
        assert_eq!(card("pm_card_chargeCustomerFail").attach(), Verdict::Approved);
        assert_eq!(card("tok_chargeCustomerFail").charge(true, false), Verdict::Declined(GENERIC));
        assert_eq!(card("pm_card_authenticationRequired").charge(true, false), Verdict::Challenge);
        assert!(Card::by_token("pm_card_nope", 0).is_none());
    }

    /// A typed card is checked as Stripe checks it.
    #[test]
    fn typed_cards_are_checked() {
        let input = CardInput {
            number: "4242 4242 4242 4241".to_owned(),
            exp_month: 12,
            exp_year: 34,
            cvc: Some("123".to_owned()),
            name: None,
            country: None,
            postal_code: None,
        };
        let now = 1_800_000_000;
        assert_eq!(Card::typed(&input, now).unwrap_err().code.as_deref(), Some("incorrect_number"));
        let number = "4242424242424242".to_owned();
        let card = Card::typed(&CardInput { number, ..input.clone() }, now).unwrap();
        assert_eq!((card.exp_year, card.brand), (2034, "visa"));
    }
}
