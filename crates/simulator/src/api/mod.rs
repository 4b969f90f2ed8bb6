//! Owns one function per route. Start at `routes.rs`.
pub(crate) mod webhook_endpoints { pub(crate) fn endpoints(_s: &crate::state::State) -> Vec<crate::engine::Endpoint> { Vec::new() } }
