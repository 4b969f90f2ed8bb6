//! The shapes that wrap objects: ids that may be expanded, lists, deleted objects, and an
//! object kept together with its text.

use std::{collections::BTreeMap, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, value::RawValue};

use crate::StripeId;

/// The keys and values that we or the operator attached to an object.
pub type Metadata = BTreeMap<String, String>;

/// Reads `null` as the default. Stripe leaves out, or writes as `null`, fields that its
/// description calls required, depending on version and kind of key.
pub(crate) fn lenient<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An object that has an id.
pub trait Identified {
    /// The Stripe id.
    fn id(&self) -> &str;
}

macro_rules! identified {
    ($($name:ty),+ $(,)?) => {$(
        impl crate::objects::envelope::Identified for $name {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )+};
}
pub(crate) use identified;

/// What Stripe says of an object that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deleted {
    /// The id it had.
    pub id: StripeId,
    /// The kind it was.
    #[serde(default)]
    pub object: String,
    /// Always true.
    #[serde(default)]
    pub deleted: bool,
}

identified!(Deleted, crate::Event);

/// An object, or the note that it was deleted.
#[derive(Debug, Clone, PartialEq)]
pub enum MaybeDeleted<T> {
    /// It exists.
    Live(Box<T>),
    /// It was deleted.
    Deleted(Deleted),
}

impl<T> MaybeDeleted<T> {
    /// The object, if it exists.
    #[must_use]
    pub fn live(self) -> Option<T> {
        match self {
            Self::Live(object) => Some(*object),
            Self::Deleted(_) => None,
        }
    }

    /// A reference to the object, if it exists.
    #[must_use]
    pub fn as_live(&self) -> Option<&T> {
        match self {
            Self::Live(object) => Some(object),
            Self::Deleted(_) => None,
        }
    }
}

fn is_deleted(object: &Map<String, Value>) -> bool {
    object.get("deleted") == Some(&Value::Bool(true))
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for MaybeDeleted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        let deleted = is_deleted(&object);
        let value = Value::Object(object);
        if deleted {
            Deleted::deserialize(value).map(Self::Deleted).map_err(D::Error::custom)
        } else {
            T::deserialize(value).map(|t| Self::Live(Box::new(t))).map_err(D::Error::custom)
        }
    }
}

/// A reference to another object: its id, or the object itself where it was expanded.
#[derive(Debug, Clone, PartialEq)]
pub enum Expandable<T> {
    /// Not expanded.
    Id(StripeId),
    /// Expanded.
    Object(Box<T>),
    /// Expanded, but the object no longer exists.
    Deleted(Deleted),
}

impl<T> Expandable<T> {
    /// The expanded object.
    #[must_use]
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Id(_) | Self::Deleted(_) => None,
        }
    }
}

impl<T: Identified> Expandable<T> {
    /// The id, expanded or not.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
            Self::Deleted(deleted) => &deleted.id,
        }
    }
}

/// The id of an optional reference.
pub(crate) fn id_of<T: Identified>(reference: &Option<Expandable<T>>) -> Option<&str> {
    reference.as_ref().map(Expandable::id)
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrObject<T>(PhantomData<T>);
        impl<'de, T: DeserializeOwned> Visitor<'de> for IdOrObject<T> {
            type Value = Expandable<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id or an object")
            }
            fn visit_str<E: serde::de::Error>(self, id: &str) -> Result<Self::Value, E> {
                Ok(Expandable::Id(id.to_owned()))
            }
            fn visit_string<E: serde::de::Error>(self, id: String) -> Result<Self::Value, E> {
                Ok(Expandable::Id(id))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let found = MaybeDeleted::<T>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(match found {
                    MaybeDeleted::Live(object) => Expandable::Object(object),
                    MaybeDeleted::Deleted(deleted) => Expandable::Deleted(deleted),
                })
            }
        }
        deserializer.deserialize_any(IdOrObject(PhantomData))
    }
}

/// One page of objects, newest first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct List<T> {
    /// The objects of this page.
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    /// Whether another page follows.
    #[serde(default)]
    pub has_more: bool,
    /// The path the list was read from.
    #[serde(default)]
    pub url: Option<String>,
    /// How many there are in all, where Stripe says it.
    #[serde(default)]
    pub total_count: Option<i64>,
    /// For searches: what to ask for next.
    #[serde(default)]
    pub next_page: Option<String>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { data: Vec::new(), has_more: false, url: None, total_count: None, next_page: None }
    }
}

/// An object together with the exact text it was read from, for those who store it.
///
/// It reads like the object itself.
#[derive(Debug, Clone)]
pub struct Kept<T> {
    /// What was read.
    pub object: T,
    /// Stripe's text of it.
    pub raw: Box<RawValue>,
}

impl<T: DeserializeOwned> Kept<T> {
    /// Reads an object out of a text that somebody holds, such as the payload of an event.
    ///
    /// # Errors
    /// When the text is not of the shape of `T`.
    pub fn read(raw: &RawValue) -> Result<Self, serde_json::Error> {
        Ok(Self { object: serde_json::from_str(raw.get())?, raw: raw.to_owned() })
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: Identified> Identified for Kept<T> {
    fn id(&self) -> &str {
        self.object.id()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let object = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        Ok(Self { object, raw })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::objects::{Customer, SubscriptionStatus};

    /// Shows that a reference gives its id in each of its three forms.
    #[test]
    fn references_have_ids_in_every_form() {
        let forms = [
            r#""cus_1""#,
            r#"{"id":"cus_1","object":"customer","email":null,"livemode":false,"created":1}"#,
            r#"{"id":"cus_1","object":"customer","deleted":true}"#,
        ];
        for form in forms {
            let reference: Expandable<Customer> = serde_json::from_str(form).unwrap();
            assert_eq!(reference.id(), "cus_1");
            assert_eq!(reference.object().is_some(), form.contains("email"));
        }
        assert!(serde_json::from_str::<Expandable<Customer>>("3").is_err());
        let gone: MaybeDeleted<Customer> = serde_json::from_str(forms[2]).unwrap();
        assert!(gone.live().is_none());
    }

    /// Shows that lists keep each object's own text.
    #[test]
    fn lists_keep_the_text_of_each_object() {
        let page: List<Kept<Deleted>> = serde_json::from_str(
            r#"{"object":"list","data":[{"id" :"a"}, {"id":"b","x":1.50}],"has_more":true,"url":"/v1/x"}"#,
        )
        .unwrap();
        assert_eq!(page.data[0].raw.get(), r#"{"id" :"a"}"#);
        assert_eq!(page.data[1].raw.get(), r#"{"id":"b","x":1.50}"#);
        assert_eq!(page.data[1].id(), "b");
        assert!(page.has_more);
    }

    /// Shows that known and unknown words survive a round trip, each as one value only.
    #[test]
    fn words_survive() {
        for word in ["active", "past_due", "hibernating"] {
            let json = format!("\"{word}\"");
            let status: SubscriptionStatus = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&status).unwrap(), json);
            assert_eq!(SubscriptionStatus::from(word.to_owned()), status);
            assert_eq!(status.is_known(), word != "hibernating");
        }
        assert_eq!(SubscriptionStatus::from("x"), SubscriptionStatus::Other("x".to_owned()));
        for known in SubscriptionStatus::KNOWN {
            assert_eq!(SubscriptionStatus::from(known.as_str()), *known);
        }
    }
}
