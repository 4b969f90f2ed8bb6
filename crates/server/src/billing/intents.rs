//! How a write to Stripe happens once: it is stored with its idempotency key, sent, and recorded,
//! and whoever finds it open in between carries it out in the same words with the same key.
//!
//! Deeds differ in what a crash leaves. What is *final* (cancel, expire, release) may be repeated
//! at any time: the second time changes nothing. All else (a customer, a session, a charge for an
//! upgrade, a refund) may be repeated only while Stripe remembers the key; after that, or when
//! nobody waits for it any more, Stripe is looked at instead: what was made is recorded, what was
//! not made is dropped.

use super::error::refusal_code;
use super::{Billing, BillingError, BillingResult};
use crate::apply::{ORGANIZATION_KEY, ObjectRef};
use domain::catalogue::{Interval, PlanId};
use domain::ids::{AuditId, IntentId, OrganizationId};
use domain::time::{Span, Timestamp};
use serde::de::DeserializeOwned;
use std::time::Duration;
use store::{
    AuditEntry, CheckoutEnd, CheckoutRow, CheckoutState, Intent, IntentState, NewIntent, StoreError,
};
use stripe::client::{ErrorKind, Fetched, IdempotencyKey, StripeError, path};
use stripe::form::{self, Params};
use stripe::objects as wire;

/// The metadata key that ties what was made at Stripe to the intent that made it.
pub(super) const INTENT_KEY: &str = "billhook_intent";
/// Metadata of a checkout session: what it sells and who started it.
pub(super) const PLAN_KEY: &str = "plan";
pub(super) const INTERVAL_KEY: &str = "interval";
pub(super) const USER_KEY: &str = "user_id";
/// Metadata of what an operator did.
pub(super) const OPERATOR_KEY: &str = "operator";

/// Stripe forgets an idempotency key after 24 hours.
const KEY_LIFE: Span = Span::hours(23);
/// After this time nobody waits for an intent any more: the client gives up well before.
const ABANDONED_AFTER: Span = Span::minutes(5);
/// How often a write is repeated while another one with its key is under way at Stripe, on top
/// of the client's own repetitions.
const TURNS: u32 = 6;
/// The pause between them.
const TURN: Duration = Duration::from_millis(400);
/// The code of an intent that was given up without an effect.
const ABANDONED: &str = "abandoned";
/// How many stale intents are finished in one go.
const STALE_BATCH: u32 = 50;

/// A kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Target: the organisation.
    CreateCustomer,
    /// Target: the organisation.
    CreateCheckout,
    /// Target: the session.
    ExpireCheckout,
    /// Target: the subscription.
    ChangePlan,
    /// Target: the subscription.
    CreateSchedule,
    /// Target: the schedule.
    SetPhases,
    /// Target: the schedule.
    ReleaseSchedule,
    /// Target: the subscription.
    EndWithPeriod,
    /// Target: the subscription.
    CancelNow,
    /// Target: the subscription.
    CancelSurplus,
    /// Target: the payment intent or charge.
    Refund,
}

impl Deed {
    const ALL: [Self; 11] = [
        Self::CreateCustomer,
        Self::CreateCheckout,
        Self::ExpireCheckout,
        Self::ChangePlan,
        Self::CreateSchedule,
        Self::SetPhases,
        Self::ReleaseSchedule,
        Self::EndWithPeriod,
        Self::CancelNow,
        Self::CancelSurplus,
        Self::Refund,
    ];

