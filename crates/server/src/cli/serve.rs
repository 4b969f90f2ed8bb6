//! `billhook serve`.

use super::settings::ConfigFile;
use super::{Failure, running, tell};
use crate::app::App;
use crate::config::Settings;
use crate::world::World;
use crate::{http, observe, schedule};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use std::time::Duration;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The first pause between two attempts to reach the database; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long requests and deliveries under way may take after the signal to end.
const LAST_WORK: Duration = Duration::from_secs(20);

/// What one can say to `billhook serve`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    file: ConfigFile,
    /// What this process does
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
    /// Address to listen on instead of the settings' one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Leave the schema alone; until somebody migrates, /readyz says 503
    #[arg(long)]
    no_migrate: bool,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Answers requests and applies events
    All,
    /// Answers requests only
    Api,
    /// Applies events only; answers /livez, /readyz and /metrics
    Worker,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let loaded = options.file.load()?;
    observe::start_log(loaded.settings.json_logs);
    for notice in &loaded.notices {
        tracing::info!("{notice}");
    }
    let mut settings = loaded.settings;
    if let Some(listen) = options.listen {
        settings.listen = listen;
    }
    let listener = std::net::TcpListener::bind(settings.listen)
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;

    let tasks = TaskTracker::new();
    let stop = running::stop_on_signal(&tasks)?;
    let world = World::real();
    let Some(store) = open_store(&settings, &world, &listener, &stop).await? else {
        return Ok(());
    };
    if !options.no_migrate {
        migrate(&store, &world).await?;
    }
    if store.migration_status().await?.is_current() {
        store.sync_catalogue(&settings.catalogue).await?;
    }
    let mode = settings.stripe.mode.name();
    let app = App::new(settings, store, world)?;
    if options.role != Role::Api {
        tasks.spawn(schedule::run(app.clone(), stop.clone()));
    }
    let router = match options.role {
        Role::Worker => http::router_of_worker(app.clone()),
        Role::All | Role::Api => http::router(app.clone()),
    };
    tracing::info!("Serving {mode} mode on http://{address}");
    let serving = http::serve(TcpListener::from_std(listener)?, router, stop.clone());
    let outcome = until_done(serving, &stop).await;
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(LAST_WORK, tasks.wait()).await.is_err() {
        tracing::warn!("Ended with work under way; its leases return it to the queue");
    }
    app.store.close().await;
    tell("Stopped");
    Ok(outcome?)
}

/// Waits for the server, but after the signal to end only so long: a connection that somebody
/// holds open must not keep the process.
pub(super) async fn until_done(
    serving: impl Future<Output = std::io::Result<()>>,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_WORK).await;
    };
    tokio::select! {
        outcome = serving => outcome,
        () = patience => Ok(()),
    }
}

/// Opens the database, again and again until it can be reached. Meanwhile /livez says that the
/// process lives and /readyz that it cannot serve. None when it was told to end.
async fn open_store(
    settings: &Settings,
    world: &World,
    listener: &std::net::TcpListener,
    stop: &CancellationToken,
) -> Result<Option<Store>, Failure> {
    let first = Store::open(&settings.database).await;
    let Err(error) = first else { return Ok(first.ok()) };
    report(settings, &error, FIRST_PAUSE);
    let meanwhile = stop.child_token();
    let router = http::router_while_starting(world.clone());
    let waiting_room =
        http::serve(TcpListener::from_std(listener.try_clone()?)?, router, meanwhile.clone());
    let opening = async {
        let mut pause = FIRST_PAUSE;
        let store = loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => break None,
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            match Store::open(&settings.database).await {
                Ok(store) => break Some(store),
                Err(error) => report(settings, &error, pause),
            }
        };
        meanwhile.cancel();
        store
    };
    let (store, served) = tokio::join!(opening, waiting_room);
    served?;
    if store.is_some() {
        tracing::info!("The database can be reached");
    }
    Ok(store)
}

fn report(settings: &Settings, error: &StoreError, pause: Duration) {
    tracing::error!(
        cause = running::cause_of(error),
        "Cannot reach the database {}; trying again in {} ms",
        settings.database.redacted(),
        pause.as_millis()
    );
}

/// Brings the schema up to date. One that a newer version wrote is left alone.
pub(super) async fn migrate(store: &Store, world: &World) -> Result<(), Failure> {
    let done = store.migrate_up(world.now()).await?;
    if let (Some(first), Some(last)) = (done.first(), done.last()) {
        tracing::info!("Migrated the database: {first} to {last}");
    }
    Ok(())
}
