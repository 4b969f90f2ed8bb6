//! Invoices, their lines and payments, and previews of them.

use serde::Deserialize;

use super::{
    Charge, CollectionMethod, Customer, Expandable, List, Metadata, PaymentError, PaymentIntent,
    Price, Subscription, TestClock,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Where an invoice is in its life.
    InvoiceStatus {
        /// It can still change.
        Draft = "draft",
        /// It is final and owed.
        Open = "open",
        /// It is settled.
        Paid = "paid",
        /// It is given up.
        Uncollectible = "uncollectible",
        /// It was a mistake.
        Void = "void",
    }
}

open_enum! {
    /// Why an invoice was made.
    BillingReason {
        /// The first one of a subscription.
        SubscriptionCreate = "subscription_create",
        /// A new period began.
        SubscriptionCycle = "subscription_cycle",
        /// The subscription was changed.
        SubscriptionUpdate = "subscription_update",
        /// Usage passed a threshold.
        SubscriptionThreshold = "subscription_threshold",
        /// An older subscription invoice.
        Subscription = "subscription",
        /// Made by hand.
        Manual = "manual",
        /// A preview.
        Upcoming = "upcoming",
        /// A quote was accepted.
        QuoteAccept = "quote_accept",
        /// Pending items were billed.
        AutomaticPendingInvoiceItemInvoice = "automatic_pending_invoice_item_invoice",
    }
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Invoice {
    /// `in_…`.
    pub id: StripeId,
    /// Who is billed. A very few invoices name none.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// Where it is in its life.
    #[serde(default)]
    pub status: Option<InvoiceStatus>,
    /// Before basil only; read through [`Self::is_paid`].
    #[serde(default)]
    paid: Option<bool>,
    /// Lower-case ISO code.
    pub currency: String,
    /// What is to be paid, after the customer's balance.
    pub amount_due: i64,
    /// What was paid.
    pub amount_paid: i64,
    /// What is still owed.
    pub amount_remaining: i64,
    /// Before discounts and taxes.
    #[serde(default)]
    pub subtotal: i64,
    /// After discounts and taxes, before the customer's balance.
    #[serde(default)]
    pub total: i64,
    /// Before basil only; read through [`Self::tax`].
    #[serde(default, rename = "tax")]
    own_tax: Option<i64>,
    #[serde(default)]
    total_taxes: Option<Vec<TaxAmount>>,
    /// The customer's balance before it was finalised; negative is credit.
    #[serde(default)]
    pub starting_balance: Option<i64>,
    /// The customer's balance after it was finalised.
    #[serde(default)]
    pub ending_balance: Option<i64>,
    /// The number the customer sees; none while it is a draft.
    #[serde(default)]
    pub number: Option<String>,
    /// A page on which it can be paid.
    #[serde(default)]
    pub hosted_invoice_url: Option<String>,
    /// The printable form.
    #[serde(default)]
    pub invoice_pdf: Option<String>,
    /// Why it was made.
    #[serde(default)]
    pub billing_reason: Option<BillingReason>,
    /// How it is paid.
    #[serde(default)]
    pub collection_method: Option<CollectionMethod>,
    /// Whether payment was tried.
    #[serde(default)]
    pub attempted: bool,
    /// How often, counting automatic tries.
    #[serde(default)]
    pub attempt_count: i64,
    /// When Stripe tries next.
    #[serde(default)]
    pub next_payment_attempt: Option<UnixSeconds>,
    /// Whether Stripe moves it on by itself.
    #[serde(default)]
    pub auto_advance: Option<bool>,
    /// Start of the period it covers. For the periods of what is sold see the lines.
    #[serde(default)]
    pub period_start: Option<UnixSeconds>,
    /// End of the period it covers.
    #[serde(default)]
    pub period_end: Option<UnixSeconds>,
    /// When it has to be paid, if it is sent.
    #[serde(default)]
    pub due_date: Option<UnixSeconds>,
    /// When it was made.
    pub created: UnixSeconds,
    /// When each status was reached.
    #[serde(default, deserialize_with = "lenient")]
    pub status_transitions: StatusTransitions,
    /// What is billed; the first page of it.
    #[serde(default, deserialize_with = "lenient")]
    pub lines: List<InvoiceLine>,
    /// The payments made or tried; since basil, and only when expanded.
    #[serde(default)]
    pub payments: Option<List<InvoicePayment>>,
    /// Why it could not be finalised.
    #[serde(default)]
    pub last_finalization_error: Option<PaymentError>,
    #[serde(default)]
    subscription: Option<Expandable<Subscription>>,
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
    #[serde(default)]
    subscription_proration_date: Option<UnixSeconds>,
    #[serde(default)]
    parent: Option<InvoiceParent>,
    #[serde(default)]
    payment_intent: Option<Expandable<PaymentIntent>>,
    #[serde(default)]
    charge: Option<Expandable<Charge>>,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
    /// The test clock it lives by.
    #[serde(default)]
    pub test_clock: Option<Expandable<TestClock>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct InvoiceParent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

/// Before basil this held the metadata alone, beside the invoice's other fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct SubscriptionDetails {
    #[serde(default)]
    subscription: Option<Expandable<Subscription>>,
    #[serde(default, deserialize_with = "lenient")]
    metadata: Metadata,
    #[serde(default)]
    subscription_proration_date: Option<UnixSeconds>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct TaxAmount {
    #[serde(default)]
    amount: i64,
}

/// When an invoice reached each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct StatusTransitions {
    /// It became final.
    #[serde(default)]
    pub finalized_at: Option<UnixSeconds>,
    /// It was paid.
    #[serde(default)]
    pub paid_at: Option<UnixSeconds>,
    /// It was voided.
    #[serde(default)]
    pub voided_at: Option<UnixSeconds>,
    /// It was given up.
    #[serde(default)]
    pub marked_uncollectible_at: Option<UnixSeconds>,
}

/// One payment, or one attempt, of an invoice.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InvoicePayment {
    /// `inpay_…`.
    pub id: StripeId,
    /// The invoice.
    pub invoice: Expandable<Invoice>,
    /// `open`, `paid` or `canceled`.
    #[serde(default)]
    pub status: Option<String>,
    /// What was paid.
    #[serde(default)]
    pub amount_paid: Option<i64>,
    /// What was asked for.
    #[serde(default)]
    pub amount_requested: Option<i64>,
    /// Lower-case ISO code.
    #[serde(default)]
    pub currency: Option<String>,
    /// Whether this is the payment Stripe made for the invoice by itself.
    #[serde(default)]
    pub is_default: bool,
    /// What it was paid with.
    pub payment: AssociatedPayment,
}

