//! Alerts: each share of a limit is told once for a feature and a period.
//!
//! The counter remembers the highest share told, so that whatever moved it (a call, a confirmed
//! reservation, a lowered limit) the next look tells what is due, in order, and nothing twice. A
//! level has no period: it is told again when it has fallen below a share and comes back in
//! another month.

use super::UsageRules;
use super::counters::Book;
use crate::Store;
use crate::error::StoreResult;
use crate::outbox::{NewMessage, enqueue};
use crate::tx::{Tx, values};
use domain::catalogue::{FeatureId, FeatureKind, Limit};
use domain::ids::{OrganizationId, OutboxId};
use domain::time::{Span, Timestamp};
use domain::usage::{highest_reached, reached_beyond};

/// Tells each threshold that is due, with its message in the same commit.
pub(super) async fn tell(tx: &mut Tx, book: &mut Book, rules: &UsageRules) -> StoreResult<()> {
    for ((organization, feature, period_start), tally) in &mut book.tallies {
        let (Some(applies), Some(limit)) = (tally.applies, tally.limit()) else { continue };
        let is_level = applies.allowance.kind == FeatureKind::Allocated;
        let period = applies.running;
        if !is_level && *period_start != period.start.as_millis() {
            // A reservation of a period that is over: nobody can do anything about it any more.
            continue;
        }
        let used = tally.counter.used;
        if is_level {
            tally.told = tally.told.min(highest_reached(Limit::Number(limit), used));
        }
        let due = reached_beyond(Limit::Number(limit), tally.told, used);
        for threshold in due {
            tally.told = threshold;
            let first = tx
                .execute(
                    "insert into usage_alerts
                         (organization_id, feature_id, period_start, threshold, used, limit_value,
                          at)
                     values ($1, $2, $3, $4, $5, $6, $7)
                     on conflict (organization_id, feature_id, period_start, threshold)
                         do nothing",
                    values![
                        organization.as_str(),
                        feature.as_str(),
                        period.start,
                        threshold,
                        used,
                        limit,
                        tally.now
                    ],
                )
                .await?;
            if first == 0 {
                continue;
            }
            let start = period.start.as_millis();
            // A few milliseconds apart, so that those of one moment go out in their order.
            let due_at = tally.now.plus(Span::millis(threshold));
            let message = NewMessage {
                id: OutboxId::new(tally.now, &*rules.entropy),
                organization: Some(organization.clone()),
                kind: "usage.threshold_reached",
                dedupe_key: format!(
                    "usage.threshold_reached:{organization}:{feature}:{start}:{threshold}"
                ),
                body: serde_json::json!({
                    "feature": feature.as_str(),
                    "threshold": threshold,
                    "used": used,
                    "limit": limit,
                    "resets_at": (!is_level).then(|| period.end.to_string()),
                })
                .to_string(),
                due_at,
            };
            enqueue(tx, &message).await?;
        }
    }
    Ok(())
}

/// A threshold that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageAlertRow {
    /// Of what.
    pub feature: FeatureId,
    /// In the period of monthly features that began then.
    pub period_start: Timestamp,
    /// In percent.
    pub threshold: i64,
    /// What was used then.
    pub used: i64,
    /// Of how much.
    pub limit: i64,
    /// When.
    pub at: Timestamp,
    /// When somebody put it aside.
    pub dismissed_at: Option<Timestamp>,
}

impl Store {
    /// The alerts of an organisation, newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn usage_alerts(
        &self,
        organization: &OrganizationId,
        limit: u32,
    ) -> StoreResult<Vec<UsageAlertRow>> {
        let organization = organization.as_str().to_owned();
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select feature_id, period_start, threshold, used, limit_value, at,
                                dismissed_at
                         from usage_alerts where organization_id = $1
                         order by at desc, feature_id, threshold desc limit $2",
                        values![organization, limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("usage_alerts");
                        let feature = FeatureId(row.text("feature_id")?);
                        Ok(UsageAlertRow {
                            feature,
                            period_start: row.time("period_start")?,
                            threshold: row.int("threshold")?,
                            used: row.int("used")?,
                            limit: row.int("limit_value")?,
                            at: row.time("at")?,
                            dismissed_at: row.opt_time("dismissed_at")?,
                        })
                    })
                    .collect()
            })
        })
        .await
    }

    /// Puts the alerts of an organisation about a threshold aside. Says whether there are any;
    /// doing it again changes nothing.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn dismiss_usage_alert(
        &self,
        organization: &OrganizationId,
        feature: &FeatureId,
        threshold: u32,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let organization = organization.as_str().to_owned();
        let feature = feature.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let touched = tx
                    .execute(
                        "update usage_alerts set dismissed_at = coalesce(dismissed_at, $4)
                         where organization_id = $1 and feature_id = $2 and threshold = $3",
                        values![organization, feature, threshold, now],
                    )
                    .await?;
                Ok(touched > 0)
            })
        })
        .await
    }
}
