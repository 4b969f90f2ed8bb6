//! All objects, found by id, by kind in order of creation, and by the ids they refer to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::{Kind, Object};

/// Fields of objects that lists filter by; each gets an index.
const INDEXED: &[&str] = &[
    "customer",
    "subscription",
    "charge",
    "payment_intent",
    "product",
    "invoice",
    "test_clock",
    "lookup_key",
    "email",
    "schedule",
];

/// One kept object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The object at the newest API shape; shared with the events that show it.
    pub(crate) json: Arc<Object>,
    pub(crate) kind: Kind,
    pub(crate) livemode: bool,
    /// Order of creation.
    pub(crate) seq: u64,
}

type Ordered = BTreeMap<u64, Arc<str>>;

/// The store: no operation on the hot path looks at more objects than it returns.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    by_id: HashMap<Arc<str>, Entry>,
    by_kind: HashMap<(Kind, bool), Ordered>,
    by_field: HashMap<(Kind, &'static str), HashMap<String, Ordered>>,
    counter: u64,
}

/// The value an object is indexed under: the field itself, or for newer shapes the place to which
/// Stripe moved it.
fn index_value<'a>(kind: Kind, field: &str, json: &'a Object) -> Option<&'a str> {
    let value = match (kind, field) {
        (Kind::Invoice | Kind::InvoiceItem, "subscription") => {
            json.get("parent")?.get("subscription_details")?.get("subscription")?
        }
        (Kind::InvoicePayment, "payment_intent") => json.get("payment")?.get("payment_intent")?,
        _ => json.get(field)?,
    };
    value.as_str()
}

impl Objects {
    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.by_id.get(id)
    }

    pub(crate) fn insert(&mut self, kind: Kind, livemode: bool, json: Object) {
        let Some(id) = json.get("id").and_then(Value::as_str).map(Arc::<str>::from) else {
            return;
        };
        self.counter += 1;
        let seq = self.counter;
        self.by_kind.entry((kind, livemode)).or_default().insert(seq, id.clone());
        for field in INDEXED {
            if let Some(value) = index_value(kind, field, &json) {
                self.by_field
                    .entry((kind, field))
                    .or_default()
                    .entry(value.to_owned())
                    .or_default()
                    .insert(seq, id.clone());
            }
        }
        self.by_id.insert(id, Entry { json: Arc::new(json), kind, livemode, seq });
    }

    /// Changes an object in place; events that show the old state keep it.
    pub(crate) fn edit(&mut self, id: &str, change: impl FnOnce(&mut Object)) {
        let Some((key, entry)) = self.by_id.get_key_value(id) else { return };
        let (key, kind, seq) = (key.clone(), entry.kind, entry.seq);
        let before: Vec<Option<String>> = INDEXED
            .iter()
            .map(|field| index_value(kind, field, &entry.json).map(str::to_owned))
            .collect();
        let Some(entry) = self.by_id.get_mut(id) else { return };
        change(Arc::make_mut(&mut entry.json));
        for (field, old) in INDEXED.iter().copied().zip(before) {
            let new = index_value(kind, field, &entry.json);
            if new == old.as_deref() {
                continue;
            }
            let index = self.by_field.entry((kind, field)).or_default();
            if let Some(old) = old
                && let Some(ordered) = index.get_mut(&old)
            {
                ordered.remove(&seq);
            }
            if let Some(new) = new {
                index.entry(new.to_owned()).or_default().insert(seq, key.clone());
            }
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        let Some(entry) = self.by_id.remove(id) else { return };
        if let Some(ordered) = self.by_kind.get_mut(&(entry.kind, entry.livemode)) {
            ordered.remove(&entry.seq);
        }
        for field in INDEXED {
            if let Some(value) = index_value(entry.kind, field, &entry.json)
                && let Some(index) = self.by_field.get_mut(&(entry.kind, field))
                && let Some(ordered) = index.get_mut(value)
            {
                ordered.remove(&entry.seq);
            }
        }
    }

    /// Whether lists by this field are indexed.
    pub(crate) fn is_indexed(field: &str) -> bool {
        INDEXED.contains(&field)
    }

    /// Entries newest first: all of a kind in one mode, or those with `field` = `value`.
    /// `below`/`above` cut by order of creation (exclusive).
    pub(crate) fn newest_first<'a>(
        &'a self,
        kind: Kind,
        livemode: bool,
        filter: Option<(&str, &str)>,
        bounds: (u64, u64),
    ) -> Box<dyn DoubleEndedIterator<Item = &'a Entry> + 'a> {
        let ordered = match filter {
            None => self.by_kind.get(&(kind, livemode)),
            Some((field, value)) => {
                let field = INDEXED.iter().find(|name| **name == field);
                field.and_then(|field| self.by_field.get(&(kind, *field))?.get(value))
            }
        };
        let (above, below) = bounds;
        if above >= below.saturating_sub(1) {
            return Box::new(std::iter::empty());
        }
        match ordered {
            None => Box::new(std::iter::empty()),
            Some(ordered) => Box::new(
                ordered
                    .range(above + 1..below)
                    .rev()
                    .filter_map(move |(_, id)| self.by_id.get(id))
                    .filter(move |entry| entry.livemode == livemode),
            ),
        }
    }

    /// Ids with `field` = `value`, oldest first; either mode.
    pub(crate) fn ids_by(&self, kind: Kind, field: &str, value: &str) -> Vec<String> {
        let field = INDEXED.iter().find(|name| **name == field);
        field
            .and_then(|field| self.by_field.get(&(kind, *field))?.get(value))
            .map(|ordered| ordered.values().map(|id| (**id).to_owned()).collect())
            .unwrap_or_default()
    }

    /// The newest `limit` objects of both modes, newest first.
    pub(crate) fn list(
        &self,
        kind: Kind,
        filter: Option<(&str, &str)>,
        limit: usize,
    ) -> Vec<Value> {
        let mut found: Vec<&Entry> = [false, true]
            .into_iter()
            .flat_map(|mode| self.newest_first(kind, mode, filter, (0, u64::MAX)).take(limit))
            .collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        found.into_iter().take(limit).map(|entry| Value::Object((*entry.json).clone())).collect()
    }
}