/// What an invoice was paid with.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct AssociatedPayment {
    /// The payment intent, for almost every payment.
    #[serde(default)]
    pub payment_intent: Option<Expandable<PaymentIntent>>,
    /// The charge, for very old ones.
    #[serde(default)]
    pub charge: Option<Expandable<Charge>>,
}

/// From when to when a line bills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct LinePeriod {
    /// From.
    #[serde(default)]
    pub start: UnixSeconds,
    /// To.
    #[serde(default)]
    pub end: UnixSeconds,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InvoiceLine {
    /// `il_…`.
    pub id: StripeId,
    /// Negative for credit.
    pub amount: i64,
    /// Lower-case ISO code.
    #[serde(default)]
    pub currency: Option<String>,
    /// What the customer reads.
    #[serde(default)]
    pub description: Option<String>,
    /// How many.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// From when to when it bills.
    #[serde(default, deserialize_with = "lenient")]
    pub period: LinePeriod,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
    #[serde(default)]
    price: Option<Price>,
    #[serde(default)]
    proration: Option<bool>,
    #[serde(default)]
    subscription: Option<Expandable<Subscription>>,
    #[serde(default)]
    subscription_item: Option<String>,
    #[serde(default)]
    pricing: Option<LinePricing>,
    #[serde(default)]
    parent: Option<LineParent>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct LinePricing {
    #[serde(default)]
    price_details: Option<LinePriceDetails>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct LinePriceDetails {
    price: Expandable<Price>,
    #[serde(default)]
    product: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct LineParent {
    #[serde(default)]
    subscription_item_details: Option<LineOrigin>,
    #[serde(default)]
    invoice_item_details: Option<LineOrigin>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct LineOrigin {
    #[serde(default, deserialize_with = "lenient")]
    proration: bool,
    #[serde(default)]
    subscription: Option<String>,
    #[serde(default)]
    subscription_item: Option<String>,
}

identified!(Invoice, InvoiceLine, InvoicePayment);

impl InvoiceLine {
    fn origins(&self) -> impl Iterator<Item = &LineOrigin> {
        let parent = self.parent.as_ref();
        let item = parent.and_then(|p| p.subscription_item_details.as_ref());
        item.into_iter().chain(parent.and_then(|p| p.invoice_item_details.as_ref()))
    }

    /// The price it bills.
    #[must_use]
    pub fn price_id(&self) -> Option<&str> {
        let details = self.pricing.as_ref().and_then(|p| p.price_details.as_ref());
        details.map(|d| d.price.id()).or_else(|| self.price.as_ref().map(|p| p.id.as_str()))
    }

    /// The product it bills.
    #[must_use]
    pub fn product_id(&self) -> Option<&str> {
        let details = self.pricing.as_ref().and_then(|p| p.price_details.as_ref());
        details
            .and_then(|d| d.product.as_deref())
            .or_else(|| self.price.as_ref().map(|p| p.product.id()))
    }

    /// Whether it settles the rest of a period after a change.
    #[must_use]
    pub fn is_proration(&self) -> bool {
        self.proration.unwrap_or(false) || self.origins().any(|origin| origin.proration)
    }

    /// The subscription it bills.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        self.origins()
            .find_map(|origin| origin.subscription.as_deref())
            .or_else(|| id_of(&self.subscription))
    }

    /// The subscription item it bills.
    #[must_use]
    pub fn subscription_item_id(&self) -> Option<&str> {
        self.origins()
            .find_map(|origin| origin.subscription_item.as_deref())
            .or(self.subscription_item.as_deref())
    }
}

impl Invoice {
    /// The customer's id.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        id_of(&self.customer)
    }

    /// The subscription it was made for.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        id_of(&self.subscription)
            .or_else(|| self.details().and_then(|details| id_of(&details.subscription)))
    }

    /// The subscription's metadata as it was when the invoice became final.
    #[must_use]
    pub fn subscription_metadata(&self) -> Option<&Metadata> {
        self.details().map(|details| &details.metadata)
    }

    /// The moment for which prorations were reckoned.
    #[must_use]
    pub fn subscription_proration_date(&self) -> Option<UnixSeconds> {
        self.subscription_proration_date
            .or_else(|| self.details().and_then(|d| d.subscription_proration_date))
    }

    /// Whether it is settled.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        match &self.status {
            Some(status) => *status == InvoiceStatus::Paid,
            None => self.paid.unwrap_or(false),
        }
    }

    /// All taxes on it; none where it does not say.
    #[must_use]
    pub fn tax(&self) -> Option<i64> {
        self.own_tax.or_else(|| {
            let taxes = self.total_taxes.as_ref()?;
            taxes.iter().try_fold(0i64, |sum, tax| sum.checked_add(tax.amount))
        })
    }

    /// The payment intent by which it is or was to be paid. Since basil it is known only when
    /// `payments` is expanded.
    #[must_use]
    pub fn payment_intent_id(&self) -> Option<&str> {
        id_of(&self.payment_intent).or_else(|| {
            self.payments_best_first().find_map(|payment| id_of(&payment.payment.payment_intent))
        })
    }

    /// The charge that paid it, where the invoice or its expanded payments tell.
    #[must_use]
    pub fn charge_id(&self) -> Option<&str> {
        id_of(&self.charge).or_else(|| {
            self.payments_best_first().find_map(|payment| {
                let intent = payment.payment.payment_intent.as_ref().and_then(Expandable::object);
                id_of(&payment.payment.charge)
                    .or_else(|| intent.and_then(PaymentIntent::latest_charge_id))
            })
        })
    }

    /// Why the last attempt to pay failed, where the payment intent is expanded.
    #[must_use]
    pub fn last_payment_error(&self) -> Option<&PaymentError> {
        let own = self.payment_intent.as_ref().and_then(Expandable::object);
        let others = self
            .payments_best_first()
            .filter_map(|payment| payment.payment.payment_intent.as_ref()?.object());
        own.into_iter().chain(others).find_map(|intent| intent.last_payment_error.as_ref())
    }

    fn details(&self) -> Option<&SubscriptionDetails> {
        let parent = self.parent.as_ref().and_then(|parent| parent.subscription_details.as_ref());
        parent.or(self.subscription_details.as_ref())
    }

    /// Paid ones first, then the default one: an invoice may carry cancelled attempts too.
    fn payments_best_first(&self) -> impl Iterator<Item = &InvoicePayment> {
        let all = self.payments.as_ref().map_or(&[][..], |list| list.data.as_slice());
        let mut sorted: Vec<&InvoicePayment> = all.iter().collect();
        sorted.sort_by_key(|p| (p.status.as_deref() != Some("paid"), !p.is_default));
        sorted.into_iter()
    }
}

