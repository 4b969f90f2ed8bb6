//! Intents: what is meant to be written to Stripe, once.

use crate::make::{NOW, after, intent, organization};
use crate::{Case, for_each_database};
use store::IntentState;

for_each_database![
    many_that_mean_the_same_share_one_intent,
    a_closed_intent_makes_room_and_stays_closed,
    intents_that_a_crash_left_are_found,
];

/// Shows that of many concurrent intents for one kind and target, all get the same one, with its
/// key and parameters; another target or kind has its own.
async fn many_that_mean_the_same_share_one_intent(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (store, organization) = (store.clone(), organization.clone());
            tokio::spawn(async move {
                let mut wanted = intent(&organization, "create_customer", organization.as_str());
                wanted.params = format!("turn={n}");
                store.open_intent(wanted, NOW).await.unwrap()
            })
        })
        .collect();
    let mut opened = Vec::new();
    for task in tasks {
        opened.push(task.await.unwrap());
    }
    opened.dedup();
    assert_eq!(opened.len(), 1, "{opened:#?}");
    let target = organization.as_str();
    let found = store.find_open_intent("create_customer", target).await.unwrap();
    assert_eq!(found.as_ref(), Some(&opened[0]));
    let other = store.open_intent(intent(&organization, "create_checkout", target), NOW).await;
    assert_ne!(other.unwrap().id, opened[0].id);
    let other = store.open_intent(intent(&organization, "create_customer", "org_2"), NOW).await;
    assert_ne!(other.unwrap().id, opened[0].id);
}

/// Shows that after an answer the next one is a new intent, and that a second answer to the first
/// changes nothing.
async fn a_closed_intent_makes_room_and_stays_closed(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let new = || intent(&organization, "change_plan", "sub_1");
    let first = store.open_intent(new(), NOW).await.unwrap();
    assert_eq!(first.state, IntentState::Open);
    let done = IntentState::Done { result: "sub_1".to_owned() };
    store.close_intent(&first.id, done, after(1)).await.unwrap();
    assert!(store.find_open_intent("change_plan", "sub_1").await.unwrap().is_none());
    let second = store.open_intent(new(), after(2)).await.unwrap();
    assert_ne!(second.id, first.id);
    let failed = IntentState::Failed { code: "card_declined".to_owned() };
    store.close_intent(&first.id, failed.clone(), after(3)).await.unwrap();
    let still = store.find_open_intent("change_plan", "sub_1").await.unwrap().unwrap();
    assert_eq!(still.id, second.id);
    store.close_intent(&second.id, failed, after(3)).await.unwrap();
    assert!(store.find_open_intent("change_plan", "sub_1").await.unwrap().is_none());
    assert!(store.close_intent(&first.id, IntentState::Open, after(4)).await.is_err());
}

/// Shows that intents left open are found oldest first, and only those from before.
async fn intents_that_a_crash_left_are_found(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    for (n, target) in ["sub_1", "sub_2", "sub_3"].into_iter().enumerate() {
        let at = after(u32::try_from(n).unwrap() * 10);
        store.open_intent(intent(&organization, "change_plan", target), at).await.unwrap();
    }
    let stale = store.stale_intents(after(20), 10).await.unwrap();
    let targets: Vec<&str> = stale.iter().map(|one| one.target.as_str()).collect();
    assert_eq!(targets, ["sub_1", "sub_2"]);
    assert_eq!(stale[0].created_at, NOW);
    assert_eq!(store.stale_intents(after(20), 1).await.unwrap().len(), 1);
}
