//! An answer of Stripe's, and when Stripe read what is in it.

use std::{any::type_name, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::error::{StripeError, text};
use crate::UnixSeconds;

/// The seconds, by Stripe's clock, within which Stripe read an object: not before `from`, not
/// after `to`. Both ends can be the very second.
///
/// Event times are made by the same clock, so an object can be ordered against events: it
/// knows everything that happened before `from`, and nothing that happened after `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadAt {
    /// The earliest second. 0 when Stripe replayed an older answer to the same idempotency
    /// key: then it says nothing about the present.
    pub from: UnixSeconds,
    /// The latest second: the `Date` of the answer.
    pub to: UnixSeconds,
}

impl ReadAt {
    /// `date` is the answer's own time, `elapsed` what passed here from sending to its arrival.
    pub(super) fn new(date: UnixSeconds, elapsed: Duration) -> Self {
        let up = u64::from(elapsed.subsec_nanos() > 0);
        let seconds = i64::try_from(elapsed.as_secs() + up).unwrap_or(i64::MAX);
        // One more, because the date is cut to whole seconds.
        Self { from: date.saturating_sub(seconds).saturating_sub(1).max(0), to: date }
    }
}

/// What Stripe answered.
#[derive(Debug, Clone)]
pub struct Fetched<T> {
    /// The object or list.
    pub object: T,
    /// Its exact text, for those who store it.
    pub raw: Box<RawValue>,
    /// When Stripe read it.
    pub read_at: ReadAt,
    /// `req_…`.
    pub request_id: Option<String>,
    /// Whether this is the stored answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

impl<T> Fetched<T> {
    /// Changes the object and keeps the rest.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fetched<U> {
        Fetched {
            object: change(self.object),
            raw: self.raw,
            read_at: self.read_at,
            request_id: self.request_id,
            replayed: self.replayed,
        }
    }
}

/// A success, not yet read.
#[derive(Debug)]
pub(super) struct Answer {
    raw: Box<RawValue>,
    read_at: ReadAt,
    request_id: Option<String>,
    replayed: bool,
}

impl Answer {
    pub(super) fn new(
        headers: &HeaderMap,
        body: Vec<u8>,
        elapsed: Duration,
    ) -> Result<Self, StripeError> {
        let decode = |reason| StripeError::decode(reason, headers);
        let date = headers
            .get("date")
            .and_then(|value| http_date(value.to_str().ok()?))
            .ok_or_else(|| decode("the answer has no readable Date"))?;
        let body = String::from_utf8(body).map_err(|_| decode("the answer is not UTF-8"))?;
        let raw = RawValue::from_string(body).map_err(|_| decode("the answer is not JSON"))?;
        let replayed = text(headers, "idempotent-replayed").is_some_and(|v| v == "true");
        let mut read_at = ReadAt::new(date, elapsed);
        if replayed {
            read_at.from = 0;
        }
        Ok(Self { raw, read_at, request_id: text(headers, "request-id"), replayed })
    }

    pub(super) fn read<T: DeserializeOwned>(
        self,
        method: Method,
        path: &str,
    ) -> Result<Fetched<T>, StripeError> {
        let object = serde_json::from_str(self.raw.get()).map_err(|error| {
            let full = type_name::<T>();
            let expected = full.split('<').next_back().unwrap_or(full).trim_end_matches('>');
            let expected = expected.rsplit("::").next().unwrap_or(expected);
            StripeError::shape(
                &error,
                expected,
                self.request_id.clone(),
                method.clone(),
                path.to_owned(),
            )
        })?;
        Ok(Fetched {
            object,
            raw: self.raw,
            read_at: self.read_at,
            request_id: self.request_id,
            replayed: self.replayed,
        })
    }
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of date that HTTP servers may send.
fn http_date(text: &str) -> Option<UnixSeconds> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = 1 + i64::try_from(months.iter().position(|name| *name == month)?).ok()?;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_range = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range || words.next()? != "GMT" {
        return None;
    }
    // Days since 1970 by counting years from March, so that leap days come last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that HTTP dates are read to the second, leap days and centuries included.
    #[test]
    fn http_dates_are_read() {
        let cases = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            ("Sat, 21 Nov 2026 21:55:52 GMT", Some(1_795_298_152)),
            ("Sat, 21 Nov 2026 21:55:52 CET", None),
            ("Sat, 21 Nvo 2026 21:55:52 GMT", None),
            ("21 Nov 2026", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }

    /// Shows that the time of reading covers the whole request and the cut second.
    #[test]
    fn the_time_of_reading_is_an_interval() {
        let read = |ms| ReadAt::new(1_000, Duration::from_millis(ms));
        assert_eq!(read(0), ReadAt { from: 999, to: 1_000 });
        assert_eq!(read(1), ReadAt { from: 998, to: 1_000 });
        assert_eq!(read(2_000), ReadAt { from: 997, to: 1_000 });
        assert_eq!(read(2_001), ReadAt { from: 996, to: 1_000 });
    }
}
