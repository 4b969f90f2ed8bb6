//! The sweep: the mirror compared with Stripe, for events that were lost.
//!
//! It lists what Stripe has, page by page, and hands each object that differs to the same commit
//! that deliveries use. An object that is as we hold it costs one read and no write.

use super::messages::Told;
use super::{Apply, ApplyError, ObjectRef, Synced, translate};
use crate::world::World;
use domain::ids::OrganizationId;
use domain::mirror::{Charge, Dispute, FraudWarning, Invoice, Refund, Subscription};
use domain::time::Span;
use store::{StoreError, Unfinished};
use stripe::client::Pager;
use stripe::form::Params;
use stripe::objects::{Identified, MaybeDeleted};

/// How far back the sweep looks for invoices, charges and what follows from them. Stripe sends a
/// lost event for three days at most, so this covers an installation that was away for a month.
const LOOK_BACK: Span = Span::days(35);

/// Unfinished objects read one by one in one sweep, those seen longest ago first.
const AT_ONCE: u32 = 500;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Objects compared.
    pub compared: u64,
    /// Objects that differed and were healed.
    pub healed: Vec<String>,
    /// Objects that differ and cannot be applied, with the code of the reason.
    pub refused: Vec<(String, &'static str)>,
}

impl SweepReport {
    /// Notes an object that cannot be healed. Only what concerns all of them (Stripe or the
    /// database is away) ends a sweep: one bad object must not hide those after it.
    fn refuse(&mut self, id: String, error: ApplyError) -> Result<(), ApplyError> {
        let code = match &error {
            ApplyError::Park(reason) => reason.code(),
            ApplyError::Stripe(cause) if !cause.is_transient() => "stripe_refused",
            ApplyError::Store(StoreError::Stale) => "changing",
            ApplyError::Store(StoreError::Unavailable { .. }) | ApplyError::Stripe(_) => {
                return Err(error);
            }
            ApplyError::Store(cause) => {
                tracing::warn!(id, error = %cause, "Could not compare an object with Stripe");
                "internal"
            }
        };
        self.refused.push((id, code));
        Ok(())
    }
}

impl Apply {
    /// Compares the whole mirror with Stripe and heals what differs.
    ///
    /// # Errors
    /// When Stripe cannot be asked or the database fails; what was healed until then stays.
    pub async fn sweep(&self) -> Result<SweepReport, ApplyError> {
        self.sweep_where(&Params::new()).await
    }

    /// Compares one organisation with Stripe and heals what differs.
    ///
    /// # Errors
    /// As [`Apply::sweep`].
    pub async fn sync_organization(
        &self,
        organization: &OrganizationId,
    ) -> Result<SweepReport, ApplyError> {
        let row = self.store.organization(organization).await?;
        let Some(customer) = row.and_then(|row| row.stripe_customer_id) else {
            return Ok(SweepReport::default());
        };
        self.sync_object(&ObjectRef::Customer(customer.clone())).await?;
        let mut report = self.sweep_where(&Params::new().set("customer", customer)).await?;
        // What Stripe no longer lists, such as a session's subscription, is looked at one by one.
        for held in self.store.mirrored_of::<Subscription>(organization).await? {
            if !held.object.status.has_ended() && !report.healed.contains(&held.object.id) {
                let object = ObjectRef::Subscription(held.object.id.clone());
                if self.sync_object(&object).await? == Synced::Changed {
                    report.healed.push(held.object.id);
                }
            }
        }
        Ok(report)
    }

    async fn sweep_where(&self, filter: &Params) -> Result<SweepReport, ApplyError> {
        let stripe = &self.stripe;
        let since = since(&self.world);
        let one_customer = !filter.is_empty();
        let recent = || filter.clone().set("limit", 100).set("created[gte]", since);
        let mut report = SweepReport::default();
        let all = filter.clone().set("limit", 100).set("status", "all");
        self.sweep_pages::<Subscription>(stripe.subscriptions().pages(all), &mut report).await?;
        self.sweep_pages::<Invoice>(stripe.invoices().pages(recent()), &mut report).await?;
        self.sweep_pages::<Charge>(stripe.charges().pages(recent()), &mut report).await?;
        if one_customer {
            // Stripe lists the following by charge only; they come with the whole sweep.
            return Ok(report);
        }
        self.sweep_pages::<Refund>(stripe.refunds().pages(recent()), &mut report).await?;
        self.sweep_pages::<Dispute>(stripe.disputes().pages(recent()), &mut report).await?;
        let warnings = stripe.early_fraud_warnings().pages(recent());
        self.sweep_pages::<FraudWarning>(warnings, &mut report).await?;
        self.sweep_customers(&mut report).await?;
        self.sweep_unfinished(&mut report).await?;
        Ok(report)
    }