    /// The word in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CreateCustomer => "create_customer",
            Self::CreateCheckout => "create_checkout",
            Self::ExpireCheckout => "expire_checkout",
            Self::ChangePlan => "change_plan",
            Self::CreateSchedule => "create_schedule",
            Self::SetPhases => "set_phases",
            Self::ReleaseSchedule => "release_schedule",
            Self::EndWithPeriod => "end_with_period",
            Self::CancelNow => "cancel_now",
            Self::CancelSurplus => "cancel_surplus",
            Self::Refund => "refund",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }

    /// Whether doing it again, with any key, changes nothing: it cannot be undone.
    fn is_final(self) -> bool {
        matches!(
            self,
            Self::ExpireCheckout | Self::ReleaseSchedule | Self::CancelNow | Self::CancelSurplus
        )
    }

    /// Whether it is carried out although nobody waits for it any more. A wish to leave, or to
    /// stay, is; what would be made or charged for nobody is not.
    fn is_finished_alone(self) -> bool {
        self.is_final() || self == Self::EndWithPeriod
    }

    fn path(self, target: &str) -> String {
        match self {
            Self::CreateCustomer => path(&["customers"]),
            Self::CreateCheckout => path(&["checkout", "sessions"]),
            Self::ExpireCheckout => path(&["checkout", "sessions", target, "expire"]),
            Self::ChangePlan | Self::EndWithPeriod | Self::CancelNow | Self::CancelSurplus => {
                path(&["subscriptions", target])
            }
            Self::CreateSchedule => path(&["subscription_schedules"]),
            Self::SetPhases => path(&["subscription_schedules", target]),
            Self::ReleaseSchedule => path(&["subscription_schedules", target, "release"]),
            Self::Refund => path(&["refunds"]),
        }
    }
}

/// What came of carrying out an intent.
#[derive(Debug)]
pub(super) enum Carried {
    /// The organisation's customer.
    Customer(String),
    /// The session, recorded.
    Checkout(Box<CheckoutRow>),
    /// The subscription as the write left it.
    Subscription(Box<wire::Subscription>),
    /// The schedule as the write left it.
    Schedule(Box<wire::SubscriptionSchedule>),
    /// The refund.
    Refund(Box<wire::Refund>),
    /// Done, and there is nothing to tell: what it was about is gone.
    Over,
    /// Nothing was done: the intent was too old to be repeated. The caller plans again.
    Dropped,
}

/// A write as it was stored: the parameters read back.
pub(super) fn params_of(intent: &Intent) -> Params {
    // What cannot be read was not written by us; sending nothing of it is refused by Stripe.
    form::decode(intent.params.as_bytes())
        .map_or_else(|_| Params::new(), |tree| Params::from_tree(&tree))
}

impl Billing {
    /// An intent to be stored. What is made by it carries the intent's id.
    pub(super) fn new_intent(
        &self,
        org: &OrganizationId,
        deed: Deed,
        target: &str,
        params: Params,
    ) -> NewIntent {
        let id = IntentId::new(self.0.world.now(), self.0.world.entropy.as_ref());
        let makes = matches!(deed, Deed::CreateCustomer | Deed::CreateCheckout | Deed::Refund);
        let params = if makes { params.metadata(INTENT_KEY, id.as_str()) } else { params };
        NewIntent {
            organization: org.clone(),
            kind: deed.name(),
            target: target.to_owned(),
            idempotency_key: format!("billhook_{id}"),
            params: params.encode(),
            id,
        }
    }

    /// Stores an intent, or finds the open one of the same deed and target; then carries it out.
    /// Says whether it was the caller's own. When another one was finished at the same moment,
    /// nothing is done and the caller plans again.
    pub(super) async fn intend(
        &self,
        org: &OrganizationId,
        deed: Deed,
        target: &str,
        params: Params,
    ) -> BillingResult<(Carried, bool)> {
        let new = self.new_intent(org, deed, target, params);
        let own = new.id.clone();
        let intent = match self.0.store.open_intent(new, self.0.world.now()).await {
            Ok(intent) => intent,
            Err(StoreError::Stale) => return Ok((Carried::Dropped, false)),
            Err(error) => return Err(error.into()),
        };
        let carried = self.carry_out(&intent).await?;
        Ok((carried, intent.id == own))
    }

