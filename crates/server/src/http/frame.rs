//! What goes around every answer: the request's id, problems rendered, panics caught, security
//! headers, one log line for what failed.

use super::problem::{Code, Problem, internal};
use crate::world::World;
use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use domain::ids::RequestId;
use domain::time::Timestamp;
use futures_util::FutureExt;
use jiff::fmt::rfc2822::DateTimePrinter;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Our own files, nothing inline, nothing from elsewhere, and in nobody's frame.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What the frame needs.
#[derive(Clone, Debug)]
pub(super) struct Framing {
    world: World,
    /// Only where people come by https.
    strict_transport: Option<HeaderValue>,
}

impl Framing {
    pub(super) fn new(world: World, frontend_url: Option<&str>) -> Self {
        let is_https = frontend_url.is_some_and(|url| url.starts_with("https://"));
        let strict_transport =
            is_https.then(|| HeaderValue::from_static("max-age=31536000; includeSubDomains"));
        Self { world, strict_transport }
    }
}

/// Puts the frame around a router and everything it answers, its fallbacks included.
pub(super) fn around(router: Router, framing: Framing) -> Router {
    router.layer(from_fn_with_state(Arc::new(framing), frame))
}

async fn frame(State(framing): State<Arc<Framing>>, request: Request, next: Next) -> Response {
    let id = RequestId::new(framing.world.now(), &*framing.world.entropy);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let outcome = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = match outcome {
        Ok(response) => response,
        // The panic hook has written where; the caller learns only that it happened.
        Err(_) => axum::response::IntoResponse::into_response(internal()),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let code = problem.code();
        let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
        let cause = problem.cause().unwrap_or_default();
        // A pause is an operator's will and no failure; Stripe would fill the log with it.
        if code.status().is_server_error() && code != Code::WebhooksPaused {
            tracing::error!(
                request.id = %id, http.method = %method, http.route = route, cause,
                "Answered {}", code.name()
            );
        } else {
            tracing::debug!(
                request.id = %id, http.method = %method, http.route = route, cause,
                "Answered {}", code.name()
            );
        }
        // Headers that layers further in have set (CORS, Allow) belong to the answer too.
        let earlier = std::mem::take(response.headers_mut());
        response = problem.render(id.as_str());
        for (name, value) in earlier {
            if let Some(name) = name.filter(|name| !is_of_the_body(name)) {
                response.headers_mut().append(name, value);
            }
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    // The time we live in, by which pages say how long ago something was.
    if let Some(date) = http_date(framing.world.now()) {
        headers.insert(header::DATE, date);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("strict-origin-when-cross-origin"),
    );
    if let Some(value) = &framing.strict_transport {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value.clone());
    }
    response
}

fn http_date(moment: Timestamp) -> Option<HeaderValue> {
    let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).ok()?;
    let text = DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).ok()?;
    HeaderValue::from_str(&text).ok()
}

fn is_of_the_body(name: &HeaderName) -> bool {
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CACHE_CONTROL].contains(name)
}
