//! Reading requests: JSON bodies, queries, and raw bodies with a limit.

use super::problem::{Code, Problem};
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::error::Error;

/// No request of the API needs more, but for those that say so.
const JSON_LIMIT: usize = 64 * 1024;

/// A JSON body. A wrong one is told with the field at fault, where that is known.
#[derive(Debug)]
pub(super) struct Body<T, const LIMIT: usize = JSON_LIMIT>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        // Browsers do not send this type to another site without asking first.
        let is_json = content_type(request.headers())
            .is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        if !is_json {
            return Err(Problem::new(
                Code::InvalidRequest,
                "The body has to be JSON, with the header Content-Type: application/json.",
            ));
        }
        let bytes = raw_body(request.into_body(), LIMIT).await?;
        from_json(&bytes).map(Self)
    }
}

/// A JSON body that may be left out; then every field has its default.
#[derive(Debug)]
pub(super) struct OptionalBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_empty = request.headers().get(header::CONTENT_LENGTH).is_none_or(|len| len == "0")
            && !request.headers().contains_key(header::TRANSFER_ENCODING);
        if is_empty {
            return Ok(Self(T::default()));
        }
        <Body<T>>::from_request(request, state).await.map(|Body(body)| Self(body))
    }
}

/// The query string.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|_| Problem::new(Code::InvalidRequest, "The query cannot be read."))
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

/// All of a body, at most `limit` bytes.
pub(super) async fn raw_body(body: HttpBody, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("The body may have at most {limit} bytes.");
        Problem::new(Code::PayloadTooLarge, detail)
    };
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let over = error.source().is_some_and(|cause| cause.is::<LengthLimitError>());
        if over { too_large() } else { Problem::new(Code::InvalidRequest, "The body broke off.") }
    })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        if error.classify() != serde_json::error::Category::Data {
            let detail =
                format!("The body is no JSON (line {}, column {}).", error.line(), error.column());
            return Problem::new(Code::InvalidRequest, detail);
        }
        let text = error.to_string();
        let quoted = |prefix: &str| {
            let rest = text.strip_prefix(prefix)?;
            rest.split_once('`').map(|(name, _)| name.to_owned())
        };
        if let Some(field) = quoted("missing field `") {
            return Problem::field(&field, "This is needed.");
        }
        if let Some(field) = quoted("unknown field `") {
            return Problem::field(&field, "There is no such field here.");
        }
        let detail = format!(
            "The body does not fit what is expected here (line {}, column {}).",
            error.line(),
            error.column()
        );
        match field_at(bytes, error.line(), error.column()) {
            Some(field) => Problem::fields(BTreeMap::from([(
                field.as_str(),
                "This value does not fit what is expected here.".to_owned(),
            )])),
            None => Problem::new(Code::InvalidRequest, detail),
        }
    })
}

/// The name of the field whose value ends at a place of the text: the last `"name":` before it.
fn field_at(bytes: &[u8], line: usize, column: usize) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let before = text.get(..start.checked_add(column)?.min(text.len()))?;
    let before = before.rsplit_once("\":").map(|(before, _)| before)?;
    let (_, name) = before.rsplit_once('"')?;
    let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Sample {
        plan: String,
        seats: Option<u32>,
    }

    async fn refusal(text: &str) -> Value {
        let problem = from_json::<Sample>(text.as_bytes()).map(|_| ()).unwrap_err();
        let body = problem.render("bhr_1").into_body();
        let bytes = axum::body::to_bytes(body, 4_096).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Shows which field a wrong body is told to be at fault.
    #[tokio::test]
    async fn a_wrong_body_names_its_field() {
        let hint = |field: &str, text: &str| json!({field: text});
        let table = [
            ("{}", hint("plan", "This is needed.")),
            (r#"{"plan":"team","x":1}"#, hint("x", "There is no such field here.")),
            (
                "{\n  \"plan\": \"team\",\n  \"seats\": \"many\"\n}",
                hint("seats", "This value does not fit what is expected here."),
            ),
        ];
        for (text, fields) in table {
            assert_eq!(refusal(text).await["fields"], fields, "{text}");
        }
        let broken = refusal("{\"plan\":").await;
        assert_eq!(broken["code"], "invalid_request");
        assert!(broken["detail"].as_str().unwrap().contains("line 1"), "{broken}");
        assert!(from_json::<Sample>(br#"{"plan":"team","seats":3}"#).is_ok());
    }
}
