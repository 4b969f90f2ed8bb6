//! Folding: many writes share a commit, and none pays for another's fault.

use crate::make::{NOW, event, organization_row};
use crate::{Case, for_each_database};
use store::StoreError;

for_each_database![many_writes_share_few_commits, a_job_that_fails_is_rolled_back_alone];

/// Shows that on SQLite 1,000 writes at once need far fewer commits, and that all of them are
/// there afterwards, on both.
async fn many_writes_share_few_commits(Case { store, .. }: &Case) {
    let before = store.commits();
    let tasks: Vec<_> = (0..1_000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.accept_deliveries(vec![event(&format!("evt_{n}"))], NOW).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), [true]);
    }
    assert_eq!(store.delivery_counts().await.unwrap().pending, 1_000);
    if let (Some(before), Some(after)) = (before, store.commits()) {
        let commits = after - before;
        assert!(commits <= 500, "1,000 writes took {commits} commits");
    }
}

/// Shows that writes that the schema refuses leave nothing behind, while what is written beside
/// them at the same time is kept.
async fn a_job_that_fails_is_rolled_back_alone(Case { store, .. }: &Case) {
    let taken = organization_row("Taken");
    store.insert_organizations(vec![taken.clone()]).await.unwrap();
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let (store, taken) = (store.clone(), taken.clone());
            tokio::spawn(async move {
                let new = organization_row(&format!("Nr. {n}"));
                let mut rows = vec![new.clone()];
                if n % 3 == 0 {
                    rows.push(taken);
                }
                let outcome = store.insert_organizations(rows).await;
                let there = store.organization(&new.id).await.unwrap().is_some();
                match outcome {
                    Ok(()) => assert!(n % 3 != 0 && there),
                    Err(StoreError::Taken) => assert!(n % 3 == 0 && !there),
                    Err(other) => panic!("{other:?}"),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.organization_count().await.unwrap(), 201);
}
