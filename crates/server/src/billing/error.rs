//! What can go wrong when somebody buys, changes or leaves.

use domain::catalogue::{Interval, PlanId};
use domain::entitlement::BillingStatus;
use domain::money::Money;
use domain::time::Span;
use store::StoreError;
use stripe::client::{ErrorKind, StripeError};

use crate::apply::ApplyError;

/// Why a request about billing was not carried out. Stripe's own words are never in here.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The organisation has a live subscription: it should change plans instead.
    #[error("the organisation already has a subscription to `{plan}`")]
    AlreadySubscribed {
        /// The plan it is on; the Stripe price when no plan of ours sells it.
        plan: String,
        /// Where the subscription stands.
        status: BillingStatus,
    },
    /// No plan has this id.
    #[error("there is no plan `{plan}`")]
    PlanUnknown {
        /// What was asked for.
        plan: PlanId,
    },
    /// The plan is free, or not sold at this interval, or not yet provisioned at Stripe.
    #[error("plan `{plan}` is not sold {}", .interval.name())]
    PlanNotSold {
        /// What was asked for.
        plan: PlanId,
        /// At which interval.
        interval: Interval,
    },
    /// The organisation already has exactly this plan and interval.
    #[error("the organisation is on this plan already")]
    NothingToChange,
    /// There is no subscription to change.
    #[error("the organisation has no subscription")]
    NotSubscribed,
    /// The subscription is in a state in which its plan cannot be changed (a payment is owed, it
    /// is paused, or it ends with its period).
    #[error("the subscription cannot be changed now: {reason}")]
    NotChangeable {
        /// A sentence for people.
        reason: &'static str,
    },
    /// The address to return to is neither ours nor on the allow list.
    #[error("`{field}` leads to an origin that is not allowed")]
    ForeignUrl {
        /// The field that holds it.
        field: &'static str,
    },
    /// The payment did not go through; the old plan stays.
    #[error("the payment failed")]
    PaymentFailed {
        /// A sentence for people.
        reason: String,
        /// The bank's code, such as `insufficient_funds`.
        decline_code: Option<String>,
    },
    /// The change no longer costs what the preview said. Nothing was changed.
    #[error("the change now costs {now}, not the previewed {previewed}")]
    AmountChanged {
        /// What was agreed to, in minor units.
        previewed: Money,
        /// What it would be now.
        now: Money,
    },
    /// The preview is too old, or for another period. Nothing was changed.
    #[error("the preview is too old")]
    PreviewExpired,
    /// The subscription neither ends nor changes by itself.
    #[error("there is nothing to take back")]
    NothingToResume,
    /// No such object of this organisation.
    #[error("not found")]
    NotFound,
    /// The subscription is the only one, not a surplus one.
    #[error("the subscription is not a surplus one")]
    NotSurplus,
    /// Another request of this organisation is at work on the same thing.
    #[error("another change is under way")]
    Busy,
    /// Too many requests.
    #[error("too many requests")]
    RateLimited {
        /// When to try again.
        retry_after: Span,
    },
    /// Stripe cannot be reached, is slow or fails; trying again later helps.
    #[error("Stripe is not available")]
    StripeUnavailable {
        /// For the log.
        #[source]
        source: Option<Box<StripeError>>,
    },
    /// Stripe refused; trying the same again does not help.
    #[error("Stripe refused")]
    StripeRefused {
        /// Stripe's code, such as `resource_missing`.
        code: String,
        /// For the log; none when it is an earlier refusal that is repeated.
        #[source]
        source: Option<Box<StripeError>>,
    },
    /// The mirror could not be brought up to date.
    #[error("the mirror could not be brought up to date")]
    Apply(#[source] ApplyError),
    /// The database.
    #[error("the database failed")]
    Store(#[source] StoreError),
}

/// A result of this room.
pub type BillingResult<T> = Result<T, BillingError>;

impl From<StoreError> for BillingError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ApplyError> for BillingError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Stripe(error) => error.into(),
            ApplyError::Store(error) => Self::Store(error),
            ApplyError::Park(_) => Self::Apply(error),
        }
    }
}

impl From<StripeError> for BillingError {
    fn from(error: StripeError) -> Self {
        if error.is_card_error() {
            let problem = error.api();
            return Self::PaymentFailed {
                reason: reason_of_decline(
                    problem.and_then(|one| one.code.as_deref()),
                    error.decline_code(),
                )
                .to_owned(),
                decline_code: error.decline_code().map(ToOwned::to_owned),
            };
        }
        if error.is_transient() || error.kind() == ErrorKind::Decode {
            return Self::StripeUnavailable { source: Some(Box::new(error)) };
        }
        Self::StripeRefused { code: refusal_code(&error), source: Some(Box::new(error)) }
    }
}

/// Stripe's code, or our word for the kind of refusal where Stripe gives none.
pub(super) fn refusal_code(error: &StripeError) -> String {
    if let Some(code) = error.code() {
        return code.to_owned();
    }
    match error.kind() {
        ErrorKind::Authentication => "key_refused",
        ErrorKind::Permission => "key_lacks_permission",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Idempotency => "idempotency_error",
        ErrorKind::Card => "card_declined",
        _ => "refused",
    }
    .to_owned()
}

/// What a customer may be told about a decline. The codes are Stripe's published ones; those that
/// hint at fraud (`lost_card`, `stolen_card`, `fraudulent`) read like any other, as Stripe asks.
pub(super) fn reason_of_decline(code: Option<&str>, decline_code: Option<&str>) -> &'static str {
    match (code, decline_code) {
        (_, Some("insufficient_funds")) => "The card has insufficient funds.",
        (_, Some("authentication_required"))
        | (Some("authentication_required" | "subscription_payment_intent_requires_action"), _) => {
            "The bank asks for a confirmation that only the cardholder can give."
        }
        (_, Some("card_velocity_exceeded" | "withdrawal_count_limit_exceeded")) => {
            "The card has reached its limit."
        }
        (Some("expired_card"), _) | (_, Some("expired_card")) => "The card has expired.",
        (Some("incorrect_cvc" | "invalid_cvc"), _) => "The card's security code is wrong.",
        (Some("processing_error"), _) | (_, Some("processing_error" | "try_again_later")) => {
            "The bank could not process the payment. It may work in a moment."
        }
        (Some("incorrect_number" | "invalid_number"), _) => "The card number is wrong.",
        (Some("resource_missing"), _) => "There is no payment method on file.",
        _ => "The bank declined the payment.",
    }
}
