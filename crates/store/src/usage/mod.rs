//! Usage: counted and decided in the transaction that holds the counter.
//!
//! Calls are folded: those that wait while a commit is under way are decided together, in the
//! order they came, by a fixed number of statements for all of them. What a decision rests on
//! (counter, entitlement, overrides, known keys) is read inside the transaction, so no cache is
//! ever trusted with a limit. On PostgreSQL the counters' row locks make nodes take turns; on
//! SQLite the one writer does. This room never decides what a plan allows; `domain::usage` does.
//! Start with [`UsageDesk`], then `decide`, then `counters.rs`.

mod alerts;
mod counters;
mod keep;
mod overrides;
mod reservations;
mod standing;

pub use alerts::UsageAlertRow;
pub use keep::{DAYS_KEPT, KEYS_KEPT};
pub use reservations::{ReservationEnd, ReservationRow, ReservationState};

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::fold::Fold;
use crate::tx::{ForSets, Tx, values};
use crate::value::Val;
use counters::{Book, CounterKey, Wanted};
use domain::catalogue::{Catalogue, FeatureId};
use domain::entitlement::Policy;
use domain::ids::{OrganizationId, ReservationId};
use domain::time::{Entropy, Timestamp};
use domain::usage::{Allowance, Counter, LimitOverride, Refusal};
use standing::{Applies, Standings};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How often a batch is decided again when another node counted the same thing meanwhile.
const TRIES: u32 = 5;

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
    /// What was counted once for a key is not counted again: a repetition gets the first answer. A
    /// refusal is not kept, since the same act may be allowed later. For consume and record.
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
    /// Whether no stored entitlement told the limit, because time has passed it or nobody has
    /// asked yet. The answer is right all the same; the next one is faster if it is stored.
    pub outdated: bool,
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

/// Where calls about usage are handed in. While one commit is under way the next batch gathers,
/// and one transaction decides all of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UsageDesk {
    fold: Fold<UsageCall, UsageOutcome>,
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
    pub async fn decide(&self, call: UsageCall) -> StoreResult<UsageOutcome> {
        self.fold.put(call).await
    }

    /// Decides several calls in their order. They may be spread over several commits.
    ///
    /// # Errors
    /// When one of them could not be committed; those before it may have been, so that only calls
    /// with keys can be repeated safely.
    pub async fn decide_all(&self, calls: Vec<UsageCall>) -> StoreResult<Vec<UsageOutcome>> {
        self.fold.put_all(calls).await
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
    ) -> StoreResult<Vec<UsageOutcome>> {
        let calls: Arc<[UsageCall]> = calls.into();
        let mut tries = 0;
        loop {
            let (calls, rules) = (Arc::clone(&calls), rules.clone());
            let decided =
                self.write(move |tx| Box::pin(async move { decide(tx, &calls, &rules).await }));
            tries += 1;
            match decided.await {
                Err(StoreError::Stale | StoreError::Taken) if tries < TRIES => {}
                outcome => return outcome,
            }
        }
    }

    /// An operator's overrides and the counters that count now, of the running period and of
    /// levels, on one state of the database. What expired reservations held is not in them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn usage_standing(
        &self,
        organization: &OrganizationId,
        period_start: Timestamp,
        now: Timestamp,
    ) -> StoreResult<(Vec<LimitOverride>, Vec<(FeatureId, Counter)>)> {
        let organization = organization.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let counters = counters::current(tx, &organization, period_start, now).await?;
                let overrides = overrides::load(tx, vec![organization]).await?;
                Ok((overrides.into_iter().map(|(_, one)| one).collect(), counters))
            })
        })
        .await
    }
}

/// What came of a call, or why it could not be decided.
pub type UsageOutcome = Result<UsageAnswer, UsageFault>;

async fn decide(
    tx: &mut Tx,
    calls: &[UsageCall],
    rules: &UsageRules,
) -> StoreResult<Vec<UsageOutcome>> {
    let organizations: BTreeSet<&str> =
        calls.iter().map(|call| call.organization.as_str()).collect();
    let mut standings = Standings::load(tx, &organizations).await?;
    let mut applies = Vec::with_capacity(calls.len());
    let mut wanted: BTreeMap<CounterKey, Wanted> = BTreeMap::new();
    for call in calls {
        let applying = standings.applies(tx, call, rules).await?;
        if let Ok(applying) = &applying {
            let period_end = applying.allowance.period.map(|period| period.end);
            wanted.insert(counter_key(call, applying), Wanted { period_end, now: call.now });
        }
        applies.push(applying);
    }
    let mut book = Book::open(tx, wanted).await?;
    let known = known_answers(tx, calls).await?;
    let mut fresh: HashMap<EventName<'_>, UsageAnswer> = HashMap::new();
    let mut events: Vec<Vec<Val>> = Vec::new();
    let mut reservations: Vec<Vec<Val>> = Vec::new();
    let mut outcomes = Vec::with_capacity(calls.len());
    for (call, applying) in calls.iter().zip(applies) {
        let applying = match applying {
            Ok(applying) => applying,
            Err(fault) => {
                outcomes.push(Err(fault));
                continue;
            }
        };
        let allowance = applying.allowance;
        let outdated = applying.outdated;
        let name = event_name(call);
        let earlier = name.and_then(|name| {
            let here = fresh.get(&name).cloned();
            here.or_else(|| known.get(&owned(name)).map(|counter| admitted(*counter, allowance)))
        });
        if let Some(answer) = earlier {
            outcomes.push(Ok(UsageAnswer { repeated: true, outdated, ..answer }));
            continue;
        }
        let (refusal, counter) = book.take(&counter_key(call, &applying), call, applying)?;
        let answer = UsageAnswer { refusal, outdated, ..admitted(counter, allowance) };
        if answer.refusal.is_none() {
            if let UsageAct::Reserve { id, expires_at } = &call.act {
                reservations.push(reservation_values(call, allowance, id, *expires_at));
            }
            if let Some(name) = name {
                events.push(event_values(call, name.2, allowance, counter));
                fresh.insert(name, answer.clone());
            }
        }
        outcomes.push(Ok(answer));
    }
    write_events(tx, &events).await?;
    tx.execute_for(NEW_RESERVATIONS, &reservations).await?;
    alerts::tell(tx, &mut book, rules).await?;
    book.close(tx).await?;
    Ok(outcomes)
}

