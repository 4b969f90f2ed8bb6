//! Starts the simulator on a listener and stops it again.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::SimClock;
use crate::engine::Engine;
use crate::state::Policy;
use crate::webhooks::{Deliverer, WebhookSettings};

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time it lives in; share it to keep another program in the same time.
    pub clock: SimClock,
    /// Ids repeat under the same seed; `None` takes a random one.
    pub seed: Option<u64>,
    /// Deliver webhooks and do due work in the background. Without it a test drives both itself
    /// ([`RunningSimulator::deliver_due`], [`Engine::tick`]).
    pub background: bool,
    /// Account settings that steer time-driven work.
    pub policy: Policy,
    /// How webhooks are delivered.
    pub webhooks: WebhookSettings,
    /// Where browsers reach the pages, if that is not the listener's address.
    pub public_url: Option<String>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: SimClock::system(),
            seed: None,
            background: true,
            policy: Policy::default(),
            webhooks: WebhookSettings::default(),
            public_url: None,
        }
    }
}

/// Starts simulators.
#[derive(Clone, Copy, Debug)]
pub struct Simulator;

/// A simulator that answers; dropping it stops it.
#[derive(Debug)]
pub struct RunningSimulator {
    base_url: String,
    engine: Engine,
    deliverer: Deliverer,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// Binds the listener and starts answering.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(config: SimulatorConfig) -> anyhow::Result<RunningSimulator> {
        let listener = TcpListener::bind(config.listen).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let seed = match config.seed {
            Some(seed) => seed,
            None => getrandom::u64()?,
        };
        let pages = config.public_url.clone().unwrap_or_else(|| base_url.clone());
        let engine = Engine::new(config.clock.clone(), seed, config.policy.clone(), &pages);
        let deliverer = Deliverer::with_settings(engine.clone(), config.webhooks.clone());
        let (stop, stopped) = watch::channel(false);
        let router = router(&engine, &deliverer);
        let mut tasks = vec![tokio::spawn({
            let mut stopped = stopped.clone();
            async move {
                let end = async move {
                    // An error means the handle is gone, which also ends the server.
                    let _ = stopped.wait_for(|stop| *stop).await;
                };
                if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(end).await
                {
                    tracing::error!("Simulator stopped answering: {error}");
                }
            }
        })];
        if config.background {
            let (engine, stopped) = (engine.clone(), stopped.clone());
            tasks.push(tokio::spawn(tick(engine, stopped.clone())));
            tasks.push(tokio::spawn(deliverer.clone().run(stopped)));
        }
        Ok(RunningSimulator { base_url, engine, deliverer, stop, tasks })
    }
}

/// Does due work about twice a second of real time.
async fn tick(engine: Engine, mut stopped: watch::Receiver<bool>) {
    let mut interval = tokio::time::interval(std::time::Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            _ = interval.tick() => engine.tick(),
        }
    }
}

/// The whole HTTP surface: the API, the pages and the simulator's own `/_config`.
pub(crate) fn router(engine: &Engine, deliverer: &Deliverer) -> Router {
    Router::new()
        .route("/_config/health", get(|| async { "ok" }))
        .merge(crate::pages::router(engine.clone(), deliverer.clone()))
        .merge(crate::protocol::router(engine.clone()))
}

impl RunningSimulator {
    /// `http://127.0.0.1:port`: API base and page address.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The clock it lives in.
    pub fn clock(&self) -> &SimClock {
        self.engine.clock()
    }

    /// The account behind it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Webhook delivery, for its log and for resends.
    pub fn deliverer(&self) -> &Deliverer {
        &self.deliverer
    }

    /// Sends every delivery that is due now and says how many were tried; call it until it says 0.
    pub async fn deliver_due(&self) -> usize {
        self.deliverer.deliver_due().await
    }

    /// Stops answering and waits for its tasks.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            // A task that panicked has already reported itself.
            let _ = task.await;
        }
    }
}

impl Drop for RunningSimulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
