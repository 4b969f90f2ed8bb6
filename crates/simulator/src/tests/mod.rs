//! Tests of the whole account through its API, without a network: each answer is also checked
//! against Stripe's own OpenAPI document, where that lies next to the repository.
//! Never looks into the state; what a client cannot see is not asserted here.

#![expect(clippy::unwrap_used, reason = "tests")]

mod checkout;
mod lifecycle;
mod money;
mod openapi;
mod protocol;
mod purchases;
mod risk;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt;

use crate::{Engine, Policy, SimClock};

/// 2026-10-01T00:00:00Z.
pub(super) const START: i64 = 1_790_812_800;
pub(super) const DAY: i64 = 86_400;

/// An answer with what tests look at.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(super) fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    pub(super) fn param(&self) -> &str {
        self.body["error"]["param"].as_str().unwrap_or_default()
    }
}

/// A simulated account and a client of it.
pub(super) struct Stripe {
    pub(super) engine: Engine,
    router: Router,
    headers: Vec<(String, String)>,
}

type Form<'f> = &'f [(&'f str, &'f str)];

impl Stripe {
    pub(super) fn new() -> Self {
        Self::with(Policy { upcoming_days: 0, ..Policy::default() })
    }

    pub(super) fn with(policy: Policy) -> Self {
        let engine = Engine::new(SimClock::fixed(START), 7, policy, "http://sim.test");
        let router = crate::protocol::router(engine.clone());
        Self { engine, router, headers: Vec::new() }
    }

    /// The same account, called with one header more.
    pub(super) fn header(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name.to_owned(), value.to_owned()));
        Self { engine: self.engine.clone(), router: self.router.clone(), headers }
    }

    pub(super) async fn call(&self, method: &str, path: &str, form: Form<'_>) -> Answer {
        let encoded =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (uri, body) = if method == "POST" {
            (path.to_owned(), encoded)
        } else if encoded.is_empty() {
            (path.to_owned(), String::new())
        } else {
            (format!("{path}?{encoded}"), String::new())
        };
        let mut request = Request::builder().method(method).uri(uri);
        if !self.headers.iter().any(|(name, _)| name == "authorization") {
            request = request.header("authorization", "Bearer sk_test_123");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap();
        let old = self.headers.iter().any(|(name, _)| name == "stripe-version");
        if status == 200 && !old {
            openapi::check_answer(method, path, &body);
        }
        Answer { status, headers, body }
    }

    pub(super) async fn post(&self, path: &str, form: Form<'_>) -> Value {
        let answer = self.call("POST", path, form).await;
        assert_eq!(answer.status, 200, "POST {path}: {}", answer.body);
        answer.body
    }

    pub(super) async fn get(&self, path: &str, form: Form<'_>) -> Value {
        let answer = self.call("GET", path, form).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    pub(super) async fn delete(&self, path: &str, form: Form<'_>) -> Value {
        let answer = self.call("DELETE", path, form).await;
        assert_eq!(answer.status, 200, "DELETE {path}: {}", answer.body);
        answer.body
    }

    /// The position after which [`Stripe::types`] looks.
    pub(super) fn mark(&self) -> u64 {
        self.engine.recent_events(1).first().map_or(0, |event| event.seq)
    }

    /// The types of the events since a mark, in order.
    pub(super) fn types(&self, mark: u64) -> Vec<String> {
        let events = self.engine.events_after(mark, 1_000);
        events.into_iter().map(|event| event.event_type).collect()
    }

    pub(super) fn last(&self, event_type: &str) -> Value {
        let event = self
            .engine
            .recent_events(1_000)
            .into_iter()
            .find(|event| event.event_type == event_type)
            .unwrap_or_else(|| panic!("no {event_type}"));
        self.engine.render_event(&event.id, None).unwrap()
    }

    pub(super) fn days(&self, days: i64) {
        self.engine.advance_clock(self.engine.clock().now() + days * DAY).unwrap();
    }

    pub(super) fn hours(&self, hours: i64) {
        self.engine.advance_clock(self.engine.clock().now() + hours * 3_600).unwrap();
    }

    /// A customer whose default card is this test card.
    pub(super) async fn customer(&self, card: &str) -> String {
        let body = self
            .post(
                "/v1/customers",
                &[
                    ("email", "jo@example.com"),
                    ("name", "Jo"),
                    ("payment_method", card),
                    ("invoice_settings[default_payment_method]", card),
                ],
            )
            .await;
        id(&body)
    }

    /// A recurring price of its own product.
    pub(super) async fn price(&self, name: &str, amount: i64, interval: &str) -> String {
        self.price_in(name, amount, interval, "usd").await
    }

    pub(super) async fn price_in(
        &self,
        name: &str,
        amount: i64,
        interval: &str,
        currency: &str,
    ) -> String {
        let body = self
            .post(
                "/v1/prices",
                &[
                    ("currency", currency),
                    ("unit_amount", &amount.to_string()),
                    ("recurring[interval]", interval),
                    ("product_data[name]", name),
                ],
            )
            .await;
        id(&body)
    }

    pub(super) async fn subscribe(&self, customer: &str, price: &str, more: Form<'_>) -> Value {
        let mut form = vec![("customer", customer), ("items[0][price]", price)];
        form.extend_from_slice(more);
        self.post("/v1/subscriptions", &form).await
    }

    /// Switches the first item of a subscription.
    pub(super) async fn switch(&self, subscription: &Value, price: &str, more: Form<'_>) -> Answer {
        let item = subscription["items"]["data"][0]["id"].as_str().unwrap();
        let mut form = vec![("items[0][id]", item), ("items[0][price]", price)];
        form.extend_from_slice(more);
        let path = format!("/v1/subscriptions/{}", id(subscription));
        self.call("POST", &path, &form).await
    }
}

pub(super) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}
