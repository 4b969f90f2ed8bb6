//! The HTTP client: every request Billhook makes to Stripe.
//!
//! It owns authentication, the pinned version, time-outs, retries, idempotency keys and the
//! reading of errors, and says of each answer when Stripe read the object. It never decides
//! what to do about a failure beyond repeating the same request, and never logs a key, a body
//! or Stripe's words. Start reading at [`Client`]; the typed calls are in [`resources`].

pub mod resources;

mod answer;

mod error;

mod idempotency;

mod pages;

mod retry;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

pub use answer::{Fetched, ReadAt};
pub use error::{ApiProblem, ErrorKind, InvalidConfig, StripeError};
pub use idempotency::{IdempotencyKey, InvalidIdempotencyKey};
pub use pages::Pager;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, Url,
    header::{self, HeaderMap, HeaderValue},
};
pub use retry::{RetryPolicy, SystemTiming, Timing};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use self::{answer::Answer, retry::Verdict};
use crate::{
    form::Params,
    versions::{self, ApiVersion},
};

/// Stripe's own address.
pub const STRIPE_API_BASE: &str = "https://api.stripe.com";

/// An answer larger than this is not read to its end. The largest lists are around 1 MiB.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Path segments keep what RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How to reach Stripe. Holds the secret key, which `Debug` does not show.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `sk_…` or `rk_…`.
    pub secret_key: SecretString,
    /// Scheme and host, with a path only if a gateway needs one.
    pub base_url: String,
    /// The version each request asks for.
    pub api_version: String,
    /// Longest wait for one attempt, from connecting to the last byte.
    pub timeout: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// When and how often a request is repeated.
    pub retry: RetryPolicy,
}

impl ClientConfig {
    /// Stripe itself, the pinned version, 30 s per attempt, two repetitions.
    #[must_use]
    pub fn new(secret_key: SecretString) -> Self {
        Self {
            secret_key,
            base_url: STRIPE_API_BASE.to_owned(),
            api_version: versions::PINNED.to_owned(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry: RetryPolicy::default(),
        }
    }

    /// The same, at another address: a simulator or a gateway.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// The mode of the secret key.
    #[must_use]
    pub fn key_mode(&self) -> KeyMode {
        KeyMode::of(self.secret_key.expose_secret())
    }
}

/// Which kind of money a key moves, as its prefix says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// `sk_test_…`, `rk_test_…`, `pk_test_…`.
    Test,
    /// `sk_live_…`, `rk_live_…`, `pk_live_…`.
    Live,
    /// Anything else.
    Unknown,
}

impl KeyMode {
    /// Reads the mode off a key. The key is not kept.
    #[must_use]
    pub fn of(key: &str) -> Self {
        match key.split('_').nth(1) {
            Some("test") => Self::Test,
            Some("live") => Self::Live,
            _ => Self::Unknown,
        }
    }
}

