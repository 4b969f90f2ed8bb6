//! The passing of time: runs what has fallen due, in order, at its own moment.

use crate::state::{SIMULATOR, State};

/// Runs everything due on the simulator's clock up to `now`.
pub(crate) fn catch_up(state: &mut State, now: i64) {
    while let Some((at, due)) = state.due.pop(SIMULATOR, now) {
        crate::flows::run_due(state, at, at, due);
    }
}

/// Runs what requests left to be done after their answers, then whatever that made due.
pub(crate) fn after_response(state: &mut State, now: i64) {
    while !state.after_response.is_empty() {
        for due in std::mem::take(&mut state.after_response) {
            crate::flows::run_due(state, now, now, due);
        }
    }
}
