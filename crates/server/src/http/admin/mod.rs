//! `/api/v1/admin`: for operators of the installation.

pub(super) mod deliveries;
pub(super) mod keys;
pub(super) mod limits;
pub(super) mod organizations;
pub(super) mod summary;
pub(super) mod surplus;
pub(super) mod webhooks;
