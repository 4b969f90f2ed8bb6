//! A database of its own for each test, on SQLite or PostgreSQL, gone when the test is over.
//!
//! The store's conformance suite includes this file by path, since the store may not depend on
//! the crates above it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use store::DatabaseUrl;
use tokio_postgres::{Client, NoTls};

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in a folder of its own.
    Sqlite,
    /// A database of its own on the server of `TEST_DATABASE_URL`, or on this machine's.
    Postgres,
}

/// An empty database for one test.
#[derive(Debug)]
pub struct Scratch {
    /// Where it is.
    pub url: DatabaseUrl,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(tempfile::TempDir),
    Server { server: String, name: String },
}

/// What each scratch database on a server is called: this, when it was made, and by whom.
const PREFIX: &str = "billhook_test_";

impl Database {
    /// Makes an empty database; none when no PostgreSQL server answers, which is said loudly.
    ///
    /// # Panics
    /// When the server answers but makes no database.
    pub async fn create(self) -> Option<Scratch> {
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder for the test's database");
                let url = DatabaseUrl::Sqlite(folder.path().join("billhook.db"));
                Some(Scratch { url, place: Place::Folder(folder) })
            }
            Self::Postgres => {
                let (server, given) = server_url();
                let admin = match connect(&server).await {
                    Ok(admin) => admin,
                    Err(error) => {
                        assert!(!given, "TEST_DATABASE_URL does not answer: {error}");
                        skipped(&error);
                        return None;
                    }
                };
                drop_leftovers(&admin).await;
                let name = scratch_name();
                // Copying the template as files costs a checkpoint; as log it costs little here.
                admin
                    .batch_execute(&format!("create database {name} strategy wal_log"))
                    .await
                    .expect("the server makes a database for the test");
                let url = DatabaseUrl::Postgres(with_name(&server, &name));
                Some(Scratch { url, place: Place::Server { server, name } })
            }
        }
    }
}

impl Scratch {
    /// The folder of a SQLite database.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder.path()),
            Place::Server { .. } => None,
        }
    }

    /// Removes the database with all that is in it, whoever is still connected.
    ///
    /// # Panics
    /// When the server does not remove it.
    pub async fn remove(self) {
        if let Place::Server { server, name } = self.place {
            let admin = connect(&server).await.expect("the server still answers");
            admin
                .batch_execute(&format!("drop database if exists {name} with (force)"))
                .await
                .expect("the test's database can be dropped");
        }
    }
}

/// The server to use, and whether it was asked for.
fn server_url() -> (String, bool) {
    match std::env::var("TEST_DATABASE_URL") {
        Ok(url) if !url.is_empty() => (url, true),
        _ => ("postgres://postgres@127.0.0.1:5432/postgres".to_owned(), false),
    }
}

#[expect(clippy::print_stderr, reason = "the test runner counts what was skipped from this line")]
fn skipped(error: &tokio_postgres::Error) {
    eprintln!("SKIPPED: no test on PostgreSQL, because no server answers ({error})");
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config.connect_timeout(Duration::from_secs(5));
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        // Its errors reach the client's own calls.
        drop(connection.await);
    });
    Ok(client)
}

/// The address of another database on the same server.
fn with_name(server: &str, name: &str) -> String {
    let (place, options) = match server.split_once('?') {
        Some((place, options)) => (place, format!("?{options}")),
        None => (server, String::new()),
    };
    let after_scheme = place.find("://").map_or(0, |at| at + 3);
    let root = match place[after_scheme..].find('/') {
        Some(slash) => &place[..after_scheme + slash],
        None => place,
    };
    format!("{root}/{name}{options}")
}

#[expect(clippy::disallowed_methods, reason = "names the database after when it was really made")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn scratch_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}_{}_{count}", seconds_now(), std::process::id())
}

/// Drops what runs that were killed left behind more than a day ago, once in a process.
async fn drop_leftovers(admin: &Client) {
    static DONE: AtomicU32 = AtomicU32::new(0);
    if DONE.swap(1, Ordering::Relaxed) == 1 {
        return;
    }
    let names = admin
        .query("select datname from pg_database where datname like 'billhook\\_test\\_%'", &[])
        .await
        .unwrap_or_default();
    let yesterday = seconds_now().saturating_sub(86_400);
    for row in names {
        let name: String = row.get(0);
        let made = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next());
        if made.and_then(|text| text.parse::<u64>().ok()).is_some_and(|made| made < yesterday) {
            // Another test process may be dropping the same one.
            drop(admin.batch_execute(&format!("drop database if exists {name}")).await);
        }
    }
}
