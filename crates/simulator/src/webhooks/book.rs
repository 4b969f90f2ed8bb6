//! The record of what is to be sent, what was sent, and what came back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::faults::{Faults, Spoil};
use super::ladder;

/// Finished deliveries kept for the control page; older ones are forgotten.
const FINISHED_KEPT: usize = 5_000;

/// Where one delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryState {
    /// An attempt is planned.
    Waiting {
        /// Simulator time in milliseconds.
        due_ms: i64,
    },
    /// An attempt is under way.
    Sending {
        /// For a manual resend: the state to return to when it fails.
        resume: Option<Box<DeliveryState>>,
    },
    /// The endpoint answered 2xx.
    Acknowledged {
        /// Simulator time in milliseconds.
        at_ms: i64,
    },
    /// The last rung of the ladder failed.
    Exhausted {
        /// Simulator time in milliseconds.
        at_ms: i64,
    },
    /// The endpoint was disabled or deleted before an attempt succeeded.
    Stopped {
        /// Simulator time in milliseconds.
        at_ms: i64,
    },
    /// Lost on purpose by fault injection.
    Dropped,
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered with this HTTP status.
    Answered(u16),
    /// No answer: refused connection, time-out, broken reply.
    Failed(String),
}

impl Outcome {
    /// Whether the endpoint acknowledged: any 2xx.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Answered(200..=299))
    }
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, simulator time in milliseconds.
    pub at_ms: i64,
    /// How long it took, in real milliseconds.
    pub duration_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The first part of the answer's body.
    pub response: String,
    /// Whether a person asked for it.
    pub manual: bool,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Counts up from 1; names the delivery on the control page.
    pub number: u64,
    /// `evt_…`
    pub event_id: String,
    /// The event's type.
    pub event_type: String,
    /// `we_…`
    pub endpoint_id: String,
    /// The endpoint's address when the delivery was planned.
    pub url: String,
    /// Whether it repeats another delivery because of fault injection.
    pub repeat: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// Whether any attempt was answered with a 2xx.
    #[must_use]
    pub fn was_acknowledged(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome.is_acknowledged())
    }
}

/// An endpoint that wants an event.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) endpoint_id: String,
    pub(crate) url: String,
}

/// An attempt that the dispatcher must make now.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) event_id: String,
    pub(crate) endpoint_id: String,
    pub(crate) manual: bool,
}

/// What the end of an attempt means for the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The endpoint has it for the first time: one pending delivery fewer.
    FirstAcknowledgement,
    /// Nothing the event's counter cares about.
    Nothing,
}

#[derive(Debug, Default)]
struct Lane {
    due: BTreeSet<(i64, u64)>,
    held: Vec<u64>,
    in_flight: usize,
}

/// All deliveries, by number, and per endpoint what is due.
#[derive(Debug, Default)]
pub(crate) struct Book {
    last_number: u64,
    deliveries: BTreeMap<u64, Delivery>,
    lanes: HashMap<String, Lane>,
    by_event: HashMap<String, Vec<u64>>,
    finished: std::collections::VecDeque<u64>,
}

impl Book {
    /// Plans the delivery of an event to each target, as the faults say.
    pub(crate) fn plan(
        &mut self,
        sequence: u64,
        event_id: &str,
        event_type: &str,
        targets: Vec<Target>,
        faults: &Faults,
        now_ms: i64,
    ) {
        for target in targets {
            let spoil = faults.spoil(sequence, &target.endpoint_id);
            let later = now_ms + faults.delay_seconds * 1_000;
            let (due_ms, copies, held) = match spoil {
                Spoil::None | Spoil::Drop => (now_ms, 1, false),
                Spoil::Duplicate => (now_ms, 2, false),
                Spoil::Reorder => (later, 1, true),
                Spoil::Delay => (later, 1, false),
            };
            for copy in 0..copies {
                self.last_number += 1;
                let number = self.last_number;
                let dropped = spoil == Spoil::Drop;
                let state = if dropped {
                    DeliveryState::Dropped
                } else {
                    DeliveryState::Waiting { due_ms }
                };
                self.deliveries.insert(
                    number,
                    Delivery {
                        number,
                        event_id: event_id.to_owned(),
                        event_type: event_type.to_owned(),
                        endpoint_id: target.endpoint_id.clone(),
                        url: target.url.clone(),
                        repeat: copy > 0,
                        state,
                        attempts: Vec::new(),
                    },
                );
                self.by_event.entry(event_id.to_owned()).or_default().push(number);
                if dropped {
                    self.finish(number);
                } else {
                    let lane = self.lanes.entry(target.endpoint_id.clone()).or_default();
                    lane.due.insert((due_ms, number));
                    if held {
                        lane.held.push(number);
                    }
                }
            }
        }
    }

