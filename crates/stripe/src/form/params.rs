//! Building a form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{FormMap, FormValue};

/// Everything is escaped but what RFC 3986 calls unreserved, and the brackets of keys.
const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'[').remove(b']');
const VALUE: &AsciiSet = &KEY.add(b'[').add(b']');

/// The parameters of a request, in the order in which they were set.
///
/// ```
/// let params = stripe::Params::new()
///     .set("mode", "subscription")
///     .set("line_items[0][price]", "price_1")
///     .set("line_items[0][quantity]", 2)
///     .set("customer_email", None::<&str>)
///     .metadata("organization_id", "org_1")
///     .expand("subscription");
/// assert_eq!(
///     params.encode(),
///     "mode=subscription&line_items[0][price]=price_1&line_items[0][quantity]=2\
///      &metadata[organization_id]=org_1&expand[0]=subscription"
/// );
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
    expands: usize,
}

/// One value of [`Params::set`]: a text, a whole number, a boolean, or nothing at all.
///
/// Floats are left out on purpose: no amount is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    /// Sent as it is; the empty text unsets the field at Stripe.
    Text(String),
    /// Not sent.
    Omitted,
}

impl From<&str> for ParamValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ParamValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for ParamValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl<T: Into<ParamValue>> From<Option<T>> for ParamValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Omitted, Into::into)
    }
}

macro_rules! param_from_display {
    ($($plain:ty),*) => {$(
        impl From<$plain> for ParamValue {
            fn from(value: $plain) -> Self {
                Self::Text(value.to_string())
            }
        }
    )*};
}

param_from_display!(bool, i32, i64, u8, u16, u32, u64, usize);

impl Params {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a parameter by its full name, brackets included. A name that is already set keeps
    /// its place and takes the new value.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        if let ParamValue::Text(text) = value.into() {
            self.put(name.into(), text);
        }
        self
    }

    /// Asks Stripe to clear a field: sends it empty.
    #[must_use]
    pub fn unset(self, name: impl Into<String>) -> Self {
        self.set(name, "")
    }

    /// Sets one key of the object's metadata. An empty value deletes the key at Stripe.
    #[must_use]
    pub fn metadata(self, key: &str, value: impl Into<ParamValue>) -> Self {
        self.set(format!("metadata[{key}]"), value)
    }

    /// Asks for a field to be returned as an object instead of an id. On lists the path starts
    /// with `data.`.
    #[must_use]
    pub fn expand(mut self, path: &str) -> Self {
        self.put(format!("expand[{}]", self.expands), path.to_owned());
        self.expands += 1;
        self
    }

    /// Sets a whole object: each parameter of `inner` below `name`.
    #[must_use]
    pub fn nest(mut self, name: &str, inner: Params) -> Self {
        for (key, value) in inner.pairs {
            self.put(below(name, &key), value);
        }
        self
    }

    /// Sets an array of objects.
    #[must_use]
    pub fn list(self, name: &str, items: impl IntoIterator<Item = Params>) -> Self {
        items
            .into_iter()
            .enumerate()
            .fold(self, |params, (index, item)| params.nest(&format!("{name}[{index}]"), item))
    }

    /// Sets an array of plain values.
    #[must_use]
    pub fn values<V: Into<ParamValue>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        values
            .into_iter()
            .enumerate()
            .fold(self, |params, (index, value)| params.set(format!("{name}[{index}]"), value))
    }

    /// Everything a decoded tree holds: the inverse of [`super::decode`]. Empty maps and lists have
    /// no form and are lost.
    #[must_use]
    pub fn from_tree(tree: &FormMap) -> Self {
        let mut params = Self::new();
        for (key, value) in tree {
            params.put_tree(key.clone(), value);
        }
        params
    }

    /// The value set for `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// All names and values, unescaped, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The text of a form body or of a query string.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(self.pairs.len() * 32);
        for (key, value) in &self.pairs {
            if !out.is_empty() {
                out.push('&');
            }
            out.extend(utf8_percent_encode(key, KEY));
            out.push('=');
            out.extend(utf8_percent_encode(value, VALUE));
        }
        out
    }

    fn put(&mut self, name: String, value: String) {
        match self.pairs.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.pairs.push((name, value)),
        }
    }

    fn put_tree(&mut self, name: String, value: &FormValue) {
        match value {
            FormValue::Text(text) => self.put(name, text.clone()),
            FormValue::Map(map) => {
                for (key, inner) in map {
                    self.put_tree(format!("{name}[{key}]"), inner);
                }
            }
            FormValue::List(items) => {
                for (index, inner) in items.iter().enumerate() {
                    self.put_tree(format!("{name}[{index}]"), inner);
                }
            }
        }
    }
}

/// `recurring` + `interval` is `recurring[interval]`; `a` + `b[c]` is `a[b][c]`.
fn below(name: &str, key: &str) -> String {
    match key.split_once('[') {
        Some((head, rest)) => format!("{name}[{head}][{rest}"),
        None => format!("{name}[{key}]"),
    }
}
