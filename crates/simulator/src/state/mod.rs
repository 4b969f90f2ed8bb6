//! Owns every object, event and due piece of work of the simulated account.
//! Never speaks HTTP, never reads a clock: each operation gets its moment from a [`Tx`].
//! Start at `tx.rs` for how a change is made and `objects.rs` for how it is kept.

mod cards;
mod due;
mod events;
mod fields;
mod ids;
mod kind;
mod objects;
mod tx;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

pub use cards::CardInput;
pub(crate) use cards::{Aftermath, Card, Decline, Verdict};
pub(crate) use due::{Due, DueQueue, SIMULATOR, Timeline};
pub(crate) use events::EventLog;
pub use events::EventRecord;
pub(crate) use fields::Fields;
pub(crate) use ids::Ids;
pub use kind::Kind;
pub(crate) use objects::Objects;
pub(crate) use tx::{Diff, Tx};

/// One JSON object in Stripe's shape, keys in the order they are written.
pub(crate) type Object = serde_json::Map<String, Value>;

/// What happens when the last automatic retry of a renewal has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterRetries {
    /// The subscription is cancelled (reason `payment_failed`).
    #[default]
    Cancel,
    /// The subscription becomes `unpaid`; later invoices stay drafts.
    MarkUnpaid,
    /// The subscription stays `past_due`.
    LeavePastDue,
}

/// The account settings that steer time-driven work.
#[derive(Clone, Debug)]
pub struct Policy {
    /// API keys that are accepted; empty accepts every `sk_test_…`, `sk_live_…`, `rk_…`.
    pub api_keys: Vec<String>,
    /// Days between one failed automatic attempt and the next. Stripe publishes no table, so this
    /// one is ours: three, then five, then seven days.
    pub retry_days: Vec<u32>,
    /// What follows the last retry.
    pub after_retries: AfterRetries,
    /// Seconds a renewal invoice stays a draft (Stripe: about an hour).
    pub draft_seconds: i64,
    /// Seconds until an `incomplete` subscription expires (Stripe: 23 hours).
    pub incomplete_seconds: i64,
    /// Days before the period's end at which `invoice.upcoming` is sent; 0 sends none.
    pub upcoming_days: i64,
    /// Customers one test clock may hold (Stripe: 3); `None` lifts the limit.
    pub clock_customers: Option<usize>,
    /// Seconds between the submission of test evidence and the bank's answer.
    pub dispute_decision_seconds: i64,
    /// `fraud_type` of the early fraud warning that the test card 4000000000005423 causes.
    pub fraud_type: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            api_keys: Vec::new(),
            retry_days: vec![3, 5, 7],
            after_retries: AfterRetries::Cancel,
            draft_seconds: 3_600,
            incomplete_seconds: 23 * 3_600,
            upcoming_days: 7,
            clock_customers: Some(3),
            dispute_decision_seconds: 5,
            fraud_type: "misc".to_owned(),
        }
    }
}

/// Everything the simulated account knows. Lives behind one mutex in the engine.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) policy: Policy,
    /// Where pages live, without a trailing slash; links in objects are built from it.
    pub(crate) base_url: String,
    pub(crate) ids: Ids,
    pub(crate) objects: Objects,
    pub(crate) events: EventLog,
    pub(crate) due: DueQueue,
    /// What the issuer of each payment method's card does; never shown by the API.
    pub(crate) cards: HashMap<String, Card>,
    /// Facts about an object that the API does not show, by object id.
    pub(crate) hidden: HashMap<String, Object>,
    /// Subscription item → its subscription.
    pub(crate) item_owner: HashMap<String, String>,
    /// Page tokens (portal sessions, hosted invoices) and lookup keys → object id.
    pub(crate) tokens: HashMap<String, String>,
    /// Test clock id → its timeline and the time it shows.
    pub(crate) clocks: HashMap<String, ClockTime>,
    /// Work that a request asked for and that runs when its answer has been made.
    pub(crate) after_response: Vec<Due>,
    /// Timelines given out so far.
    pub(crate) timelines: Timeline,
    /// The account object of each mode.
    pub(crate) account: HashMap<bool, Arc<Object>>,
}

/// The time on one test clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockTime {
    pub(crate) timeline: Timeline,
    pub(crate) now: i64,
}

impl State {
    pub(crate) fn new(seed: u64, policy: Policy, base_url: String) -> Self {
        Self {
            policy,
            base_url,
            ids: Ids::new(seed),
            objects: Objects::default(),
            events: EventLog::default(),
            due: DueQueue::default(),
            cards: HashMap::new(),
            hidden: HashMap::new(),
            item_owner: HashMap::new(),
            tokens: HashMap::new(),
            clocks: HashMap::new(),
            after_response: Vec::new(),
            timelines: SIMULATOR,
            account: HashMap::new(),
        }
    }
}
