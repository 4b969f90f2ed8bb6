//! Where the browser goes after Stripe's pages: to us, or to an origin on the allow list.

use super::{BillingError, BillingResult};
use crate::config::Settings;
use url::{Origin, Url};

/// Our own pages and the origins callers may name.
#[derive(Debug)]
pub(super) struct Addresses {
    frontend: String,
    origins: Vec<Origin>,
}

impl Addresses {
    pub(super) fn new(settings: &Settings) -> Self {
        let origins = std::iter::once(&settings.frontend_url)
            .chain(&settings.allowed_origins)
            .filter_map(|text| Url::parse(text).ok())
            .map(|url| url.origin())
            .filter(Origin::is_tuple)
            .collect();
        Self { frontend: settings.frontend_url.trim_end_matches('/').to_owned(), origins }
    }

    /// Where to go after paying. Stripe puts the session's id in.
    pub(super) fn success(&self, given: Option<&str>) -> BillingResult<String> {
        self.choose("success_url", given, || {
            format!(
                "{}/settings?tab=billing&checkout=success&session_id={{CHECKOUT_SESSION_ID}}",
                self.frontend
            )
        })
    }

    /// Where to go on turning back.
    pub(super) fn cancel(&self, given: Option<&str>) -> BillingResult<String> {
        self.choose("cancel_url", given, || format!("{}/pricing?checkout=cancelled", self.frontend))
    }

    /// Where to go after the portal.
    pub(super) fn portal(&self, given: Option<&str>) -> BillingResult<String> {
        self.choose("return_url", given, || format!("{}/settings?tab=billing", self.frontend))
    }

    fn choose(
        &self,
        field: &'static str,
        given: Option<&str>,
        own: impl FnOnce() -> String,
    ) -> BillingResult<String> {
        let Some(given) = given else { return Ok(own()) };
        // What browsers read differently from our parser (backslashes, control characters, spaces
        // around) is refused rather than weighed, since the text is passed on as it came:
        // parsing it and writing it again would escape the braces of Stripe's placeholder.
        let plain = given.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let allowed = Url::parse(given).ok().filter(|url| {
            url.username().is_empty()
                && url.password().is_none()
                && self.origins.contains(&url.origin())
        });
        match allowed {
            Some(_) if plain => Ok(given.to_owned()),
            _ => Err(BillingError::ForeignUrl { field }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows which addresses a caller may name (scenario 25).
    #[test]
    fn only_our_origins_and_listed_ones_are_returned_to() {
        let origin = |text: &str| Url::parse(text).unwrap().origin();
        let addresses = Addresses {
            frontend: "https://app.example.com".to_owned(),
            origins: vec![origin("https://app.example.com"), origin("http://localhost:5173")],
        };
        for given in [
            "https://app.example.com/done?id={CHECKOUT_SESSION_ID}",
            "https://app.example.com:443/",
            "HTTPS://APP.EXAMPLE.COM/x",
            "http://localhost:5173/settings",
        ] {
            assert_eq!(addresses.success(Some(given)).unwrap(), given);
        }
        for given in [
            "https://evil.example/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://user@app.example.com/",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "//app.example.com/",
            "/settings",
            "javascript:alert(1)",
            "data:text/html,x",
            "https:\\\\evil.example",
            " https://app.example.com/",
            "https://app.example.com/\n",
            "",
        ] {
            assert!(
                matches!(
                    addresses.success(Some(given)),
                    Err(BillingError::ForeignUrl { field: "success_url" })
                ),
                "{given}"
            );
        }
        assert_eq!(
            addresses.success(None).unwrap(),
            "https://app.example.com/settings?tab=billing&checkout=success&session_id={CHECKOUT_SESSION_ID}"
        );
    }
}
