//! The worker: takes what receiving hands over and claims what is due, applies it with no
//! transaction open, and leaves each delivery applied, ignored, pending for later, or parked.

use super::Inbox;
use super::receive::PLACES;
use crate::apply::ApplyError;
use domain::delivery::{Delivery, InvalidStep, ParkReason};
use domain::ids::OutboxId;
use domain::time::{Span, Timestamp};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;
use store::{Claimed, Dialect, Finish, NewMessage, StoreError, StoreResult};
use tokio_util::sync::CancellationToken;

/// How long one attempt may take, looks at Stripe and their repetitions included.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The same, on the clock of leases.
const ATTEMPT_AT_MOST: Span = Span::seconds(30);
/// How long a worker may keep a delivery. Longer than an attempt, so that a lease is over only
/// when its worker is gone.
pub(super) const LEASE: Span = Span::seconds(45);
/// Deliveries that may be on their way from receiving to working without the queue in between.
pub(super) const HANDOFF: usize = 256;
/// Deliveries taken at once.
const BATCH: u32 = 128;
/// Objects looked at at the same time. Deliveries about one object follow one another.
const AT_ONCE: usize = 24;
/// How often a worker looks for work without being woken: for retries, and for what other nodes
/// received.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Requests in receipt from which on a burst is under way.
const BURST: usize = 24;
/// For how long receiving a burst comes first. A webhook that is answered late is sent again and
/// makes the burst larger; one that is applied a moment later harms nobody.
const BURST_COMES_FIRST: Span = Span::seconds(3);
/// How often a lane that holds back looks whether the burst is over.
const BURST_PAUSE: Duration = Duration::from_millis(10);
/// How often expired leases are returned and expired entitlements computed.
const RESCUE_EVERY: Duration = Duration::from_secs(5);

impl Inbox {
    /// Works until told to stop, and finishes what it has begun.
    pub async fn run(&self, stop: CancellationToken) {
        self.rescue_own().await;
        let rescue = async {
            loop {
                if let Err(error) = self.rescue().await {
                    tracing::warn!(error = cause(&error), "Could not return expired leases");
                }
                tokio::time::sleep(RESCUE_EVERY).await;
            }
        };
        let lane = || async {
            let mut burst_since = None;
            while !stop.is_cancelled() {
                self.let_a_burst_pass(&mut burst_since).await;
                let wait = match self.work_once().await {
                    Ok(0) => LOOK_EVERY,
                    Ok(_) => continue,
                    Err(error) => {
                        tracing::warn!(error = cause(&error), "Could not claim deliveries");
                        LOOK_EVERY
                    }
                };
                tokio::select! {
                    () = self.shared.arrived.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                    () = stop.cancelled() => {}
                }
            }
        };
        // While one lane waits for a slow answer of Stripe's, the others go on.
        self.shared.working.store(true, Ordering::Release);
        let handed = || self.take_handed(&stop);
        let work = async { tokio::join!(handed(), handed(), lane(), lane()) };
        tokio::select! {
            _ = work => {}
            () = rescue => {}
        }
        self.return_handed().await;
    }

    /// Works on what is handed over by receiving.
    async fn take_handed(&self, stop: &CancellationToken) {
        let mut burst_since = None;
        let mut taken = Vec::new();
        loop {
            self.let_a_burst_pass(&mut burst_since).await;
            let count = tokio::select! {
                count = async {
                    self.shared.handed.lock().await.recv_many(&mut taken, BATCH as usize).await
                } => count,
                () = stop.cancelled() => 0,
            };
            if count == 0 {
                return;
            }
            self.work_on(std::mem::take(&mut taken)).await;
        }
    }

    /// At the end: what was handed over and not begun goes to the queue, where others find it now.
    async fn return_handed(&self) {
        self.shared.working.store(false, Ordering::Release);
        let mut handed = self.shared.handed.lock().await;
        while let Ok(claimed) = handed.try_recv() {
            let next = claimed.state().hand_back(self.beat());
            if let Err(error) = self.leave(&claimed, next).await {
                tracing::warn!(
                    delivery.id = claimed.id,
                    error = cause(&error),
                    "Could not hand back",
                );
            }
        }
    }

    /// Returns deliveries whose worker is gone to the queue and counts them.
    ///
    /// # Errors
    /// The database's.
    pub async fn rescue(&self) -> StoreResult<u64> {
        let rescued = self.shared.store.rescue_expired_leases(self.shared.world.now()).await?;
        if rescued > 0 {
            tracing::warn!(rescued, "Returned deliveries whose worker was gone");
            self.shared.arrived.notify_one();
        }
        Ok(rescued)
    }

    /// Holds back while many requests are being received, but not for long: then both share the
    /// machine until the burst is over.
    async fn let_a_burst_pass(&self, since: &mut Option<Timestamp>) {
        loop {
            let receiving = PLACES.saturating_sub(self.shared.places.available_permits());
            if receiving < BURST {
                *since = None;
                return;
            }
            let now = self.beat();
            if *since.get_or_insert(now) < now.minus(BURST_COMES_FIRST) {
                return;
            }
            tokio::time::sleep(BURST_PAUSE).await;
        }
    }

    /// A SQLite file has one process at a time, so at its start every lease is that of a process
    /// that is gone, and nobody has to wait for its end.
    async fn rescue_own(&self) {
        let shared = &self.shared;
        if shared.store.dialect() == Dialect::Sqlite
            && let Err(error) = shared.store.return_all_claims(shared.world.now()).await
        {
            tracing::warn!(error = cause(&error), "Could not return the last run's leases");
        }
    }

