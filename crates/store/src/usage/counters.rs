//! Counters in work: locked, moved in memory, written back together.
//!
//! Everybody who moves a counter opens a [`Book`] on it. On PostgreSQL a book makes missing
//! counters and then locks all of its counters in the order of their keys, so that two books never
//! wait for each other in a circle. A reservation's row is locked before its counter by whoever
//! ends it; a book that finds expired ones passes over those that are locked.

use super::standing::Applies;
use super::{UsageAct, UsageCall};
use crate::Dialect;
use crate::error::{StoreError, StoreResult};
use crate::tx::{ForSets, Tx, values};
use crate::value::Val;
use domain::catalogue::{FeatureId, FeatureKind, Limit};
use domain::time::Timestamp;
use domain::usage::{Counter, Refusal};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;

/// Organisation, feature, and the start of the period (zero for a level, which has none).
pub(super) type CounterKey = (String, String, i64);

/// How a missing counter is made.
pub(super) struct Wanted {
    pub(super) period_end: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// A counter in work.
pub(super) struct Tally {
    pub(super) counter: Counter,
    /// The highest threshold told, in percent.
    pub(super) told: u32,
    /// What applied to the last call about it, if there was one.
    pub(super) applies: Option<Applies>,
    pub(super) now: Timestamp,
    before: (Counter, u32),
}

/// What happened to a feature on a day.
enum OfDay {
    /// So much was counted.
    Counted(i64),
    /// The level is now this.
    Level(i64),
}

/// The counters that a transaction works on.
pub(super) struct Book {
    pub(super) tallies: BTreeMap<CounterKey, Tally>,
    days: BTreeMap<(String, String, i64), OfDay>,
    /// Reservations whose time was over when the book was opened.
    pub(super) expired: usize,
}

const MISSING: ForSets = ForSets {
    each: "insert into usage_counters
               (organization_id, feature_id, period_start, period_end, used, reserved, told,
                updated_at)
           values ($1, $2, $3, $4, 0, 0, 0, $5)
           on conflict (organization_id, feature_id, period_start) do nothing",
    all: "insert into usage_counters
              (organization_id, feature_id, period_start, period_end, used, reserved, told,
               updated_at)
          select k.organization_id, k.feature_id, k.period_start, k.period_end, 0, 0, 0, k.at
          from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
              as k (organization_id, feature_id, period_start, period_end, at)
          where not exists (
              select 1 from usage_counters c
              where c.organization_id = k.organization_id and c.feature_id = k.feature_id
                and c.period_start = k.period_start)
          order by k.organization_id, k.feature_id, k.period_start
          on conflict (organization_id, feature_id, period_start) do nothing",
};

const LOCKED: ForSets = ForSets {
    each: "select organization_id, feature_id, period_start, used, reserved, told
           from usage_counters
           where organization_id = $1 and feature_id = $2 and period_start = $3",
    all: "select c.organization_id, c.feature_id, c.period_start, c.used, c.reserved, c.told
          from unnest($1::text[], $2::text[], $3::bigint[])
              as k (organization_id, feature_id, period_start)
          join usage_counters c on c.organization_id = k.organization_id
              and c.feature_id = k.feature_id and c.period_start = k.period_start
          order by c.organization_id, c.feature_id, c.period_start
          for update of c",
};

const EXPIRED: ForSets = ForSets {
    each: "select organization_id, feature_id, period_start, id, quantity
           from usage_reservations
           where organization_id = $1 and feature_id = $2 and period_start = $3
             and state = 'held' and expires_at <= $4",
    all: "select r.organization_id, r.feature_id, r.period_start, r.id, r.quantity
          from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
              as k (organization_id, feature_id, period_start, at)
          join usage_reservations r on r.organization_id = k.organization_id
              and r.feature_id = k.feature_id and r.period_start = k.period_start
          where r.state = 'held' and r.expires_at <= k.at
          for update of r skip locked",
};

const WRITTEN: ForSets = ForSets {
    each: "update usage_counters set used = $4, reserved = $5, told = $6, updated_at = $7
           where organization_id = $1 and feature_id = $2 and period_start = $3",
    all: "update usage_counters c
          set used = n.used, reserved = n.reserved, told = n.told, updated_at = n.at
          from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
                      $6::bigint[], $7::bigint[])
              as n (organization_id, feature_id, period_start, used, reserved, told, at)
          where c.organization_id = n.organization_id and c.feature_id = n.feature_id
            and c.period_start = n.period_start",
};

