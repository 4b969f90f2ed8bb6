//! Owns arithmetic: billing periods, proration, amounts in words.
//! Never touches state and never asks for the time.
//! Start at `proration.rs`; `calendar.rs` knows the months.

pub(crate) mod calendar;
pub(crate) mod money;
pub(crate) mod proration;
