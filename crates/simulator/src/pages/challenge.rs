//! The 3-D Secure page: `GET` and `POST /3ds/{id}`.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::text::{field, money};
use super::view::{self, Link, values};
use super::{Pages, checkout, portal};
use crate::ConfirmOutcome;

/// Where the browser came from, as a path of this simulator.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChallengeQuery {
    from: String,
}

/// What the person pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    outcome: String,
}

impl ChallengeQuery {
    /// The path, when it is one of our own pages.
    fn own_path(&self) -> Option<&str> {
        let own = ["/c/pay/", "/p/session/", "/i/"];
        own.iter().any(|start| self.from.starts_with(start)).then_some(self.from.as_str())
    }
}

/// The bank's question.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(query): Query<ChallengeQuery>,
) -> Response {
    let Some(challenge) = pages.engine.challenge(&id) else { return nothing_waits(&query) };
    let amount = (challenge.amount != 0).then(|| money(challenge.amount, &challenge.currency));
    let question = match &amount {
        Some(amount) => format!("{} asks for {amount}. Is it you who pays?", challenge.merchant),
        None => format!("{} wants to keep your card. Is it you?", challenge.merchant),
    };
    let from = query.own_path().unwrap_or_default();
    let from: String = form_urlencoded::byte_serialize(from.as_bytes()).collect();
    view::page(
        StatusCode::OK,
        "challenge.html",
        values! {
            question, amount,
            card => values! { brand => "Card", last4 => challenge.last4 },
            action => format!("/3ds/{id}?from={from}"),
        },
    )
}

/// The person's answer.
pub(super) async fn answer(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(query): Query<ChallengeQuery>,
    Form(answer): Form<Answer>,
) -> Response {
    let return_url = pages.engine.object(&id).and_then(|intent| return_url(&intent));
    match pages.engine.challenge_resolve(&id, answer.outcome == "complete") {
        Ok(ConfirmOutcome::Completed { redirect_url }) => match query.own_path() {
            Some(path) if path.starts_with("/c/pay/") => {
                let session = path
                    .strip_prefix("/c/pay/")
                    .and_then(|session| pages.engine.checkout_session(session))
                    .unwrap_or(Value::Null);
                checkout::done(&pages, &session, Some(&redirect_url)).await
            }
            Some(path) if path.starts_with("/p/session/") => {
                let token = path.trim_start_matches("/p/session/");
                portal::finished(&pages, token.split('/').next().unwrap_or_default(), "card")
            }
            Some(path) => view::see_other(&format!("{path}?done=paid")),
            None => view::see_other(&redirect_url),
        },
        Ok(ConfirmOutcome::RequiresAction { challenge_id }) => {
            view::see_other(&format!("/3ds/{challenge_id}?from={}", query.from))
        }
        Ok(ConfirmOutcome::Declined { message, .. }) => {
            refused(&pages, &query, return_url.as_deref(), &message)
        }
        Err(error) if error.status == 402 => {
            refused(&pages, &query, return_url.as_deref(), &error.message)
        }
        Err(_) => nothing_waits(&query),
    }
}

fn refused(pages: &Pages, query: &ChallengeQuery, back: Option<&str>, message: &str) -> Response {
    match (query.own_path(), back) {
        (Some(path), _) => view::see_other(&format!("{path}?note={}", pages.leave_note(message))),
        (None, Some(url)) => view::see_other(url),
        (None, None) => view::message(
            StatusCode::PAYMENT_REQUIRED,
            "challenge-refused",
            "The payment was not confirmed",
            &[message],
            None,
        ),
    }
}

fn return_url(intent: &Value) -> Option<String> {
    let url = field(&intent["next_action"]["redirect_to_url"], "return_url");
    (!url.is_empty()).then(|| url.to_owned())
}

fn nothing_waits(query: &ChallengeQuery) -> Response {
    let link = query.own_path().map(|href| Link { href, text: "Back" });
    view::message(
        StatusCode::NOT_FOUND,
        "challenge-unknown",
        "Nothing waits here",
        &["This question was answered already, or never asked."],
        link,
    )
}
