//! Switches: on once, off once, and who did it.

use crate::make::audit;
use crate::{Case, for_each_database};

for_each_database![a_switch_remembers_who_turned_it];

/// Shows that the first who turns a switch on is remembered, that off is off for all, and that
/// each turn has its audit line in its commit.
async fn a_switch_remembers_who_turned_it(Case { store, .. }: &Case) {
    assert_eq!(store.switch("webhooks_paused").await.unwrap(), None);
    for (actor, reason) in [("usr_a", "maintenance"), ("usr_b", "again")] {
        let mut line = audit("webhooks.pause");
        actor.clone_into(&mut line.actor);
        store.set_switch("webhooks_paused", Some(reason.to_owned()), line).await.unwrap();
    }
    let on = store.switch("webhooks_paused").await.unwrap().unwrap();
    assert_eq!((on.value.as_str(), on.set_by.as_str()), ("maintenance", "usr_a"));
    assert_eq!(store.switch("something_else").await.unwrap(), None);
    let line = audit("webhooks.resume");
    store.set_switch("webhooks_paused", None, line.clone()).await.unwrap();
    assert_eq!(store.switch("webhooks_paused").await.unwrap(), None);
    assert_eq!(store.audit_log(10).await.unwrap().len(), 3);

    // A line that cannot be written takes its deed with it.
    let again = store.set_switch("webhooks_paused", Some("x".to_owned()), line).await;
    assert!(again.is_err());
    assert_eq!(store.switch("webhooks_paused").await.unwrap(), None);
}
