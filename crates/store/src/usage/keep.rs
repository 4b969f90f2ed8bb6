//! What is kept of usage, and for how long.
//!
//! The rule: what was counted under an idempotency key is remembered for [`KEYS_KEPT`], and so is
//! a reservation that has ended; the sums of days, the counters of ended periods and alerts are
//! kept for [`DAYS_KEPT`], which is a year and a little. Counters of levels are kept for good.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::values;
use domain::catalogue::FeatureId;
use domain::ids::OrganizationId;
use domain::time::{Span, Timestamp};

/// For how long a repeated key gets the first answer.
pub const KEYS_KEPT: Span = Span::days(35);
/// For how long the history of days is kept.
pub const DAYS_KEPT: Span = Span::days(400);

/// One statement for each table that grows: it deletes at most `$2` rows from before `$1`, so that
/// no commit holds up those that count.
const BY_KEY: [&str; 2] = [
    "delete from usage_events
     where (organization_id, feature_id, idempotency_key) in (
         select organization_id, feature_id, idempotency_key from usage_events
         where at < $1 order by at limit $2)",
    "delete from usage_reservations
     where id in (
         select id from usage_reservations
         where expires_at < $1 and state <> 'held' order by expires_at limit $2)",
];
const BY_DAY: [&str; 3] = [
    "delete from usage_days
     where (organization_id, feature_id, day) in (
         select organization_id, feature_id, day from usage_days
         where day < $1 order by day limit $2)",
    "delete from usage_counters
     where (organization_id, feature_id, period_start) in (
         select organization_id, feature_id, period_start from usage_counters
         where period_end < $1 and reserved = 0 order by period_end limit $2)",
    "delete from usage_alerts
     where (organization_id, feature_id, period_start, threshold) in (
         select organization_id, feature_id, period_start, threshold from usage_alerts
         where at < $1 order by at limit $2)",
];

impl Store {
    /// Deletes what is older than the rule says, at most `limit` rows of each table, and counts
    /// them.
    ///
    /// # Errors
    /// When the database is not available; what was deleted until then stays deleted.
    pub async fn prune_usage(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        let by_key = BY_KEY.map(|sql| (sql, now.minus(KEYS_KEPT)));
        let by_day = BY_DAY.map(|sql| (sql, now.minus(DAYS_KEPT)));
        let mut deleted = 0;
        for (sql, before) in by_key.into_iter().chain(by_day) {
            deleted += self
                .write(move |tx| {
                    Box::pin(async move { tx.execute(sql, values![before, limit]).await })
                })
                .await?;
        }
        Ok(deleted)
    }

    /// How much of each feature an organisation used on each day, oldest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn usage_history(
        &self,
        organization: &OrganizationId,
        from: Timestamp,
        to: Timestamp,
    ) -> StoreResult<Vec<(FeatureId, Timestamp, i64)>> {
        let organization = organization.as_str().to_owned();
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select feature_id, day, used from usage_days
                         where organization_id = $1 and day >= $2 and day < $3
                         order by day, feature_id",
                        values![organization, from, to],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("usage_days");
                        let feature = FeatureId(row.text("feature_id")?);
                        Ok((feature, row.time("day")?, row.int("used")?))
                    })
                    .collect()
            })
        })
        .await
    }
}
