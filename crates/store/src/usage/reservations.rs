//! Reservations: quantities held until they are confirmed, released or expired.

use super::counters::{Book, CounterKey, Wanted};
use super::standing::Standings;
use super::{UsageAct, UsageCall, UsageRules, alerts};
use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::catalogue::FeatureId;
use domain::ids::{OrganizationId, ReservationId};
use domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

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

/// Ends a held reservation: `confirmed` of it is counted, all of it is no longer held. It is
/// counted in the period it was held in, also when that is over by now.
async fn end(
    tx: &mut Tx,
    row: &ReservationRow,
    state: &'static str,
    confirmed: i64,
    now: Timestamp,
    rules: &UsageRules,
) -> StoreResult<()> {
    tx.execute(
        "update usage_reservations set state = $2, confirmed = $3
         where id = $1 and state = 'held'",
        values![row.id.as_str(), state, (state == "confirmed").then_some(confirmed)],
    )
    .await?;
    let organization = row.organization.as_str();
    let call = UsageCall {
        organization: row.organization.clone(),
        feature: row.feature.clone(),
        quantity: confirmed,
        idempotency_key: None,
        act: UsageAct::Record,
        now,
    };
    let mut standings = Standings::load(tx, &BTreeSet::from([organization])).await?;
    // A feature that is no longer in the catalogue is counted, but has no limit to tell of.
    let applies = standings.applies(tx, &call, rules).await?.ok();
    let key = row.counter_key();
    let wanted = Wanted { period_end: None, now };
    let mut book = Book::open(tx, BTreeMap::from([(key.clone(), wanted)])).await?;
    book.end_hold(&key, row.quantity, confirmed, now, applies)?;
    alerts::tell(tx, &mut book, rules).await?;
    book.close(tx).await
}

impl ReservationRow {
    fn counter_key(&self) -> CounterKey {
        let feature = self.feature.as_str().to_owned();
        (self.organization.as_str().to_owned(), feature, self.period_start)
    }
}

impl Store {
    /// Ends a reservation of an organisation and gives it as it is afterwards; none when there is
    /// none. Ending it again the same way changes nothing, and one whose time is over is expired
    /// whatever is asked. It stays held when more is to be confirmed than it holds.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has ended in another way.
    pub async fn end_reservation(
        &self,
        organization: &OrganizationId,
        id: &str,
        how: ReservationEnd,
        now: Timestamp,
        rules: UsageRules,
    ) -> StoreResult<Option<ReservationRow>> {
        let (organization, id) = (organization.as_str().to_owned(), id.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let Some(row) = load(tx, &organization, &id).await? else { return Ok(None) };
                match (row.state, how) {
                    (ReservationState::Held, _) if row.expires_at <= now => {
                        end(tx, &row, "expired", 0, now, &rules).await?;
                    }
                    (ReservationState::Held, ReservationEnd::Confirm(part)) => {
                        let part = part.unwrap_or(row.quantity);
                        if !(0..=row.quantity).contains(&part) {
                            return Ok(Some(row));
                        }
                        end(tx, &row, "confirmed", part, now, &rules).await?;
                    }
                    (ReservationState::Held, ReservationEnd::Release) => {
                        end(tx, &row, "released", 0, now, &rules).await?;
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

    /// Returns what expired reservations held, of at most `limit` counters, and counts the
    /// reservations. Decisions do so by themselves; this is for counters that nobody asks about.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn expire_reservations(&self, now: Timestamp, limit: u32) -> StoreResult<usize> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select distinct organization_id, feature_id, period_start
                         from usage_reservations
                         where state = 'held' and expires_at <= $1
                         order by organization_id, feature_id, period_start limit $2",
                        values![now, limit],
                    )
                    .await?;
                let mut wanted = BTreeMap::new();
                for row in rows {
                    let mut row = row.of("usage_reservations");
                    let organization = row.text("organization_id")?;
                    let key = (organization, row.text("feature_id")?, row.int("period_start")?);
                    wanted.insert(key, Wanted { period_end: None, now });
                }
                let book = Book::open(tx, wanted).await?;
                let expired = book.expired;
                book.close(tx).await?;
                Ok(expired)
            })
        })
        .await
    }
}