    /// Takes the attempts that are due, at most `limit` in flight per endpoint.
    pub(crate) fn claim(&mut self, now_ms: i64, limit: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (endpoint_id, lane) in &mut self.lanes {
            while lane.in_flight < limit {
                let Some((due_ms, number)) = lane.due.first().copied() else { break };
                if due_ms > now_ms {
                    break;
                }
                lane.due.pop_first();
                let Some(delivery) = self.deliveries.get_mut(&number) else { continue };
                delivery.state = DeliveryState::Sending { resume: None };
                lane.in_flight += 1;
                jobs.push(Job {
                    number,
                    event_id: delivery.event_id.clone(),
                    endpoint_id: endpoint_id.clone(),
                    manual: false,
                });
            }
        }
        jobs.sort_by_key(|job| job.number);
        jobs
    }

    /// Begins a manual attempt at once, whatever the state; `None` for an unknown delivery or one
    /// that is being sent.
    pub(crate) fn claim_manually(&mut self, number: u64) -> Option<Job> {
        let delivery = self.deliveries.get_mut(&number)?;
        if matches!(delivery.state, DeliveryState::Sending { .. }) {
            return None;
        }
        let before = std::mem::replace(&mut delivery.state, DeliveryState::Dropped);
        let lane = self.lanes.entry(delivery.endpoint_id.clone()).or_default();
        if let DeliveryState::Waiting { due_ms } = before {
            lane.due.remove(&(due_ms, number));
        }
        lane.in_flight += 1;
        delivery.state = DeliveryState::Sending { resume: Some(Box::new(before)) };
        Some(Job {
            number,
            event_id: delivery.event_id.clone(),
            endpoint_id: delivery.endpoint_id.clone(),
            manual: true,
        })
    }

    /// Records the end of an attempt and plans the next one where the ladder has a rung left.
    pub(crate) fn record(&mut self, number: u64, attempt: Attempt, now_ms: i64) -> Settled {
        let Some(delivery) = self.deliveries.get_mut(&number) else { return Settled::Nothing };
        let acknowledged = attempt.outcome.is_acknowledged();
        let already = delivery.attempts.iter().any(|past| past.outcome.is_acknowledged());
        let resume = match &mut delivery.state {
            DeliveryState::Sending { resume } => resume.take(),
            _ => None,
        };
        delivery.attempts.push(attempt);
        let failures = delivery.attempts.iter().filter(|past| !past.manual).count();
        delivery.state = if acknowledged {
            DeliveryState::Acknowledged { at_ms: now_ms }
        } else if let Some(before) = resume {
            *before
        } else {
            match ladder::next_attempt(failures, now_ms.div_euclid(1_000)) {
                Some(at) => DeliveryState::Waiting { due_ms: at * 1_000 },
                None => DeliveryState::Exhausted { at_ms: now_ms },
            }
        };
        let waiting = match delivery.state {
            DeliveryState::Waiting { due_ms } => Some(due_ms),
            _ => None,
        };
        let repeat = delivery.repeat;
        let endpoint_id = delivery.endpoint_id.clone();
        self.leave_flight(&endpoint_id, number, waiting, now_ms);
        if acknowledged && !already && !repeat {
            Settled::FirstAcknowledgement
        } else {
            Settled::Nothing
        }
    }

