//! Payments: intents, charges, refunds, and why one failed.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    Card, Customer, Dispute, Expandable, Invoice, List, Metadata, PaymentMethod,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Where a payment intent is in its life.
    PaymentIntentStatus {
        /// It needs a payment method; also after a decline.
        RequiresPaymentMethod = "requires_payment_method",
        /// It needs to be confirmed.
        RequiresConfirmation = "requires_confirmation",
        /// The customer has to do something, such as 3-D Secure.
        RequiresAction = "requires_action",
        /// The bank is at work.
        Processing = "processing",
        /// The money is reserved.
        RequiresCapture = "requires_capture",
        /// The money came.
        Succeeded = "succeeded",
        /// Given up.
        Canceled = "canceled",
    }
}

open_enum! {
    /// Whether a charge went through.
    ChargeStatus {
        /// It did.
        Succeeded = "succeeded",
        /// The bank is at work.
        Pending = "pending",
        /// It did not.
        Failed = "failed",
    }
}

open_enum! {
    /// Whether a refund went through.
    RefundStatus {
        /// Under way.
        Pending = "pending",
        /// The customer has to do something.
        RequiresAction = "requires_action",
        /// It did.
        Succeeded = "succeeded",
        /// It came back.
        Failed = "failed",
        /// It was called off.
        Canceled = "canceled",
    }
}

open_enum! {
    /// Why money is given back.
    RefundReason {
        /// Charged twice.
        Duplicate = "duplicate",
        /// The card's owner did not buy.
        Fraudulent = "fraudulent",
        /// The customer asked.
        RequestedByCustomer = "requested_by_customer",
        /// A reservation ran out.
        ExpiredUncapturedCharge = "expired_uncaptured_charge",
    }
}

/// Why a payment failed, as Stripe puts it into objects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentError {
    /// `card_error`, `api_error`, …
    #[serde(rename = "type")]
    pub error_type: String,
    /// Such as `card_declined` or `authentication_required`.
    #[serde(default)]
    pub code: Option<String>,
    /// The bank's reason, such as `insufficient_funds`.
    #[serde(default)]
    pub decline_code: Option<String>,
    /// What Stripe advises: `try_again_later`, `do_not_try_again`, `confirm_card_data`.
    #[serde(default)]
    pub advice_code: Option<String>,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// Stripe's words, for operators; not to be shown to others.
    #[serde(default)]
    pub message: Option<String>,
    /// The charge that failed.
    #[serde(default)]
    pub charge: Option<StripeId>,
    /// The payment method that failed.
    #[serde(default, deserialize_with = "id_within", rename = "payment_method")]
    pub payment_method_id: Option<StripeId>,
}

/// The id of an embedded object that is of no further interest.
fn id_within<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StripeId>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str));
    Ok(id.map(str::to_owned))
}

