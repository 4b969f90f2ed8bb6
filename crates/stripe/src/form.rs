//! Stripe's form bodies: `items[0][price]=price_1&metadata[plan]=team&expand[0]=customer`.
//!
//! [`Params`] builds one for a request of ours; [`decode`] reads one into an ordered tree for
//! the simulator. Encoding is what Stripe's own libraries send (indices in arrays, brackets
//! left readable, booleans as words, an empty text to unset a field, absent values omitted);
//! decoding also takes what people type by hand (`expand[]=…`, `+` for a space).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

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

    /// Everything a decoded tree holds: the inverse of [`decode`]. Empty maps and lists have
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

/// The top of a decoded form: names in the order in which they first came.
pub type FormMap = IndexMap<String, FormValue>;

/// A decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormValue {
    /// A plain value. Forms know no other type: numbers and booleans are texts here.
    Text(String),
    /// `name[key]=…`.
    Map(FormMap),
    /// `name[]=…`, or `name[0]=…` with indices that run from 0 without a gap.
    List(Vec<FormValue>),
}

impl FormValue {
    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&FormMap> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The list, if this is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[FormValue]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// Looks up a key of a map or an index of a list.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&FormValue> {
        match self {
            Self::Text(_) => None,
            Self::Map(map) => map.get(key),
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
        }
    }

    /// Keys and values of a map, or indices and values of a list. Metadata whose keys are
    /// `0`, `1`, … decodes as a list; this brings the keys back.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, &FormValue)> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::Map(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Self::List(items) => {
                items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect()
            }
        }
    }
}

/// Bounds for [`decode_within`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pairs in one form.
    pub pairs: usize,
    /// Most brackets in one name.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pairs: 2_000, depth: 12 }
    }
}

/// Why a form cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More pairs than [`Limits::pairs`].
    #[error("too many parameters")]
    TooMany,
    /// More brackets than [`Limits::depth`].
    #[error("a parameter is nested too deeply")]
    TooDeep,
    /// A percent sign is not followed by two hex digits, or the bytes are not UTF-8.
    #[error("a parameter is not valid percent-encoded UTF-8")]
    BadEncoding,
    /// A name is empty or its brackets do not close.
    #[error("the parameter name `{name}` is malformed")]
    BadName {
        /// The name, unescaped.
        name: String,
    },
    /// A name is used both for a plain value and for something inside it, or as a list in two
    /// different ways.
    #[error("the parameter `{name}` is given in two ways that exclude each other")]
    Conflict {
        /// The name that came second, unescaped.
        name: String,
    },
}

/// Reads a form body or a query string into an ordered tree, with the default limits.
///
/// Of a plain name given twice the last value holds.
///
/// # Errors
/// [`FormError`].
pub fn decode(input: &[u8]) -> Result<FormMap, FormError> {
    decode_within(input, Limits::default())
}

