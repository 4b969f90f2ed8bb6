//! How much work is left in the inbox, from the indexes of unfinished work alone: what is asked
//! often, by anybody, may not cost more the longer an installation has been running.

use crate::Store;
use crate::error::StoreResult;
use domain::time::Timestamp;

/// How many deliveries are not finished, by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnfinishedCounts {
    /// Waiting.
    pub pending: i64,
    /// In work.
    pub claimed: i64,
    /// Waiting for an operator.
    pub parked: i64,
    /// When the oldest one that is due or in work was received.
    pub oldest_waiting: Option<Timestamp>,
}

// Each part names one state as a literal, so that it is answered from that state's own index.
const UNFINISHED: &str = "select 'pending', count(*), min(received_at) from webhook_events
        where state = 'pending'
    union all select 'claimed', count(*), min(received_at) from webhook_events
        where state = 'claimed'
    union all select 'parked', count(*), null from webhook_events where state = 'parked'";

impl Store {
    /// How many deliveries are not finished.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn unfinished_counts(&self) -> StoreResult<UnfinishedCounts> {
        self.scan(|tx| {
            Box::pin(async move {
                let mut counts = UnfinishedCounts::default();
                for row in tx.rows(UNFINISHED, &[]).await? {
                    let mut row = row.of("webhook_events");
                    let state = row.text("state")?;
                    let count = row.int("count")?;
                    let oldest = row.opt_time("received_at")?;
                    match state.as_str() {
                        "pending" => counts.pending = count,
                        "claimed" => counts.claimed = count,
                        _ => counts.parked = count,
                    }
                    counts.oldest_waiting = match (counts.oldest_waiting, oldest) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                }
                Ok(counts)
            })
        })
        .await
    }
}
