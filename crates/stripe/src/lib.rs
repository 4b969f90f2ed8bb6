//! Stripe as it is on the wire: signatures, form bodies, events, objects and an HTTP client.
//!
//! It owns every fact about Stripe's formats, of every API version from
//! [`versions::OLDEST_UNDERSTOOD`] on, and keeps values it does not know. It never decides
//! what a fact means for access or money, and it imports no other crate of the workspace.
//! Start reading at [`signature`] for what comes in, and at [`client`] for what goes out.

pub mod signature;

pub mod event;

pub mod objects;

pub mod versions;

pub mod form;

pub mod client;

pub use client::{
    ApiProblem, Client, ClientConfig, ErrorKind, Fetched, IdempotencyKey, ReadAt, StripeError,
};
pub use event::{Event, EventEnvelope, EventError};
pub use form::{FormValue, Params};
pub use objects::{Deleted, Expandable, Kept, List, MaybeDeleted};
pub use signature::{Secret, SignatureError};

/// A moment in Stripe's unit: whole seconds since 1970-01-01T00:00:00Z.
///
/// Several things can happen within one of Stripe's seconds, so equal times say nothing
/// about order.
pub type UnixSeconds = i64;

/// A Stripe id such as `cus_…` or `sub_…`. Opaque: nothing may be read out of its prefix.
pub type StripeId = String;
