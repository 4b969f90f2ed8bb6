//! The mirror: what Stripe said last, and as of when.
//!
//! These are Stripe's states. We copy, never veto: a step that looks impossible to us is still
//! what Stripe says. Values we do not know survive as `Other` and get the safe answer.

use crate::catalogue::Interval;
use crate::ids::OrganizationId;
use crate::money::{Currency, Money};
use crate::time::Timestamp;

/// The span of Stripe's clock, in whole seconds, in which an object was in the state we hold.
///
/// A webhook payload was taken at its event's `created`, so both ends are the same second. An
/// object that was read lies somewhere between sending the request and the answer's `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The earliest second the state may be from.
    pub from: i64,
    /// The latest second the state may be from.
    pub to: i64,
}

impl AsOf {
    /// The state in an event created at this second.
    #[must_use]
    pub const fn event(created: i64) -> Self {
        Self { from: created, to: created }
    }
}

/// A row of the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored<T> {
    /// What Stripe said.
    pub object: T,
    /// Whose it is.
    pub organization: OrganizationId,
    /// When Stripe said it.
    pub as_of: AsOf,
    /// Rises by one with each write; a commit names the version it was planned from.
    pub version: i64,
}

macro_rules! open_status {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)*
            /// A value this version does not know; kept as it came.
            Other(String) }
        impl $name {
            /// Stripe's word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)* Self::Other(text) => text }
            }
            /// Reads Stripe's word; an unknown one is kept.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text { $($text => Self::$variant,)* other => Self::Other(other.to_owned()) }
            }
        }
    };
}

open_status! {
    /// `subscription.status`.
    SubscriptionStatus {
        /// The first payment has not succeeded yet.
        Incomplete = "incomplete",
        /// The first payment never succeeded.
        IncompleteExpired = "incomplete_expired",
        /// In its trial.
        Trialing = "trialing",
        /// Paid.
        Active = "active",
        /// The last renewal failed; Stripe retries.
        PastDue = "past_due",
        /// Ended.
        Canceled = "canceled",
        /// Retries are used up; invoices stay open.
        Unpaid = "unpaid",
        /// The trial ended without a payment method.
        Paused = "paused",
    }
}

open_status! {
    /// `invoice.status`.
    InvoiceStatus {
        /// Still being written.
        Draft = "draft",
        /// Asks for payment.
        Open = "open",
        /// Paid.
        Paid = "paid",
        /// Given up.
        Uncollectible = "uncollectible",
        /// Withdrawn.
        Void = "void",
    }
}

impl SubscriptionStatus {
    /// Whether it is over for good: Stripe never revives it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

/// A Stripe customer, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// E-mail for invoices.
    pub email: Option<String>,
    /// Name on invoices.
    pub name: Option<String>,
    /// Deleted at Stripe.
    pub deleted: bool,
    /// `metadata.organization_id`, when it is one of ours.
    pub organization: Option<OrganizationId>,
    /// The payment method invoices are charged to.
    pub default_payment_method: Option<String>,
}

/// A change of plan that Stripe's schedule will make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledPrice {
    /// The Stripe price that follows.
    pub price: String,
    /// From when.
    pub at: Timestamp,
}

/// A Stripe subscription, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `sub_…`.
    pub id: String,
    /// `cus_…`.
    pub customer: String,
    /// Stripe's status.
    pub status: SubscriptionStatus,
    /// The item that carries the plan, `si_…`.
    pub item: Option<String>,
    /// The price of that item.
    pub price: Option<String>,
    /// How many of it.
    pub quantity: i64,
    /// When Stripe made it.
    pub created: Timestamp,
    /// Start of the running period.
    pub period_start: Option<Timestamp>,
    /// End of the running period.
    pub period_end: Option<Timestamp>,
    /// When it first started.
    pub start_date: Option<Timestamp>,
    /// Ends with the running period.
    pub cancel_at_period_end: bool,
    /// When it will end by itself.
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// End of the trial.
    pub trial_end: Option<Timestamp>,
    /// Latest invoice, `in_…`.
    pub latest_invoice: Option<String>,
    /// Payment method of this subscription.
    pub default_payment_method: Option<String>,
    /// The schedule that manages it, `sub_sched_…`.
    pub schedule: Option<String>,
}

