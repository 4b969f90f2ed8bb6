//! The dashboard's pages, embedded when the binary is built. Any path that is no file and no API
//! route is a page of the application, which finds its own way.

use super::problem::Problem;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};

/// What stands in for the pages in a binary that was built without them.
const PLACEHOLDER: &str = "<!doctype html><html lang=\"en\"><title>Billhook</title>\
    <h1>Billhook is running</h1><p>This binary was built without its pages. \
    Run <code>cargo xtask demo</code> to build and see them.</p>";

/// Answers every path that no route knows.
pub(super) async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if path.starts_with("/api/") || path == "/api" || !matches!(method, Method::GET | Method::HEAD)
    {
        return Problem::not_found().into_response();
    }
    files::answer(path.trim_start_matches('/'), &headers)
        .unwrap_or_else(|| axum::response::Html(PLACEHOLDER).into_response())
}

#[cfg(feature = "ui")]
mod files {
    use crate::http::problem::Problem;
    use axum::body::Body;
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
    use axum::response::{IntoResponse, Response};
    use rust_embed::{EmbeddedFile, RustEmbed};

    #[derive(RustEmbed)]
    #[folder = "../../web/dist"]
    #[allow_missing = true]
    struct Dist;

    /// The file at a path, or the application's page; none when there are no pages at all.
    pub(super) fn answer(path: &str, headers: &HeaderMap) -> Option<Response> {
        if let Some(file) = Dist::get(path).filter(|_| !path.is_empty()) {
            // The names of these files change with their content.
            let cache = if path.starts_with("assets/") {
                "public, max-age=31536000, immutable"
            } else {
                "no-cache"
            };
            return Some(send(file, cache, headers));
        }
        // A missing script answered with a page would be an error nobody understands.
        if path.starts_with("assets/") {
            return Some(Problem::not_found().into_response());
        }
        Dist::get("index.html").map(|file| send(file, "no-cache", headers))
    }

    fn send(file: EmbeddedFile, cache: &'static str, headers: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
        let is_known = headers
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Body::from(file.data.into_owned()).into_response()
        };
        let answer = response.headers_mut();
        if let Ok(kind) = HeaderValue::from_str(file.metadata.mimetype()) {
            answer.insert(header::CONTENT_TYPE, kind);
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            answer.insert(header::ETAG, tag);
        }
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

#[cfg(not(feature = "ui"))]
mod files {
    use axum::http::HeaderMap;
    use axum::response::Response;

    pub(super) fn answer(_: &str, _: &HeaderMap) -> Option<Response> {
        None
    }
}
