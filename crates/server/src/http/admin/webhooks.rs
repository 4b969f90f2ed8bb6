//! The switch by which operators pause webhooks, and how the inbox stands.

use crate::app::App;
use crate::apply::HANDLED;
use crate::http::auth::Operator;
use crate::http::input::OptionalBody;
use crate::http::problem::ApiResult;
use crate::http::views::{CountsView, ProblemView, Time, lag_ms};
use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the inbox stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// Whether they are refused with 503 for now. Stripe keeps and repeats them.
    paused: bool,
    /// Since when.
    #[schema(required)]
    paused_at: Option<Time>,
    /// Who paused them.
    #[schema(required)]
    paused_by: Option<String>,
    /// Deliveries by state.
    counts: CountsView,
    /// For how long the oldest unfinished delivery has been waiting, in milliseconds.
    #[schema(required)]
    lag_ms: Option<i64>,
    /// The event types that change anything; all others are stored and ignored.
    handled_events: Vec<&'static str>,
}

/// Why webhooks are paused.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseBody {
    /// For the audit log.
    reason: Option<String>,
}

async fn view(app: &App) -> ApiResult<Json<Webhooks>> {
    let paused = app.inbox.paused().await?;
    let counts = app.store.delivery_counts().await?;
    Ok(Json(Webhooks {
        paused: paused.is_some(),
        paused_at: paused.as_ref().map(|switch| switch.set_at.into()),
        paused_by: paused.map(|switch| switch.set_by),
        lag_ms: lag_ms(&counts, app.world.now()),
        counts: counts.into(),
        handled_events: HANDLED.iter().map(|(kind, _)| *kind).collect(),
    }))
}

/// Shows how the inbox stands.
#[utoipa::path(
    get, path = "/api/v1/admin/webhooks", operation_id = "get_webhooks", tag = "operators",
    responses((status = 200, body = Webhooks), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn get_webhooks(app: App, _: Operator) -> ApiResult<Json<Webhooks>> {
    view(&app).await
}

/// Refuses webhooks until they are resumed.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks/pause", operation_id = "pause_webhooks",
    tag = "operators", request_body = PauseBody,
    responses((status = 200, body = Webhooks), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn pause_webhooks(
    app: App,
    who: Operator,
    OptionalBody(body): OptionalBody<PauseBody>,
) -> ApiResult<Json<Webhooks>> {
    app.inbox.pause(who.actor(), body.reason).await?;
    view(&app).await
}

/// Takes webhooks again.
#[utoipa::path(
    post, path = "/api/v1/admin/webhooks/resume", operation_id = "resume_webhooks",
    tag = "operators",
    responses((status = 200, body = Webhooks), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn resume_webhooks(app: App, who: Operator) -> ApiResult<Json<Webhooks>> {
    app.inbox.resume(who.actor()).await?;
    view(&app).await
}
