//! How much of each feature an organisation has used, and whether it may use more. This room
//! never decides from memory: each answer that counts comes from the transaction that counted.
//! Start with [`Usage::consume`]; the decision itself is `store::UsageDesk`, the arithmetic
//! `domain::usage`.

use crate::config::Settings;
use crate::entitlements::{Entitlements, EntitlementsError};
use crate::world::World;
use domain::catalogue::{Catalogue, Feature, FeatureId, FeatureKind, Limit};
use domain::ids::{OrganizationId, ReservationId};
use domain::time::{Span, Timestamp};
use domain::usage::{Allowance, Counter, Refusal, allowance, forecast};
use std::sync::Arc;
use store::{
    EntitlementRow, ReservationEnd, ReservationRow, ReservationState, Store, StoreError, UsageAct,
    UsageAlertRow, UsageAnswer, UsageCall, UsageDesk, UsageFault, UsageRules,
};

/// How long a reservation is held when its caller names no time.
const HOLD: Span = Span::minutes(10);
/// The longest a reservation may be held.
const LONGEST_HOLD: Span = Span::hours(24);
/// Events that one call may record.
pub const RECORD_AT_ONCE: usize = 1_000;
/// A quantity above this is taken for a mistake: it could not be added up for long.
const LARGEST_QUANTITY: i64 = 1 << 53;
/// Characters that an idempotency key may have.
const KEY_MAX: usize = 200;

/// The room. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Usage {
    store: Store,
    desk: UsageDesk,
    rules: UsageRules,
    entitlements: Entitlements,
    catalogue: Arc<Catalogue>,
    world: World,
}

/// Why a call about usage could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The catalogue has no such feature.
    #[error("there is no feature `{0}`")]
    UnknownFeature(String),
    /// The call does not fit the kind of the feature.
    #[error("{0}")]
    WrongKind(String),
    /// A quantity that cannot be meant.
    #[error("{0}")]
    BadQuantity(String),
    /// A key that cannot be kept.
    #[error("{0}")]
    BadKey(String),
    /// There is no such reservation, or no such organisation.
    #[error("there is no such thing")]
    NotFound,
    /// The reservation has ended in another way.
    #[error("the reservation has ended already")]
    Ended,
    /// Nobody can decide now, and so nothing was counted.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EntitlementsError> for UsageError {
    fn from(error: EntitlementsError) -> Self {
        match error {
            EntitlementsError::NotFound(_) => Self::NotFound,
            EntitlementsError::Store(error) => Self::Store(error),
        }
    }
}

/// What applies to one feature now.
#[derive(Debug, Clone)]
pub struct FeatureUsage {
    /// The feature.
    pub feature: Feature,
    /// What applies.
    pub allowance: Allowance,
    /// What is used and held.
    pub counter: Counter,
    /// When the limit is reached at the pace of the period so far, if it is within the period.
    pub forecast: Option<Timestamp>,
}

/// One event to record.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The feature.
    pub feature: String,
    /// How much.
    pub quantity: i64,
    /// Counted once for a key.
    pub idempotency_key: Option<String>,
}

impl Usage {
    /// Makes the room. It needs a running Tokio, since it opens the desk.
    #[must_use]
    pub fn new(
        store: Store,
        entitlements: Entitlements,
        catalogue: Arc<Catalogue>,
        settings: &Settings,
        world: World,
    ) -> Self {
        let rules = UsageRules {
            catalogue: Arc::clone(&catalogue),
            policy: settings.policy,
            entropy: Arc::clone(&world.entropy),
        };
        let desk = UsageDesk::open(store.clone(), rules.clone());
        Self { store, desk, rules, entitlements, catalogue, world }
    }

