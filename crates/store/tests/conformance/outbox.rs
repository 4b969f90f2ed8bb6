//! The outbox: each cause is told once.

use crate::make::{commit, message, organization};
use crate::{Case, for_each_database};

for_each_database![a_cause_is_told_once, messages_are_listed_by_kind];

/// Shows that messages with one key are one, whether they come together, one after the other or
/// at the same time, and that the first one stays.
async fn a_cause_is_told_once(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let mut first = message("payment_failed:in_1:1");
    first.body = "first".to_owned();
    store.enqueue_message(first).await.unwrap();
    let mut both = commit(&organization);
    both.messages = vec![message("payment_failed:in_1:1"), message("payment_failed:in_1:2")];
    store.commit_apply(both).await.unwrap();
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.enqueue_message(message("raced")).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut keys: Vec<(String, String)> = store
        .messages("", 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.dedupe_key, row.body))
        .collect();
    keys.sort();
    let expected = [
        ("payment_failed:in_1:1", "first"),
        ("payment_failed:in_1:2", r#"{"amount":9900}"#),
        ("raced", r#"{"amount":9900}"#),
    ];
    assert_eq!(keys, expected.map(|(key, body)| (key.to_owned(), body.to_owned())));
}

/// Shows the filter by kind, and the limit.
async fn messages_are_listed_by_kind(Case { store, .. }: &Case) {
    for n in 0..3 {
        let mut one = message(&format!("welcome:{n}"));
        one.kind = "email.welcome";
        store.enqueue_message(one).await.unwrap();
    }
    store.enqueue_message(message("a")).await.unwrap();
    assert_eq!(store.messages("email.welcome", 10).await.unwrap().len(), 3);
    assert_eq!(store.messages("email.welcome", 2).await.unwrap().len(), 2);
    assert_eq!(store.messages("email.payment_failed", 10).await.unwrap().len(), 1);
    assert!(store.messages("email.other", 10).await.unwrap().is_empty());
}
