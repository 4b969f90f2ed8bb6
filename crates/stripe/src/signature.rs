//! The `Stripe-Signature` header: proof that a webhook's body comes from Stripe.
//!
//! The header is `t=<unix seconds>,v1=<hex>[,v1=<hex>][,v0=…]`; the signed text is `t`, a dot
//! and the raw body; the key is the endpoint's whole secret, `whsec_` included. Any one `v1`
//! made with any one of our secrets proves the body. Other schemes are ignored (Stripe sends
//! a fake `v0` in test mode).

use std::fmt;

use aws_lc_rs::{constant_time, hmac};

/// How far the header's time may lie in the past or in the future, in seconds, when nothing
/// else is configured.
pub const DEFAULT_TOLERANCE_SECS: u32 = 300;

/// More `v1` values than this in one header are refused: Stripe sends two while a secret is
/// being rolled, and each one costs a comparison.
const MAX_SIGNATURES: usize = 16;

/// A webhook endpoint's signing secret with its key schedule computed once.
///
/// `Debug` shows nothing of the secret.
#[derive(Clone)]
pub struct Secret {
    key: hmac::Key,
}

impl Secret {
    /// Takes the secret as Stripe shows it, with its `whsec_`. Surrounding white space, which
    /// only ever comes from copying, is dropped. `None` when nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { key: hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()) })
    }

    /// Reads a comma-separated list, as it is configured while secrets are rotated. Empty
    /// entries are skipped, so the result can be empty.
    #[must_use]
    pub fn list(comma_separated: &str) -> Vec<Self> {
        comma_separated.split(',').filter_map(Self::new).collect()
    }

    fn tag(&self, time: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(time.as_bytes());
        context.update(b".");
        context.update(body);
        context.sign()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a body is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no `Stripe-Signature` header, or it is empty.
    #[error("the Stripe-Signature header is missing")]
    Missing,
    /// The header has no single time, no `v1`, or far too many of them.
    #[error("the Stripe-Signature header is malformed")]
    Malformed,
    /// No `v1` was made from this body with one of our secrets.
    #[error("no signature of the header matches the body and a configured secret")]
    NoMatch,
    /// Rightly signed, but too long ago: a replay, or our clock is fast.
    #[error("the signature is {by_secs} s older than the tolerance allows")]
    TooOld {
        /// Seconds beyond the tolerance.
        by_secs: i64,
    },
    /// Rightly signed, but for a time still to come: our clock is slow.
    #[error("the signature is {by_secs} s further in the future than the tolerance allows")]
    InFuture {
        /// Seconds beyond the tolerance.
        by_secs: i64,
    },
}

/// Proves that `body` was signed with one of `secrets` at a time near `now_unix`, and says
/// with which one (its index), so that an operator can see when an old secret falls silent.
///
/// Nothing is allocated; comparisons take the same time wherever the values differ.
///
/// # Errors
/// See [`SignatureError`]. The time is looked at only after the signature holds, so `TooOld`
/// and `InFuture` really speak of Stripe's clock and ours.
pub fn verify(
    header: Option<&str>,
    body: &[u8],
    secrets: &[Secret],
    now_unix: i64,
    tolerance_secs: u32,
) -> Result<usize, SignatureError> {
    let header = Header::parse(header.unwrap_or_default())?;
    let matching = secrets.iter().position(|secret| {
        let tag = secret.tag(header.time_text, body);
        // Every signature is compared, also after a match: the time taken tells nothing.
        header.signatures().iter().fold(false, |found, signature| {
            constant_time::verify_slices_are_equal(tag.as_ref(), signature).is_ok() | found
        })
    });
    let index = matching.ok_or(SignatureError::NoMatch)?;

    let tolerance = i64::from(tolerance_secs);
    let age = now_unix.saturating_sub(header.time);
    if age > tolerance {
        return Err(SignatureError::TooOld { by_secs: age - tolerance });
    }
    if age < -tolerance {
        return Err(SignatureError::InFuture { by_secs: -tolerance - age });
    }
    Ok(index)
}

/// Makes the header with which Stripe (here: the simulator or a test) signs `payload` at `t`.
#[must_use]
pub fn sign(payload: &[u8], secret: &Secret, t: i64) -> String {
    let time = t.to_string();
    format!("t={time},v1={}", hex::encode(secret.tag(&time, payload)))
}

