//! Events: what must be known to accept one, and the whole of it for later.
//!
//! [`EventEnvelope`] borrows from the body and reads no more than the inbox needs; [`Event`]
//! owns its parts. The object inside stays unparsed text in both: its shape depends on the
//! event's type and API version, and an object we cannot read must never make us refuse the
//! event.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{StripeId, UnixSeconds};

/// What has to be known of an event to store it.
#[derive(Debug, Clone)]
pub struct EventEnvelope<'a> {
    /// `evt_…`; one event keeps its id through every delivery.
    pub id: Cow<'a, str>,
    /// Such as `customer.subscription.updated`.
    pub event_type: Cow<'a, str>,
    /// When the event happened, in Stripe's whole seconds.
    pub created: UnixSeconds,
    /// Whether it speaks of real money.
    pub livemode: bool,
    /// The API version in which `object` is written; the endpoint's, not the request's.
    pub api_version: Option<Cow<'a, str>>,
    /// The connected account it happened on, when it did not happen on our own.
    pub account: Option<Cow<'a, str>>,
    /// The id of the object it is about. A few kinds have none (a balance, an upcoming
    /// invoice).
    pub object_id: Option<Cow<'a, str>>,
    /// The kind of that object: `subscription`, `invoice`, `radar.early_fraud_warning`, …
    pub object_kind: Cow<'a, str>,
    /// The object itself, byte for byte as Stripe wrote it.
    pub object: &'a RawValue,
}

/// Why a body is not an event.
///
/// The texts hold positions and field names only, never values of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The bytes are not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The bytes are not JSON.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1.
        column: usize,
    },
    /// JSON, but a field that every event has is absent.
    #[error("the event has no field `{field}`")]
    MissingField {
        /// The field's name.
        field: String,
    },
    /// JSON, but a field has a type it never has.
    #[error("a field of the event has the wrong type (line {line}, column {column})")]
    WrongType {
        /// Line of the field, from 1.
        line: usize,
        /// Column of the field, from 1.
        column: usize,
    },
    /// A notification of the v2 API, which carries no object. An endpoint for snapshot
    /// events never receives one.
    #[error("the body is a thin event notification, not a snapshot event")]
    Thin,
}

#[derive(Deserialize)]
struct EnvelopeWire<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    created: UnixSeconds,
    livemode: bool,
    #[serde(borrow, default)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    account: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: DataWire<'a>,
}

#[derive(Deserialize)]
struct DataWire<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

impl<'a> EventEnvelope<'a> {
    /// Reads the envelope out of a webhook's raw body.
    ///
    /// # Errors
    /// [`EventError`] when the body is not a snapshot event. Unknown fields, types and object
    /// kinds are no error.
    pub fn parse(body: &'a [u8]) -> Result<Self, EventError> {
        let text = std::str::from_utf8(body).map_err(|_| EventError::NotUtf8)?;
        let wire: EnvelopeWire<'a> = serde_json::from_str(text).map_err(|e| explain(&e, text))?;
        let head = ObjectHead::of(wire.data.object);
        let object_kind = head
            .kind
            .ok_or_else(|| EventError::MissingField { field: "data.object.object".to_owned() })?;
        for (field, value) in [("id", &wire.id), ("type", &wire.event_type)] {
            if value.is_empty() {
                return Err(EventError::MissingField { field: field.to_owned() });
            }
        }
        Ok(Self {
            id: wire.id,
            event_type: wire.event_type,
            created: wire.created,
            livemode: wire.livemode,
            api_version: wire.api_version,
            account: wire.account,
            object_id: head.id,
            object_kind,
            object: wire.data.object,
        })
    }
}

/// `id` and `object` of a Stripe object, read without reading the rest where possible.
#[derive(Default)]
struct ObjectHead<'a> {
    id: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
}

impl<'a> ObjectHead<'a> {
    fn of(raw: &'a RawValue) -> Self {
        let mut head = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        // The visitor stops as soon as both are found, which serde_json reports as an error.
        // The text was checked as a whole when it became a RawValue, so nothing is hidden.
        let _ = deserializer.deserialize_map(HeadVisitor(&mut head));
        head
    }
}

