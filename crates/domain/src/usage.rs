//! Usage arithmetic: what a limit admits, when a threshold is crossed, where a pace leads.

use crate::catalogue::{Catalogue, FeatureId, FeatureKind, Limit};
use crate::entitlement::Entitlement;
use crate::period::Period;
use crate::time::Timestamp;

/// An operator's decision that one organisation has another limit for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitOverride {
    /// The feature.
    pub feature: FeatureId,
    /// The limit instead of the plan's.
    pub limit: Limit,
    /// Why, in the operator's words.
    pub reason: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What an organisation may use of one feature now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// What kind of feature it is.
    pub kind: FeatureKind,
    /// How much.
    pub limit: Limit,
    /// Within which period, for a metered feature; a level has none.
    pub period: Option<Period>,
}

/// What has been used of a feature and is held in reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Counted.
    pub used: i64,
    /// Held by reservations that are neither confirmed nor released.
    pub reserved: i64,
}

/// Why a quantity is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It would pass the limit.
    LimitReached,
    /// The plan does not have the feature.
    Disabled,
}

/// The allowance that follows from an entitlement and the operator's overrides; none for a feature
/// the catalogue does not have.
#[must_use]
pub fn allowance(
    entitlement: &Entitlement,
    overrides: &[LimitOverride],
    catalogue: &Catalogue,
    feature: &FeatureId,
    now: Timestamp,
) -> Option<Allowance> {
    let known = catalogue.feature(feature)?;
    let plan = catalogue.plan(&entitlement.plan).unwrap_or_else(|| catalogue.free_plan());
    let limit = overrides
        .iter()
        .find(|one| one.feature == *feature && now < one.expires_at)
        .map_or_else(|| plan.limit(feature), |one| one.limit);
    let period = (known.kind == FeatureKind::Metered).then_some(entitlement.period);
    Some(Allowance { kind: known.kind, limit, period })
}

impl Limit {
    /// Whether `quantity` more may be used. A quantity of zero asks whether anything is allowed
    /// at all; an amount too large to add is past any limit but no limit at all.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn admit(self, counter: Counter, quantity: i64) -> Result<(), Refusal> {
        match self {
            Self::Disabled => Err(Refusal::Disabled),
            Self::Unlimited => Ok(()),
            Self::Number(limit) => {
                let total = counter
                    .used
                    .checked_add(counter.reserved)
                    .and_then(|held| held.checked_add(quantity));
                match total {
                    Some(total) if total <= limit => Ok(()),
                    _ => Err(Refusal::LimitReached),
                }
            }
        }
    }

    /// How much is left; none when there is no bound. Never negative.
    #[must_use]
    pub fn remaining(self, counter: Counter) -> Option<i64> {
        match self {
            Self::Unlimited => None,
            Self::Disabled => Some(0),
            Self::Number(limit) => {
                let held = counter.used.saturating_add(counter.reserved);
                Some(limit.saturating_sub(held).max(0))
            }
        }
    }
}

/// The shares of a limit at which people are told, in percent.
pub const THRESHOLDS: [u32; 4] = [50, 80, 90, 100];

/// The thresholds that a count has reached beyond the highest one told, lowest first: a jump over
/// several reaches each of them. It does not matter how the count came about, so that a confirmed
/// reservation or a lowered limit is told like any other use.
#[must_use]
pub fn reached_beyond(limit: Limit, told: u32, used: i64) -> Vec<u32> {
    let Limit::Number(limit) = limit else { return Vec::new() };
    if limit <= 0 {
        return Vec::new();
    }
    let is_reached = |percent: u32| {
        // 128 bits, so that a limit in bytes does not overflow when multiplied.
        i128::from(used).saturating_mul(100)
            >= i128::from(limit).saturating_mul(i128::from(percent))
    };
    THRESHOLDS.into_iter().filter(|percent| *percent > told && is_reached(*percent)).collect()
}

/// The highest threshold that a count has reached; zero for none.
#[must_use]
pub fn highest_reached(limit: Limit, used: i64) -> u32 {
    reached_beyond(limit, 0, used).last().copied().unwrap_or(0)
}