const COUNTED_ON_DAYS: ForSets = ForSets {
    each: "insert into usage_days (organization_id, feature_id, day, used)
           values ($1, $2, $3, $4)
           on conflict (organization_id, feature_id, day) do update set
               used = usage_days.used + excluded.used",
    all: "insert into usage_days (organization_id, feature_id, day, used)
          select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
          order by 1, 2, 3
          on conflict (organization_id, feature_id, day) do update set
              used = usage_days.used + excluded.used",
};

const LEVELS_ON_DAYS: ForSets = ForSets {
    each: "insert into usage_days (organization_id, feature_id, day, used)
           values ($1, $2, $3, $4)
           on conflict (organization_id, feature_id, day) do update set used = excluded.used",
    all: "insert into usage_days (organization_id, feature_id, day, used)
          select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
          order by 1, 2, 3
          on conflict (organization_id, feature_id, day) do update set used = excluded.used",
};

fn key_values(key: &CounterKey) -> Vec<Val> {
    values![&key.0, &key.1, key.2].to_vec()
}

impl Book {
    /// Locks the counters, makes those that are missing, and returns what expired reservations
    /// held.
    pub(super) async fn open(
        tx: &mut Tx,
        wanted: BTreeMap<CounterKey, Wanted>,
    ) -> StoreResult<Self> {
        let missing = |(key, new): (&CounterKey, &Wanted)| {
            values![&key.0, &key.1, key.2, new.period_end, new.now].to_vec()
        };
        if tx.dialect() == Dialect::Postgres {
            let sets: Vec<_> = wanted.iter().map(missing).collect();
            tx.execute_for(MISSING, &sets).await?;
        }
        let keys: Vec<_> = wanted.keys().map(key_values).collect();
        let mut tallies = BTreeMap::new();
        for row in tx.rows_for(LOCKED, &keys).await? {
            let mut row = row.of("usage_counters");
            let organization = row.text("organization_id")?;
            let key = (organization, row.text("feature_id")?, row.int("period_start")?);
            let counter = Counter { used: row.int("used")?, reserved: row.int("reserved")? };
            let told = u32::try_from(row.int("told")?).map_err(|_| row.corrupt("told"))?;
            let now = wanted.get(&key).map(|new| new.now);
            let now = now.ok_or_else(|| StoreError::bug("a counter nobody asked for"))?;
            let before = (counter, told);
            tallies.insert(key, Tally { counter, told, applies: None, now, before });
        }
        if tallies.len() < wanted.len() {
            let new = wanted.iter().filter(|(key, _)| !tallies.contains_key(*key));
            let sets: Vec<_> = new.map(missing).collect();
            tx.execute_for(MISSING, &sets).await?;
            for (key, new) in &wanted {
                let before = (Counter::default(), 0);
                let fresh = || Tally {
                    counter: before.0,
                    told: before.1,
                    applies: None,
                    now: new.now,
                    before,
                };
                tallies.entry(key.clone()).or_insert_with(fresh);
            }
        }
        let mut book = Self { tallies, days: BTreeMap::new(), expired: 0 };
        book.return_expired(tx).await?;
        Ok(book)
    }

    async fn return_expired(&mut self, tx: &mut Tx) -> StoreResult<()> {
        let holding = self.tallies.iter().filter(|(_, tally)| tally.counter.reserved > 0);
        let sets: Vec<Vec<Val>> = holding
            .map(|(key, tally)| values![&key.0, &key.1, key.2, tally.now].to_vec())
            .collect();
        let mut ids = Vec::new();
        for row in tx.rows_for(EXPIRED, &sets).await? {
            let mut row = row.of("usage_reservations");
            let organization = row.text("organization_id")?;
            let key = (organization, row.text("feature_id")?, row.int("period_start")?);
            ids.push(row.text("id")?);
            let quantity = row.int("quantity")?;
            if let Some(tally) = self.tallies.get_mut(&key) {
                tally.counter.reserved = tally.counter.reserved.saturating_sub(quantity);
            }
        }
        self.expired = ids.len();
        if ids.is_empty() {
            return Ok(());
        }
        tx.execute(
            "update usage_reservations set state = 'expired' where id in list($1)",
            values![ids],
        )
        .await
        .map(|_| ())
    }

