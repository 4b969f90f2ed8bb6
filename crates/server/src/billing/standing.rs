//! Where an organisation's billing stands, told from mirror, entitlement and catalogue alone.

use super::checkout::is_live;
use super::error::reason_of_decline;
use super::{Billing, BillingResult};
use domain::catalogue::{Interval, PlanId};
use domain::entitlement::{BillingStatus, entitlement};
use domain::ids::OrganizationId;
use domain::mirror::{Charge, Customer, Invoice, Mirrored, Subscription};
use domain::money::Money;
use domain::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::{MirrorObject, OrganizationState, Page};
use stripe::form::Params;
use stripe::objects::{self as wire, Expandable};

/// Among how many of the newest payments the default card is looked for.
const RECENT_PAYMENTS: usize = 5;
/// How many invoices a page has.
const INVOICES_PER_PAGE: u32 = 20;

/// A plan, as far as it has to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanName {
    /// Its id.
    pub id: PlanId,
    /// Its name for people.
    pub name: String,
}

/// What is paid each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidPrice {
    /// How often.
    pub interval: Interval,
    /// How much.
    pub amount: Money,
}

/// A change of plan that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledChange {
    /// The plan that follows.
    pub plan: PlanName,
    /// At which interval.
    pub interval: Interval,
    /// From when.
    pub at: Timestamp,
}

/// A payment that failed and is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentProblem {
    /// A sentence for people.
    pub reason: String,
    /// The bank's code, where it is known.
    pub decline_code: Option<String>,
    /// The invoice, `in_…`.
    pub invoice_id: String,
    /// What is owed.
    pub amount: Money,
    /// Stripe's page on which it can be paid.
    pub hosted_invoice_url: Option<String>,
    /// When Stripe tries again.
    pub next_payment_attempt: Option<Timestamp>,
}

/// The card that is charged, as far as the mirror knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOnFile {
    /// `visa`, …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// Month of expiry, from 1.
    pub exp_month: Option<i64>,
    /// Year of expiry.
    pub exp_year: Option<i64>,
}

/// Where an organisation's billing stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan whose limits apply.
    pub plan: PlanName,
    /// The plan that was bought, also while its payment is missing; none without a live
    /// subscription.
    pub subscribed_plan: Option<PlanName>,
    /// The state in one word.
    pub status: BillingStatus,
    /// Whether a paid plan is granted.
    pub is_active: bool,
    /// What the subscription costs; none without one.
    pub price: Option<PaidPrice>,
    /// Start of the paid period.
    pub current_period_start: Option<Timestamp>,
    /// End of the paid period.
    pub current_period_end: Option<Timestamp>,
    /// End of the trial.
    pub trial_end: Option<Timestamp>,
    /// Ends with the running period.
    pub cancel_at_period_end: bool,
    /// When it will end.
    pub cancel_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// A change of plan that is to come.
    pub scheduled_change: Option<ScheduledChange>,
    /// `cus_…`.
    pub stripe_customer_id: Option<String>,
    /// `sub_…`.
    pub stripe_subscription_id: Option<String>,
    /// A payment that failed and is still missing.
    pub payment_problem: Option<PaymentProblem>,
    /// The card that is charged.
    pub payment_method: Option<CardOnFile>,
    /// The fact that decided, as a sentence.
    pub because: String,
    /// Live subscriptions beside the one that counts.
    pub surplus_subscriptions: Vec<String>,
}

