//! A caller of the API, and what it gets.

use serde_json::Value;

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null when it is empty or no JSON.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Response {
    pub(crate) async fn read(answer: reqwest::Result<reqwest::Response>) -> Self {
        let answer = answer.expect("the server answers");
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let text = answer.text().await.expect("the answer has an end");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, headers, json, text }
    }

    /// A header, if the answer has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The code of a problem; empty when it is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The JSON of an answer with this status.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// Asserts that this is a problem with this status and code.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "{kind}");
        self.json
    }
}

/// Someone who is logged in, at one node.
#[derive(Debug, Clone)]
pub struct Session {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    /// The bearer token; empty for nobody.
    pub token: String,
    /// `org_…`
    pub organization: String,
    /// `usr_…`
    pub user: String,
    /// Their address.
    pub email: String,
    /// The organisation that a product key acts for; empty for none.
    pub acts_for: String,
}

impl Session {
    /// The same person, calling another node.
    #[must_use]
    pub fn at(&self, node: &crate::Node) -> Self {
        Self { base_url: node.base_url.clone(), ..self.clone() }
    }

    /// A program that calls with this key; a product's names the organisation it acts for.
    #[must_use]
    pub fn program(&self, key: &str, acts_for: &str) -> Self {
        let acts_for = acts_for.to_owned();
        Self { token: key.to_owned(), acts_for, ..self.clone() }
    }

    /// Sends a request.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !self.acts_for.is_empty() {
            request = request.header("billhook-organization", &self.acts_for);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Response::read(request.send().await).await
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    /// `POST path` with a body.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, Some(&body)).await
    }

    /// `PATCH path` with a body.
    pub async fn patch(&self, path: &str, body: Value) -> Response {
        self.send("PATCH", path, Some(&body)).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None).await
    }

    /// The organisation's subscription, as the API tells it.
    ///
    /// # Panics
    /// When the API does not tell.
    pub async fn subscription(&self) -> Value {
        self.get("/api/v1/billing/subscription").await.expect(200)
    }

    /// The organisation's entitlements, as the API tells them.
    ///
    /// # Panics
    /// When the API does not tell.
    pub async fn entitlements(&self) -> Value {
        self.get("/api/v1/entitlements").await.expect(200)
    }
}
