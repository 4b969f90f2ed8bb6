//! Stripe's own way in. A 2xx means that the event is on disk.

use super::input::raw_body;
use super::problem::ApiResult;
use super::views::ProblemView;
use crate::app::App;
use axum::Json;
use axum::extract::Request;
use serde::Serialize;
use utoipa::ToSchema;

/// Stripe's largest events are far below this.
const EVENT_LIMIT: usize = 1024 * 1024;

/// The event is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acknowledged {
    /// Always true.
    received: bool,
}

/// Whether webhooks could be received: booleans, never values.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookTest {
    /// `ok`.
    status: &'static str,
    /// A sentence.
    message: &'static str,
    /// Whether a secret key is configured.
    stripe_configured: bool,
    /// Whether a webhook secret is configured.
    webhook_secret_configured: bool,
}

/// Receives an event from Stripe.
///
/// The signature proves it; no log-in is needed. A repeat of an event is answered alike.
#[utoipa::path(
    post, path = "/api/webhooks/stripe", operation_id = "receive_event", tag = "webhooks",
    request_body(content = serde_json::Value, description = "The event, byte for byte"),
    responses(
        (status = 200, body = Acknowledged),
        (status = 400, body = ProblemView, description = "signature_missing, signature_invalid, wrong_mode, invalid_request"),
        (status = 413, body = ProblemView, description = "payload_too_large"),
        (status = 503, body = ProblemView, description = "webhooks_paused, overloaded, unavailable"),
    )
)]
pub(super) async fn receive_event(app: App, request: Request) -> ApiResult<Json<Acknowledged>> {
    let (parts, body) = request.into_parts();
    let body = raw_body(body, EVENT_LIMIT).await?;
    let signature = parts.headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    app.inbox.receive(signature, body).await?;
    Ok(Json(Acknowledged { received: true }))
}

/// Says whether webhooks could be received.
#[utoipa::path(
    get, path = "/api/webhooks/test", operation_id = "test_webhooks", tag = "webhooks",
    responses((status = 200, body = WebhookTest))
)]
pub(super) async fn test_webhooks(app: App) -> Json<WebhookTest> {
    let stripe = &app.settings.stripe;
    Json(WebhookTest {
        status: "ok",
        message: "Webhook endpoint is accessible",
        stripe_configured: !secrecy::ExposeSecret::expose_secret(&stripe.secret_key).is_empty(),
        webhook_secret_configured: !stripe.webhook_secrets.is_empty(),
    })
}
