//! Usage: may it be done, and count it. Called before each metered act, so everything here is
//! short. What people look at is in `usage_shown.rs`.

use crate::app::App;
use crate::http::auth::{Reads, Uses};
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Code, Problem};
use crate::http::views::{LimitView, ProblemView, Time};
use crate::usage::{Recorded, refusal_text};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{ReservationEnd, ReservationRow, ReservationState, UsageAnswer};
use utoipa::ToSchema;

/// A quantity of a feature that is about to be used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The feature.
    #[schema(example = "test_runs")]
    feature: String,
    /// How much; one when left out.
    #[serde(default = "one")]
    quantity: i64,
    /// A repeated key gets the first answer and counts nothing.
    #[serde(default)]
    idempotency_key: Option<String>,
}

fn one() -> i64 {
    1
}

/// Whether a quantity is allowed, and where its counter stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Whether it may be used; for `consume`, it was counted.
    allowed: bool,
    /// What is used, this call included when it counted.
    used: i64,
    /// How much the plan allows.
    limit: LimitView,
    /// What is left; none without a bound.
    #[schema(required)]
    remaining: Option<i64>,
    /// When counting starts again; metered features only.
    #[schema(required)]
    resets_at: Option<Time>,
    /// Why not, as a sentence; none when allowed.
    #[schema(required)]
    reason: Option<String>,
}

impl Usage {
    fn new(answer: &UsageAnswer, feature: &str) -> Self {
        Self {
            allowed: answer.refusal.is_none(),
            used: answer.counter.used,
            limit: LimitView::from(answer.allowance.limit),
            remaining: answer.allowance.limit.remaining(answer.counter),
            resets_at: answer.allowance.period.map(|period| period.end.into()),
            reason: refusal_text(answer, feature),
        }
    }
}

/// A refusal as a problem that another program can act on.
fn refused(app: &App, answer: &UsageAnswer, feature: &str) -> Problem {
    let view = Usage::new(answer, feature);
    let text = view.reason.clone().unwrap_or_default();
    Problem::new(Code::LimitExceeded, text)
        .with("feature", json!(feature))
        .with("allowed", json!(false))
        .with("used", json!(view.used))
        .with("limit", json!(view.limit))
        .with("remaining", json!(view.remaining))
        .with("resets_at", json!(view.resets_at))
        .with("upgrade_url", json!(format!("{}/pricing", app.settings.frontend_url)))
}

/// Counts a quantity if the limit admits it.
#[utoipa::path(
    post, path = "/api/v1/usage/consume", operation_id = "consume_usage", tag = "usage",
    request_body = Wanted,
    responses(
        (status = 200, body = Usage),
        (status = 403, body = ProblemView, description = "limit_exceeded; nothing was counted"),
        (status = 503, body = ProblemView, description = "enforcement_unavailable"),
    )
)]
pub(crate) async fn consume_usage(
    app: App,
    Uses(organization): Uses,
    Body(wanted): Body<Wanted>,
) -> ApiResult<Json<Usage>> {
    let Wanted { feature, quantity, idempotency_key } = wanted;
    let answer = app.usage.consume(&organization, &feature, quantity, idempotency_key).await?;
    if answer.refusal.is_some() {
        return Err(refused(&app, &answer, &feature));
    }
    Ok(Json(Usage::new(&answer, &feature)))
}

/// Says whether a quantity would be allowed now. It counts nothing and promises nothing.
#[utoipa::path(
    post, path = "/api/v1/usage/check", operation_id = "check_usage", tag = "usage",
    request_body = Wanted,
    responses((status = 200, body = Usage), (status = 503, body = ProblemView))
)]
pub(crate) async fn check_usage(
    app: App,
    Reads(organization): Reads,
    Body(wanted): Body<Wanted>,
) -> ApiResult<Json<Usage>> {
    let answer = app.usage.check(&organization, &wanted.feature, wanted.quantity).await?;
    Ok(Json(Usage::new(&answer, &wanted.feature)))
}

/// One event, or up to a thousand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Happened {
    /// Several.
    Many {
        /// The events, in the order they happened.
        events: Vec<Wanted>,
    },
    /// One.
    One(Wanted),
}

/// Where the counters stand after recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordedList {
    /// One answer for each event, in their order.
    data: Vec<Usage>,
    /// Always null: the list is whole.
    #[schema(required)]
    next: Option<String>,
}

/// A thousand events with keys of the usual length take a tenth of it.
const RECORD_LIMIT: usize = 1024 * 1024;

/// Counts what has happened already, also past the limit.
#[utoipa::path(
    post, path = "/api/v1/usage/record", operation_id = "record_usage", tag = "usage",
    request_body = Happened,
    responses((status = 200, body = RecordedList), (status = 503, body = ProblemView))
)]
pub(crate) async fn record_usage(
    app: App,
    Uses(organization): Uses,
    Body(happened): Body<Happened, RECORD_LIMIT>,
) -> ApiResult<Json<RecordedList>> {
    let events = match happened {
        Happened::One(event) => vec![event],
        Happened::Many { events } => events,
    };
    if events.len() > crate::usage::RECORD_AT_ONCE {
        let hint = format!("At most {} events at once.", crate::usage::RECORD_AT_ONCE);
        return Err(Problem::field("events", hint));
    }
    let features: Vec<String> = events.iter().map(|event| event.feature.clone()).collect();
    let events = events.into_iter().map(|event| Recorded {
        feature: event.feature,
        quantity: event.quantity,
        idempotency_key: event.idempotency_key,
    });
    let answers = app.usage.record(&organization, events.collect()).await?;
    let data = answers.iter().zip(&features).map(|(answer, feature)| Usage::new(answer, feature));
    Ok(Json(RecordedList { data: data.collect(), next: None }))
}

