//! From what Stripe says to the mirror, the entitlement and the outbox, in one commit. This room
//! never receives events and never writes to Stripe; it reads Stripe when an event alone does not
//! prove what is true. Start with [`Apply::delivery`], then `mirror_object`, which a webhook, a
//! return from checkout, the sweep and a replay all end in.

mod events;
mod messages;
mod subject;
mod sweep;
mod translate;

pub use events::{HANDLED, Kind, kind_of};
pub use sweep::SweepReport;
pub use translate::{ORGANIZATION_KEY, Untranslatable};

use crate::entitlements;
use crate::world::World;
use domain::apply::{Believe, read_replaces, weigh};
use domain::catalogue::Catalogue;
use domain::delivery::ParkReason;
use domain::entitlement::Policy;
use domain::ids::OrganizationId;
use domain::mirror::{
    AsOf, Charge, Customer, Dispute, FraudWarning, Invoice, Mirrored, Refund, Subscription,
    SubscriptionStatus,
};
use messages::Told;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::any::Any;
use std::sync::Arc;
use store::{
    ApplyCommit, CheckoutEnd, CheckoutState, Claimed, Finish, MirrorWrite, OrganizationState,
    Store, StoreError,
};
use stripe::client::{Client, ErrorKind, StripeError};
use stripe::form::Params;
use stripe::objects as wire;
use subject::Owner;

/// How often a plan is made again when others write to the same organisation at the same time.
const TRIES: u32 = 12;

/// The room.
#[derive(Clone, Debug)]
pub struct Apply {
    store: Store,
    stripe: Client,
    catalogue: Arc<Catalogue>,
    policy: Policy,
    world: World,
}

/// A Stripe object that can be looked at afresh.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ObjectRef {
    /// `cus_…`
    Customer(String),
    /// `sub_…`
    Subscription(String),
    /// `in_…`
    Invoice(String),
    /// `ch_…`
    Charge(String),
    /// `re_…`
    Refund(String),
    /// `du_…`
    Dispute(String),
    /// `issfr_…`
    FraudWarning(String),
    /// `cs_…`
    CheckoutSession(String),
}

impl ObjectRef {
    /// Stripe's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Customer(id)
            | Self::Subscription(id)
            | Self::Invoice(id)
            | Self::Charge(id)
            | Self::Refund(id)
            | Self::Dispute(id)
            | Self::FraudWarning(id)
            | Self::CheckoutSession(id) => id,
        }
    }
}

/// What came of looking at an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synced {
    /// The mirror changed.
    Changed,
    /// The mirror knew it already, or nothing of ours is concerned.
    Unchanged,
}

/// Why nothing could be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It can never be applied as things are; an operator has to look.
    #[error("{}: {}", .0.code(), .0.detail())]
    Park(ParkReason),
    /// Stripe could not be asked, or not now.
    #[error("Stripe could not be asked")]
    Stripe(#[source] StripeError),
    /// The database failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ApplyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<StripeError> for ApplyError {
    fn from(error: StripeError) -> Self {
        match error.kind() {
            // The key may not see such objects: no repetition helps until somebody changes it.
            ErrorKind::Permission => Self::Park(ParkReason::StripeRefused {
                detail: error.code().unwrap_or("permission").to_owned(),
            }),
            ErrorKind::Decode => {
                Self::Park(ParkReason::UnknownShape { detail: "Stripe's answer".to_owned() })
            }
            _ => Self::Stripe(error),
        }
    }
}

/// The part of an event that apply needs.
#[derive(Deserialize)]
struct EventBody<'a> {
    #[serde(borrow)]
    data: EventData<'a>,
}

#[derive(Deserialize)]
struct EventData<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Which subscription a schedule steers, or did until it let go.
#[derive(Deserialize)]
struct Schedule {
    subscription: Option<String>,
    released_subscription: Option<String>,
}

#[derive(Deserialize)]
struct PaymentOfInvoice {
    invoice: String,
}

/// Where the newest state of an object is to come from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The payload of an event created at this second, if it is provably newer.
    Payload(&'a RawValue, i64),
    /// Stripe.
    Stripe,
}

/// An object in our own words, as it is about to be mirrored.
struct Snapshot<T> {
    object: T,
    raw: Box<RawValue>,
    as_of: AsOf,
    /// Whether Stripe was asked for it just now.
    from_stripe: bool,
}

