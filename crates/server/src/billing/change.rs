//! Changing plans: what it costs, and the change at once. The change with the end of the period is
//! in `schedule`.
//!
//! An upgrade is sent with `proration_behavior=always_invoice`, so that it is charged now, and
//! `payment_behavior=error_if_incomplete`, with which Stripe answers 402 and changes nothing when
//! the payment fails: no half-paid upgrade is left behind that could still happen later, as a
//! pending update would.

use super::checkout::{Sold, is_live};
use super::intents::{Carried, Deed, params_of};
use super::schedule::following;
use super::{
    Agreed, Billing, BillingError, BillingResult, ChangePreview, Choice, PreviewLine, Standing,
    When,
};
use crate::apply::ObjectRef;
use domain::catalogue::{Interval, Plan};
use domain::entitlement::entitlement;
use domain::ids::OrganizationId;
use domain::mirror::ScheduledPrice;
use domain::money::{Currency, Money};
use domain::time::Timestamp;
use store::StoreError;
use stripe::client::{Fetched, ReadAt};
use stripe::form::Params;
use stripe::objects::{self as wire, InvoicePreview, SubscriptionStatus};

/// How often a plan is made again when others were faster.
const TRIES: u32 = 5;
/// How old a preview may be when it is agreed to, in seconds: an older one would let a caller
/// choose the moment from which it pays.
const PREVIEW_LIFE: i64 = 30 * 60;
/// How far ahead of Stripe's own clock a preview may be, in seconds: its times are whole seconds.
const PREVIEW_AHEAD: i64 = 5;
/// What may be under way with a subscription.
const WITH_SUBSCRIPTION: [Deed; 4] =
    [Deed::CancelNow, Deed::ChangePlan, Deed::CreateSchedule, Deed::EndWithPeriod];
/// What may be under way with its schedule.
const WITH_SCHEDULE: [Deed; 2] = [Deed::SetPhases, Deed::ReleaseSchedule];

/// A subscription as it is at Stripe now.
#[derive(Debug)]
pub(super) struct Present<'a> {
    pub(super) one: wire::Subscription,
    pub(super) item: String,
    pub(super) price: String,
    pub(super) quantity: i64,
    pub(super) current: Option<(&'a Plan, Interval)>,
    pub(super) period_end: Timestamp,
    read_at: ReadAt,
}

impl Present<'_> {
    /// The schedule that steers it.
    pub(super) fn schedule_id(&self) -> Option<String> {
        self.one.schedule_id().map(ToOwned::to_owned)
    }

    /// What its schedule is going to do.
    pub(super) fn scheduled(&self) -> Option<ScheduledPrice> {
        following(self.one.schedule.as_ref()?.object()?)
    }

    /// When a change to `to` takes effect unless somebody says otherwise: what costs more at
    /// once, what costs less with the end of what is paid for.
    fn usual_time(&self, to: &Sold<'_>) -> When {
        match self.current {
            Some((plan, _)) if plan.rank < to.plan.rank => When::Now,
            Some((plan, Interval::Monthly))
                if plan.id == to.plan.id && to.interval == Interval::Yearly =>
            {
                When::Now
            }
            Some(_) => When::PeriodEnd,
            // A price that left the catalogue: its worth is unknown, so nothing is taken away.
            None => When::PeriodEnd,
        }
    }

    fn check_changeable(&self) -> BillingResult<()> {
        let reason = match &self.one.status {
            SubscriptionStatus::Active | SubscriptionStatus::Trialing if self.one.is_ending() => {
                "It is going to end. Resume it first."
            }
            SubscriptionStatus::Active | SubscriptionStatus::Trialing => return Ok(()),
            SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid => {
                "A payment is overdue. Settle it first."
            }
            SubscriptionStatus::Paused => "It is paused. Add a payment method first.",
            _ => "It is in a state in which its plan cannot be changed.",
        };
        Err(BillingError::NotChangeable { reason })
    }

    /// Whether a preview of that second may still be agreed to.
    fn check_proration_date(&self, date: i64) -> BillingResult<()> {
        let within = self.one.current_period_start().is_none_or(|start| start <= date)
            && date <= self.period_end.as_seconds();
        // By Stripe's clock, which made the preview; a subscription on a test clock lives by
        // another one that we cannot ask.
        let recent = self.one.test_clock_id().is_some()
            || (self.read_at.from.saturating_sub(PREVIEW_LIFE) <= date
                && date <= self.read_at.to.saturating_add(PREVIEW_AHEAD));
        if within && recent { Ok(()) } else { Err(BillingError::PreviewExpired) }
    }
}

