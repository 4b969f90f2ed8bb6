//! Usage against a model of a few lines: whatever is done in whatever order, both count the same,
//! admit the same, tell the same, and never pass a limit.

use crate::database::Database;
use crate::make::{NOW, commit, entitlement, organization};
use crate::usage::{call, rules};
use domain::ids::{OrganizationId, ReservationId};
use domain::period::month_of;
use domain::time::{Span, Timestamp};
use domain::usage::{Counter, THRESHOLDS};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, BTreeSet};
use store::{ReservationEnd, ReservationState, Store, StoreError, UsageAct, UsageCall};

/// One of the calls that a batch decides together.
#[derive(Debug, Clone)]
enum Ask {
    Consume { quantity: i64, key: Option<u8> },
    Record { quantity: i64, key: Option<u8> },
    Reserve { quantity: i64, seconds: u32 },
}

#[derive(Debug, Clone)]
enum Step {
    Decide(Vec<Ask>),
    Confirm {
        which: usize,
        part: Option<i64>,
    },
    Release {
        which: usize,
    },
    ExpireDue,
    Advance {
        seconds: u32,
    },
    ChangePlan {
        to: &'static str,
    },
    /// The process ends and another one opens the database.
    Restart,
}

fn ask() -> impl Strategy<Value = Ask> {
    let key = || prop::option::weighted(0.3, 0_u8..6);
    prop_oneof![
        3 => (1_i64..60, key()).prop_map(|(quantity, key)| Ask::Consume { quantity, key }),
        1 => (1_i64..60, key()).prop_map(|(quantity, key)| Ask::Record { quantity, key }),
        2 => (1_i64..60, 1_u32..500_000)
            .prop_map(|(quantity, seconds)| Ask::Reserve { quantity, seconds }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let part = || prop::option::of(0_i64..70);
    prop_oneof![
        8 => prop::collection::vec(ask(), 1..5).prop_map(Step::Decide),
        3 => (0_usize..20, part()).prop_map(|(which, part)| Step::Confirm { which, part }),
        2 => (0_usize..20).prop_map(|which| Step::Release { which }),
        1 => Just(Step::ExpireDue),
        3 => (1_u32..1_000_000).prop_map(|seconds| Step::Advance { seconds }),
        1 => prop::sample::select(vec!["free", "team", "enterprise"])
            .prop_map(|to| Step::ChangePlan { to }),
        1 => Just(Step::Restart),
    ]
}

struct Held {
    id: ReservationId,
    month: i64,
    quantity: i64,
    expires_at: Timestamp,
    ended: Option<ReservationState>,
}

/// What should be true.
struct Model {
    now: Timestamp,
    plan: &'static str,
    plan_until: Timestamp,
    used: BTreeMap<i64, i64>,
    held: Vec<Held>,
    keys: BTreeMap<(u8, i64), i64>,
    told: BTreeMap<i64, u32>,
    alerts: BTreeSet<(i64, i64, i64)>,
    counted: i64,
}

impl Model {
    fn month(&self) -> i64 {
        month_of(NOW, self.now).start.as_millis()
    }

    fn limit(&self) -> Option<i64> {
        // The mirror knows no subscription, so what a plan was given for ends with its month.
        match if self.now < self.plan_until { self.plan } else { "free" } {
            "free" => Some(100),
            "team" => Some(1_000),
            _ => None,
        }
    }

    fn reserved(&self, month: i64) -> i64 {
        let open = self
            .held
            .iter()
            .filter(|one| one.ended.is_none() && one.month == month && one.expires_at > self.now);
        open.map(|one| one.quantity).sum()
    }

    fn counter(&self) -> Counter {
        let month = self.month();
        let used = self.used.get(&month).copied().unwrap_or(0);
        Counter { used, reserved: self.reserved(month) }
    }

    fn admits(&self, quantity: i64) -> bool {
        let Counter { used, reserved } = self.counter();
        self.limit().is_none_or(|limit| used + reserved + quantity <= limit)
    }

    fn count(&mut self, month: i64, quantity: i64) {
        *self.used.entry(month).or_default() += quantity;
        self.counted += quantity;
    }

    fn tell_if(&mut self, is_running: bool) {
        if is_running {
            self.tell();
        }
    }

    /// Tells what is due of the running month.
    fn tell(&mut self) {
        let (month, used) = (self.month(), self.counter().used);
        let Some(limit) = self.limit() else { return };
        let told = self.told.entry(month).or_default();
        for threshold in THRESHOLDS {
            if threshold > *told && used * 100 >= limit * i64::from(threshold) {
                *told = threshold;
                self.alerts.insert((month, i64::from(threshold), used));
            }
        }
    }
}

/// A key of one month: in a real program keys are not used again for other acts.
fn key_of(key: u8, month: i64) -> String {
    format!("{month}-{key}")
}

struct World {
    store: Store,
    org: OrganizationId,
    model: Model,
    version: i64,
    made: u64,
}

impl World {
    async fn decide(&mut self, asks: &[Ask]) {
        let (now, month) = (self.model.now, self.model.month());
        let mut calls = Vec::new();
        for ask in asks {
            let (act, quantity, key) = match ask {
                Ask::Consume { quantity, key } => (UsageAct::Consume, *quantity, *key),
                Ask::Record { quantity, key } => (UsageAct::Record, *quantity, *key),
                Ask::Reserve { quantity, seconds } => {
                    self.made += 1;
                    let id = ReservationId::trusted(format!("rsv_{:026}", self.made));
                    let expires_at = now.plus(Span::seconds(*seconds));
                    (UsageAct::Reserve { id, expires_at }, *quantity, None)
                }
            };
            let idempotency_key = key.map(|key| key_of(key, month));
            calls.push(UsageCall { now, idempotency_key, ..call(&self.org, act, quantity) });
        }
        let answers = self.store.decide_usage(calls.clone(), rules()).await.unwrap();
        let model = &mut self.model;
        let mut looked = false;
        for ((ask, call), answer) in asks.iter().zip(calls).zip(answers) {
            let answer = answer.unwrap();
            let key = match ask {
                Ask::Consume { key, .. } | Ask::Record { key, .. } => *key,
                Ask::Reserve { .. } => None,
            };
            if let Some(used) = key.and_then(|key| model.keys.get(&(key, month))) {
                assert!(answer.repeated && answer.refusal.is_none());
                assert_eq!(answer.counter.used, *used, "the first answer");
                continue;
            }
            looked = true;
            let admitted = match ask {
                Ask::Record { quantity, .. } => {
                    model.count(month, *quantity);
                    true
                }
                Ask::Consume { quantity, .. } => {
                    let admitted = model.admits(*quantity);
                    if admitted {
                        model.count(month, *quantity);
                    }
                    admitted
                }
                Ask::Reserve { quantity, .. } => {
                    let admitted = model.admits(*quantity);
                    if let (true, UsageAct::Reserve { id, expires_at }) = (admitted, call.act) {
                        let quantity = *quantity;
                        model.held.push(Held { id, month, quantity, expires_at, ended: None });
                    }
                    admitted
                }
            };
            assert_eq!(answer.refusal.is_none(), admitted, "{ask:?} {answer:?}");
            assert!(!answer.repeated);
            assert_eq!(answer.counter, model.counter(), "{ask:?}");
            if let (Some(key), true) = (key, admitted) {
                model.keys.insert((key, month), answer.counter.used);
            }
        }
        if looked {
            model.tell();
        }
    }

    async fn end(&mut self, which: usize, how: ReservationEnd) {
        let model = &mut self.model;
        if model.held.is_empty() {
            return;
        }
        let which = which % model.held.len();
        let (now, month) = (model.now, model.month());
        let one = &mut model.held[which];
        let ended = self.store.end_reservation(&self.org, one.id.as_str(), how, now, rules()).await;
        if one.ended.is_none() && one.expires_at <= now {
            // Refused either way: as expired just now, or as found expired by an earlier call.
            one.ended = Some(ReservationState::Expired);
            let held_in = one.month;
            match ended {
                Err(StoreError::Stale) => {}
                Ok(Some(row)) => {
                    assert_eq!(row.state, ReservationState::Expired);
                    model.tell_if(held_in == month);
                }
                other => panic!("{how:?}: {other:?}"),
            }
            return;
        }
        let expected = match (one.ended, how) {
            (None, ReservationEnd::Release) => Some(ReservationState::Released),
            (None, ReservationEnd::Confirm(part)) => {
                let part = part.unwrap_or(one.quantity);
                let fits = part <= one.quantity;
                Some(if fits { ReservationState::Confirmed(part) } else { ReservationState::Held })
            }
            (Some(ReservationState::Released), ReservationEnd::Release) => {
                Some(ReservationState::Released)
            }
            (Some(ReservationState::Confirmed(n)), ReservationEnd::Confirm(part))
                if part.is_none_or(|part| part == n) =>
            {
                Some(ReservationState::Confirmed(n))
            }
            _ => None,
        };
        match (&ended, expected) {
            (Ok(Some(row)), Some(state)) => assert_eq!(row.state, state),
            (Err(StoreError::Stale), None) => {}
            other => panic!("{how:?}: {other:?}"),
        }
        let is_new = one.ended.is_none() && expected != Some(ReservationState::Held);
        if let (true, Some(state)) = (is_new, expected) {
            one.ended = Some(state);
            let held_in = one.month;
            if let ReservationState::Confirmed(part) = state {
                model.count(held_in, part);
            }
            model.tell_if(held_in == month);
        }
    }

    async fn take(&mut self, step: &Step, url: &store::DatabaseUrl) {
        match step {
            Step::Decide(asks) => self.decide(asks).await,
            Step::Confirm { which, part } => {
                self.end(*which, ReservationEnd::Confirm(*part)).await;
            }
            Step::Release { which } => self.end(*which, ReservationEnd::Release).await,
            Step::ExpireDue => {
                self.store.expire_reservations(self.model.now, 100).await.unwrap();
            }
            Step::Advance { seconds } => {
                self.model.now = self.model.now.plus(Span::seconds(*seconds));
            }
            Step::ChangePlan { to } => {
                let mut row = entitlement(&self.org, to, self.version);
                row.entitlement.period = month_of(NOW, self.model.now);
                self.version += 1;
                (self.model.plan, self.model.plan_until) = (to, row.entitlement.period.end);
                let mut change = commit(&self.org);
                change.entitlement = Some(row);
                self.store.commit_apply(change).await.unwrap();
            }
            Step::Restart => {
                self.store.close().await;
                self.store = Store::open(url).await.unwrap();
            }
        }
    }

    /// Asserts that the database and the model say the same.
    async fn compare(&self) {
        let Self { store, org, model, .. } = self;
        let start = Timestamp::from_millis(model.month());
        let (_, counters) = store.usage_standing(org, start, model.now).await.unwrap();
        let counter = counters.first().map(|(_, counter)| *counter).unwrap_or_default();
        assert_eq!(counter, model.counter());
        let alerts = store.usage_alerts(org, 1_000).await.unwrap();
        let told = alerts.iter().map(|one| (one.period_start.as_millis(), one.threshold, one.used));
        assert_eq!(told.collect::<BTreeSet<_>>(), model.alerts);
        let sent = store.messages("usage.threshold_reached", 1_000).await.unwrap();
        assert_eq!((alerts.len(), sent.len()), (model.alerts.len(), model.alerts.len()));
        let far = model.now.plus(Span::days(1));
        let days = store.usage_history(org, NOW.minus(Span::days(1)), far).await.unwrap();
        assert_eq!(days.iter().map(|day| day.2).sum::<i64>(), model.counted);
    }
}

async fn play(steps: &[Step]) {
    let scratch = Database::Sqlite.create().await.unwrap();
    let store = Store::open(&scratch.url).await.unwrap();
    store.migrate_up(NOW).await.unwrap();
    let org = organization(&store).await;
    let model = Model {
        now: NOW,
        plan: "free",
        plan_until: NOW,
        used: BTreeMap::new(),
        held: Vec::new(),
        keys: BTreeMap::new(),
        told: BTreeMap::new(),
        alerts: BTreeSet::new(),
        counted: 0,
    };
    let mut world = World { store, org, model, version: 0, made: 0 };
    for step in steps {
        world.take(step, &scratch.url).await;
        world.compare().await;
    }
    world.store.close().await;
    scratch.remove().await;
}

/// Shows that random sequences of batches, confirmations, releases, expiry, clock moves, plan
/// changes and restarts agree with the model after each step.
#[test]
fn whatever_is_done_counts_as_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec(step(), 1..40);
    runner
        .run(&steps, |steps| {
            runtime.block_on(play(&steps));
            Ok(())
        })
        .unwrap();
}
