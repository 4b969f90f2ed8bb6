//! What can go wrong between us and Stripe.

use std::{error::Error, fmt};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde::Deserialize;
use serde_json::Value;

/// A configuration with which no client can be made. Its text never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// The secret key is empty or has characters no key has.
    #[error("the Stripe secret key is empty or has characters that no key has")]
    SecretKey,
    /// The address is not an http(s) URL.
    #[error("the Stripe API address is not an http or https URL without a query")]
    BaseUrl,
    /// A live key would travel unencrypted.
    #[error("a live Stripe key is only ever sent over https")]
    LiveKeyOverHttp,
    /// The version is not one.
    #[error("the Stripe API version is not of the form YYYY-MM-DD.release")]
    ApiVersion,
    /// The TLS library could not start.
    #[error("no TLS connections can be made: {reason}")]
    Tls {
        /// The library's words.
        reason: String,
    },
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No connection, or it broke.
    Connection,
    /// No answer in time.
    Timeout,
    /// 429: too many requests, or an object is locked.
    RateLimited,
    /// 401: the key is missing, wrong or revoked.
    Authentication,
    /// 403: the key may not do this.
    Permission,
    /// 402, or `card_error`: the bank or the card said no.
    Card,
    /// The idempotency key was used before with other parameters.
    Idempotency,
    /// 409: another request is at work on the same thing.
    Conflict,
    /// 404: there is no such object (or route).
    NotFound,
    /// 400 and the other 4xx: the request is wrong.
    InvalidRequest,
    /// 5xx.
    Server,
    /// The answer was a success but could not be read.
    Decode,
}

/// Stripe's error body.
///
/// `message` is Stripe's text for developers. It belongs in operators' pages and nowhere else;
/// `Display` of [`StripeError`] leaves it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiProblem {
    /// The HTTP status.
    pub status: u16,
    /// `api_error`, `card_error`, `idempotency_error` or `invalid_request_error`.
    pub error_type: Option<String>,
    /// Such as `resource_missing` or `card_declined`.
    pub code: Option<String>,
    /// The bank's reason.
    pub decline_code: Option<String>,
    /// What to do after a decline, if Stripe knows.
    pub advice_code: Option<String>,
    /// The parameter at fault, with brackets.
    pub param: Option<String>,
    /// Stripe's words.
    pub message: Option<String>,
    /// The charge that failed.
    pub charge_id: Option<String>,
    /// The intent that failed.
    pub payment_intent_id: Option<String>,
    /// That intent's status after the failure.
    pub payment_intent_status: Option<String>,
    /// The payment method that failed.
    pub payment_method_id: Option<String>,
    /// The setup intent that failed.
    pub setup_intent_id: Option<String>,
    /// Where Stripe explains the code.
    pub doc_url: Option<String>,
    /// `req_…`, by which Stripe's support finds the request.
    pub request_id: Option<String>,
    /// Why, on a 429, Stripe held us back.
    pub rate_limited_reason: Option<String>,
}

/// A request that failed for good, or after all its repetitions.
#[derive(Debug)]
pub struct StripeError {
    kind: ErrorKind,
    /// Boxed: errors travel in every `Result`.
    detail: Box<Detail>,
}

#[derive(Debug, Default)]
struct Detail {
    problem: Option<ApiProblem>,
    request_id: Option<String>,
    method: Method,
    path: String,
    attempts: u32,
    /// An earlier attempt was lost on the way, so that this answer does not tell what became
    /// of it.
    uncertain_before: bool,
    /// The connection was never made.
    never_sent: bool,
    reason: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StripeError {
    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What Stripe said, where Stripe answered.
    #[must_use]
    pub fn api(&self) -> Option<&ApiProblem> {
        self.detail.problem.as_ref()
    }

    /// Stripe's id of the request, where Stripe answered.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.detail.request_id.as_deref()
    }

