//! Turning a template and its values into an answer, with the headers every page has.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

/// The values of a template: a JSON object of `name` or `name => expression` (anything that
/// serialises), completed from `..another` such object.
macro_rules! values {
    ($($key:ident $(=> $value:expr)?),* $(, ..$rest:expr)? $(,)?) => {{
        let mut object = serde_json::Map::new();
        $($crate::pages::view::put(&mut object, stringify!($key), &values!(@ $key $(=> $value)?));)*
        $($crate::pages::view::complete(&mut object, $rest);)?
        serde_json::Value::Object(object)
    }};
    (@ $key:ident => $value:expr) => { $value };
    (@ $key:ident) => { $key };
}
pub(super) use values;

/// For [`values!`]: adds one value.
pub(super) fn put(object: &mut serde_json::Map<String, Value>, key: &str, value: &impl Serialize) {
    // Only maps with keys that are not text fail, and there are none.
    object.insert(key.to_owned(), serde_json::to_value(value).unwrap_or_default());
}

/// For [`values!`]: adds what is missing.
pub(super) fn complete(object: &mut serde_json::Map<String, Value>, rest: Value) {
    if let Value::Object(rest) = rest {
        for (key, value) in rest {
            object.entry(key).or_insert(value);
        }
    }
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, source) in templates![
        "base.html",
        "parts.html",
        "message.html",
        "checkout.html",
        "challenge.html",
        "portal_base.html",
        "portal.html",
        "portal_card.html",
        "portal_details.html",
        "portal_cancel.html",
        "portal_update.html",
        "portal_confirm.html",
        "invoice.html",
        "control.html",
        "control_customers.html",
        "control_events.html",
        "control_deliveries.html",
        "control_clock.html",
        "control_endpoints.html",
        "control_faults.html",
    ] {
        // A template that does not parse is found by the first test that shows any page.
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!("Template `{name}` is broken: {error}");
        }
    }
    environment
});

const STYLESHEET: &str = include_str!("../../templates/simulator.css");
const SCRIPT: &str = include_str!("../../templates/simulator.js");

/// Only our own stylesheet and script, no frames, no foreign content. Where forms may lead is left
/// open, because a paid checkout redirects to the merchant.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' \
                      data:; base-uri 'none'; frame-ancestors 'self'";

/// A page.
pub(super) fn page(status: StatusCode, template: &str, values: Value) -> Response {
    let rendered = TEMPLATES.get_template(template).and_then(|found| found.render(Serde(&values)));
    match rendered {
        Ok(html) => (
            status,
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            ],
            html,
        )
            .into_response(),
        Err(error) => {
            tracing::error!("Could not render `{template}`: {error:#}");
            (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be shown.").into_response()
        }
    }
}

/// A link on a message page.
pub(super) struct Link<'a> {
    pub(super) href: &'a str,
    pub(super) text: &'a str,
}

/// A page that only says something.
pub(super) fn message(
    status: StatusCode,
    testid: &str,
    heading: &str,
    lines: &[&str],
    link: Option<Link<'_>>,
) -> Response {
    let link = link.map(|link| values! { href => link.href, text => link.text });
    page(status, "message.html", values! { testid, heading, lines, link })
}

/// Sends the browser on with GET.
pub(super) fn see_other(url: &str) -> Response {
    match HeaderValue::try_from(url) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ],
        )
            .into_response(),
        Err(_) => message(
            StatusCode::BAD_REQUEST,
            "bad-redirect",
            "This link cannot be followed",
            &["The address to go to is not a valid one."],
            None,
        ),
    }
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    let kind: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    (StatusCode::OK, [kind, cache], Body::from(content)).into_response()
}

/// `GET /_assets/simulator.css`
pub(super) async fn stylesheet() -> Response {
    asset("text/css; charset=utf-8", STYLESHEET)
}

/// `GET /_assets/simulator.js`
pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that every template is well-formed: a broken one would be missing here.
    #[test]
    fn all_templates_parse() {
        let mut names: Vec<&str> = TEMPLATES.templates().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names.len(), 20, "{names:?}");
    }

    /// Shows that what people typed cannot become markup.
    #[test]
    fn values_are_escaped() {
        let text = "<script>alert('1')</script>";
        let values =
            values! { heading => text, lines => [text], testid => "t", link => None::<u8> };
        let html = TEMPLATES.get_template("message.html").and_then(|t| t.render(Serde(&values)));
        let html = html.unwrap_or_else(|error| format!("{error:#}"));
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>alert"), "{html}");
    }
}