fn admitted(counter: Counter, allowance: Allowance) -> UsageAnswer {
    UsageAnswer { refusal: None, counter, allowance, repeated: false, outdated: false }
}

fn counter_key(call: &UsageCall, applies: &Applies) -> CounterKey {
    let start = applies.allowance.period.map_or(0, |period| period.start.as_millis());
    (call.organization.as_str().to_owned(), call.feature.as_str().to_owned(), start)
}

/// What a counted call goes by: organisation, feature and the caller's key.
type EventName<'a> = (&'a str, &'a str, &'a str);

fn owned((organization, feature, key): EventName<'_>) -> (String, String, String) {
    (organization.to_owned(), feature.to_owned(), key.to_owned())
}

fn event_name(call: &UsageCall) -> Option<EventName<'_>> {
    let key = call.idempotency_key.as_deref()?;
    matches!(call.act, UsageAct::Consume | UsageAct::Record).then_some((
        call.organization.as_str(),
        call.feature.as_str(),
        key,
    ))
}

const KNOWN: ForSets = ForSets {
    each: "select organization_id, feature_id, idempotency_key, used_after, reserved_after
           from usage_events
           where organization_id = $1 and feature_id = $2 and idempotency_key = $3",
    all: "select e.organization_id, e.feature_id, e.idempotency_key, e.used_after,
                 e.reserved_after
          from unnest($1::text[], $2::text[], $3::text[])
              as k (organization_id, feature_id, idempotency_key)
          join usage_events e on e.organization_id = k.organization_id
              and e.feature_id = k.feature_id and e.idempotency_key = k.idempotency_key",
};

/// Where the counters stood after the calls whose keys were seen before. To be read after the
/// counters are locked: then nobody else can be counting under the same key.
async fn known_answers(
    tx: &mut Tx,
    calls: &[UsageCall],
) -> StoreResult<HashMap<(String, String, String), Counter>> {
    let names: BTreeSet<EventName<'_>> = calls.iter().filter_map(event_name).collect();
    let sets: Vec<Vec<Val>> =
        names.into_iter().map(|name| values![name.0, name.1, name.2].to_vec()).collect();
    let mut known = HashMap::new();
    for row in tx.rows_for(KNOWN, &sets).await? {
        let mut row = row.of("usage_events");
        let organization = row.text("organization_id")?;
        let feature = row.text("feature_id")?;
        let key = row.text("idempotency_key")?;
        let used = row.int("used_after")?;
        let counter = Counter { used, reserved: row.int("reserved_after")? };
        known.insert((organization, feature, key), counter);
    }
    Ok(known)
}

fn event_values(call: &UsageCall, key: &str, allowance: Allowance, counter: Counter) -> Vec<Val> {
    let act = if call.act == UsageAct::Record { "record" } else { "consume" };
    values![
        call.organization.as_str(),
        call.feature.as_str(),
        key,
        act,
        call.quantity,
        counter.used,
        counter.reserved,
        allowance.period.map_or(0, |period| period.start.as_millis()),
        call.now,
    ]
    .to_vec()
}

const NEW_EVENTS: ForSets = ForSets {
    each: "insert into usage_events
               (organization_id, feature_id, idempotency_key, act, quantity, used_after,
                reserved_after, period_start, at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    all: "insert into usage_events
              (organization_id, feature_id, idempotency_key, act, quantity, used_after,
               reserved_after, period_start, at)
          select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[],
                               $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
          order by 1, 2, 3",
};

/// Remembers what was counted under a key. Nodes that count the same key take turns at its
/// counter; only where a period ends between two clocks do they meet here, and then the later one
/// decides again.
async fn write_events(tx: &mut Tx, events: &[Vec<Val>]) -> StoreResult<()> {
    tx.execute_for(NEW_EVENTS, events).await.map(|_| ())
}

const NEW_RESERVATIONS: ForSets = ForSets {
    each: "insert into usage_reservations
               (id, organization_id, feature_id, period_start, quantity, state, created_at,
                expires_at)
           values ($1, $2, $3, $4, $5, 'held', $6, $7)",
    all: "insert into usage_reservations
              (id, organization_id, feature_id, period_start, quantity, state, created_at,
               expires_at)
          select id, organization_id, feature_id, period_start, quantity, 'held', created_at,
                 expires_at
          from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],
                      $6::bigint[], $7::bigint[])
              as n (id, organization_id, feature_id, period_start, quantity, created_at,
                    expires_at)",
};

fn reservation_values(
    call: &UsageCall,
    allowance: Allowance,
    id: &ReservationId,
    expires_at: Timestamp,
) -> Vec<Val> {
    values![
        id.as_str(),
        call.organization.as_str(),
        call.feature.as_str(),
        allowance.period.map_or(0, |period| period.start.as_millis()),
        call.quantity,
        call.now,
        expires_at,
    ]
    .to_vec()
}
