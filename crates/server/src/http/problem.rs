//! The one place where an error becomes an HTTP answer.
//!
//! Each room's error is mapped here to a code of a closed list, a status, and a sentence that is
//! fit for the caller. What went wrong inside stays inside: it is logged once, with the request's
//! id, by the frame around all routes. Text from Stripe or the database is never passed on.

use crate::apply::ApplyError;
use crate::billing::BillingError;
use crate::entitlements::EntitlementsError;
use crate::identity::IdentityError;
use crate::inbox::ReceiveError;
use crate::usage::UsageError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use store::StoreError;
use stripe::client::StripeError;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:ident, $title:literal;)*) => {
        /// Every code a problem can have. The list is closed: clients may branch on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $doc])+ $name,)* }

        impl Code {
            /// All of them, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// A few words for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request is malformed; `fields` may say where.
    InvalidRequest = "invalid_request", BAD_REQUEST, "Invalid request";
    /// Nobody is signed in, or the token is over.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Not signed in";
    /// Signed in, but not allowed to do this.
    Forbidden = "forbidden", FORBIDDEN, "Not allowed";
    /// There is no such thing, or it is somebody else's.
    NotFound = "not_found", NOT_FOUND, "Not found";
    /// The route knows other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    /// The state of things does not allow it.
    Conflict = "conflict", CONFLICT, "Conflict";
    /// A live subscription exists: change the plan instead.
    AlreadySubscribed = "already_subscribed", CONFLICT, "Already subscribed";
    /// Another checkout is open.
    CheckoutOpen = "checkout_open", CONFLICT, "A checkout is open";
    /// The payment did not go through; nothing was changed.
    PaymentFailed = "payment_failed", PAYMENT_REQUIRED, "Payment failed";
    /// The plan's limit is reached.
    LimitExceeded = "limit_exceeded", FORBIDDEN, "Limit exceeded";
    /// Too many requests; `retry_after_seconds` says when to come again.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// A webhook without `Stripe-Signature`.
    SignatureMissing = "signature_missing", BAD_REQUEST, "Signature missing";
    /// A webhook whose signature does not hold.
    SignatureInvalid = "signature_invalid", BAD_REQUEST, "Signature invalid";
    /// A webhook of the other mode.
    WrongMode = "wrong_mode", BAD_REQUEST, "Wrong mode";
    /// The body is too large.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "Payload too large";
    /// Operators paused webhooks.
    WebhooksPaused = "webhooks_paused", SERVICE_UNAVAILABLE, "Webhooks are paused";
    /// More work is waiting than can be done now.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Overloaded";
    /// The database cannot be used now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available";
    /// Stripe cannot be reached or fails.
    StripeUnavailable = "stripe_unavailable", SERVICE_UNAVAILABLE, "Stripe is not available";
    /// Stripe refused; `stripe_code` says why.
    StripeRefused = "stripe_refused", BAD_GATEWAY, "Stripe refused";
    /// Limits cannot be checked now.
    EnforcementUnavailable =
        "enforcement_unavailable", SERVICE_UNAVAILABLE, "Limits cannot be checked";
    /// A bug of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
}

/// A refusal or failure on its way out. The frame adds the request's id and renders it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    detail: String,
    extra: Map<String, Value>,
    retry_after_s: Option<u64>,
    /// For the log: what happened inside.
    cause: Option<String>,
}

/// What handlers return.
pub type ApiResult<T> = Result<T, Problem>;

impl Problem {
    /// A problem with one sentence for the caller.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            extra: Map::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// There is no such thing for this caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here.")
    }

    /// A request with fields that need another look.
    #[must_use]
    pub fn fields(fields: BTreeMap<&str, String>) -> Self {
        Self::new(Code::InvalidRequest, "Some fields need another look.")
            .with("fields", json!(fields))
    }

    /// A request with one field that needs another look.
    #[must_use]
    pub fn field(field: &str, hint: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(field, hint.into())]))
    }

    /// The same, with one more member of its body.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.extra.insert(name.to_owned(), value);
        self
    }

    /// The same, with the header that says when to come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds.max(1));
        self
    }

    fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        self.0.cause = Some(text);
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened inside, for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The finished answer.
    pub(super) fn render(&self, request_id: &str) -> Response {
        let parts = &*self.0;
        let code = parts.code;
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            format!("https://billhook.dev/problems/{}", code.name()).into(),
        );
        body.insert("title".to_owned(), code.title().into());
        body.insert("status".to_owned(), code.status().as_u16().into());
        body.insert("code".to_owned(), code.name().into());
        body.insert("detail".to_owned(), parts.detail.clone().into());
        body.insert("request_id".to_owned(), request_id.into());
        if code == Code::RateLimited {
            body.insert("retry_after_seconds".to_owned(), parts.retry_after_s.unwrap_or(1).into());
        }
        body.extend(parts.extra.clone());
        let mut response = (code.status(), Value::Object(body).to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = parts.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Leaves the body to the frame, which knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = match &error {
            StoreError::Unavailable { .. } => {
                Self::new(Code::Unavailable, "The database is not available.").retry_after(5)
            }
            StoreError::Stale => {
                Self::new(Code::Conflict, "It was changed in the meantime. Please try again.")
            }
            StoreError::Taken => Self::new(Code::Conflict, "It exists already."),
            StoreError::Corrupt { .. } | StoreError::Schema(_) | StoreError::Bug { .. } => {
                internal()
            }
        };
        problem.caused_by(&error)
    }
}

