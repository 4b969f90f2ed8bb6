//! SQLite: one writer thread that folds commits, and connections for reading.
//!
//! A write transaction is a job for the writer thread. While one commit is under way, the jobs
//! that arrive wait; then all of them run, each in a savepoint of its own, and share one commit
//! and one fsync. A job that fails is rolled back alone. No answer leaves before the commit.
//!
//! A commit that failed with an I/O error proves nothing about what is on disk. The writer then
//! closes its connection, and refuses work until a new one has read the file and written to it.

use crate::error::{StoreError, StoreResult};
use crate::tx::Tx;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// At most so many jobs share one commit, so that the first one does not wait for long.
const FOLD_AT_MOST: usize = 256;
/// Jobs that may wait for the writer before callers have to.
const QUEUE: usize = 4_096;
/// Statements each connection keeps prepared.
const STATEMENTS: usize = 256;

/// What remains to be done once the commit is known to have held or not.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Runs inside the transaction and says whether to keep what it did.
type Job = Box<dyn FnOnce(&mut Tx) -> (bool, Answer) + Send>;

#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    jobs: mpsc::Sender<Job>,
    readers: Arc<Readers>,
    commits: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> StoreResult<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(StoreError::unavailable)?;
        }
        let connection = open_writer(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            path: path.to_owned(),
            tx: Some(Tx::Sqlite(connection)),
            commits: Arc::clone(&commits),
        };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(StoreError::unavailable)?;
        let readers = Readers { path: path.to_owned(), idle: Mutex::default() };
        Ok(Self { jobs, readers: Arc::new(readers), commits })
    }

    /// How many commits the writer has made.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) async fn write<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            // A panic is rolled back like an error, and its caller is told; the others of the same
            // commit never learn of it.
            let result = catch_unwind(AssertUnwindSafe(|| ready(job(tx))))
                .unwrap_or_else(|_| Err(StoreError::bug("a transaction panicked")));
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |commit| {
                let result = match commit {
                    Ok(()) => result,
                    Err(cause) => result.and(Err(StoreError::unavailable(cause))),
                };
                // The caller may have gone away; what was committed stays committed.
                drop(tell.send(result));
            });
            (keep, answer)
        });
        let closed = || StoreError::unavailable("the store is closed");
        self.jobs.send(job).await.map_err(|_| closed())?;
        told.await.map_err(|_| closed())?
    }

    /// Reads on the caller's own thread: keyed look-ups in a warm file take microseconds.
    pub(crate) fn read<R, F>(&self, job: F) -> StoreResult<R>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>>,
    {
        self.readers.with(job)
    }

    pub(crate) async fn scan<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.with(job))
            .await
            .map_err(StoreError::unavailable)?
    }

    pub(crate) async fn close(&self) {
        // The queue is served in order, so this answer comes after all earlier ones.
        let last =
            self.write(|tx| Box::pin(async move { tx.rows("select 1", &[]).await.map(|_| ()) }));
        drop(last.await);
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Readers {
    fn with<R, F>(&self, job: F) -> StoreResult<R>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>>,
    {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        connection.prepare_cached("begin")?.raw_execute()?;
        let mut tx = Tx::Sqlite(connection);
        let result = ready(job(&mut tx));
        if let Tx::Sqlite(connection) = tx {
            let ended = connection.prepare_cached("commit").and_then(|mut end| end.raw_execute());
            if ended.is_ok() {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
        }
        result
    }
}

/// On SQLite nothing in a transaction ever waits, so one poll finishes it.
fn ready<R>(future: BoxFuture<'_, StoreResult<R>>) -> StoreResult<R> {
    future
        .now_or_never()
        .unwrap_or_else(|| Err(StoreError::bug("a transaction waited for something else")))
}

struct Writer {
    path: PathBuf,
    /// None after a failed commit, until a new connection has proven itself.
    tx: Option<Tx>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(FOLD_AT_MOST);
        while queue.blocking_recv_many(&mut jobs, FOLD_AT_MOST) > 0 {
            let outcome = self.fold(&mut jobs);
            if let Err(cause) = outcome {
                tracing::error!(cause, "Could not commit to the SQLite database");
                self.tx = None;
            }
        }
        if let Some(Tx::Sqlite(connection)) = self.tx {
            drop(connection.close());
        }
    }

    /// Runs all jobs in one transaction and answers them after the commit.
    fn fold(&mut self, jobs: &mut Vec<Job>) -> Result<(), String> {
        let alone = jobs.len() == 1;
        let mut answers = Vec::with_capacity(jobs.len());
        let commits = Arc::clone(&self.commits);
        let outcome = self.begin().and_then(|tx| {
            for job in jobs.drain(..) {
                if !alone {
                    command(tx, "savepoint job")?;
                }
                let (keep, answer) = job(tx);
                answers.push(answer);
                if !keep && alone {
                    return command(tx, "rollback");
                }
                if !keep {
                    command(tx, "rollback to job")?;
                }
                if !alone {
                    command(tx, "release job")?;
                }
            }
            command(tx, "commit")?;
            commits.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        jobs.clear();
        for answer in answers {
            answer(outcome.clone());
        }
        outcome
    }

    fn begin(&mut self) -> Result<&mut Tx, String> {
        if self.tx.is_none() {
            // Not created: a file that has gone away must come back, not be replaced by an empty one.
            let connection = open_writer(&self.path, OpenFlags::empty())
                .and_then(|connection| prove(&connection).map(|()| connection))
                .map_err(|error| {
                    // Callers are refused meanwhile; a pause keeps a broken disk from spinning.
                    std::thread::sleep(Duration::from_millis(50));
                    describe(&error)
                })?;
            tracing::info!("The SQLite database can be written again");
            self.tx = Some(Tx::Sqlite(connection));
        }
        let tx = self.tx.as_mut().ok_or("no connection")?;
        command(tx, "begin immediate")?;
        Ok(tx)
    }
}

fn describe(error: &StoreError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.unwrap_or_else(|| error.to_string())
}

fn command(tx: &mut Tx, sql: &str) -> Result<(), String> {
    let Tx::Sqlite(connection) = tx else { return Err("not SQLite".to_owned()) };
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.raw_execute())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Reads the whole structure and writes durably, after a commit that may or may not have held.
fn prove(connection: &Connection) -> StoreResult<()> {
    let verdict: String = connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::unavailable(format!("the database file is damaged: {verdict}")));
    }
    connection.execute_batch(
        "begin immediate;
         create table if not exists write_probe (at integer not null) strict;
         insert into write_probe (at) values (1);
         drop table write_probe;
         commit;",
    )?;
    Ok(())
}

fn open_writer(path: &Path, or_create: OpenFlags) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | or_create;
    let connection = Connection::open_with_flags(path, flags)?;
    // The busy timeout comes first: switching to WAL may itself have to wait.
    connection.execute_batch(
        "pragma busy_timeout = 10000;
         pragma journal_mode = wal;
         pragma synchronous = full;
         pragma foreign_keys = on;
         pragma wal_autocheckpoint = 4000;
         pragma cache_size = -8000;
         pragma temp_store = memory;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn open_reader(path: &Path) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "pragma busy_timeout = 10000;
         pragma query_only = on;
         pragma cache_size = -2000;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
