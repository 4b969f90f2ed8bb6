//! `/api/v1` for browsers and products: one file for each group of routes.

pub(super) mod announcements;
pub(super) mod auth;
pub(super) mod billing;
pub(super) mod entitlements;
pub(super) mod keys;
pub(super) mod organization;
pub(super) mod plans;
pub(super) mod usage;
pub(super) mod usage_shown;
