//! Months anchored at a moment: the period of a metered feature.

use crate::time::Timestamp;
use jiff::{ToSpan, tz::TimeZone};

/// A half-open span of time `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment that belongs to it.
    pub start: Timestamp,
    /// The first moment that no longer does.
    pub end: Timestamp,
}

/// The month, counted from `anchor`, that holds `now`.
///
/// Months keep the anchor's day where they have it and end on their last day where they do not:
/// 31 January, 28 or 29 February, 31 March. Each boundary is counted from the anchor itself, so
/// a short month does not shift the later ones. Before the anchor the first month is given.
#[must_use]
pub fn month_of(anchor: Timestamp, now: Timestamp) -> Period {
    let boundary = |n: i32| -> Timestamp {
        jiff::Timestamp::from_millisecond(anchor.as_millis())
            .map(|t| t.to_zoned(TimeZone::UTC))
            .and_then(|z| z.checked_add(n.months()))
            .map_or(Timestamp::from_millis(i64::MAX), |z| {
                Timestamp::from_millis(z.timestamp().as_millisecond())
            })
    };
    // An estimate from below (no month is longer than 31 days), then at most a few steps up.
    let elapsed_days = now.since(anchor).as_millis().div_euclid(86_400_000);
    let mut n = i32::try_from(elapsed_days.div_euclid(31)).unwrap_or(i32::MAX.saturating_sub(1));
    let mut start = boundary(n);
    loop {
        let end = boundary(n.saturating_add(1));
        if now < end || end <= start {
            return Period { start, end };
        }
        n = n.saturating_add(1);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    /// Shows the clamping at short months, and that it does not accumulate.
    #[test]
    fn months_end_on_the_anchor_day_or_the_last() {
        let anchor = t("2027-01-31T10:00:00Z");
        let table = [
            ("2027-01-31T10:00:00Z", "2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            ("2027-02-28T09:59:59Z", "2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            ("2027-02-28T10:00:00Z", "2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z"),
            ("2028-02-29T10:00:00Z", "2028-02-29T10:00:00Z", "2028-03-31T10:00:00Z"),
            ("2026-12-01T00:00:00Z", "2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"),
        ];
        for (now, start, end) in table {
            assert_eq!(month_of(anchor, t(now)), Period { start: t(start), end: t(end) }, "{now}");
        }
    }

    proptest! {
        /// Shows that periods tile time: each moment after the anchor is in exactly one, and the
        /// end of one is the start of the next.
        #[test]
        fn periods_tile(anchor in 0_i64..4_000_000_000_000, ahead in 0_i64..400_000_000_000) {
            let anchor = Timestamp::from_millis(anchor);
            let now = Timestamp::from_millis(anchor.as_millis() + ahead);
            let period = month_of(anchor, now);
            prop_assert!(period.start <= now && now < period.end);
            prop_assert_eq!(month_of(anchor, period.end).start, period.end);
        }
    }
}
