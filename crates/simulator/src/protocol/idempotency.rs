//! Idempotency keys: the first answer is kept and given again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{ApiError, ErrorKind};

/// Answers are forgotten after a day of simulator time, as at Stripe, or when there are more than
/// this many, so that a long run does not grow without bound.
const KEEP: usize = 100_000;
const KEEP_SECONDS: i64 = 24 * 3_600;

/// A kept answer.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
}

#[derive(Debug)]
struct Slot {
    /// Method, path and body of the first use.
    fingerprint: u64,
    /// `None` while the first use is still being answered.
    kept: Option<Kept>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<(bool, String), Slot>,
    order: VecDeque<(i64, (bool, String))>,
    /// Which life of the account the kept answers are of; a reset begins another.
    life: u64,
}

/// All keys of both modes.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Inner>);

impl Idempotency {
    /// Forgets all answers when the account has been reset since the last request.
    pub(crate) fn enter_life(&self, life: u64) {
        let mut inner = self.lock();
        if inner.life != life {
            *inner = Inner { life, ..Inner::default() };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a key for a request, or gives the answer of its first use.
    ///
    /// # Errors
    /// 400 when the parameters differ from the first use, 409 while that is still running.
    pub(crate) fn begin(
        &self,
        livemode: bool,
        key: &str,
        fingerprint: u64,
        now: i64,
    ) -> Result<Option<Kept>, ApiError> {
        let mut inner = self.lock();
        while let Some((at, _)) = inner.order.front()
            && (now - at > KEEP_SECONDS || inner.order.len() > KEEP)
        {
            if let Some((_, old)) = inner.order.pop_front() {
                inner.slots.remove(&old);
            }
        }
        let place = (livemode, key.to_owned());
        if let Some(slot) = inner.slots.get(&place) {
            if slot.fingerprint != fingerprint {
                let message = format!(
                    "Keys for idempotent requests can only be used with the same parameters they \
                     were first used with. Try using a key other than '{key}' if you meant to \
                     execute a different request."
                );
                return Err(ApiError {
                    status: 400,
                    kind: ErrorKind::Idempotency,
                    message,
                    ..ApiError::default()
                });
            }
            return match &slot.kept {
                Some(kept) => Ok(Some(kept.clone())),
                None => {
                    let message = format!(
                        "There is currently another in-progress request using this Idempotent \
                         Key ({key}). Please try again later."
                    );
                    Err(ApiError {
                        status: 409,
                        kind: ErrorKind::Idempotency,
                        code: Some("idempotency_key_in_use".to_owned()),
                        message,
                        ..ApiError::default()
                    })
                }
            };
        }
        inner.order.push_back((now, place.clone()));
        inner.slots.insert(place, Slot { fingerprint, kept: None });
        Ok(None)
    }

    /// Keeps the answer, or frees the key when the request was refused before it did anything.
    pub(crate) fn finish(&self, livemode: bool, key: &str, kept: Option<Kept>) {
        let mut inner = self.lock();
        let place = (livemode, key.to_owned());
        match kept {
            Some(kept) => {
                if let Some(slot) = inner.slots.get_mut(&place) {
                    slot.kept = Some(kept);
                }
            }
            None => {
                inner.slots.remove(&place);
                if inner.order.back().is_some_and(|(_, last)| *last == place) {
                    inner.order.pop_back();
                }
            }
        }
    }
}
