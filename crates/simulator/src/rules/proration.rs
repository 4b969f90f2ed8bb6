//! Proration as recorded from Stripe: the whole old configuration is credited, the whole new one
//! debited, each line by the exact fraction of the period that is left, each rounded down by
//! itself (−2.5 → −3, +4.5 → +4), and only then summed.

/// The part of `amount` (negative for a credit) that falls on the rest of the period, rounded
/// towards minus infinity. Times in seconds; a period without length gives 0.
pub(crate) fn share(amount: i64, period: (i64, i64), date: i64) -> i64 {
    let (start, end) = period;
    let length = i128::from(end - start);
    if length <= 0 {
        return 0;
    }
    let left = i128::from((end - date).clamp(0, end - start));
    i64::try_from((i128::from(amount) * left).div_euclid(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::share;

    /// Each case: amount, seconds of the period, seconds gone, the share that is left.
    #[test]
    fn floors_each_line() {
        let cases = [
            // The recorded halves: a credit rounds away from zero, a debit towards it.
            (-5, 2, 1, -3),
            (9, 2, 1, 4),
            // Nothing gone, all gone.
            (9_900, 2_592_000, 0, 9_900),
            (-9_900, 2_592_000, 2_592_000, 0),
            // Half of a month of 28, 29, 30, 31 days at 99.00.
            (9_900, 28 * 86_400, 14 * 86_400, 4_950),
            (9_900, 29 * 86_400, 14 * 86_400, 5_120),
            (9_900, 30 * 86_400, 10 * 86_400, 6_600),
            (9_900, 31 * 86_400, 10 * 86_400, 6_706),
            (-9_900, 31 * 86_400, 10 * 86_400, -6_707),
            // Upgrade 99 → 499 after 10 of 30 days: −66.00 and +332.66.
            (49_900, 30 * 86_400, 10 * 86_400, 33_266),
            (-49_900, 30 * 86_400, 10 * 86_400, -33_267),
            // One second into the month.
            (9_900, 2_592_000, 1, 9_899),
            (-9_900, 2_592_000, 1, -9_900),
            // Zero-decimal currency, three seats of 1,000 yen, a third of the month left.
            (3_000, 30 * 86_400, 20 * 86_400, 1_000),
            (-1_000, 30 * 86_400, 20 * 86_400, -334),
            (1_000, 30 * 86_400, 20 * 86_400, 333),
            // A year, 73 days gone.
            (99_000, 365 * 86_400, 73 * 86_400, 79_200),
            // Free.
            (0, 30 * 86_400, 20 * 86_400, 0),
        ];
        for (amount, length, gone, left) in cases {
            let start = 1_700_000_000;
            let found = share(amount, (start, start + length), start + gone);
            assert_eq!(found, left, "{amount} over {length} s, {gone} s gone");
        }
    }

    /// A date outside of the period counts as its nearer end, and no length is no share.
    #[test]
    fn stays_within_the_period() {
        assert_eq!(share(100, (10, 20), 5), 100);
        assert_eq!(share(100, (10, 20), 25), 0);
        assert_eq!(share(100, (10, 10), 10), 0);
    }
}