impl From<EntitlementsError> for Problem {
    fn from(error: EntitlementsError) -> Self {
        match error {
            EntitlementsError::NotFound(_) => Self::not_found(),
            EntitlementsError::Store(error) => error.into(),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Invalid(fields) => Self::fields(fields),
            IdentityError::WrongCredentials => {
                Self::new(Code::Unauthenticated, "E-mail or password is wrong.")
            }
            IdentityError::TooManyAttempts { retry_after_s } => {
                Self::new(Code::RateLimited, "Too many attempts. Please wait.")
                    .retry_after(retry_after_s)
            }
            IdentityError::Overloaded => {
                Self::new(Code::Overloaded, "Too many people are logging in. Please try again.")
                    .retry_after(2)
            }
            IdentityError::VerificationOver => {
                Self::field("token", "This link was used already, is over, or is not yours.")
            }
            IdentityError::Store(error) => error.into(),
            broken @ IdentityError::Broken { .. } => internal().caused_by(&broken),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Paused { retry_after } => {
                Self::new(Code::WebhooksPaused, "Webhooks are paused; please send it again later.")
                    .retry_after(retry_after.into())
            }
            ReceiveError::SignatureMissing => {
                Self::new(Code::SignatureMissing, "The Stripe-Signature header is missing.")
            }
            // Which of the reasons it was would only help somebody who is guessing.
            error @ ReceiveError::SignatureInvalid(_) => Self::new(
                Code::SignatureInvalid,
                "The Stripe-Signature header does not fit the body, the secret or the time.",
            )
            .caused_by(&error),
            ReceiveError::WrongMode => {
                Self::new(Code::WrongMode, "The event is of the other mode (live or test).")
            }
            error @ ReceiveError::NotAnEvent(_) => {
                Self::new(Code::InvalidRequest, "The body is no Stripe event.").caused_by(&error)
            }
            ReceiveError::Overloaded => {
                Self::new(Code::Overloaded, "Too many webhooks are waiting.").retry_after(5)
            }
            ReceiveError::Store(error) => {
                let problem =
                    Self::new(Code::Unavailable, "The event could not be stored.").retry_after(5);
                problem.caused_by(&error)
            }
        }
    }
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Park(reason) => {
                Self::new(Code::Conflict, reason.what_to_do()).with("reason", json!(reason.code()))
            }
            ApplyError::Stripe(error) => stripe_unavailable().caused_by(&error),
            ApplyError::Store(error) => error.into(),
        }
    }
}

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        let conflict = |detail: &str| Self::new(Code::Conflict, detail);
        match error {
            BillingError::AlreadySubscribed { plan, status } => Self::new(
                Code::AlreadySubscribed,
                "There is a subscription already; change its plan instead.",
            )
            .with("subscription", json!({"plan": plan, "status": status.name()})),
            BillingError::PlanUnknown { plan } => {
                Self::field("plan", format!("There is no plan `{plan}`."))
            }
            BillingError::PlanNotSold { plan, interval } => {
                let hint = format!("The plan `{plan}` is not sold {}.", interval.name());
                Self::field("interval", hint)
            }
            BillingError::NothingToChange => conflict("This is the present plan already."),
            BillingError::NotSubscribed => conflict("There is no subscription."),
            BillingError::NotChangeable { reason } => conflict(reason),
            BillingError::ForeignUrl { field } => {
                Self::field(field, "This address leads to an origin that is not allowed.")
            }
            BillingError::PaymentFailed { reason, decline_code } => {
                Self::new(Code::PaymentFailed, reason.clone())
                    .with("reason", json!(reason))
                    .with("decline_code", json!(decline_code))
            }
            BillingError::AmountChanged { now, .. } => {
                conflict("The amount is no longer the previewed one. Please look at it again.")
                    .with(
                        "amount_due",
                        json!({
                            "amount": now.minor,
                            "currency": now.currency.code(),
                        }),
                    )
            }
            BillingError::PreviewExpired => {
                conflict("The preview is too old. Please look at it again.")
            }
            BillingError::NothingToResume => conflict("There is nothing to take back."),
            BillingError::NotFound => Self::not_found(),
            BillingError::NotSurplus => conflict("This is the subscription that counts."),
            BillingError::Busy => conflict("Another change is under way. Please try again."),
            BillingError::RateLimited { retry_after } => {
                let seconds = u64::try_from(retry_after.as_millis()).unwrap_or(1).div_ceil(1_000);
                Self::new(Code::RateLimited, "Too many requests. Please wait a little.")
                    .retry_after(seconds)
            }
            BillingError::StripeUnavailable { source } => match source {
                Some(error) => stripe_unavailable().caused_by(&*error),
                None => stripe_unavailable(),
            },
            BillingError::StripeRefused { code, source } => {
                let problem = Self::new(Code::StripeRefused, "Stripe did not accept the request.")
                    .with("stripe_code", json!(code));
                match source {
                    Some(error) => problem.caused_by(&*error),
                    None => problem,
                }
            }
            BillingError::Apply(error) => error.into(),
            BillingError::Store(error) => error.into(),
        }
    }
}

