//! `/_config`: the control page's levers as JSON, for tests and scripts.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Pages;
use super::control_acts::{advance, destination, start_over};
use super::text::rfc3339;
use crate::webhooks::{Delivery, DeliveryState, Faults, Outcome};

fn refused(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": message }))).into_response()
}

fn clock_json(pages: &Pages) -> Value {
    let clock = pages.engine.clock();
    json!({
        "now": clock.now(),
        "time": rfc3339(clock.now()),
        "running": clock.is_running(),
        "next_due": pages.engine.next_due(),
    })
}

/// `GET /_config/clock`
pub(super) async fn clock(State(pages): State<Pages>) -> Json<Value> {
    Json(clock_json(&pages))
}

/// One of: `to` (RFC 3339 or unix seconds), `seconds`, or `by` (hour, day, 3days, month, renewal).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClockMove {
    to: Option<Value>,
    seconds: Option<i64>,
    by: Option<String>,
}

/// `POST /_config/clock`: moves forward, doing what falls due on the way.
pub(super) async fn move_clock(
    State(pages): State<Pages>,
    Json(body): Json<ClockMove>,
) -> Response {
    let to = match (&body.to, body.seconds, &body.by) {
        (Some(Value::Number(to)), None, None) => {
            to.as_i64().ok_or_else(|| "`to` must be whole seconds".to_owned())
        }
        (Some(Value::String(to)), None, None) => to
            .parse::<Timestamp>()
            .map(Timestamp::as_second)
            .map_err(|_| "`to` must be RFC 3339, as in 2027-01-31T09:00:00Z".to_owned()),
        (None, Some(seconds), None) => Ok(pages.engine.clock().now() + seconds),
        (None, None, Some(by)) => destination(&pages, by),
        _ => Err("give exactly one of `to`, `seconds` and `by`".to_owned()),
    };
    let moved = match to {
        Ok(to) => advance(&pages, to).await,
        Err(message) => Err(message),
    };
    match moved {
        Ok(()) => Json(clock_json(&pages)).into_response(),
        Err(message) => refused(&message),
    }
}

/// `GET /_config/faults`
pub(super) async fn faults(State(pages): State<Pages>) -> Json<Faults> {
    Json(pages.deliverer.faults())
}

/// `PUT /_config/faults`: fields left out take their defaults.
pub(super) async fn set_faults(State(pages): State<Pages>, Json(body): Json<Faults>) -> Response {
    match pages.deliverer.set_faults(body) {
        Ok(()) => Json(pages.deliverer.faults()).into_response(),
        Err(message) => refused(&message),
    }
}

fn state_name(delivery: &Delivery) -> &'static str {
    match delivery.state {
        DeliveryState::Waiting { .. } => "waiting",
        DeliveryState::Sending { .. } => "sending",
        DeliveryState::Acknowledged { .. } => "acknowledged",
        DeliveryState::Exhausted { .. } => "exhausted",
        DeliveryState::Stopped { .. } => "stopped",
        DeliveryState::Dropped => "dropped",
    }
}

fn delivery_json(delivery: &Delivery) -> Value {
    let attempts: Vec<Value> = delivery
        .attempts
        .iter()
        .map(|attempt| {
            let (status, error) = match &attempt.outcome {
                Outcome::Answered(status) => (Some(*status), None),
                Outcome::Failed(why) => (None, Some(why)),
            };
            json!({
                "at": rfc3339(attempt.at_ms.div_euclid(1_000)),
                "duration_ms": attempt.duration_ms,
                "status": status,
                "error": error,
                "response": attempt.response,
                "manual": attempt.manual,
            })
        })
        .collect();
    let due = match delivery.state {
        DeliveryState::Waiting { due_ms } => Some(rfc3339(due_ms.div_euclid(1_000))),
        _ => None,
    };
    json!({
        "number": delivery.number,
        "event": delivery.event_id,
        "type": delivery.event_type,
        "endpoint": delivery.endpoint_id,
        "url": delivery.url,
        "repeat": delivery.repeat,
        "state": state_name(delivery),
        "due": due,
        "attempts": attempts,
    })
}

/// Which deliveries to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeliveryQuery {
    state: Option<String>,
    event: Option<String>,
    limit: Option<usize>,
}

/// `GET /_config/deliveries?state=&event=&limit=`: newest first.
pub(super) async fn deliveries(
    State(pages): State<Pages>,
    Query(query): Query<DeliveryQuery>,
) -> Json<Value> {
    pages.deliverer.plan();
    let wanted = |delivery: &Delivery| {
        query.state.as_deref().is_none_or(|state| state == state_name(delivery))
            && query.event.as_deref().is_none_or(|event| event == delivery.event_id)
    };
    let (found, total) = pages.deliverer.deliveries(wanted, query.limit.unwrap_or(100));
    let data: Vec<Value> = found.iter().map(delivery_json).collect();
    Json(json!({ "data": data, "total": total }))
}

/// `POST /_config/deliveries/{number}/resend`
pub(super) async fn resend(State(pages): State<Pages>, Path(number): Path<u64>) -> Response {
    match pages.deliverer.resend(number).await {
        Some(delivery) => Json(delivery_json(&delivery)).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({ "error": "there is no such delivery, or it is being sent" })),
        )
            .into_response(),
    }
}

/// `POST /_config/reset`: forgets everything.
pub(super) async fn reset(State(pages): State<Pages>) -> Json<Value> {
    start_over(&pages);
    Json(json!({ "reset": true }))
}