/// A client of Stripe's API. Cloning is cheap and shares connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    base: Url,
    key_mode: KeyMode,
    retry: RetryPolicy,
    timing: Arc<dyn Timing>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base.as_str())
            .field("key_mode", &self.shared.key_mode)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client that waits and draws lots by the system.
    ///
    /// # Errors
    /// When the key, the address or the version cannot be used; see [`InvalidConfig`].
    pub fn new(config: ClientConfig) -> Result<Self, InvalidConfig> {
        Self::with_timing(config, Arc::new(SystemTiming::new()))
    }

    /// Makes a client whose waiting and randomness come from `timing`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_timing(
        config: ClientConfig,
        timing: Arc<dyn Timing>,
    ) -> Result<Self, InvalidConfig> {
        let base = Url::parse(config.base_url.trim()).map_err(|_| InvalidConfig::BaseUrl)?;
        if !matches!(base.scheme(), "http" | "https")
            || base.host_str().is_none()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(InvalidConfig::BaseUrl);
        }
        let key_mode = config.key_mode();
        if key_mode == KeyMode::Live && base.scheme() != "https" {
            return Err(InvalidConfig::LiveKeyOverHttp);
        }
        ApiVersion::from_str(&config.api_version).map_err(|_| InvalidConfig::ApiVersion)?;
        Ok(Self {
            shared: Arc::new(Shared {
                http: connector(&config)?,
                base,
                key_mode,
                retry: config.retry,
                timing,
            }),
        })
    }

    /// Which kind of money this client moves.
    #[must_use]
    pub fn key_mode(&self) -> KeyMode {
        self.shared.key_mode
    }

    /// Reads `path` (from `/v1/` on, made with [`path`]) with `params` as its query.
    ///
    /// # Errors
    /// [`StripeError`], after the retries the policy allows.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        params: &Params,
    ) -> Result<Fetched<T>, StripeError> {
        self.send(Method::GET, path, params, None).await?.read(Method::GET, path)
    }

    /// Writes. The key makes the effect happen once, however often the request is sent: it has
    /// to be stored before the first attempt.
    ///
    /// # Errors
    /// [`StripeError`], after the retries the policy allows. Where
    /// [`StripeError::may_have_happened`] says so, only the same key may be used again.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        params: &Params,
        key: &IdempotencyKey,
    ) -> Result<Fetched<T>, StripeError> {
        self.send(Method::POST, path, params, Some(key)).await?.read(Method::POST, path)
    }

    /// Deletes. Stripe knows no idempotency keys here: after a lost answer the repetition says
    /// [`StripeError::is_missing`], which then means that it is done.
    ///
    /// # Errors
    /// [`StripeError`], after the retries the policy allows.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        params: &Params,
    ) -> Result<Fetched<T>, StripeError> {
        self.send(Method::DELETE, path, params, None).await?.read(Method::DELETE, path)
    }

    /// Reads a list page by page.
    #[must_use]
    pub fn pages<T>(&self, path: &str, params: Params) -> Pager<T> {
        Pager::new(self.clone(), path.to_owned(), params)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        key: Option<&IdempotencyKey>,
    ) -> Result<Answer, StripeError> {
        let encoded = params.encode();
        let mut attempts = 0;
        let mut uncertain_before = false;
        loop {
            attempts += 1;
            let result = self.attempt(&method, path, &encoded, key).await;
            let (verdict, error) = match result {
                Ok(answer) => return Ok(answer),
                Err((verdict, error)) => (verdict, error),
            };
            let repeat = match verdict {
                Verdict::Final => None,
                Verdict::Retry { at_least } => {
                    self.shared.retry.wait(attempts, at_least, self.shared.timing.random_unit())
                }
            };
            let Some(wait) = repeat else {
                return Err(error.after(&method, path, attempts, uncertain_before));
            };
            tracing::debug!(
                stripe.method = %method,
                stripe.path = path,
                stripe.attempt = attempts,
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "Asking Stripe again: {error}"
            );
            uncertain_before |= error.is_uncertain();
            self.shared.timing.sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        encoded: &str,
        key: Option<&IdempotencyKey>,
    ) -> Result<Answer, (Verdict, StripeError)> {
        let mut url = self.shared.base.clone();
        url.set_path(&format!("{}{path}", self.shared.base.path().trim_end_matches('/')));
        let mut request = if *method == Method::GET || *method == Method::DELETE {
            url.set_query((!encoded.is_empty()).then_some(encoded));
            self.shared.http.request(method.clone(), url)
        } else {
            self.shared
                .http
                .request(method.clone(), url)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(encoded.to_owned())
        };
        if let Some(key) = key {
            request = request.header("idempotency-key", key.as_str());
        }

        let started = self.shared.timing.monotonic();
        let lost = |error: reqwest::Error| {
            let error = StripeError::lost(error);
            (Verdict::for_lost(&error), error)
        };
        let mut response = request.send().await.map_err(lost)?;
        let elapsed = self.shared.timing.monotonic().saturating_sub(started);
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err((
                    Verdict::Final,
                    StripeError::decode("the answer is too large", &headers),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            Answer::new(&headers, body, elapsed).map_err(|error| (Verdict::Final, error))
        } else {
            let verdict = Verdict::for_answer(status, &headers);
            Err((verdict, StripeError::refused(status, &headers, &body)))
        }
    }
}

/// The one place that builds an HTTP client for Stripe: no proxy that an environment variable
/// could put between, and no redirect that could carry the key elsewhere.
fn connector(config: &ClientConfig) -> Result<reqwest::Client, InvalidConfig> {
    let key = config.secret_key.expose_secret();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(InvalidConfig::SecretKey);
    }
    let mut bearer =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| InvalidConfig::SecretKey)?;
    bearer.set_sensitive(true);
    let version =
        HeaderValue::from_str(&config.api_version).map_err(|_| InvalidConfig::ApiVersion)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, bearer);
    headers.insert("stripe-version", version);
    reqwest::Client::builder()
        .default_headers(headers)
        .user_agent(concat!("Billhook/", env!("CARGO_PKG_VERSION")))
        .timeout(config.timeout)
        .connect_timeout(config.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| InvalidConfig::Tls { reason: error.without_url().to_string() })
}

/// Joins path segments, escaping each: an id out of a request or an event cannot reach
/// another route.
#[must_use]
pub fn path(segments: &[&str]) -> String {
    let mut path = String::from("/v1");
    for segment in segments {
        path.push('/');
        // `.` and `..` would be resolved away by the URL parser.
        if segment.bytes().all(|b| b == b'.') {
            path.extend(segment.bytes().map(|_| "%2E"));
            path.push('_');
        } else {
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
    }
    path
}
