//! Billing periods: months counted from an anchor, so that the 31st comes back after February.

const DAY: i64 = 86_400;

/// How often a price is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cadence {
    pub(crate) unit: Unit,
    /// Every how many units; at least 1.
    pub(crate) count: i64,
}

/// The unit of a cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Cadence {
    /// Reads Stripe's words; an unknown unit is a month.
    pub(crate) fn new(interval: &str, count: i64) -> Self {
        let unit = match interval {
            "day" => Unit::Day,
            "week" => Unit::Week,
            "year" => Unit::Year,
            _ => Unit::Month,
        };
        Self { unit, count: count.max(1) }
    }

    /// The moment `periods` periods after `anchor`.
    pub(crate) fn after(self, anchor: i64, periods: i64) -> i64 {
        let units = self.count * periods;
        match self.unit {
            Unit::Day => anchor + units * DAY,
            Unit::Week => anchor + units * 7 * DAY,
            Unit::Month => add_months(anchor, units),
            Unit::Year => add_months(anchor, units * 12),
        }
    }

    /// The first boundary after `moment`, counted from `anchor`.
    pub(crate) fn next_boundary(self, anchor: i64, moment: i64) -> i64 {
        let longest = match self.unit {
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
            Unit::Month => 31 * DAY,
            Unit::Year => 366 * DAY,
        } * self.count;
        // An estimate that is never past the answer, then at most a few steps.
        let mut periods = (moment - anchor).div_euclid(longest);
        while self.after(anchor, periods) <= moment {
            periods += 1;
        }
        while self.after(anchor, periods - 1) > moment {
            periods -= 1;
        }
        self.after(anchor, periods)
    }
}

/// Adds months to a moment; a day that the month does not have becomes its last one.
pub(crate) fn add_months(moment: i64, months: i64) -> i64 {
    let (days, seconds) = (moment.div_euclid(DAY), moment.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let index = year * 12 + (month - 1) + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    days_from_civil(year, month, day.min(month_length(year, month))) * DAY + seconds
}

/// "11 Oct 2026", as it stands in proration descriptions.
pub(crate) fn day_in_words(moment: i64) -> String {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil(moment.div_euclid(DAY));
    let name = usize::try_from(month - 1).ok().and_then(|at| NAMES.get(at)).unwrap_or(&"");
    format!("{day} {name} {year}")
}

/// The last second of the day that lies `days` after `moment`, in UTC.
pub(crate) fn end_of_day_after(moment: i64, days: i64) -> i64 {
    (moment.div_euclid(DAY) + days + 1) * DAY - 1
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of a day number (days since 1970), proleptic Gregorian.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let doy = (153 * shifted + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> i64 {
        format!("{text}Z").parse::<jiff::Timestamp>().unwrap().as_second()
    }

    /// Boundaries follow the anchor's day, clipped to the month and back again.
    #[test]
    fn boundaries_follow_the_anchor() {
        let check = |anchor: &str, unit: &str, count: i64, moment: &str, next: &str| {
            let cadence = Cadence::new(unit, count);
            let found = cadence.next_boundary(at(anchor), at(moment));
            assert_eq!(found, at(next), "{unit} {count} from {anchor} after {moment}");
        };
        let jan31 = "2027-01-31T10:00:00";
        check(jan31, "month", 1, jan31, "2027-02-28T10:00:00");
        check(jan31, "month", 1, "2027-02-28T10:00:00", "2027-03-31T10:00:00");
        check(jan31, "month", 1, "2028-01-31T10:00:00", "2028-02-29T10:00:00");
        check(jan31, "month", 3, jan31, "2027-04-30T10:00:00");
        check(jan31, "year", 1, "2027-02-01T00:00:00", "2028-01-31T10:00:00");
        check("2028-02-29T00:00:00", "year", 1, "2028-03-01T00:00:00", "2029-02-28T00:00:00");
        check("2028-02-29T00:00:00", "year", 1, "2031-03-01T00:00:00", "2032-02-29T00:00:00");
        check(jan31, "week", 2, jan31, "2027-02-14T10:00:00");
        check(jan31, "day", 1, "2027-03-01T09:59:59", "2027-03-01T10:00:00");
    }

    /// Days are written as in Stripe's descriptions.
    #[test]
    fn writes_days() {
        assert_eq!(day_in_words(at("2026-10-11T23:59:59")), "11 Oct 2026");
        assert_eq!(end_of_day_after(at("2026-10-11T12:00:00"), 8), at("2026-10-19T23:59:59"));
    }
}
