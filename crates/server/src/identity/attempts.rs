//! How many log-ins may be tried for one address from one place.
//!
//! Each node counts for itself, in a bounded table: an attacker can push entries out of it only by
//! trying at least as many other addresses.

use domain::time::Timestamp;
use lru::LruCache;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// So many attempts are heard at once.
const BURST: i64 = 10;
/// One more every so many milliseconds.
const EVERY_MS: i64 = 30_000;
/// Pairs of address and place that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

type Key = (String, Option<IpAddr>);

/// A leaky bucket for each pair of address and place (GCRA: one number each).
#[derive(Debug)]
pub(super) struct Attempts {
    /// The moment, in milliseconds, at which the bucket is empty again.
    empty_at: Mutex<LruCache<Key, i64>>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { empty_at: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Counts one attempt, or says how many seconds to wait.
    pub(super) fn admit(
        &self,
        email: &str,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), u64> {
        let now = now.as_millis();
        let mut table = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (email.to_owned(), from);
        let empty_at = table.get(&key).copied().unwrap_or(now).max(now);
        let next = empty_at.saturating_add(EVERY_MS);
        let wait = next.saturating_sub(now).saturating_sub(BURST * EVERY_MS);
        if wait > 0 {
            return Err(u64::try_from(wait).unwrap_or(0).div_ceil(1_000));
        }
        table.put(key, next);
        Ok(())
    }

    /// Forgets a pair, after the right password.
    pub(super) fn forget(&self, email: &str, from: Option<IpAddr>) {
        let mut table = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        table.pop(&(email.to_owned(), from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that the eleventh attempt waits, that waiting helps, that another address or place is
    /// not affected, and that a success starts over.
    #[test]
    fn attempts_run_out_for_one_address_and_place() {
        let attempts = Attempts::new();
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        let at = Timestamp::from_seconds;
        for _ in 0..BURST {
            assert_eq!(attempts.admit("a@b.c", here, at(0)), Ok(()));
        }
        assert_eq!(attempts.admit("a@b.c", here, at(0)), Err(30));
        assert_eq!(attempts.admit("a@b.c", here, at(29)), Err(1));
        assert_eq!(attempts.admit("a@b.c", here, at(30)), Ok(()));
        assert_eq!(attempts.admit("b@b.c", here, at(30)), Ok(()));
        assert_eq!(attempts.admit("a@b.c", Some(IpAddr::from([10, 0, 0, 1])), at(30)), Ok(()));
        assert!(attempts.admit("a@b.c", here, at(30)).is_err());
        attempts.forget("a@b.c", here);
        assert_eq!(attempts.admit("a@b.c", here, at(30)), Ok(()));
    }
}
