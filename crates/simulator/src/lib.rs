//! A stateful Stripe account behind Stripe's own HTTP surface, offline and with a movable clock.
//!
//! Owns the API (`api`, `protocol`), the pages (`pages`), signed webhooks (`webhooks`) and the
//! state behind them (`state`, `flows`, `rules`). Never learns Billhook's database: only the
//! `stripe` crate's form encoding and signatures are shared. Start reading at [`Simulator`], then
//! `engine` and `flows`.

#![recursion_limit = "512"] // `json!` descends once for each key of an object

mod api;
pub mod clock;
mod engine;
mod flows;
mod pages;
mod protocol;
mod rules;
mod server;
mod state;
pub mod webhooks;

#[cfg(test)]
mod tests;

pub use clock::SimClock;
pub use engine::{Challenge, ConfirmOutcome, Endpoint, Engine, PlanSwitch};
pub use protocol::{ApiError, ErrorKind};
pub use server::{RunningSimulator, Simulator, SimulatorConfig};
pub use state::{AfterRetries, CardInput, EventRecord, Kind, Policy};
