//! Reading a form into a tree.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use percent_encoding::percent_decode;

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
