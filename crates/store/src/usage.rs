//! Usage: counted and decided in the transaction that holds the counter.
//!
//! Calls are folded: those that wait while a commit is under way are decided together, in the
//! order they came, by a fixed number of statements for each counter, not for each call. What a
//! decision rests on (counter, entitlement, overrides, known keys) is read inside the transaction,
//! so no cache is ever trusted with a limit. On PostgreSQL the counters' row locks make nodes take
//! turns; on SQLite the one writer does.

use crate::Store;
use crate::entitlements::{load_entitlement, load_state};
use crate::error::{StoreError, StoreResult};
use crate::fold::Fold;
use crate::outbox::{NewMessage, enqueue};
use crate::tx::{Tx, values};
use crate::value::Val;
use domain::catalogue::{Catalogue, FeatureId, Limit};
use domain::entitlement::{Entitlement, Policy, entitlement};
use domain::ids::{OrganizationId, OutboxId, ReservationId};
use domain::time::{Entropy, Timestamp};
use domain::usage::{Allowance, Counter, LimitOverride, Refusal, allowance, crossed};
use std::collections::HashMap;
use std::sync::Arc;

/// What a call wants to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageAct {
    /// Count if the limit admits it.
    Consume,
    /// Count what has happened already, also past the limit.
    Record,
    /// Hold if the limit admits it, until confirmed, released or expired.
    Reserve {
        /// The reservation's id.
        id: ReservationId,
        /// When it is released by itself.
        expires_at: Timestamp,
    },
    /// Set a level.
    SetLevel,
}

/// One call about usage.
#[derive(Debug, Clone)]
pub struct UsageCall {
    /// Whose usage.
    pub organization: OrganizationId,
    /// Of what.
    pub feature: FeatureId,
    /// How much; the new level for [`UsageAct::SetLevel`]. Never negative.
    pub quantity: i64,
    /// A repeated key gets the first call's answer and counts nothing. For consume and record.
    pub idempotency_key: Option<String>,
    /// What is to happen.
    pub act: UsageAct,
    /// When.
    pub now: Timestamp,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageAnswer {
    /// None when it was admitted (or was only recorded); else why not, and nothing was counted.
    pub refusal: Option<Refusal>,
    /// The counter after the call.
    pub counter: Counter,
    /// What applies to the organisation.
    pub allowance: Allowance,
    /// Whether this is the answer to an earlier call with the same key.
    pub repeated: bool,
}

/// What the decision rests on besides the database: the rules, as pure functions.
#[derive(Debug, Clone)]
pub struct UsageRules {
    /// What is sold.
    pub catalogue: Arc<Catalogue>,
    /// The operator's choices.
    pub policy: Policy,
    /// For the ids of alerts.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a call could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageFault {
    /// No such organisation.
    UnknownOrganization,
    /// The catalogue has no such feature.
    UnknownFeature,
}

type Outcome = Result<UsageAnswer, UsageFault>;
type CounterKey = (String, String, i64);

/// An organisation as far as its limits go.
struct Standing {
    entitlement: Entitlement,
    overrides: Vec<LimitOverride>,
}

/// A counter in work.
#[derive(Clone, Copy)]
struct Tally {
    counter: Counter,
    before: Counter,
    allowance: Allowance,
    now: Timestamp,
    counted: i64,
}

/// Where calls about usage are handed in. While one commit is under way the next batch gathers,
/// and one transaction decides all of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageDesk {
    fold: Fold<UsageCall, Outcome>,
}

impl UsageDesk {
    /// Opens the desk; it closes when the last handle is dropped.
    #[must_use]
    pub fn open(store: Store, rules: UsageRules) -> Self {
        let fold = Fold::start(move |calls| {
            let (store, rules) = (store.clone(), rules.clone());
            Box::pin(async move { store.decide_usage(calls, rules).await })
        });
        Self { fold }
    }