    /// Does what a call asks for, or says why not and changes nothing; and where the counter is
    /// then.
    pub(super) fn take(
        &mut self,
        key: &CounterKey,
        call: &UsageCall,
        applies: Applies,
    ) -> StoreResult<(Option<Refusal>, Counter)> {
        let tally = self.tallies.get_mut(key);
        let tally = tally.ok_or_else(|| StoreError::bug("a call has no counter"))?;
        tally.now = tally.now.max(call.now);
        tally.applies = Some(applies);
        let before = tally.counter.used;
        let verdict = applies.allowance.limit.admit(tally.counter, call.quantity);
        match call.act {
            UsageAct::Consume => {
                if let Err(refusal) = verdict {
                    return Ok((Some(refusal), tally.counter));
                }
                tally.counter.used = before.saturating_add(call.quantity);
            }
            UsageAct::Record => tally.counter.used = before.saturating_add(call.quantity),
            UsageAct::Reserve { .. } => {
                if let Err(refusal) = verdict {
                    return Ok((Some(refusal), tally.counter));
                }
                tally.counter.reserved = tally.counter.reserved.saturating_add(call.quantity);
            }
            UsageAct::SetLevel => tally.counter.used = call.quantity,
        }
        let counter = tally.counter;
        let is_level = applies.allowance.kind == FeatureKind::Allocated;
        self.note_day(key, call.now, before, counter.used, is_level);
        Ok((None, counter))
    }

    /// Ends what a reservation held, and counts `confirmed` of it.
    pub(super) fn end_hold(
        &mut self,
        key: &CounterKey,
        held: i64,
        confirmed: i64,
        now: Timestamp,
        applies: Option<Applies>,
    ) -> StoreResult<()> {
        let tally = self.tallies.get_mut(key);
        let tally = tally.ok_or_else(|| StoreError::bug("a reservation has no counter"))?;
        let before = tally.counter.used;
        tally.counter.reserved = tally.counter.reserved.saturating_sub(held).max(0);
        tally.counter.used = before.saturating_add(confirmed);
        tally.applies = applies;
        let after = tally.counter.used;
        // Only a level has no period.
        self.note_day(key, now, before, after, key.2 == 0);
        Ok(())
    }

    fn note_day(
        &mut self,
        key: &CounterKey,
        now: Timestamp,
        before: i64,
        after: i64,
        is_level: bool,
    ) {
        if before == after {
            return;
        }
        let day = now.as_millis().div_euclid(DAY_MS).saturating_mul(DAY_MS);
        let place = self.days.entry((key.0.clone(), key.1.clone(), day));
        if is_level {
            place.insert_entry(OfDay::Level(after));
        } else if let OfDay::Counted(sum) = place.or_insert(OfDay::Counted(0)) {
            *sum = sum.saturating_add(after.saturating_sub(before));
        }
    }

    /// Writes what has changed.
    pub(super) async fn close(self, tx: &mut Tx) -> StoreResult<()> {
        let changed =
            self.tallies.iter().filter(|(_, tally)| (tally.counter, tally.told) != tally.before);
        let counters: Vec<Vec<Val>> = changed
            .map(|(key, tally)| {
                let Counter { used, reserved } = tally.counter;
                values![&key.0, &key.1, key.2, used, reserved, tally.told, tally.now].to_vec()
            })
            .collect();
        tx.execute_for(WRITTEN, &counters).await?;
        let (mut counted, mut levels) = (Vec::new(), Vec::new());
        for (key, of_day) in self.days {
            let (sets, used) = match of_day {
                OfDay::Counted(used) => (&mut counted, used),
                OfDay::Level(used) => (&mut levels, used),
            };
            sets.push(values![key.0, key.1, key.2, used].to_vec());
        }
        tx.execute_for(COUNTED_ON_DAYS, &counted).await?;
        tx.execute_for(LEVELS_ON_DAYS, &levels).await?;
        Ok(())
    }
}

impl Tally {
    /// The limit, if it is a number: what shares can be told of.
    pub(super) fn limit(&self) -> Option<i64> {
        match self.applies?.allowance.limit {
            Limit::Number(limit) => Some(limit),
            Limit::Unlimited | Limit::Disabled => None,
        }
    }
}

/// The counters of an organisation that count now. What expired reservations held is not in them,
/// also where nobody has returned it yet.
pub(super) async fn current(
    tx: &mut Tx,
    organization: &str,
    period_start: Timestamp,
    now: Timestamp,
) -> StoreResult<Vec<(FeatureId, Counter)>> {
    let rows = tx
        .rows(
            "select c.feature_id, c.used,
                    case when c.reserved = 0 then 0 else (
                        select cast(coalesce(sum(r.quantity), 0) as bigint)
                        from usage_reservations r
                        where r.organization_id = c.organization_id
                          and r.feature_id = c.feature_id and r.period_start = c.period_start
                          and r.state = 'held' and r.expires_at > $3)
                    end
             from usage_counters c
             where c.organization_id = $1 and c.period_start in (0, $2)",
            values![organization, period_start, now],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("usage_counters");
            let feature = FeatureId(row.text("feature_id")?);
            let used = row.int("used")?;
            Ok((feature, Counter { used, reserved: row.int("reserved")? }))
        })
        .collect()
}