/// A header taken apart, on the stack.
struct Header<'a> {
    /// `t` as written: it is part of what was signed.
    time_text: &'a str,
    time: i64,
    found: [[u8; 32]; MAX_SIGNATURES],
    count: usize,
}

impl<'a> Header<'a> {
    fn parse(text: &'a str) -> Result<Self, SignatureError> {
        if text.trim().is_empty() {
            return Err(SignatureError::Missing);
        }
        let mut time_text = None;
        let mut found = [[0; 32]; MAX_SIGNATURES];
        let (mut count, mut v1_seen) = (0, 0);
        for item in text.split(',') {
            let (scheme, value) = item.trim().split_once('=').ok_or(SignatureError::Malformed)?;
            match scheme {
                "t" if time_text.replace(value).is_some() => return Err(SignatureError::Malformed),
                "v1" => {
                    v1_seen += 1;
                    if v1_seen > MAX_SIGNATURES {
                        return Err(SignatureError::Malformed);
                    }
                    // A v1 that is no SHA-256 in hex can match nothing; another one may.
                    if hex::decode_to_slice(value, &mut found[count]).is_ok() {
                        count += 1;
                    }
                }
                _ => {}
            }
        }
        let time_text = time_text.ok_or(SignatureError::Malformed)?;
        let digits = time_text.len() <= 18 && time_text.bytes().all(|b| b.is_ascii_digit());
        if !digits || v1_seen == 0 {
            return Err(SignatureError::Malformed);
        }
        let time = time_text.parse().map_err(|_| SignatureError::Malformed)?;
        Ok(Self { time_text, time, found, count })
    }

