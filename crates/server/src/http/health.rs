//! Whether the process lives, and whether it can serve.
//!
//! Anybody may ask, as often as they like: the database is asked once a second at most.

use crate::app::App;
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::time::Span;
use moka::future::Cache;
use serde::Serialize;
use std::time::Duration;
use store::UnfinishedCounts;
use utoipa::ToSchema;

/// A worker that has not gone round for so long is not working.
const HEARTBEAT_LASTS: Span = Span::minutes(2);

/// What the database said lasts so long.
const FIGURES_LAST: Duration = Duration::from_secs(1);

/// What the database says about itself.
#[derive(Debug, Clone, Copy)]
struct Figures {
    database: bool,
    migrations: bool,
    unfinished: Option<UnfinishedCounts>,
}

impl Figures {
    async fn read(app: &App) -> Self {
        let database = app.store.ping().await.is_ok();
        let migrations =
            database && app.store.migration_status().await.is_ok_and(|status| status.is_current());
        let unfinished = if migrations { app.store.unfinished_counts().await.ok() } else { None };
        Self { database, migrations, unfinished }
    }
}

/// What the database said in the last second; those who ask at once share one look.
#[derive(Debug, Clone)]
pub(super) struct LastFigures(Cache<(), Figures>);

impl LastFigures {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(1).time_to_live(FIGURES_LAST).build())
    }
}

/// Deliveries that are not finished, by state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnfinishedDeliveries {
    /// Waiting.
    pending: i64,
    /// In work.
    claimed: i64,
    /// Waiting for an operator.
    parked: i64,
}

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
    /// Unfinished deliveries by state; none while the database cannot be read.
    #[schema(required)]
    deliveries: Option<UnfinishedDeliveries>,
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
pub(super) async fn get_readyz(
    app: App,
    Extension(LastFigures(last)): Extension<LastFigures>,
) -> (StatusCode, Json<Readiness>) {
    let now = app.world.now();
    let figures = last.get_with((), Figures::read(&app)).await;
    let Figures { database, migrations, unfinished } = figures;
    let worker =
        app.inbox.heartbeat().map(|beat| now.since(beat).as_millis() < HEARTBEAT_LASTS.as_millis());
    let is_ready = unfinished.is_some() && worker != Some(false);
    let view = Readiness {
        status: if is_ready { "ready" } else { "not_ready" },
        database,
        migrations,
        worker,
        lag_ms: unfinished
            .and_then(|counts| counts.oldest_waiting)
            .map(|since| now.since(since).as_millis()),
        deliveries: unfinished.map(|counts| UnfinishedDeliveries {
            pending: counts.pending,
            claimed: counts.claimed,
            parked: counts.parked,
        }),
    };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(view))
}
