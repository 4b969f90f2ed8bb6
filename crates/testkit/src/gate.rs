//! The road between the server and Stripe, on which a test makes the weather.
//!
//! It passes requests on to the simulator as they are, unless told otherwise, and remembers them,
//! so that a test can count what really reached Stripe.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happens to requests to Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weather {
    /// They arrive.
    Clear,
    /// They do not arrive: the connection breaks before Stripe sees anything.
    Broken,
    /// They arrive and are done, but the answer is lost on its way back.
    AnswerLost,
    /// Stripe answers with this status and its error body, and does nothing.
    Answers(u16),
    /// They wait until the weather is made again.
    Held,
    /// They arrive after so long.
    Slow(Duration),
    /// Those of this method and path have this weather; all others arrive.
    Only {
        /// `GET`, `POST`, …
        method: &'static str,
        /// From `/v1/` on, without the query.
        path: String,
        /// The weather.
        weather: Box<Weather>,
    },
}

/// A request that Stripe saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// From `/v1/` on, without the query.
    pub path: String,
    /// The idempotency key, when it had one.
    pub idempotency_key: Option<String>,
}

/// The road. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base_url: String,
    target: String,
    client: reqwest::Client,
    weather: Mutex<Weather>,
    seen: Mutex<Vec<Seen>>,
}

impl Gate {
    /// Opens the road to the simulator at `target`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn open(target: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let gate = Self(Arc::new(Inner {
            base_url: format!("http://{address}"),
            target: target.to_owned(),
            client: client(),
            weather: Mutex::new(Weather::Clear),
            seen: Mutex::default(),
        }));
        let router = Router::new().fallback(pass).with_state(gate.clone());
        tokio::spawn(async move {
            drop(axum::serve(listener, router).await);
        });
        gate
    }

    /// What the server takes for Stripe's address.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// Makes the weather, until it is made again.
    pub fn set(&self, weather: Weather) {
        *self.0.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// What reached Stripe so far, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests of this method and path reached Stripe so far.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.seen().iter().filter(|one| one.method == method && one.path == path).count()
    }

    fn weather_for(&self, request: &Request) -> Weather {
        match self.weather() {
            Weather::Only { method, path, weather }
                if request.method().as_str() == method && request.uri().path() == path =>
            {
                *weather
            }
            Weather::Only { .. } => Weather::Clear,
            everywhere => everywhere,
        }
    }

    fn weather(&self) -> Weather {
        self.0.weather.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A client for this machine: no proxy, no endless waits, no redirects followed.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client without special wishes can be made")
}

/// An answer that breaks off before its end.
fn broken() -> Response {
    let cut = stream::once(async { Err::<Bytes, _>(std::io::Error::other("the line is cut")) });
    let mut response = Response::new(Body::from_stream(cut));
    response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("100"));
    response
}

fn plain(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

async fn pass(State(gate): State<Gate>, request: Request) -> Response {
    let mut weather = gate.weather_for(&request);
    while weather == Weather::Held {
        tokio::time::sleep(Duration::from_millis(5)).await;
        weather = gate.weather_for(&request);
    }
    match weather {
        Weather::Broken => return broken(),
        Weather::Answers(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = if status.as_u16() == 429 { "rate_limit" } else { "api_error" };
            let body = serde_json::json!({"error": {
                "type": if kind == "rate_limit" { "invalid_request_error" } else { "api_error" },
                "code": if kind == "rate_limit" { "rate_limit" } else { "internal" },
                "message": "The weather is bad today.",
            }});
            let mut response = plain(status, body.to_string());
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            return response;
        }
        Weather::Slow(wait) => tokio::time::sleep(wait).await,
        Weather::Clear | Weather::AnswerLost | Weather::Held | Weather::Only { .. } => {}
    }
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, 16 << 20).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "");
    };
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        idempotency_key: head
            .headers
            .get("idempotency-key")
            .and_then(|value| value.to_str().ok())
            .map(ToOwned::to_owned),
    };
    gate.0.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    let target = &gate.0.target;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = head.headers;
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let sent = gate
        .0
        .client
        .request(head.method, format!("{target}{path}"))
        .headers(headers)
        .body(body)
        .send()
        .await;
    let Ok(answer) = sent else { return broken() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return broken() };
    if weather == Weather::AnswerLost {
        return broken();
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    let mut response = plain(status, body);
    *response.headers_mut() = headers;
    response
}
