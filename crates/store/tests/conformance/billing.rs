//! What buying and changing plans rest on: a customer and a session are meant once, and what a
//! schedule will do is remembered as it was read last.

use crate::make::{NOW, after, audit, checkout, intent, organization};
use crate::{Case, for_each_database};
use domain::ids::OrganizationId;
use domain::mirror::ScheduledPrice;
use store::{
    CheckoutEnd, CheckoutSlot, CheckoutState, CustomerSlot, IntentState, ScheduledRow, Store,
};

for_each_database![
    an_organization_with_a_customer_means_no_second_one,
    a_deleted_customer_is_replaced_once,
    an_organization_with_an_open_session_means_no_second_one,
    many_at_once_end_with_one_customer_and_one_session,
    a_deed_is_audited_once,
    a_schedule_is_known_as_it_was_read_last,
];

async fn customer_slot(
    store: &Store,
    org: &OrganizationId,
    replaces: Option<&str>,
) -> CustomerSlot {
    let new = intent(org, "create_customer", org.as_str());
    store.open_customer_intent(new, replaces.map(ToOwned::to_owned), NOW).await.unwrap()
}

async fn checkout_slot(store: &Store, org: &OrganizationId) -> CheckoutSlot {
    store.open_checkout_intent(intent(org, "create_checkout", org.as_str()), NOW).await.unwrap()
}

async fn open_intents(store: &Store) -> usize {
    store.stale_intents(after(1_000), 100).await.unwrap().len()
}

/// Shows that once a customer is recorded, which also closes its intent, nobody means another;
/// and that the loser's own intent leaves no trace.
async fn an_organization_with_a_customer_means_no_second_one(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let CustomerSlot::Intent(meant) = customer_slot(store, &org, None).await else {
        panic!("there is no customer yet")
    };
    assert_eq!(customer_slot(store, &org, None).await, CustomerSlot::Intent(meant.clone()));
    let linked = store.record_customer(&meant, "cus_1", None, after(1)).await.unwrap();
    assert_eq!(linked.as_deref(), Some("cus_1"));
    assert_eq!(customer_slot(store, &org, None).await, CustomerSlot::Known("cus_1".to_owned()));
    assert_eq!(open_intents(store).await, 0);
    let done = store.done_intent("create_customer", org.as_str()).await.unwrap().unwrap();
    assert_eq!(done.state, IntentState::Done { result: "cus_1".to_owned() });
    assert_eq!(store.intent(&meant.id).await.unwrap(), Some(done));
    // A second answer to the same intent, or another customer, changes nothing.
    let linked = store.record_customer(&meant, "cus_2", None, after(2)).await.unwrap();
    assert_eq!(linked.as_deref(), Some("cus_1"));
}

/// Shows that a customer known to be deleted gives way to one new one.
async fn a_deleted_customer_is_replaced_once(Case { store, .. }: &Case) {
    let org = organization(store).await;
    store.link_customer(&org, "cus_gone").await.unwrap();
    let CustomerSlot::Intent(meant) = customer_slot(store, &org, Some("cus_gone")).await else {
        panic!("the customer is to be replaced")
    };
    let gone = Some("cus_gone".to_owned());
    let linked = store.record_customer(&meant, "cus_new", gone, after(1)).await.unwrap();
    assert_eq!(linked.as_deref(), Some("cus_new"));
    let late = customer_slot(store, &org, Some("cus_gone")).await;
    assert_eq!(late, CustomerSlot::Known("cus_new".to_owned()));
}

/// Shows that beside an open session none is meant, and that an ended one makes room.
async fn an_organization_with_an_open_session_means_no_second_one(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let CheckoutSlot::Intent(meant) = checkout_slot(store, &org).await else {
        panic!("there is no session yet")
    };
    let session = checkout("cs_1", &org, &meant.id);
    store.record_checkout(session.clone(), after(1)).await.unwrap();
    assert_eq!(checkout_slot(store, &org).await, CheckoutSlot::Open(session));
    assert_eq!(open_intents(store).await, 0);
    let end =
        CheckoutEnd { id: "cs_1".to_owned(), state: CheckoutState::Expired, subscription: None };
    store.end_checkout(end).await.unwrap();
    assert!(matches!(checkout_slot(store, &org).await, CheckoutSlot::Intent(_)));
}

/// Shows that of many at once, each of whom carries out what it is given, all get one customer
/// and one session, whatever the order in which they finish.
async fn many_at_once_end_with_one_customer_and_one_session(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let tasks: Vec<_> = (0..24)
        .map(|_| {
            let (store, org) = (store.clone(), org.clone());
            tokio::spawn(async move {
                let customer = match customer_slot(&store, &org, None).await {
                    CustomerSlot::Known(id) => id,
                    // Stripe gives the same customer for the same key.
                    CustomerSlot::Intent(meant) => {
                        let made = format!("cus_{}", meant.id);
                        store.record_customer(&meant, &made, None, NOW).await.unwrap().unwrap()
                    }
                };
                let session = match checkout_slot(&store, &org).await {
                    CheckoutSlot::Open(row) => row.id,
                    CheckoutSlot::Intent(meant) => {
                        let row = checkout(&format!("cs_{}", meant.id), &org, &meant.id);
                        store.record_checkout(row.clone(), NOW).await.unwrap();
                        row.id
                    }
                };
                (customer, session)
            })
        })
        .collect();
    let mut ended = Vec::new();
    for task in tasks {
        ended.push(task.await.unwrap());
    }
    ended.dedup();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(open_intents(store).await, 0);
}

/// Shows that closing an intent twice writes one audit line.
async fn a_deed_is_audited_once(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let meant = store.open_intent(intent(&org, "refund", "pi_1"), NOW).await.unwrap();
    for _ in 0..2 {
        let done = IntentState::Done { result: "re_1".to_owned() };
        let line = audit("refund.create");
        store.close_intent_audited(&meant.id, done, after(1), line).await.unwrap();
    }
    assert_eq!(store.audit_log(10).await.unwrap().len(), 1);
}

/// Shows that an older look at a schedule never replaces a newer one, and that it can be
/// forgotten by the schedule's id.
async fn a_schedule_is_known_as_it_was_read_last(Case { store, .. }: &Case) {
    let org = organization(store).await;
    let row = |seconds, price: Option<&str>| ScheduledRow {
        subscription: "sub_1".to_owned(),
        organization: org.clone(),
        schedule: "sub_sched_1".to_owned(),
        change: price.map(|price| ScheduledPrice { price: price.to_owned(), at: after(9_000) }),
        read_at: after(seconds),
    };
    assert_eq!(store.scheduled("sub_1").await.unwrap(), None);
    store.keep_scheduled(row(5, Some("price_1"))).await.unwrap();
    store.keep_scheduled(row(4, None)).await.unwrap();
    assert_eq!(store.scheduled("sub_1").await.unwrap(), Some(row(5, Some("price_1"))));
    store.keep_scheduled(row(6, None)).await.unwrap();
    assert_eq!(store.scheduled("sub_1").await.unwrap(), Some(row(6, None)));
    store.forget_scheduled("sub_sched_2").await.unwrap();
    assert!(store.scheduled("sub_1").await.unwrap().is_some());
    store.forget_scheduled("sub_sched_1").await.unwrap();
    assert_eq!(store.scheduled("sub_1").await.unwrap(), None);
}
