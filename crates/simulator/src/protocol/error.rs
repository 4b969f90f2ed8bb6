//! Stripe's error body: one type for the API and for the pages.

use serde_json::{Map, Value, json};

/// The four values that Stripe's `error.type` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorKind {
    /// The simulator's own fault.
    #[default]
    Api,
    /// The card was refused.
    Card,
    /// An idempotency key was used wrongly.
    Idempotency,
    /// The request cannot be granted as it is.
    InvalidRequest,
}

impl ErrorKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api_error",
            Self::Card => "card_error",
            Self::Idempotency => "idempotency_error",
            Self::InvalidRequest => "invalid_request_error",
        }
    }
}

/// A refusal, as Stripe words it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Its `type`.
    pub kind: ErrorKind,
    /// Stable short code, for example `resource_missing`.
    pub code: Option<String>,
    /// Text for people.
    pub message: String,
    /// The parameter at fault, in bracket style.
    pub param: Option<Box<str>>,
    /// The bank's reason, for declines.
    pub decline_code: Option<String>,
    /// What else the error names (`charge`, `payment_intent`, `payment_method`, `setup_intent`).
    pub objects: Vec<(&'static str, Value)>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.kind.as_str(), self.message)
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// A 400 with `invalid_request_error`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: ErrorKind::InvalidRequest,
            message: message.into(),
            ..Self::default()
        }
    }

    /// The same refusal, naming the parameter.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into().into_boxed_str());
        self
    }

    /// The same refusal, with a code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The same refusal under another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// 404: the id in the path names nothing.
    pub fn no_such(noun: &str, id: &str) -> Self {
        Self::missing(noun, id, "id").with_status(404)
    }

    /// 400: an id in the parameters names nothing.
    pub fn missing(noun: &str, id: &str, param: &str) -> Self {
        Self::invalid(format!("No such {noun}: '{id}'")).code("resource_missing").at(param)
    }

    /// 400: a required parameter is absent.
    pub fn parameter_missing(param: &str) -> Self {
        Self::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .at(param)
    }

    /// 402: the card was refused.
    pub fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        Self {
            status: 402,
            kind: ErrorKind::Card,
            code: Some(code.to_owned()),
            message: message.to_owned(),
            decline_code: decline_code.map(str::to_owned),
            ..Self::default()
        }
    }

    /// The JSON body; `log` is the link to the request log.
    pub fn body(&self, log: &str) -> Value {
        let mut error = Map::new();
        if let Some(code) = &self.code {
            error.insert("code".to_owned(), json!(code));
        }
        if let Some(decline) = &self.decline_code {
            error.insert("decline_code".to_owned(), json!(decline));
        }
        if let Some(code) = &self.code {
            let url = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"));
            error.insert("doc_url".to_owned(), json!(url));
        }
        error.insert("message".to_owned(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".to_owned(), json!(param));
        }
        for (name, object) in &self.objects {
            error.insert((*name).to_owned(), object.clone());
        }
        error.insert("request_log_url".to_owned(), json!(log));
        error.insert("type".to_owned(), json!(self.kind.as_str()));
        json!({ "error": error })
    }
}
