//! Our own ids: a prefix and 26 characters that sort by the time they were made.
//!
//! The body is a UUID version 7 in Crockford's base 32. None of the prefixes is one of Stripe's.

use crate::time::{Entropy, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text after the prefix: 48 bits of time, 74 of randomness.
fn body(now: Timestamp, entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    let millis = now.as_millis().to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let value = u128::from_be_bytes(bytes);
    (0..26_u32)
        .rev()
        .map(|digit| {
            let bits = value.checked_shr(digit.saturating_mul(5)).unwrap_or(0) & 31;
            let index = usize::try_from(bits).unwrap_or(0);
            char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
        })
        .collect()
}

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no id that starts with `{prefix}`")]
pub struct InvalidId {
    /// What was given.
    pub text: String,
    /// What the id has to start with.
    pub prefix: &'static str,
}

macro_rules! own_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);
        impl $name {
            /// What each id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;
            /// Makes a new id.
            #[must_use]
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(format!("{}{}", $prefix, body(now, entropy)))
            }
            /// Reads an id that came from outside.
            ///
            /// # Errors
            /// [`InvalidId`] when prefix, length or alphabet are not ours.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                match text.strip_prefix($prefix) {
                    Some(body) if body.len() == 26 && body.bytes().all(|b| ALPHABET.contains(&b)) => {
                        Ok(Self(text.to_owned()))
                    }
                    _ => Err(InvalidId { text: text.to_owned(), prefix: $prefix }),
                }
            }
            /// An id as it stands in our own database.
            #[must_use]
            pub fn trusted(text: String) -> Self { Self(text) }
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

own_ids! {
    /// Who is billed.
    OrganizationId = "org_";
    /// A person with a log-in.
    UserId = "usr_";
    /// One log-in of a user; also the `jti` of its token.
    SessionId = "ses_";
    /// A write to Stripe that we mean to make or made.
    IntentId = "int_";
    /// A quantity held in reserve.
    ReservationId = "rsv_";
    /// A message to send.
    OutboxId = "out_";
    /// One line of the audit log.
    AuditId = "aud_";
    /// A secret for programs.
    KeyId = "key_";
    /// One request to our API, for its log lines and its answer.
    RequestId = "bhr_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    /// Shows that ids are repeatable from their inputs, sort by time and parse back.
    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let early = OrganizationId::new(Timestamp::from_millis(1), &Sevens);
        let late = OrganizationId::new(Timestamp::from_millis(2), &Sevens);
        assert!(early < late);
        assert_eq!(early, OrganizationId::new(Timestamp::from_millis(1), &Sevens));
        assert_eq!(OrganizationId::parse(early.as_str()), Ok(early.clone()));
        assert!(UserId::parse(early.as_str()).is_err());
        assert!(OrganizationId::parse("org_short").is_err());
    }
}
