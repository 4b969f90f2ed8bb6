//! From one body to a test on each database.

use crate::{Builder, Database, TestApp};
use futures_util::FutureExt;
use std::panic::{AssertUnwindSafe, resume_unwind};

/// Runs `body` against a server of one node on this database.
pub async fn run(database: Database, body: impl AsyncFnOnce(&TestApp)) {
    run_with(TestApp::on(database), body).await;
}

/// Runs `body` against two nodes on one PostgreSQL.
pub async fn run_pair(body: impl AsyncFnOnce(&TestApp)) {
    run_with(TestApp::on(Database::Postgres).nodes(2), body).await;
}

/// Runs `body` against what the builder builds, and puts it away whatever comes of it.
pub async fn run_with(builder: Builder, body: impl AsyncFnOnce(&TestApp)) {
    let Some(app) = builder.start().await else { return };
    match AssertUnwindSafe(body(&app)).catch_unwind().await {
        Ok(()) => app.finish().await,
        Err(panic) => {
            app.abandon().await;
            resume_unwind(panic);
        }
    }
}

/// Makes two tests of one body: `name::sqlite` and `name::postgres`.
///
/// ```ignore
/// scenario! {
///     /// Shows that …
///     scenario_05_updated_first, async |app| { app.sign_up("acme").await; }
/// }
/// ```
/// `with |builder| …` before the body sets the server up otherwise than by default.
#[macro_export]
macro_rules! scenario {
    ($(#[$doc:meta])* $name:ident, with $setup:expr, $body:expr $(,)?) => {
        $(#[$doc])*
        async fn $name(database: $crate::Database) {
            let setup: fn($crate::Builder) -> $crate::Builder = $setup;
            $crate::run_with(setup($crate::TestApp::on(database)), $body).await;
        }
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::Database::Sqlite).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::Database::Postgres).await;
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $body:expr $(,)?) => {
        $crate::scenario! { $(#[$doc])* $name, with |builder| builder, $body }
    };
}

/// Makes one test of a body on two nodes that share one PostgreSQL: `name::two_nodes`.
#[macro_export]
macro_rules! scenario_on_two_nodes {
    ($(#[$doc:meta])* $name:ident, $body:expr $(,)?) => {
        $(#[$doc])*
        async fn $name() {
            $crate::run_pair($body).await;
        }
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn two_nodes() {
                super::$name().await;
            }
        }
    };
}