    /// Claims what is due now, works on it, and says how many deliveries that were.
    ///
    /// # Errors
    /// The database's, while claiming. What fails later leaves its delivery for a later attempt.
    pub async fn work_once(&self) -> StoreResult<usize> {
        let now = self.beat();
        let claimed = self.shared.store.claim_due_deliveries(now, LEASE, BATCH).await?;
        let count = claimed.len();
        self.work_on(claimed).await;
        Ok(count)
    }

    /// Deliveries about one object follow one another, others run side by side.
    async fn work_on(&self, claimed: Vec<Claimed>) {
        stream::iter(group_by_object(claimed))
            .for_each_concurrent(AT_ONCE, |deliveries| async move {
                for delivery in deliveries {
                    self.step(&delivery).await;
                }
            })
            .await;
    }

    /// Shows that the worker is alive, and says what time it is.
    fn beat(&self) -> Timestamp {
        let now = self.shared.world.now();
        self.shared.heartbeat.store(now.as_millis(), Ordering::Relaxed);
        now
    }

    /// One attempt at one delivery.
    async fn step(&self, claimed: &Claimed) {
        let now = self.beat();
        if claimed.lease_until < now.plus(ATTEMPT_AT_MOST) {
            // Those before it took so long that its lease could end under an attempt.
            let next = claimed.state().hand_back(now);
            if let Err(error) = self.leave(claimed, next).await {
                tracing::warn!(
                    delivery.id = claimed.id,
                    error = cause(&error),
                    "Could not hand back",
                );
            }
            return;
        }
        let attempt = AssertUnwindSafe(self.shared.apply.delivery(claimed)).catch_unwind();
        // Cutting an attempt off is safe: its commit happens as a whole or not at all, and when it
        // happened after all, the claim is gone and nothing more is written here.
        let attempt = tokio::time::timeout(ATTEMPT, attempt).await;
        let now = self.shared.world.now();
        let state = claimed.state();
        let next = match attempt {
            Err(_) => state.retry(now, &self.shared.ladder, "attempt_timed_out"),
            Ok(Ok(Ok(_))) => return,
            Ok(Ok(Err(ApplyError::Park(reason)))) => state.park(now, reason),
            Ok(Ok(Err(ApplyError::Stripe(error)))) => {
                let code = error.code().unwrap_or("stripe_unavailable").to_owned();
                tracing::info!(
                    delivery.id = claimed.id,
                    stripe.request_id = error.request_id(),
                    "Could not ask Stripe ({:?}): {code}",
                    error.kind(),
                );
                state.retry(now, &self.shared.ladder, &code)
            }
            Ok(Ok(Err(ApplyError::Store(error)))) => {
                tracing::warn!(
                    delivery.id = claimed.id,
                    error = cause(&error),
                    "Could not apply a delivery",
                );
                let detail = if error.is_transient() { "store_unavailable" } else { "internal" };
                state.retry(now, &self.shared.ladder, detail)
            }
            Ok(Err(_)) => state.park(now, ParkReason::Panicked),
        };
        if let Err(error) = self.leave(claimed, next).await {
            // The lease ends by itself, and the rescuer returns the delivery.
            tracing::warn!(
                delivery.id = claimed.id,
                error = cause(&error),
                "Could not finish a delivery",
            );
        }
    }

    async fn leave(
        &self,
        claimed: &Claimed,
        next: Result<Delivery, InvalidStep>,
    ) -> StoreResult<()> {
        let Ok(state) = next else { return Ok(()) };
        let parked = match &state {
            Delivery::Parked { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        let finish =
            Finish { id: claimed.id.clone(), attempt: claimed.attempt, state, organization: None };
        let finished = match parked {
            Some(reason) => {
                let message = self.parked_message(claimed, &reason);
                self.shared.store.finish_delivery_telling(finish, message).await
            }
            None => self.shared.store.finish_delivery(finish).await,
        };
        match finished {
            // Stale: in other hands by now, and they leave it as they find right.
            Ok(()) | Err(StoreError::Stale) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells operators: once a day for one cause, however many deliveries it stops.
    fn parked_message(&self, claimed: &Claimed, reason: &ParkReason) -> NewMessage {
        tracing::warn!(
            delivery.id = claimed.id,
            delivery.kind = claimed.kind,
            reason = reason.code(),
            detail = reason.detail(),
            "Parked a delivery after {} attempts",
            claimed.attempt,
        );
        let now = self.shared.world.now();
        let day = now.as_seconds().div_euclid(86_400);
        NewMessage {
            id: OutboxId::new(now, &*self.shared.world.entropy),
            organization: None,
            kind: "alert.delivery_parked",
            dedupe_key: format!(
                "alert.delivery_parked:{}:{}:{day}",
                reason.code(),
                reason.detail()
            ),
            body: json!({
                "delivery": claimed.id,
                "type": claimed.kind,
                "reason": reason.code(),
                "detail": reason.detail(),
                "what_to_do": reason.what_to_do(),
            })
            .to_string(),
            due_at: now,
        }
    }
}

/// Deliveries about one object, in the order in which Stripe made them.
fn group_by_object(claimed: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut order: HashMap<String, usize> = HashMap::with_capacity(claimed.len());
    let mut groups: Vec<Vec<Claimed>> = Vec::with_capacity(claimed.len());
    for delivery in claimed {
        let object = delivery.object_id.clone().unwrap_or_else(|| delivery.id.clone());
        let index = *order.entry(object).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(index) {
            group.push(delivery);
        }
    }
    for group in &mut groups {
        group.sort_by_key(|delivery| delivery.created);
    }
    groups
}

/// What the database said, for the log.
fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
