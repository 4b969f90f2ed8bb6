//! All SQL of Billhook, on SQLite and PostgreSQL from one text.
//!
//! This crate owns the database: schema, migrations, and every statement, in functions named for
//! what the caller means. It never decides anything about billing; the rules are in `domain`.
//! Start with [`Store`], then `tx.rs` for how one statement text runs on both databases, then
//! any noun such as `deliveries.rs`.
//!
//! On SQLite every write transaction runs on one writer thread, which folds those that wait into
//! one commit, so that many callers share one fsync. On PostgreSQL each has its own connection.
//! Functions here are the same on both.

mod error;
mod fold;
mod migrate;
mod postgres;
mod sqlite;
mod tls;
mod tx;
mod value;

mod api_keys;
mod audit;
mod catalogue;
mod checkouts;
mod deliveries;
mod entitlements;
mod intents;
mod mirror;
mod organizations;
mod outbox;
mod scheduled;
mod sessions;
mod switches;
mod unfinished;
mod usage;
mod users;

pub use api_keys::{KeyKind, KeyRow};
pub use audit::AuditEntry;
pub use checkouts::{CheckoutEnd, CheckoutRow, CheckoutSlot, CheckoutState};
pub use deliveries::{
    Claimed, DeliveryCounts, DeliveryFilter, DeliveryRow, Finish, NewDelivery, Page,
};
pub use entitlements::{EntitlementRow, OrganizationState};
pub use error::{StoreError, StoreResult};
pub use intents::{CustomerSlot, Intent, IntentState, NewIntent};
pub use migrate::{AppliedMigration, MigrationStatus};
pub use mirror::{ApplyCommit, MirrorObject, MirrorWrite, Unfinished};
pub use organizations::OrganizationRow;
pub use outbox::{NewMessage, OutboxRow};
pub use scheduled::ScheduledRow;
pub use sessions::{SessionRow, SignedIn};
pub use switches::SwitchOn;
pub use unfinished::UnfinishedCounts;
pub use usage::{
    DAYS_KEPT, KEYS_KEPT, ReservationEnd, ReservationRow, ReservationState, UsageAct,
    UsageAlertRow, UsageAnswer, UsageCall, UsageDesk, UsageFault, UsageOutcome, UsageRules,
};
pub use users::{NewAccount, NewVerification, UserRow};

use futures_util::future::BoxFuture;
use std::path::PathBuf;
use tx::Tx;

/// Which database holds the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Embedded SQLite.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// The database. Cheap to clone; all clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    /// Gathers webhooks on PostgreSQL, whose connections do not share commits by themselves.
    fold: Option<fold::Fold<(NewDelivery, domain::time::Timestamp), bool>>,
}

#[derive(Clone, Debug)]
enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Where the database is, parsed from `DATABASE_URL`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:path/to/file.db`.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`; holds the password, so it has no `Debug` of its text.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads the setting.
    ///
    /// # Errors
    /// A sentence that does not repeat the value, since it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            text.parse::<tokio_postgres::Config>()
                .map_err(|_| "DATABASE_URL is no valid PostgreSQL address".to_owned())?;
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .filter(|path| !path.is_empty());
        match path {
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
            None => Err("DATABASE_URL must start with sqlite: or postgres://".to_owned()),
        }
    }

    /// The place without user or password: for messages.
    #[must_use]
    pub fn redacted(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(text) => {
                let place = text.rsplit_once('@').map_or_else(
                    || text.split_once("://").map_or("", |(_, rest)| rest),
                    |(_, rest)| rest,
                );
                format!("postgres://{}", place.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Store {
    /// Opens the database; SQLite files are created. It does not migrate.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or the server does not answer.
    pub async fn open(url: &DatabaseUrl) -> StoreResult<Self> {
        let backend = match url {
            DatabaseUrl::Sqlite(path) => Backend::Sqlite(sqlite::Sqlite::open(path)?),
            DatabaseUrl::Postgres(text) => Backend::Postgres(postgres::Postgres::open(text)?),
        };
        let mut store = Self { backend, fold: None };
        store.ping().await?;
        if store.dialect() == Dialect::Postgres {
            let inner = store.clone();
            store.fold = Some(fold::Fold::start(move |batch| {
                let inner = inner.clone();
                Box::pin(async move { inner.accept_folded(batch).await })
            }));
        }
        Ok(store)
    }

    /// Which database this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Sqlite(_) => Dialect::Sqlite,
            Backend::Postgres(_) => Dialect::Postgres,
        }
    }

    /// How many commits this process has made on SQLite; none on PostgreSQL, which counts its own.
    #[must_use]
    pub fn commits(&self) -> Option<u64> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Some(sqlite.commits()),
            Backend::Postgres(_) => None,
        }
    }

    /// Whether the database can be read and written now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot.
    pub async fn ping(&self) -> StoreResult<()> {
        self.write(|tx| Box::pin(async move { tx.rows("select 1", &[]).await.map(|_| ()) })).await
    }

    /// Waits until all writes handed in so far are on disk, then closes the connections.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres(postgres) => postgres.close(),
        }
    }

    /// Runs `job` in a write transaction. It is committed when the job returns `Ok`, and the
    /// answer comes after the commit. The job may not wait for anything but the transaction.
    pub(crate) async fn write<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(job).await,
            Backend::Postgres(postgres) => postgres.write(job).await,
        }
    }

    /// Runs `job` on one consistent state of the database without writing.
    pub(crate) async fn read<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read(job),
            Backend::Postgres(postgres) => postgres.read(job).await,
        }
    }

    /// As [`Store::read`], for look-ups that may take milliseconds: keeps them off the threads
    /// that serve requests.
    pub(crate) async fn scan<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.scan(job).await,
            Backend::Postgres(postgres) => postgres.read(job).await,
        }
    }
}
