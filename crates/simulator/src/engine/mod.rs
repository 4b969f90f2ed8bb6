//! Owns the one handle through which the API, the pages and the webhook delivery reach the state.
//! Never answers HTTP itself and never sends anything; every call is short and synchronous.
//! Start here; `pages.rs` holds what the HTML pages call, `work.rs` the passing of time.

mod for_pages;
mod pages;
mod work;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tokio::sync::watch;

use crate::clock::SimClock;
use crate::protocol::ApiError;
use crate::state::{EventRecord, Kind, Policy, State, Tx};

pub use pages::{Challenge, ConfirmOutcome, PlanSwitch};

/// A webhook endpoint as the delivery needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `we_…`
    pub id: String,
    /// Where to post to.
    pub url: String,
    /// `whsec_…`, the whole string is the key.
    pub secret: String,
    /// Types it wants; `*` means all.
    pub enabled_events: Vec<String>,
    /// Version its payloads are rendered at; `None` means the account's default.
    pub api_version: Option<String>,
    /// Which of the two modes it belongs to.
    pub livemode: bool,
    /// Whether `status` is `enabled`.
    pub enabled: bool,
    /// Position of the newest event when it was created: it gets later ones only.
    pub after: u64,
}

impl Endpoint {
    /// Whether this endpoint wants this event.
    pub fn wants(&self, event: &EventRecord) -> bool {
        self.enabled
            && event.seq > self.after
            && self.livemode == event.livemode
            && self.enabled_events.iter().any(|wanted| wanted == "*" || *wanted == event.event_type)
    }
}

#[derive(Debug)]
struct Shared {
    clock: SimClock,
    /// How often the account was reset.
    life: AtomicU64,
    state: Mutex<State>,
    /// Position of the newest event; changes wake whoever delivers webhooks.
    newest: watch::Sender<u64>,
}

/// The simulated Stripe account: cheap to clone, safe to share.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Shared>);

impl Engine {
    /// A new, empty account. `base_url` (no trailing slash) is where its pages are reachable.
    pub fn new(clock: SimClock, seed: u64, policy: Policy, base_url: &str) -> Self {
        Self(Arc::new(Shared {
            clock,
            life: AtomicU64::new(0),
            state: Mutex::new(State::new(seed, policy, base_url.to_owned())),
            newest: watch::Sender::new(0),
        }))
    }

    /// The simulator's clock.
    pub fn clock(&self) -> &SimClock {
        &self.0.clock
    }

