//! The server through its HTTP surface, by capability: the simulator is its Stripe, the clock is
//! in the test's hand, and each test has a database of its own. Tests of an acceptance scenario
//! carry its number.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot be had is a failure")]

mod billing_at_stripe;
mod mirror;

mod accounts;
mod billing_changes;
mod billing_checkout;
mod billing_intents;
mod billing_surplus;
mod commands;
mod convergence;
mod frame;
mod portal;
mod subscription_status;
mod usage_alerts;
mod usage_keys;
mod usage_limits;
mod usage_reservations;
mod webhook_route;
mod webhooks_pause;
mod webhooks_repeated;
mod webhooks_shapes;
mod webhooks_trouble;
