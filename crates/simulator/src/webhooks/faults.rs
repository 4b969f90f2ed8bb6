//! Faults on demand: what to do wrong with a first attempt, decided from a seed.
//!
//! The decision depends on the seed, the event's place in the log and the endpoint alone, never on
//! timing, so the same seed and the same history spoil the same deliveries on every run.

use serde::{Deserialize, Serialize};

/// How unreliable delivery is. Rates are shares from 0 (never) to 1 (always).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Share of deliveries that are lost for good: no attempt is ever made.
    pub drop: f64,
    /// Share of deliveries that are sent a second time although the first was acknowledged.
    pub duplicate: f64,
    /// Share of deliveries held back until a later event was sent to the same endpoint (or, when
    /// none follows, for `delay_seconds`).
    pub reorder: f64,
    /// Share of deliveries whose first attempt waits `delay_seconds` of simulator time.
    pub delay: f64,
    /// How long a delayed or reordered delivery waits, in seconds of simulator time.
    pub delay_seconds: i64,
    /// Chooses which deliveries are spoiled.
    pub seed: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self { drop: 0.0, duplicate: 0.0, reorder: 0.0, delay: 0.0, delay_seconds: 60, seed: 1 }
    }
}

/// What happens to one delivery before its first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Sent at once.
    None,
    /// Never sent.
    Drop,
    /// Sent twice.
    Duplicate,
    /// Overtaken by a later one.
    Reorder,
    /// Sent later.
    Delay,
}

impl Faults {
    /// Checks the ranges; the error is a sentence for the caller.
    ///
    /// # Errors
    /// When a rate is outside 0..=1 or the delay is negative or longer than a week.
    pub fn check(&self) -> Result<(), String> {
        for (name, rate) in [
            ("drop", self.drop),
            ("duplicate", self.duplicate),
            ("reorder", self.reorder),
            ("delay", self.delay),
        ] {
            if !(0.0..=1.0).contains(&rate) {
                return Err(format!("`{name}` must be a share from 0 to 1, not {rate}"));
            }
        }
        if !(0..=604_800).contains(&self.delay_seconds) {
            return Err("`delay_seconds` must be from 0 to 604800 (a week)".to_owned());
        }
        Ok(())
    }

    /// Decides the fate of the delivery of the event number `sequence` to `endpoint`.
    pub(crate) fn spoil(&self, sequence: u64, endpoint: &str) -> Spoil {
        let rates = [
            (self.drop, Spoil::Drop, 1),
            (self.duplicate, Spoil::Duplicate, 2),
            (self.reorder, Spoil::Reorder, 3),
            (self.delay, Spoil::Delay, 4),
        ];
        for (rate, spoil, salt) in rates {
            if rate > 0.0 && draw(self.seed, sequence, endpoint, salt) < rate {
                return spoil;
            }
        }
        Spoil::None
    }
}

/// A number in 0..1 that looks random and depends on the arguments alone (splitmix64 over an
/// FNV-1a hash).
fn draw(seed: u64, sequence: u64, endpoint: &str, salt: u64) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.rotate_left(17) ^ salt;
    for byte in endpoint.bytes().chain(sequence.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    f64::from(u32::try_from(hash >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that a rate of a tenth spoils about a tenth, the same ones each time, and others
    /// under another seed.
    #[test]
    fn spoils_the_share_asked_for_and_repeats_itself() {
        let faults = Faults { drop: 0.1, seed: 7, ..Faults::default() };
        let spoiled = |f: &Faults| -> Vec<u64> {
            (0..2_000).filter(|n| f.spoil(*n, "we_1") == Spoil::Drop).collect()
        };
        let first = spoiled(&faults);
        assert!((150..=250).contains(&first.len()), "{}", first.len());
        assert_eq!(first, spoiled(&faults));
        assert_ne!(first, spoiled(&Faults { seed: 8, ..faults }));
    }

    /// Shows that no fault is the default, that certainty is possible, and that nonsense is refused.
    #[test]
    fn extremes() {
        assert_eq!(Faults::default().spoil(3, "we_1"), Spoil::None);
        let always = Faults { duplicate: 1.0, ..Faults::default() };
        assert!((0..100).all(|n| always.spoil(n, "we_1") == Spoil::Duplicate));
        assert!(Faults { drop: 1.5, ..Faults::default() }.check().is_err());
        assert!(Faults { delay_seconds: -1, ..Faults::default() }.check().is_err());
        assert!(Faults::default().check().is_ok());
    }
}
