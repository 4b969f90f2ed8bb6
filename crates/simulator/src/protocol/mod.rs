//! Owns Stripe's protocol: keys, forms, parameter checks, idempotency, lists, expand, versions.
//! Never knows what a request does; that is `api`.
//! Start at `dispatch.rs`.

mod auth;
mod dispatch;
mod error;
mod expand;
mod idempotency;
pub(crate) mod list;
mod params;
pub(crate) mod search;
mod version;

pub(crate) use dispatch::router;
pub use error::{ApiError, ErrorKind};
#[cfg(test)]
pub(crate) use params::is_declared;
pub(crate) use version::render_event;
