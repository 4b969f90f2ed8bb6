//! Opening a checkout: one customer, one open session, and none beside a live subscription.
//!
//! The order of steps is what makes it safe. A session can be paid at any moment, so before a new
//! one is opened the old one is made unusable at Stripe, which refuses that exactly when it was
//! paid in the meantime; and a session is opened only under an intent, of which there is one.

use super::customer::Payer;
use super::intents::{Carried, Deed, INTERVAL_KEY, PLAN_KEY, USER_KEY, params_of};
use super::{
    Billing, BillingError, BillingResult, CheckoutProgress, CheckoutRequest, Choice, OpenCheckout,
};
use crate::apply::{ORGANIZATION_KEY, ObjectRef};
use domain::catalogue::{Interval, Plan};
use domain::entitlement::BillingStatus;
use domain::ids::{OrganizationId, UserId};
use domain::mirror::{Subscription, SubscriptionStatus};
use domain::money::Money;
use domain::time::Span;
use store::{CheckoutRow, CheckoutSlot, CheckoutState, OrganizationState, StoreError};
use stripe::client::IdempotencyKey;
use stripe::form::Params;
use stripe::objects as wire;

/// How often a plan is made again when others were faster.
const TRIES: u32 = 8;
/// A session that ends this soon is no longer handed out.
const LAST_MINUTES: Span = Span::minutes(5);

/// Something that can be bought now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sold<'a> {
    pub(super) plan: &'a Plan,
    pub(super) interval: Interval,
    pub(super) amount: Money,
    pub(super) price: &'a str,
}

/// Whether a subscription stands in the way of another one.
pub(super) fn is_live(one: &Subscription) -> bool {
    !one.status.has_ended() && one.status != SubscriptionStatus::Incomplete
}

