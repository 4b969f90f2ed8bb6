//! How many log-ins may be tried for one address from one place, and how many accounts made from
//! one place.
//!
//! Each node counts for itself, in a bounded table: an attacker can push entries out of it only by
//! trying at least as many other addresses.

use domain::time::Timestamp;
use lru::LruCache;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// So many log-ins are heard at once, and then one more every so many milliseconds.
const LOG_INS: (i64, i64) = (10, 30_000);
/// The same for sign-ups from one place, which many people may share.
const SIGN_UPS: (i64, i64) = (30, 3_000);
/// Pairs of address and place that are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

type Key = (String, Option<IpAddr>);

/// A leaky bucket for each pair of address and place (GCRA: one number each).
#[derive(Debug)]
pub(super) struct Attempts {
    burst: i64,
    every_ms: i64,
    /// The moment, in milliseconds, at which the bucket is empty again.
    empty_at: Mutex<LruCache<Key, i64>>,
}

impl Attempts {
    /// For log-ins.
    pub(super) fn to_log_in() -> Self {
        Self::new(LOG_INS)
    }

    /// For sign-ups, which have no address yet that counts.
    pub(super) fn to_sign_up() -> Self {
        Self::new(SIGN_UPS)
    }

    fn new((burst, every_ms): (i64, i64)) -> Self {
        Self { burst, every_ms, empty_at: Mutex::new(LruCache::new(REMEMBERED)) }
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
        let key = (email.to_owned(), from.map(neighbourhood));
        let empty_at = table.get(&key).copied().unwrap_or(now).max(now);
        let next = empty_at.saturating_add(self.every_ms);
        let wait = next.saturating_sub(now).saturating_sub(self.burst * self.every_ms);
        if wait > 0 {
            return Err(u64::try_from(wait).unwrap_or(0).div_ceil(1_000));
        }
        table.put(key, next);
        Ok(())
    }

    /// Forgets a pair, after the right password.
    pub(super) fn forget(&self, email: &str, from: Option<IpAddr>) {
        let mut table = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        table.pop(&(email.to_owned(), from.map(neighbourhood)));
    }
}

/// The place an address stands for: one customer of a network has a whole /64 of IPv6.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that the eleventh attempt waits, that waiting helps, that another address or place is
    /// not affected, and that a success starts over.
    #[test]
    fn attempts_run_out_for_one_address_and_place() {
        let attempts = Attempts::to_log_in();
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        let at = Timestamp::from_seconds;
        for _ in 0..LOG_INS.0 {
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

    /// Shows that a network's IPv6 addresses are one place, and another network's are not.
    #[test]
    fn one_network_is_one_place() {
        let attempts = Attempts::to_sign_up();
        let from = |network: u16, host: u16| {
            Some(IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]))
        };
        let now = Timestamp::from_seconds(0);
        for host in 0..30 {
            assert_eq!(attempts.admit("", from(1, host), now), Ok(()));
        }
        assert_eq!(attempts.admit("", from(1, 99), now), Err(3));
        assert_eq!(attempts.admit("", from(2, 1), now), Ok(()));
    }
}
