//! Calls of the API from inside, and what several pages look up in the account.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::Value;
use tower::ServiceExt;
use url::form_urlencoded;

use super::Pages;
use super::text::field;
use crate::Kind;

/// The key the control page uses where any is good.
const CONTROL_KEY: &str = "sk_test_control";

/// The largest answer read back.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

impl Pages {
    /// Calls the API as a client would and returns its JSON, or the message of its error.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Value, String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let key = self.engine.accepted_keys().into_iter().next();
        let key = key.as_deref().unwrap_or(CONTROL_KEY);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .map_err(|error| error.to_string())?;
        let Ok(response) = self.api.clone().oneshot(request).await;
        let fine = response.status().is_success();
        let body = to_bytes(response.into_body(), ANSWER_LIMIT)
            .await
            .map_err(|error| error.to_string())?;
        let json: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if fine { Ok(json) } else { Err(field(&json["error"], "message").to_owned()) }
    }

    /// The name on the pages: the account's business name.
    pub(super) fn merchant(&self) -> String {
        self.engine.merchant_name()
    }

    /// The name of a product given by id or as a whole object.
    pub(super) fn product_name(&self, product: &Value) -> String {
        match product {
            Value::String(id) => self
                .engine
                .object(id)
                .map(|product| field(&product, "name").to_owned())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.clone()),
            whole => field(whole, "name").to_owned(),
        }
    }

    /// The card that pays for the customer: of the subscription if one is given, else of the
    /// invoice settings, else the newest attached one.
    pub(super) fn card_of(&self, customer: &str, subscription: Option<&Value>) -> Option<CardFace> {
        let from_subscription = subscription.map(|s| field(s, "default_payment_method").to_owned());
        let from_customer = self.engine.object(customer).map(|customer| {
            field(&customer["invoice_settings"], "default_payment_method").to_owned()
        });
        let named = [from_subscription, from_customer]
            .into_iter()
            .flatten()
            .find(|id| !id.is_empty())
            .and_then(|id| self.engine.object(&id));
        let method = named.or_else(|| {
            self.engine
                .list(Kind::PaymentMethod, Some(("customer", customer)), 1)
                .into_iter()
                .next()
        })?;
        Some(CardFace::of(&method))
    }
}

/// What may be shown of a card.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct CardFace {
    pub(super) brand: String,
    pub(super) last4: String,
    pub(super) expires: String,
}

impl CardFace {
    /// From a payment method.
    pub(super) fn of(method: &Value) -> Self {
        let card = &method["card"];
        let (month, year) =
            (card["exp_month"].as_i64().unwrap_or(0), card["exp_year"].as_i64().unwrap_or(0));
        Self {
            brand: match field(card, "brand") {
                "amex" => "American Express".to_owned(),
                "" => "Card".to_owned(),
                brand => {
                    let mut letters = brand.chars();
                    letters
                        .next()
                        .map(|first| first.to_uppercase().chain(letters).collect())
                        .unwrap_or_default()
                }
            },
            last4: field(card, "last4").to_owned(),
            expires: format!("{month:02} / {:02}", year % 100),
        }
    }
}