    /// Ends a delivery whose endpoint was disabled or deleted.
    pub(crate) fn stop(&mut self, number: u64, now_ms: i64) {
        let Some(delivery) = self.deliveries.get_mut(&number) else { return };
        delivery.state = match &delivery.state {
            DeliveryState::Sending { resume: Some(before) }
                if matches!(**before, DeliveryState::Acknowledged { .. }) =>
            {
                (**before).clone()
            }
            _ => DeliveryState::Stopped { at_ms: now_ms },
        };
        let endpoint_id = delivery.endpoint_id.clone();
        self.leave_flight(&endpoint_id, number, None, now_ms);
    }

    fn leave_flight(&mut self, endpoint: &str, number: u64, waiting: Option<i64>, now_ms: i64) {
        if let Some(lane) = self.lanes.get_mut(endpoint) {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            if let Some(due_ms) = waiting {
                lane.due.insert((due_ms, number));
            }
            // A later event went out, so what was held back for the sake of disorder may follow.
            let (earlier, later): (Vec<u64>, Vec<u64>) =
                lane.held.iter().copied().partition(|held| *held < number);
            lane.held = later;
            for held in earlier {
                if let Some(delivery) = self.deliveries.get_mut(&held)
                    && let DeliveryState::Waiting { due_ms } = delivery.state
                    && due_ms > now_ms
                    && delivery.attempts.is_empty()
                {
                    lane.due.remove(&(due_ms, held));
                    lane.due.insert((now_ms, held));
                    delivery.state = DeliveryState::Waiting { due_ms: now_ms };
                }
            }
        }
        if waiting.is_none() {
            self.finish(number);
        }
    }

    fn finish(&mut self, number: u64) {
        self.finished.push_back(number);
        while self.finished.len() > FINISHED_KEPT {
            let Some(oldest) = self.finished.pop_front() else { break };
            let over = self.deliveries.get(&oldest).is_some_and(|delivery| {
                !matches!(
                    delivery.state,
                    DeliveryState::Waiting { .. } | DeliveryState::Sending { .. }
                )
            });
            if over && let Some(gone) = self.deliveries.remove(&oldest) {
                self.by_event.remove(&gone.event_id);
            }
        }
    }

    /// The moment of the earliest attempt of an endpoint that has room for it.
    pub(crate) fn next_due_ms(&self, limit: usize) -> Option<i64> {
        self.lanes
            .values()
            .filter(|lane| lane.in_flight < limit)
            .filter_map(|lane| lane.due.first().map(|(due, _)| *due))
            .min()
    }

    /// Forgets all deliveries. Numbers go on, so an attempt still under way finds nothing.
    pub(crate) fn clear(&mut self) {
        *self = Self { last_number: self.last_number, ..Self::default() };
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lanes.values().map(|lane| lane.in_flight).sum()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Delivery> {
        self.deliveries.get(&number)
    }

    /// All deliveries still remembered, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.values().rev()
    }

