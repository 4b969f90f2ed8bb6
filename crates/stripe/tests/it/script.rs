//! A server on 127.0.0.1 that gives the answers it was told to, in order, and remembers what
//! it was asked; and a clock that never really waits.

use std::{
    collections::VecDeque,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use stripe::client::{Client, ClientConfig, RetryPolicy, Timing};

/// One answer of the script.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: String,
    /// Whether to keep the asker waiting for ever instead.
    pub(crate) hang: bool,
}

pub(crate) fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_owned(), hang: false }
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn hanging() -> Self {
        Self { hang: true, ..reply(200, "{}") }
    }
}

/// One question the server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) base_url: String,
}

impl Script {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            asked: Arc::default(),
            base_url: format!("http://{}", listener.local_addr().unwrap()),
        };
        let app = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        script
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    script.asked.lock().unwrap().push(Asked {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let reply = script.replies.lock().unwrap().pop_front();
    let reply = reply.unwrap_or_else(unscripted);
    if reply.hang {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

fn unscripted() -> Reply {
    reply(418, "{}")
}

/// Waits are written down instead of waited; the lot is always one half; each look at the
/// clock finds it `step` later.
#[derive(Default)]
pub(crate) struct FakeTiming {
    pub(crate) waits: Mutex<Vec<Duration>>,
    pub(crate) step: Duration,
    looks: Mutex<u32>,
}

impl FakeTiming {
    pub(crate) fn stepping(step: Duration) -> Self {
        Self { step, ..Self::default() }
    }

    pub(crate) fn waits_ms(&self) -> Vec<u128> {
        self.waits.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Timing for FakeTiming {
    fn monotonic(&self) -> Duration {
        let mut looks = self.looks.lock().unwrap();
        *looks += 1;
        self.step * *looks
    }

    fn random_unit(&self) -> f64 {
        0.5
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.waits.lock().unwrap().push(wait);
        Box::pin(ready(()))
    }
}

pub(crate) const KEY: &str = "sk_test_scripted_secret";

pub(crate) fn config(base_url: &str) -> ClientConfig {
    ClientConfig {
        timeout: Duration::from_secs(20),
        retry: RetryPolicy { max_retries: 2, ..RetryPolicy::default() },
        ..ClientConfig::new(KEY.to_owned().into()).with_base_url(base_url)
    }
}

pub(crate) fn client_of(script: &Script) -> (Client, Arc<FakeTiming>) {
    let timing = Arc::new(FakeTiming::default());
    (Client::with_timing(config(&script.base_url), timing.clone()).unwrap(), timing)
}
