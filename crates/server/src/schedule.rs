//! What the server does by itself, beside answering requests: which room's work runs how often.
//!
//! Every task here is safe to run on several nodes at once and to be cut off at any point; what
//! it leaves half done is found by its next round.

use crate::app::App;
use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Entitlements that time alone changes: the end of a grace period or of an override. Answers are
/// right without this, since each is computed when asked; it is for those that are told. And
/// reservations that nobody confirmed.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);
/// Writes to Stripe that a crash left open.
const INTENTS_EVERY: Duration = Duration::from_secs(30);
/// What is kept of usage has a rule, `store::KEYS_KEPT` and `store::DAYS_KEPT`; this applies it.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// The comparison of mirror and Stripe.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// The first comparison comes after start-up has settled.
const FIRST_SWEEP: Duration = Duration::from_secs(20);

/// Runs the worker and the periodic tasks until told to stop, and finishes what is under way.
pub async fn run(app: App, stop: CancellationToken) {
    let worker = app.inbox.run(stop.clone());
    let expire = every(EXPIRE_EVERY, EXPIRE_EVERY, &stop, || async {
        if let Err(error) = app.entitlements.expire_due().await {
            tracing::warn!(%error, "Could not compute expired entitlements");
        }
    });
    let reservations = every(EXPIRE_EVERY, EXPIRE_EVERY, &stop, || async {
        if let Err(error) = app.usage.expire_due().await {
            tracing::warn!(%error, "Could not return expired reservations");
        }
    });
    let prune = every(PRUNE_EVERY, PRUNE_EVERY, &stop, || async {
        match app.usage.prune().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "Deleted usage that is old enough"),
            Err(error) => tracing::warn!(%error, "Could not delete old usage"),
        }
    });
    let intents = every(INTENTS_EVERY, INTENTS_EVERY, &stop, || async {
        match app.billing.finish_stale_intents().await {
            Ok(0) => {}
            Ok(finished) => tracing::info!(finished, "Finished writes to Stripe left by a crash"),
            Err(error) => tracing::warn!(%error, "Could not finish writes to Stripe"),
        }
    });
    let sweep = every(FIRST_SWEEP, SWEEP_EVERY, &stop, || async {
        match app.apply.sweep().await {
            Ok(report) => tracing::info!(
                compared = report.compared,
                healed = report.healed.len(),
                refused = report.refused.len(),
                "Compared the mirror with Stripe",
            ),
            Err(error) => tracing::warn!(%error, "Could not compare the mirror with Stripe"),
        }
    });
    tokio::join!(worker, expire, reservations, prune, intents, sweep);
}

/// Does `work` after `first`, then again `period` after each end, until told to stop.
async fn every<F, W>(first: Duration, period: Duration, stop: &CancellationToken, work: W)
where
    F: Future<Output = ()>,
    W: Fn() -> F,
{
    let mut wait = first;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        work().await;
        wait = period;
    }
}
