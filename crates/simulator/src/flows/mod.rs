//! Owns what happens: payments, invoices, subscriptions, sessions, over time and on request.
//! Never speaks HTTP; gets validated values and a [`crate::state::Tx`].
//! Start at `subscriptions.rs`.
use crate::state::{Due, State};
pub(crate) fn run_due(_state: &mut State, _now: i64, _at: i64, _due: Due) {}