    /// Stripe's code, such as `resource_missing`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.api()?.code.as_deref()
    }

    /// The bank's reason for a decline.
    #[must_use]
    pub fn decline_code(&self) -> Option<&str> {
        self.api()?.decline_code.as_deref()
    }

    /// How often the request was sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.detail.attempts
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Connection
                | ErrorKind::Timeout
                | ErrorKind::RateLimited
                | ErrorKind::Conflict
                | ErrorKind::Server
        )
    }

    /// Whether the object in the path does not exist (for this key).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.kind == ErrorKind::NotFound && self.code() == Some("resource_missing")
    }

    /// Whether bank or card said no.
    #[must_use]
    pub fn is_card_error(&self) -> bool {
        self.kind == ErrorKind::Card
    }

    /// Whether the effect of a write may have happened although it failed: then it must be
    /// repeated with the same idempotency key, or looked up, before anything else is tried.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        if self.detail.method == Method::GET {
            return false;
        }
        // A refusal under the same key is the answer to the lost attempt too, unless Stripe
        // turned us away before looking. A deletion finds nothing after it has succeeded.
        let settles = match self.kind {
            ErrorKind::Card | ErrorKind::Idempotency | ErrorKind::InvalidRequest => true,
            ErrorKind::NotFound => self.detail.method != Method::DELETE,
            _ => false,
        };
        self.is_uncertain() || (self.detail.uncertain_before && !settles)
    }

    /// Whether the request of this attempt reached Stripe, or may have, without a final answer.
    pub(super) fn is_uncertain(&self) -> bool {
        !self.detail.never_sent
            && matches!(
                self.kind,
                ErrorKind::Connection
                    | ErrorKind::Timeout
                    | ErrorKind::Server
                    | ErrorKind::Conflict
                    | ErrorKind::Decode
            )
    }

    pub(super) fn lost(error: reqwest::Error) -> Self {
        // The URL would carry the query into logs.
        let error = error.without_url();
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Connection };
        let never_sent = error.is_connect();
        let detail = Detail { source: Some(error.into()), never_sent, ..Detail::default() };
        Self { kind, detail: Box::new(detail) }
    }

    pub(super) fn decode(reason: &str, headers: &HeaderMap) -> Self {
        let detail = Detail {
            reason: Some(reason.to_owned()),
            request_id: text(headers, "request-id"),
            ..Detail::default()
        };
        Self { kind: ErrorKind::Decode, detail: Box::new(detail) }
    }

    /// An answer whose JSON is not what was expected. Of serde's words only the position is
    /// kept: they can repeat values.
    pub(super) fn shape(
        error: &serde_json::Error,
        expected: &str,
        request_id: Option<String>,
        method: Method,
        path: String,
    ) -> Self {
        let missing = error.to_string();
        let missing = missing.strip_prefix("missing field `").and_then(|r| r.split('`').next());
        let reason = match missing {
            Some(field) => format!("the answer is no {expected}: field `{field}` is missing"),
            None => format!(
                "the answer is no {expected} (line {}, column {})",
                error.line(),
                error.column()
            ),
        };
        let detail = Detail {
            reason: Some(reason),
            request_id,
            method,
            path,
            attempts: 1,
            ..Detail::default()
        };
        Self { kind: ErrorKind::Decode, detail: Box::new(detail) }
    }

    pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let request_id = text(headers, "request-id");
        let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let wire = body.error;
        let id = |value: &Value| {
            value.as_str().or_else(|| value.get("id").and_then(Value::as_str)).map(str::to_owned)
        };
        let problem = ApiProblem {
            status: status.as_u16(),
            payment_intent_id: id(&wire.payment_intent),
            payment_intent_status: wire
                .payment_intent
                .get("status")
                .and_then(Value::as_str)
                .map(str::to_owned),
            payment_method_id: id(&wire.payment_method),
            setup_intent_id: id(&wire.setup_intent),
            charge_id: id(&wire.charge),
            error_type: wire.error_type,
            code: wire.code,
            decline_code: wire.decline_code,
            advice_code: wire.advice_code,
            param: wire.param,
            message: wire.message,
            doc_url: wire.doc_url,
            request_id: request_id.clone(),
            rate_limited_reason: text(headers, "stripe-rate-limited-reason"),
        };
        let kind = match (status.as_u16(), problem.error_type.as_deref()) {
            (429, _) => ErrorKind::RateLimited,
            (402, _) | (_, Some("card_error")) => ErrorKind::Card,
            (_, Some("idempotency_error")) if status != StatusCode::CONFLICT => {
                ErrorKind::Idempotency
            }
            (401, _) => ErrorKind::Authentication,
            (403, _) => ErrorKind::Permission,
            (404, _) => ErrorKind::NotFound,
            (409, _) => ErrorKind::Conflict,
            (500.., _) => ErrorKind::Server,
            _ => ErrorKind::InvalidRequest,
        };
        let detail = Detail { problem: Some(problem), request_id, ..Detail::default() };
        Self { kind, detail: Box::new(detail) }
    }

    /// Adds what was asked, how often, and whether an earlier attempt was lost.
    pub(super) fn after(
        mut self,
        method: &Method,
        path: &str,
        attempts: u32,
        uncertain_before: bool,
    ) -> Self {
        self.detail.uncertain_before = uncertain_before;
        self.detail.method = method.clone();
        self.detail.path = path.to_owned();
        self.detail.attempts = attempts;
        self
    }
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorWire,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorWire {
    #[serde(rename = "type")]
    error_type: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    advice_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    doc_url: Option<String>,
    charge: Value,
    payment_intent: Value,
    payment_method: Value,
    setup_intent: Value,
}

impl fmt::Display for StripeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Connection => "Stripe could not be reached",
            ErrorKind::Timeout => "Stripe did not answer in time",
            ErrorKind::RateLimited => "Stripe asks us to slow down",
            ErrorKind::Authentication => "Stripe does not accept the API key",
            ErrorKind::Permission => "the API key lacks a permission",
            ErrorKind::Card => "the payment was declined",
            ErrorKind::Idempotency => "the idempotency key was used for something else",
            ErrorKind::Conflict => "another request is at work on the same thing at Stripe",
            ErrorKind::NotFound => "Stripe knows no such object",
            ErrorKind::InvalidRequest => "Stripe refused the request",
            ErrorKind::Server => "Stripe failed",
            ErrorKind::Decode => "Stripe's answer could not be read",
        };
        f.write_str(what)?;
        let detail = &self.detail;
        if !detail.path.is_empty() {
            write!(f, ": {} {}", detail.method, detail.path)?;
        }
        if let Some(reason) = &detail.reason {
            write!(f, ": {reason}")?;
        }
        let mut facts = Vec::new();
        if let Some(problem) = &detail.problem {
            facts.push(format!("status {}", problem.status));
            let named = [
                ("code", &problem.code),
                ("decline code", &problem.decline_code),
                ("param", &problem.param),
            ];
            for (name, value) in named {
                facts.extend(value.as_ref().map(|value| format!("{name} {value}")));
            }
        }
        facts.extend(detail.request_id.as_ref().map(|id| format!("request {id}")));
        if detail.attempts > 1 {
            facts.push(format!("{} attempts", detail.attempts));
        }
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}

impl Error for StripeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.detail.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
