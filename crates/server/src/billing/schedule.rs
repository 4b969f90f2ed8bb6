//! Changing plans with the end of the period, by a schedule at Stripe of two phases: what runs now
//! until it ends, then the new plan, after which the schedule lets go.
//!
//! What a schedule is going to do is not in the mirrored subscription, which only names it. So it
//! is kept in a table of its own, written from Stripe's answer whenever we change a schedule, and
//! read from Stripe when somebody else (the portal, the dashboard) made it, and again when what we
//! know of it is old.

use super::change::Present;
use super::checkout::Sold;
use super::intents::{Carried, Deed};
use super::{Billing, BillingError, BillingResult, ScheduledChange, Standing};
use domain::ids::OrganizationId;
use domain::mirror::{ScheduledPrice, Subscription};
use domain::time::{Span, Timestamp};
use store::ScheduledRow;
use stripe::form::Params;
use stripe::objects::{ScheduleStatus, SubscriptionSchedule};

/// How often a schedule is made again when others were faster.
const TRIES: u32 = 3;
/// After this time what was read of a schedule is read again: somebody may have changed it in the
/// portal or the dashboard.
const READ_AGAIN_AFTER: Span = Span::hours(1);

impl Billing {
    /// Says whether the change is scheduled now; if not, somebody else was faster and the caller
    /// plans again.
    pub(super) async fn schedule_change(
        &self,
        org: &OrganizationId,
        present: &Present<'_>,
        sold: &Sold<'_>,
    ) -> BillingResult<bool> {
        let id = present.one.id.as_str();
        let schedule = match present.one.schedule.as_ref().and_then(|one| one.object()) {
            Some(schedule) => schedule.clone(),
            None => {
                let params = Params::new().set("from_subscription", id);
                match self.intend(org, Deed::CreateSchedule, id, params).await {
                    Ok((Carried::Schedule(made), _)) => *made,
                    Ok(_) => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
        };
        let params = phases(present, sold, &schedule);
        match self.intend(org, Deed::SetPhases, &schedule.id, params).await {
            Ok((Carried::Schedule(made), true)) => {
                self.keep(org, id, &made).await?;
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes a scheduled change back; the running plan goes on.
    ///
    /// # Errors
    /// [`BillingError::NothingToResume`] when none is scheduled, [`BillingError::NotSubscribed`];
    /// when Stripe is not available.
    pub async fn withdraw_change(&self, org: &OrganizationId) -> BillingResult<Standing> {
        let _turn = self.turn(org).await;
        let present = self.present(org).await?;
        let Some(schedule) = present.schedule_id() else {
            return Err(BillingError::NothingToResume);
        };
        self.release(org, &present.one.id, &schedule).await?;
        self.after_write(org, &present.one.id).await
    }

    /// Lets a subscription go on without its schedule.
    pub(super) async fn release(
        &self,
        org: &OrganizationId,
        subscription: &str,
        schedule: &str,
    ) -> BillingResult<()> {
        let released = self.intend(org, Deed::ReleaseSchedule, schedule, Params::new()).await;
        match released {
            Ok(_) => {}
            // It let go by itself in the meantime: then there is nothing left to do.
            Err(error @ BillingError::StripeRefused { .. }) => {
                if self.fresh(subscription).await?.schedule_id().is_some() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(self.0.store.forget_scheduled(schedule).await?)
    }

    /// Schedules a change again that was taken back for an upgrade which was then refused: who
    /// agreed to a downgrade keeps it. A wish that somebody else had since goes first. The refusal
    /// is what the caller has to tell, so a failure here is only logged.
    pub(super) async fn schedule_again(
        &self,
        org: &OrganizationId,
        before: &Present<'_>,
        change: &ScheduledPrice,
    ) {
        let id = before.one.id.as_str();
        if let Err(error) = self.try_to_schedule_again(org, before, change).await {
            tracing::error!(
                organization.id = %org,
                subscription.id = id,
                "The change of `{id}` to `{}`, taken back for an upgrade that failed, could not be \
                 scheduled again: {error}",
                change.price
            );
        }
    }

    async fn try_to_schedule_again(
        &self,
        org: &OrganizationId,
        before: &Present<'_>,
        change: &ScheduledPrice,
    ) -> BillingResult<()> {
        let sold = self.0.catalogue.sold_by(&change.price).and_then(|(plan, interval)| {
            let amount = plan.price(interval)?.amount;
            Some(Sold { plan, interval, amount, price: &change.price })
        });
        // Made by hand at Stripe, with a price of which nothing is known here.
        let Some(sold) = sold else { return Err(BillingError::NothingToChange) };
        for _ in 0..TRIES {
            let present = self.present_untouched(org).await?;
            let same = present.one.id == before.one.id && present.price == before.price;
            if !same || present.one.is_ending() || present.scheduled().is_some() {
                return Ok(());
            }
            if self.schedule_change(org, &present, &sold).await? {
                return Ok(());
            }
        }
        Err(BillingError::Busy)
    }

    /// What is scheduled for a subscription.
    pub(super) async fn scheduled_change(
        &self,
        org: &OrganizationId,
        one: &Subscription,
    ) -> BillingResult<Option<ScheduledChange>> {
        let Some(schedule) = &one.schedule else { return Ok(None) };
        let known = self.0.store.scheduled(&one.id).await?;
        let known = known.filter(|row| row.schedule == *schedule);
        let recent = self.0.world.now().minus(READ_AGAIN_AFTER);
        let change = match known {
            Some(row) if row.read_at > recent => row.change,
            known => {
                let asked = Params::new();
                match self.0.stripe.subscription_schedules().retrieve(schedule, &asked).await {
                    Ok(found) => self.keep(org, &one.id, &found.object).await?,
                    Err(error) => {
                        tracing::warn!("Schedule `{schedule}` could not be read: {error}");
                        known.and_then(|row| row.change)
                    }
                }
            }
        };
        // Once the change was made the schedule may stay for a while without a say.
        let change = change.filter(|change| one.price.as_ref() != Some(&change.price));
        Ok(change.and_then(|change| {
            let (plan, interval) = self.0.catalogue.sold_by(&change.price)?;
            Some(ScheduledChange { plan: self.name_of(&plan.id), interval, at: change.at })
        }))
    }

    async fn keep(
        &self,
        org: &OrganizationId,
        subscription: &str,
        schedule: &SubscriptionSchedule,
    ) -> BillingResult<Option<ScheduledPrice>> {
        let change = following(schedule);
        self.0
            .store
            .keep_scheduled(ScheduledRow {
                subscription: subscription.to_owned(),
                organization: org.clone(),
                schedule: schedule.id.clone(),
                change: change.clone(),
                read_at: self.0.world.now(),
            })
            .await?;
        Ok(change)
    }
}

/// The price that follows the running phase. Reckoned from the schedule's own dates rather than
/// from our clock, since a subscription may live by a test clock.
pub(super) fn following(schedule: &SubscriptionSchedule) -> Option<ScheduledPrice> {
    if schedule.status != ScheduleStatus::Active {
        return None;
    }
    let ends = schedule.current_phase?.end_date;
    let next = schedule.phases.iter().find(|phase| phase.start_date >= ends)?;
    Some(ScheduledPrice {
        price: next.items.first()?.price.id().to_owned(),
        at: Timestamp::from_seconds(next.start_date),
    })
}

fn phases(present: &Present<'_>, sold: &Sold<'_>, schedule: &SubscriptionSchedule) -> Params {
    let one = &present.one;
    let running = schedule.current_phase.map(|phase| phase.start_date);
    let start = running
        .or_else(|| schedule.phases.first().map(|phase| phase.start_date))
        .or_else(|| one.current_period_start());
    let end = present.period_end.as_seconds();
    // A phase that names no payment method would fall back to the customer's, but Checkout
    // stores the card on the subscription.
    let card = one.default_payment_method_id();
    let first = Params::new()
        .set("items[0][price]", &present.price)
        .set("items[0][quantity]", present.quantity)
        .set("start_date", start)
        .set("end_date", end)
        .set("trial_end", one.trial_end.filter(|trial| *trial >= end))
        .set("default_payment_method", card);
    let second = Params::new()
        .set("items[0][price]", sold.price)
        .set("items[0][quantity]", present.quantity)
        .set("duration[interval]", sold.interval.stripe_name())
        .set("duration[interval_count]", 1)
        .set("proration_behavior", "none")
        .set("default_payment_method", card);
    Params::new()
        .set("end_behavior", "release")
        .set("proration_behavior", "none")
        .list("phases", [first, second])
}