    /// What the mirror holds as unfinished is read one by one, however old it is: an open invoice,
    /// an undecided dispute, a warning that still can be acted on, and the charges they are about.
    async fn sweep_unfinished(&self, report: &mut SweepReport) -> Result<(), ApplyError> {
        let before = self.world.now().minus(LOOK_BACK);
        for unfinished in self.store.unfinished_objects(before, AT_ONCE).await? {
            let object = match unfinished {
                Unfinished::Invoice(id) => ObjectRef::Invoice(id),
                Unfinished::Dispute(id) => ObjectRef::Dispute(id),
                Unfinished::FraudWarning(id) => ObjectRef::FraudWarning(id),
            };
            report.compared += 1;
            match self.sync_object(&object).await {
                Ok(Synced::Changed) => report.healed.push(object.id().to_owned()),
                Ok(Synced::Unchanged) => {}
                Err(error) => report.refuse(object.id().to_owned(), error)?,
            }
        }
        Ok(())
    }

    /// Customers change long after they were made, so all of them are compared. Those that are
    /// nobody's of ours are passed over: an account may well have others.
    async fn sweep_customers(&self, report: &mut SweepReport) -> Result<(), ApplyError> {
        let mut pages = self.stripe.customers().pages(Params::new().set("limit", 100));
        while let Some(page) = pages.next_page().await? {
            for kept in page.object.data {
                let live = MaybeDeleted::Live(Box::new(kept.object));
                let Ok(mut listed) = translate::customer(live) else { continue };
                let known = self.store.organization_of_customer(&listed.id).await?;
                let Some(owner) = known.map(|row| row.id).or(listed.organization.take()) else {
                    continue;
                };
                listed.organization = Some(owner);
                report.compared += 1;
                match self.heal(&listed).await {
                    Ok(Synced::Changed) => report.healed.push(listed.id),
                    Ok(Synced::Unchanged) => {}
                    Err(error) => report.refuse(listed.id, error)?,
                }
            }
        }
        Ok(())
    }

    async fn sweep_pages<T: Told>(
        &self,
        mut pages: Pager<T::Wire>,
        report: &mut SweepReport,
    ) -> Result<(), ApplyError>
    where
        T::Wire: Identified,
    {
        while let Some(page) = pages.next_page().await? {
            for kept in page.object.data {
                report.compared += 1;
                let Ok(object) = T::translate(kept.object, &self.catalogue) else {
                    report.refused.push((String::new(), "unknown_shape"));
                    continue;
                };
                let id = object.id().to_owned();
                match self.heal(&object).await {
                    Ok(Synced::Changed) => report.healed.push(id),
                    Ok(Synced::Unchanged) => {}
                    Err(error) => report.refuse(id, error)?,
                }
            }
        }
        Ok(())
    }

    /// Takes a listed object into the mirror when it differs from what is held.
    async fn heal<T: Told>(&self, listed: &T) -> Result<Synced, ApplyError> {
        let held = self.store.mirrored::<T>(listed.id()).await?;
        if held.as_ref().is_some_and(|row| row.object == *listed) {
            return Ok(Synced::Unchanged);
        }
        // A page may be seconds old by now. What differs is read again, so that the commit rests
        // on a state read after the mirror's version was.
        let id = listed.id().to_owned();
        match self.mirror_object::<T>(&id, super::Source::Stripe, None).await {
            Err(ApplyError::Store(StoreError::Stale)) => Ok(Synced::Unchanged),
            done => done,
        }
    }
}

fn since(world: &World) -> i64 {
    world.now().minus(LOOK_BACK).as_seconds()
}