impl Apply {
    /// Makes the room.
    #[must_use]
    pub fn new(
        store: Store,
        stripe: Client,
        catalogue: Arc<Catalogue>,
        policy: Policy,
        world: World,
    ) -> Self {
        Self { store, stripe, catalogue, policy, world }
    }

    /// Applies a claimed delivery and leaves it applied or ignored, in one commit with its effect.
    ///
    /// # Errors
    /// When nothing was written: the caller retries or parks it.
    pub async fn delivery(&self, claimed: &Claimed) -> Result<Synced, ApplyError> {
        let Some(kind) = kind_of(&claimed.kind) else { return self.ignore(claimed).await };
        let shape = |error: serde_json::Error| {
            park_shape(format!("the event's payload: {}", error.classify_name()))
        };
        let body: EventBody<'_> = serde_json::from_slice(&claimed.body).map_err(shape)?;
        let object = body.data.object;
        let Some(id) = claimed.object_id.clone() else { return self.ignore(claimed).await };
        let payload = Source::Payload(object, claimed.created);
        let delivery = Some(claimed);
        match kind {
            Kind::Customer => self.mirror_object::<Customer>(&id, payload, delivery).await,
            Kind::DeletedCustomer => {
                self.mirror_object::<Customer>(&id, Source::Stripe, delivery).await
            }
            Kind::Subscription => self.mirror_object::<Subscription>(&id, payload, delivery).await,
            Kind::Invoice => self.mirror_object::<Invoice>(&id, payload, delivery).await,
            Kind::SubscriptionOfSchedule => {
                let schedule: Schedule = serde_json::from_str(object.get()).map_err(shape)?;
                // What it will do is read again by whoever asks next.
                self.store.forget_scheduled(&id).await?;
                match schedule.subscription.or(schedule.released_subscription) {
                    Some(id) => {
                        self.mirror_object::<Subscription>(&id, Source::Stripe, delivery).await
                    }
                    None => self.ignore(claimed).await,
                }
            }
            Kind::InvoiceOfPayment => {
                let payment: PaymentOfInvoice =
                    serde_json::from_str(object.get()).map_err(shape)?;
                self.mirror_object::<Invoice>(&payment.invoice, Source::Stripe, delivery).await
            }
            Kind::CheckoutSession => self.checkout(&id, payload, delivery).await,
            Kind::Charge => self.mirror_object::<Charge>(&id, payload, delivery).await,
            Kind::Refund => self.mirror_object::<Refund>(&id, payload, delivery).await,
            Kind::Dispute => self.mirror_object::<Dispute>(&id, payload, delivery).await,
            Kind::FraudWarning => self.mirror_object::<FraudWarning>(&id, payload, delivery).await,
        }
    }

    /// Reads one object from Stripe and brings the mirror up to date before it returns.
    ///
    /// # Errors
    /// When Stripe cannot be asked, the object is nobody's, or the database fails.
    pub async fn sync_object(&self, object: &ObjectRef) -> Result<Synced, ApplyError> {
        let from = Source::Stripe;
        match object {
            ObjectRef::Customer(id) => self.mirror_object::<Customer>(id, from, None).await,
            ObjectRef::Subscription(id) => self.mirror_object::<Subscription>(id, from, None).await,
            ObjectRef::Invoice(id) => self.mirror_object::<Invoice>(id, from, None).await,
            ObjectRef::Charge(id) => self.mirror_object::<Charge>(id, from, None).await,
            ObjectRef::Refund(id) => self.mirror_object::<Refund>(id, from, None).await,
            ObjectRef::Dispute(id) => self.mirror_object::<Dispute>(id, from, None).await,
            ObjectRef::FraudWarning(id) => self.mirror_object::<FraudWarning>(id, from, None).await,
            ObjectRef::CheckoutSession(id) => self.checkout(id, from, None).await,
        }
    }

