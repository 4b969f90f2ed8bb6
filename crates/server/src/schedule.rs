//! What the server does by itself, beside answering requests: which room's work runs how often.
//!
//! Every task here is safe to run on several nodes at once and to be cut off at any point; what
//! it leaves half done is found by its next round.

use crate::app::App;
use futures_util::FutureExt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Entitlements that time alone changes: the end of a grace period or of an override. Answers are
/// right without this, since each is computed when asked; it is for those that are told. And
/// reservations that nobody confirmed.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);
/// Writes to Stripe that a crash left open.
const INTENTS_EVERY: Duration = Duration::from_secs(30);
/// What is kept of usage has a rule, `store::KEYS_KEPT` and `store::DAYS_KEPT`; this applies it,
/// and log-ins and verification links go once they are over.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// The comparison of mirror and Stripe.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// The first comparison comes when what waited at start-up is done.
const FIRST_SWEEP: Duration = Duration::from_secs(300);
/// The pause after a bug, so that it does not fill the log.
const AFTER_A_PANIC: Duration = Duration::from_secs(1);

/// Runs the worker and the periodic tasks until told to stop, and finishes what is under way.
pub async fn run(app: App, stop: CancellationToken) {
    let worker = async {
        while !stop.is_cancelled() {
            surviving("the worker", app.inbox.run(stop.clone())).await;
        }
    };
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
    let log_ins = every(PRUNE_EVERY, PRUNE_EVERY, &stop, || async {
        match app.identity.prune().await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "Deleted log-ins and links that are over"),
            Err(error) => tracing::warn!(%error, "Could not delete old log-ins and links"),
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
    tokio::join!(worker, expire, reservations, prune, log_ins, intents, sweep);
}

/// A panic is a bug of ours; it must not end what else runs by itself. The next round begins anew.
async fn surviving(what: &'static str, work: impl Future<Output = ()>) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        tracing::error!("A bug stopped {what}; it begins again");
        tokio::time::sleep(AFTER_A_PANIC).await;
    }
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
        surviving("a periodic task", work()).await;
        wait = period;
    }
}
