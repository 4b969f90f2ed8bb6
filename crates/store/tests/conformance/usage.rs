//! Usage: counted exactly, told once, and never past a limit, whoever calls from wherever.

use crate::make::{NOW, after, audit, commit, entitlement, organization};
use crate::{Case, for_each_database};
use domain::catalogue::{FeatureId, Limit, sample};
use domain::entitlement::Policy;
use domain::ids::{OrganizationId, ReservationId};
use domain::period::{Period, month_of};
use domain::time::{Entropy, Span, Timestamp};
use domain::usage::{Counter, LimitOverride, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{
    ReservationEnd, ReservationState, Store, StoreError, UsageAct, UsageAnswer, UsageCall,
    UsageDesk, UsageFault, UsageRules,
};

for_each_database![
    many_calls_at_once_stop_exactly_at_the_limit,
    two_desks_on_one_database_never_pass_a_limit,
    calls_about_many_organisations_do_not_wait_in_a_circle,
    a_key_counts_once_within_a_batch_and_across_batches,
    a_refusal_is_not_kept_under_its_key,
    a_batch_across_the_end_of_a_period_counts_in_both,
    an_organisation_nobody_asked_about_has_its_limits,
    an_override_counts_while_it_lasts,
    what_does_not_exist_is_said_for_its_call_alone,
    a_reservation_is_confirmed_in_part_once,
    a_released_reservation_returns_its_quantity_once,
    an_expired_reservation_returns_its_quantity_without_help,
    each_threshold_is_told_once_and_in_order,
    a_confirmed_reservation_is_told_too,
    a_level_that_comes_back_is_told_in_another_month,
    history_adds_up_by_day,
    old_rows_go_and_young_ones_stay,
];

/// As many different bytes as it takes, over all of a test; no secret rests on them.
#[derive(Debug)]
struct Counting;

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        for chunk in buffer.chunks_mut(8) {
            let word = COUNT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) fn rules() -> UsageRules {
    UsageRules {
        catalogue: Arc::new(sample::test_automation().unwrap()),
        policy: Policy::default(),
        entropy: Arc::new(Counting),
    }
}

/// An organisation on the plan Team: 1,000 runs a month, 10 projects.
async fn on_team(store: &Store) -> OrganizationId {
    let org = organization(store).await;
    on_plan(store, &org, "team", 0).await;
    org
}

async fn on_plan(store: &Store, org: &OrganizationId, plan: &str, version: i64) {
    let mut change = commit(org);
    change.entitlement = Some(entitlement(org, plan, version));
    store.commit_apply(change).await.unwrap();
}

async fn on_team_for(store: &Store, org: &OrganizationId, period: Period, version: i64) {
    let mut change = commit(org);
    let mut row = entitlement(org, "team", version);
    row.entitlement.period = period;
    change.entitlement = Some(row);
    store.commit_apply(change).await.unwrap();
}

pub(crate) fn call(org: &OrganizationId, act: UsageAct, quantity: i64) -> UsageCall {
    UsageCall {
        organization: org.clone(),
        feature: FeatureId::from("test_runs"),
        quantity,
        idempotency_key: None,
        act,
        now: NOW,
    }
}

fn consume(org: &OrganizationId, quantity: i64) -> UsageCall {
    call(org, UsageAct::Consume, quantity)
}

fn record(org: &OrganizationId, quantity: i64) -> UsageCall {
    call(org, UsageAct::Record, quantity)
}

fn keyed(call: UsageCall, key: &str) -> UsageCall {
    UsageCall { idempotency_key: Some(key.to_owned()), ..call }
}

fn at(call: UsageCall, now: Timestamp) -> UsageCall {
    UsageCall { now, ..call }
}

fn level(org: &OrganizationId, used: i64, now: Timestamp) -> UsageCall {
    let feature = FeatureId::from("projects");
    UsageCall { feature, now, ..call(org, UsageAct::SetLevel, used) }
}

/// A hold of a minute.
fn hold(org: &OrganizationId, quantity: i64) -> (ReservationId, UsageCall) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("rsv_{:026}", COUNT.fetch_add(1, Ordering::Relaxed));
    let id = ReservationId::trusted(id);
    let act = UsageAct::Reserve { id: id.clone(), expires_at: after(60) };
    (id, call(org, act, quantity))
}