/// A Stripe invoice, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// `in_…`.
    pub id: String,
    /// `cus_…`.
    pub customer: String,
    /// `sub_…`, when it belongs to one.
    pub subscription: Option<String>,
    /// The number on paper; none while a draft.
    pub number: Option<String>,
    /// Stripe's status.
    pub status: InvoiceStatus,
    /// Stripe's reason for it (`subscription_cycle`, …).
    pub billing_reason: Option<String>,
    /// What it comes to.
    pub total: Money,
    /// What is asked for.
    pub amount_due: i64,
    /// What was paid.
    pub amount_paid: i64,
    /// Attempts to collect so far.
    pub attempt_count: i64,
    /// When Stripe tries again.
    pub next_payment_attempt: Option<Timestamp>,
    /// When Stripe made it.
    pub created: Timestamp,
    /// Start of what it covers.
    pub period_start: Option<Timestamp>,
    /// End of what it covers.
    pub period_end: Option<Timestamp>,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// Stripe's page for the customer.
    pub hosted_invoice_url: Option<String>,
    /// The PDF.
    pub invoice_pdf: Option<String>,
}

impl Invoice {
    /// Whether a payment for it failed and is still missing.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.status == InvoiceStatus::Open && self.attempt_count > 0 && self.amount_due > 0
    }
}

/// A payment that Stripe tried, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// `ch_…` or `py_…`.
    pub id: String,
    /// `cus_…`; guests have none.
    pub customer: Option<String>,
    /// `pi_…`.
    pub payment_intent: Option<String>,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    /// What was charged.
    pub amount: Money,
    /// What was given back so far.
    pub amount_refunded: i64,
    /// Contested by the cardholder.
    pub disputed: bool,
    /// Why it failed, in Stripe's code.
    pub failure_code: Option<String>,
    /// Card brand, last four digits, and what identifies the card across customers.
    pub card_brand: Option<String>,
    /// Last four digits.
    pub card_last4: Option<String>,
    /// Stripe's fingerprint of the card.
    pub card_fingerprint: Option<String>,
    /// When Stripe made it.
    pub created: Timestamp,
}

/// Money given back, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// `re_…`.
    pub id: String,
    /// The charge it gives back.
    pub charge: Option<String>,
    /// Stripe's status.
    pub status: String,
    /// Stripe's reason.
    pub reason: Option<String>,
    /// How much.
    pub amount: Money,
    /// When Stripe made it.
    pub created: Timestamp,
}

/// A chargeback or inquiry, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// `du_…`.
    pub id: String,
    /// The charge that is contested.
    pub charge: String,
    /// Stripe's status.
    pub status: String,
    /// Stripe's reason.
    pub reason: String,
    /// How much is contested.
    pub amount: Money,
    /// Evidence is due by then.
    pub due_by: Option<Timestamp>,
    /// How often evidence was submitted.
    pub submission_count: i64,
    /// When Stripe made it.
    pub created: Timestamp,
}

/// An issuer's early fraud warning, as far as we ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FraudWarning {
    /// `issfr_…`.
    pub id: String,
    /// The charge it is about.
    pub charge: String,
    /// Stripe's word for the kind of fraud.
    pub fraud_type: String,
    /// Whether acting on it can still help.
    pub actionable: bool,
    /// When Stripe made it.
    pub created: Timestamp,
}

/// A price a subscription is on, once the catalogue was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldPrice {
    /// The plan it sells.
    pub plan: crate::catalogue::PlanId,
    /// How often it is charged.
    pub interval: Interval,
    /// Its currency.
    pub currency: Currency,
}
