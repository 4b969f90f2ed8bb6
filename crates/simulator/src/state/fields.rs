//! Short readers for fields of JSON objects and of checked parameters.

use serde_json::Value;

use super::Object;

/// Typed looks into an object; a missing or null field is `None` (or empty).
pub(crate) trait Fields {
    /// The field itself; null counts as absent.
    fn field(&self, key: &str) -> Option<&Value>;

    /// A text.
    fn text(&self, key: &str) -> Option<&str> {
        self.field(key)?.as_str()
    }

    /// A text as an owned value.
    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    /// A whole number.
    fn int(&self, key: &str) -> Option<i64> {
        self.field(key)?.as_i64()
    }

    /// A whole number, 0 when absent.
    fn amount(&self, key: &str) -> i64 {
        self.int(key).unwrap_or(0)
    }

    /// A boolean.
    fn flag(&self, key: &str) -> Option<bool> {
        self.field(key)?.as_bool()
    }

    /// An inner object.
    fn object(&self, key: &str) -> Option<&Object> {
        self.field(key)?.as_object()
    }

    /// The items of an array, or of a list object's `data`.
    fn items(&self, key: &str) -> &[Value] {
        match self.field(key) {
            Some(Value::Array(items)) => items,
            Some(Value::Object(list)) => list.items("data"),
            _ => &[],
        }
    }

    /// A copy of the field, null when absent.
    fn copy(&self, key: &str) -> Value {
        self.field(key).cloned().unwrap_or(Value::Null)
    }

    /// The object's id, or the id that an expanded or unexpanded reference names.
    fn reference(&self, key: &str) -> Option<&str> {
        match self.field(key)? {
            Value::String(id) => Some(id),
            Value::Object(object) => object.text("id"),
            _ => None,
        }
    }
}

impl Fields for Object {
    fn field(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| !value.is_null())
    }
}

impl Fields for Value {
    fn field(&self, key: &str) -> Option<&Value> {
        self.get(key).filter(|value| !value.is_null())
    }
}