    /// Counts `quantity` if the limit admits it. A repeated key gets the first answer.
    ///
    /// # Errors
    /// When nothing could be decided; then nothing was counted.
    pub async fn consume(
        &self,
        organization: &OrganizationId,
        feature: &str,
        quantity: i64,
        key: Option<String>,
    ) -> Result<UsageAnswer, UsageError> {
        check_quantity(quantity)?;
        check_key(key.as_deref())?;
        let call = self.call(organization, feature, quantity, key, UsageAct::Consume)?;
        self.decide_one(organization, call).await
    }

    /// Counts what has happened already, also past the limit. The answers are in the order of the
    /// events.
    ///
    /// # Errors
    /// For the first event that is wrong, before anything is counted; or when the database fails,
    /// and then a repetition with the same keys is safe.
    pub async fn record(
        &self,
        organization: &OrganizationId,
        events: Vec<Recorded>,
    ) -> Result<Vec<UsageAnswer>, UsageError> {
        for event in &events {
            check_quantity(event.quantity)?;
            check_key(event.idempotency_key.as_deref())?;
        }
        let calls = events.into_iter().map(|event| {
            let Recorded { feature, quantity, idempotency_key } = event;
            self.call(organization, &feature, quantity, idempotency_key, UsageAct::Record)
        });
        self.decide(organization, calls.collect::<Result<_, _>>()?).await
    }

    /// Holds `quantity` if the limit admits it, for `hold` or ten minutes.
    ///
    /// # Errors
    /// As [`Usage::consume`].
    pub async fn reserve(
        &self,
        organization: &OrganizationId,
        feature: &str,
        quantity: i64,
        hold: Option<Span>,
    ) -> Result<(ReservationId, Timestamp, UsageAnswer), UsageError> {
        check_quantity(quantity)?;
        let now = self.world.now();
        let hold = hold.unwrap_or(HOLD).min(LONGEST_HOLD);
        let id = ReservationId::new(now, &*self.world.entropy);
        let expires_at = now.plus(hold);
        let act = UsageAct::Reserve { id: id.clone(), expires_at };
        let call = self.call(organization, feature, quantity, None, act)?;
        let answer = self.decide_one(organization, call).await?;
        Ok((id, expires_at, answer))
    }

    /// Confirms a reservation, whole or in part, or releases it.
    ///
    /// # Errors
    /// [`UsageError::Ended`] when it ended in another way, also by itself;
    /// [`UsageError::BadQuantity`] when it holds less than is to be confirmed.
    pub async fn end_reservation(
        &self,
        organization: &OrganizationId,
        id: &str,
        how: ReservationEnd,
    ) -> Result<ReservationRow, UsageError> {
        let now = self.world.now();
        let rules = self.rules.clone();
        let row = match self.store.end_reservation(organization, id, how, now, rules).await {
            Ok(row) => row.ok_or(UsageError::NotFound)?,
            Err(StoreError::Stale) => return Err(UsageError::Ended),
            Err(error) => return Err(error.into()),
        };
        match (row.state, how) {
            (ReservationState::Confirmed(_), ReservationEnd::Confirm(_))
            | (ReservationState::Released, ReservationEnd::Release) => Ok(row),
            (ReservationState::Held, _) => {
                let hint = format!("between 0 and {}, which is what is held", row.quantity);
                Err(UsageError::BadQuantity(hint))
            }
            _ => Err(UsageError::Ended),
        }
    }

    /// Sets the level of an allocated feature.
    ///
    /// # Errors
    /// [`UsageError::WrongKind`] for any other kind of feature.
    pub async fn set_level(
        &self,
        organization: &OrganizationId,
        feature: &str,
        used: i64,
    ) -> Result<UsageAnswer, UsageError> {
        if self.feature(feature)?.kind != FeatureKind::Allocated {
            return Err(UsageError::WrongKind(format!("`{feature}` has no level to set")));
        }
        if !(0..=LARGEST_QUANTITY).contains(&used) {
            return Err(UsageError::BadQuantity("a level is zero or more".to_owned()));
        }
        let call = self.call(organization, feature, used, None, UsageAct::SetLevel)?;
        self.decide_one(organization, call).await
    }

