//! Owns Stripe's protocol: keys, forms, parameter checks, idempotency, lists, expand, versions.
//! Never knows what a request does; that is `api`.
//! Start at `dispatch.rs`.

mod error;

pub use error::ApiError;
pub(crate) fn router(_engine: crate::engine::Engine) -> axum::Router { axum::Router::new() }
pub(crate) fn render_event(_state: &crate::state::State, _event: &crate::state::EventRecord, _version: Option<&str>) -> serde_json::Value { serde_json::Value::Null }
