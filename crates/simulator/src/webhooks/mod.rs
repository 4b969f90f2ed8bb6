//! Owns the way of events to webhook endpoints: who wants what, signed attempts, retries, resends.
//! Never creates events and never changes an object, except an event's count of pending deliveries.
//! Start at `Deliverer::run` (the loop) and `book.rs` (what a delivery goes through).

mod book;
mod faults;
mod ladder;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::engine::{Endpoint, Engine};
pub use book::{Attempt, Delivery, DeliveryState, Outcome};
use book::{Book, Job, Settled, Target};
pub use faults::Faults;
pub use ladder::{LADDER_SECONDS, next_attempt};

/// Sent with each delivery, as Stripe does.
pub const USER_AGENT: &str = "Stripe/1.0 (+https://stripe.com/docs/webhooks)";

/// How much of an answer is kept, in bytes.
const EXCERPT_BYTES: usize = 2_048;

/// Events looked at in one go while planning.
const PLAN_BATCH: usize = 1_000;

/// How the delivery behaves.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Attempts under way to one endpoint at a time.
    pub in_flight_per_endpoint: usize,
    /// How long an endpoint may take to answer.
    pub timeout: Duration,
    /// How long a checkout page waits for the acknowledgement of `checkout.session.completed`
    /// before it sends the browser on (Stripe: 10 s).
    pub checkout_wait: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            in_flight_per_endpoint: 8,
            timeout: Duration::from_secs(20),
            checkout_wait: Duration::from_secs(10),
        }
    }
}

/// The delivery of events. Clones share one book.
#[derive(Debug, Clone)]
pub struct Deliverer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    settings: WebhookSettings,
    /// Made at the first attempt: reading TLS roots would slow every start.
    client: OnceLock<Result<reqwest::Client, String>>,
    desk: Mutex<Desk>,
    wake: Notify,
    /// Counts finished attempts; changes wake whoever waits for one.
    finished: watch::Sender<u64>,
    running: AtomicBool,
}

#[derive(Debug, Default)]
struct Desk {
    book: Book,
    /// Position of the newest event whose deliveries are planned.
    planned: u64,
    faults: Faults,
}

impl Deliverer {
    /// Delivers the events of `engine`. Nothing is sent before [`Deliverer::run`] or
    /// [`Deliverer::deliver_due`] is called.
    pub fn new(engine: Engine) -> Self {
        Self::with_settings(engine, WebhookSettings::default())
    }

    /// As [`Deliverer::new`], behaving otherwise than by default.
    pub fn with_settings(engine: Engine, settings: WebhookSettings) -> Self {
        Self(Arc::new(Inner {
            engine,
            settings,
            client: OnceLock::new(),
            desk: Mutex::new(Desk::default()),
            wake: Notify::new(),
            finished: watch::Sender::new(0),
            running: AtomicBool::new(false),
        }))
    }