struct HeadVisitor<'h, 'a>(&'h mut ObjectHead<'a>);

impl<'a> Visitor<'a> for HeadVisitor<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Stripe object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<HeadKey>()? {
            match key {
                HeadKey::Id => self.0.id = map.next_value::<MaybeText<'a>>()?.0,
                HeadKey::Object => self.0.kind = map.next_value::<MaybeText<'a>>()?.0,
                HeadKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if self.0.id.is_some() && self.0.kind.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum HeadKey {
    Id,
    Object,
    #[serde(other)]
    Other,
}

/// A text, or something else that is not worth an error.
struct MaybeText<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for MaybeText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        let text: Option<&'de str> = serde_json::from_str(raw.get()).ok();
        Ok(Self(match text {
            Some(text) => Some(Cow::Borrowed(text)),
            None => serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned),
        }))
    }
}

/// Turns serde's error into ours without carrying values of the body into a log.
fn explain(error: &serde_json::Error, text: &str) -> EventError {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, default)]
        object: Option<Cow<'a, str>>,
    }
    let (line, column) = (error.line(), error.column());
    if !error.is_data() {
        return EventError::NotJson { line, column };
    }
    if let Ok(Kind { object: Some(kind) }) = serde_json::from_str::<Kind<'_>>(text)
        && kind == "v2.core.event"
    {
        return EventError::Thin;
    }
    let message = error.to_string();
    match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => EventError::MissingField { field: field.to_owned() },
        None => EventError::WrongType { line, column },
    }
}

/// A whole event, as a list or a retrieval returns it.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// `evt_…`.
    pub id: StripeId,
    /// Such as `invoice.paid`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub created: UnixSeconds,
    /// Whether it speaks of real money.
    pub livemode: bool,
    /// The API version of `data.object`.
    #[serde(default)]
    pub api_version: Option<String>,
    /// The connected account it happened on.
    #[serde(default)]
    pub account: Option<StripeId>,
    /// How many endpoints have not yet answered it with a 2xx.
    #[serde(default)]
    pub pending_webhooks: i64,
    /// The request that caused it, if one did.
    #[serde(default)]
    pub request: Option<EventRequest>,
    /// The object, and what it was before.
    pub data: EventData,
}

/// The request that caused an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct EventRequest {
    /// `req_…`; `None` when Stripe acted by itself.
    #[serde(default)]
    pub id: Option<String>,
    /// The idempotency key of that request.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The payload of an event.
#[derive(Debug, Clone, Deserialize)]
pub struct EventData {
    /// The object as it was right after the event.
    pub object: Box<RawValue>,
    /// For `*.updated`: the former values of what changed.
    #[serde(default)]
    pub previous_attributes: Option<Box<RawValue>>,
}

