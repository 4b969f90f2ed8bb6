//! The log of events: what happened, with the object as it was then.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::Object;

/// One event as it happened, at the newest shape; versions are rendered when it is read.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// Position in the log, counted from 1; grows by one with each event.
    pub seq: u64,
    /// `evt_…`
    pub id: String,
    /// For example `customer.subscription.updated`.
    pub event_type: String,
    /// Simulator time, seconds.
    pub created: i64,
    /// Which of the two modes it belongs to.
    pub livemode: bool,
    /// The object as it was at that moment.
    pub object: Arc<Object>,
    /// For `*.updated`: the old values of what changed.
    pub previous_attributes: Option<Value>,
    /// `req_…` of the request that caused it; `None` when time or a page did.
    pub request_id: Option<String>,
    /// Idempotency key of that request.
    pub idempotency_key: Option<String>,
    /// Deliveries that have not succeeded yet.
    pub pending_webhooks: u32,
}

/// All events in order, found by position or id.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    log: Vec<EventRecord>,
    by_id: HashMap<String, usize>,
}

impl EventLog {
    pub(crate) fn push(&mut self, mut event: EventRecord) {
        event.seq = self.next_seq();
        self.by_id.insert(event.id.clone(), self.log.len());
        self.log.push(event);
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.log.len() as u64 + 1
    }

    /// Stable-sorts the events after `mark` by where `order` names their type. A type that it does
    /// not name stays right behind the event before it.
    pub(crate) fn reorder(&mut self, mark: u64, order: &[&str]) {
        let start = usize::try_from(mark).unwrap_or(usize::MAX).min(self.log.len());
        let mut last = 0;
        let mut ranked: Vec<(usize, EventRecord)> = self
            .log
            .drain(start..)
            .map(|event| {
                let rank = order.iter().position(|name| *name == event.event_type);
                last = rank.unwrap_or(last);
                (last, event)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        for (_, event) in ranked {
            self.push(event);
        }
    }

    /// Events with a position above `seq`, oldest first.
    pub(crate) fn after(&self, seq: u64) -> &[EventRecord] {
        let start = usize::try_from(seq).unwrap_or(usize::MAX).min(self.log.len());
        &self.log[start..]
    }

    pub(crate) fn all(&self) -> &[EventRecord] {
        &self.log
    }

    pub(crate) fn get(&self, id: &str) -> Option<&EventRecord> {
        self.by_id.get(id).map(|index| &self.log[*index])
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut EventRecord> {
        self.by_id.get(id).map(|index| &mut self.log[*index])
    }
}