    fn client(&self) -> Result<reqwest::Client, String> {
        let make = || {
            reqwest::Client::builder()
                .user_agent(USER_AGENT)
                .redirect(reqwest::redirect::Policy::none())
                .timeout(self.0.settings.timeout)
                // Endpoints are mostly on this machine, where a proxy of the environment is wrong.
                .no_proxy()
                .build()
                .map_err(|error| format!("No HTTP client: {error}"))
        };
        self.0.client.get_or_init(make).clone()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks again for due work at once; call it after the clock was moved.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Delivers events as they happen and retries as they fall due, until `stopped` says true.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        self.0.running.store(true, Ordering::Release);
        let attempts = TaskTracker::new();
        let mut events = self.0.engine.subscribe_events();
        loop {
            events.mark_unchanged();
            self.plan();
            for job in self.claim() {
                let deliverer = self.clone();
                attempts.spawn(async move { deliverer.attempt(job).await });
            }
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                changed = events.changed() => if changed.is_err() { break },
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(self.nap()) => {}
            }
        }
        self.0.running.store(false, Ordering::Release);
        attempts.close();
        // An endpoint that hangs must not keep the program from ending.
        if tokio::time::timeout(Duration::from_secs(1), attempts.wait()).await.is_err() {
            tracing::info!("Left webhook attempts unfinished at the end");
        }
    }

    /// Until the next retry, at most a second: the clock may be moved by somebody who does not call
    /// [`Deliverer::wake`].
    fn nap(&self) -> Duration {
        let now = self.0.engine.clock().now_ms();
        let retry = self.desk().book.next_due_ms(self.0.settings.in_flight_per_endpoint);
        let until = retry.map_or(1_000, |due| due - now);
        Duration::from_millis(u64::try_from(until.clamp(1, 1_000)).unwrap_or(1_000))
    }

    /// Makes every attempt that is due now, including those that follow from it, and returns how
    /// many it made once nothing is due or under way. For tests that drive time themselves.
    pub async fn deliver_due(&self) -> usize {
        let mut made = 0;
        loop {
            let mut finished = self.0.finished.subscribe();
            finished.mark_unchanged();
            self.plan();
            let jobs = self.claim();
            if jobs.is_empty() {
                if self.desk().book.in_flight() == 0 {
                    return made;
                }
                // Somebody else (the loop, a resend) is sending; what follows may be due then.
                if finished.changed().await.is_err() {
                    return made;
                }
                continue;
            }
            made += jobs.len();
            join_all(jobs.into_iter().map(|job| self.attempt(job))).await;
        }
    }

    /// Plans the deliveries of events that happened since the last call.
    pub fn plan(&self) {
        loop {
            let mut desk = self.desk();
            let events = self.0.engine.events_after(desk.planned, PLAN_BATCH);
            if events.is_empty() {
                return;
            }
            let endpoints = self.0.engine.endpoints();
            let now_ms = self.0.engine.clock().now_ms();
            for event in events {
                let targets: Vec<Target> = endpoints
                    .iter()
                    .filter(|endpoint| endpoint.wants(&event))
                    .map(|endpoint| Target {
                        endpoint_id: endpoint.id.clone(),
                        url: endpoint.url.clone(),
                    })
                    .collect();
                let pending = u32::try_from(targets.len()).unwrap_or(u32::MAX);
                if pending != event.pending_webhooks {
                    self.0.engine.set_pending_webhooks(&event.id, pending);
                }
                let Desk { book, planned, faults } = &mut *desk;
                book.plan(event.seq, &event.id, &event.event_type, targets, faults, now_ms);
                *planned = event.seq;
            }
        }
    }

    fn claim(&self) -> Vec<Job> {
        let now_ms = self.0.engine.clock().now_ms();
        self.desk().book.claim(now_ms, self.0.settings.in_flight_per_endpoint)
    }

    /// Sends a delivery again at once, whatever its state, and waits for the answer. `None` when
    /// it is unknown or being sent.
    pub async fn resend(&self, number: u64) -> Option<Delivery> {
        let job = self.desk().book.claim_manually(number)?;
        self.attempt(job).await;
        self.delivery(number)
    }

    /// Sends an event to every endpoint it was planned for, again; returns how many attempts.
    pub async fn resend_event(&self, event_id: &str) -> usize {
        self.plan();
        let jobs: Vec<Job> = {
            let mut desk = self.desk();
            let numbers: Vec<u64> = desk
                .book
                .of_event(event_id)
                .iter()
                .filter(|delivery| !delivery.repeat)
                .map(|delivery| delivery.number)
                .collect();
            numbers.into_iter().filter_map(|number| desk.book.claim_manually(number)).collect()
        };
        let count = jobs.len();
        join_all(jobs.into_iter().map(|job| self.attempt(job))).await;
        count
    }

    async fn attempt(&self, job: Job) {
        let endpoints = self.0.engine.endpoints();
        let endpoint = endpoints.into_iter().find(|e| e.id == job.endpoint_id && e.enabled);
        let at_ms = self.0.engine.clock().now_ms();
        match endpoint {
            None => self.desk().book.stop(job.number, at_ms),
            Some(endpoint) => {
                let started = Instant::now();
                let (outcome, response) = self.send(&job.event_id, &endpoint).await;
                let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::debug!(event = %job.event_id, endpoint = %endpoint.id, ?outcome, "Tried a webhook delivery");
                let attempt = Attempt { at_ms, duration_ms, outcome, response, manual: job.manual };
                let now_ms = self.0.engine.clock().now_ms();
                let mut desk = self.desk();
                if desk.book.record(job.number, attempt, now_ms) == Settled::FirstAcknowledgement {
                    let pending = desk
                        .book
                        .of_event(&job.event_id)
                        .iter()
                        .filter(|delivery| !delivery.repeat && !delivery.was_acknowledged())
                        .count();
                    let pending = u32::try_from(pending).unwrap_or(u32::MAX);
                    self.0.engine.set_pending_webhooks(&job.event_id, pending);
                }
            }
        }
        self.0.finished.send_modify(|count| *count += 1);
        self.wake();
    }

    async fn send(&self, event_id: &str, endpoint: &Endpoint) -> (Outcome, String) {
        let failed = |why: String| (Outcome::Failed(why), String::new());
        let Some(event) = self.0.engine.render_event(event_id, endpoint.api_version.as_deref())
        else {
            return failed("The event no longer exists".to_owned());
        };
        let Ok(body) = serde_json::to_vec_pretty(&event) else {
            return failed("The event could not be written as JSON".to_owned());
        };
        let Some(secret) = stripe::signature::Secret::new(&endpoint.secret) else {
            return failed("The endpoint has no signing secret".to_owned());
        };
        let signature = stripe::signature::sign(&body, &secret, self.0.engine.clock().wall_now());
        let client = match self.client() {
            Ok(client) => client,
            Err(why) => return failed(why),
        };
        let request = client
            .post(&endpoint.url)
            .header("content-type", "application/json; charset=utf-8")
            .header("accept", "*/*; q=0.5, application/xml")
            .header("stripe-signature", signature)
            .body(body);
        match request.send().await {
            Ok(mut response) => {
                let status = response.status().as_u16();
                let mut start = Vec::new();
                while start.len() < EXCERPT_BYTES {
                    match response.chunk().await {
                        Ok(Some(chunk)) => start.extend_from_slice(&chunk),
                        Ok(None) | Err(_) => break,
                    }
                }
                start.truncate(EXCERPT_BYTES);
                (Outcome::Answered(status), String::from_utf8_lossy(&start).into_owned())
            }
            Err(error) if error.is_timeout() => {
                failed(format!("No answer within {} s", self.0.settings.timeout.as_secs()))
            }
            Err(error) if error.is_connect() => failed("The connection was refused".to_owned()),
            Err(error) => failed(error.without_url().to_string()),
        }
    }

    /// Waits until every endpoint has answered the event's first attempt, at most the settings'
    /// `checkout_wait`. Returns at once when the loop is not running.
    pub async fn wait_for_first_attempts(&self, event_id: &str) {
        if !self.0.running.load(Ordering::Acquire) {
            return;
        }
        self.plan();
        self.wake();
        let mut finished = self.0.finished.subscribe();
        let answered = async {
            loop {
                let open = self.desk().book.of_event(event_id).iter().any(|delivery| {
                    delivery.attempts.is_empty()
                        && matches!(
                            delivery.state,
                            DeliveryState::Waiting { .. } | DeliveryState::Sending { .. }
                        )
                });
                if !open || finished.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(self.0.settings.checkout_wait, answered).await.is_err() {
            tracing::info!(event = event_id, "Went on without the webhook's acknowledgement");
        }
    }

    /// One delivery by number.
    pub fn delivery(&self, number: u64) -> Option<Delivery> {
        self.desk().book.get(number).cloned()
    }

    /// The newest deliveries that `wanted` accepts, newest first, and how many there are in all.
    pub fn deliveries(
        &self,
        wanted: impl Fn(&Delivery) -> bool,
        limit: usize,
    ) -> (Vec<Delivery>, usize) {
        let desk = self.desk();
        let mut found = Vec::new();
        let mut total = 0;
        for delivery in desk.book.newest_first().filter(|delivery| wanted(delivery)) {
            if found.len() < limit {
                found.push(delivery.clone());
            }
            total += 1;
        }
        (found, total)
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        self.desk().faults.clone()
    }

    /// Puts other faults in force, for events that happen from now on.
    ///
    /// # Errors
    /// As [`Faults::check`].
    pub fn set_faults(&self, faults: Faults) -> Result<(), String> {
        faults.check()?;
        // Events that happened before the change keep the old faults.
        self.plan();
        self.desk().faults = faults;
        Ok(())
    }

    /// Forgets every delivery; the engine has been emptied and its log begins anew.
    pub fn reset(&self) {
        let mut desk = self.desk();
        desk.book.clear();
        desk.planned = 0;
        drop(desk);
        self.0.finished.send_modify(|count| *count += 1);
        self.wake();
    }
}