/// When the limit is reached at the average pace of the period so far; none when it is not reached
/// within the period, has been reached already, or the period has just begun (its first tenth says
/// little about the rest).
#[must_use]
pub fn forecast(limit: Limit, used: i64, period: Period, now: Timestamp) -> Option<Timestamp> {
    let Limit::Number(limit) = limit else { return None };
    let elapsed = i128::from(now.since(period.start).as_millis());
    let whole = i128::from(period.end.since(period.start).as_millis());
    if used <= 0 || used >= limit || elapsed.saturating_mul(10) < whole {
        return None;
    }
    let needed = elapsed.checked_mul(i128::from(limit))?.checked_div(i128::from(used))?;
    if needed >= whole {
        return None;
    }
    let millis = i64::try_from(needed).ok()?;
    Some(Timestamp::from_millis(period.start.as_millis().saturating_add(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counter(used: i64, reserved: i64) -> Counter {
        Counter { used, reserved }
    }

    /// Shows what each kind of limit admits (scenario 28): 0 is 0, disabled refuses, unlimited
    /// never does.
    #[test]
    fn limits_admit_what_they_say() {
        use Limit::{Disabled, Number, Unlimited};
        use Refusal::{Disabled as Off, LimitReached};
        let table = [
            (Number(100), counter(99, 0), 1, Ok(())),
            (Number(100), counter(99, 1), 1, Err(LimitReached)),
            (Number(100), counter(100, 0), 0, Ok(())),
            (Number(100), counter(120, 0), 0, Err(LimitReached)),
            (Number(0), counter(0, 0), 1, Err(LimitReached)),
            (Number(i64::MAX), counter(i64::MAX, 0), 1, Err(LimitReached)),
            (Disabled, counter(0, 0), 0, Err(Off)),
            (Unlimited, counter(i64::MAX, 0), i64::MAX, Ok(())),
        ];
        for (limit, held, quantity, expected) in table {
            assert_eq!(limit.admit(held, quantity), expected, "{limit:?} {held:?} {quantity}");
        }
    }

    /// Shows that a jump reaches each threshold on its way, in order, and none that was told
    /// before (scenario 30).
    #[test]
    fn a_jump_reaches_each_threshold_in_order() {
        let limit = Limit::Number(100);
        assert!(reached_beyond(limit, 0, 40).is_empty());
        assert_eq!(reached_beyond(limit, 0, 65), [50]);
        assert_eq!(reached_beyond(limit, 50, 120), [80, 90, 100]);
        assert!(reached_beyond(limit, 100, 123).is_empty());
        assert_eq!(reached_beyond(limit, 0, 50), [50]);
        assert!(reached_beyond(Limit::Unlimited, 0, i64::MAX).is_empty());
        assert!(reached_beyond(Limit::Number(0), 0, 5).is_empty());
        assert_eq!(reached_beyond(Limit::Number(i64::MAX), 0, i64::MAX), THRESHOLDS);
        assert_eq!(highest_reached(limit, 85), 80);
        assert_eq!(highest_reached(limit, 49), 0);
    }

    /// Shows where a steady pace leads.
    #[test]
    fn a_pace_is_carried_forward() {
        let period =
            Period { start: Timestamp::from_seconds(0), end: Timestamp::from_seconds(1_000) };
        let at = |second| Timestamp::from_seconds(second);
        let limit = Limit::Number(100);
        assert_eq!(forecast(limit, 50, period, at(250)), Some(at(500)));
        assert_eq!(forecast(limit, 20, period, at(500)), None, "not within the period");
        assert_eq!(forecast(limit, 50, period, at(50)), None, "too early to tell");
        assert_eq!(forecast(limit, 100, period, at(500)), None, "reached already");
    }

    proptest! {
        /// Shows that what is admitted never passes the limit, in whatever pieces it comes.
        #[test]
        fn pieces_never_pass_the_limit(
            limit in 0_i64..1_000,
            pieces in prop::collection::vec(0_i64..200, 0..50),
        ) {
            let mut held = Counter::default();
            for piece in pieces {
                if Limit::Number(limit).admit(held, piece).is_ok() {
                    held.used += piece;
                }
                prop_assert!(held.used <= limit);
            }
        }

        /// Shows that thresholds do not depend on how the usage was cut into calls.
        #[test]
        fn thresholds_add_up(a in 0_i64..300, b in 0_i64..300) {
            let limit = Limit::Number(200);
            let mut in_two = reached_beyond(limit, 0, a.min(b));
            in_two.extend(reached_beyond(limit, highest_reached(limit, a.min(b)), a.max(b)));
            prop_assert_eq!(in_two, reached_beyond(limit, 0, a.max(b)));
        }
    }
}