impl Billing {
    /// A subscription as it is at Stripe now, with its schedule.
    pub(super) async fn fresh(&self, id: &str) -> BillingResult<wire::Subscription> {
        let asked = Params::new().expand("schedule");
        Ok(self.0.stripe.subscriptions().retrieve(id, &asked).await?.object)
    }

    /// The live subscription that decides, as the mirror knows it.
    pub(super) async fn live_id(&self, org: &OrganizationId) -> BillingResult<String> {
        let state = self.state(org).await?;
        let now = self.0.world.now();
        let decided = entitlement(&state.facts(), &self.0.catalogue, self.0.policy, now);
        let mut live = state.subscriptions.iter().map(|row| &row.object).filter(|one| is_live(one));
        let counted = live.clone().find(|one| Some(&one.id) == decided.subscription.as_ref());
        let found = counted.or_else(|| live.next()).ok_or(BillingError::NotSubscribed)?;
        Ok(found.id.clone())
    }

    /// The organisation's subscription as it is at Stripe, after everything that was begun with
    /// it is finished.
    pub(super) async fn present(&self, org: &OrganizationId) -> BillingResult<Present<'_>> {
        let id = self.live_id(org).await?;
        self.settle(&WITH_SUBSCRIPTION, &id).await?;
        let asked = Params::new().expand("schedule");
        let mut found = self.0.stripe.subscriptions().retrieve(&id, &asked).await?;
        if let Some(schedule) = found.object.schedule_id()
            && self.settle(&WITH_SCHEDULE, schedule).await?
        {
            found = self.0.stripe.subscriptions().retrieve(&id, &asked).await?;
        }
        self.present_of(found).await
    }

    /// The organisation's subscription as it is at Stripe, for those who only look: refused while
    /// anything is under way with it, since finishing that could charge or cancel.
    pub(super) async fn present_untouched(
        &self,
        org: &OrganizationId,
    ) -> BillingResult<Present<'_>> {
        let id = self.live_id(org).await?;
        self.refuse_under_way(&WITH_SUBSCRIPTION, &id).await?;
        let asked = Params::new().expand("schedule");
        let found = self.0.stripe.subscriptions().retrieve(&id, &asked).await?;
        if let Some(schedule) = found.object.schedule_id() {
            self.refuse_under_way(&WITH_SCHEDULE, schedule).await?;
        }
        self.present_of(found).await
    }

    async fn present_of(&self, found: Fetched<wire::Subscription>) -> BillingResult<Present<'_>> {
        let (one, read_at) = (found.object, found.read_at);
        if !one.status.is_live() {
            self.0.apply.sync_object(&ObjectRef::Subscription(one.id)).await?;
            return Err(BillingError::NotSubscribed);
        }
        let sells = |item: &&wire::SubscriptionItem| {
            self.0.catalogue.sold_by(item.price.id.as_str()).is_some()
        };
        let item = one.items.data.iter().find(sells).or_else(|| one.items.data.first());
        let Some(item) = item else { return Err(BillingError::NotSubscribed) };
        let period_end = item.current_period_end.or_else(|| one.current_period_end());
        Ok(Present {
            item: item.id.clone(),
            price: item.price.id.clone(),
            quantity: item.quantity.unwrap_or(1),
            current: self.0.catalogue.sold_by(&item.price.id),
            period_end: period_end.map_or_else(|| self.0.world.now(), Timestamp::from_seconds),
            read_at,
            one,
        })
    }

    /// What a change of plan would cost, and when it would take effect. Nothing is changed.
    ///
    /// # Errors
    /// [`BillingError::NotSubscribed`], [`BillingError::NothingToChange`],
    /// [`BillingError::NotChangeable`], [`BillingError::PlanUnknown`],
    /// [`BillingError::PlanNotSold`]; [`BillingError::Busy`] while another change is under way;
    /// when Stripe is not available.
    pub async fn preview_plan_change(
        &self,
        org: &OrganizationId,
        choice: &Choice,
        when: Option<When>,
    ) -> BillingResult<ChangePreview> {
        let sold = self.sold(choice)?;
        let present = self.present_untouched(org).await?;
        if present.price == sold.price {
            return Err(BillingError::NothingToChange);
        }
        present.check_changeable()?;
        let when = when.unwrap_or_else(|| present.usual_time(&sold));
        let none = Money::new(0, sold.amount.currency);
        let renewal = sold.amount.minor.saturating_mul(present.quantity);
        let mut preview = ChangePreview {
            plan: self.name_of(&sold.plan.id),
            interval: sold.interval,
            when,
            amount_due: none,
            credit: none,
            lines: Vec::new(),
            proration_date: None,
            effective_at: present.period_end,
            renews_at: Some(present.period_end),
            renewal_amount: Money::new(renewal, sold.amount.currency),
        };
        if when == When::PeriodEnd {
            return Ok(preview);
        }
        let (reckoned, date) = self.reckon(&present, &sold, None).await?;
        let currency = currency_of(&reckoned)?;
        preview.amount_due = Money::new(reckoned.amount_due, currency);
        preview.credit = Money::new(reckoned.total.saturating_neg().max(0), currency);
        preview.lines = reckoned
            .lines
            .data
            .iter()
            .map(|line| PreviewLine {
                description: line.description.clone().unwrap_or_default(),
                amount: Money::new(line.amount, currency),
            })
            .collect();
        preview.proration_date = Some(date);
        preview.effective_at = Timestamp::from_seconds(date);
        let billed = reckoned.lines.data.iter().filter(|line| line.amount >= 0);
        let until = billed.map(|line| line.period.end).filter(|end| *end > date).max();
        preview.renews_at = until.map(Timestamp::from_seconds).or(preview.renews_at);
        Ok(preview)
    }

    /// Asks Stripe what the change would cost from the second `date` on, its own present one by
    /// default, and which second that was.
    async fn reckon(
        &self,
        present: &Present<'_>,
        sold: &Sold<'_>,
        date: Option<i64>,
    ) -> BillingResult<(InvoicePreview, i64)> {
        let details = Params::new()
            .set("items[0][id]", &present.item)
            .set("items[0][price]", sold.price)
            .set("proration_behavior", "always_invoice")
            .set("proration_date", date);
        let params = Params::new()
            .set("subscription", &present.one.id)
            .nest("subscription_details", details);
        let made = self.0.stripe.invoices().create_preview(&params, &self.passing_key()).await?;
        let stripes_date = made.object.subscription_proration_date();
        let date = date.or(stripes_date).unwrap_or(made.read_at.to);
        Ok((made.object, date))
    }

    /// Changes the plan, now or with the end of the period. With what was agreed to, the charged
    /// amount is the previewed one. A change now takes a scheduled one back.
    ///
    /// Asking for the plan one has takes a scheduled change back, and is otherwise no error, so
    /// that a request whose answer was lost can be sent again.
    ///
    /// # Errors
    /// [`BillingError::AmountChanged`], [`BillingError::PreviewExpired`],
    /// [`BillingError::PaymentFailed`] and those of [`Self::preview_plan_change`]; in all of them
    /// the old plan stays, and so does a change that was scheduled.
    pub async fn change_plan(
        &self,
        org: &OrganizationId,
        choice: &Choice,
        when: Option<When>,
        agreed: Agreed,
    ) -> BillingResult<Standing> {
        let sold = self.sold(choice)?;
        let _turn = self.turn(org).await;
        let mut taken_back = None;
        for _ in 0..TRIES {
            let present = self.present(org).await?;
            if present.price == sold.price {
                if let Some(schedule) = present.schedule_id() {
                    self.release(org, &present.one.id, &schedule).await?;
                }
                return self.after_write(org, &present.one.id).await;
            }
            present.check_changeable()?;
            let changed = match when.unwrap_or_else(|| present.usual_time(&sold)) {
                When::Now => {
                    if let Some(change) = present.scheduled() {
                        taken_back = Some((present.price.clone(), change));
                    }
                    let changed = self.change_now(org, &present, &sold, agreed).await;
                    if let Err(
                        BillingError::PaymentFailed { .. } | BillingError::StripeRefused { .. },
                    ) = changed
                    {
                        if let Some((price, change)) = &taken_back
                            && *price == present.price
                        {
                            self.schedule_again(org, &present, change).await;
                        }
                        self.sync_quietly(ObjectRef::Subscription(present.one.id.clone())).await;
                    }
                    changed?
                }
                When::PeriodEnd => self.schedule_change(org, &present, &sold).await?,
            };
            if changed {
                return self.after_write(org, &present.one.id).await;
            }
        }
        Err(BillingError::Busy)
    }

    /// Says whether it changed the plan; if not, somebody else was faster and the caller plans
    /// again.
    async fn change_now(
        &self,
        org: &OrganizationId,
        present: &Present<'_>,
        sold: &Sold<'_>,
        agreed: Agreed,
    ) -> BillingResult<bool> {
        if let Some(date) = agreed.proration_date {
            present.check_proration_date(date)?;
        }
        let (reckoned, date) = self.reckon(present, sold, agreed.proration_date).await?;
        if let Some(previewed) = agreed.amount_due
            && previewed != reckoned.amount_due
        {
            let currency = currency_of(&reckoned)?;
            return Err(BillingError::AmountChanged {
                previewed: Money::new(previewed, currency),
                now: Money::new(reckoned.amount_due, currency),
            });
        }
        let id = present.one.id.as_str();
        if let Some(schedule) = present.schedule_id() {
            self.release(org, id, &schedule).await?;
        }
        let params = Params::new()
            .set("items[0][id]", &present.item)
            .set("items[0][price]", sold.price)
            .set("proration_behavior", "always_invoice")
            .set("proration_date", date)
            .set("payment_behavior", "error_if_incomplete");
        let new = self.new_intent(org, Deed::ChangePlan, id, params);
        let own = new.id.clone();
        let intent = match self.0.store.open_intent(new, self.0.world.now()).await {
            Ok(intent) => intent,
            Err(StoreError::Stale) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if intent.id != own {
            self.settle(&[Deed::ChangePlan], id).await?;
            return Ok(false);
        }
        // From here on no other node changes the plan. What the amount was agreed for must still
        // be so: another change may have been finished between our look and our intent.
        let still = self.fresh(id).await?;
        if !still
            .items
            .data
            .iter()
            .any(|one| one.id == present.item && one.price.id == present.price)
        {
            self.drop_intent(&intent).await?;
            return Ok(false);
        }
        match self.carry_out(&intent).await {
            Ok(Carried::Subscription(after)) => {
                if let Some(invoice) = after.latest_invoice_id() {
                    self.sync_quietly(ObjectRef::Invoice(invoice.to_owned())).await;
                }
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) => Err(without_payment_method(error, &params_of(&intent))),
        }
    }

    /// Brings the mirror up to date after a write and tells where billing stands.
    pub(super) async fn after_write(
        &self,
        org: &OrganizationId,
        subscription: &str,
    ) -> BillingResult<Standing> {
        self.0.apply.sync_object(&ObjectRef::Subscription(subscription.to_owned())).await?;
        self.subscription(org).await
    }

    /// Brings the mirror up to date where the answer does not depend on it; the webhook does it
    /// too if this fails.
    pub(super) async fn sync_quietly(&self, object: ObjectRef) {
        if let Err(error) = self.0.apply.sync_object(&object).await {
            tracing::warn!("`{}` could not be read after a write: {error}", object.id());
        }
    }
}

/// Stripe says of a customer without any card that a resource is missing, and names no parameter.
fn without_payment_method(error: BillingError, sent: &Params) -> BillingError {
    match error {
        BillingError::StripeRefused { code, source: Some(source) }
            if code == "resource_missing"
                && source
                    .api()
                    .and_then(|problem| problem.param.as_deref())
                    .is_none_or(|param| sent.get(param).is_none()) =>
        {
            BillingError::PaymentFailed {
                reason: super::error::reason_of_decline(Some(&code), None).to_owned(),
                decline_code: None,
            }
        }
        other => other,
    }
}

fn currency_of(preview: &InvoicePreview) -> BillingResult<Currency> {
    Currency::parse(&preview.currency).map_err(|_| BillingError::StripeUnavailable { source: None })
}
