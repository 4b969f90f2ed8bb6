//! Stripe's hosted pages: checkout sessions, portal sessions and portal configurations.

use serde::Deserialize;
use serde_json::Value;

use super::{
    Customer, Expandable, Invoice, List, Metadata, PaymentIntent, Price, Subscription,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// What a checkout is for.
    CheckoutMode {
        /// A single payment.
        Payment = "payment",
        /// Storing a payment method.
        Setup = "setup",
        /// A subscription.
        Subscription = "subscription",
    }
}

open_enum! {
    /// Where a checkout is in its life.
    CheckoutStatus {
        /// It can still be completed.
        Open = "open",
        /// It was completed; the payment may still be under way.
        Complete = "complete",
        /// Too late.
        Expired = "expired",
    }
}

open_enum! {
    /// Whether a checkout's money has come.
    CheckoutPaymentStatus {
        /// It has.
        Paid = "paid",
        /// It has not.
        Unpaid = "unpaid",
        /// There is nothing to pay now, as with a trial.
        NoPaymentRequired = "no_payment_required",
    }
}

/// A checkout session.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CheckoutSession {
    /// `cs_test_…` or `cs_live_…`.
    pub id: StripeId,
    /// What it is for.
    pub mode: CheckoutMode,
    /// Where it is in its life.
    #[serde(default)]
    pub status: Option<CheckoutStatus>,
    /// Whether the money has come.
    pub payment_status: CheckoutPaymentStatus,
    /// The page to send the browser to; none once it is no longer open.
    #[serde(default)]
    pub url: Option<String>,
    /// Who buys.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// What the buyer typed, once completed.
    #[serde(default)]
    pub customer_details: Option<CustomerDetails>,
    /// The e-mail address it was made with.
    #[serde(default)]
    pub customer_email: Option<String>,
    /// Our own reference.
    #[serde(default)]
    pub client_reference_id: Option<String>,
    /// The subscription it made; since basil none before it is complete.
    #[serde(default)]
    pub subscription: Option<Expandable<Subscription>>,
    /// The invoice it made.
    #[serde(default)]
    pub invoice: Option<Expandable<Invoice>>,
    /// The payment, in mode `payment`.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// Before discounts and taxes.
    #[serde(default)]
    pub amount_subtotal: Option<i64>,
    /// What is to be paid.
    #[serde(default)]
    pub amount_total: Option<i64>,
    /// Lower-case ISO code.
    #[serde(default)]
    pub currency: Option<String>,
    /// What is bought; only when expanded.
    #[serde(default)]
    pub line_items: Option<List<CheckoutLine>>,
    /// Where the browser goes after paying.
    #[serde(default)]
    pub success_url: Option<String>,
    /// Where the browser goes on turning back.
    #[serde(default)]
    pub cancel_url: Option<String>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Until when it can be completed.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values of the session; not those of its subscription.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// What a buyer typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CustomerDetails {
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
}

/// One line of a checkout.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CheckoutLine {
    /// `li_…`.
    pub id: StripeId,
    /// Its price.
    #[serde(default)]
    pub price: Option<Price>,
    /// How many.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// What is to be paid for it.
    #[serde(default)]
    pub amount_total: i64,
}

/// A visit to the customer portal. Its link works for a few minutes only.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PortalSession {
    /// `bps_…`.
    pub id: StripeId,
    /// Who visits.
    pub customer: StripeId,
    /// The page to send the browser to.
    pub url: String,
    /// Where the browser comes back to.
    #[serde(default)]
    pub return_url: Option<String>,
    /// What the visitor may do.
    pub configuration: Expandable<PortalConfiguration>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
}

/// What the customer portal offers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PortalConfiguration {
    /// `bpc_…`.
    pub id: StripeId,
    /// Whether it can be used.
    #[serde(default)]
    pub active: bool,
    /// Whether it is used when a session names none.
    #[serde(default)]
    pub is_default: bool,
    /// Its features, as Stripe describes them.
    #[serde(default)]
    pub features: Value,
    /// Where the browser comes back to unless a session says otherwise.
    #[serde(default)]
    pub default_return_url: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created: UnixSeconds,
    /// When it was last changed.
    #[serde(default)]
    pub updated: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

identified!(CheckoutSession, CheckoutLine, PortalSession, PortalConfiguration);

impl CheckoutSession {
    /// The buyer's customer id.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        id_of(&self.customer)
    }

    /// The id of the subscription it made.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        id_of(&self.subscription)
    }

    /// The id of the invoice it made.
    #[must_use]
    pub fn invoice_id(&self) -> Option<&str> {
        id_of(&self.invoice)
    }

    /// The id of its payment.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent)
    }

    /// Whether it can still be completed, as far as the object tells.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == Some(CheckoutStatus::Open)
    }
}

impl PortalConfiguration {
    /// Whether a feature such as `subscription_cancel` is offered.
    #[must_use]
    pub fn offers(&self, feature: &str) -> bool {
        self.features.get(feature).and_then(|f| f.get("enabled")) == Some(&Value::Bool(true))
    }
}
