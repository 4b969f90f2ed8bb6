//! The one time everything in the simulator lives in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that can be moved: either the system's time plus an offset, or a time that stands
/// still until somebody moves it. Clones share the same time.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    running: bool,
    /// The program that receives webhooks lives in this clock, too.
    shared: bool,
    /// Milliseconds: an offset to the system's time when `running`, else the time itself.
    millis: AtomicI64,
}

impl SimClock {
    /// A clock that shows the system's time until it is moved, and keeps running after that.
    pub fn system() -> Self {
        Self(Arc::new(Inner { running: true, shared: false, millis: AtomicI64::new(0) }))
    }

    /// As [`SimClock::system`], for a program beside the simulator that takes its time from this
    /// clock too: signatures are made in it, so they hold after it was moved.
    pub fn shared() -> Self {
        Self(Arc::new(Inner { running: true, shared: true, millis: AtomicI64::new(0) }))
    }

    /// A clock that stands at `unix_seconds` until it is moved.
    pub fn fixed(unix_seconds: i64) -> Self {
        let millis = AtomicI64::new(unix_seconds * 1000);
        Self(Arc::new(Inner { running: false, shared: true, millis }))
    }

    /// A running clock that shows `unix_seconds` at this moment.
    pub fn system_from(unix_seconds: i64) -> Self {
        let clock = Self::system();
        clock.set(unix_seconds);
        clock
    }

    /// The time in seconds since 1970, as Stripe writes it.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    /// The time in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let millis = self.0.millis.load(Ordering::Acquire);
        if self.0.running { system_ms() + millis } else { millis }
    }

    /// The time (seconds) that programs beside the simulator live in, for signatures, which they
    /// compare with their own clock: the system's time, however far this clock was moved; this
    /// clock's own when they share it, or when it stands still, as in tests.
    pub fn wall_now(&self) -> i64 {
        if self.0.shared { self.now() } else { system_ms().div_euclid(1000) }
    }

    /// Sets the time, forward or back. Work that falls due in between is not done by this call;
    /// see [`crate::Engine::advance_clock`].
    pub fn set(&self, unix_seconds: i64) {
        self.set_ms(unix_seconds * 1000);
    }

    /// Sets the time in milliseconds, forward or back.
    pub fn set_ms(&self, unix_ms: i64) {
        let value = if self.0.running { unix_ms - system_ms() } else { unix_ms };
        self.0.millis.store(value, Ordering::Release);
    }

    /// Moves forward to `unix_seconds`; an earlier time leaves the clock alone.
    pub fn advance_to(&self, unix_seconds: i64) {
        if unix_seconds * 1000 > self.now_ms() {
            self.set(unix_seconds);
        }
    }

    /// Moves forward by `seconds`.
    pub fn advance_by(&self, seconds: i64) {
        self.0.millis.fetch_add(seconds.max(0) * 1000, Ordering::AcqRel);
    }

    /// Whether the clock runs by itself (true) or stands still between moves (false).
    pub fn is_running(&self) -> bool {
        self.0.running
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::system()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the system's time comes in")]
fn system_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A standing clock moves only when told, and clones see the move.
    #[test]
    fn stands_still_until_moved() {
        let clock = SimClock::fixed(1_000);
        let clone = clock.clone();
        assert_eq!(clone.now(), 1_000);
        clock.advance_to(500);
        assert_eq!(clone.now(), 1_000);
        clock.advance_to(2_000);
        clock.advance_by(5);
        assert_eq!(clone.now(), 2_005);
    }

    /// Shows that signatures keep to the system's time after a move, unless the clock is shared.
    #[test]
    fn signatures_follow_a_move_only_when_shared() {
        let (alone, shared) = (SimClock::system(), SimClock::shared());
        let start = alone.wall_now();
        for clock in [&alone, &shared] {
            clock.advance_by(86_400);
        }
        assert!(alone.wall_now() < start + 80_000);
        assert!(shared.wall_now() >= start + 86_400);
        assert_eq!(SimClock::fixed(7).wall_now(), 7);
    }
}