    /// Whether `quantity` would be admitted now. It counts nothing and promises nothing: another
    /// call may be faster.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn check(
        &self,
        organization: &OrganizationId,
        feature: &str,
        quantity: i64,
    ) -> Result<UsageAnswer, UsageError> {
        check_quantity(quantity)?;
        let known = self.feature(feature)?.id.clone();
        let features = self.current(organization).await?.1;
        let one = features.into_iter().find(|one| one.feature.id == known);
        let FeatureUsage { feature, allowance, counter, .. } =
            one.ok_or_else(|| UsageError::UnknownFeature(feature.to_owned()))?;
        let quantity = if feature.kind == FeatureKind::Switch { 0 } else { quantity };
        let refusal = allowance.limit.admit(counter, quantity).err();
        Ok(UsageAnswer { refusal, counter, allowance, repeated: false, outdated: false })
    }

    /// The entitlement, and what applies to and is used of each feature, in catalogue order.
    ///
    /// # Errors
    /// [`UsageError::NotFound`] for an unknown organisation, or the database's.
    pub async fn current(
        &self,
        organization: &OrganizationId,
    ) -> Result<(EntitlementRow, Vec<FeatureUsage>), UsageError> {
        let now = self.world.now();
        let row = self.entitlements.current(organization).await?;
        let period = row.entitlement.period;
        let standing = self.store.usage_standing(organization, period.start, now).await?;
        let (overrides, counters) = standing;
        let features = self.catalogue.features().iter().filter_map(|feature| {
            let allowance =
                allowance(&row.entitlement, &overrides, &self.catalogue, &feature.id, now)?;
            let counter = counters.iter().find(|(id, _)| *id == feature.id);
            let counter = counter.map(|(_, counter)| *counter).unwrap_or_default();
            let forecast = allowance
                .period
                .and_then(|period| forecast(allowance.limit, counter.used, period, now));
            Some(FeatureUsage { feature: feature.clone(), allowance, counter, forecast })
        });
        let features = features.collect();
        Ok((row, features))
    }

    /// How much was used on each day of a span, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn history(
        &self,
        organization: &OrganizationId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(FeatureId, Timestamp, i64)>, UsageError> {
        Ok(self.store.usage_history(organization, from, to).await?)
    }

    /// The newest alerts.
    ///
    /// # Errors
    /// The database's.
    pub async fn alerts(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<UsageAlertRow>, UsageError> {
        const SHOWN: u32 = 100;
        Ok(self.store.usage_alerts(organization, SHOWN).await?)
    }

    /// Puts the alerts about a threshold aside. Says whether there are any.
    ///
    /// # Errors
    /// The database's.
    pub async fn dismiss_alert(
        &self,
        organization: &OrganizationId,
        feature: &str,
        threshold: u32,
    ) -> Result<bool, UsageError> {
        let feature = FeatureId::from(feature);
        let now = self.world.now();
        Ok(self.store.dismiss_usage_alert(organization, &feature, threshold, now).await?)
    }

    /// Deletes what is older than the rule in `store` says, and counts it.
    ///
    /// # Errors
    /// The database's; what was deleted until then stays deleted.
    pub async fn prune(&self) -> Result<u64, UsageError> {
        const AT_ONCE: u32 = 2_000;
        let mut all = 0;
        loop {
            match self.store.prune_usage(self.world.now(), AT_ONCE).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// Returns what expired reservations held and counts them.
    ///
    /// # Errors
    /// The database's.
    pub async fn expire_due(&self) -> Result<usize, UsageError> {
        const AT_ONCE: u32 = 500;
        Ok(self.store.expire_reservations(self.world.now(), AT_ONCE).await?)
    }

    /// The call, if it fits the feature.
    fn call(
        &self,
        organization: &OrganizationId,
        feature: &str,
        quantity: i64,
        idempotency_key: Option<String>,
        act: UsageAct,
    ) -> Result<UsageCall, UsageError> {
        let known = self.feature(feature)?;
        let is_switch = known.kind == FeatureKind::Switch;
        if is_switch && act != UsageAct::Consume {
            let hint = format!("`{feature}` is a switch: it has no count");
            return Err(UsageError::WrongKind(hint));
        }
        Ok(UsageCall {
            organization: organization.clone(),
            feature: known.id.clone(),
            quantity: if is_switch { 0 } else { quantity },
            idempotency_key,
            act,
            now: self.world.now(),
        })
    }

    async fn decide_one(
        &self,
        organization: &OrganizationId,
        call: UsageCall,
    ) -> Result<UsageAnswer, UsageError> {
        let feature = call.feature.clone();
        let outcome = self.desk.decide(call).await?;
        let answer = outcome.map_err(|fault| told_as(fault, &feature))?;
        self.store_if_outdated(organization, answer.outdated).await;
        Ok(answer)
    }

    async fn decide(
        &self,
        organization: &OrganizationId,
        calls: Vec<UsageCall>,
    ) -> Result<Vec<UsageAnswer>, UsageError> {
        let features: Vec<FeatureId> = calls.iter().map(|call| call.feature.clone()).collect();
        let outcomes = self.desk.decide_all(calls).await?;
        let answers = outcomes.into_iter().zip(&features);
        let answers: Vec<UsageAnswer> = answers
            .map(|(outcome, feature)| outcome.map_err(|fault| told_as(fault, feature)))
            .collect::<Result<_, _>>()?;
        let outdated = answers.iter().any(|answer| answer.outdated);
        self.store_if_outdated(organization, outdated).await;
        Ok(answers)
    }

    /// An entitlement that the decision had to compute is stored, so that the next one need not.
    async fn store_if_outdated(&self, organization: &OrganizationId, outdated: bool) {
        if outdated && let Err(error) = self.entitlements.current(organization).await {
            // The answer stands; only the next one will be slower.
            tracing::warn!(%error, %organization, "Could not store an entitlement that is due");
        }
    }

    fn feature(&self, id: &str) -> Result<&Feature, UsageError> {
        let known = self.catalogue.features().iter().find(|feature| feature.id.as_str() == id);
        known.ok_or_else(|| UsageError::UnknownFeature(id.to_owned()))
    }
}

fn told_as(fault: UsageFault, feature: &FeatureId) -> UsageError {
    match fault {
        UsageFault::UnknownOrganization => UsageError::NotFound,
        UsageFault::UnknownFeature => UsageError::UnknownFeature(feature.to_string()),
    }
}

/// A key that the database refuses would fail all calls that are decided together with it.
fn check_key(key: Option<&str>) -> Result<(), UsageError> {
    let Some(key) = key else { return Ok(()) };
    let fits = (1..=KEY_MAX).contains(&key.chars().count());
    if fits && !key.chars().any(char::is_control) {
        return Ok(());
    }
    let hint = format!("a key has 1 to {KEY_MAX} characters, none of them a control character");
    Err(UsageError::BadKey(hint))
}

fn check_quantity(quantity: i64) -> Result<(), UsageError> {
    if (1..=LARGEST_QUANTITY).contains(&quantity) {
        return Ok(());
    }
    Err(UsageError::BadQuantity(format!("a quantity is between 1 and {LARGEST_QUANTITY}")))
}

/// Why a call was refused, as a sentence for people.
#[must_use]
pub fn refusal_text(answer: &UsageAnswer, feature: &str) -> Option<String> {
    Some(match (answer.refusal?, answer.allowance.limit) {
        (Refusal::Disabled, _) => format!("The plan does not include `{feature}`."),
        (Refusal::LimitReached, Limit::Number(limit)) => format!(
            "The limit of {limit} for `{feature}` is reached: {} used.",
            answer.counter.used.saturating_add(answer.counter.reserved)
        ),
        (Refusal::LimitReached, _) => format!("The limit for `{feature}` is reached."),
    })
}
