//! How often checkouts may be opened: counted per user and per organisation, on this node.

use domain::time::{Span, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// The window in which calls are counted.
const WINDOW: Span = Span::seconds(60);
/// Most checkouts of one user within the window (scenario 38).
const PER_USER: usize = 10;
/// Most checkouts of one organisation within the window: several admins, or a product key.
const PER_ORGANIZATION: usize = 30;
/// Above this many callers, those whose window is empty are forgotten.
const CALLERS: usize = 10_000;

/// Counts calls in a window that slides.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, VecDeque<Timestamp>>>);

impl Pace {
    /// Counts one call of `user` for `organization`, or says how long to wait. A refused call is
    /// not counted, so that waiting as long as told is enough.
    pub(super) fn count(
        &self,
        user: Option<&str>,
        organization: &str,
        now: Timestamp,
    ) -> Result<(), Span> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() > CALLERS {
            calls.retain(|_, times| times.back().is_some_and(|last| now < last.plus(WINDOW)));
        }
        let callers = user.map(|user| (user, PER_USER));
        let callers: Vec<(&str, usize)> =
            callers.into_iter().chain([(organization, PER_ORGANIZATION)]).collect();
        for (caller, most) in &callers {
            let Some(times) = calls.get_mut(*caller) else { continue };
            while times.front().is_some_and(|first| first.plus(WINDOW) <= now) {
                times.pop_front();
            }
            if times.len() >= *most
                && let Some(first) = times.front()
            {
                return Err(first.plus(WINDOW).since(now));
            }
        }
        for (caller, _) in callers {
            calls.entry(caller.to_owned()).or_default().push_back(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// Shows that the eleventh call of a user waits until the first leaves the window, and that
    /// another user of the same organisation is not held back by it (scenario 38).
    #[test]
    fn a_user_has_ten_calls_a_minute() {
        let pace = Pace::default();
        for second in 0..10 {
            assert_eq!(pace.count(Some("usr_1"), "org_1", at(second)), Ok(()));
        }
        assert_eq!(pace.count(Some("usr_1"), "org_1", at(15)), Err(Span::seconds(45)));
        assert_eq!(pace.count(Some("usr_2"), "org_1", at(15)), Ok(()));
        assert_eq!(pace.count(Some("usr_1"), "org_1", at(60)), Ok(()));
        assert_eq!(pace.count(Some("usr_1"), "org_1", at(60)), Err(Span::seconds(1)));
    }

    /// Shows that an organisation has a limit of its own, however many users call.
    #[test]
    fn an_organisation_has_thirty_calls_a_minute() {
        let pace = Pace::default();
        for user in 0..30 {
            assert_eq!(pace.count(Some(&format!("usr_{user}")), "org_1", at(0)), Ok(()));
        }
        assert_eq!(pace.count(Some("usr_31"), "org_1", at(1)), Err(Span::seconds(59)));
        assert_eq!(pace.count(None, "org_1", at(1)), Err(Span::seconds(59)));
        assert_eq!(pace.count(Some("usr_31"), "org_2", at(1)), Ok(()));
    }
}
