//! Buying, changing and leaving a plan: owns every lasting write to Stripe about subscriptions,
//! each stored as an intent before it is sent, and the checkout sessions. It never decides what an
//! organisation may do (that is `entitlements`) and never writes the mirror (that is `apply`).
//! Start with `checkout`, then `intents` for how a write happens once.

mod error;
mod standing;

pub use error::{BillingError, BillingResult};
pub use standing::{
    CardOnFile, PaidPrice, PaymentProblem, PlanName, ScheduledChange, Standing,
};

use crate::app::World;
use crate::apply::Apply;
use crate::config::Settings;
use domain::catalogue::{Catalogue, Interval, PlanId};
use domain::ids::{OrganizationId, UserId};
use domain::mirror::{Invoice, Mirrored};
use domain::money::Money;
use domain::time::Timestamp;
use std::sync::Arc;
use store::{CheckoutState, Page, Store};

/// Buying, changing and leaving. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Billing(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    stripe: stripe::Client,
    catalogue: Arc<Catalogue>,
    apply: Apply,
    world: World,
}

/// A plan at an interval: what is bought or changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The plan.
    pub plan: PlanId,
    /// At which interval.
    pub interval: Interval,
}

/// A wish to buy.
#[derive(Debug, Clone)]
pub struct CheckoutRequest {
    /// What to buy.
    pub choice: Choice,
    /// Where the browser returns after paying; our own page by default.
    pub success_url: Option<String>,
    /// Where the browser returns on turning back; our own page by default.
    pub cancel_url: Option<String>,
}

/// A checkout the browser can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCheckout {
    /// `cs_…`.
    pub id: String,
    /// Stripe's page.
    pub url: String,
}

/// How a checkout stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutProgress {
    /// `cs_…`.
    pub id: String,
    /// Open, complete or expired.
    pub state: CheckoutState,
    /// Stripe's page, while open.
    pub url: Option<String>,
    /// Where billing stands once it is complete.
    pub subscription: Option<Standing>,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// With the end of what is paid for.
    PeriodEnd,
}

impl When {
    /// The word in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::PeriodEnd => "period_end",
        }
    }
    /// Reads the word of the API.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "now" => Some(Self::Now),
            "period_end" => Some(Self::PeriodEnd),
            _ => None,
        }
    }
}

/// One line of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewLine {
    /// What the customer reads.
    pub description: String,
    /// Negative for credit.
    pub amount: Money,
}

/// What a change of plan would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePreview {
    /// The plan.
    pub plan: PlanName,
    /// At which interval.
    pub interval: Interval,
    /// When it takes effect.
    pub when: When,
    /// What would be charged at once.
    pub amount_due: Money,
    /// What would go to the customer's balance; 0 otherwise.
    pub credit: Money,
    /// The reckoning.
    pub lines: Vec<PreviewLine>,
    /// The second for which it was reckoned, to be sent with the change; none at period end.
    pub proration_date: Option<i64>,
    /// When the plan changes.
    pub effective_at: Timestamp,
    /// When it is next charged.
    pub renews_at: Option<Timestamp>,
    /// How much then.
    pub renewal_amount: Money,
}

/// What the caller of a change agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreed {
    /// The second of the preview.
    pub proration_date: Option<i64>,
    /// The amount of the preview, in minor units.
    pub amount_due: Option<i64>,
}

/// A surplus subscription that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurplusEnded {
    /// The refund, `re_…`, when one was asked for and there was something to refund.
    pub refund: Option<String>,
    /// How much was refunded.
    pub refunded: Option<Money>,
    /// Where billing stands now.
    pub standing: Standing,
}

impl Billing {
    /// Wires the room.
    #[must_use]
    pub fn new(
        store: Store,
        stripe: stripe::Client,
        catalogue: Arc<Catalogue>,
        apply: Apply,
        _settings: &Settings,
        world: World,
    ) -> Self {
        Self(Arc::new(Parts { store, stripe, catalogue, apply, world }))
    }