impl Billing {
    /// What a choice costs, if it is sold.
    pub(super) fn sold(&self, choice: &Choice) -> BillingResult<Sold<'_>> {
        let plan = self
            .0
            .catalogue
            .plan(&choice.plan)
            .ok_or_else(|| BillingError::PlanUnknown { plan: choice.plan.clone() })?;
        plan.price(choice.interval)
            .and_then(|price| {
                let id = price.stripe_price.as_deref()?;
                Some(Sold { plan, interval: choice.interval, amount: price.amount, price: id })
            })
            .ok_or_else(|| BillingError::PlanNotSold {
                plan: choice.plan.clone(),
                interval: choice.interval,
            })
    }

    /// Opens a checkout, or gives the one that is open for the same choice.
    ///
    /// # Errors
    /// [`BillingError::AlreadySubscribed`] beside a live subscription;
    /// [`BillingError::RateLimited`] after ten calls of a user within a minute;
    /// [`BillingError::PlanUnknown`], [`BillingError::PlanNotSold`], [`BillingError::ForeignUrl`];
    /// what Stripe refuses, and when it is not available.
    pub async fn start_checkout(
        &self,
        org: &OrganizationId,
        user: Option<&UserId>,
        request: CheckoutRequest,
    ) -> BillingResult<OpenCheckout> {
        let now = self.0.world.now();
        if let Err(retry_after) = self.0.pace.count(user.map(UserId::as_str), org.as_str(), now) {
            tracing::warn!(
                organization.id = %org,
                user.id = user.map(UserId::as_str),
                "Refused a checkout: too many within a minute"
            );
            return Err(BillingError::RateLimited { retry_after });
        }
        let sold = self.sold(&request.choice)?;
        let success = self.0.addresses.success(request.success_url.as_deref())?;
        let cancel = self.0.addresses.cancel(request.cancel_url.as_deref())?;
        let _turn = self.turn(org).await;
        let mut customer_checked = false;
        for _ in 0..TRIES {
            self.refuse_beside_live(org).await?;
            let payer = self.payer(org).await?;
            match self.refuse_beside_live_at_stripe(org, &payer).await {
                Err(error) if !customer_checked && is_missing(&error) => {
                    customer_checked = true;
                    self.0.apply.sync_object(&ObjectRef::Customer(payer.id)).await?;
                    continue;
                }
                looked => looked?,
            }
            let mut params = Params::new()
                .set("mode", "subscription")
                .set("customer", &payer.id)
                .set("client_reference_id", org.as_str())
                .set("line_items[0][price]", sold.price)
                .set("line_items[0][quantity]", 1)
                .set("success_url", &success)
                .set("cancel_url", &cancel)
                .metadata(ORGANIZATION_KEY, org.as_str())
                .metadata(PLAN_KEY, sold.plan.id.as_str())
                .metadata(INTERVAL_KEY, sold.interval.name())
                .set(format!("subscription_data[metadata][{ORGANIZATION_KEY}]"), org.as_str());
            if let Some(user) = user {
                params = params.metadata(USER_KEY, user.as_str());
            }
            let new = self.new_intent(org, Deed::CreateCheckout, org.as_str(), params.clone());
            let slot = self.0.store.open_checkout_intent(new, self.0.world.now()).await;
            let row = match slot {
                Ok(CheckoutSlot::Open(row)) => row,
                Ok(CheckoutSlot::Intent(intent)) => match self.carry_out(&intent).await {
                    Ok(Carried::Checkout(row)) => *row,
                    Ok(_) => continue,
                    Err(error) if !customer_checked && is_missing(&error) => {
                        customer_checked = true;
                        self.0.apply.sync_object(&ObjectRef::Customer(payer.id)).await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
                Err(StoreError::Stale) => continue,
                Err(error) => return Err(error.into()),
            };
            match row.url.clone() {
                Some(url) if self.serves(&row, &params).await? => {
                    self.end_beside_live(&row).await?;
                    return Ok(OpenCheckout { id: row.id, url });
                }
                _ => self.end_session(&row).await?,
            }
        }
        Err(BillingError::Busy)
    }

    /// Whether an open session is what is asked for now: the same price and ways back, with time
    /// left to pay.
    async fn serves(&self, row: &CheckoutRow, asked: &Params) -> BillingResult<bool> {
        if row.expires_at <= self.0.world.now().plus(LAST_MINUTES) {
            return Ok(false);
        }
        let Some(intent) = self.0.store.intent(&row.intent).await? else { return Ok(false) };
        let opened = params_of(&intent);
        let same = ["customer", "line_items[0][price]", "success_url", "cancel_url"]
            .iter()
            .all(|name| opened.get(name) == asked.get(name));
        Ok(same)
    }

    /// Makes an open session unusable, or learns that it is over already.
    async fn end_session(&self, row: &CheckoutRow) -> BillingResult<()> {
        let ended =
            self.intend(&row.organization, Deed::ExpireCheckout, &row.id, Params::new()).await;
        match ended {
            Ok(_) => Ok(()),
            // Stripe expires open sessions only: this one was paid or ran out. The mirror learns
            // which, and the caller plans again.
            Err(BillingError::StripeRefused { code, source }) => {
                self.0.apply.sync_object(&ObjectRef::CheckoutSession(row.id.clone())).await?;
                match self.0.store.checkout(&row.id).await? {
                    Some(now) if now.state == CheckoutState::Open => {
                        Err(BillingError::StripeRefused { code, source })
                    }
                    _ => Ok(()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Looks once more, now that the session is recorded: a subscription that began between the
    /// first look and the session would otherwise get a second one beside it.
    async fn end_beside_live(&self, row: &CheckoutRow) -> BillingResult<()> {
        let Err(refused) = self.refuse_beside_live(&row.organization).await else { return Ok(()) };
        if matches!(refused, BillingError::AlreadySubscribed { .. })
            && let Err(error) = self.end_session(row).await
        {
            // The intent to end it stays, and the address is not given out.
            tracing::warn!("Session `{}` beside a subscription stays open: {error}", row.id);
        }
        Err(refused)
    }

    /// Refuses when the mirror has a live subscription. Since the mirror may be late, Stripe is
    /// asked before a paying organisation is turned away; when it does not answer, the mirror is
    /// believed.
    async fn refuse_beside_live(&self, org: &OrganizationId) -> BillingResult<()> {
        let state = self.state(org).await?;
        let Some(live) = live_of(&state) else { return Ok(()) };
        let looked =
            self.0.apply.sync_object(&ObjectRef::Subscription(live.object.id.clone())).await;
        if looked.is_err() {
            return Err(self.already_subscribed(&live.object));
        }
        match live_of(&self.state(org).await?) {
            Some(live) => Err(self.already_subscribed(&live.object)),
            None => Ok(()),
        }
    }

    /// The same question at Stripe: a subscription may have been made in its dashboard, or its
    /// event may be under way.
    async fn refuse_beside_live_at_stripe(
        &self,
        org: &OrganizationId,
        payer: &Payer,
    ) -> BillingResult<()> {
        if payer.is_new {
            return Ok(());
        }
        let asked = Params::new().set("customer", &payer.id);
        let found = self.0.stripe.subscriptions().pages(asked).collect(100).await?;
        let mut refused = None;
        for one in &found {
            if one.status.is_live() && one.status != wire::SubscriptionStatus::Incomplete {
                self.0.apply.sync_object(&ObjectRef::Subscription(one.id.clone())).await?;
                refused.get_or_insert_with(|| BillingError::AlreadySubscribed {
                    plan: self.plan_of_price(one.price_ids().next()),
                    status: BillingStatus::of(&SubscriptionStatus::parse(one.status.as_str())),
                });
            }
        }
        if refused.is_some()
            && let Some(live) = live_of(&self.state(org).await?)
        {
            return Err(self.already_subscribed(&live.object));
        }
        refused.map_or(Ok(()), Err)
    }

    fn already_subscribed(&self, live: &Subscription) -> BillingError {
        BillingError::AlreadySubscribed {
            plan: self.plan_of_price(live.price.as_deref()),
            status: BillingStatus::of(&live.status),
        }
    }

    /// The plan a price sells; the price itself when none of ours does.
    fn plan_of_price(&self, price: Option<&str>) -> String {
        let price = price.unwrap_or_default();
        let plan = self.0.catalogue.sold_by(price).map(|(plan, _)| plan.id.as_str());
        plan.unwrap_or(price).to_owned()
    }

    /// How a checkout stands, after looking at Stripe; for the page the browser returns to.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] for one of somebody else; when Stripe is not available.
    pub async fn checkout(
        &self,
        org: &OrganizationId,
        id: &str,
    ) -> BillingResult<CheckoutProgress> {
        let mine = |row: Option<CheckoutRow>| {
            row.filter(|row| row.organization == *org).ok_or(BillingError::NotFound)
        };
        let mut row = mine(self.0.store.checkout(id).await?)?;
        if row.state == CheckoutState::Open {
            self.0.apply.sync_object(&ObjectRef::CheckoutSession(id.to_owned())).await?;
            row = mine(self.0.store.checkout(id).await?)?;
        }
        let subscription = match row.state {
            CheckoutState::Complete => {
                if let Some(made) = &row.subscription {
                    let made = ObjectRef::Subscription(made.clone());
                    match self.0.store.mirrored::<Subscription>(made.id()).await? {
                        None => drop(self.0.apply.sync_object(&made).await?),
                        // It begins incomplete, and of the events that told so the next one may
                        // still be under way.
                        Some(known) if !is_told(&known.object) => {
                            self.sync_quietly(made).await;
                        }
                        Some(_) => {}
                    }
                }
                Some(self.subscription(org).await?)
            }
            CheckoutState::Open | CheckoutState::Expired => None,
        };
        Ok(CheckoutProgress { id: row.id, state: row.state, url: row.url, subscription })
    }

    /// Opens Stripe's customer portal and gives its address. An organisation that never paid gets
    /// a customer for it: it may want to enter its card and address first.
    ///
    /// # Errors
    /// [`BillingError::ForeignUrl`]; what Stripe refuses, and when it is not available.
    pub async fn portal(
        &self,
        org: &OrganizationId,
        return_url: Option<&str>,
    ) -> BillingResult<String> {
        let back = self.0.addresses.portal(return_url)?;
        let payer = self.payer(org).await?;
        match self.open_portal(&payer, &back).await {
            Err(error) if is_missing(&error) => {
                self.0.apply.sync_object(&ObjectRef::Customer(payer.id)).await?;
                let payer = self.payer(org).await?;
                self.open_portal(&payer, &back).await
            }
            opened => opened,
        }
    }

    async fn open_portal(&self, payer: &Payer, back: &str) -> BillingResult<String> {
        let params = Params::new().set("customer", &payer.id).set("return_url", back);
        let made = self.0.stripe.portal_sessions().create(&params, &self.passing_key()).await?;
        Ok(made.object.url)
    }

    /// A key for a request that leaves nothing lasting behind: it only keeps the client's own
    /// repetitions of this one request from counting twice.
    pub(super) fn passing_key(&self) -> IdempotencyKey {
        let id = domain::ids::IntentId::new(self.0.world.now(), self.0.world.entropy.as_ref());
        IdempotencyKey::new(format!("billhook_once_{id}"))
            .expect("our ids are short and plain ASCII")
    }

    /// Everything the mirror knows about an organisation.
    pub(super) async fn state(&self, org: &OrganizationId) -> BillingResult<OrganizationState> {
        self.0.store.organization_state(org).await?.ok_or(BillingError::NotFound)
    }
}

/// Stripe does not know something we named. Once per call this is taken for a customer that was
/// deleted without the mirror's knowledge: after a look a new one is made.
fn is_missing(error: &BillingError) -> bool {
    matches!(error, BillingError::StripeRefused { code, .. } if code == "resource_missing")
}

/// Whether a purchase shows its outcome: paid, or over.
fn is_told(one: &Subscription) -> bool {
    one.status.has_ended()
        || matches!(one.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing)
}

fn live_of(state: &OrganizationState) -> Option<&domain::mirror::Mirrored<Subscription>> {
    state.subscriptions.iter().find(|row| is_live(&row.object))
}
