//! Time and randomness: the one place that asks the computer for either.

use domain::time::{Clock, Entropy, Timestamp};
use std::sync::Arc;

/// Time and randomness, which are handed in so that tests can hold them.
#[derive(Clone, Debug)]
pub struct World {
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
}

impl World {
    /// The computer's own clock and the operating system's randomness.
    #[must_use]
    pub fn real() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness no secret is safe; there is nothing sensible left to do.
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}