impl Billing {
    /// Where billing stands, told from the mirror. Stripe is asked only about a schedule of which
    /// nothing recent is known, and its silence is no failure.
    ///
    /// # Errors
    /// [`BillingError::NotFound`] without such an organisation; when the database is not available.
    pub async fn subscription(&self, org: &OrganizationId) -> BillingResult<Standing> {
        let state = self.state(org).await?;
        let now = self.0.world.now();
        let decided = entitlement(&state.facts(), &self.0.catalogue, self.0.policy, now);
        let shown = decided.subscription.as_ref().and_then(|id| {
            state.subscriptions.iter().map(|row| &row.object).find(|one| one.id == *id)
        });
        let payment_problem = match shown {
            // Paying what an ended subscription still owes would not bring it back.
            Some(shown) if !shown.status.has_ended() => self.payment_problem(&state, shown).await?,
            _ => None,
        };
        let scheduled_change = match shown {
            Some(shown) if is_live(shown) => self.scheduled_change(org, shown).await?,
            _ => None,
        };
        Ok(Standing {
            plan: self.name_of(&decided.plan),
            subscribed_plan: shown.filter(|one| is_live(one)).and_then(|one| {
                let (plan, _) = self.0.catalogue.sold_by(one.price.as_deref()?)?;
                Some(self.name_of(&plan.id))
            }),
            status: decided.status,
            is_active: decided.is_active,
            price: shown.and_then(|one| self.price_paid(one)),
            current_period_start: shown.and_then(|one| one.period_start),
            current_period_end: shown.and_then(|one| one.period_end),
            trial_end: shown.and_then(|one| one.trial_end),
            cancel_at_period_end: shown.is_some_and(|one| one.cancel_at_period_end),
            cancel_at: shown.and_then(|one| one.cancel_at),
            ended_at: shown.and_then(|one| one.ended_at),
            scheduled_change,
            payment_method: self.card_on_file(&state, shown).await?,
            stripe_customer_id: state.organization.stripe_customer_id.clone(),
            stripe_subscription_id: decided.subscription.clone(),
            payment_problem,
            because: decided.because.detail,
            surplus_subscriptions: decided.surplus,
        })
    }