    /// The one way into the mirror: load, decide, commit; again when somebody else was faster.
    async fn mirror_object<T: Told>(
        &self,
        id: &str,
        source: Source<'_>,
        delivery: Option<&Claimed>,
    ) -> Result<Synced, ApplyError> {
        for _ in 0..TRIES {
            let (held, state) = self.load::<T>(id).await?;
            let Some(snapshot) = self.snapshot(id, held.as_ref(), source).await? else {
                return self.nothing(delivery).await;
            };
            // A look at Stripe takes its time; what was loaded before it may be old by now.
            let state = if snapshot.from_stripe { None } else { state };
            match self.commit(held, state, snapshot, delivery).await {
                // Somebody else wrote: what we planned from is gone, so look again. When it is
                // the claim that is gone, the delivery is in other hands and no longer ours.
                Err(ApplyError::Store(StoreError::Stale)) => match delivery {
                    Some(claimed) if !self.is_ours(claimed).await? => {
                        return Ok(Synced::Unchanged);
                    }
                    _ => {}
                },
                done => return done,
            }
        }
        Err(ApplyError::Store(StoreError::Stale))
    }

    async fn load<T: Told>(
        &self,
        id: &str,
    ) -> Result<(Option<Mirrored<T>>, Option<OrganizationState>), StoreError> {
        if !T::DECIDES {
            return Ok((self.store.mirrored::<T>(id).await?, None));
        }
        let found = self.store.mirrored_with_state::<T>(id).await?;
        Ok(found.map_or((None, None), |(held, state)| (Some(held), state)))
    }

    async fn is_ours(&self, claimed: &Claimed) -> Result<bool, StoreError> {
        let row = self.store.delivery(&claimed.id).await?;
        Ok(row.is_some_and(|row| {
            row.attempts == claimed.attempt && row.state.name() == claimed.state().name()
        }))
    }

