//! The inbox: accept, claim, finish, rescue, replay, list.

use crate::make::{NOW, after, audit, event, event_with};
use crate::{Case, for_each_database};
use domain::delivery::{Delivery, ParkReason};
use domain::time::Span;
use std::collections::BTreeSet;
use store::{Claimed, DeliveryFilter, Finish, NewDelivery, StoreError};

const LEASE: Span = Span::seconds(60);

for_each_database![
    an_event_is_new_once,
    many_nodes_accept_the_same_event_once,
    single_events_share_commits_and_are_new_once,
    a_claim_takes_what_is_due_oldest_first,
    a_lease_that_is_over_is_rescued_and_fences_its_worker,
    a_retry_waits_and_counts,
    a_parked_delivery_is_replayed_from_the_start,
    two_claimers_never_get_the_same_row,
    pages_show_each_delivery_once_newest_first,
    counts_and_next_due_follow_the_states,
    a_large_payload_comes_back_byte_for_byte,
];

fn finish(claimed: &Claimed, state: Delivery) -> Finish {
    Finish { id: claimed.id.clone(), attempt: claimed.attempt, state, organization: None }
}

/// Shows that an event is new the first time only, within a batch and between batches, and that
/// the body that came first stays.
async fn an_event_is_new_once(Case { store, .. }: &Case) {
    let first = vec![event_with("evt_a", b"first"), event("evt_b"), event_with("evt_a", b"second")];
    assert_eq!(store.accept_deliveries(first, NOW).await.unwrap(), [true, true, false]);
    let second = vec![event_with("evt_a", b"third"), event("evt_c")];
    assert_eq!(store.accept_deliveries(second, after(1)).await.unwrap(), [false, true]);
    assert_eq!(store.delivery_body("evt_a").await.unwrap().unwrap(), b"first");
    let row = store.delivery("evt_a").await.unwrap().unwrap();
    assert_eq!((row.received_at, row.attempts), (NOW, 0));
    assert_eq!(row.state, Delivery::Pending { due: NOW, attempts: 0 });
    assert_eq!(row.kind, "customer.subscription.updated");
    assert!(store.delivery("evt_nobody").await.unwrap().is_none());
    assert!(store.delivery_body("evt_nobody").await.unwrap().is_none());
    assert!(store.accept_deliveries(Vec::new(), NOW).await.unwrap().is_empty());
}

/// Shows that of many that hand in the same events in different orders, one gets to be first,
/// for each event, and that none of them fails.
async fn many_nodes_accept_the_same_event_once(Case { store, .. }: &Case) {
    let tasks: Vec<_> = (0..16)
        .map(|turn| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut batch: Vec<NewDelivery> =
                    (0..8).map(|n| event(&format!("evt_{n}"))).collect();
                batch.rotate_left(turn % 8);
                let new = store.accept_deliveries(batch, NOW).await.unwrap();
                new.into_iter().filter(|new| *new).count()
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += task.await.unwrap();
    }
    assert_eq!(new, 8);
    assert_eq!(store.delivery_counts().await.unwrap().pending, 8);
}

