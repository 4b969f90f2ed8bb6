//! A running simulator with its catalogue, a browser without a script, and a webhook receiver.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use simulator::{RunningSimulator, SimClock, Simulator, SimulatorConfig};

/// 2026-11-21T12:00:00Z
pub(crate) const START: i64 = 1_795_262_400;

/// Where checkout sends the browser.
pub(crate) const SUCCESS: &str = "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}";
/// Where the cancel link leads.
pub(crate) const CANCEL: &str = "http://127.0.0.1:9/no";

/// A simulator whose time stands still, and what the tests do with it.
pub(crate) struct House {
    pub(crate) simulator: RunningSimulator,
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
}

/// An answer of a page, slashes and quotes written plainly.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Page {
    /// Whether an element of this test id is there.
    pub(crate) fn has(&self, testid: &str) -> bool {
        self.body.contains(&format!("data-testid=\"{testid}\""))
    }

    /// Where the browser is sent; fails the test when it is not.
    pub(crate) fn redirect(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.body);
        self.location.clone().unwrap()
    }

    /// The text of the element of this test id, up to its first tag.
    pub(crate) fn text(&self, testid: &str) -> String {
        let mark = format!("data-testid=\"{testid}\"");
        let after = self.body.split_once(&mark).map(|(_, after)| after).unwrap_or_default();
        let text = after.split_once('>').map(|(_, text)| text).unwrap_or_default();
        text.split('<').next().unwrap_or_default().trim().to_owned()
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(SimulatorConfig::default()).await
    }

    pub(crate) async fn with(config: SimulatorConfig) -> Self {
        let config = SimulatorConfig {
            clock: SimClock::fixed(START),
            seed: Some(1),
            background: false,
            ..config
        };
        Self::around(Simulator::start(config).await.unwrap())
    }

    /// A house around a simulator that is already running.
    pub(crate) fn around(simulator: RunningSimulator) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let base = simulator.base_url().to_owned();
        Self { simulator, http, base }
    }

    /// A call of the API; fails the test when it is refused.
    pub(crate) async fn api(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        let (status, json) = self.try_api(method, path, form).await;
        assert!(status < 300, "{method} {path}: {status} {json:#}");
        json
    }

    pub(crate) async fn try_api(
        &self,
        method: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let read = method == reqwest::Method::GET;
        let query = if read { format!("?{body}") } else { String::new() };
        let mut request = self
            .http
            .request(method, format!("{}{path}{query}", self.base))
            .header("authorization", "Bearer sk_test_outward");
        if !read {
            request =
                request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        Self::page(self.http.get(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        Self::page(request.send().await.unwrap()).await
    }

    async fn page(response: reqwest::Response) -> Page {
        let status = response.status().as_u16();
        let location = response
            .headers()
            .get("location")
            .map(|location| location.to_str().unwrap().to_owned());
        let body = response.text().await.unwrap().replace("&#x2f;", "/").replace("&#x27;", "'");
        Page { status, location, body }
    }

    /// A monthly price of a new product.
    pub(crate) async fn price(&self, name: &str, amount: i64, currency: &str) -> String {
        let amount = amount.to_string();
        let price = self
            .api(
                "POST",
                "/v1/prices",
                &[
                    ("unit_amount", &amount),
                    ("currency", currency),
                    ("recurring[interval]", "month"),
                    ("product_data[name]", name),
                ],
            )
            .await;
        price["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn customer(&self, email: &str) -> String {
        let customer =
            self.api("POST", "/v1/customers", &[("email", email), ("name", "Ada Example")]).await;
        customer["id"].as_str().unwrap().to_owned()
    }

    /// An open session in subscription mode.
    pub(crate) async fn session(&self, customer: &str, price: &str) -> Value {
        self.api(
            "POST",
            "/v1/checkout/sessions",
            &[
                ("mode", "subscription"),
                ("customer", customer),
                ("line_items[0][price]", price),
                ("line_items[0][quantity]", "1"),
                ("success_url", SUCCESS),
                ("cancel_url", CANCEL),
            ],
        )
        .await
    }

    /// Pays a session with a card.
    pub(crate) async fn pay(&self, session: &Value, number: &str) -> Page {
        self.post(&page_of(session), &card(number)).await
    }

    /// A customer who bought `price`, and the subscription.
    pub(crate) async fn subscriber(&self, price: &str) -> (String, Value) {
        let customer = self.customer("ada@example.com").await;
        let session = self.session(&customer, price).await;
        let page = self.pay(&session, "4242424242424242").await;
        assert_eq!(page.status, 303, "{}", page.body);
        let subscription = self.subscription(&customer).await;
        (customer, subscription)
    }

    /// The customer's newest subscription.
    pub(crate) async fn subscription(&self, customer: &str) -> Value {
        let list = self
            .api("GET", "/v1/subscriptions", &[("customer", customer), ("status", "all")])
            .await;
        list["data"][0].clone()
    }

    /// The path of a fresh portal session.
    pub(crate) async fn portal(&self, customer: &str, more: &[(&str, &str)]) -> String {
        let mut form = vec![("customer", customer), ("return_url", "http://127.0.0.1:9/back")];
        form.extend_from_slice(more);
        let session = self.api("POST", "/v1/billing_portal/sessions", &form).await;
        path(session["url"].as_str().unwrap())
    }

    /// The types of all events so far, oldest first.
    pub(crate) fn event_types(&self) -> Vec<String> {
        self.simulator
            .engine()
            .events_after(0, 10_000)
            .into_iter()
            .map(|event| event.event_type)
            .collect()
    }
}

/// The fields of the card form, filled.
pub(crate) fn card(number: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("email", "ada@example.com"),
        ("card_number", number),
        ("card_expiry", "12 / 34"),
        ("card_cvc", "123"),
        ("card_name", "Ada Example"),
    ]
}

/// The path of a session's page.
pub(crate) fn page_of(session: &Value) -> String {
    path(session["url"].as_str().unwrap())
}

/// The path of an address.
pub(crate) fn path(address: &str) -> String {
    let url = url::Url::parse(address).unwrap();
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// A delivery as the receiver saw it.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Clone)]
struct Inbox {
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<Mutex<u16>>,
    arrived: Arc<tokio::sync::Notify>,
}

/// An application that receives webhooks.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inbox: Inbox,
}

impl Receiver {
    pub(crate) async fn open() -> Self {
        let inbox = Inbox {
            received: Arc::default(),
            status: Arc::new(Mutex::new(200)),
            arrived: Arc::default(),
        };
        let router = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox }
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        *self.inbox.status.lock().unwrap() = status;
    }

    /// Waits for the next delivery.
    pub(crate) async fn next(&self) -> Received {
        loop {
            if let Some(received) = self.inbox.received.lock().unwrap().pop() {
                return received;
            }
            self.inbox.arrived.notified().await;
        }
    }

    /// Takes what arrived since the last call.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.inbox.received.lock().unwrap())
    }
}

async fn receive(
    State(inbox): State<Inbox>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    inbox.received.lock().unwrap().push(Received { headers, body });
    inbox.arrived.notify_one();
    let status = *inbox.status.lock().unwrap();
    (StatusCode::from_u16(status).unwrap(), "the receiver's words")
}
