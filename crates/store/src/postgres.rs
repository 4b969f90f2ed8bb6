//! PostgreSQL: a pool of connections, one transaction on each.

use crate::error::{StoreError, StoreResult};
use crate::tx::Tx;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Connections a node keeps at most. PostgreSQL's default is 100 for all of its clients.
const CONNECTIONS: usize = 16;
/// How long a caller waits for a connection before the store counts as unavailable.
const WAIT: Duration = Duration::from_secs(5);

/// How long a transaction may take. A server that is gone without closing its connections would
/// otherwise hold callers for as long as TCP hopes for it.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> StoreResult<Self> {
        let mut config: tokio_postgres::Config = url.parse().map_err(StoreError::unavailable)?;
        config.application_name("billhook").connect_timeout(WAIT);
        let tls = crate::tls::connector(config.get_ssl_mode())?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, tls, recycling))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(WAIT), recycle: Some(WAIT) })
            .build()
            .map_err(StoreError::unavailable)?;
        Ok(Self { pool })
    }

    /// The work goes on in a task of its own, so that a caller that goes away (a closed HTTP
    /// connection) never leaves a transaction half done.
    pub(crate) async fn write<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        self.run("begin", job).await
    }

    pub(crate) async fn read<R, F>(&self, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        self.run("begin isolation level repeatable read read only", job).await
    }

    async fn run<R, F>(&self, begin: &'static str, job: F) -> StoreResult<R>
    where
        R: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, StoreResult<R>> + Send + 'static,
    {
        let client = self.pool.get().await?;
        let work = async move {
            let mut tx = Tx::Postgres(client);
            let whole = tokio::time::timeout(LONGEST, async {
                let result = match tx.batch(begin).await {
                    Ok(()) => match AssertUnwindSafe(job(&mut tx)).catch_unwind().await {
                        Ok(result) => result,
                        Err(_) => Err(StoreError::bug("a transaction panicked")),
                    },
                    Err(error) => Err(error),
                };
                let end = if result.is_ok() { "commit" } else { "rollback" };
                (result, tx.batch(end).await)
            });
            let (result, ended, in_time) = match whole.await {
                Ok((result, ended)) => (result, ended, true),
                Err(_) => (Err(StoreError::unavailable("no answer in time")), Ok(()), false),
            };
            if (ended.is_err() || !in_time)
                && let Tx::Postgres(client) = tx
            {
                // Nobody knows in which state this connection is.
                drop(Object::take(client));
            }
            match (result, ended) {
                (Ok(value), Ok(())) => Ok(value),
                (Ok(_), Err(error)) | (Err(error), _) => Err(error),
            }
        };
        tokio::spawn(work).await.map_err(StoreError::unavailable)?
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}
