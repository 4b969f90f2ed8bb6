//! The server: everything between the product and Stripe.
//!
//! Rooms are declared in the order in which data flows through them: an event comes into the
//! inbox, is applied to the mirror, and changes an entitlement; billing makes what Stripe sends
//! events about. Rooms speak through public functions, and only `http` knows HTTP.

pub mod world;
pub mod app;
pub mod config;
pub mod inbox;
pub mod apply;
pub mod entitlements;
pub mod usage;
pub mod billing;
pub mod identity;
pub mod schedule;
pub mod http;
pub mod cli;
pub mod observe;