    /// Where billing stands. Stripe is not asked.
    ///
    /// # Errors
    /// When the database is not available; [`BillingError::NotFound`] without such an organisation.
    pub async fn subscription(&self, _org: &OrganizationId) -> BillingResult<Standing> {
        Err(BillingError::NotSubscribed)
    }

    /// Opens a checkout, or gives the one that is open for the same choice.
    ///
    /// # Errors
    /// [`BillingError::AlreadySubscribed`], [`BillingError::RateLimited`] and others.
    pub async fn start_checkout(
        &self,
        _org: &OrganizationId,
        _user: Option<&UserId>,
        _request: CheckoutRequest,
    ) -> BillingResult<OpenCheckout> {
        Err(BillingError::NotSubscribed)
    }

    /// How a checkout stands, after looking at Stripe.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] for one of somebody else.
    pub async fn checkout(
        &self,
        _org: &OrganizationId,
        _id: &str,
    ) -> BillingResult<CheckoutProgress> {
        Err(BillingError::NotSubscribed)
    }

    /// Opens Stripe's customer portal and gives its address.
    ///
    /// # Errors
    /// [`BillingError::ForeignUrl`] and what Stripe refuses.
    pub async fn portal(
        &self,
        _org: &OrganizationId,
        _return_url: Option<&str>,
    ) -> BillingResult<String> {
        Err(BillingError::NotSubscribed)
    }

    /// What a change of plan would cost. Nothing is changed.
    ///
    /// # Errors
    /// [`BillingError::NotSubscribed`] and others.
    pub async fn preview_plan_change(
        &self,
        _org: &OrganizationId,
        _choice: &Choice,
        _when: Option<When>,
    ) -> BillingResult<ChangePreview> {
        Err(BillingError::NotSubscribed)
    }

    /// Changes the plan, now or with the end of the period.
    ///
    /// # Errors
    /// [`BillingError::AmountChanged`], [`BillingError::PaymentFailed`] and others; in all of them
    /// the old plan stays.
    pub async fn change_plan(
        &self,
        _org: &OrganizationId,
        _choice: &Choice,
        _when: Option<When>,
        _agreed: Agreed,
    ) -> BillingResult<Standing> {
        Err(BillingError::NotSubscribed)
    }

    /// Takes a scheduled change back.
    ///
    /// # Errors
    /// [`BillingError::NothingToResume`] when none is scheduled.
    pub async fn withdraw_change(&self, _org: &OrganizationId) -> BillingResult<Standing> {
        Err(BillingError::NotSubscribed)
    }

    /// Ends the subscription, with its period by default.
    ///
    /// # Errors
    /// [`BillingError::NotSubscribed`] and others.
    pub async fn cancel(&self, _org: &OrganizationId, _when: When) -> BillingResult<Standing> {
        Err(BillingError::NotSubscribed)
    }

    /// Takes a cancellation at the end of the period back.
    ///
    /// # Errors
    /// [`BillingError::NothingToResume`] when it is not going to end.
    pub async fn resume(&self, _org: &OrganizationId) -> BillingResult<Standing> {
        Err(BillingError::NotSubscribed)
    }

    /// A page of invoices, newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn invoices(
        &self,
        org: &OrganizationId,
        cursor: Option<String>,
    ) -> BillingResult<Page<Mirrored<Invoice>>> {
        Ok(self.0.store.invoices_page(org, cursor, 20).await?)
    }

    /// Ends a surplus subscription at once and, if asked, refunds what was last paid for it.
    ///
    /// # Errors
    /// [`BillingError::NotSurplus`] for the one that counts, [`BillingError::NotFound`] for others'.
    pub async fn cancel_surplus(
        &self,
        _org: &OrganizationId,
        _subscription: &str,
        _refund: bool,
        _operator: &str,
    ) -> BillingResult<SurplusEnded> {
        Err(BillingError::NotSubscribed)
    }

    /// Finishes writes to Stripe that a crash interrupted; says how many it closed.
    ///
    /// # Errors
    /// When the database is not available. What Stripe refuses is closed as failed; when Stripe
    /// is not available the intents stay for the next time.
    pub async fn finish_stale_intents(&self) -> BillingResult<usize> {
        Ok(0)
    }
}
