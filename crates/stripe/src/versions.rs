//! Names of Stripe API versions: how they are read and ordered, the one we ask for, and the
//! oldest one we understand.

use std::{fmt, str::FromStr};

/// The version every request of ours asks for.
pub const PINNED: &str = "2026-08-26.dahlia";

/// The oldest version whose events and objects this crate reads.
pub const OLDEST_UNDERSTOOD: &str = "2024-11-20.acacia";

/// The name of an API version, such as `2026-08-26.dahlia`.
///
/// Versions are ordered by their date; of two versions of one date the names decide. Versions
/// before 2024-09-30 are dates alone and are older than any named one of the same day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    year: u16,
    month: u8,
    day: u8,
    release: String,
}

impl ApiVersion {
    /// The version that this crate pins.
    #[must_use]
    pub fn pinned() -> Self {
        Self { year: 2026, month: 8, day: 26, release: "dahlia".to_owned() }
    }

    /// The oldest version this crate understands.
    #[must_use]
    pub fn oldest_understood() -> Self {
        Self { year: 2024, month: 11, day: 20, release: "acacia".to_owned() }
    }

    /// The name of the release family (`acacia`, `basil`, …); empty for versions that are a
    /// date alone.
    #[must_use]
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Whether objects of this version are read rightly. Versions newer than the pinned one
    /// count as understood: they are read tolerantly.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        *self >= Self::oldest_understood()
    }

    /// Whether this version is newer than the one this crate was written for.
    #[must_use]
    pub fn is_newer_than_pinned(&self) -> bool {
        *self > Self::pinned()
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        if self.release.is_empty() { Ok(()) } else { write!(f, ".{}", self.release) }
    }
}

/// The text is not the name of an API version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a Stripe API version (expected YYYY-MM-DD or YYYY-MM-DD.release)")]
pub struct InvalidApiVersion;

impl FromStr for ApiVersion {
    type Err = InvalidApiVersion;

    fn from_str(text: &str) -> Result<Self, InvalidApiVersion> {
        let (date, release) = match text.split_once('.') {
            Some((_, "")) => return Err(InvalidApiVersion),
            Some((date, release)) => (date, release),
            None => (text, ""),
        };
        if !release.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(InvalidApiVersion);
        }
        let bytes = date.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(InvalidApiVersion);
        }
        let number = |from: usize, to: usize| -> Result<u16, InvalidApiVersion> {
            let digits = bytes.get(from..to).ok_or(InvalidApiVersion)?;
            digits.iter().try_fold(0u16, |sum, b| {
                if b.is_ascii_digit() {
                    Ok(sum * 10 + u16::from(b - b'0'))
                } else {
                    Err(InvalidApiVersion)
                }
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(InvalidApiVersion);
        }
        let narrow = |n: u16| u8::try_from(n).map_err(|_| InvalidApiVersion);
        Ok(Self { year, month: narrow(month)?, day: narrow(day)?, release: release.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that versions are ordered by date and survive a round trip through text.
    #[test]
    fn names_are_ordered_by_date() {
        let names = [
            "2022-11-15",
            "2024-09-30.acacia",
            "2024-11-20.acacia",
            "2025-03-31.basil",
            "2025-09-30.clover",
            "2026-03-25.dahlia",
            "2026-08-26.dahlia",
            "2026-10-28.endive",
        ];
        let parsed: Vec<ApiVersion> = names.iter().map(|n| n.parse().unwrap()).collect();
        assert!(parsed.is_sorted());
        for (name, version) in names.iter().zip(&parsed) {
            assert_eq!(*name, version.to_string());
        }
        assert_eq!(ApiVersion::pinned().to_string(), PINNED);
        assert_eq!(ApiVersion::oldest_understood().to_string(), OLDEST_UNDERSTOOD);
        assert!(!parsed[1].is_understood());
        assert!(parsed[2].is_understood());
        assert!(parsed[7].is_understood() && parsed[7].is_newer_than_pinned());
    }

    /// Shows that text which is no version is refused.
    #[test]
    fn other_text_is_refused() {
        for text in
            ["", "dahlia", "2026-8-26", "2026-13-01", "2026-08-26.", "2026-08-26.a b", "é026-08-26"]
        {
            assert!(text.parse::<ApiVersion>().is_err(), "{text}");
        }
    }
}
