//! Numbered migrations, up and down, the same names on both databases.

use crate::error::{StoreError, StoreResult};
use crate::tx::{Tx, values};
use crate::{Dialect, Store};
use domain::time::Timestamp;

struct Migration {
    name: &'static str,
    sqlite: (&'static str, &'static str),
    postgres: (&'static str, &'static str),
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        const MIGRATIONS: &[Migration] = &[$(Migration {
            name: $name,
            sqlite: (
                include_str!(concat!("../migrations/sqlite/", $name, ".up.sql")),
                include_str!(concat!("../migrations/sqlite/", $name, ".down.sql")),
            ),
            postgres: (
                include_str!(concat!("../migrations/postgres/", $name, ".up.sql")),
                include_str!(concat!("../migrations/postgres/", $name, ".down.sql")),
            ),
        }),*];
    };
}

migrations![
    "0001_accounts",
    "0002_catalogue",
    "0003_inbox",
    "0004_mirror",
    "0005_billing",
    "0006_outbox",
    "0007_usage",
    "0008_keys",
];

/// A migration the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its name, number first.
    pub name: String,
    /// When it ran.
    pub at: Timestamp,
}

/// How the database's schema compares with this program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// What the database has, oldest first.
    pub applied: Vec<AppliedMigration>,
    /// What it lacks, in the order to run.
    pub pending: Vec<&'static str>,
    /// What it has and this program does not know: it was written by a newer one.
    pub unknown: Vec<String>,
}

impl MigrationStatus {
    /// Whether the schema is exactly this program's.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }
}

const CREATE: &str = "create table if not exists schema_migrations (
    name text primary key,
    applied_at bigint not null
)";

async fn applied(tx: &mut Tx) -> StoreResult<Vec<AppliedMigration>> {
    tx.batch(CREATE).await?;
    let rows = tx.rows("select name, applied_at from schema_migrations order by name", &[]).await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("schema_migrations");
            Ok(AppliedMigration { name: row.text("name")?, at: row.time("applied_at")? })
        })
        .collect()
}

fn compare(applied: Vec<AppliedMigration>) -> MigrationStatus {
    let known = |name: &str| MIGRATIONS.iter().any(|one| one.name == name);
    let has = |name: &str| applied.iter().any(|one| one.name == name);
    let pending = MIGRATIONS.iter().map(|one| one.name).filter(|name| !has(name)).collect();
    let unknown = applied.iter().map(|one| one.name.clone()).filter(|n| !known(n)).collect();
    MigrationStatus { applied, pending, unknown }
}

/// Several nodes may start at once; only one migrates. SQLite's writer is alone by itself.
async fn lock(tx: &mut Tx) -> StoreResult<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.rows("select 1 from pg_advisory_xact_lock(7202611210001)", &[]).await?;
    }
    Ok(())
}

impl Store {
    /// Compares the schema with this program's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn migration_status(&self) -> StoreResult<MigrationStatus> {
        self.write(|tx| {
            Box::pin(async move {
                lock(tx).await?;
                applied(tx).await.map(compare)
            })
        })
        .await
    }

    /// Runs all pending migrations in one transaction and names them.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when the database is newer than this program; nothing is changed.
    pub async fn migrate_up(&self, now: Timestamp) -> StoreResult<Vec<&'static str>> {
        self.write(move |tx| {
            Box::pin(async move {
                lock(tx).await?;
                let status = compare(applied(tx).await?);
                if let Some(name) = status.unknown.first() {
                    return Err(StoreError::Schema(format!(
                        "the database has migration {name}, which this version does not know; \
                         run the newer version, or migrate down with it first"
                    )));
                }
                for migration in MIGRATIONS.iter().filter(|m| status.pending.contains(&m.name)) {
                    let (up, _) = migration.texts(tx.dialect());
                    tx.batch(up).await?;
                    tx.execute(
                        "insert into schema_migrations (name, applied_at) values ($1, $2)",
                        values![migration.name, now],
                    )
                    .await?;
                }
                Ok(status.pending)
            })
        })
        .await
    }

    /// Takes back the newest `steps` migrations and names them, newest first.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when one of them is unknown to this program; nothing is changed.
    pub async fn migrate_down(&self, steps: usize) -> StoreResult<Vec<String>> {
        self.write(move |tx| {
            Box::pin(async move {
                lock(tx).await?;
                let mut undone = Vec::new();
                for migration in applied(tx).await?.into_iter().rev().take(steps) {
                    let known = MIGRATIONS.iter().find(|one| one.name == migration.name);
                    let known = known.ok_or_else(|| {
                        StoreError::Schema(format!("no way down from {} is known", migration.name))
                    })?;
                    let (_, down) = known.texts(tx.dialect());
                    tx.batch(down).await?;
                    tx.execute(
                        "delete from schema_migrations where name = $1",
                        values![known.name],
                    )
                    .await?;
                    undone.push(migration.name);
                }
                Ok(undone)
            })
        })
        .await
    }
}

impl Migration {
    fn texts(&self, dialect: Dialect) -> (&'static str, &'static str) {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}
