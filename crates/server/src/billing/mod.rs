//! Buying, changing and leaving a plan: owns every lasting write to Stripe about subscriptions,
//! each stored as an intent before it is sent, and the checkout sessions. It never decides what an
//! organisation may do (that is `entitlements`) and never writes the mirror (that is `apply`).
//! Start with `checkout.rs`, then `intents.rs` for how a write happens once.

mod addresses;
mod change;
mod checkout;
mod customer;
mod error;
mod intents;
mod leave;
mod pace;
mod schedule;
mod standing;

pub use error::{BillingError, BillingResult};
pub use standing::{CardOnFile, PaidPrice, PaymentProblem, PlanName, ScheduledChange, Standing};

use crate::apply::Apply;
use crate::config::Settings;
use crate::world::World;
use domain::catalogue::{Catalogue, Interval, PlanId};
use domain::entitlement::Policy;
use domain::ids::OrganizationId;
use domain::money::Money;
use domain::time::Timestamp;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use store::{CheckoutState, Store};
use tokio::sync::{Mutex, MutexGuard};

/// How many organisations can be at work at once on this node without ever waiting for each other
/// by chance.
const TURNS: usize = 256;
/// How many cards this node remembers beside those in the mirror.
const KNOWN_CARDS: u64 = 1_000;

/// Buying, changing and leaving. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Billing(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    stripe: stripe::Client,
    catalogue: Arc<Catalogue>,
    apply: Apply,
    policy: Policy,
    addresses: addresses::Addresses,
    /// Cards that were never charged, by payment method: the mirror does not know them.
    cards: moka::sync::Cache<String, CardOnFile>,
    pace: pace::Pace,
    turns: [Mutex<()>; TURNS],
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
        settings: &Settings,
        world: World,
    ) -> Self {
        Self(Arc::new(Parts {
            store,
            stripe,
            catalogue,
            apply,
            policy: settings.policy,
            addresses: addresses::Addresses::new(settings),
            cards: moka::sync::Cache::new(KNOWN_CARDS),
            pace: pace::Pace::default(),
            turns: std::array::from_fn(|_| Mutex::new(())),
            world,
        }))
    }

    /// Waits for the organisation's turn on this node, so that a double click does not make both
    /// callers ask Stripe. Between nodes the intents do the same, only dearer.
    async fn turn(&self, org: &OrganizationId) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(org);
        let index = usize::try_from(hash % TURNS as u64).unwrap_or(0);
        self.0.turns[index].lock().await
    }
}