/// What an invoice would be, from `create_preview`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InvoicePreview {
    /// Lower-case ISO code.
    pub currency: String,
    /// What would be charged.
    pub amount_due: i64,
    /// Before discounts and taxes.
    #[serde(default)]
    pub subtotal: i64,
    /// After discounts and taxes, before the customer's balance.
    pub total: i64,
    /// The customer's balance before; negative is credit.
    #[serde(default)]
    pub starting_balance: Option<i64>,
    /// The customer's balance after.
    #[serde(default)]
    pub ending_balance: Option<i64>,
    /// Start of the period.
    #[serde(default)]
    pub period_start: Option<UnixSeconds>,
    /// End of the period.
    #[serde(default)]
    pub period_end: Option<UnixSeconds>,
    /// When it would be charged.
    #[serde(default)]
    pub next_payment_attempt: Option<UnixSeconds>,
    /// When the preview was made.
    #[serde(default)]
    pub created: Option<UnixSeconds>,
    /// What would be billed; the first page of it.
    #[serde(default, deserialize_with = "lenient")]
    pub lines: List<InvoiceLine>,
    #[serde(default)]
    subscription_proration_date: Option<UnixSeconds>,
    #[serde(default)]
    parent: Option<InvoiceParent>,
}

impl InvoicePreview {
    /// The moment for which prorations were reckoned: to be sent as `proration_date` with the
    /// change, so that what was shown is what is charged.
    #[must_use]
    pub fn subscription_proration_date(&self) -> Option<UnixSeconds> {
        self.subscription_proration_date.or_else(|| {
            let details = self.parent.as_ref()?.subscription_details.as_ref()?;
            details.subscription_proration_date
        })
    }
}
