//! Leaving, coming back before the end, and ending a subscription that should not be there.

use super::checkout::is_live;
use super::intents::{Carried, Deed, OPERATOR_KEY};
use super::{Billing, BillingError, BillingResult, Standing, SurplusEnded, When};
use crate::apply::{ORGANIZATION_KEY, ObjectRef};
use domain::entitlement::entitlement;
use domain::ids::OrganizationId;
use domain::money::{Currency, Money};
use store::IntentState;
use stripe::form::Params;
use stripe::objects as wire;

/// How often a plan is made again when others were faster.
const TRIES: u32 = 5;

impl Billing {
    /// Ends the subscription with its period, or at once. A scheduled change is taken back. A
    /// second time changes nothing.
    ///
    /// # Errors
    /// [`BillingError::NotSubscribed`]; what Stripe refuses, and when it is not available.
    pub async fn cancel(&self, org: &OrganizationId, when: When) -> BillingResult<Standing> {
        let _turn = self.turn(org).await;
        for _ in 0..TRIES {
            let present = self.present(org).await?;
            let id = present.one.id.as_str();
            let (deed, params) = match when {
                When::Now => (Deed::CancelNow, Params::new()),
                When::PeriodEnd if present.one.is_ending() => {
                    return self.after_write(org, id).await;
                }
                When::PeriodEnd => {
                    // Stripe lets nobody but the schedule decide over the end while there is one.
                    if let Some(schedule) = present.schedule_id() {
                        self.release(org, id, &schedule).await?;
                    }
                    (Deed::EndWithPeriod, Params::new().set("cancel_at_period_end", true))
                }
            };
            if self.intend_own(org, deed, id, params).await? {
                return self.after_write(org, id).await;
            }
        }
        Err(BillingError::Busy)
    }

    /// Takes a cancellation back while the subscription still runs.
    ///
    /// # Errors
    /// [`BillingError::NothingToResume`] when it is not going to end,
    /// [`BillingError::NotSubscribed`] when it has ended; when Stripe is not available.
    pub async fn resume(&self, org: &OrganizationId) -> BillingResult<Standing> {
        let _turn = self.turn(org).await;
        for tried in 0..TRIES {
            let present = self.present(org).await?;
            let id = present.one.id.as_str();
            if !present.one.is_ending() {
                // Somebody else took it back between two of our looks.
                if tried > 0 {
                    return self.after_write(org, id).await;
                }
                return Err(BillingError::NothingToResume);
            }
            let params = if present.one.cancel_at_period_end {
                Params::new().set("cancel_at_period_end", false)
            } else {
                Params::new().unset("cancel_at")
            };
            if self.intend_own(org, Deed::EndWithPeriod, id, params).await? {
                return self.after_write(org, id).await;
            }
        }
        Err(BillingError::Busy)
    }

    /// Says whether the caller's own wish was carried out; if not, somebody else's was, and the
    /// caller plans again.
    async fn intend_own(
        &self,
        org: &OrganizationId,
        deed: Deed,
        target: &str,
        params: Params,
    ) -> BillingResult<bool> {
        match self.intend(org, deed, target, params).await {
            Ok((Carried::Dropped, _)) => Ok(false),
            Ok((_, own)) => Ok(own),
            Err(error) => Err(error),
        }
    }

