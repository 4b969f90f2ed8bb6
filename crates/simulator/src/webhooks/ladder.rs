//! When a failed delivery is tried again.
//!
//! Stripe says only that live deliveries are retried "for up to three days with exponential
//! back-off" and publishes no table, so this one is ours: deterministic, and dense at the start so
//! that an application that restarts during a demonstration is reached again within seconds.

/// Seconds between one failed attempt and the next: 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h,
/// 24 h, 24 h. Eleven attempts in all, the last about 70 hours after the first.
pub const LADDER_SECONDS: [i64; 10] =
    [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400];

/// The moment (unix seconds) of the next attempt after `failures` failed ones, the last at
/// `failed_at`; `None` when the ladder is exhausted.
#[must_use]
pub fn next_attempt(failures: usize, failed_at: i64) -> Option<i64> {
    let rung = failures.checked_sub(1)?;
    LADDER_SECONDS.get(rung).map(|wait| failed_at + wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that the ladder only climbs, ends, and stays within Stripe's three days.
    #[test]
    fn climbs_and_ends_within_three_days() {
        assert_eq!(next_attempt(0, 100), None, "nothing failed, nothing to retry");
        assert_eq!(next_attempt(1, 100), Some(105));
        assert_eq!(next_attempt(LADDER_SECONDS.len() + 1, 100), None);
        assert!(LADDER_SECONDS.windows(2).all(|pair| pair[0] <= pair[1]));
        let whole: i64 = LADDER_SECONDS.iter().sum();
        assert!(whole <= 3 * 86_400 && whole > 2 * 86_400, "{whole}");
    }
}