/// Shows that events that arrive one by one, many at a time and each at two nodes, are all taken
/// and each is new for one caller, also when they are sent again later.
async fn single_events_share_commits_and_are_new_once(Case { store, scratch }: &Case) {
    let other = store::Store::open(&scratch.url).await.unwrap();
    for expected in [400, 0] {
        let tasks: Vec<_> = (0..800)
            .map(|n| {
                let node = if n % 2 == 0 { store.clone() } else { other.clone() };
                let one = event(&format!("evt_{}", n / 2));
                tokio::spawn(async move { node.accept_delivery(one, NOW).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for task in tasks {
            new += i64::from(task.await.unwrap());
        }
        assert_eq!(new, expected);
    }
    assert_eq!(store.delivery_counts().await.unwrap().pending, 400);
    other.close().await;
}

/// Shows that a claim takes at most so many, the oldest that are due, with their bodies.
async fn a_claim_takes_what_is_due_oldest_first(Case { store, .. }: &Case) {
    store.accept_deliveries(vec![event("evt_late")], after(10)).await.unwrap();
    store.accept_deliveries(vec![event("evt_b"), event("evt_a")], NOW).await.unwrap();
    store.accept_deliveries(vec![event("evt_c")], after(1)).await.unwrap();
    let claimed = store.claim_due_deliveries(after(1), LEASE, 2).await.unwrap();
    let ids: BTreeSet<&str> = claimed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["evt_a", "evt_b"]));
    for one in &claimed {
        assert_eq!((one.attempt, one.lease_until), (1, after(61)));
        assert_eq!(one.body, format!(r#"{{"id":"{}"}}"#, one.id).into_bytes());
        assert_eq!(one.created, NOW.as_seconds());
        assert_eq!(store.delivery(&one.id).await.unwrap().unwrap().state, one.state());
    }
    let rest = store.claim_due_deliveries(after(1), LEASE, 10).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["evt_c"]);
    assert!(store.claim_due_deliveries(after(1), LEASE, 10).await.unwrap().is_empty());
}

/// Shows that what a dead worker held is done by another one, and that the dead one, if it comes
/// back, changes nothing.
async fn a_lease_that_is_over_is_rescued_and_fences_its_worker(Case { store, .. }: &Case) {
    store.accept_deliveries(vec![event("evt_a")], NOW).await.unwrap();
    let slow = store.claim_due_deliveries(NOW, LEASE, 10).await.unwrap().remove(0);
    assert_eq!(store.rescue_expired_leases(after(59)).await.unwrap(), 0);
    assert_eq!(store.rescue_expired_leases(after(60)).await.unwrap(), 1);
    let quick = store.claim_due_deliveries(after(60), LEASE, 10).await.unwrap().remove(0);
    assert_eq!(quick.attempt, 2);
    let late = store.finish_delivery(finish(&slow, Delivery::Applied { at: after(61) })).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    let mut done = finish(&quick, Delivery::Applied { at: after(62) });
    done.organization = Some("org_1".to_owned());
    store.finish_delivery(done.clone()).await.unwrap();
    let again = store.finish_delivery(done).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
    let row = store.delivery("evt_a").await.unwrap().unwrap();
    assert_eq!(row.state, Delivery::Applied { at: after(62) });
    assert_eq!((row.attempts, row.organization_id.as_deref()), (2, Some("org_1")));
}

/// Shows that a retry is not claimed before its time, and knows how often it was tried.
async fn a_retry_waits_and_counts(Case { store, .. }: &Case) {
    store.accept_deliveries(vec![event("evt_a")], NOW).await.unwrap();
    for attempt in 1..=3 {
        let now = after(attempt * 100);
        let claimed = store.claim_due_deliveries(now, LEASE, 10).await.unwrap().remove(0);
        assert_eq!(claimed.attempt, attempt);
        let due = now.plus(Span::seconds(30));
        let wait = Delivery::Pending { due, attempts: claimed.attempt };
        store.finish_delivery(finish(&claimed, wait)).await.unwrap();
        let early = due.minus(Span::millis(1));
        assert!(store.claim_due_deliveries(early, LEASE, 10).await.unwrap().is_empty());
        assert_eq!(store.next_delivery_due().await.unwrap(), Some(due));
    }
}

/// Shows that parking keeps the reason, and that a replay starts from nothing and is audited; a
/// delivery that is not finished cannot be replayed, and then nothing is audited.
async fn a_parked_delivery_is_replayed_from_the_start(Case { store, .. }: &Case) {
    store.accept_deliveries(vec![event("evt_a")], NOW).await.unwrap();
    let early = store.replay_delivery("evt_a", NOW, audit("delivery.replay")).await;
    assert!(matches!(early, Err(StoreError::Stale)), "{early:?}");
    let claimed = store.claim_due_deliveries(NOW, LEASE, 10).await.unwrap().remove(0);
    let busy = store.replay_delivery("evt_a", NOW, audit("delivery.replay")).await;
    assert!(matches!(busy, Err(StoreError::Stale)), "{busy:?}");
    let reason = ParkReason::UnknownPrice { price: "price_9".to_owned() };
    let parked = Delivery::Parked { at: after(1), reason };
    store.finish_delivery(finish(&claimed, parked.clone())).await.unwrap();
    assert_eq!(store.delivery("evt_a").await.unwrap().unwrap().state, parked);
    assert!(store.audit_log(10).await.unwrap().is_empty());

    let replayed = store.replay_delivery("evt_a", after(2), audit("delivery.replay")).await;
    let row = replayed.unwrap().unwrap();
    assert_eq!(row.state, Delivery::Pending { due: after(2), attempts: 0 });
    assert_eq!(store.audit_log(10).await.unwrap().len(), 1);
    let claimed = store.claim_due_deliveries(after(2), LEASE, 10).await.unwrap().remove(0);
    assert_eq!(claimed.attempt, 1);
    let nobody = store.replay_delivery("evt_nobody", NOW, audit("delivery.replay")).await;
    assert!(nobody.unwrap().is_none());
    assert_eq!(store.audit_log(10).await.unwrap().len(), 1);
}

/// Shows that claimers that work at the same time share the queue: each delivery goes to one.
async fn two_claimers_never_get_the_same_row(Case { store, .. }: &Case) {
    let events = (0..200).map(|n| event(&format!("evt_{n:03}"))).collect();
    store.accept_deliveries(events, NOW).await.unwrap();
    let claimers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = store.claim_due_deliveries(NOW, LEASE, 7).await.unwrap();
                    assert!(claimed.len() <= 7, "a claim took {} rows", claimed.len());
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|one| one.id));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), 200);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len(), 200);
}

