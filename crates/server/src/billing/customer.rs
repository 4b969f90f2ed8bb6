//! The Stripe customer that pays for an organisation: made once, however many ask.

use super::intents::{Carried, Deed};
use super::{Billing, BillingError, BillingResult};
use crate::apply::ORGANIZATION_KEY;
use domain::ids::OrganizationId;
use domain::mirror::Customer;
use store::{CustomerSlot, OrganizationRow, StoreError};
use stripe::form::Params;

/// How often a plan is made again when others were faster.
const TRIES: u32 = 6;

/// An organisation's customer.
#[derive(Debug, Clone)]
pub(super) struct Payer {
    /// `cus_…`.
    pub(super) id: String,
    /// Whether it was made just now, so that nothing can be sold to it yet.
    pub(super) is_new: bool,
}

impl Billing {
    /// The organisation's row.
    pub(super) async fn organization(
        &self,
        org: &OrganizationId,
    ) -> BillingResult<OrganizationRow> {
        self.0.store.organization(org).await?.ok_or(BillingError::NotFound)
    }

    /// The customer that pays for an organisation; made if there is none, or if it was deleted at
    /// Stripe.
    pub(super) async fn payer(&self, org: &OrganizationId) -> BillingResult<Payer> {
        for _ in 0..TRIES {
            let row = self.organization(org).await?;
            let deleted = self.deleted_customer(org).await?;
            if let Some(id) = row.stripe_customer_id.clone()
                && deleted.is_none()
            {
                return Ok(Payer { id, is_new: false });
            }
            let mut params =
                Params::new().set("name", &row.name).metadata(ORGANIZATION_KEY, org.as_str());
            // Receipts go there, and Stripe's pages need not ask for it.
            if let Some(address) = self.0.store.billing_address_of(org).await? {
                params = params.set("email", address);
            }
            let new = self.new_intent(org, Deed::CreateCustomer, org.as_str(), params);
            let now = self.0.world.now();
            let intent = match self.0.store.open_customer_intent(new, deleted, now).await {
                Ok(CustomerSlot::Intent(intent)) => intent,
                Ok(CustomerSlot::Known(id)) => return Ok(Payer { id, is_new: false }),
                Err(StoreError::Stale) => continue,
                Err(error) => return Err(error.into()),
            };
            if let Carried::Customer(id) = self.carry_out(&intent).await? {
                return Ok(Payer { id, is_new: true });
            }
        }
        Err(BillingError::Busy)
    }

    /// The organisation's customer, if the mirror knows that it was deleted at Stripe.
    pub(super) async fn deleted_customer(
        &self,
        org: &OrganizationId,
    ) -> BillingResult<Option<String>> {
        let Some(id) = self.organization(org).await?.stripe_customer_id else { return Ok(None) };
        let mirrored = self.0.store.mirrored::<Customer>(&id).await?;
        Ok(mirrored.filter(|row| row.object.deleted).map(|_| id))
    }
}