    /// Where the pages live, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.lock().base_url.clone()
    }

    /// Corrects the address of the pages (known only once the listener is bound).
    pub fn set_base_url(&self, base_url: &str) {
        self.lock().base_url = base_url.trim_end_matches('/').to_owned();
    }

    /// A poisoned lock only says that another request panicked; the state is plain data, and
    /// answering the remaining requests is more useful than refusing them all.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does due work, then runs `operation` at the present moment in one mode, then whatever the
    /// operation asked to be done after its answer, and wakes the delivery of new events.
    pub(crate) fn with<T>(&self, livemode: bool, operation: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let mut state = self.lock();
        work::catch_up(&mut state, self.0.clock.now());
        let mut tx = Tx::new(&mut state, self.0.clock.now(), livemode);
        let result = operation(&mut tx);
        work::after_response(&mut state, self.0.clock.now());
        self.announce(&state);
        result
    }

    /// An id for a request that is about to be answered.
    pub(crate) fn new_request_id(&self) -> String {
        self.lock().ids.id("req")
    }

    /// API keys that are accepted; empty accepts every well-formed one.
    pub(crate) fn accepted_keys(&self) -> Vec<String> {
        self.lock().policy.api_keys.clone()
    }

    fn announce(&self, state: &State) {
        let newest = state.events.next_seq() - 1;
        self.0.newest.send_if_modified(|seen| {
            let changed = *seen != newest;
            *seen = newest;
            changed
        });
    }

    // --- events and endpoints -------------------------------------------------------------

    /// A receiver that changes to the position of the newest event whenever there is one.
    pub fn subscribe_events(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    /// Up to `limit` events with a position above `seq`, oldest first (both modes).
    pub fn events_after(&self, seq: u64, limit: usize) -> Vec<EventRecord> {
        self.lock().events.after(seq).iter().take(limit).cloned().collect()
    }

    /// One event by id.
    pub fn event(&self, id: &str) -> Option<EventRecord> {
        self.lock().events.get(id).cloned()
    }

    /// The event as JSON, rendered for `api_version` (`None`: the account's default version).
    /// Webhook payloads are this value, pretty-printed.
    pub fn render_event(&self, id: &str, api_version: Option<&str>) -> Option<Value> {
        let state = self.lock();
        let event = state.events.get(id)?;
        Some(crate::protocol::render_event(&state, event, api_version))
    }

    /// Sets how many endpoints have not yet acknowledged the event.
    pub fn set_pending_webhooks(&self, event_id: &str, pending: u32) {
        if let Some(event) = self.lock().events.get_mut(event_id) {
            event.pending_webhooks = pending;
        }
    }

    /// All webhook endpoints of both modes, oldest first.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        crate::api::webhook_endpoints::endpoints(&self.lock())
    }

    // --- reading for pages ----------------------------------------------------------------

    /// Any object by id, as the API of the newest version shows it; either mode.
    pub fn object(&self, id: &str) -> Option<Value> {
        let state = self.lock();
        state.objects.get(id).map(|entry| Value::Object((*entry.json).clone()))
    }

    /// The newest `limit` objects of a kind, newest first, that have `field` = `value` when a
    /// filter is given; either mode. Indexed filters (`customer`, `subscription`, `charge`,
    /// `payment_intent`, `product`, `invoice`) are quick at any size.
    pub fn list(&self, kind: Kind, filter: Option<(&str, &str)>, limit: usize) -> Vec<Value> {
        self.lock().objects.list(kind, filter, limit)
    }

    /// The newest `limit` events, newest first.
    pub fn recent_events(&self, limit: usize) -> Vec<EventRecord> {
        self.lock().events.all().iter().rev().take(limit).cloned().collect()
    }

    /// Changes facts of the account itself (`charges_enabled`, `requirements` …) and notes
    /// `account.updated`; nothing else can, as at Stripe.
    pub fn set_account(&self, livemode: bool, changes: Value) {
        let changes = changes.as_object().cloned().unwrap_or_default();
        self.with(livemode, |tx| crate::flows::set_account(tx, &changes));
    }

    // --- time -----------------------------------------------------------------------------

    /// Moves the simulator's clock forward to `to` (seconds), doing everything that falls due on
    /// the way at the moment it falls due; an earlier time is refused. Test clocks stand still.
    ///
    /// # Errors
    /// 400 when `to` lies in the past.
    pub fn advance_clock(&self, to: i64) -> Result<(), ApiError> {
        if to < self.0.clock.now() {
            return Err(ApiError::invalid("The clock can only move forward.").at("to"));
        }
        loop {
            let mut state = self.lock();
            let next = state.due.next_at(crate::state::SIMULATOR).filter(|at| *at <= to);
            let moment = next.unwrap_or(to);
            self.0.clock.advance_to(moment);
            work::catch_up(&mut state, moment);
            self.announce(&state);
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// The next moment (seconds) at which something falls due on the simulator's clock.
    pub fn next_due(&self) -> Option<i64> {
        self.lock().due.next_at(crate::state::SIMULATOR)
    }

    /// Does what has fallen due by now. A background task calls this; requests do it by themselves.
    pub fn tick(&self) {
        let mut state = self.lock();
        work::catch_up(&mut state, self.0.clock.now());
        self.announce(&state);
    }
}
