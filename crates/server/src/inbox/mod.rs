//! Events from Stripe: received once, kept, and handed to `apply` until they are done. This room
//! never looks into an object and never changes the mirror. Start with [`Inbox::receive`] (what
//! happens before the 200), then `work` (what happens after).

mod receive;
mod work;

pub use receive::{ReceiveError, Received};

use crate::apply::Apply;
use crate::config::Settings;
use crate::world::World;
use domain::delivery::RetryLadder;
use domain::ids::AuditId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use store::{AuditEntry, Claimed, DeliveryRow, Store, StoreResult, SwitchOn};
use stripe::signature::Secret;
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};

/// The switch by which operators pause webhooks.
const PAUSED: &str = "webhooks_paused";

/// The room. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    apply: Apply,
    world: World,
    secrets: Vec<Secret>,
    livemode: bool,
    ladder: RetryLadder,
    /// Requests between their arrival and their commit; past it the answer is 503.
    places: Semaphore,
    /// From receiving to working without the queue in between, while there is room: the event is
    /// committed as claimed, so what is in here is as safe as what waits in the queue.
    handoff: mpsc::Sender<Claimed>,
    handed: Mutex<mpsc::Receiver<Claimed>>,
    /// Whether this node works, so that somebody takes what is handed over.
    working: AtomicBool,
    /// Wakes the worker when something new is committed.
    arrived: Notify,
    pause: receive::PauseCache,
    /// When the worker last went round, in milliseconds; 0 before the first time.
    heartbeat: AtomicI64,
}

impl Inbox {
    /// Makes the room.
    #[must_use]
    pub fn new(store: Store, apply: Apply, settings: &Settings, world: World) -> Self {
        let (handoff, handed) = mpsc::channel(work::HANDOFF);
        Self {
            shared: Arc::new(Shared {
                handoff,
                handed: Mutex::new(handed),
                working: AtomicBool::new(false),
                store,
                apply,
                world,
                secrets: settings.stripe.webhook_secrets.clone(),
                livemode: settings.stripe.mode.livemode(),
                ladder: RetryLadder::standard(),
                places: Semaphore::new(receive::PLACES),
                arrived: Notify::new(),
                pause: receive::PauseCache::default(),
                heartbeat: AtomicI64::new(0),
            }),
        }
    }

    /// When the worker of this node last went round; none when it never did.
    #[must_use]
    pub fn heartbeat(&self) -> Option<domain::time::Timestamp> {
        match self.shared.heartbeat.load(Ordering::Relaxed) {
            0 => None,
            millis => Some(domain::time::Timestamp::from_millis(millis)),
        }
    }

    /// Refuses webhooks with 503 until [`Inbox::resume`]; Stripe keeps and repeats them.
    ///
    /// # Errors
    /// The database's.
    pub async fn pause(&self, by: &str, reason: Option<String>) -> StoreResult<()> {
        let value = reason.clone().unwrap_or_else(|| "paused".to_owned());
        let audit = self.audit(by, "webhooks.pause", "webhooks", reason);
        self.shared.store.set_switch(PAUSED, Some(value), audit).await?;
        self.shared.pause.forget();
        Ok(())
    }

    /// Takes webhooks again.
    ///
    /// # Errors
    /// The database's.
    pub async fn resume(&self, by: &str) -> StoreResult<()> {
        let audit = self.audit(by, "webhooks.resume", "webhooks", None);
        self.shared.store.set_switch(PAUSED, None, audit).await?;
        self.shared.pause.forget();
        Ok(())
    }

    /// Whether webhooks are paused, by whom and since when.
    ///
    /// # Errors
    /// The database's.
    pub async fn paused(&self) -> StoreResult<Option<SwitchOn>> {
        self.shared.store.switch(PAUSED).await
    }

    /// Puts a finished delivery back into the queue; none when there is no such delivery.
    ///
    /// # Errors
    /// [`store::StoreError::Stale`] while it is pending or claimed; the database's.
    pub async fn replay(&self, id: &str, by: &str) -> StoreResult<Option<DeliveryRow>> {
        let audit = self.audit(by, "delivery.replay", id, None);
        let row = self.shared.store.replay_delivery(id, self.shared.world.now(), audit).await?;
        self.shared.arrived.notify_one();
        Ok(row)
    }

    fn audit(&self, by: &str, action: &str, target: &str, reason: Option<String>) -> AuditEntry {
        let now = self.shared.world.now();
        AuditEntry {
            id: AuditId::new(now, &*self.shared.world.entropy),
            at: now,
            actor: by.to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            organization: None,
            before: None,
            after: None,
            reason,
        }
    }
}
