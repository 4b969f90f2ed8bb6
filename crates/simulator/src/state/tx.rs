//! One operation on the state: its moment, its mode, its cause, and the events it leaves.

use std::sync::Arc;

use serde_json::Value;

use super::{Due, EventRecord, Kind, Object, SIMULATOR, State, Timeline};
use crate::protocol::ApiError;

/// Old values of what a change touched; empty when it touched nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Diff(pub(crate) Object);

impl Diff {
    /// What differs between two versions of an object, as Stripe's `previous_attributes` tells it:
    /// hashes only with their changed keys, arrays whole, keys that are new as null.
    pub(crate) fn between(old: &Object, new: &Object) -> Self {
        Self(changed(old, new))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn changed(old: &Object, new: &Object) -> Object {
    let mut difference = Object::new();
    for (key, before) in old {
        match (before, new.get(key)) {
            (before, Some(after)) if before == after => {}
            (Value::Object(before), Some(Value::Object(after))) => {
                difference.insert(key.clone(), Value::Object(changed(before, after)));
            }
            (before, _) => {
                difference.insert(key.clone(), before.clone());
            }
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        difference.insert(key.clone(), Value::Null);
    }
    difference
}

/// The handle of one operation. Changes take effect at once; an operation validates before it
/// changes anything, so that a refusal leaves nothing behind (a declined payment does: its rows
/// are kept, as at Stripe).
#[derive(Debug)]
pub(crate) struct Tx<'a> {
    pub(crate) state: &'a mut State,
    /// Simulator time, seconds: `created` of events.
    pub(crate) now: i64,
    pub(crate) livemode: bool,
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(state: &'a mut State, now: i64, livemode: bool) -> Self {
        Self { state, now, livemode, request_id: None, idempotency_key: None }
    }

    // --- reading ---------------------------------------------------------------------------

    /// The object, if it exists in this mode and is of this kind.
    pub(crate) fn find(&self, kind: Kind, id: &str) -> Option<Arc<Object>> {
        let entry = self.state.objects.get(id)?;
        (entry.kind == kind && entry.livemode == self.livemode).then(|| entry.json.clone())
    }

    /// An object that a parameter names.
    ///
    /// # Errors
    /// 400 `resource_missing`.
    pub(crate) fn named(&self, kind: Kind, id: &str, param: &str) -> Result<Arc<Object>, ApiError> {
        self.find(kind, id).ok_or_else(|| ApiError::missing(kind.noun(), id, param))
    }

    /// The object that the path names.
    ///
    /// # Errors
    /// 404 `resource_missing`.
    pub(crate) fn at_path(&self, kind: Kind, id: &str) -> Result<Arc<Object>, ApiError> {
        self.find(kind, id).ok_or_else(|| ApiError::no_such(kind.noun(), id))
    }

    /// Ids of a kind that refer to `value` by an indexed field, oldest first.
    pub(crate) fn ids_by(&self, kind: Kind, field: &str, value: &str) -> Vec<String> {
        self.state.objects.ids_by(kind, field, value)
    }

    /// The object as it is now, for reading; empty when there is none.
    pub(crate) fn read(&self, id: &str) -> Arc<Object> {
        self.state.objects.get(id).map(|entry| entry.json.clone()).unwrap_or_default()
    }

    /// A copy of the object's present JSON, or null.
    pub(crate) fn json(&self, id: &str) -> Value {
        self.state.objects.get(id).map_or(Value::Null, |entry| Value::Object((*entry.json).clone()))
    }

    // --- time ------------------------------------------------------------------------------

    /// The test clock that a customer lives on.
    pub(crate) fn clock_of(&self, customer: &str) -> Option<String> {
        let customer = self.state.objects.get(customer)?;
        customer.json.get("test_clock")?.as_str().map(str::to_owned)
    }

    /// The time objects of this customer carry: its test clock's, else the simulator's.
    pub(crate) fn time_of(&self, customer: &str) -> i64 {
        self.clock_of(customer)
            .and_then(|clock| self.state.clocks.get(&clock))
            .map_or(self.now, |clock| clock.now)
    }

    fn timeline_of(&self, customer: &str) -> Timeline {
        self.clock_of(customer)
            .and_then(|clock| self.state.clocks.get(&clock))
            .map_or(SIMULATOR, |clock| clock.timeline)
    }

    /// Puts work on the time line of this customer.
    pub(crate) fn schedule(&mut self, customer: &str, at: i64, due: Due) {
        let timeline = self.timeline_of(customer);
        self.state.due.push(timeline, at, due);
    }

    // --- changing --------------------------------------------------------------------------

    pub(crate) fn new_id(&mut self, kind: Kind) -> String {
        self.state.ids.id(kind.prefix())
    }

    /// Keeps a new object; `json` must carry its `id`.
    pub(crate) fn insert(&mut self, kind: Kind, json: Value) {
        if let Value::Object(json) = json {
            self.state.objects.insert(kind, self.livemode, json);
        }
    }

    /// Changes an object and says what it was before.
    pub(crate) fn edit(&mut self, id: &str, change: impl FnOnce(&mut Object)) -> Diff {
        let Some(before) = self.state.objects.get(id).map(|entry| entry.json.clone()) else {
            return Diff::default();
        };
        self.state.objects.edit(id, change);
        match self.state.objects.get(id) {
            Some(after) => Diff::between(&before, &after.json),
            None => Diff::default(),
        }
    }

    /// Sets one field.
    pub(crate) fn set(&mut self, id: &str, field: &str, value: impl Into<Value>) -> Diff {
        let value = value.into();
        self.edit(id, |object| {
            object.insert(field.to_owned(), value);
        })
    }

    // --- events ----------------------------------------------------------------------------

    /// Notes an event about an object as it is now.
    pub(crate) fn emit(&mut self, event_type: &str, id: &str) {
        self.emit_changed(event_type, id, Diff::default());
    }

    /// Notes an event with `previous_attributes`.
    pub(crate) fn emit_changed(&mut self, event_type: &str, id: &str, previous: Diff) {
        if let Some(object) = self.state.objects.get(id).map(|entry| entry.json.clone()) {
            self.emit_object(event_type, object, previous);
        }
    }

    /// Notes `event_type` only when something changed.
    pub(crate) fn emit_if_changed(&mut self, event_type: &str, id: &str, previous: Diff) {
        if !previous.is_empty() {
            self.emit_changed(event_type, id, previous);
        }
    }

    /// Notes an event about an object given whole (one that is being deleted, for example).
    pub(crate) fn emit_object(&mut self, event_type: &str, object: Arc<Object>, previous: Diff) {
        let id = self.state.ids.id("evt_1").replacen("evt_1_", "evt_1", 1);
        let previous = (!previous.is_empty()).then_some(Value::Object(previous.0));
        self.state.events.push(EventRecord {
            seq: 0,
            id,
            event_type: event_type.to_owned(),
            created: self.now,
            livemode: self.livemode,
            object,
            previous_attributes: previous,
            request_id: self.request_id.clone(),
            idempotency_key: self.idempotency_key.clone(),
            pending_webhooks: 0,
        });
    }

    /// The position after which this operation's events stand; see [`Tx::order_events`].
    pub(crate) fn mark(&self) -> u64 {
        self.state.events.next_seq() - 1
    }

    /// Puts the events since `mark` into the order of `order` (types), as Stripe emits them for a
    /// flow; types that it does not name keep their place behind those named before them.
    pub(crate) fn order_events(&mut self, mark: u64, order: &[&str]) {
        self.state.events.reorder(mark, order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `previous_attributes` hold changed keys of hashes and whole arrays, as Stripe sends them.
    #[test]
    fn diff_is_stripes() {
        let old = json!({"a": 1, "h": {"x": 1, "y": 2}, "l": [1, 2], "same": 0});
        let new = json!({"a": 2, "h": {"x": 1, "y": 3}, "l": [1], "same": 0, "fresh": 1});
        let (Value::Object(old), Value::Object(new)) = (old, new) else { unreachable!() };
        assert_eq!(
            Value::Object(Diff::between(&old, &new).0),
            json!({"a": 1, "h": {"y": 2}, "l": [1, 2], "fresh": null})
        );
    }
}