    /// Decides one call, committed before the answer.
    ///
    /// # Errors
    /// When it could not be committed; then nothing was counted.
    pub async fn decide(&self, call: UsageCall) -> StoreResult<Outcome> {
        self.fold.put(call).await
    }
}

impl Store {
    /// Decides calls in the order given, in one transaction, and says what came of each.
    ///
    /// # Errors
    /// When the transaction could not be committed; then nothing was counted.
    pub async fn decide_usage(
        &self,
        calls: Vec<UsageCall>,
        rules: UsageRules,
    ) -> StoreResult<Vec<Outcome>> {
        self.write(move |tx| Box::pin(async move { decide(tx, &calls, &rules).await })).await
    }

    /// An operator's overrides and the counters that count now, of the running period and of
    /// levels, on one state of the database.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn usage_standing(
        &self,
        organization: &OrganizationId,
        period_start: Timestamp,
    ) -> StoreResult<(Vec<LimitOverride>, Vec<(FeatureId, Counter)>)> {
        let organization = organization.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let overrides = load_overrides(tx, &organization).await?;
                let rows = tx
                    .rows(
                        "select feature_id, used, reserved from usage_counters
                         where organization_id = $1 and period_start in (0, $2)",
                        values![organization, period_start],
                    )
                    .await?;
                let counters = rows.into_iter().map(|row| {
                    let mut row = row.of("usage_counters");
                    let feature = FeatureId(row.text("feature_id")?);
                    let used = row.int("used")?;
                    Ok((feature, Counter { used, reserved: row.int("reserved")? }))
                });
                Ok((overrides, counters.collect::<StoreResult<_>>()?))
            })
        })
        .await
    }
}

async fn decide(tx: &mut Tx, calls: &[UsageCall], rules: &UsageRules) -> StoreResult<Vec<Outcome>> {
    let standings = standings(tx, calls, rules).await?;
    let mut tallies = tallies(tx, calls, &standings, rules).await?;
    let known = known_answers(tx, calls).await?;
    let mut fresh: HashMap<(&str, &str, &str), UsageAnswer> = HashMap::new();
    let mut events: Vec<Vec<Val>> = Vec::new();
    let mut reservations: Vec<Vec<Val>> = Vec::new();
    let mut outcomes = Vec::with_capacity(calls.len());
    for call in calls {
        let allowed = match allowance_of(call, &standings, rules) {
            Ok(allowed) => allowed,
            Err(fault) => {
                outcomes.push(Err(fault));
                continue;
            }
        };
        let name = call
            .idempotency_key
            .as_deref()
            .map(|key| (call.organization.as_str(), call.feature.as_str(), key));
        let earlier = name.and_then(|name| {
            fresh.get(&name).cloned().or_else(|| {
                known
                    .get(&(name.0.to_owned(), name.1.to_owned(), name.2.to_owned()))
                    .map(|known| known.answer(allowed))
            })
        });
        if let Some(answer) = earlier {
            outcomes.push(Ok(UsageAnswer { repeated: true, ..answer }));
            continue;
        }
        let tally = tallies
            .get_mut(&counter_key(call, allowed))
            .ok_or_else(|| StoreError::bug("a call has no counter"))?;
        tally.now = tally.now.max(call.now);
        let refusal = tally.take(call);
        if let (UsageAct::Reserve { id, expires_at }, None) = (&call.act, refusal) {
            reservations.push(vec![
                id.as_str().into(),
                call.organization.as_str().into(),
                call.feature.as_str().into(),
                allowed.period.map_or(0, |period| period.start.as_millis()).into(),
                call.quantity.into(),
                call.now.into(),
                (*expires_at).into(),
            ]);
        }
        let answer =
            UsageAnswer { refusal, counter: tally.counter, allowance: allowed, repeated: false };
        if let (Some(name), UsageAct::Consume | UsageAct::Record) = (name, &call.act) {
            events.push(event_values(call, name.2, allowed, &answer));
            fresh.insert(name, answer.clone());
        }
        outcomes.push(Ok(answer));
    }
    write(tx, &tallies, &events, &reservations).await?;
    alert(tx, &tallies, rules).await?;
    Ok(outcomes)
}

