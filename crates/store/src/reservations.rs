//! Reservations: quantities held until they are confirmed, released or expired.

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::catalogue::FeatureId;
use domain::ids::{OrganizationId, ReservationId};
use domain::time::Timestamp;
use domain::usage::Counter;

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationState {
    /// Its quantity is held.
    Held,
    /// So much of it was counted, the rest returned.
    Confirmed(i64),
    /// All of it was returned by its caller.
    Released,
    /// All of it was returned because its time was over.
    Expired,
}

/// A reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationRow {
    /// Its id.
    pub id: ReservationId,
    /// Whose.
    pub organization: OrganizationId,
    /// Of what.
    pub feature: FeatureId,
    /// How much.
    pub quantity: i64,
    /// What became of it.
    pub state: ReservationState,
    /// When it is released by itself.
    pub expires_at: Timestamp,
    period_start: i64,
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservationEnd {
    /// Count so much of it, or all of it when none is named, and return the rest.
    Confirm(Option<i64>),
    /// Return all of it.
    Release,
}

fn reservation_row(row: Row) -> StoreResult<ReservationRow> {
    let mut row = row.of("usage_reservations");
    let id = ReservationId::trusted(row.text("id")?);
    let organization = OrganizationId::trusted(row.text("organization_id")?);
    let feature = FeatureId(row.text("feature_id")?);
    let period_start = row.int("period_start")?;
    let quantity = row.int("quantity")?;
    let state = row.text("state")?;
    let confirmed = row.opt_int("confirmed")?;
    let state = match (state.as_str(), confirmed) {
        ("held", _) => ReservationState::Held,
        ("confirmed", Some(n)) => ReservationState::Confirmed(n),
        ("released", _) => ReservationState::Released,
        ("expired", _) => ReservationState::Expired,
        _ => return Err(row.corrupt("state")),
    };
    let expires_at = row.time("expires_at")?;
    Ok(ReservationRow { id, organization, feature, quantity, state, expires_at, period_start })
}

async fn load(tx: &mut Tx, organization: &str, id: &str) -> StoreResult<Option<ReservationRow>> {
    tx.row(
        "select id, organization_id, feature_id, period_start, quantity, state, confirmed,
                expires_at
         from usage_reservations where organization_id = $1 and id = $2
         /*pg for update*/",
        values![organization, id],
    )
    .await?
    .map(reservation_row)
    .transpose()
}

/// Ends a held reservation: `confirmed` of it is counted, all of it is no longer held.
async fn end(
    tx: &mut Tx,
    row: &ReservationRow,
    state: &'static str,
    confirmed: i64,
    now: Timestamp,
) -> StoreResult<()> {
    const DAY_MS: i64 = 86_400_000;
    tx.execute(
        "update usage_reservations set state = $2, confirmed = $3
         where id = $1 and state = 'held'",
        values![row.id.as_str(), state, (state == "confirmed").then_some(confirmed)],
    )
    .await?;
    // Counted in the period it was held in, also when that is over by now.
    tx.execute(
        "update usage_counters
         set reserved = reserved - $4, used = used + $5, updated_at = $6
         where organization_id = $1 and feature_id = $2 and period_start = $3",
        values![
            row.organization.as_str(),
            row.feature.as_str(),
            row.period_start,
            row.quantity,
            confirmed,
            now
        ],
    )
    .await?;
    if confirmed > 0 {
        tx.execute(
            "insert into usage_days (organization_id, feature_id, day, used)
             values ($1, $2, $3, $4)
             on conflict (organization_id, feature_id, day) do update set
                 used = usage_days.used + excluded.used",
            values![
                row.organization.as_str(),
                row.feature.as_str(),
                now.as_millis().div_euclid(DAY_MS) * DAY_MS,
                confirmed
            ],
        )
        .await?;
    }
    Ok(())
}

impl Store {
    /// Ends a reservation of an organisation and gives it as it is afterwards; none when there is
    /// none. Ending it again the same way changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has ended in another way, or more is to be confirmed than is
    /// held.
    pub async fn end_reservation(
        &self,
        organization: &OrganizationId,
        id: &str,
        how: ReservationEnd,
        now: Timestamp,
    ) -> StoreResult<Option<ReservationRow>> {
        let (organization, id) = (organization.as_str().to_owned(), id.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let Some(row) = load(tx, &organization, &id).await? else { return Ok(None) };
                let over = row.state == ReservationState::Held && row.expires_at <= now;
                if over {
                    end(tx, &row, "expired", 0, now).await?;
                    return load(tx, &organization, &id).await;
                }
                match (row.state, how) {
                    (ReservationState::Held, ReservationEnd::Confirm(part)) => {
                        let part = part.unwrap_or(row.quantity);
                        if part > row.quantity || part < 0 {
                            return Err(StoreError::Stale);
                        }
                        end(tx, &row, "confirmed", part, now).await?;
                    }
                    (ReservationState::Held, ReservationEnd::Release) => {
                        end(tx, &row, "released", 0, now).await?;
                    }
                    (ReservationState::Confirmed(n), ReservationEnd::Confirm(part))
                        if part.is_none_or(|part| part == n) => {}
                    (ReservationState::Released, ReservationEnd::Release) => {}
                    _ => return Err(StoreError::Stale),
                }
                load(tx, &organization, &id).await
            })
        })
        .await
    }

    /// Returns what expired reservations held and counts them, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn expire_reservations(&self, now: Timestamp, limit: u32) -> StoreResult<usize> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select id, organization_id, feature_id, period_start, quantity, state,
                                confirmed, expires_at
                         from usage_reservations
                         where state = 'held' and expires_at <= $1
                         order by organization_id, feature_id, period_start limit $2
                         /*pg for update skip locked*/",
                        values![now, limit],
                    )
                    .await?;
                let rows: Vec<ReservationRow> =
                    rows.into_iter().map(reservation_row).collect::<StoreResult<_>>()?;
                for row in &rows {
                    end(tx, row, "expired", 0, now).await?;
                }
                Ok(rows.len())
            })
        })
        .await
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
                         order by at desc, threshold desc limit $2",
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
}

/// A threshold that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageAlertRow {
    /// Of what.
    pub feature: FeatureId,
    /// In the period that began then; the epoch for a level.
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

impl ReservationRow {
    /// The part of a counter that it holds now.
    #[must_use]
    pub fn holds(&self) -> Counter {
        let reserved = if self.state == ReservationState::Held { self.quantity } else { 0 };
        Counter { used: 0, reserved }
    }
}
