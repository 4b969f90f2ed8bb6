//! API keys: who calls, and in which mode.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::ApiError;

const NO_KEY: &str = "You did not provide an API key. You need to provide your API key in the \
    Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See \
    https://stripe.com/docs/api#authentication for details, or we can help at \
    https://support.stripe.com/.";

/// The mode of the caller's key: true for live.
///
/// # Errors
/// 401 without a key or with one that is not a secret or restricted key (or not among `accepted`,
/// when that list is not empty).
pub(crate) fn livemode(headers: &HeaderMap, accepted: &[String]) -> Result<bool, ApiError> {
    let refused = |message: String| ApiError::invalid(message).with_status(401);
    let key = key(headers).ok_or_else(|| refused(NO_KEY.to_owned()))?;
    let mode = ["sk_", "rk_"]
        .iter()
        .find_map(|prefix| key.strip_prefix(prefix))
        .and_then(|rest| rest.split_once('_'))
        .and_then(|(mode, secret)| match mode {
            _ if secret.is_empty() => None,
            "test" => Some(false),
            "live" => Some(true),
            _ => None,
        });
    if key.starts_with("pk_") {
        let message = "This API call cannot be made with a publishable API key. Please use a \
            secret API key. You can find a list of your API keys at \
            https://dashboard.stripe.com/account/apikeys.";
        return Err(refused(message.to_owned()).code("secret_key_required"));
    }
    match mode {
        Some(mode) if accepted.is_empty() || accepted.contains(&key) => Ok(mode),
        _ => Err(refused(format!("Invalid API Key provided: {}", masked(&key)))),
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
        pair.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

/// `sk_test_****1234`: the kind of key and its end, as Stripe shows it.
fn masked(key: &str) -> String {
    let shown = key.char_indices().filter(|(_, c)| *c == '_').nth(1).map_or(0, |(at, _)| at + 1);
    let (head, secret) = key.split_at(shown);
    let secret: Vec<char> = secret.chars().collect();
    let tail = if secret.len() > 8 { 4 } else { 0 };
    let stars = "*".repeat(secret.len() - tail);
    format!("{head}{stars}{}", secret[secret.len() - tail..].iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn with(value: &str) -> Result<bool, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        livemode(&headers, &[])
    }

    /// Bearer and Basic both carry the key; its prefix says the mode; a wrong one is masked.
    #[test]
    fn key_says_the_mode() {
        assert!(!with("Bearer sk_test_123").unwrap());
        assert!(with("Bearer rk_live_123").unwrap());
        assert!(!with(&format!("Basic {}", BASE64_STANDARD.encode("sk_test_1:"))).unwrap());
        let error = with("Bearer sk_nope_1234567890123456").unwrap_err();
        assert_eq!(error.status, 401);
        assert_eq!(error.message, "Invalid API Key provided: sk_nope_************3456");
        assert_eq!(livemode(&HeaderMap::new(), &[]).unwrap_err().message, NO_KEY);
    }
}