    /// The newest state that can be proven, none when there is nothing newer than the mirror.
    async fn snapshot<T: Told>(
        &self,
        id: &str,
        held: Option<&Mirrored<T>>,
        source: Source<'_>,
    ) -> Result<Option<Snapshot<T>>, ApplyError> {
        if let Source::Payload(raw, created) = source {
            match weigh(held.map(|row| row.as_of), created) {
                Believe::Nothing => return Ok(None),
                Believe::AskStripe => {}
                Believe::Payload => {
                    // A shape we cannot read is read again from Stripe, in the pinned version.
                    let read = serde_json::from_str::<T::Wire>(raw.get()).ok();
                    if let Some(object) =
                        read.and_then(|wire| T::translate(wire, &self.catalogue).ok())
                    {
                        let as_of = AsOf::event(created);
                        let (raw, from_stripe) = (raw.to_owned(), false);
                        return Ok(Some(Snapshot { object, raw, as_of, from_stripe }));
                    }
                }
            }
        }
        let fetched = match T::fetch(&self.stripe, id).await {
            Ok(fetched) => fetched,
            // Stripe forgot it: a deleted test clock takes its objects along. The mirror keeps
            // what it knew last, since books are kept.
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let as_of = AsOf { from: fetched.read_at.from, to: fetched.read_at.to };
        if !read_replaces(held.map(|row| row.as_of), as_of) {
            return Ok(None);
        }
        let object = T::translate(fetched.object, &self.catalogue)
            .map_err(|Untranslatable(why)| park_shape(why))?;
        Ok(Some(Snapshot { object, raw: fetched.raw, as_of, from_stripe: true }))
    }

    /// Finds whose it is, decides what follows, and commits all of it.
    async fn commit<T: Told>(
        &self,
        held: Option<Mirrored<T>>,
        state: Option<OrganizationState>,
        snapshot: Snapshot<T>,
        delivery: Option<&Claimed>,
    ) -> Result<Synced, ApplyError> {
        let Snapshot { object, raw, as_of, .. } = snapshot;
        let owner = match &held {
            Some(row) => Some(row.organization.clone()),
            None => self.owner_of(&object).await?,
        };
        let Some(organization) = owner else { return self.nothing(delivery).await };
        let now = self.world.now();
        let before = held.as_ref().map(|row| &row.object);
        let mut messages = messages::messages(&object, before, &organization, &self.world, now);
        let (mut entitlement, mut entitlement_stays) = (None, None);
        if T::DECIDES {
            let state = match state {
                Some(state) => Some(state),
                None => self.store.organization_state(&organization).await?,
            };
            let Some(mut state) = state else { return self.nothing(delivery).await };
            self.put_into(&mut state, &object)?;
            let planned =
                entitlements::plan(&state, &self.catalogue, self.policy, &self.world, now);
            if let Some((row, more)) = planned {
                entitlement = Some(row);
                messages.extend(more);
            } else {
                entitlement_stays = state.entitlement.map(|row| row.version);
            }
        }
        let unchanged = before == Some(&object);
        let version = held.as_ref().map_or(0, |row| row.version);
        let write = MirrorWrite::new(&object, &organization, as_of, version, raw.get().as_bytes());
        let customer = (&object as &dyn Any)
            .downcast_ref::<Customer>()
            .filter(|customer| !customer.deleted)
            .map(|customer| customer.id.clone());
        self.store
            .commit_apply(ApplyCommit {
                delivery: delivery.map(|claimed| applied(claimed, now, &organization)),
                organization,
                mirror: vec![write],
                entitlement,
                entitlement_stays,
                messages,
                checkout: None,
                customer,
            })
            .await?;
        Ok(if unchanged { Synced::Unchanged } else { Synced::Changed })
    }

    /// Puts the new object where the facts are read from. A subscription on a price that nobody
    /// sells is not mirrored while it could grant a plan: access would silently fall to the free
    /// one. In any other state it grants nothing whatever it sells.
    fn put_into<T: Told>(
        &self,
        state: &mut OrganizationState,
        object: &T,
    ) -> Result<(), ApplyError> {
        let any = object as &dyn Any;
        let row = |version| Mirrored {
            object: object.clone(),
            organization: state.organization.id.clone(),
            as_of: AsOf::event(0),
            version,
        };
        if let Some(subscription) = any.downcast_ref::<Subscription>() {
            let sold = subscription.price.as_deref().and_then(|id| self.catalogue.sold_by(id));
            let could_grant = matches!(
                subscription.status,
                SubscriptionStatus::Active
                    | SubscriptionStatus::Trialing
                    | SubscriptionStatus::PastDue
            );
            if sold.is_none() && could_grant {
                return Err(ApplyError::Park(ParkReason::UnknownPrice {
                    price: subscription.price.clone().unwrap_or_else(|| "none".to_owned()),
                }));
            }
            let row = (&row(0) as &dyn Any).downcast_ref::<Mirrored<Subscription>>().cloned();
            state.subscriptions.retain(|one| one.object.id != subscription.id);
            state.subscriptions.extend(row);
        } else if let Some(invoice) = any.downcast_ref::<Invoice>() {
            let row = (&row(0) as &dyn Any).downcast_ref::<Mirrored<Invoice>>().cloned();
            state.open_invoices.retain(|one| one.object.id != invoice.id);
            state.open_invoices.extend(row);
        }
        Ok(())
    }

    /// Whose object this is. Customers we do not know yet are looked up at Stripe by their
    /// metadata; none means that it is nobody's and nothing follows.
    async fn owner_of<T: Told>(&self, object: &T) -> Result<Option<OrganizationId>, ApplyError> {
        match object.owner() {
            Owner::Nobody => Ok(None),
            Owner::Customer(customer) => self.owner_of_customer(&customer, object).await.map(Some),
            Owner::Charge(charge) => {
                if let Some(owner) = self.store.owner_of::<Charge>(&charge).await? {
                    return Ok(Some(owner));
                }
                Box::pin(self.mirror_object::<Charge>(&charge, Source::Stripe, None)).await?;
                Ok(self.store.owner_of::<Charge>(&charge).await?)
            }
        }
    }

    async fn owner_of_customer<T: Told>(
        &self,
        id: &str,
        object: &T,
    ) -> Result<OrganizationId, ApplyError> {
        if let Some(row) = self.store.organization_of_customer(id).await? {
            return Ok(row.id);
        }
        let unknown = || ApplyError::Park(ParkReason::UnknownCustomer { customer: id.to_owned() });
        let named = match (object as &dyn Any).downcast_ref::<Customer>() {
            Some(customer) => customer.organization.clone(),
            None => match self.stripe.customers().retrieve(id, &Params::new()).await {
                Ok(fetched) => {
                    translate::customer(fetched.object).ok().and_then(|one| one.organization)
                }
                Err(error) if error.is_missing() => None,
                Err(error) => return Err(error.into()),
            },
        };
        let Some(organization) = named else { return Err(unknown()) };
        let known = self.store.organization(&organization).await?;
        known.map(|row| row.id).ok_or_else(unknown)
    }

    /// A checkout session: our own record of it ends, and what it led to is looked at now rather
    /// than when its own event arrives.
    async fn checkout(
        &self,
        id: &str,
        source: Source<'_>,
        delivery: Option<&Claimed>,
    ) -> Result<Synced, ApplyError> {
        let session: wire::CheckoutSession = match source {
            // Complete and expired are final, so such a payload is true however late it comes.
            Source::Payload(raw, _) => {
                serde_json::from_str(raw.get()).map_err(|error| park_shape(error.to_string()))?
            }
            Source::Stripe => {
                let sessions = self.stripe.checkout_sessions();
                match sessions.retrieve(id, &Params::new()).await {
                    Ok(fetched) => fetched.object,
                    Err(error) if error.is_missing() => return self.nothing(delivery).await,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let state = match session.status.as_ref().map(wire::CheckoutStatus::as_str) {
            Some("complete") => CheckoutState::Complete,
            Some("expired") => CheckoutState::Expired,
            _ => return self.nothing(delivery).await,
        };
        let subscription = session.subscription_id().map(ToOwned::to_owned);
        let mut changed = Synced::Unchanged;
        // A completed checkout may have left a subscription that was mirrored before its payment
        // went through; when it grants nothing yet, it is looked at too.
        if let Some(subscription) = &subscription
            && !self.is_granting(subscription).await?
        {
            changed =
                self.mirror_object::<Subscription>(subscription, Source::Stripe, None).await?;
            if let Some(invoice) = session.invoice_id() {
                self.mirror_object::<Invoice>(invoice, Source::Stripe, None).await?;
            }
        }
        let Some(known) = self.store.checkout(id).await? else {
            return self.nothing(delivery).await;
        };
        let now = self.world.now();
        if known.state == CheckoutState::Open {
            changed = Synced::Changed;
        }
        self.store
            .commit_apply(ApplyCommit {
                delivery: delivery.map(|claimed| applied(claimed, now, &known.organization)),
                organization: known.organization,
                mirror: Vec::new(),
                entitlement: None,
                entitlement_stays: None,
                messages: Vec::new(),
                checkout: Some(CheckoutEnd { id: id.to_owned(), state, subscription }),
                customer: None,
            })
            .await?;
        Ok(changed)
    }

    async fn is_granting(&self, subscription: &str) -> Result<bool, StoreError> {
        let held = self.store.mirrored::<Subscription>(subscription).await?;
        Ok(held.is_some_and(|row| {
            matches!(row.object.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing)
        }))
    }

    /// Nothing follows; a delivery, if there is one, is left as ignored.
    async fn nothing(&self, delivery: Option<&Claimed>) -> Result<Synced, ApplyError> {
        match delivery {
            Some(claimed) => self.ignore(claimed).await,
            None => Ok(Synced::Unchanged),
        }
    }

    async fn ignore(&self, claimed: &Claimed) -> Result<Synced, ApplyError> {
        let state = claimed.state().ignore(self.world.now()).map_err(|step| park_bug(&step))?;
        let finish =
            Finish { id: claimed.id.clone(), attempt: claimed.attempt, state, organization: None };
        match self.store.finish_delivery(finish).await {
            // In other hands by now; they finish it.
            Ok(()) | Err(StoreError::Stale) => Ok(Synced::Unchanged),
            Err(error) => Err(error.into()),
        }
    }
}

fn applied(
    claimed: &Claimed,
    now: domain::time::Timestamp,
    organization: &OrganizationId,
) -> Finish {
    Finish {
        id: claimed.id.clone(),
        attempt: claimed.attempt,
        state: domain::delivery::Delivery::Applied { at: now },
        organization: Some(organization.as_str().to_owned()),
    }
}

fn park_shape(detail: String) -> ApplyError {
    ApplyError::Park(ParkReason::UnknownShape { detail })
}

fn park_bug(_: &domain::delivery::InvalidStep) -> ApplyError {
    ApplyError::Park(ParkReason::Panicked)
}

/// Names what is wrong with JSON without repeating any of it.
trait ClassifyName {
    fn classify_name(&self) -> &'static str;
}

impl ClassifyName for serde_json::Error {
    fn classify_name(&self) -> &'static str {
        match self.classify() {
            serde_json::error::Category::Io => "could not be read",
            serde_json::error::Category::Syntax => "is no JSON",
            serde_json::error::Category::Data => "has another shape than expected",
            serde_json::error::Category::Eof => "is cut off",
        }
    }
}
