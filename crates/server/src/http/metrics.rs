//! Figures in Prometheus' text form: for the same machine, or with `METRICS_TOKEN`.

use super::auth::Peer;
use super::problem::{ApiResult, Code, Problem};
use super::views::lag_ms;
use crate::app::App;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use secrecy::ExposeSecret;
use std::fmt::Write;
use subtle::ConstantTimeEq;

/// Shows the figures.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(super) async fn get_metrics(
    app: App,
    peer: Peer,
    headers: HeaderMap,
) -> ApiResult<impl IntoResponse> {
    if !may_read(&app, peer, &headers) {
        return Err(Problem::new(Code::Unauthenticated, "Metrics need METRICS_TOKEN."));
    }
    let now = app.world.now();
    let counts = app.store.delivery_counts().await?;
    let organizations = app.store.organization_count().await?;
    let mut text = String::with_capacity(1_024);
    let mut family = |name: &str, help: &str, lines: &[(String, i64)]| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let by_state = [
        ("pending", counts.pending),
        ("claimed", counts.claimed),
        ("applied", counts.applied),
        ("ignored", counts.ignored),
        ("parked", counts.parked),
    ]
    .map(|(state, count)| (format!("{{state=\"{state}\"}}"), count));
    family("billhook_deliveries", "Events from Stripe by state.", &by_state);
    family(
        "billhook_mirror_lag_ms",
        "For how long the oldest unfinished delivery has been waiting.",
        &[(String::new(), lag_ms(&counts, now).unwrap_or(0))],
    );
    family("billhook_organizations", "Organisations.", &[(String::new(), organizations)]);
    let paused = app.inbox.paused().await?.is_some();
    family(
        "billhook_webhooks_paused",
        "Whether operators paused webhooks.",
        &[(String::new(), i64::from(paused))],
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

/// A neighbour on the same machine may read, unless a proxy stands there for somebody else.
fn may_read(app: &App, Peer(peer): Peer, headers: &HeaderMap) -> bool {
    let Some(token) = &app.settings.metrics_token else {
        let is_forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"]
            .iter()
            .any(|name| headers.contains_key(*name));
        return !is_forwarded && peer.is_some_and(|peer| peer.is_loopback());
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "))
        .unwrap_or_default();
    given.as_bytes().ct_eq(token.expose_secret().as_bytes()).into()
}
