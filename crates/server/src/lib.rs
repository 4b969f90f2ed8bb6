//! The server: everything between the product and Stripe.
//!
//! Rooms are declared in the order in which data flows through them: an event comes into the
//! inbox, is applied to the mirror, and changes an entitlement; billing makes what Stripe sends
//! events about. Rooms speak through public functions, and only `http` knows HTTP.

pub mod app;
pub mod apply;
pub mod billing;
pub mod cli;
pub mod config;
pub mod entitlements;
pub mod http;
pub mod identity;
pub mod inbox;
pub mod observe;
pub mod schedule;
pub mod usage;
