//! What a bearer carries: a JWT signed with HS256, and nothing else.
//!
//! The algorithm is pinned, so that neither `none` nor a public key passed off as a secret is
//! believed. Expiry is judged by our own clock. The session's row has the last word.

use aws_lc_rs::{digest, hmac};
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::SessionRow;

const ISSUER: &str = "billhook";

/// The claims of our tokens. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    /// The user.
    pub(super) sub: String,
    /// The organisation.
    pub(super) org: String,
    /// The session.
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
}

impl Claims {
    pub(super) fn of(session: &SessionRow) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: session.user.to_string(),
            org: session.organization.to_string(),
            jti: session.id.to_string(),
            iat: session.created_at.as_seconds(),
            exp: session.expires_at.as_seconds(),
        }
    }
}

/// Signs and reads tokens.
pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Tokens {
    pub(super) fn new(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library would ask the computer's clock; `read` asks the one that was handed in.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
        }
    }

    pub(super) fn sign(&self, claims: &Claims) -> Option<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding).ok()
    }

    /// The claims of a token that we signed and that is not over.
    pub(super) fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?;
        (now.as_seconds() < data.claims.exp).then_some(data.claims)
    }
}

/// Makes the tokens of verification mails from the ids of verifications, so that a token need not
/// be written down before its mail is sent.
pub(super) struct MailTokens(hmac::Key);

impl std::fmt::Debug for MailTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailTokens(…)")
    }
}

impl MailTokens {
    /// With a key of its own, which follows from the secret: nothing that is signed for another
    /// purpose can be a mail's token.
    pub(super) fn new(secret: &SecretString) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let derived = hmac::sign(&secret, b"billhook: tokens of verification mails, 1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The token of a verification, as hex.
    pub(super) fn of(&self, verification: &str) -> String {
        hex::encode(hmac::sign(&self.0, verification.as_bytes()))
    }
}

/// SHA-256 as hex: what is kept of a token that only its owner may know.
pub(super) fn fingerprint(token: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "usr_1".to_owned(),
            org: "org_1".to_owned(),
            jti: "ses_1".to_owned(),
            iat: 1_000,
            exp: 2_000,
        }
    }

    fn tokens(secret: &str) -> Tokens {
        Tokens::new(&SecretString::from(secret.to_owned()))
    }

    fn unsigned(header: &str) -> String {
        let claims = serde_json::to_string(&claims()).unwrap();
        format!("{}.{}.", BASE64.encode(header), BASE64.encode(claims))
    }

    /// Shows that our own token is read back, until the very second at which it is over.
    #[test]
    fn a_token_counts_until_it_is_over() {
        let tokens = tokens("right");
        let token = tokens.sign(&claims()).unwrap();
        assert_eq!(tokens.read(&token, Timestamp::from_seconds(1_999)), Some(claims()));
        assert_eq!(tokens.read(&token, Timestamp::from_seconds(2_000)), None);
    }

    /// Shows that a mail's token follows from secret and id, and from nothing less.
    #[test]
    fn a_mail_token_needs_the_secret() {
        let mails = |secret: &str| MailTokens::new(&SecretString::from(secret.to_owned()));
        let token = mails("right").of("one");
        assert_eq!(token.len(), 64);
        assert_eq!(token, mails("right").of("one"));
        assert_ne!(token, mails("right").of("two"));
        assert_ne!(token, mails("wrong").of("one"));
    }

    /// Shows the attacks on tokens that are refused: no algorithm, another algorithm, another
    /// key, another issuer, changed claims, missing claims, and texts that are no token.
    #[test]
    fn forged_tokens_are_refused() {
        let ours = tokens("right");
        let now = Timestamp::from_seconds(1_500);
        let good = ours.sign(&claims()).unwrap();
        let signed = |header: Header, claims: &serde_json::Value, secret: &str| {
            let key = EncodingKey::from_secret(secret.as_bytes());
            jsonwebtoken::encode(&header, claims, &key).unwrap()
        };
        let as_value = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(claims()).unwrap();
            change(&mut value);
            value
        };
        let hs256 = || Header::new(Algorithm::HS256);
        let unchanged = as_value(&|_| {});
        let mut parts = good.split('.');
        let (head, _, tail) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let other_user = as_value(&|value| value["sub"] = "usr_2".into()).to_string();
        let table = [
            ("alg none", unsigned(r#"{"alg":"none","typ":"JWT"}"#)),
            ("alg None", unsigned(r#"{"alg":"None"}"#)),
            ("no alg", unsigned("{}")),
            ("HS512", signed(Header::new(Algorithm::HS512), &unchanged, "right")),
            ("wrong key", signed(hs256(), &unchanged, "wrong")),
            ("empty key", signed(hs256(), &unchanged, "")),
            (
                "foreign issuer",
                signed(hs256(), &as_value(&|value| value["iss"] = "other".into()), "right"),
            ),
            (
                "no expiry",
                signed(
                    hs256(),
                    &as_value(&|value| {
                        value.as_object_mut().unwrap().remove("exp");
                    }),
                    "right",
                ),
            ),
            ("changed claims", format!("{head}.{}.{tail}", BASE64.encode(other_user))),
            ("signature cut off", good.rsplit_once('.').unwrap().0.to_owned() + "."),
            ("empty", String::new()),
            ("no token", "a.b.c".to_owned()),
        ];
        for (attack, token) in table {
            assert_eq!(ours.read(&token, now), None, "{attack}");
        }
        assert!(ours.read(&good, now).is_some());
    }
}