/// As [`decode`], with limits of the caller's choice.
///
/// # Errors
/// [`FormError`].
pub fn decode_within(input: &[u8], limits: Limits) -> Result<FormMap, FormError> {
    let mut root: IndexMap<String, Node> = IndexMap::new();
    let pairs = input.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    for (seen, pair) in pairs.enumerate() {
        if seen >= limits.pairs {
            return Err(FormError::TooMany);
        }
        let at = pair.iter().position(|b| *b == b'=');
        let (name, value) = match at {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let (name, value) = (unescape(name)?, unescape(value)?);
        let path = split_name(&name, limits)?;
        let (first, rest) =
            path.split_first().ok_or_else(|| FormError::BadName { name: name.clone() })?;
        let slot = root.entry((*first).to_owned()).or_insert(Node::Empty);
        insert(slot, rest, value).map_err(|Clash| FormError::Conflict { name: name.clone() })?;
    }
    Ok(root.into_iter().map(|(key, node)| (key, node.finish())).collect())
}

/// A value while more of it may still come.
enum Node {
    Empty,
    Text(String),
    Keyed(IndexMap<String, Node>),
    Appended(Vec<Node>),
}

struct Clash;

fn insert(node: &mut Node, path: &[&str], value: String) -> Result<(), Clash> {
    let Some((head, rest)) = path.split_first() else {
        return match node {
            Node::Empty | Node::Text(_) => {
                *node = Node::Text(value);
                Ok(())
            }
            Node::Keyed(_) | Node::Appended(_) => Err(Clash),
        };
    };
    if head.is_empty() {
        if matches!(node, Node::Empty) {
            *node = Node::Appended(Vec::new());
        }
        let Node::Appended(items) = node else { return Err(Clash) };
        // `a[][b]=1&a[][c]=2` is one item, `a[][b]=1&a[][b]=2` are two: a new item starts
        // where the last one already has the name.
        if let (Some(last), [_, ..]) = (items.last_mut(), rest)
            && !has(last, rest)
        {
            return insert(last, rest, value);
        }
        items.push(Node::Empty);
        return items.last_mut().map_or(Err(Clash), |item| insert(item, rest, value));
    }
    if matches!(node, Node::Empty) {
        *node = Node::Keyed(IndexMap::new());
    }
    let Node::Keyed(map) = node else { return Err(Clash) };
    insert(map.entry((*head).to_owned()).or_insert(Node::Empty), rest, value)
}

/// Whether `path` is already taken within `node`. Lists can always take one more.
fn has(node: &Node, path: &[&str]) -> bool {
    match (path.split_first(), node) {
        (None, node) => !matches!(node, Node::Empty),
        (Some(_), Node::Text(_)) => true,
        (Some((head, rest)), Node::Keyed(map)) => {
            map.get(*head).is_some_and(|inner| has(inner, rest))
        }
        (Some(_), Node::Empty | Node::Appended(_)) => false,
    }
}

impl Node {
    fn finish(self) -> FormValue {
        match self {
            Node::Empty => FormValue::Text(String::new()),
            Node::Text(text) => FormValue::Text(text),
            Node::Appended(items) => FormValue::List(items.into_iter().map(Node::finish).collect()),
            Node::Keyed(map) => {
                if !is_list(&map) {
                    return FormValue::Map(
                        map.into_iter().map(|(key, node)| (key, node.finish())).collect(),
                    );
                }
                let ordered: BTreeMap<usize, Node> = map
                    .into_iter()
                    .filter_map(|(key, node)| Some((key.parse().ok()?, node)))
                    .collect();
                FormValue::List(ordered.into_values().map(Node::finish).collect())
            }
        }
    }
}

/// Whether the keys are exactly the numbers from 0 on, in whatever order, each written plainly
/// (so no two keys are the same number).
fn is_list(map: &IndexMap<String, Node>) -> bool {
    map.keys().all(|key| {
        let plain = key == "0" || !key.starts_with('0');
        plain
            && key.bytes().all(|b| b.is_ascii_digit())
            && key.parse::<usize>().is_ok_and(|index| index < map.len())
    })
}

/// `a[b][]` is `a`, `b` and an empty name.
fn split_name(name: &str, limits: Limits) -> Result<Vec<&str>, FormError> {
    let bad = || FormError::BadName { name: name.to_owned() };
    let (first, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    if first.is_empty() || first.contains(']') {
        return Err(bad());
    }
    let mut path = vec![first];
    while !rest.is_empty() {
        let (inner, after) =
            rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(bad)?;
        if inner.contains('[') {
            return Err(bad());
        }
        if path.len() > limits.depth {
            return Err(FormError::TooDeep);
        }
        path.push(inner);
        rest = after;
    }
    Ok(path)
}

fn unescape(bytes: &[u8]) -> Result<String, FormError> {
    let well_formed = bytes.iter().enumerate().filter(|(_, b)| **b == b'%').all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    });
    if !well_formed {
        return Err(FormError::BadEncoding);
    }
    let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    String::from_utf8(percent_decode(&spaced).collect()).map_err(|_| FormError::BadEncoding)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn text(t: &str) -> FormValue {
        FormValue::Text(t.to_owned())
    }

    fn map<const N: usize>(pairs: [(&str, FormValue); N]) -> FormValue {
        FormValue::Map(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
    }

    fn list<const N: usize>(items: [FormValue; N]) -> FormValue {
        FormValue::List(items.into())
    }

    /// Shows how the builder's helpers name, omit, clear and escape parameters.
    #[test]
    fn params_are_encoded_as_stripe_expects() {
        let price = Params::new().set("price", "price_1").set("quantity", 3u32);
        let params = Params::new()
            .set("customer", "cus_1")
            .set("cancel_at_period_end", true)
            .set("trial_end", None::<i64>)
            .set("amount", -5i64)
            .unset("default_payment_method")
            .nest("recurring", Params::new().set("interval", "month"))
            .nest("data", Params::new().set("a[b]", 1).set("a[c]", 2))
            .list("items", [price.clone(), price])
            .values("enabled_events", ["invoice.paid", "charge.failed"])
            .metadata("note", "50 % & more=ü[x]")
            .expand("customer")
            .expand("latest_invoice.payments")
            .set("customer", "cus_2");
        assert_eq!(
            params.encode(),
            "customer=cus_2&cancel_at_period_end=true&amount=-5&default_payment_method=\
             &recurring[interval]=month&data[a][b]=1&data[a][c]=2&items[0][price]=price_1\
             &items[0][quantity]=3&items[1][price]=price_1&items[1][quantity]=3\
             &enabled_events[0]=invoice.paid&enabled_events[1]=charge.failed\
             &metadata[note]=50%20%25%20%26%20more%3D%C3%BC%5Bx%5D\
             &expand[0]=customer&expand[1]=latest_invoice.payments"
        );
        assert_eq!(params.get("customer"), Some("cus_2"));
    }

    /// Shows each form of nesting that Stripe's libraries and people send.
    #[test]
    fn forms_are_decoded_into_ordered_trees() {
        let cases: [(&str, FormValue); 13] = [
            ("a=1&b=x+y%20z", map([("a", text("1")), ("b", text("x y z"))])),
            ("a=1&a=2", map([("a", text("2"))])),
            ("a&b=", map([("a", text("")), ("b", text(""))])),
            ("&&a=1&", map([("a", text("1"))])),
            ("a[]=1&a[]=2", map([("a", list([text("1"), text("2")]))])),
            ("a%5B0%5D=1&a%5B1%5D=2", map([("a", list([text("1"), text("2")]))])),
            ("a[1]=2&a[0]=1", map([("a", list([text("1"), text("2")]))])),
            ("a[1]=2", map([("a", map([("1", text("2"))]))])),
            (
                "a[b][c]=1&a[b][d]=2",
                map([("a", map([("b", map([("c", text("1")), ("d", text("2"))]))]))]),
            ),
            (
                "items[0][price]=p&items[0][quantity]=2&items[1][price]=q",
                map([(
                    "items",
                    list([
                        map([("price", text("p")), ("quantity", text("2"))]),
                        map([("price", text("q"))]),
                    ]),
                )]),
            ),
            (
                "i[][p]=1&i[][q]=2&i[][p]=3",
                map([(
                    "i",
                    list([map([("p", text("1")), ("q", text("2"))]), map([("p", text("3"))])]),
                )]),
            ),
            ("m[a b]=1&m[ü]=2", map([("m", map([("a b", text("1")), ("ü", text("2"))]))])),
            ("v=a[b]=c", map([("v", text("a[b]=c"))])),
        ];
        for (input, expected) in cases {
            assert_eq!(FormValue::Map(decode(input.as_bytes()).unwrap()), expected, "{input}");
        }
    }

    /// Shows that broken and hostile input is refused with the right reason.
    #[test]
    fn bad_forms_are_refused() {
        let bad = |n: &str| FormError::BadName { name: n.to_owned() };
        let clash = |n: &str| FormError::Conflict { name: n.to_owned() };
        let cases = [
            ("a=%zz", FormError::BadEncoding),
            ("a=%f", FormError::BadEncoding),
            ("a=%ff", FormError::BadEncoding),
            ("=1", bad("")),
            ("[a]=1", bad("[a]")),
            ("a[b=1", bad("a[b")),
            ("a[b]c=1", bad("a[b]c")),
            ("a]=1", bad("a]")),
            ("a=1&a[b]=2", clash("a[b]")),
            ("a[b]=2&a=1", clash("a")),
            ("a[]=2&a[b]=1", clash("a[b]")),
        ];
        for (input, expected) in cases {
            assert_eq!(decode(input.as_bytes()).unwrap_err(), expected, "{input}");
        }
        let deep = format!("a{}=1", "[x]".repeat(13));
        assert_eq!(decode(deep.as_bytes()).unwrap_err(), FormError::TooDeep);
        let many = "a=1&".repeat(2_001);
        assert_eq!(decode(many.as_bytes()).unwrap_err(), FormError::TooMany);
    }

    fn tree() -> impl Strategy<Value = FormMap> {
        let name = "[a-zA-Z_ü &=+%.][a-zA-Z0-9_ü &=+%.]{0,6}";
        let leaf = any::<String>().prop_map(FormValue::Text);
        let value = leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(FormValue::List),
                proptest::collection::vec((name, inner), 1..4)
                    .prop_map(|pairs| FormValue::Map(pairs.into_iter().collect())),
            ]
        });
        proptest::collection::vec((name, value), 0..5).prop_map(|v| v.into_iter().collect())
    }

    proptest! {
        /// Shows that decoding undoes encoding for every tree without empty branches.
        #[test]
        fn decode_undoes_encode(tree in tree()) {
            let encoded = Params::from_tree(&tree).encode();
            prop_assert_eq!(decode(encoded.as_bytes()).unwrap(), tree);
        }

        /// Shows that no bytes make the decoder panic.
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        /// Shows that no mixture of brackets makes the decoder panic.
        #[test]
        fn any_brackets_are_survived(input in "([ab0-2\\[\\]=&]){0,40}") {
            let _ = decode(input.as_bytes());
        }
    }
}
