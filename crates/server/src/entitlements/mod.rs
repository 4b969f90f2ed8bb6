//! What an organisation may do now, kept beside the mirror it follows from. This room never asks
//! Stripe and never decides by itself; the rule is `domain::entitlement`. Start with
//! [`Entitlements::current`], then [`plan`], which apply calls too.

use crate::world::World;
use domain::catalogue::Catalogue;
use domain::entitlement::{Entitlement, Policy, entitlement};
use domain::ids::{OrganizationId, OutboxId};
use domain::time::Timestamp;
use serde_json::json;
use std::sync::Arc;
use store::{
    ApplyCommit, EntitlementRow, NewMessage, OrganizationState, Store, StoreError, StoreResult,
};

/// How often a plan is made again when others write to the same organisation at the same time.
const TRIES: u32 = 10;

/// The room.
#[derive(Clone, Debug)]
pub struct Entitlements {
    store: Store,
    catalogue: Arc<Catalogue>,
    policy: Policy,
    world: World,
}

/// Why an entitlement could not be told.
#[derive(Debug, thiserror::Error)]
pub enum EntitlementsError {
    /// There is no such organisation.
    #[error("there is no organisation {0}")]
    NotFound(OrganizationId),
    /// The database failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for EntitlementsError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The entitlement that follows from what the mirror knows, as the row to write and the messages
/// that go with it. None when nothing changes.
#[must_use]
pub fn plan(
    state: &OrganizationState,
    catalogue: &Catalogue,
    policy: Policy,
    world: &World,
    now: Timestamp,
) -> Option<(EntitlementRow, Vec<NewMessage>)> {
    let mut next = entitlement(&state.facts(), catalogue, policy, now);
    let held = state.entitlement.as_ref();
    // A price that was sold and no longer is in the mapping: what was granted stays granted, and
    // operators are told, since paying customers must never fall to the free plan by a setting.
    let unsold =
        (next.because.fact == "price_unknown").then(|| next.subscription.clone()).flatten();
    if let (Some(subscription), Some(row)) = (&unsold, held)
        && row.entitlement.subscription.as_ref() == Some(subscription)
        && row.entitlement.is_active
    {
        next =
            Entitlement { period: next.period, surplus: next.surplus, ..row.entitlement.clone() };
    }
    if unsold.is_none() && held.is_some_and(|row| row.entitlement == next) {
        return None;
    }
    let organization = &state.organization.id;
    let mut messages = Vec::new();
    let mut tell = |kind: &'static str, cause: String, body: serde_json::Value| {
        messages.push(NewMessage {
            id: OutboxId::new(now, &*world.entropy),
            organization: Some(organization.as_str().to_owned()),
            kind,
            dedupe_key: format!("{kind}:{organization}:{cause}"),
            body: body.to_string(),
            due_at: now,
        });
    };
    let before = held.map(|row| &row.entitlement);
    let means_something_else = before.is_none_or(|before| {
        (&before.plan, before.status, before.is_active) != (&next.plan, next.status, next.is_active)
    });
    if let (Some(before), true) = (before, means_something_else) {
        tell(
            "webhook.entitlement_changed",
            state.version().to_string(),
            json!({
                "from": {"plan": before.plan.as_str(), "status": before.status.name()},
                "to": {"plan": next.plan.as_str(), "status": next.status.name()},
                "because": next.because.fact,
            }),
        );
    }
    let known_surplus = before.map(|before| before.surplus.as_slice()).unwrap_or_default();
    for subscription in next.surplus.iter().filter(|id| !known_surplus.contains(id)) {
        tell(
            "alert.surplus_subscription",
            subscription.clone(),
            json!({"subscription": subscription, "counted": next.subscription}),
        );
    }
    if let Some(subscription) = unsold {
        let day = now.as_seconds().div_euclid(86_400);
        tell(
            "alert.price_not_sold",
            format!("{subscription}:{day}"),
            json!({"subscription": subscription}),
        );
    }
    let row = EntitlementRow {
        organization: organization.clone(),
        changed_at: if means_something_else { now } else { held.map_or(now, |row| row.changed_at) },
        version: state.version(),
        entitlement: next,
    };
    Some((row, messages))
}

impl Entitlements {
    /// Makes the room.
    #[must_use]
    pub fn new(store: Store, catalogue: Arc<Catalogue>, policy: Policy, world: World) -> Self {
        Self { store, catalogue, policy, world }
    }

    /// What the organisation may do now. Usually one keyed read; computed again when time alone
    /// has changed the answer.
    ///
    /// # Errors
    /// [`EntitlementsError::NotFound`], or the database's.
    pub async fn current(
        &self,
        organization: &OrganizationId,
    ) -> Result<EntitlementRow, EntitlementsError> {
        let now = self.world.now();
        if let Some(row) = self.store.entitlement(organization).await? {
            let one = &row.entitlement;
            if now < one.period.end && one.valid_until.is_none_or(|until| now < until) {
                return Ok(row);
            }
        }
        self.recompute(organization).await
    }

    /// Computes the entitlement from the mirror and stores it when it differs.
    ///
    /// # Errors
    /// [`EntitlementsError::NotFound`], or the database's.
    pub async fn recompute(
        &self,
        organization: &OrganizationId,
    ) -> Result<EntitlementRow, EntitlementsError> {
        for _ in 0..TRIES {
            let now = self.world.now();
            let state = self.store.organization_state(organization).await?;
            let state = state.ok_or_else(|| EntitlementsError::NotFound(organization.clone()))?;
            let planned = plan(&state, &self.catalogue, self.policy, &self.world, now);
            let Some((row, messages)) = planned else {
                if let Some(row) = state.entitlement {
                    return Ok(row);
                }
                continue;
            };
            let commit = ApplyCommit {
                organization: organization.clone(),
                mirror: Vec::new(),
                entitlement: Some(row.clone()),
                entitlement_stays: None,
                messages,
                checkout: None,
                customer: None,
                delivery: None,
            };
            match self.store.commit_apply(commit).await {
                Ok(()) => return Ok(EntitlementRow { version: row.version + 1, ..row }),
                Err(StoreError::Stale) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Stale.into())
    }

    /// Computes every entitlement that time alone has changed and counts them.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire_due(&self) -> StoreResult<usize> {
        const AT_ONCE: u32 = 500;
        let due = self.store.entitlements_expired(self.world.now(), AT_ONCE).await?;
        let mut changed = 0;
        for organization in &due {
            match self.recompute(organization).await {
                Ok(_) => changed += 1,
                Err(EntitlementsError::NotFound(_)) => {}
                Err(EntitlementsError::Store(error)) => return Err(error),
            }
        }
        Ok(changed)
    }
}