impl Tally {
    /// Does what the call asks for, or says why not and changes nothing.
    fn take(&mut self, call: &UsageCall) -> Option<Refusal> {
        let verdict = self.allowance.limit.admit(self.counter, call.quantity);
        match call.act {
            UsageAct::Consume => {
                if let Err(refusal) = verdict {
                    return Some(refusal);
                }
                self.count(call.quantity);
            }
            UsageAct::Record => self.count(call.quantity),
            UsageAct::Reserve { .. } => {
                if let Err(refusal) = verdict {
                    return Some(refusal);
                }
                self.counter.reserved = self.counter.reserved.saturating_add(call.quantity);
            }
            UsageAct::SetLevel => self.counter.used = call.quantity,
        }
        None
    }

    fn count(&mut self, quantity: i64) {
        self.counter.used = self.counter.used.saturating_add(quantity);
        self.counted = self.counted.saturating_add(quantity);
    }
}

fn allowance_of(
    call: &UsageCall,
    standings: &HashMap<String, Standing>,
    rules: &UsageRules,
) -> Result<Allowance, UsageFault> {
    let standing =
        standings.get(call.organization.as_str()).ok_or(UsageFault::UnknownOrganization)?;
    allowance(&standing.entitlement, &standing.overrides, &rules.catalogue, &call.feature, call.now)
        .ok_or(UsageFault::UnknownFeature)
}

fn counter_key(call: &UsageCall, allowed: Allowance) -> CounterKey {
    let start = allowed.period.map_or(0, |period| period.start.as_millis());
    (call.organization.as_str().to_owned(), call.feature.as_str().to_owned(), start)
}

async fn standings(
    tx: &mut Tx,
    calls: &[UsageCall],
    rules: &UsageRules,
) -> StoreResult<HashMap<String, Standing>> {
    let mut standings: HashMap<String, Standing> = HashMap::new();
    for call in calls {
        let id = call.organization.as_str();
        if standings.contains_key(id) {
            continue;
        }
        let stored = load_entitlement(tx, id).await?.map(|row| row.entitlement);
        let current = stored.filter(|one| {
            call.now < one.period.end && one.valid_until.is_none_or(|until| call.now < until)
        });
        let now_is = match current {
            Some(entitlement) => entitlement,
            // Time alone has changed the answer, or nobody ever asked: the rule says it here, and
            // the row is written by whoever owns it.
            None => match load_state(tx, id).await? {
                Some(state) => {
                    entitlement(&state.facts(), &rules.catalogue, rules.policy, call.now)
                }
                None => continue,
            },
        };
        let overrides = load_overrides(tx, id).await?;
        standings.insert(id.to_owned(), Standing { entitlement: now_is, overrides });
    }
    Ok(standings)
}

async fn load_overrides(tx: &mut Tx, organization: &str) -> StoreResult<Vec<LimitOverride>> {
    let rows = tx
        .rows(
            "select feature_id, kind, value, reason, expires_at from limit_overrides
             where organization_id = $1",
            values![organization],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("limit_overrides");
            let feature = FeatureId(row.text("feature_id")?);
            let kind = row.text("kind")?;
            let value = row.opt_int("value")?;
            let limit = match (kind.as_str(), value) {
                ("number", Some(n)) => Limit::Number(n),
                ("unlimited", None) => Limit::Unlimited,
                ("disabled", None) => Limit::Disabled,
                _ => return Err(row.corrupt("kind")),
            };
            let reason = row.text("reason")?;
            Ok(LimitOverride { feature, limit, reason, expires_at: row.time("expires_at")? })
        })
        .collect()
}

