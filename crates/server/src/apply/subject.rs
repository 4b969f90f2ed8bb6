//! What the seven mirrored kinds have in common: how each is read, translated and owned.

use super::translate::{self, Untranslatable};
use domain::catalogue::Catalogue;
use domain::mirror::{Charge, Customer, Dispute, FraudWarning, Invoice, Refund, Subscription};
use serde::de::DeserializeOwned;
use std::future::Future;
use store::MirrorObject;
use stripe::client::{Client, Fetched, StripeError};
use stripe::form::Params;
use stripe::objects as wire;

/// By what an object names its organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// The Stripe customer that it belongs to.
    Customer(String),
    /// The charge that it is about.
    Charge(String),
    /// Nothing: money of a guest, which is not ours to mirror.
    Nobody,
}

/// A mirrored kind of object.
pub(super) trait Subject: MirrorObject + PartialEq {
    /// As Stripe sends it.
    type Wire: DeserializeOwned + Send + Sync + 'static;
    /// Stripe's words into ours. The catalogue tells which of several items carries the plan.
    fn translate(wire: Self::Wire, catalogue: &Catalogue) -> Result<Self, Untranslatable>;
    /// Reads it from Stripe.
    fn fetch(
        stripe: &Client,
        id: &str,
    ) -> impl Future<Output = Result<Fetched<Self::Wire>, StripeError>> + Send;
    /// Whose it is.
    fn owner(&self) -> Owner;
    /// Whether an entitlement can depend on it.
    const DECIDES: bool;
}

macro_rules! subject {
    ($kind:ty, $wire:ty, $translate:expr, $accessor:ident, decides: $decides:literal,
     |$this:ident| $owner:expr) => {
        impl Subject for $kind {
            type Wire = $wire;
            const DECIDES: bool = $decides;
            fn translate(wire: Self::Wire, catalogue: &Catalogue) -> Result<Self, Untranslatable> {
                let translate: fn($wire, &Catalogue) -> _ = $translate;
                translate(wire, catalogue)
            }
            async fn fetch(stripe: &Client, id: &str) -> Result<Fetched<Self::Wire>, StripeError> {
                stripe.$accessor().retrieve(id, &Params::new()).await
            }
            fn owner(&self) -> Owner {
                let $this = self;
                $owner
            }
        }
    };
}

subject!(Customer, wire::MaybeDeleted<wire::Customer>, |wire, _| translate::customer(wire), customers,
    decides: false, |this| Owner::Customer(this.id.clone()));
subject!(Subscription, wire::Subscription, translate::subscription, subscriptions,
    decides: true, |this| Owner::Customer(this.customer.clone()));
subject!(Invoice, wire::Invoice, |wire, _| translate::invoice(wire), invoices,
    decides: true, |this| Owner::Customer(this.customer.clone()));
subject!(Charge, wire::Charge, |wire, _| translate::charge(wire), charges,
    decides: false, |this| this.customer.clone().map_or(Owner::Nobody, Owner::Customer));
subject!(Refund, wire::Refund, |wire, _| translate::refund(wire), refunds,
    decides: false, |this| this.charge.clone().map_or(Owner::Nobody, Owner::Charge));
subject!(Dispute, wire::Dispute, |wire, _| translate::dispute(wire), disputes,
    decides: false, |this| Owner::Charge(this.charge.clone()));
subject!(FraudWarning, wire::EarlyFraudWarning, |wire, _| translate::fraud_warning(wire), early_fraud_warnings,
    decides: false, |this| Owner::Charge(this.charge.clone()));
