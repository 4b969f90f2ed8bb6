//! The conformance suite: each case shows one promise of the store, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot be had is a failure")]

#[path = "../../../testkit/src/database.rs"]
#[expect(unreachable_pub, reason = "the harness file is shared with another crate")]
mod database;
mod make;

mod accounts;
mod audit;
mod billing;
mod checkouts;
mod deliveries;
mod entitlements;
mod faults;
mod folding;
mod intents;
mod migrations;
mod mirror;
mod organizations;
mod outbox;
mod switches;
mod usage;
mod usage_model;

use database::{Database, Scratch};
use futures_util::FutureExt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use store::Store;

/// A database that is migrated and open, for one case.
#[derive(Debug)]
struct Case {
    store: Store,
    scratch: Scratch,
}

/// Runs one case on one database, and removes the database whatever comes of it.
async fn on(database: Database, case: impl AsyncFnOnce(&Case)) {
    let Some(scratch) = database.create().await else { return };
    let store = Store::open(&scratch.url).await.unwrap();
    store.migrate_up(make::NOW).await.unwrap();
    let open = Case { store, scratch };
    let outcome = AssertUnwindSafe(case(&open)).catch_unwind().await;
    open.store.close().await;
    open.scratch.remove().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Makes two tests of each named case: `case::sqlite` and `case::postgres`.
macro_rules! for_each_database {
    ($($case:ident),* $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::on(crate::Database::Sqlite, super::$case).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                crate::on(crate::Database::Postgres, super::$case).await;
            }
        }
    )*};
}
pub(crate) use for_each_database;