async fn decide(store: &Store, calls: Vec<UsageCall>) -> Vec<UsageAnswer> {
    let outcomes = store.decide_usage(calls, rules()).await.unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

async fn decide_one(store: &Store, call: UsageCall) -> UsageAnswer {
    decide(store, vec![call]).await.remove(0)
}

/// The counter of a feature now, as whoever only looks sees it.
async fn counter(store: &Store, org: &OrganizationId, feature: &str, now: Timestamp) -> Counter {
    let (_, counters) = store.usage_standing(org, NOW, now).await.unwrap();
    let found = counters.into_iter().find(|(id, _)| id.as_str() == feature);
    found.map(|(_, counter)| counter).unwrap_or_default()
}

async fn runs(store: &Store, org: &OrganizationId) -> Counter {
    counter(store, org, "test_runs", NOW).await
}

/// The thresholds told of a feature, oldest first, each with what was used then, as alerts and as
/// messages; both have to be the same.
async fn told(store: &Store, org: &OrganizationId, feature: &str) -> Vec<(i64, i64)> {
    let mut alerts = store.usage_alerts(org, 100).await.unwrap();
    alerts.retain(|alert| alert.feature.as_str() == feature);
    alerts.reverse();
    let alerts: Vec<_> = alerts.iter().map(|one| (one.threshold, one.used)).collect();
    let mut sent = store.messages("usage.threshold_reached", 100).await.unwrap();
    sent.reverse();
    let sent = sent.iter().filter_map(|one| {
        let body: serde_json::Value = serde_json::from_str(&one.body).unwrap();
        let about = one.dedupe_key.contains(org.as_str()) && body["feature"] == feature;
        about.then(|| (body["threshold"].as_i64().unwrap(), body["used"].as_i64().unwrap()))
    });
    assert_eq!(alerts, sent.collect::<Vec<_>>());
    alerts
}

/// Hands many calls in at once, spread over the desks, and counts those that were admitted.
async fn admitted(desks: &[UsageDesk], calls: impl Iterator<Item = UsageCall>) -> usize {
    let tasks: Vec<_> = calls
        .enumerate()
        .map(|(n, call)| {
            let desk = desks[n % desks.len()].clone();
            tokio::spawn(async move { desk.decide(call).await.unwrap().unwrap() })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        assert!(answer.counter.used + answer.counter.reserved <= 1_000, "{answer:?}");
        admitted += usize::from(answer.refusal.is_none());
    }
    admitted
}

/// Shows that of 200 calls at once for the last 50 of a limit exactly 50 are admitted.
async fn many_calls_at_once_stop_exactly_at_the_limit(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    decide_one(store, record(&org, 950)).await;
    let desk = [UsageDesk::open(store.clone(), rules())];
    let before = store.commits();
    let calls = (0..200).map(|n| keyed(consume(&org, 1), &n.to_string()));
    assert_eq!(admitted(&desk, calls).await, 50);
    assert_eq!(runs(store, &org).await.used, 1_000);
    if let (Some(before), Some(after)) = (before, store.commits()) {
        assert!(after - before <= 100, "200 calls took {} commits", after - before);
    }
}

/// Shows that two nodes, each with its desk and its connections, together admit exactly what the
/// limit allows, whatever the mixture of calls.
async fn two_desks_on_one_database_never_pass_a_limit(Case { store, scratch }: &Case) {
    let org = on_team(store).await;
    decide_one(store, record(&org, 700)).await;
    // SQLite has one writer: there both desks belong to one node.
    let second = match store.dialect() {
        store::Dialect::Sqlite => store.clone(),
        store::Dialect::Postgres => Store::open(&scratch.url).await.unwrap(),
    };
    let desks = [UsageDesk::open(store.clone(), rules()), UsageDesk::open(second.clone(), rules())];
    let calls = (0..300).map(|n| if n % 3 == 0 { hold(&org, 3).1 } else { consume(&org, 3) });
    assert_eq!(admitted(&desks, calls).await, 100);
    let Counter { used, reserved } = runs(store, &org).await;
    assert_eq!(used + reserved, 1_000);
    if store.dialect() == store::Dialect::Postgres {
        second.close().await;
    }
}

/// Shows that batches about the same organisations in other orders all get through.
async fn calls_about_many_organisations_do_not_wait_in_a_circle(Case { store, .. }: &Case) {
    let mut orgs = Vec::new();
    for _ in 0..12 {
        orgs.push(on_team(store).await);
    }
    let tasks: Vec<_> = (0..24_usize)
        .map(|n| {
            let (store, orgs) = (store.clone(), orgs.clone());
            tokio::spawn(async move {
                let mut calls: Vec<_> = orgs.iter().map(|org| consume(org, 1)).collect();
                calls.extend(orgs.iter().map(|org| level(org, 3, NOW)));
                calls.rotate_left(n);
                if n % 2 == 0 {
                    calls.reverse();
                }
                store.decide_usage(calls, rules()).await.unwrap();
                store.expire_reservations(NOW, 100).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for org in &orgs {
        assert_eq!(runs(store, org).await.used, 24);
    }
}

/// Shows that a repeated key gets the first answer and counts nothing: in the same batch, in a
/// later one, by another act and quantity, and 50 times at once; while another organisation's or
/// feature's key of the same name is another key.
async fn a_key_counts_once_within_a_batch_and_across_batches(Case { store, .. }: &Case) {
    let (org, other) = (on_team(store).await, on_team(store).await);
    let first = decide(
        store,
        vec![
            keyed(consume(&org, 5), "a"),
            keyed(consume(&org, 5), "a"),
            keyed(consume(&other, 7), "a"),
            keyed(record(&org, 1), "b"),
        ],
    )
    .await;
    let used: Vec<_> = first.iter().map(|one| (one.counter.used, one.repeated)).collect();
    assert_eq!(used, [(5, false), (5, true), (7, false), (6, false)]);
    let again = decide(store, vec![keyed(record(&org, 400), "a"), consume(&org, 1)]).await;
    assert_eq!((again[0].counter.used, again[0].repeated), (5, true));
    assert_eq!(again[1].counter.used, 7);

    let desk = UsageDesk::open(store.clone(), rules());
    let calls = (0..50).map(|_| {
        let (desk, call) = (desk.clone(), keyed(consume(&org, 10), "c"));
        tokio::spawn(async move { desk.decide(call).await.unwrap().unwrap() })
    });
    let mut answers = Vec::new();
    for task in calls.collect::<Vec<_>>() {
        answers.push(task.await.unwrap());
    }
    assert!(answers.iter().all(|one| one.counter.used == 17 && one.refusal.is_none()));
    assert_eq!(answers.iter().filter(|one| !one.repeated).count(), 1);
    assert_eq!(runs(store, &org).await.used, 17);
}

/// Shows that what was refused under a key may be asked again under it, as after an upgrade.
async fn a_refusal_is_not_kept_under_its_key(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    decide_one(store, record(&org, 1_000)).await;
    let refused = decide_one(store, keyed(consume(&org, 1), "a")).await;
    assert_eq!(refused.refusal, Some(Refusal::LimitReached));
    on_plan(store, &org, "enterprise", 1).await;
    let allowed = decide_one(store, keyed(consume(&org, 1), "a")).await;
    assert_eq!((allowed.refusal, allowed.repeated), (None, false));
    assert_eq!(allowed.counter.used, 1_001, "what was used stays used");
    assert_eq!(allowed.allowance.limit, Limit::Unlimited);
}

/// Shows that each call counts in the period of its own moment, also in one batch and under one
/// key, and that the stored entitlement of a period that is over is said to be outdated.
async fn a_batch_across_the_end_of_a_period_counts_in_both(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let month = month_of(NOW, NOW);
    on_team_for(store, &org, month, 0).await;
    let (end, last) = (month.end, month.end.minus(Span::millis(1)));
    let answers = decide(
        store,
        vec![
            at(consume(&org, 10), last),
            at(consume(&org, 3), end),
            at(keyed(consume(&org, 2), "a"), last),
            at(keyed(consume(&org, 2), "a"), end),
        ],
    )
    .await;
    let used: Vec<_> = answers.iter().map(|one| one.counter.used).collect();
    assert_eq!(used, [10, 3, 12, 12]);
    let outdated: Vec<_> = answers.iter().map(|one| one.outdated).collect();
    assert_eq!(outdated, [false, true, false, true]);
    // The mirror knows of no subscription, so what follows is the free plan's month.
    assert_eq!(answers[1].allowance.limit, Limit::Number(100));
    assert_eq!(answers[0].allowance.period.unwrap().end, end);
}

/// Shows that an organisation without a stored entitlement is decided by the rule.
async fn an_organisation_nobody_asked_about_has_its_limits(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let answers = decide(store, vec![consume(&org, 100), consume(&org, 1)]).await;
    assert!(answers[0].refusal.is_none() && answers[0].outdated);
    assert_eq!(answers[1].refusal, Some(Refusal::LimitReached));
}

/// Shows that an operator's other limit counts from its commit until its end, is replaced by a
/// later one, can be taken back, and is audited.
async fn an_override_counts_while_it_lasts(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let feature = FeatureId::from("test_runs");
    let give = async |limit, expires_at| {
        let reason = "a promise".to_owned();
        let given = LimitOverride { feature: feature.clone(), limit, reason, expires_at };
        let line = audit("limit_override.set");
        store.set_limit_override(&org, given, "usr_operator", NOW, line).await.unwrap();
    };
    give(Limit::Number(5), after(60)).await;
    let answers = decide(
        store,
        vec![
            consume(&org, 5),
            consume(&org, 1),
            at(consume(&org, 1), after(60)),
            at(consume(&org, 1), after(59)),
        ],
    )
    .await;
    let admitted: Vec<_> = answers.iter().map(|one| one.refusal.is_none()).collect();
    assert_eq!(admitted, [true, false, true, false]);
    give(Limit::Disabled, after(60)).await;
    let off = decide_one(store, consume(&org, 1)).await;
    assert_eq!(off.refusal, Some(Refusal::Disabled));
    give(Limit::Unlimited, after(60)).await;
    assert!(decide_one(store, consume(&org, 1 << 50)).await.refusal.is_none());
    let line = || audit("limit_override.remove");
    assert!(store.remove_limit_override(&org, &feature, line()).await.unwrap());
    assert!(!store.remove_limit_override(&org, &feature, line()).await.unwrap());
    assert!(decide_one(store, consume(&org, 1)).await.refusal.is_some());
    assert_eq!(store.audit_log(10).await.unwrap().len(), 4);
}

/// Shows that a call about an unknown organisation or feature fails alone.
async fn what_does_not_exist_is_said_for_its_call_alone(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let nobody = OrganizationId::trusted("org_nobody".to_owned());
    let feature = FeatureId::from("unheard_of");
    let calls =
        vec![consume(&nobody, 1), UsageCall { feature, ..consume(&org, 1) }, consume(&org, 1)];
    let outcomes = store.decide_usage(calls, rules()).await.unwrap();
    assert_eq!(outcomes[0], Err(UsageFault::UnknownOrganization));
    assert_eq!(outcomes[1], Err(UsageFault::UnknownFeature));
    assert_eq!(outcomes[2].as_ref().unwrap().counter.used, 1);
}

async fn end(
    store: &Store,
    org: &OrganizationId,
    id: &ReservationId,
    how: ReservationEnd,
    now: Timestamp,
) -> Result<ReservationState, StoreError> {
    let ended = store.end_reservation(org, id.as_str(), how, now, rules()).await?;
    Ok(ended.unwrap().state)
}

/// Shows that a confirmed part is counted and the rest returned, that the same again changes
/// nothing, that anything else is refused, and that more than is held is not confirmed.
async fn a_reservation_is_confirmed_in_part_once(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let (id, call) = hold(&org, 1_000);
    assert!(decide_one(store, call).await.refusal.is_none());
    assert!(decide_one(store, consume(&org, 1)).await.refusal.is_some());
    let confirm = |part| end(store, &org, &id, ReservationEnd::Confirm(part), after(1));
    for too_much in [1_001, -1] {
        assert_eq!(confirm(Some(too_much)).await.unwrap(), ReservationState::Held);
    }
    let same = tokio::join!(confirm(Some(600)), confirm(Some(600)));
    assert_eq!(same.0.unwrap(), ReservationState::Confirmed(600));
    assert_eq!(same.1.unwrap(), ReservationState::Confirmed(600));
    assert_eq!(runs(store, &org).await, Counter { used: 600, reserved: 0 });
    assert!(matches!(confirm(Some(599)).await, Err(StoreError::Stale)));
    let release = end(store, &org, &id, ReservationEnd::Release, after(1)).await;
    assert!(matches!(release, Err(StoreError::Stale)));
    let other = on_team(store).await;
    let theirs = store.end_reservation(&other, id.as_str(), ReservationEnd::Release, NOW, rules());
    assert_eq!(theirs.await.unwrap(), None);
}

/// Shows that a release, however often repeated, returns the quantity once.
async fn a_released_reservation_returns_its_quantity_once(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let ((kept, one), (id, two)) = (hold(&org, 400), hold(&org, 600));
    decide(store, vec![one, two]).await;
    for _ in 0..3 {
        let state = end(store, &org, &id, ReservationEnd::Release, after(1)).await.unwrap();
        assert_eq!(state, ReservationState::Released);
    }
    assert_eq!(runs(store, &org).await, Counter { used: 0, reserved: 400 });
    let all = end(store, &org, &kept, ReservationEnd::Confirm(None), after(1)).await.unwrap();
    assert_eq!(all, ReservationState::Confirmed(400));
    assert_eq!(runs(store, &org).await, Counter { used: 400, reserved: 0 });
}

/// Shows that what an expired reservation held can be used at once, before any periodic task has
/// come round (scenario 32); that it cannot be confirmed any more; and that the task returns what
/// nobody asks about.
async fn an_expired_reservation_returns_its_quantity_without_help(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let (id, call) = hold(&org, 1_000);
    decide_one(store, call).await;
    assert!(decide_one(store, at(consume(&org, 1), after(59))).await.refusal.is_some());
    let seen = counter(store, &org, "test_runs", after(60)).await;
    assert_eq!(seen, Counter::default());
    let taken = decide_one(store, at(consume(&org, 1_000), after(60))).await;
    assert_eq!((taken.refusal, taken.counter), (None, Counter { used: 1_000, reserved: 0 }));
    let late = end(store, &org, &id, ReservationEnd::Confirm(None), after(61)).await;
    assert!(matches!(late, Err(StoreError::Stale)));

    let other = on_team(store).await;
    let ((first, one), (_, two)) = (hold(&other, 5), hold(&other, 6));
    decide(store, vec![one, two]).await;
    let state = end(store, &other, &first, ReservationEnd::Confirm(None), after(60)).await;
    assert_eq!(state.unwrap(), ReservationState::Expired);
    assert_eq!(store.expire_reservations(after(59), 10).await.unwrap(), 0);
    let (again, _) = tokio::join!(
        store.expire_reservations(after(60), 10),
        store.expire_reservations(after(60), 10)
    );
    assert!(again.unwrap() <= 1);
    assert_eq!(counter(store, &other, "test_runs", NOW).await, Counter::default());
}

/// Shows scenario 30: 40 %, 65 %, 120 %, then three more; each threshold once and in order, and a
/// crash in between, which leaves nothing behind, changes nothing.
async fn each_threshold_is_told_once_and_in_order(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    decide_one(store, record(&org, 400)).await;
    assert!(told(store, &org, "test_runs").await.is_empty());
    decide_one(store, record(&org, 250)).await;
    assert_eq!(told(store, &org, "test_runs").await, [(50, 650)]);
    decide_one(store, record(&org, 550)).await;
    let all = [(50, 650), (80, 1_200), (90, 1_200), (100, 1_200)];
    assert_eq!(told(store, &org, "test_runs").await, all);
    for _ in 0..3 {
        decide_one(store, record(&org, 1)).await;
        decide_one(store, consume(&org, 1)).await;
    }
    assert_eq!(told(store, &org, "test_runs").await, all);
    let feature = FeatureId::from("test_runs");
    assert!(store.dismiss_usage_alert(&org, &feature, 80, after(5)).await.unwrap());
    assert!(store.dismiss_usage_alert(&org, &feature, 80, after(9)).await.unwrap());
    assert!(!store.dismiss_usage_alert(&org, &feature, 81, after(9)).await.unwrap());
    let alerts = store.usage_alerts(&org, 10).await.unwrap();
    let dismissed: Vec<_> = alerts.iter().map(|one| (one.threshold, one.dismissed_at)).collect();
    assert_eq!(dismissed, [(100, None), (90, None), (80, Some(after(5))), (50, None)]);
}

/// Shows that a threshold that is passed by confirming is told then, and one that is passed
/// because the limit was lowered at the next call.
async fn a_confirmed_reservation_is_told_too(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let (id, call) = hold(&org, 600);
    decide_one(store, call).await;
    assert!(told(store, &org, "test_runs").await.is_empty());
    end(store, &org, &id, ReservationEnd::Confirm(None), after(1)).await.unwrap();
    assert_eq!(told(store, &org, "test_runs").await, [(50, 600)]);
    on_plan(store, &org, "free", 1).await;
    assert!(decide_one(store, at(consume(&org, 1), after(2))).await.refusal.is_some());
    assert_eq!(told(store, &org, "test_runs").await, [(50, 600), (80, 600), (90, 600), (100, 600)]);
}

/// Shows that a level is told while it rises, not again while it stays or moves within one month,
/// and again when it has fallen and comes back in another.
async fn a_level_that_comes_back_is_told_in_another_month(Case { store, .. }: &Case) {
    let org = organization(store).await;
    on_team_for(store, &org, month_of(NOW, NOW), 0).await;
    for used in [4, 8, 3, 8] {
        decide_one(store, level(&org, used, NOW)).await;
    }
    assert_eq!(told(store, &org, "projects").await, [(50, 8), (80, 8)]);
    assert_eq!(counter(store, &org, "projects", NOW).await.used, 8);

    let later = month_of(NOW, NOW).end;
    on_team_for(store, &org, month_of(NOW, later), 1).await;
    decide_one(store, level(&org, 8, later)).await;
    assert_eq!(told(store, &org, "projects").await.len(), 2, "it has not moved");
    decide_one(store, level(&org, 1, later)).await;
    decide_one(store, level(&org, 5, later)).await;
    assert_eq!(told(store, &org, "projects").await, [(50, 8), (80, 8), (50, 5)]);
}

/// Shows that the days add up to what was counted, by calls and by confirmed reservations, and
/// that a level's day says where it stood last.
async fn history_adds_up_by_day(Case { store, .. }: &Case) {
    let org = organization(store).await;
    on_team_for(store, &org, month_of(NOW, NOW), 0).await;
    let (id, reserve) = hold(&org, 9);
    let next = NOW.plus(Span::days(1));
    let calls = vec![
        consume(&org, 1),
        record(&org, 2),
        reserve,
        at(consume(&org, 4), next),
        level(&org, 7, NOW),
        level(&org, 2, NOW),
    ];
    decide(store, calls).await;
    end(store, &org, &id, ReservationEnd::Confirm(Some(3)), after(1)).await.unwrap();
    let day = |moment: Timestamp| moment.as_millis() / 86_400_000 * 86_400_000;
    let rows = store.usage_history(&org, NOW.minus(Span::days(2)), next).await.unwrap();
    let rows: Vec<_> =
        rows.iter().map(|(id, at, used)| (id.as_str(), at.as_millis(), *used)).collect();
    assert_eq!(
        rows,
        [("projects", day(NOW), 2), ("test_runs", day(NOW), 6), ("test_runs", day(next), 4)]
    );
    assert_eq!(runs(store, &org).await.used, 10);
}

/// Shows the rule: keys are known for 35 days, days for 400, and what is held is never deleted.
async fn old_rows_go_and_young_ones_stay(Case { store, .. }: &Case) {
    let org = on_team(store).await;
    let (_, reserve) = hold(&org, 5);
    decide(store, vec![keyed(consume(&org, 1), "a"), level(&org, 2, NOW), reserve]).await;
    let repeated = async |now: Timestamp| {
        // The first period is over by then, so only the key can make this a repetition.
        decide_one(store, at(keyed(consume(&org, 1), "a"), now)).await.repeated
    };
    let (known, forgotten) = (NOW.plus(store::KEYS_KEPT), NOW.plus(Span::days(36)));
    assert_eq!(store.prune_usage(known, 100).await.unwrap(), 0);
    assert!(repeated(known).await);
    assert_eq!(store.prune_usage(forgotten, 100).await.unwrap(), 1);
    assert!(!repeated(forgotten).await);

    let later = NOW.plus(store::DAYS_KEPT).plus(Span::days(40));
    // What was held counts as held, and its counter stays, until it is returned.
    while store.prune_usage(later, 100).await.unwrap() > 0 {}
    assert_eq!(runs(store, &org).await, Counter { used: 1, reserved: 5 });
    assert_eq!(store.expire_reservations(later, 100).await.unwrap(), 1);
    while store.prune_usage(later, 100).await.unwrap() > 0 {}
    assert_eq!(runs(store, &org).await, Counter::default());
    assert!(store.usage_history(&org, NOW, later).await.unwrap().is_empty());
    assert_eq!(counter(store, &org, "projects", later).await.used, 2, "a level is kept for good");
}