impl Event {
    /// Reads an event out of a webhook's raw body or a stored payload.
    ///
    /// # Errors
    /// As [`EventEnvelope::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, EventError> {
        let text = std::str::from_utf8(body).map_err(|_| EventError::NotUtf8)?;
        serde_json::from_str(text).map_err(|e| explain(&e, text))
    }

    /// The id of the object the event is about, where that kind of object has one.
    #[must_use]
    pub fn object_id(&self) -> Option<String> {
        ObjectHead::of(&self.data.object).id.map(Cow::into_owned)
    }

    /// The kind of that object, such as `invoice`.
    #[must_use]
    pub fn object_kind(&self) -> Option<String> {
        ObjectHead::of(&self.data.object).kind.map(Cow::into_owned)
    }

    /// Reads the object as `T`.
    ///
    /// # Errors
    /// When the object is not of the shape of `T`.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.data.object.get())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const BODY: &str = r#"{
  "id": "evt_1", "object": "event", "api_version": "2025-03-31.basil", "created": 1700000000,
  "data": {
    "object": { "z": [1, {"id": "inner"}], "id": "sub_1", "object": "subscription", "plan": null },
    "previous_attributes": { "status": "active" }
  },
  "livemode": false, "pending_webhooks": 1,
  "request": { "id": null, "idempotency_key": "k" },
  "type": "customer.subscription.updated", "new_field": {"deep": [true]}
}"#;

    /// Shows that the envelope is read by borrowing, that the object keeps its bytes, and that
    /// unknown fields do no harm.
    #[test]
    fn an_envelope_is_read() {
        let event = EventEnvelope::parse(BODY.as_bytes()).unwrap();
        assert!(matches!(event.id, Cow::Borrowed("evt_1")));
        assert_eq!(event.event_type, "customer.subscription.updated");
        assert_eq!(event.created, 1_700_000_000);
        assert!(!event.livemode);
        assert_eq!(event.api_version.as_deref(), Some("2025-03-31.basil"));
        assert_eq!(event.account, None);
        assert_eq!(event.object_id.as_deref(), Some("sub_1"));
        assert_eq!(event.object_kind, "subscription");
        assert!(event.object.get().starts_with(r#"{ "z": [1, "#));

        let owned = Event::parse(BODY.as_bytes()).unwrap();
        assert_eq!(owned.object_id().as_deref(), Some("sub_1"));
        assert_eq!(owned.object_kind().as_deref(), Some("subscription"));
        assert_eq!(owned.request.unwrap().idempotency_key.as_deref(), Some("k"));
        assert!(owned.data.previous_attributes.is_some());
    }

    /// Shows that escapes are understood, null versions are allowed and objects without an id
    /// are accepted.
    #[test]
    fn unusual_but_valid_events_are_read() {
        let text = BODY
            .replace("\"evt_1\"", "\"evt\\u005f1\"")
            .replace("\"2025-03-31.basil\"", "null")
            .replace("\"id\": \"sub_1\", ", "\"id\": null, ");
        let event = EventEnvelope::parse(text.as_bytes()).unwrap();
        assert_eq!(event.id, "evt_1");
        assert_eq!(event.api_version, None);
        assert_eq!(event.object_id, None);
    }

    proptest::proptest! {
        /// Shows that no bytes make the parser panic, also not a true event cut or altered.
        #[test]
        fn any_bytes_are_survived(
            noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
            at in 0..BODY.len(),
        ) {
            let _ = EventEnvelope::parse(&noise);
            let mut body = BODY.as_bytes()[..at].to_vec();
            let _ = EventEnvelope::parse(&body);
            body.extend(&noise);
            body.extend(&BODY.as_bytes()[at..]);
            let _ = EventEnvelope::parse(&body);
        }
    }

    /// Shows that each kind of fault is told apart and that no value of the body is repeated.
    #[test]
    fn faults_are_explained() {
        let missing = |field: &str| EventError::MissingField { field: field.to_owned() };
        let cases = [
            (BODY.replace("\"id\": \"evt_1\",", ""), missing("id")),
            (BODY.replace("\"evt_1\"", "\"\""), missing("id")),
            (BODY.replace("\"livemode\": false,", ""), missing("livemode")),
            (BODY.replace("\"object\": \"subscription\",", ""), missing("data.object.object")),
            (BODY.replace("\"type\"", "\"typo\""), missing("type")),
        ];
        for (text, expected) in cases {
            assert_eq!(EventEnvelope::parse(text.as_bytes()).unwrap_err(), expected);
        }
        let wrong = BODY.replace("1700000000", "\"hush\"");
        let error = EventEnvelope::parse(wrong.as_bytes()).unwrap_err();
        assert!(matches!(error, EventError::WrongType { line: 2, .. }), "{error:?}");
        assert!(!error.to_string().contains("hush"));
        for text in ["", "{", "nonsense", "{\"id\":\"a\"} trailing"] {
            let error = EventEnvelope::parse(text.as_bytes()).unwrap_err();
            assert!(!matches!(error, EventError::Thin | EventError::NotUtf8), "{text}: {error:?}");
        }
        assert_eq!(EventEnvelope::parse(b"\xff{}").unwrap_err(), EventError::NotUtf8);
        let thin = br#"{"id":"evt_1","object":"v2.core.event","type":"v1.customer.created",
            "created":"2026-01-01T00:00:00Z","related_object":{"id":"cus_1"}}"#;
        assert_eq!(EventEnvelope::parse(thin).unwrap_err(), EventError::Thin);
    }
}