    /// Ends a surplus subscription at once and, if asked, refunds what was last paid for it.
    /// Repeating it, after a crash or by two operators, ends and refunds once.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] for a subscription of somebody else;
    /// [`BillingError::NotSurplus`] for the one that counts and for one that ended by other means;
    /// what Stripe refuses, and when it is not available.
    pub async fn cancel_surplus(
        &self,
        org: &OrganizationId,
        subscription: &str,
        refund: bool,
        operator: &str,
    ) -> BillingResult<SurplusEnded> {
        let _turn = self.turn(org).await;
        if !self.has(org, subscription).await? {
            return Err(BillingError::NotFound);
        }
        self.settle(&[Deed::CancelSurplus], subscription).await?;
        self.0.apply.sync_object(&ObjectRef::Subscription(subscription.to_owned())).await?;
        let state = self.state(org).await?;
        let live = state
            .subscriptions
            .iter()
            .any(|row| row.object.id == subscription && is_live(&row.object));
        if live {
            let now = self.0.world.now();
            let decided = entitlement(&state.facts(), &self.0.catalogue, self.0.policy, now);
            if !decided.surplus.iter().any(|one| one == subscription) {
                return Err(BillingError::NotSurplus);
            }
            // Stripe keeps the comment with the subscription: who ended it can be seen there too.
            let params = Params::new().set("cancellation_details[comment]", operator);
            let ended = self.intend(org, Deed::CancelSurplus, subscription, params).await?;
            if matches!(ended, (Carried::Dropped, _)) {
                return Err(BillingError::Busy);
            }
            self.0.apply.sync_object(&ObjectRef::Subscription(subscription.to_owned())).await?;
        } else {
            let ours = self.0.store.done_intent(Deed::CancelSurplus.name(), subscription).await?;
            if ours.is_none() {
                return Err(BillingError::NotSurplus);
            }
        }
        let refunded = if refund {
            self.refund_last_payment(org, subscription, operator).await?
        } else {
            None
        };
        let standing = self.subscription(org).await?;
        let money = refunded
            .as_ref()
            .and_then(|one| Some(Money::new(one.amount, Currency::parse(&one.currency).ok()?)));
        Ok(SurplusEnded { refund: refunded.map(|one| one.id), refunded: money, standing })
    }

    async fn has(&self, org: &OrganizationId, subscription: &str) -> BillingResult<bool> {
        let state = self.state(org).await?;
        Ok(state.subscriptions.iter().any(|row| row.object.id == subscription))
    }

    /// Gives back what was last paid for a subscription; none when nothing was, or when it was
    /// given back already by others.
    async fn refund_last_payment(
        &self,
        org: &OrganizationId,
        subscription: &str,
        operator: &str,
    ) -> BillingResult<Option<wire::Refund>> {
        let asked =
            Params::new().set("subscription", subscription).set("status", "paid").set("limit", 20);
        let invoices = self.0.stripe.invoices().list(&asked).await?.object.data;
        let Some(paid) = invoices.iter().find(|one| one.amount_paid > 0) else {
            return Ok(None);
        };
        let asked = Params::new().set("invoice", &paid.id).set("status", "paid");
        let payments = self.0.stripe.invoice_payments().list(&asked).await?.object.data;
        let target = payments.iter().find_map(|one| {
            let intent =
                one.payment.payment_intent.as_ref().map(|one| ("payment_intent", one.id()));
            intent.or_else(|| one.payment.charge.as_ref().map(|one| ("charge", one.id())))
        });
        let Some((kind, target)) = target else { return Ok(None) };
        for _ in 0..TRIES {
            self.settle(&[Deed::Refund], target).await?;
            if let Some(done) = self.0.store.done_intent(Deed::Refund.name(), target).await?
                && let IntentState::Done { result } = done.state
            {
                let found = self.0.stripe.refunds().retrieve(&result, &Params::new()).await?;
                return Ok(Some(found.object));
            }
            let params = Params::new()
                .set(kind, target)
                .set("reason", "duplicate")
                .metadata(ORGANIZATION_KEY, org.as_str())
                .metadata(OPERATOR_KEY, operator);
            match self.intend(org, Deed::Refund, target, params).await {
                Ok((Carried::Refund(made), _)) => {
                    self.sync_quietly(ObjectRef::Refund(made.id.clone())).await;
                    if let Some(charge) = made.charge_id() {
                        self.sync_quietly(ObjectRef::Charge(charge.to_owned())).await;
                    }
                    return Ok(Some(*made));
                }
                Ok(_) => {}
                // By others: in Stripe's dashboard, or after a dispute.
                Err(BillingError::StripeRefused { code, .. })
                    if code == "charge_already_refunded" =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Err(BillingError::Busy)
    }
}
