//! Where an organisation's billing stands, told from mirror, entitlement and catalogue alone.

use domain::catalogue::{Interval, PlanId};
use domain::entitlement::BillingStatus;
use domain::money::Money;
use domain::time::Timestamp;

/// A plan, as far as it has to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanName {
    /// Its id.
    pub id: PlanId,
    /// Its name for people.
    pub name: String,
}

/// What is paid each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidPrice {
    /// How often.
    pub interval: Interval,
    /// How much.
    pub amount: Money,
}

/// A change of plan that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledChange {
    /// The plan that follows.
    pub plan: PlanName,
    /// At which interval.
    pub interval: Interval,
    /// From when.
    pub at: Timestamp,
}

/// A payment that failed and is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentProblem {
    /// A sentence for people.
    pub reason: String,
    /// The bank's code, where it is known.
    pub decline_code: Option<String>,
    /// The invoice, `in_…`.
    pub invoice_id: String,
    /// What is owed.
    pub amount: Money,
    /// Stripe's page on which it can be paid.
    pub hosted_invoice_url: Option<String>,
    /// When Stripe tries again.
    pub next_payment_attempt: Option<Timestamp>,
}

/// The card that is charged, as far as the mirror knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOnFile {
    /// `visa`, …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// Month of expiry, from 1.
    pub exp_month: Option<i64>,
    /// Year of expiry.
    pub exp_year: Option<i64>,
}

/// Where an organisation's billing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan whose limits apply.
    pub plan: PlanName,
    /// The state in one word.
    pub status: BillingStatus,
    /// Whether a paid plan is granted.
    pub is_active: bool,
    /// What the subscription costs; none without one.
    pub price: Option<PaidPrice>,
    /// Start of the paid period.
    pub current_period_start: Option<Timestamp>,
    /// End of the paid period.
    pub current_period_end: Option<Timestamp>,
    /// End of the trial.
    pub trial_end: Option<Timestamp>,
    /// Ends with the running period.
    pub cancel_at_period_end: bool,
    /// When it will end.
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// A change of plan that is to come.
    pub scheduled_change: Option<ScheduledChange>,
    /// `cus_…`.
    pub stripe_customer_id: Option<String>,
    /// `sub_…`.
    pub stripe_subscription_id: Option<String>,
    /// A payment that failed and is still missing.
    pub payment_problem: Option<PaymentProblem>,
    /// The card that is charged.
    pub payment_method: Option<CardOnFile>,
    /// The fact that decided, as a sentence.
    pub because: String,
    /// Live subscriptions beside the one that counts.
    pub surplus_subscriptions: Vec<String>,
}
