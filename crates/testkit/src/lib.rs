//! The harness of all tests through the HTTP surface: a running server with the simulator as its
//! Stripe, a clock in the test's hand, and a database of its own.
//!
//! It owns how a test is set up, driven and put away. It never decides what is right; the tests
//! in `crates/server/tests` do. Start with [`TestApp`], then [`scenario!`].

mod app;
pub mod cards;
mod database;
mod gate;
mod scenario;
mod session;
mod shop;
mod world;

pub use app::{Builder, Node, TestApp};
pub use database::{Database, Scratch};
pub use gate::{Gate, Weather};
pub use scenario::{run, run_pair, run_with};
pub use session::{Response, Session};
pub use world::{START, SeededEntropy, SharedClock};

pub use domain::time::Span;
pub use serde_json::{Value, json};
