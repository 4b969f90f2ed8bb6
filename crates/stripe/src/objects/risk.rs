//! Disputes and early fraud warnings.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Charge, Expandable, Metadata, PaymentIntent,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Where a dispute is in its life. The `warning_` ones are inquiries: no money has moved.
    DisputeStatus {
        /// An inquiry waits for an answer.
        WarningNeedsResponse = "warning_needs_response",
        /// An inquiry was answered.
        WarningUnderReview = "warning_under_review",
        /// An inquiry ended.
        WarningClosed = "warning_closed",
        /// A chargeback waits for evidence.
        NeedsResponse = "needs_response",
        /// The bank reads the evidence.
        UnderReview = "under_review",
        /// The money came back.
        Won = "won",
        /// The money is gone.
        Lost = "lost",
        /// It was settled before it became a chargeback.
        Prevented = "prevented",
    }
}

open_enum! {
    /// How, in the bank's view, a card was misused.
    FraudType {
        /// The card never reached its owner.
        CardNeverReceived = "card_never_received",
        /// The card was applied for by somebody else.
        FraudulentCardApplication = "fraudulent_card_application",
        /// The card was forged.
        MadeWithCounterfeitCard = "made_with_counterfeit_card",
        /// The card was lost.
        MadeWithLostCard = "made_with_lost_card",
        /// The card was stolen.
        MadeWithStolenCard = "made_with_stolen_card",
        /// Something else.
        Misc = "misc",
        /// The number was used by somebody else.
        UnauthorizedUseOfCard = "unauthorized_use_of_card",
    }
}

/// A dispute of a charge.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Dispute {
    /// `du_…` or `dp_…`.
    pub id: StripeId,
    /// What is disputed; may be less than the charge.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// The charge.
    pub charge: Expandable<Charge>,
    /// The intent of the charge.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// Such as `fraudulent` or `subscription_canceled`.
    pub reason: String,
    /// Where it is in its life.
    pub status: DisputeStatus,
    /// What was sent or staged, by field name; texts and file ids.
    #[serde(default, deserialize_with = "lenient")]
    pub evidence: Map<String, Value>,
    /// Deadline and counters.
    #[serde(default, deserialize_with = "lenient")]
    pub evidence_details: EvidenceDetails,
    /// Whether a refund would still end it.
    #[serde(default, deserialize_with = "lenient")]
    pub is_charge_refundable: bool,
    /// What the card network says of it.
    #[serde(default)]
    pub payment_method_details: Option<DisputePaymentMethod>,
    /// When it was opened.
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// Deadline and counters of a dispute's evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct EvidenceDetails {
    /// Until when evidence can be sent; none once it cannot.
    #[serde(default)]
    pub due_by: Option<UnixSeconds>,
    /// Whether anything was staged or sent.
    #[serde(default)]
    pub has_evidence: bool,
    /// Whether the deadline passed without a submission.
    #[serde(default)]
    pub past_due: bool,
    /// How often evidence was sent.
    #[serde(default)]
    pub submission_count: i64,
}

/// How a disputed payment was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct DisputePaymentMethod {
    /// What the card network says, if it was a card.
    #[serde(default)]
    pub card: Option<DisputeCard>,
}

/// What the card network says of a dispute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct DisputeCard {
    /// `visa`, `mastercard`, …
    #[serde(default)]
    pub brand: Option<String>,
    /// `chargeback`, `inquiry`, …
    #[serde(default)]
    pub case_type: Option<String>,
    /// The network's own code.
    #[serde(default)]
    pub network_reason_code: Option<String>,
}

/// A card network's warning that a charge is probably fraud.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EarlyFraudWarning {
    /// `issfr_…`.
    pub id: StripeId,
    /// Whether a refund now would still avoid a dispute.
    pub actionable: bool,
    /// The charge.
    pub charge: Expandable<Charge>,
    /// The intent of the charge.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// How the card was misused.
    pub fraud_type: FraudType,
    /// When the warning came.
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
}

identified!(Dispute, EarlyFraudWarning);

impl Dispute {
    /// The id of the disputed charge.
    #[must_use]
    pub fn charge_id(&self) -> &str {
        self.charge.id()
    }

    /// The id of the charge's intent.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent)
    }

    /// The evidence that is set, by field name, without the nested kinds.
    pub fn evidence_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.evidence.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }
}

impl EarlyFraudWarning {
    /// The id of the charge.
    #[must_use]
    pub fn charge_id(&self) -> &str {
        self.charge.id()
    }

    /// The id of the charge's intent.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent)
    }
}
