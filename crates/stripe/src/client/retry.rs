//! When a request is sent again, and how long to wait before.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use reqwest::{StatusCode, header::HeaderMap};

use super::error::{ErrorKind, StripeError};

/// Stripe's `Retry-After` is obeyed up to here; a longer one is left to the caller's queue.
const LONGEST_ADVISED_WAIT: Duration = Duration::from_secs(60);

/// How often and how patiently a request is repeated: the n-th wait is drawn evenly from zero
/// to `base_delay · 2ⁿ⁻¹`, at most `max_delay` ("full jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most repetitions after the first attempt.
    pub max_retries: u32,
    /// Upper bound of the first wait.
    pub base_delay: Duration,
    /// Upper bound of every wait.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
        }
    }
}

impl RetryPolicy {
    /// No repetitions.
    #[must_use]
    pub fn never() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// How long to wait after `attempts` failed attempts; `None` when enough were made.
    pub(super) fn wait(
        &self,
        attempts: u32,
        at_least: Duration,
        random_unit: f64,
    ) -> Option<Duration> {
        if attempts > self.max_retries {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(20);
        let bound = self.base_delay.saturating_mul(1 << doublings).min(self.max_delay);
        Some(bound.mul_f64(random_unit.clamp(0.0, 1.0)).max(at_least))
    }
}

/// What the client takes from its surroundings: time that only goes forward, chance, and
/// waiting.
pub trait Timing: Send + Sync {
    /// Time since some fixed moment.
    fn monotonic(&self) -> Duration;

    /// A number from 0 up to 1.
    fn random_unit(&self) -> f64;

    /// Waits.
    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The runtime's clock and the system's randomness.
pub struct SystemTiming {
    start: tokio::time::Instant,
}

impl SystemTiming {
    /// Starts counting now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Default for SystemTiming {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemTiming")
    }
}

impl Timing for SystemTiming {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn random_unit(&self) -> f64 {
        // Without randomness the longest wait is the considerate one.
        getrandom::u32().map_or(1.0, |drawn| f64::from(drawn) / f64::from(u32::MAX))
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// Whether a failed attempt may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Repeating changes nothing.
    Final,
    /// Repeating may help, after at least this time.
    Retry { at_least: Duration },
}

impl Verdict {
    /// For an attempt without an answer. All our requests can be repeated safely: reads,
    /// deletions, and writes with a key.
    pub(super) fn for_lost(error: &StripeError) -> Self {
        match error.kind() {
            ErrorKind::Connection | ErrorKind::Timeout => Self::Retry { at_least: Duration::ZERO },
            _ => Self::Final,
        }
    }

    /// For an answer that is no success. Stripe's own word goes before the status.
    pub(super) fn for_answer(status: StatusCode, headers: &HeaderMap) -> Self {
        let retry = match headers.get("stripe-should-retry").map(|value| value.as_bytes()) {
            Some(b"true") => true,
            Some(b"false") => false,
            _ => {
                status == StatusCode::CONFLICT
                    || status == StatusCode::TOO_MANY_REQUESTS
                    || status.is_server_error()
            }
        };
        if !retry {
            return Self::Final;
        }
        let advised = headers
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        match advised {
            Some(wait) if wait > LONGEST_ADVISED_WAIT => Self::Final,
            Some(wait) => Self::Retry { at_least: wait },
            None => Self::Retry { at_least: Duration::ZERO },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that waits double up to their bound, follow the lot, and end.
    #[test]
    fn waits_grow_and_end() {
        let policy = RetryPolicy {
            max_retries: 4,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(3),
        };
        let waits: Vec<_> = (1..=5).map(|n| policy.wait(n, Duration::ZERO, 1.0)).collect();
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(waits, [ms(500), ms(1000), ms(2000), ms(3000), None]);
        assert_eq!(policy.wait(2, Duration::ZERO, 0.5), ms(500));
        assert_eq!(policy.wait(2, Duration::ZERO, 0.0), ms(0));
        assert_eq!(policy.wait(1, Duration::from_secs(7), 0.3), ms(7000));
        assert_eq!(RetryPolicy::never().wait(1, Duration::ZERO, 0.5), None);
    }
}
