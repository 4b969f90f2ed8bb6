//! Owns one function per route: which object, which checks, which flow.
//! Never computes money or time itself; that is `flows` and `rules`.
//! Start at `routes.rs`, every route on one page.

pub(crate) mod account;
pub(crate) mod billing_portal;
pub(crate) mod checkout;
pub(crate) mod customers;
pub(crate) mod events;
pub(crate) mod invoices;
pub(crate) mod payment_intents;
pub(crate) mod payment_methods;
pub(crate) mod payments;
pub(crate) mod prices;
pub(crate) mod products;
pub(crate) mod risk;
pub(crate) mod routes;
pub(crate) mod schedules;
pub(crate) mod setup_intents;
pub(crate) mod subscriptions;
pub(crate) mod test_clocks;
pub(crate) mod webhook_endpoints;

use serde_json::Value;

use crate::protocol::ApiError;

/// What a route's function gives back.
pub(crate) type Reply = Result<Value, ApiError>;
