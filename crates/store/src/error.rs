//! What can go wrong with the database, in terms a caller can act on.

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or is shutting down. Trying again later may help.
    #[error("the database is not available")]
    Unavailable {
        /// What the database said; for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A uniqueness rule of the schema refused the row.
    #[error("a row with the same key exists already")]
    Taken,
    /// What the caller planned from was changed by someone else in the meantime.
    #[error("the row was changed in the meantime")]
    Stale,
    /// A row holds a value that the schema's own rules exclude.
    #[error("table {table} holds an unreadable {column} in row {id}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row.
        id: String,
    },
    /// The schema is not the one this program was built for.
    #[error("{0}")]
    Schema(String),
    /// A statement of ours is wrong.
    #[error("a statement failed")]
    Bug {
        /// What the database said; for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A result of the store.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// An [`StoreError::Unavailable`] with a cause of our own.
    pub(crate) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: cause.into() }
    }

    /// A [`StoreError::Bug`] with a cause of our own.
    pub(crate) fn bug(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Bug { source: cause.into() }
    }

    /// Whether trying the same again later can help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Stale)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::ConstraintViolation) if is_uniqueness(&error) => Self::Taken,
            Some(
                Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::SystemIoFailure
                | Code::DiskFull
                | Code::CannotOpen
                | Code::ReadOnly
                | Code::OutOfMemory
                | Code::NotADatabase
                | Code::DatabaseCorrupt,
            ) => Self::unavailable(error),
            _ => Self::bug(error),
        }
    }
}

fn is_uniqueness(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, _)
            if cause.extended_code == SQLITE_CONSTRAINT_PRIMARYKEY
                || cause.extended_code == SQLITE_CONSTRAINT_UNIQUE
    )
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        use tokio_postgres::error::SqlState;
        let Some(state) = error.code() else { return Self::unavailable(error) };
        if *state == SqlState::UNIQUE_VIOLATION {
            return Self::Taken;
        }
        if *state == SqlState::T_R_SERIALIZATION_FAILURE
            || *state == SqlState::T_R_DEADLOCK_DETECTED
        {
            return Self::Stale;
        }
        // Classes 08 (connection), 53 (resources), 57 (shutdown, cancel), 58 (system), 25006
        // (read-only standby): the server's state, not the statement's fault.
        let transient =
            ["08", "53", "57", "58"].iter().any(|class| state.code().starts_with(class))
                || *state == SqlState::READ_ONLY_SQL_TRANSACTION;
        if transient { Self::unavailable(error) } else { Self::bug(error) }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => Self::from(error),
            other => Self::unavailable(other),
        }
    }
}
