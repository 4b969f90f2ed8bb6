//! From the request to the commit. A 200 to Stripe means that the event is on disk.

use super::work::LEASE;
use super::{Inbox, PAUSED};
use bytes::Bytes;
use domain::ids::OutboxId;
use domain::time::Timestamp;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use store::{Claimed, NewDelivery, NewMessage, StoreError};
use stripe::EventEnvelope;
use stripe::signature::{DEFAULT_TOLERANCE_SECS, SignatureError, verify};

/// Requests that may wait for their commit at the same time. At a few thousand commits a second
/// this is a fraction of a second of work; more would only wait longer and hold memory.
pub(super) const PLACES: usize = 1_024;

/// For how long the pause switch is believed without looking, so that another node's switch
/// counts here within a second and receiving costs no look-up.
const PAUSE_BELIEVED_MS: i64 = 1_000;

/// What Stripe is told while paused or overloaded, in seconds.
const RETRY_AFTER_PAUSED: u32 = 60;

/// An event that is safely stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It came for the first time.
    New,
    /// It was there already.
    Repeated,
}

/// Why an event was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Operators paused webhooks.
    #[error("webhooks are paused")]
    Paused {
        /// When to come again, in seconds.
        retry_after: u32,
    },
    /// There is no signature.
    #[error("the Stripe-Signature header is missing")]
    SignatureMissing,
    /// The signature does not hold.
    #[error("the signature does not hold: {0}")]
    SignatureInvalid(SignatureError),
    /// A test event at a live installation or the reverse.
    #[error("the event is of the other mode")]
    WrongMode,
    /// Rightly signed, but no event.
    #[error("the body is no Stripe event: {0}")]
    NotAnEvent(stripe::EventError),
    /// More requests are waiting than can be served.
    #[error("too many webhooks are waiting")]
    Overloaded,
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The pause switch as last seen.
#[derive(Debug, Default)]
pub(super) struct PauseCache {
    paused: AtomicBool,
    looked_at: AtomicI64,
}

impl PauseCache {
    pub(super) fn forget(&self) {
        self.looked_at.store(0, Ordering::Relaxed);
    }
}

impl Inbox {
    /// Takes one webhook request: proves it, stores it once, and only then returns.
    ///
    /// # Errors
    /// When nothing was stored. Stripe repeats whatever is not answered with 2xx.
    pub async fn receive(
        &self,
        signature: Option<&str>,
        body: Bytes,
    ) -> Result<Received, ReceiveError> {
        let shared = &self.shared;
        let now = shared.world.now();
        verify(signature, &body, &shared.secrets, now.as_seconds(), DEFAULT_TOLERANCE_SECS)
            .map_err(|error| match error {
                SignatureError::Missing => ReceiveError::SignatureMissing,
                other => ReceiveError::SignatureInvalid(other),
            })?;
        if self.is_paused(now).await? {
            return Err(ReceiveError::Paused { retry_after: RETRY_AFTER_PAUSED });
        }
        let event = EventEnvelope::parse(&body).map_err(ReceiveError::NotAnEvent)?;
        if event.livemode != shared.livemode {
            self.tell_wrong_mode(&event.id, now).await?;
            return Err(ReceiveError::WrongMode);
        }
        let _place = shared.places.try_acquire().map_err(|_| ReceiveError::Overloaded)?;
        let working = shared.working.load(Ordering::Acquire);
        let room = working.then(|| shared.handoff.try_reserve().ok()).flatten();
        let claimed = room.is_some().then(|| Claimed {
            id: event.id.clone().into_owned(),
            kind: event.event_type.clone().into_owned(),
            created: event.created,
            object_id: event.object_id.clone().map(std::borrow::Cow::into_owned),
            attempt: 1,
            lease_until: now.plus(LEASE),
            body: body.to_vec(),
        });
        let delivery = NewDelivery {
            claimed_until: claimed.as_ref().map(|claimed| claimed.lease_until),
            id: event.id.into_owned(),
            kind: event.event_type.into_owned(),
            api_version: event.api_version.map(std::borrow::Cow::into_owned),
            created: event.created,
            livemode: event.livemode,
            object_type: event.object_kind.into_owned(),
            object_id: event.object_id.map(std::borrow::Cow::into_owned),
            body: NewDelivery::compress(&body),
        };
        if shared.store.accept_delivery(delivery, now).await? {
            // When this caller goes away before it gets here, the lease ends by itself.
            match (room, claimed) {
                (Some(room), Some(claimed)) => room.send(claimed),
                _ => shared.arrived.notify_one(),
            }
            Ok(Received::New)
        } else {
            Ok(Received::Repeated)
        }
    }

    async fn is_paused(&self, now: Timestamp) -> Result<bool, StoreError> {
        let cache = &self.shared.pause;
        let looked_at = cache.looked_at.load(Ordering::Relaxed);
        if looked_at == 0 || (now.as_millis() - looked_at).abs() > PAUSE_BELIEVED_MS {
            let paused = self.shared.store.switch(PAUSED).await?.is_some();
            cache.paused.store(paused, Ordering::Relaxed);
            cache.looked_at.store(now.as_millis(), Ordering::Relaxed);
        }
        Ok(cache.paused.load(Ordering::Relaxed))
    }

    /// Someone pointed the other mode's endpoint at us. Operators are told, once a day.
    async fn tell_wrong_mode(&self, event: &str, now: Timestamp) -> Result<(), StoreError> {
        let day = now.as_seconds().div_euclid(86_400);
        tracing::warn!(event, "Refused an event of the other mode");
        let message = NewMessage {
            id: OutboxId::new(now, &*self.shared.world.entropy),
            organization: None,
            kind: "alert.wrong_mode",
            dedupe_key: format!("alert.wrong_mode:{day}"),
            body: json!({"event": event, "expected_livemode": self.shared.livemode}).to_string(),
            due_at: now,
        };
        self.shared.store.enqueue_message(message).await
    }
}
