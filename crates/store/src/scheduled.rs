//! What Stripe's schedules will change: one row per subscription that has a schedule.
//!
//! The mirrored subscription says only that a schedule steers it. What the schedule is going to do
//! is read from Stripe when we change it, and once when somebody else made it, and kept here.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::values;
use domain::ids::OrganizationId;
use domain::mirror::ScheduledPrice;
use domain::time::Timestamp;

/// What a schedule will change, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledRow {
    /// The subscription it steers, `sub_…`.
    pub subscription: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The schedule, `sub_sched_…`.
    pub schedule: String,
    /// The price that follows; none when the schedule changes nothing more.
    pub change: Option<ScheduledPrice>,
    /// When it was read.
    pub read_at: Timestamp,
}

impl Store {
    /// Remembers what a schedule will change.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn keep_scheduled(&self, row: ScheduledRow) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "insert into scheduled_changes
                         (subscription_id, organization_id, schedule_id, price_id, starts_at,
                          read_at)
                     values ($1, $2, $3, $4, $5, $6)
                     on conflict (subscription_id) do update set
                         schedule_id = excluded.schedule_id, price_id = excluded.price_id,
                         starts_at = excluded.starts_at, read_at = excluded.read_at
                     where scheduled_changes.read_at <= excluded.read_at",
                    values![
                        row.subscription,
                        row.organization.as_str(),
                        row.schedule,
                        row.change.as_ref().map(|change| change.price.clone()),
                        row.change.as_ref().map(|change| change.at),
                        row.read_at,
                    ],
                )
                .await
                .map(|_| ())
            })
        })
        .await
    }

    /// What the schedule of a subscription will change, as far as it was read.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn scheduled(&self, subscription: &str) -> StoreResult<Option<ScheduledRow>> {
        let subscription = subscription.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "select subscription_id, organization_id, schedule_id, price_id,
                                starts_at, read_at
                         from scheduled_changes where subscription_id = $1",
                        values![subscription],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let mut row = row.of("scheduled_changes");
                let subscription = row.text("subscription_id")?;
                let organization = OrganizationId::trusted(row.text("organization_id")?);
                let schedule = row.text("schedule_id")?;
                let (price, at) = (row.opt_text("price_id")?, row.opt_time("starts_at")?);
                let change = price.zip(at).map(|(price, at)| ScheduledPrice { price, at });
                let read_at = row.time("read_at")?;
                Ok(Some(ScheduledRow { subscription, organization, schedule, change, read_at }))
            })
        })
        .await
    }

    /// Forgets what a schedule will change, so that the next who asks reads it again: called when
    /// Stripe says that the schedule was changed.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn forget_scheduled(&self, schedule: &str) -> StoreResult<()> {
        let schedule = schedule.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "delete from scheduled_changes where schedule_id = $1",
                    values![schedule],
                )
                .await
                .map(|_| ())
            })
        })
        .await
    }
}
