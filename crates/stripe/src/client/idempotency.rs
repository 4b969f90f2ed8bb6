//! Idempotency keys.

use std::fmt;

/// A text of 1 to 255 visible ASCII characters that names one intended effect. Stripe answers
/// every request with the same key like the first one, for at least 24 hours.
///
/// It is made from the stored intent, before the first attempt, and never from randomness at
/// the time of sending: after a crash the same key must come out again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// The text cannot be an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// Takes a text as a key.
    ///
    /// # Errors
    /// When it is empty, longer than 255 characters, or has spaces or other than visible ASCII
    /// characters.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidIdempotencyKey> {
        let text = text.into();
        let valid = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        valid.then_some(Self(text)).ok_or(InvalidIdempotencyKey)
    }

    /// The text that is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