/// A quantity to hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hold {
    /// The feature.
    feature: String,
    /// How much; one when left out.
    #[serde(default = "one")]
    quantity: i64,
    /// For how many seconds; ten minutes when left out, at most a day.
    #[serde(default)]
    ttl_seconds: Option<u32>,
}

/// A held quantity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reservation {
    /// Its id.
    id: String,
    /// When it is released by itself.
    expires_at: Time,
    /// `held`, `confirmed` or `released`.
    state: &'static str,
    /// How much of it is held or was confirmed.
    quantity: i64,
    /// Where the counter stands, when it was just held.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

impl Reservation {
    fn new(row: &ReservationRow) -> Self {
        let (state, quantity) = match row.state {
            ReservationState::Held => ("held", row.quantity),
            ReservationState::Confirmed(part) => ("confirmed", part),
            ReservationState::Released => ("released", 0),
            ReservationState::Expired => ("expired", 0),
        };
        let id = row.id.as_str().to_owned();
        Self { id, expires_at: row.expires_at.into(), state, quantity, usage: None }
    }
}

/// Holds a quantity until it is confirmed, released or over.
#[utoipa::path(
    post, path = "/api/v1/usage/reservations", operation_id = "create_reservation", tag = "usage",
    request_body = Hold,
    responses((status = 201, body = Reservation), (status = 403, body = ProblemView))
)]
pub(crate) async fn create_reservation(
    app: App,
    Uses(organization): Uses,
    Body(hold): Body<Hold>,
) -> ApiResult<(StatusCode, Json<Reservation>)> {
    let span = hold.ttl_seconds.map(Span::seconds);
    let held = app.usage.reserve(&organization, &hold.feature, hold.quantity, span).await?;
    let (id, expires_at, answer) = held;
    if answer.refusal.is_some() {
        return Err(refused(&app, &answer, &hold.feature));
    }
    let reservation = Reservation {
        id: id.as_str().to_owned(),
        expires_at: expires_at.into(),
        state: "held",
        quantity: hold.quantity,
        usage: Some(Usage::new(&answer, &hold.feature)),
    };
    Ok((StatusCode::CREATED, Json(reservation)))
}

/// How much of a reservation was used.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// At most what is held; all of it when left out.
    #[serde(default)]
    quantity: Option<i64>,
}

/// Counts a reservation, whole or in part, and returns the rest.
#[utoipa::path(
    post, path = "/api/v1/usage/reservations/{id}/confirm", operation_id = "confirm_reservation",
    tag = "usage", params(("id" = String, Path, description = "The reservation")),
    request_body(content = Part),
    responses((status = 200, body = Reservation), (status = 404, body = ProblemView),
        (status = 409, body = ProblemView))
)]
pub(crate) async fn confirm_reservation(
    app: App,
    Uses(organization): Uses,
    Path(id): Path<String>,
    crate::http::input::OptionalBody(part): crate::http::input::OptionalBody<Part>,
) -> ApiResult<Json<Reservation>> {
    let how = ReservationEnd::Confirm(part.quantity);
    let row = app.usage.end_reservation(&organization, &id, how).await?;
    Ok(Json(Reservation::new(&row)))
}

/// Returns a reservation.
#[utoipa::path(
    post, path = "/api/v1/usage/reservations/{id}/release", operation_id = "release_reservation",
    tag = "usage", params(("id" = String, Path, description = "The reservation")),
    responses((status = 200, body = Reservation), (status = 404, body = ProblemView),
        (status = 409, body = ProblemView))
)]
pub(crate) async fn release_reservation(
    app: App,
    Uses(organization): Uses,
    Path(id): Path<String>,
) -> ApiResult<Json<Reservation>> {
    let row = app.usage.end_reservation(&organization, &id, ReservationEnd::Release).await?;
    Ok(Json(Reservation::new(&row)))
}

/// A level to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    /// How much there is now.
    used: i64,
}

/// Sets the level of an allocated feature. A level above the limit is told, not refused: it is a
/// fact.
#[utoipa::path(
    put, path = "/api/v1/usage/levels/{feature}", operation_id = "set_usage_level", tag = "usage",
    params(("feature" = String, Path, description = "The feature")),
    request_body = Level,
    responses((status = 200, body = Usage), (status = 404, body = ProblemView))
)]
pub(crate) async fn set_usage_level(
    app: App,
    Uses(organization): Uses,
    Path(feature): Path<String>,
    Body(level): Body<Level>,
) -> ApiResult<Json<Usage>> {
    let answer = app.usage.set_level(&organization, &feature, level.used).await?;
    Ok(Json(Usage::new(&answer, &feature)))
}