/// A payment intent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PaymentIntent {
    /// `pi_…`.
    pub id: StripeId,
    /// Where it is in its life.
    pub status: PaymentIntentStatus,
    /// What is to be paid.
    #[serde(default)]
    pub amount: i64,
    /// What was received.
    #[serde(default)]
    pub amount_received: Option<i64>,
    /// Lower-case ISO code.
    #[serde(default)]
    pub currency: Option<String>,
    /// Who pays.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// Before basil only.
    #[serde(default)]
    pub invoice: Option<Expandable<Invoice>>,
    /// With what.
    #[serde(default)]
    pub payment_method: Option<Expandable<PaymentMethod>>,
    /// The newest attempt.
    #[serde(default)]
    pub latest_charge: Option<Expandable<Charge>>,
    /// Why the newest attempt failed.
    #[serde(default)]
    pub last_payment_error: Option<PaymentError>,
    /// When it was made.
    #[serde(default)]
    pub created: UnixSeconds,
    /// Whether it moves real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Charge {
    /// `ch_…`, or `py_…` for other means than cards.
    pub id: StripeId,
    /// What was charged.
    pub amount: i64,
    /// What was captured of it.
    #[serde(default)]
    pub amount_captured: Option<i64>,
    /// What was given back of it, in all.
    #[serde(default)]
    pub amount_refunded: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Whether it went through.
    pub status: ChargeStatus,
    /// Whether the money was taken, or reserved.
    #[serde(default)]
    pub paid: bool,
    /// Whether the money was taken.
    #[serde(default)]
    pub captured: bool,
    /// Whether all of it was given back.
    #[serde(default)]
    pub refunded: bool,
    /// Whether it was ever disputed.
    #[serde(default)]
    pub disputed: bool,
    /// The dispute, in the versions that name it here.
    #[serde(default)]
    pub dispute: Option<Expandable<Dispute>>,
    /// Who paid.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// The intent it belongs to.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// Before basil only.
    #[serde(default)]
    pub invoice: Option<Expandable<Invoice>>,
    /// The payment method's id.
    #[serde(default)]
    pub payment_method: Option<StripeId>,
    /// What it was for.
    #[serde(default)]
    pub description: Option<String>,
    /// Such as `card_declined`.
    #[serde(default)]
    pub failure_code: Option<String>,
    /// Stripe's words, for operators.
    #[serde(default)]
    pub failure_message: Option<String>,
    /// What bank and Radar said.
    #[serde(default)]
    pub outcome: Option<ChargeOutcome>,
    /// How it was paid. Read through [`Charge::card`].
    #[serde(default)]
    payment_method_details: Option<ChargeMethod>,
    /// The receipt page.
    #[serde(default)]
    pub receipt_url: Option<String>,
    /// Where the receipt was sent.
    #[serde(default)]
    pub receipt_email: Option<String>,
    /// Its refunds, when expanded.
    #[serde(default)]
    pub refunds: Option<List<Refund>>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Whether it moved real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// What bank and Radar said of a charge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ChargeOutcome {
    /// `authorized`, `issuer_declined`, `blocked`, `invalid`, …
    #[serde(default, rename = "type")]
    pub outcome_type: Option<String>,
    /// `approved_by_network`, `declined_by_network`, …
    #[serde(default)]
    pub network_status: Option<String>,
    /// Such as `insufficient_funds` or `highest_risk_level`.
    #[serde(default)]
    pub reason: Option<String>,
    /// `normal`, `elevated`, `highest`, …
    #[serde(default)]
    pub risk_level: Option<String>,
    /// From 0 to 99.
    #[serde(default)]
    pub risk_score: Option<i64>,
    /// Stripe's words, for operators.
    #[serde(default)]
    pub seller_message: Option<String>,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Refund {
    /// `re_…`.
    pub id: StripeId,
    /// How much.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Whether it went through.
    #[serde(default)]
    pub status: Option<RefundStatus>,
    /// Why.
    #[serde(default)]
    pub reason: Option<RefundReason>,
    /// Of which charge.
    #[serde(default)]
    pub charge: Option<Expandable<Charge>>,
    /// Of which intent.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// Why it came back.
    #[serde(default)]
    pub failure_reason: Option<String>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

identified!(PaymentIntent, Charge, Refund);

impl PaymentIntent {
    /// The id of who pays.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        id_of(&self.customer)
    }

    /// The id of the newest attempt.
    #[must_use]
    pub fn latest_charge_id(&self) -> Option<&str> {
        id_of(&self.latest_charge)
    }
}

/// How a charge was paid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct ChargeMethod {
    #[serde(default)]
    card: Option<Card>,
}

impl Charge {
    /// The card it was paid with, when it was a card.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        self.payment_method_details.as_ref()?.card.as_ref()
    }

    /// The id of who paid.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        id_of(&self.customer)
    }

    /// The id of the intent it belongs to.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent)
    }

    /// The id of the invoice it paid; from basil on the charge no longer says.
    #[must_use]
    pub fn invoice_id(&self) -> Option<&str> {
        id_of(&self.invoice)
    }
}

impl Refund {
    /// The id of the charge it gives back.
    #[must_use]
    pub fn charge_id(&self) -> Option<&str> {
        id_of(&self.charge)
    }

    /// The id of the intent it gives back.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent)
    }
}
