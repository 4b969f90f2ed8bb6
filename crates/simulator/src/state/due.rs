//! Work that falls due at a moment, on the simulator's time or on a test clock's.

use std::collections::BTreeMap;

/// Which time a piece of work waits for: 0 is the simulator's clock, others are test clocks.
pub(crate) type Timeline = u32;

/// The simulator's own time.
pub(crate) const SIMULATOR: Timeline = 0;

/// One piece of time-driven work. Each names the object; whether it still applies is checked when
/// it runs, so rescheduling never has to search for what it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The current period of this subscription ends (renewal, end of trial, planned cancellation).
    PeriodEnd(String),
    /// `cancel_at` in the middle of a period.
    CancelAt(String),
    /// Three days before a trial ends.
    TrialWillEnd(String),
    /// Some days before a renewal.
    InvoiceUpcoming(String),
    /// 23 hours without a first payment.
    IncompleteExpires(String),
    /// A pending update was not paid in time.
    PendingUpdateExpires(String),
    /// `pause_collection.resumes_at`.
    PauseEnds(String),
    /// A draft invoice is finalised and charged.
    FinalizeInvoice(String),
    /// The next automatic payment attempt of an invoice.
    RetryInvoice(String),
    /// An open checkout session expires.
    SessionExpires(String),
    /// A schedule's next phase begins or its last one ends.
    SchedulePhase(String),
    /// The bank answers a dispute.
    DisputeDecided(String),
    /// An asynchronous refund settles.
    RefundSettles(String),
    /// A test clock has been told to advance and does so now.
    AdvanceTestClock { clock: String, to: i64 },
}

/// Due work in order of timeline, moment and insertion.
#[derive(Debug, Default)]
pub(crate) struct DueQueue {
    queue: BTreeMap<(Timeline, i64, u64), Due>,
    counter: u64,
}

impl DueQueue {
    pub(crate) fn push(&mut self, timeline: Timeline, at: i64, due: Due) {
        self.counter += 1;
        self.queue.insert((timeline, at, self.counter), due);
    }

    /// The moment of the next work on this timeline.
    pub(crate) fn next_at(&self, timeline: Timeline) -> Option<i64> {
        self.queue
            .range((timeline, i64::MIN, 0)..=(timeline, i64::MAX, u64::MAX))
            .next()
            .map(|((_, at, _), _)| *at)
    }

    /// Takes the next work on this timeline that is due by `until`.
    pub(crate) fn pop(&mut self, timeline: Timeline, until: i64) -> Option<(i64, Due)> {
        let key = *self
            .queue
            .range((timeline, i64::MIN, 0)..=(timeline, until, u64::MAX))
            .next()
            .map(|(key, _)| key)?;
        self.queue.remove(&key).map(|due| (key.1, due))
    }

    /// Forgets everything of a deleted test clock.
    pub(crate) fn drop_timeline(&mut self, timeline: Timeline) {
        let mut rest = self.queue.split_off(&(timeline, i64::MIN, 0));
        let mut later = rest.split_off(&(timeline + 1, i64::MIN, 0));
        self.queue.append(&mut later);
    }
}