    /// Carries out what is open for a target, so that the next plan starts from its result.
    /// Whether Stripe refused it does not matter here: then it is closed. Says whether there was
    /// anything open.
    pub(super) async fn settle(&self, deeds: &[Deed], target: &str) -> BillingResult<bool> {
        let mut any = false;
        for deed in deeds {
            let found = self.0.store.find_open_intent(deed.name(), target).await?;
            let Some(intent) = found else { continue };
            any = true;
            match self.carry_out(&intent).await {
                Err(BillingError::StripeRefused { .. } | BillingError::PaymentFailed { .. }) => {}
                other => drop(other?),
            }
        }
        Ok(any)
    }

    /// Refuses when something is open for a target: for readers, who must not carry it out.
    pub(super) async fn refuse_under_way(&self, deeds: &[Deed], target: &str) -> BillingResult<()> {
        for deed in deeds {
            if self.0.store.find_open_intent(deed.name(), target).await?.is_some() {
                return Err(BillingError::Busy);
            }
        }
        Ok(())
    }

    /// Sends an intent and records what came of it. A definite refusal closes it as failed; when
    /// Stripe is not available it stays open for the next who finds it.
    pub(super) async fn carry_out(&self, intent: &Intent) -> BillingResult<Carried> {
        let Some(deed) = Deed::from_name(&intent.kind) else { return Ok(Carried::Dropped) };
        if !deed.is_final() && intent.created_at.plus(KEY_LIFE) <= self.0.world.now() {
            return self.look(intent, deed).await;
        }
        match deed {
            Deed::CreateCustomer => {
                let made: Fetched<wire::Customer> = self.send(intent, deed).await?;
                self.customer_made(intent, &made.object.id).await
            }
            Deed::CreateCheckout => {
                let made: Fetched<wire::CheckoutSession> = self.send(intent, deed).await?;
                self.checkout_made(intent, &made.object).await
            }
            Deed::ExpireCheckout => {
                let _: Fetched<wire::CheckoutSession> = self.send(intent, deed).await?;
                let (id, subscription) = (intent.target.clone(), None);
                let end = CheckoutEnd { id, state: CheckoutState::Expired, subscription };
                self.0.store.end_checkout(end).await?;
                self.done(intent, &intent.target).await?;
                Ok(Carried::Over)
            }
            Deed::ChangePlan | Deed::EndWithPeriod => {
                let made: Fetched<wire::Subscription> = self.send(intent, deed).await?;
                self.done(intent, &made.object.id).await?;
                Ok(Carried::Subscription(Box::new(made.object)))
            }
            Deed::CancelNow | Deed::CancelSurplus => self.end_at_once(intent, deed).await,
            Deed::CreateSchedule | Deed::SetPhases => {
                let made: Fetched<wire::SubscriptionSchedule> = self.send(intent, deed).await?;
                self.done(intent, &made.object.id).await?;
                Ok(Carried::Schedule(Box::new(made.object)))
            }
            Deed::ReleaseSchedule => {
                let _: Fetched<wire::SubscriptionSchedule> = self.send(intent, deed).await?;
                self.done(intent, &intent.target).await?;
                Ok(Carried::Over)
            }
            Deed::Refund => {
                let made: Fetched<wire::Refund> = self.send(intent, deed).await?;
                self.refund_made(intent, &made.object).await?;
                Ok(Carried::Refund(Box::new(made.object)))
            }
        }
    }

    /// Deletions know no idempotency key; that the subscription is gone means that it is done.
    async fn end_at_once(&self, intent: &Intent, deed: Deed) -> BillingResult<Carried> {
        let sent = self.0.stripe.subscriptions().cancel(&intent.target, &params_of(intent)).await;
        let carried = match sent {
            Ok(ended) => Carried::Subscription(Box::new(ended.object)),
            Err(error) if error.is_missing() => Carried::Over,
            Err(error) => return Err(self.refused(intent, error).await?),
        };
        if deed == Deed::CancelSurplus {
            let audit = self.audit(intent, "subscription.cancel_surplus", None);
            let state = IntentState::Done { result: intent.target.clone() };
            let now = self.0.world.now();
            self.0.store.close_intent_audited(&intent.id, state, now, audit).await?;
        } else {
            self.done(intent, &intent.target).await?;
        }
        Ok(carried)
    }