impl From<UsageError> for Problem {
    fn from(error: UsageError) -> Self {
        match error {
            UsageError::UnknownFeature(id) => {
                Self::field("feature", format!("There is no feature `{id}`."))
            }
            UsageError::WrongKind(hint) => Self::field("feature", hint),
            UsageError::BadQuantity(hint) => Self::field("quantity", hint),
            UsageError::BadKey(hint) => Self::field("idempotency_key", hint),
            UsageError::NotFound => Self::not_found(),
            UsageError::Ended => Self::new(Code::Conflict, "The reservation has ended already."),
            // Nobody can decide now: the caller chooses whether that means yes or no.
            UsageError::Store(StoreError::Unavailable { .. }) => {
                Self::new(Code::EnforcementUnavailable, "Limits cannot be checked now.")
                    .retry_after(1)
            }
            UsageError::Store(error) => error.into(),
        }
    }
}

impl From<StripeError> for Problem {
    fn from(error: StripeError) -> Self {
        BillingError::from(error).into()
    }
}

fn stripe_unavailable() -> Problem {
    Problem::new(Code::StripeUnavailable, "Stripe cannot be reached now. Please try again.")
        .retry_after(10)
}

/// Something that is our fault; the log says what.
pub(super) fn internal() -> Problem {
    Problem::new(Code::Internal, "Something went wrong on our side. It has been logged.")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::catalogue::Interval;
    use domain::time::Span;

    /// Shows the closed list of codes with their statuses: what clients branch on.
    #[test]
    fn codes_are_a_closed_list() {
        let list: Vec<_> = Code::ALL
            .iter()
            .map(|code| format!("{} {}", code.status().as_u16(), code.name()))
            .collect();
        insta::assert_snapshot!(list.join("\n"), @r"
        400 invalid_request
        401 unauthenticated
        403 forbidden
        404 not_found
        405 method_not_allowed
        409 conflict
        409 already_subscribed
        409 checkout_open
        402 payment_failed
        403 limit_exceeded
        429 rate_limited
        400 signature_missing
        400 signature_invalid
        400 wrong_mode
        413 payload_too_large
        503 webhooks_paused
        503 overloaded
        503 unavailable
        503 stripe_unavailable
        502 stripe_refused
        503 enforcement_unavailable
        500 internal
        ");
    }

    /// Shows that the reference lists every code with its status, since clients are told to read
    /// it there.
    #[test]
    fn codes_are_documented() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/problems.md");
        let page = std::fs::read_to_string(page).unwrap();
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.name(), code.status().as_u16());
            assert!(page.contains(&row), "docs/reference/problems.md has no row `{row}`");
        }
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, Code::ALL.len(), "a code that is gone is still documented");
    }

    async fn rendered(problem: Problem) -> (Option<String>, Value) {
        let response = problem.render("bhr_1");
        let retry = response.headers().get(header::RETRY_AFTER);
        let retry = retry.map(|value| value.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap();
        (retry, serde_json::from_slice(&body).unwrap())
    }

    /// Shows a problem's body, with and without members of its own.
    #[tokio::test]
    async fn a_problem_says_what_where_and_when() {
        let limited = BillingError::RateLimited { retry_after: Span::millis(1_500) };
        let (retry, body) = rendered(limited.into()).await;
        assert_eq!(retry.as_deref(), Some("2"));
        assert_eq!(
            body,
            json!({
                "type": "https://billhook.dev/problems/rate_limited",
                "title": "Too many requests",
                "status": 429,
                "code": "rate_limited",
                "detail": "Too many requests. Please wait a little.",
                "request_id": "bhr_1",
                "retry_after_seconds": 2,
            })
        );
        let not_sold =
            BillingError::PlanNotSold { plan: "team".into(), interval: Interval::Monthly };
        let (_, body) = rendered(not_sold.into()).await;
        assert_eq!(body["fields"], json!({"interval": "The plan `team` is not sold monthly."}));
    }

    /// Shows that what the database said stays inside: it is kept for the log only.
    #[tokio::test]
    async fn inside_text_stays_inside() {
        let error = StoreError::Schema("table users has no column password".to_owned());
        let problem = Problem::from(error);
        assert!(problem.cause().unwrap().contains("password"));
        let (_, body) = rendered(problem).await;
        assert!(!body.to_string().contains("password"), "{body}");
    }
}
