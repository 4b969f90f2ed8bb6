//! Time and randomness in the test's hand.

use domain::time::{Clock, Entropy, Timestamp};
use simulator::SimClock;
use std::sync::atomic::{AtomicU64, Ordering};

/// When every test begins: 2026-09-01T10:00:00Z, in seconds.
pub const START: i64 = 1_788_256_800;

/// The simulator's clock as the server sees it: both live in one time.
#[derive(Debug, Clone)]
pub struct SharedClock(pub SimClock);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now_ms())
    }
}

/// Bytes that repeat under the same seed (splitmix64). No secret of a test is worth more.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// Starts at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let mut word =
                self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(1);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
    }
}