    /// A page of invoices, newest first; `cursor` is the page before's `next`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn invoices(
        &self,
        org: &OrganizationId,
        cursor: Option<String>,
    ) -> BillingResult<Page<Mirrored<Invoice>>> {
        Ok(self.0.store.invoices_page(org, cursor, INVOICES_PER_PAGE).await?)
    }

    /// A plan with its name; one that left the catalogue is called by its id.
    pub(super) fn name_of(&self, id: &PlanId) -> PlanName {
        let name = self.0.catalogue.plan(id).map_or(id.as_str(), |plan| plan.name.as_str());
        PlanName { id: id.clone(), name: name.to_owned() }
    }

    fn price_paid(&self, one: &Subscription) -> Option<PaidPrice> {
        let (plan, interval) = self.0.catalogue.sold_by(one.price.as_deref()?)?;
        let each = plan.price(interval)?.amount;
        let minor = each.minor.checked_mul(one.quantity.max(1))?;
        Some(PaidPrice { interval, amount: Money::new(minor, each.currency) })
    }

    async fn payment_problem(
        &self,
        state: &OrganizationState,
        shown: &Subscription,
    ) -> BillingResult<Option<PaymentProblem>> {
        let failing = state
            .open_invoices
            .iter()
            .map(|row| &row.object)
            .filter(|one| one.is_failing() && one.subscription.as_ref() == Some(&shown.id))
            .max_by_key(|one| one.created);
        let Some(invoice) = failing else { return Ok(None) };
        let (code, decline_code) = self.why_it_failed(state, invoice).await?;
        Ok(Some(PaymentProblem {
            reason: reason_of_decline(code.as_deref(), decline_code.as_deref()).to_owned(),
            decline_code,
            invoice_id: invoice.id.clone(),
            amount: Money::new(invoice.amount_due, invoice.total.currency),
            hosted_invoice_url: invoice.hosted_invoice_url.clone(),
            next_payment_attempt: invoice.next_payment_attempt,
        }))
    }

    /// Code and decline code of the last failure: from the invoice's own JSON where its payments
    /// were expanded, else from the newest failed charge since it was made.
    async fn why_it_failed(
        &self,
        state: &OrganizationState,
        invoice: &Invoice,
    ) -> BillingResult<(Option<String>, Option<String>)> {
        if let Some(whole) = self.raw::<Invoice, wire::Invoice>(&invoice.id).await?
            && let Some(error) = whole.last_payment_error()
        {
            return Ok((error.code.clone(), error.decline_code.clone()));
        }
        let charges = self.0.store.mirrored_of::<Charge>(&state.organization.id).await?;
        let failed = charges
            .iter()
            .map(|row| &row.object)
            .filter(|one| one.status == "failed" && one.created >= invoice.created)
            .max_by_key(|one| one.created);
        let Some(failed) = failed else { return Ok((None, None)) };
        let whole = self.raw::<Charge, wire::Charge>(&failed.id).await?;
        let decline = whole.and_then(|one| one.outcome?.reason);
        Ok((failed.failure_code.clone(), decline))
    }

    /// The card that is charged next: the default one where the mirror holds it whole, else the
    /// one of a recent payment, if it is still the default as far as that is known.
    async fn card_on_file(
        &self,
        state: &OrganizationState,
        shown: Option<&Subscription>,
    ) -> BillingResult<Option<CardOnFile>> {
        let Some(customer) = &state.organization.stripe_customer_id else { return Ok(None) };
        let mut default = None;
        if let Some(shown) = shown {
            default = shown.default_payment_method.clone();
            let whole = self.raw::<Subscription, wire::Subscription>(&shown.id).await?;
            let method = whole.and_then(|one| one.default_payment_method);
            if let Some(card) = method.as_ref().and_then(Expandable::object).and_then(card_of) {
                return Ok(Some(card));
            }
        }
        if default.is_none()
            && let Some(whole) = self.raw::<Customer, wire::Customer>(customer).await?
            && let Some(method) = whole.default_payment_method()
        {
            if let Some(card) = method.object().and_then(card_of) {
                return Ok(Some(card));
            }
            default = Some(method.id().to_owned());
        }
        let charges = self.0.store.mirrored_of::<Charge>(&state.organization.id).await?;
        let mut paid: Vec<&Charge> = charges
            .iter()
            .map(|row| &row.object)
            .filter(|one| one.status == "succeeded" && one.customer.as_ref() == Some(customer))
            .collect();
        paid.sort_by_key(|one| std::cmp::Reverse(one.created));
        for charge in paid.into_iter().take(RECENT_PAYMENTS) {
            let Some(whole) = self.raw::<Charge, ChargedCard>(&charge.id).await? else { continue };
            if default.is_some() && whole.payment_method != default {
                continue;
            }
            let expiry = whole.payment_method_details.and_then(|details| details.card);
            let names = charge.card_brand.clone().zip(charge.card_last4.clone());
            return Ok(names.map(|(brand, last4)| CardOnFile {
                brand,
                last4,
                exp_month: expiry.as_ref().and_then(|card| card.exp_month),
                exp_year: expiry.as_ref().and_then(|card| card.exp_year),
            }));
        }
        // A new card that was never charged: events only name it.
        match default {
            Some(method) => Ok(self.look_at_card(method).await),
            None => Ok(None),
        }
    }

    /// A card that Stripe is asked for once; its silence is no failure.
    async fn look_at_card(&self, method: String) -> Option<CardOnFile> {
        if let Some(known) = self.0.cards.get(&method) {
            return Some(known);
        }
        match self.0.stripe.payment_methods().retrieve(&method, &Params::new()).await {
            Ok(fetched) => {
                let card = card_of(&fetched.object)?;
                self.0.cards.insert(method, card.clone());
                Some(card)
            }
            Err(error) => {
                tracing::info!(kind = ?error.kind(), "Could not look at the default card");
                None
            }
        }
    }

    /// A mirrored object as Stripe sent it, read as far as asked; none when it is not mirrored or
    /// reads differently.
    async fn raw<T: MirrorObject, W: DeserializeOwned>(
        &self,
        id: &str,
    ) -> BillingResult<Option<W>> {
        let raw = self.0.store.mirrored_raw::<T>(id).await?;
        Ok(raw.and_then(|raw| serde_json::from_slice(&raw).ok()))
    }
}

fn card_of(method: &wire::PaymentMethod) -> Option<CardOnFile> {
    let card = method.card.as_ref()?;
    Some(CardOnFile {
        brand: card.brand.clone()?,
        last4: card.last4.clone()?,
        exp_month: card.exp_month,
        exp_year: card.exp_year,
    })
}

/// The part of a charge that tells the card's expiry.
#[derive(Deserialize)]
struct ChargedCard {
    payment_method: Option<String>,
    payment_method_details: Option<ChargedWith>,
}

#[derive(Deserialize)]
struct ChargedWith {
    card: Option<wire::Card>,
}
