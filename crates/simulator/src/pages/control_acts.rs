//! What the buttons of the control page do; each ends with a redirect back to its tab.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;

use super::text::{field, moment};
use super::{Pages, control, view};
use crate::webhooks::Faults;

/// Seconds a renewal invoice stays a draft, plus a little: where "to the next renewal" goes.
const AFTER_RENEWAL_SECONDS: i64 = 3_660;

fn back(pages: &Pages, tab: &str, result: Result<String, String>) -> Response {
    let (name, message) = match &result {
        Ok(message) => ("note", message),
        Err(message) => ("problem", message),
    };
    view::see_other(&format!("/?tab={tab}&{name}={}", pages.leave_note(message)))
}

/// Opens the portal as the customer.
pub(super) async fn open_portal(State(pages): State<Pages>, Path(id): Path<String>) -> Response {
    let return_url = format!("{}/?tab=customers", pages.engine.base_url());
    let form = [("customer", id.as_str()), ("return_url", return_url.as_str())];
    match pages.call(Method::POST, "/v1/billing_portal/sessions", &form).await {
        Ok(session) => view::see_other(field(&session, "url")),
        Err(message) => back(&pages, "customers", Err(message)),
    }
}

/// Sends an event to its endpoints again.
pub(super) async fn resend_event(State(pages): State<Pages>, Path(id): Path<String>) -> Response {
    let attempts = pages.deliverer.resend_event(&id).await;
    let result = match attempts {
        0 => Err("No endpoint was waiting for this event when it happened.".to_owned()),
        1 => Ok("Sent to one endpoint.".to_owned()),
        many => Ok(format!("Sent to {many} endpoints.")),
    };
    back(&pages, &format!("events&event={id}"), result)
}

/// Sends a delivery again.
pub(super) async fn resend(State(pages): State<Pages>, Path(number): Path<u64>) -> Response {
    let result = match pages.deliverer.resend(number).await {
        None => Err("It is being sent right now, or it is gone.".to_owned()),
        Some(delivery) => match delivery.attempts.last() {
            Some(attempt) if attempt.outcome.is_acknowledged() => Ok("Delivered.".to_owned()),
            _ => Err("The endpoint did not accept it.".to_owned()),
        },
    };
    back(&pages, &format!("deliveries&delivery={number}"), result)
}

/// Where to move the clock.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Move {
    by: String,
    clock_to: String,
}

/// The moment (seconds) that a named step leads to.
pub(super) fn destination(pages: &Pages, by: &str) -> Result<i64, String> {
    let now = pages.engine.clock().now();
    match by {
        "hour" => Ok(now + 3_600),
        "day" => Ok(now + 86_400),
        "3days" => Ok(now + 3 * 86_400),
        "month" => Timestamp::from_second(now)
            .map(|now| now.to_zoned(TimeZone::UTC))
            .and_then(|now| now.checked_add(Span::new().months(1)))
            .map(|then| then.timestamp().as_second())
            .map_err(|error| error.to_string()),
        "renewal" => control::next_renewal(pages)
            .map(|at| at + AFTER_RENEWAL_SECONDS)
            .ok_or_else(|| "No subscription is waiting for a renewal.".to_owned()),
        _ => Err("The step must be hour, day, 3days, month or renewal.".to_owned()),
    }
}

/// Moves the clock and lets everything on the way happen.
pub(super) async fn advance(pages: &Pages, to: i64) -> Result<(), String> {
    let engine = pages.engine.clone();
    // A year of many subscriptions takes a while, and other requests go on meanwhile.
    let moved = tokio::task::spawn_blocking(move || {
        engine.advance_clock(to).map_err(|error| error.message)
    })
    .await;
    pages.deliverer.wake();
    moved.map_err(|error| error.to_string())?
}

/// Moves the clock from the control page.
pub(super) async fn move_clock(State(pages): State<Pages>, Form(form): Form<Move>) -> Response {
    let to = if form.by == "custom" {
        form.clock_to
            .trim()
            .parse::<Timestamp>()
            .map(Timestamp::as_second)
            .map_err(|_| "Write the moment as in 2027-01-31T09:00:00Z.".to_owned())
    } else {
        destination(&pages, &form.by)
    };
    let result = match to {
        Ok(to) => advance(&pages, to)
            .await
            .map(|()| format!("It is now {}.", moment(pages.engine.clock().now()))),
        Err(message) => Err(message),
    };
    back(&pages, "clock", result)
}

/// A new endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewEndpoint {
    endpoint_url: String,
    endpoint_events: String,
}

/// Registers an endpoint.
pub(super) async fn create_endpoint(
    State(pages): State<Pages>,
    Form(form): Form<NewEndpoint>,
) -> Response {
    let url = form.endpoint_url.trim();
    let mut parameters = vec![("url", url)];
    let events: Vec<&str> =
        form.endpoint_events.split([' ', ',', '\n', '\r']).filter(|e| !e.is_empty()).collect();
    parameters.extend(events.iter().map(|event| ("enabled_events[]", *event)));
    let result = pages.call(Method::POST, "/v1/webhook_endpoints", &parameters).await;
    let result = result.map(|_| format!("Events are sent to {url} from now on."));
    back(&pages, "endpoints", result)
}

/// Whether to disable or enable.
#[derive(Debug, Deserialize)]
pub(super) struct Toggle {
    disabled: String,
}

/// Disables or enables an endpoint.
pub(super) async fn toggle_endpoint(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Form(form): Form<Toggle>,
) -> Response {
    let path = format!("/v1/webhook_endpoints/{id}");
    let result = pages.call(Method::POST, &path, &[("disabled", form.disabled.as_str())]).await;
    let told = if form.disabled == "true" { "Disabled." } else { "Enabled." };
    back(&pages, "endpoints", result.map(|_| told.to_owned()))
}

/// Deletes an endpoint.
pub(super) async fn delete_endpoint(
    State(pages): State<Pages>,
    Path(id): Path<String>,
) -> Response {
    let path = format!("/v1/webhook_endpoints/{id}");
    let result = pages.call(Method::DELETE, &path, &[]).await;
    back(&pages, "endpoints", result.map(|_| "Deleted.".to_owned()))
}

/// The fault form: percentages.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FaultForm {
    drop: f64,
    duplicate: f64,
    reorder: f64,
    delay: f64,
    delay_seconds: i64,
    seed: u64,
    clear: String,
}

/// Puts faults in force.
pub(super) async fn save_faults(
    State(pages): State<Pages>,
    Form(form): Form<FaultForm>,
) -> Response {
    let faults = if form.clear.is_empty() {
        Faults {
            drop: form.drop / 100.0,
            duplicate: form.duplicate / 100.0,
            reorder: form.reorder / 100.0,
            delay: form.delay / 100.0,
            delay_seconds: form.delay_seconds,
            seed: form.seed,
        }
    } else {
        Faults::default()
    };
    let told = if form.clear.is_empty() { "Saved." } else { "Delivery is reliable again." };
    let result = pages.deliverer.set_faults(faults).map(|()| told.to_owned());
    back(&pages, "faults", result)
}

/// The box that must be ticked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sure {
    sure: String,
}

/// Forgets everything.
pub(super) async fn reset(State(pages): State<Pages>, Form(form): Form<Sure>) -> Response {
    if form.sure != "yes" {
        return back(&pages, "faults", Err("Tick the box first.".to_owned()));
    }
    start_over(&pages);
    back(&pages, "customers", Ok("Everything is forgotten.".to_owned()))
}

/// Empties the account and the book of deliveries.
pub(super) fn start_over(pages: &Pages) {
    pages.engine.reset();
    pages.deliverer.reset();
}