/// Loads and locks the counters that the calls are about, making those that are missing. They are
/// locked in the order of their keys, so that two nodes never wait for each other in a circle.
async fn tallies(
    tx: &mut Tx,
    calls: &[UsageCall],
    standings: &HashMap<String, Standing>,
    rules: &UsageRules,
) -> StoreResult<HashMap<CounterKey, Tally>> {
    let mut wanted: std::collections::BTreeMap<CounterKey, (Allowance, Timestamp)> =
        std::collections::BTreeMap::new();
    for call in calls {
        if let Ok(allowed) = allowance_of(call, standings, rules) {
            wanted.insert(counter_key(call, allowed), (allowed, call.now));
        }
    }
    let mut tallies = HashMap::with_capacity(wanted.len());
    for (key, (allowed, now)) in wanted {
        let found = lock_counter(tx, &key).await?;
        let counter = match found {
            Some(counter) => counter,
            None => {
                let end = allowed.period.map(|period| period.end);
                tx.execute(
                    "insert into usage_counters
                         (organization_id, feature_id, period_start, period_end, used, reserved,
                          updated_at)
                     values ($1, $2, $3, $4, 0, 0, $5)
                     on conflict (organization_id, feature_id, period_start) do nothing",
                    values![&key.0, &key.1, key.2, end, now],
                )
                .await?;
                lock_counter(tx, &key).await?.ok_or(StoreError::Stale)?
            }
        };
        tallies
            .insert(key, Tally { counter, before: counter, allowance: allowed, now, counted: 0 });
    }
    Ok(tallies)
}

