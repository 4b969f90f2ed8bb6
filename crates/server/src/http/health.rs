//! Whether the process lives, and whether it can serve.

use super::views::{CountsView, lag_ms};
use crate::app::App;
use axum::Json;
use axum::http::StatusCode;
use domain::time::Span;
use serde::Serialize;
use utoipa::ToSchema;

/// A worker that has not gone round for so long is not working.
const HEARTBEAT_LASTS: Span = Span::minutes(2);

/// The process runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Liveness {
    /// `ok`.
    status: &'static str,
}

/// Whether the process can serve, and why not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// The database can be read and written.
    database: bool,
    /// The schema is exactly this program's.
    migrations: bool,
    /// The worker of this process goes round; none when this process has no worker.
    #[schema(required)]
    worker: Option<bool>,
    /// Deliveries by state; none while the database cannot be read.
    #[schema(required)]
    deliveries: Option<CountsView>,
    /// For how long the oldest unfinished delivery has been waiting, in milliseconds.
    #[schema(required)]
    lag_ms: Option<i64>,
}

/// Says that the process runs.
#[utoipa::path(
    get, path = "/livez", operation_id = "get_livez", tag = "health",
    responses((status = 200, body = Liveness))
)]
pub(super) async fn get_livez() -> Json<Liveness> {
    Json(Liveness { status: "ok" })
}

/// Says whether the process can serve.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readyz", tag = "health",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness))
)]
pub(super) async fn get_readyz(app: App) -> (StatusCode, Json<Readiness>) {
    let now = app.world.now();
    let database = app.store.ping().await.is_ok();
    let migrations =
        database && app.store.migration_status().await.is_ok_and(|status| status.is_current());
    let counts = if migrations { app.store.delivery_counts().await.ok() } else { None };
    let worker =
        app.inbox.heartbeat().map(|beat| now.since(beat).as_millis() < HEARTBEAT_LASTS.as_millis());
    let is_ready = counts.is_some() && worker != Some(false);
    let view = Readiness {
        status: if is_ready { "ready" } else { "not_ready" },
        database,
        migrations,
        worker,
        lag_ms: counts.as_ref().and_then(|counts| lag_ms(counts, now)),
        deliveries: counts.map(Into::into),
    };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(view))
}
