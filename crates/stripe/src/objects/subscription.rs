//! Subscriptions and their items.

use serde::Deserialize;

use super::{
    Customer, Expandable, Invoice, List, Metadata, PaymentMethod, Price, SubscriptionSchedule,
    TestClock,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Where a subscription is in its life.
    SubscriptionStatus {
        /// The first payment is still owed.
        Incomplete = "incomplete",
        /// The first payment never came; final.
        IncompleteExpired = "incomplete_expired",
        /// In its trial.
        Trialing = "trialing",
        /// Paid.
        Active = "active",
        /// The latest invoice failed or was not paid in time.
        PastDue = "past_due",
        /// Ended; final.
        Canceled = "canceled",
        /// Retries are exhausted and invoices are no longer charged.
        Unpaid = "unpaid",
        /// The trial ended without a payment method.
        Paused = "paused",
    }
}

impl SubscriptionStatus {
    /// Whether the subscription can still bill or recover. Unknown words count as live, so
    /// that they are looked at rather than replaced.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

open_enum! {
    /// How an invoice is to be paid.
    CollectionMethod {
        /// By the stored payment method.
        ChargeAutomatically = "charge_automatically",
        /// By the customer, from an e-mail.
        SendInvoice = "send_invoice",
    }
}

open_enum! {
    /// What becomes of invoices while collection is paused.
    PauseBehavior {
        /// They stay drafts.
        KeepAsDraft = "keep_as_draft",
        /// They are marked as uncollectible.
        MarkUncollectible = "mark_uncollectible",
        /// They are voided.
        Void = "void",
    }
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Subscription {
    /// `sub_…`.
    pub id: StripeId,
    /// Who is billed.
    pub customer: Expandable<Customer>,
    /// Where it is in its life.
    pub status: SubscriptionStatus,
    /// What is sold.
    pub items: List<SubscriptionItem>,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// When it was made.
    pub created: UnixSeconds,
    /// When it started; may lie before `created`.
    #[serde(default)]
    pub start_date: Option<UnixSeconds>,
    /// Lower-case ISO code.
    #[serde(default)]
    pub currency: Option<String>,
    /// Before basil only; read through [`Self::current_period_start`].
    #[serde(default, rename = "current_period_start")]
    own_period_start: Option<UnixSeconds>,
    #[serde(default, rename = "current_period_end")]
    own_period_end: Option<UnixSeconds>,
    /// The moment from which periods are counted.
    #[serde(default)]
    pub billing_cycle_anchor: Option<UnixSeconds>,
    /// When it will end, if that is decided.
    #[serde(default)]
    pub cancel_at: Option<UnixSeconds>,
    /// Whether it ends with the running period.
    #[serde(default, deserialize_with = "lenient")]
    pub cancel_at_period_end: bool,
    /// When the wish to cancel was recorded (not when it ends).
    #[serde(default)]
    pub canceled_at: Option<UnixSeconds>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancellation_details: Option<CancellationDetails>,
    /// When it ended for good.
    #[serde(default)]
    pub ended_at: Option<UnixSeconds>,
    /// Start of the trial.
    #[serde(default)]
    pub trial_start: Option<UnixSeconds>,
    /// End of the trial.
    #[serde(default)]
    pub trial_end: Option<UnixSeconds>,
    /// How invoices are paid.
    #[serde(default)]
    pub collection_method: Option<CollectionMethod>,
    /// The newest invoice.
    #[serde(default)]
    pub latest_invoice: Option<Expandable<Invoice>>,
    /// The payment method that comes before the customer's own.
    #[serde(default)]
    pub default_payment_method: Option<Expandable<PaymentMethod>>,
    /// Set while invoices are not collected; the status stays what it was.
    #[serde(default)]
    pub pause_collection: Option<PauseCollection>,
    /// The schedule that plans its changes.
    #[serde(default)]
    pub schedule: Option<Expandable<SubscriptionSchedule>>,
    /// A change that waits for its payment.
    #[serde(default)]
    pub pending_update: Option<PendingUpdate>,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
    /// The test clock it lives by.
    #[serde(default)]
    pub test_clock: Option<Expandable<TestClock>>,
}

/// Why a subscription was cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CancellationDetails {
    /// `cancellation_requested`, `payment_disputed`, `payment_failed`, …
    #[serde(default)]
    pub reason: Option<String>,
    /// The answer the customer chose.
    #[serde(default)]
    pub feedback: Option<String>,
    /// What the customer wrote.
    #[serde(default)]
    pub comment: Option<String>,
}

/// How collection is paused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PauseCollection {
    /// What becomes of the invoices.
    pub behavior: PauseBehavior,
    /// When it ends by itself.
    #[serde(default)]
    pub resumes_at: Option<UnixSeconds>,
}

/// A change that is made once its invoice is paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PendingUpdate {
    /// When it is dropped unless paid.
    #[serde(default)]
    pub expires_at: Option<UnixSeconds>,
}

/// One thing a subscription sells.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SubscriptionItem {
    /// `si_…`.
    pub id: StripeId,
    /// Its price.
    pub price: Price,
    /// How many; `None` for metered prices.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// Since basil only; read through [`Subscription::current_period_start`].
    #[serde(default)]
    pub current_period_start: Option<UnixSeconds>,
    /// Since basil only; read through [`Subscription::current_period_end`].
    #[serde(default)]
    pub current_period_end: Option<UnixSeconds>,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

identified!(Subscription, SubscriptionItem);

impl Subscription {
    /// Start of the running period. With several items on different periods the latest start,
    /// which is how Stripe itself filters lists by it.
    #[must_use]
    pub fn current_period_start(&self) -> Option<UnixSeconds> {
        self.own_period_start
            .or_else(|| self.items.data.iter().filter_map(|item| item.current_period_start).max())
    }

    /// End of the running period. With several items on different periods the earliest end,
    /// which is how Stripe itself filters lists by it.
    #[must_use]
    pub fn current_period_end(&self) -> Option<UnixSeconds> {
        self.own_period_end
            .or_else(|| self.items.data.iter().filter_map(|item| item.current_period_end).min())
    }

    /// The customer's id.
    #[must_use]
    pub fn customer_id(&self) -> &str {
        self.customer.id()
    }

    /// The id of the schedule that plans its changes.
    #[must_use]
    pub fn schedule_id(&self) -> Option<&str> {
        id_of(&self.schedule)
    }

    /// The id of the newest invoice.
    #[must_use]
    pub fn latest_invoice_id(&self) -> Option<&str> {
        id_of(&self.latest_invoice)
    }

    /// The id of its own payment method.
    #[must_use]
    pub fn default_payment_method_id(&self) -> Option<&str> {
        id_of(&self.default_payment_method)
    }

    /// The id of the test clock it lives by.
    #[must_use]
    pub fn test_clock_id(&self) -> Option<&str> {
        id_of(&self.test_clock)
    }

    /// The ids of all its prices, in the order of the items.
    pub fn price_ids(&self) -> impl Iterator<Item = &str> {
        self.items.data.iter().map(|item| item.price.id.as_str())
    }

    /// Whether it will end by itself: with the period or at a set time.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.cancel_at_period_end || self.cancel_at.is_some()
    }
}
