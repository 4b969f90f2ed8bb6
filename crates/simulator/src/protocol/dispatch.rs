//! From an HTTP request to a route's function and back, with everything Stripe does around it.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State as AxumState};
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use axum::routing::any;
use bytes::Bytes;
use serde_json::Value;

use super::idempotency::{Idempotency, Kept};
use super::version::{NEWEST, Version};
use super::{ApiError, auth, expand, params, version};
use crate::api::routes::{self, Call};
use crate::engine::Engine;
use crate::state::Fields;

const BODY_LIMIT: usize = 4 * 1024 * 1024;

#[derive(Debug)]
struct Api {
    engine: Engine,
    keys: Idempotency,
}

/// The API under `/v1`, and Stripe's answer to addresses it does not know.
pub(crate) fn router(engine: Engine) -> Router {
    let api = Arc::new(Api { engine, keys: Idempotency::default() });
    Router::new().route("/v1/{*path}", any(handle)).fallback(handle).with_state(api)
}

async fn handle(AxumState(api): AxumState<Arc<Api>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => api.answer(&head.method, &head.uri, &head.headers, &body),
        Err(_) => {
            let error = ApiError::invalid("Request body is too large.").with_status(413);
            Answer::refusal(&error, "req_unread").respond(api.engine.clock().now(), NEWEST, None)
        }
    }
}

/// An answer before its headers.
struct Answer {
    status: u16,
    body: Bytes,
    request_id: String,
    replayed: bool,
}

impl Answer {
    fn refusal(error: &ApiError, request_id: &str) -> Self {
        let log = format!("https://dashboard.stripe.com/test/logs/{request_id}");
        Self::new(error.status, &error.body(&log), request_id)
    }

    fn new(status: u16, body: &Value, request_id: &str) -> Self {
        let mut text = serde_json::to_vec_pretty(body).unwrap_or_default();
        text.push(b'\n');
        Self { status, body: text.into(), request_id: request_id.to_owned(), replayed: false }
    }

    fn respond(self, now: i64, version: &str, key: Option<&str>) -> Response<Body> {
        let retry = matches!(self.status, 409 | 429 | 500..);
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = axum::http::StatusCode::from_u16(self.status).unwrap_or_default();
        let headers = response.headers_mut();
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        put(CONTENT_TYPE, "application/json");
        put(DATE, &http_date(now));
        put(HeaderName::from_static("request-id"), &self.request_id);
        put(HeaderName::from_static("stripe-version"), version);
        if let Some(key) = key {
            put(HeaderName::from_static("idempotency-key"), key);
        }
        if self.replayed {
            put(HeaderName::from_static("idempotent-replayed"), "true");
        }
        if self.status >= 400 {
            let retry = if retry { "true" } else { "false" };
            put(HeaderName::from_static("stripe-should-retry"), retry);
        }
        response
    }
}

/// The moment in the form of the `Date` header; clients take "when was this read" from it.
fn http_date(now: i64) -> String {
    let moment = jiff::Timestamp::from_second(now).unwrap_or_default();
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

impl Api {
    fn answer(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Response<Body> {
        let request_id = self.engine.new_request_id();
        let now = self.engine.clock().now();
        let version = header(headers, "stripe-version").unwrap_or(NEWEST);
        let key = header(headers, "idempotency-key").filter(|_| *method == Method::POST);
        let answer = self
            .checked(method, uri, headers, body, key, &request_id)
            .unwrap_or_else(|error| Answer::refusal(&error, &request_id));
        // An invalid version is not echoed.
        let echoed = if Version::parse(version).is_ok() { version } else { NEWEST };
        answer.respond(now, echoed, key)
    }

    fn checked(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
        key: Option<&str>,
        request_id: &str,
    ) -> Result<Answer, ApiError> {
        let livemode = auth::livemode(headers, &self.engine.accepted_keys())?;
        let version = Version::parse(header(headers, "stripe-version").unwrap_or(NEWEST))?;
        let path = uri.path();
        let Some((route, ids)) = routes::find(method.as_str(), path) else {
            let message = format!(
                "Unrecognized request URL ({method}: {path}). Please see \
                 https://stripe.com/docs or we can help at https://support.stripe.com/."
            );
            return Err(ApiError::invalid(message).with_status(404));
        };
        let Some(key) = key else {
            return Ok(self.run(route, &ids, uri, body, livemode, version, None, request_id));
        };
        if key.len() > 255 {
            let message = "Idempotency keys must be at most 255 characters long.";
            return Err(ApiError::invalid(message));
        }
        let mut hasher = DefaultHasher::new();
        (method.as_str(), path, uri.query(), body).hash(&mut hasher);
        let now = self.engine.clock().now();
        self.keys.enter_life(self.engine.life());
        if let Some(kept) = self.keys.begin(livemode, key, hasher.finish(), now)? {
            let Kept { status, body, request_id } = kept;
            return Ok(Answer { status, body, request_id, replayed: true });
        }
        let answer = self.run(route, &ids, uri, body, livemode, version, Some(key), request_id);
        // Refusals of the parameters are not kept: the request never began.
        let kept =
            (answer.status < 300 || answer.status == 402 || answer.status >= 500).then(|| Kept {
                status: answer.status,
                body: answer.body.clone(),
                request_id: answer.request_id.clone(),
            });
        self.keys.finish(livemode, key, kept);
        Ok(answer)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request, used once")]
    fn run(
        &self,
        route: &routes::Route,
        ids: &[String],
        uri: &Uri,
        body: &Bytes,
        livemode: bool,
        version: Version,
        key: Option<&str>,
        request_id: &str,
    ) -> Answer {
        let result = decode(uri, body)
            .and_then(|form| params::check(route.pattern, &form))
            .and_then(|mut args| {
                version::accept(version, route.pattern, &mut args);
                self.engine.with(livemode, |tx| {
                    tx.request_id = Some(request_id.to_owned());
                    tx.idempotency_key = key.map(str::to_owned);
                    let call = Call { ids, args: &args };
                    let mut value = (route.handler)(tx, &call)?;
                    version::render(tx.state, version, &mut value);
                    expand::apply(tx.state, livemode, version, &mut value, args.items("expand"))?;
                    Ok(value)
                })
            });
        match result {
            Ok(value) => Answer::new(200, &value, request_id),
            Err(error) => Answer::refusal(&error, request_id),
        }
    }
}

/// Query and body together; a body parameter wins over one in the address.
fn decode(uri: &Uri, body: &Bytes) -> Result<stripe::form::FormMap, ApiError> {
    let refuse = |error: stripe::form::FormError| ApiError::invalid(error.to_string());
    let mut form =
        stripe::form::decode(uri.query().unwrap_or_default().as_bytes()).map_err(refuse)?;
    form.extend(stripe::form::decode(body).map_err(refuse)?);
    Ok(form)
}