    fn signatures(&self) -> &[[u8; 32]] {
        &self.found[..self.count]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const T: i64 = 1_492_774_577;
    const BODY: &[u8] = b"{\n  \"id\": \"evt_1\",\n  \"object\": \"event\"\n}";

    fn secret(text: &str) -> Secret {
        Secret::new(text).unwrap()
    }

    /// Shows that the rule is the published one, with a value computed by another program
    /// (`printf '%s' "1492774577.{}" | openssl dgst -sha256 -hmac whsec_test_secret`).
    #[test]
    fn an_independent_vector_holds() {
        let header = sign(b"{}", &secret("whsec_test_secret"), T);
        assert_eq!(
            header,
            "t=1492774577,v1=53140ab8fa70c511cc40d5c9198af7dde7bbaee877038c056d8250c3bd3b2e11"
        );
        assert_eq!(verify(Some(&header), b"{}", &[secret("whsec_test_secret")], T, 300), Ok(0));
    }

    /// Shows which header, secret and moment lead to which answer.
    #[test]
    fn table() {
        let (a, b) = (secret("whsec_a"), secret("whsec_b"));
        let both = [a.clone(), b.clone()];
        let by_a = sign(BODY, &a, T);
        let by_b = sign(BODY, &b, T);
        let v1 = by_a.split_once("v1=").unwrap().1.to_owned();
        let v1_b = by_b.split_once("v1=").unwrap().1.to_owned();
        let zeros = "0".repeat(64);
        let many = format!("t={T}{}", format!(",v1={v1}").repeat(MAX_SIGNATURES + 1));
        let at_limit =
            format!("t={T}{},v1={v1}", format!(",v1={zeros}").repeat(MAX_SIGNATURES - 1));
        type Case = (&'static str, Option<String>, i64, Result<usize, SignatureError>);
        let cases: Vec<Case> = vec![
            ("no header", None, T, Err(SignatureError::Missing)),
            ("empty", Some(String::new()), T, Err(SignatureError::Missing)),
            ("first secret", Some(by_a.clone()), T, Ok(0)),
            ("second secret", Some(by_b.clone()), T, Ok(1)),
            ("two v1", Some(format!("t={T},v1={zeros},v1={v1}")), T, Ok(0)),
            ("both secrets, as while rolling", Some(format!("t={T},v1={v1_b},v1={v1}")), T, Ok(0)),
            ("fake v0 beside", Some(format!("t={T},v1={v1},v0={zeros}")), T, Ok(0)),
            (
                "unknown scheme with the value",
                Some(format!("t={T},v2={v1}")),
                T,
                Err(SignatureError::Malformed),
            ),
            ("spaces", Some(format!("t={T}, v1={v1}")), T, Ok(0)),
            ("v1 before t", Some(format!("v1={v1},t={T}")), T, Ok(0)),
            ("bad hex beside a good one", Some(format!("t={T},v1=zz,v1={v1}")), T, Ok(0)),
            ("only bad hex", Some(format!("t={T},v1=zz")), T, Err(SignatureError::NoMatch)),
            ("wrong", Some(format!("t={T},v1={zeros}")), T, Err(SignatureError::NoMatch)),
            (
                "other t than signed",
                Some(format!("t={},v1={v1}", T + 1)),
                T,
                Err(SignatureError::NoMatch),
            ),
            ("no t", Some(format!("v1={v1}")), T, Err(SignatureError::Malformed)),
            ("two t", Some(format!("t={T},t={T},v1={v1}")), T, Err(SignatureError::Malformed)),
            ("t no number", Some(format!("t=now,v1={v1}")), T, Err(SignatureError::Malformed)),
            ("t signed number", Some(format!("t=+{T},v1={v1}")), T, Err(SignatureError::Malformed)),
            ("t empty", Some(format!("t=,v1={v1}")), T, Err(SignatureError::Malformed)),
            (
                "t too long",
                Some(format!("t={},v1={v1}", "9".repeat(19))),
                T,
                Err(SignatureError::Malformed),
            ),
            ("no equals sign", Some("nonsense".to_owned()), T, Err(SignatureError::Malformed)),
            ("too many", Some(many), T, Err(SignatureError::Malformed)),
            ("as many as allowed", Some(at_limit), T, Ok(0)),
            ("edge of the past", Some(by_a.clone()), T + 300, Ok(0)),
            ("past", Some(by_a.clone()), T + 301, Err(SignatureError::TooOld { by_secs: 1 })),
            ("edge of the future", Some(by_a.clone()), T - 300, Ok(0)),
            ("future", Some(by_a.clone()), T - 310, Err(SignatureError::InFuture { by_secs: 10 })),
            (
                "wrong and old is wrong",
                Some(format!("t={T},v1={zeros}")),
                T + 999,
                Err(SignatureError::NoMatch),
            ),
        ];
        for (what, header, now, expected) in cases {
            assert_eq!(verify(header.as_deref(), BODY, &both, now, 300), expected, "{what}");
        }
        assert_eq!(verify(Some(&by_a), BODY, &[], T, 300), Err(SignatureError::NoMatch));
        assert_eq!(verify(Some(&by_a), b"{}", &both, T, 300), Err(SignatureError::NoMatch));
    }

    /// Shows that a list of secrets is read, and that none of it can be printed.
    #[test]
    fn secrets_are_listed_and_hidden() {
        let secrets = Secret::list(" whsec_new , whsec_old,, ");
        assert_eq!(secrets.len(), 2);
        assert_eq!(
            verify(Some(&sign(BODY, &secret("whsec_old"), T)), BODY, &secrets, T, 300),
            Ok(1)
        );
        assert!(!format!("{secrets:?}").contains("whsec"));
        assert!(Secret::list("").is_empty());
    }

    proptest! {
        /// Shows that what is signed verifies, that one flipped bit does not, and that no
        /// header makes the parser panic.
        #[test]
        fn signed_bodies_verify(
            body in proptest::collection::vec(any::<u8>(), 1..400),
            flip in any::<prop::sample::Index>(),
            noise in ".{0,80}",
        ) {
            let key = secret("whsec_p");
            let header = sign(&body, &key, T);
            prop_assert_eq!(verify(Some(&header), &body, std::slice::from_ref(&key), T, 0), Ok(0));
            let mut changed = body.clone();
            changed[flip.index(body.len())] ^= 1;
            prop_assert_eq!(
                verify(Some(&header), &changed, std::slice::from_ref(&key), T, 0),
                Err(SignatureError::NoMatch)
            );
            prop_assert!(verify(Some(&noise), &body, std::slice::from_ref(&key), T, 0).is_err());
        }
    }
}