async fn lock_counter(tx: &mut Tx, key: &CounterKey) -> StoreResult<Option<Counter>> {
    let row = tx
        .row(
            "select used, reserved from usage_counters
             where organization_id = $1 and feature_id = $2 and period_start = $3
             /*pg for update*/",
            values![&key.0, &key.1, key.2],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut row = row.of("usage_counters");
    let used = row.int("used")?;
    Ok(Some(Counter { used, reserved: row.int("reserved")? }))
}

/// The stored answer to an earlier call.
struct Known {
    allowed: bool,
    counter: Counter,
}

impl Known {
    fn answer(&self, allowance: Allowance) -> UsageAnswer {
        let refusal = match (self.allowed, allowance.limit) {
            (true, _) => None,
            (false, Limit::Disabled) => Some(Refusal::Disabled),
            (false, _) => Some(Refusal::LimitReached),
        };
        UsageAnswer { refusal, counter: self.counter, allowance, repeated: true }
    }
}

async fn known_answers(
    tx: &mut Tx,
    calls: &[UsageCall],
) -> StoreResult<HashMap<(String, String, String), Known>> {
    let keys: Vec<String> = calls.iter().filter_map(|call| call.idempotency_key.clone()).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut known = HashMap::new();
    let mut organizations: Vec<String> =
        calls.iter().map(|call| call.organization.as_str().to_owned()).collect();
    organizations.sort_unstable();
    organizations.dedup();
    let mut features: Vec<String> =
        calls.iter().map(|call| call.feature.as_str().to_owned()).collect();
    features.sort_unstable();
    features.dedup();
    let rows = tx
        .rows(
            "select organization_id, feature_id, idempotency_key, allowed, used_after,
                    reserved_after
             from usage_events
             where organization_id in list($1) and feature_id in list($2)
               and idempotency_key in list($3)",
            values![organizations, features, keys],
        )
        .await?;
    for row in rows {
        let mut row = row.of("usage_events");
        let organization = row.text("organization_id")?;
        let feature = row.text("feature_id")?;
        let key = row.text("idempotency_key")?;
        let allowed = row.flag("allowed")?;
        let used = row.int("used_after")?;
        let counter = Counter { used, reserved: row.int("reserved_after")? };
        known.insert((organization, feature, key), Known { allowed, counter });
    }
    Ok(known)
}

fn event_values(call: &UsageCall, key: &str, allowed: Allowance, answer: &UsageAnswer) -> Vec<Val> {
    let act = if call.act == UsageAct::Record { "record" } else { "consume" };
    vec![
        call.organization.as_str().into(),
        call.feature.as_str().into(),
        key.into(),
        act.into(),
        call.quantity.into(),
        answer.refusal.is_none().into(),
        answer.counter.used.into(),
        answer.counter.reserved.into(),
        allowed.period.map_or(0, |period| period.start.as_millis()).into(),
        call.now.into(),
    ]
}

async fn write(
    tx: &mut Tx,
    tallies: &HashMap<CounterKey, Tally>,
    events: &[Vec<Val>],
    reservations: &[Vec<Val>],
) -> StoreResult<()> {
    const DAY_MS: i64 = 86_400_000;
    let mut counters = Vec::new();
    let mut days = Vec::new();
    for (key, tally) in tallies {
        if tally.counter != tally.before {
            counters.push(vec![
                key.0.clone().into(),
                key.1.clone().into(),
                key.2.into(),
                tally.counter.used.into(),
                tally.counter.reserved.into(),
                tally.now.into(),
            ]);
        }
        if tally.counted != 0 {
            days.push(vec![
                key.0.clone().into(),
                key.1.clone().into(),
                (tally.now.as_millis().div_euclid(DAY_MS) * DAY_MS).into(),
                tally.counted.into(),
            ]);
        }
    }
    tx.execute_each(
        "insert into usage_events
             (organization_id, feature_id, idempotency_key, act, quantity, allowed, used_after,
              reserved_after, period_start, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        events,
    )
    .await?;
    tx.execute_each(
        "insert into usage_reservations
             (id, organization_id, feature_id, period_start, quantity, state, created_at,
              expires_at)
         values ($1, $2, $3, $4, $5, 'held', $6, $7)",
        reservations,
    )
    .await?;
    tx.execute_each(
        "update usage_counters set used = $4, reserved = $5, updated_at = $6
         where organization_id = $1 and feature_id = $2 and period_start = $3",
        &counters,
    )
    .await?;
    tx.execute_each(
        "insert into usage_days (organization_id, feature_id, day, used) values ($1, $2, $3, $4)
         on conflict (organization_id, feature_id, day) do update set
             used = usage_days.used + excluded.used",
        &days,
    )
    .await?;
    Ok(())
}

/// Tells each threshold that was crossed, once for a feature and a period.
async fn alert(
    tx: &mut Tx,
    tallies: &HashMap<CounterKey, Tally>,
    rules: &UsageRules,
) -> StoreResult<()> {
    for ((organization, feature, period_start), tally) in tallies {
        let Limit::Number(limit) = tally.allowance.limit else { continue };
        let thresholds = crossed(tally.allowance.limit, tally.before.used, tally.counter.used);
        for threshold in thresholds {
            let first = tx
                .execute(
                    "insert into usage_alerts
                         (organization_id, feature_id, period_start, threshold, used, limit_value,
                          at)
                     values ($1, $2, $3, $4, $5, $6, $7)
                     on conflict (organization_id, feature_id, period_start, threshold)
                         do nothing",
                    values![
                        organization,
                        feature,
                        *period_start,
                        threshold,
                        tally.counter.used,
                        limit,
                        tally.now
                    ],
                )
                .await?;
            if first == 0 {
                continue;
            }
            let message = NewMessage {
                id: OutboxId::new(tally.now, &*rules.entropy),
                organization: Some(organization.clone()),
                kind: "usage.threshold_reached",
                dedupe_key: format!(
                    "usage.threshold_reached:{organization}:{feature}:{period_start}:{threshold}"
                ),
                body: serde_json::json!({
                    "feature": feature,
                    "threshold": threshold,
                    "used": tally.counter.used,
                    "limit": limit,
                })
                .to_string(),
                due_at: tally.now,
            };
            enqueue(tx, &message).await?;
        }
    }
    Ok(())
}
