//! Checkout sessions: one open one for an organisation.

use crate::make::{NOW, after, checkout, intent, organization};
use crate::{Case, for_each_database};
use store::{CheckoutEnd, CheckoutState, StoreError};

for_each_database![
    a_session_and_its_intent_are_one_commit,
    an_organization_has_one_open_session,
    an_ended_session_stays_ended,
];

/// Shows that recording a session closes its intent, and that recording it again changes nothing.
async fn a_session_and_its_intent_are_one_commit(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let meant = intent(&organization, "create_checkout", organization.as_str());
    let meant = store.open_intent(meant, NOW).await.unwrap();
    let session = checkout("cs_1", &organization, &meant.id);
    for _ in 0..2 {
        store.record_checkout(session.clone(), after(1)).await.unwrap();
    }
    assert_eq!(store.checkout("cs_1").await.unwrap().as_ref(), Some(&session));
    assert_eq!(store.open_checkout(&organization).await.unwrap().as_ref(), Some(&session));
    let open = store.find_open_intent("create_checkout", organization.as_str()).await.unwrap();
    assert!(open.is_none());
    assert!(store.checkout("cs_nobody").await.unwrap().is_none());
}

/// Shows that of many sessions for one organisation one is recorded; the others' intents stay
/// open, since nothing of a refused commit remains. Another organisation is not in the way.
async fn an_organization_has_one_open_session(Case { store, .. }: &Case) {
    let (ours, theirs) = (organization(store).await, organization(store).await);
    let mut intents = Vec::new();
    for n in 0..6 {
        let meant = intent(&ours, "create_checkout", &format!("turn {n}"));
        intents.push(store.open_intent(meant, NOW).await.unwrap());
    }
    let tasks: Vec<_> = intents
        .iter()
        .enumerate()
        .map(|(n, meant)| {
            let store = store.clone();
            let session = checkout(&format!("cs_{n}"), &ours, &meant.id);
            tokio::spawn(async move { store.record_checkout(session, NOW).await })
        })
        .collect();
    let mut recorded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => recorded += 1,
            Err(StoreError::Taken) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(recorded, 1);
    assert_eq!(store.stale_intents(after(1), 10).await.unwrap().len(), 5);
    let other = store.open_intent(intent(&theirs, "create_checkout", "1"), NOW).await.unwrap();
    store.record_checkout(checkout("cs_x", &theirs, &other.id), NOW).await.unwrap();
}

/// Shows that an expired session makes room for the next one, and that a late answer does not
/// revive it.
async fn an_ended_session_stays_ended(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    for id in ["cs_1", "cs_2"] {
        let meant = store.open_intent(intent(&organization, "create_checkout", id), NOW).await;
        let session = checkout(id, &organization, &meant.unwrap().id);
        store.record_checkout(session, NOW).await.unwrap();
        let end = |state| CheckoutEnd { id: id.to_owned(), state, subscription: None };
        store.end_checkout(end(CheckoutState::Expired)).await.unwrap();
        store.end_checkout(end(CheckoutState::Complete)).await.unwrap();
        let row = store.checkout(id).await.unwrap().unwrap();
        assert_eq!((row.state, row.url), (CheckoutState::Expired, None));
        assert!(store.open_checkout(&organization).await.unwrap().is_none());
    }
    let foreign = CheckoutEnd {
        id: "cs_foreign".to_owned(),
        state: CheckoutState::Complete,
        subscription: None,
    };
    store.end_checkout(foreign).await.unwrap();
}