/// Shows that walking through the pages meets each delivery once, newest first, also when many
/// came in the same millisecond, and that filters hold on each page.
async fn pages_show_each_delivery_once_newest_first(Case { store, .. }: &Case) {
    for moment in 0..5 {
        let events = (0..5).map(|n| {
            let mut one = event(&format!("evt_{moment}{n}"));
            if n == 0 {
                "invoice.paid".clone_into(&mut one.kind);
            }
            one
        });
        store.accept_deliveries(events.collect(), after(moment)).await.unwrap();
    }
    let all = walk(store, DeliveryFilter::default(), 4).await;
    let mut expected: Vec<String> =
        (0..5).flat_map(|m| (0..5).map(move |n| format!("evt_{m}{n}"))).collect();
    expected.reverse();
    assert_eq!(all, expected);

    let paid = DeliveryFilter { kind: Some("invoice.paid".to_owned()), ..Default::default() };
    assert_eq!(walk(store, paid, 2).await, ["evt_40", "evt_30", "evt_20", "evt_10", "evt_00"]);
    store.claim_due_deliveries(NOW, LEASE, 3).await.unwrap();
    let claimed = DeliveryFilter { state: Some("claimed".to_owned()), ..Default::default() };
    assert_eq!(walk(store, claimed, 1).await, ["evt_02", "evt_01", "evt_00"]);
    let whole = store.deliveries(DeliveryFilter::default(), None, 25).await.unwrap();
    assert_eq!((whole.rows.len(), whole.next), (25, None));
    let odd = store.deliveries(DeliveryFilter::default(), Some("no cursor".to_owned()), 3).await;
    assert_eq!(odd.unwrap().rows.len(), 3);
}

async fn walk(store: &store::Store, filter: DeliveryFilter, limit: u32) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.deliveries(filter.clone(), cursor, limit).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        ids.extend(page.rows.into_iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            return ids;
        }
    }
}

/// Shows the counts and the next moment of work as deliveries move on.
async fn counts_and_next_due_follow_the_states(Case { store, .. }: &Case) {
    assert_eq!(store.next_delivery_due().await.unwrap(), None);
    assert_eq!(store.delivery_counts().await.unwrap(), store::DeliveryCounts::default());
    let events = (0..5).map(|n| event(&format!("evt_{n}"))).collect();
    store.accept_deliveries(events, NOW).await.unwrap();
    store.accept_deliveries(vec![event("evt_5")], after(5)).await.unwrap();
    let claimed = store.claim_due_deliveries(NOW, LEASE, 10).await.unwrap();
    let reason = ParkReason::Panicked;
    let ends = [
        Delivery::Applied { at: after(1) },
        Delivery::Ignored { at: after(1) },
        Delivery::Ignored { at: after(1) },
        Delivery::Parked { at: after(1), reason },
    ];
    for (one, end) in claimed.iter().zip(ends) {
        store.finish_delivery(finish(one, end)).await.unwrap();
    }
    let counts = store.delivery_counts().await.unwrap();
    let found = (counts.pending, counts.claimed, counts.applied, counts.ignored, counts.parked);
    assert_eq!(found, (1, 1, 1, 2, 1));
    assert_eq!(counts.oldest_waiting, Some(NOW));
    let left = store.unfinished_counts().await.unwrap();
    assert_eq!((left.pending, left.claimed, left.parked), (1, 1, 1));
    assert_eq!(left.oldest_waiting, Some(NOW));
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(after(5)));
}

/// Shows that 900 KiB that hardly compress come back as they came, claimed and read.
async fn a_large_payload_comes_back_byte_for_byte(Case { store, .. }: &Case) {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let body: Vec<u8> = (0..900 * 1_024)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 24) as u8
        })
        .collect();
    store.accept_deliveries(vec![event_with("evt_large", &body)], NOW).await.unwrap();
    assert_eq!(store.delivery_body("evt_large").await.unwrap().unwrap(), body);
    let claimed = store.claim_due_deliveries(NOW, LEASE, 1).await.unwrap().remove(0);
    assert_eq!(claimed.body, body);
}