    pub(crate) fn of_event(&self, event_id: &str) -> Vec<&Delivery> {
        self.by_event
            .get(event_id)
            .map(|numbers| numbers.iter().filter_map(|n| self.deliveries.get(n)).collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn target() -> Vec<Target> {
        vec![Target { endpoint_id: "we_1".to_owned(), url: "http://x".to_owned() }]
    }

    fn attempt(at_ms: i64, outcome: Outcome) -> Attempt {
        Attempt { at_ms, duration_ms: 1, outcome, response: String::new(), manual: false }
    }

    /// Shows that a failing delivery climbs the whole ladder on the simulator's time and ends.
    #[test]
    fn climbs_the_ladder_and_ends_exhausted() {
        let mut book = Book::default();
        book.plan(1, "evt_1", "a.b", target(), &Faults::default(), 0);
        let mut now = 0;
        let mut tries = 0;
        while let Some(due) = book.next_due_ms(8) {
            now = now.max(due);
            let jobs = book.claim(now, 8);
            assert_eq!(jobs.len(), 1);
            tries += 1;
            assert_eq!(book.record(1, attempt(now, Outcome::Answered(500)), now), Settled::Nothing);
        }
        assert_eq!(tries, ladder::LADDER_SECONDS.len() + 1);
        assert!(matches!(book.get(1).unwrap().state, DeliveryState::Exhausted { .. }));
    }

    /// Shows that no more than the limit is in flight to one endpoint, and order is kept.
    #[test]
    fn respects_the_limit_per_endpoint() {
        let mut book = Book::default();
        for n in 1..=5 {
            book.plan(n, &format!("evt_{n}"), "a.b", target(), &Faults::default(), 0);
        }
        let first: Vec<u64> = book.claim(0, 2).iter().map(|job| job.number).collect();
        assert_eq!(first, [1, 2]);
        assert!(book.claim(0, 2).is_empty());
        assert_eq!(book.next_due_ms(2), None, "a full lane waits for a place, not for time");
        book.record(1, attempt(0, Outcome::Answered(200)), 0);
        assert_eq!(book.claim(0, 2).len(), 1);
    }

    /// Shows that a manual resend that fails changes nothing about the plan, and that a second
    /// acknowledgement is not counted twice.
    #[test]
    fn manual_resend_returns_to_where_it_was() {
        let mut book = Book::default();
        book.plan(1, "evt_1", "a.b", target(), &Faults::default(), 0);
        book.claim(0, 1);
        book.record(1, attempt(0, Outcome::Failed("refused".to_owned())), 0);
        let before = book.get(1).unwrap().state.clone();
        assert!(book.claim_manually(1).unwrap().manual);
        assert!(book.claim_manually(1).is_none(), "already being sent");
        let again = Attempt { manual: true, ..attempt(10, Outcome::Answered(500)) };
        book.record(1, again, 10);
        assert_eq!(book.get(1).unwrap().state, before);
        book.claim_manually(1).unwrap();
        let ok = Attempt { manual: true, ..attempt(20, Outcome::Answered(204)) };
        assert_eq!(book.record(1, ok.clone(), 20), Settled::FirstAcknowledgement);
        book.claim_manually(1).unwrap();
        assert_eq!(book.record(1, ok, 30), Settled::Nothing);
        assert_eq!(book.next_due_ms(8), None, "an acknowledged delivery is not retried");
    }

    /// Shows each fault: lost, doubled, late, and overtaken by the next event.
    #[test]
    fn faults_lose_double_delay_and_reorder() {
        let mut book = Book::default();
        let drop = Faults { drop: 1.0, ..Faults::default() };
        book.plan(1, "evt_1", "a.b", target(), &drop, 0);
        assert!(book.claim(0, 8).is_empty());
        let double = Faults { duplicate: 1.0, ..Faults::default() };
        book.plan(2, "evt_2", "a.b", target(), &double, 0);
        let jobs = book.claim(0, 8);
        assert_eq!(jobs.len(), 2);
        assert_eq!(
            book.record(jobs[0].number, attempt(0, Outcome::Answered(200)), 0),
            Settled::FirstAcknowledgement
        );
        assert_eq!(
            book.record(jobs[1].number, attempt(0, Outcome::Answered(200)), 0),
            Settled::Nothing
        );
        let delay = Faults { delay: 1.0, delay_seconds: 9, ..Faults::default() };
        book.plan(3, "evt_3", "a.b", target(), &delay, 0);
        assert_eq!(book.next_due_ms(8), Some(9_000));
        book.claim(9_000, 8);
        book.record(4, attempt(9_000, Outcome::Answered(200)), 9_000);
        let reorder = Faults { reorder: 1.0, ..Faults::default() };
        book.plan(4, "evt_4", "a.b", target(), &reorder, 9_000);
        book.plan(5, "evt_5", "a.b", target(), &Faults::default(), 9_000);
        let first = book.claim(9_000, 8);
        assert_eq!(first.iter().map(|job| job.event_id.as_str()).collect::<Vec<_>>(), ["evt_5"]);
        book.record(first[0].number, attempt(9_000, Outcome::Answered(200)), 9_000);
        assert_eq!(book.claim(9_000, 8)[0].event_id, "evt_4");
    }
}
