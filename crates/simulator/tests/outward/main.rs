//! The simulator as browsers and webhook receivers see it, all through HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

mod checkout;
mod control;
mod house;
mod invoices;
mod portal;
mod program;
mod webhooks;