    async fn customer_made(&self, intent: &Intent, customer: &str) -> BillingResult<Carried> {
        let replaces = self.deleted_customer(&intent.organization).await?;
        let now = self.0.world.now();
        let linked = self.0.store.record_customer(intent, customer, replaces, now).await?;
        if linked.as_deref() != Some(customer) {
            tracing::warn!(
                organization.id = %intent.organization,
                customer.id = customer,
                "Customer `{customer}` is not used: the organisation was given another one meanwhile"
            );
        }
        Ok(linked.map_or(Carried::Dropped, Carried::Customer))
    }

    async fn checkout_made(
        &self,
        intent: &Intent,
        session: &wire::CheckoutSession,
    ) -> BillingResult<Carried> {
        let params = params_of(intent);
        let said = |key: &str| params.get(&format!("metadata[{key}]")).map(ToOwned::to_owned);
        let interval = said(INTERVAL_KEY).and_then(|name| Interval::from_name(&name));
        let (Some(plan), Some(interval)) = (said(PLAN_KEY), interval) else {
            return self.drop_intent(intent).await;
        };
        let created_at = Timestamp::from_seconds(session.created);
        let row = CheckoutRow {
            id: session.id.clone(),
            organization: intent.organization.clone(),
            user: said(USER_KEY),
            intent: intent.id.clone(),
            plan: PlanId(plan),
            interval,
            url: session.url.clone(),
            state: CheckoutState::Open,
            subscription: None,
            created_at,
            // Stripe always says when; a day is its longest.
            expires_at: session
                .expires_at
                .map_or(created_at.plus(Span::hours(24)), Timestamp::from_seconds),
        };
        let now = self.0.world.now();
        match self.0.store.record_checkout(row.clone(), now).await {
            // Whoever recorded it first may have ended it since, for somebody's other wish.
            Ok(()) => match self.0.store.checkout(&row.id).await? {
                Some(now) if now.state == CheckoutState::Open => {
                    Ok(Carried::Checkout(Box::new(now)))
                }
                _ => Ok(Carried::Dropped),
            },
            // Another session was recorded, which the order of intents excludes unless a row was
            // changed by hand. Of two the new one goes; its address was never given out.
            Err(StoreError::Taken) => {
                let key = format!("billhook_{}_expire", intent.id);
                if let Ok(key) = IdempotencyKey::new(key) {
                    self.0.stripe.checkout_sessions().expire(&session.id, &key).await?;
                }
                self.drop_intent(intent).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn refund_made(&self, intent: &Intent, refund: &wire::Refund) -> BillingResult<()> {
        let audit = self.audit(intent, "refund.create", Some(refund.amount));
        let state = IntentState::Done { result: refund.id.clone() };
        let now = self.0.world.now();
        Ok(self.0.store.close_intent_audited(&intent.id, state, now, audit).await?)
    }

    fn audit(&self, intent: &Intent, action: &str, amount: Option<i64>) -> AuditEntry {
        let params = params_of(intent);
        let operator = params
            .get(&format!("metadata[{OPERATOR_KEY}]"))
            .or_else(|| params.get("cancellation_details[comment]"))
            .unwrap_or("unknown");
        let after = serde_json::json!({ "intent": intent.id.as_str(), "amount": amount });
        AuditEntry {
            id: AuditId::new(self.0.world.now(), self.0.world.entropy.as_ref()),
            at: self.0.world.now(),
            actor: operator.to_owned(),
            action: action.to_owned(),
            target: intent.target.clone(),
            organization: Some(intent.organization.as_str().to_owned()),
            before: None,
            after: Some(after.to_string()),
            reason: None,
        }
    }

    async fn done(&self, intent: &Intent, result: &str) -> BillingResult<()> {
        let state = IntentState::Done { result: result.to_owned() };
        self.0.store.close_intent(&intent.id, state, self.0.world.now()).await?;
        tracing::info!(
            intent.id = %intent.id,
            intent.kind = %intent.kind,
            organization.id = %intent.organization,
            "Carried out `{}` on `{}`", intent.kind, intent.target
        );
        Ok(())
    }

    /// Closes an intent that had no effect.
    pub(super) async fn drop_intent(&self, intent: &Intent) -> BillingResult<Carried> {
        let state = IntentState::Failed { code: ABANDONED.to_owned() };
        self.0.store.close_intent(&intent.id, state, self.0.world.now()).await?;
        Ok(Carried::Dropped)
    }

    /// Sends the stored words with the stored key.
    async fn send<T: DeserializeOwned>(
        &self,
        intent: &Intent,
        deed: Deed,
    ) -> BillingResult<Fetched<T>> {
        let Ok(key) = IdempotencyKey::new(intent.idempotency_key.as_str()) else {
            self.drop_intent(intent).await?;
            return Err(BillingError::Busy);
        };
        let (path, params) = (deed.path(&intent.target), params_of(intent));
        let mut turns = 0;
        loop {
            let error = match self.0.stripe.post::<T>(&path, &params, &key).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            // Somebody else is sending the same at this moment: the answer will be the same.
            if error.kind() == ErrorKind::Conflict && turns < TURNS {
                turns += 1;
                tokio::time::sleep(TURN).await;
                continue;
            }
            return Err(self.refused(intent, error).await?);
        }
    }

    /// Closes an intent that Stripe definitely refused, and gives the error either way.
    async fn refused(&self, intent: &Intent, error: StripeError) -> BillingResult<BillingError> {
        if !error.is_transient() && !error.may_have_happened() {
            let state = IntentState::Failed { code: refusal_code(&error) };
            self.0.store.close_intent(&intent.id, state, self.0.world.now()).await?;
            tracing::info!(
                intent.id = %intent.id,
                intent.kind = %intent.kind,
                organization.id = %intent.organization,
                "Stripe refused `{}`: {error}", intent.kind
            );
        }
        Ok(error.into())
    }

    /// Finds out at Stripe whether a making happened, records it if so and drops it if not. When
    /// what is looked at is gone there is nothing left to record, and the intent is closed as
    /// failed; a refused key says nothing about what happened.
    async fn look(&self, intent: &Intent, deed: Deed) -> BillingResult<Carried> {
        match self.look_at_stripe(intent, deed).await {
            Err(BillingError::StripeRefused { source: Some(error), .. })
                if !matches!(error.kind(), ErrorKind::Authentication | ErrorKind::Permission) =>
            {
                Err(self.refused(intent, *error).await?)
            }
            looked => looked,
        }
    }

    async fn look_at_stripe(&self, intent: &Intent, deed: Deed) -> BillingResult<Carried> {
        let ours = |metadata: &wire::Metadata| {
            metadata.get(INTENT_KEY).is_some_and(|id| id == intent.id.as_str())
        };
        match deed {
            Deed::CreateCustomer => {
                let query = format!("metadata['{ORGANIZATION_KEY}']:'{}'", intent.organization);
                let found = self.0.stripe.customers().search(&query).await?.object.data;
                let found: Vec<&wire::Customer> =
                    found.iter().map(|kept| &**kept).filter(|one| !one.deleted).collect();
                // Any customer of this organisation will do; its own comes first.
                let made = found.iter().find(|one| ours(&one.metadata)).or_else(|| found.last());
                match made {
                    Some(made) => self.customer_made(intent, &made.id).await,
                    None => self.drop_intent(intent).await,
                }
            }
            Deed::CreateCheckout => {
                let params = params_of(intent);
                let asked = Params::new().set("customer", params.get("customer"));
                let sessions = self.0.stripe.checkout_sessions().pages(asked).collect(300).await?;
                match sessions.iter().find(|one| ours(&one.metadata)) {
                    Some(session) if session.is_open() => self.checkout_made(intent, session).await,
                    _ => self.drop_intent(intent).await,
                }
            }
            Deed::ChangePlan => {
                let found = self.fresh(&intent.target).await?;
                let wanted = params_of(intent);
                let wanted = wanted.get("items[0][price]");
                if found.price_ids().any(|price| Some(price) == wanted) {
                    self.done(intent, &intent.target).await?;
                    return Ok(Carried::Subscription(Box::new(found)));
                }
                self.drop_intent(intent).await
            }
            // Whoever plans next reads the subscription with its schedule anyway.
            Deed::CreateSchedule | Deed::SetPhases | Deed::EndWithPeriod => {
                self.drop_intent(intent).await
            }
            Deed::Refund => {
                let params = params_of(intent);
                let asked = Params::new()
                    .set("payment_intent", params.get("payment_intent"))
                    .set("charge", params.get("charge"));
                let refunds = self.0.stripe.refunds().pages(asked).collect(100).await?;
                let Some(made) = refunds.iter().find(|one| ours(&one.metadata)) else {
                    return self.drop_intent(intent).await;
                };
                self.refund_made(intent, made).await?;
                Ok(Carried::Refund(Box::new((**made).clone())))
            }
            Deed::ExpireCheckout
            | Deed::ReleaseSchedule
            | Deed::CancelNow
            | Deed::CancelSurplus => Ok(Carried::Dropped),
        }
    }

    /// Finishes writes to Stripe that a crash interrupted; says how many it closed.
    ///
    /// # Errors
    /// When the database is not available. What Stripe refuses is closed as failed; when Stripe
    /// is not available the intents stay for the next time.
    pub async fn finish_stale_intents(&self) -> BillingResult<usize> {
        let before = self.0.world.now().minus(ABANDONED_AFTER);
        let mut closed = 0;
        for intent in self.0.store.stale_intents(before, STALE_BATCH).await? {
            let Some(deed) = Deed::from_name(&intent.kind) else { continue };
            let finished = if deed.is_finished_alone() {
                self.carry_out(&intent).await
            } else {
                self.look(&intent, deed).await
            };
            match finished {
                Ok(carried) => {
                    tracing::info!(
                        intent.id = %intent.id,
                        intent.kind = %intent.kind,
                        dropped = matches!(carried, Carried::Dropped),
                        "Finished the interrupted write `{}`", intent.kind
                    );
                    self.sync_after(&carried, &intent).await;
                    closed += 1;
                }
                Err(BillingError::Store(error)) => return Err(error.into()),
                Err(BillingError::StripeRefused { .. } | BillingError::PaymentFailed { .. })
                    if !self.is_open(&intent).await? =>
                {
                    closed += 1;
                }
                Err(error) => {
                    tracing::warn!(
                        intent.id = %intent.id,
                        "The interrupted write `{}` has to wait: {error}", intent.kind
                    );
                }
            }
        }
        Ok(closed)
    }

    async fn is_open(&self, intent: &Intent) -> BillingResult<bool> {
        let now = self.0.store.intent(&intent.id).await?;
        Ok(now.is_some_and(|now| now.state == IntentState::Open))
    }

    /// Brings the mirror up to date after the fact; the webhook does it too if this fails.
    async fn sync_after(&self, carried: &Carried, intent: &Intent) {
        let object = match carried {
            Carried::Subscription(one) => ObjectRef::Subscription(one.id.clone()),
            Carried::Refund(one) => ObjectRef::Refund(one.id.clone()),
            Carried::Customer(id) => ObjectRef::Customer(id.clone()),
            Carried::Over if intent.target.starts_with("sub_sched_") => return,
            Carried::Over if intent.target.starts_with("sub_") => {
                ObjectRef::Subscription(intent.target.clone())
            }
            _ => return,
        };
        if let Err(error) = self.0.apply.sync_object(&object).await {
            tracing::warn!("`{}` could not be read after a write: {error}", object.id());
        }
    }
}
