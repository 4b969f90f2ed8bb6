//! Subscription schedules: changes of a subscription that are planned ahead.

use serde::Deserialize;

use super::{
    Customer, Expandable, Metadata, Price, Subscription, TestClock,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Where a schedule is in its life.
    ScheduleStatus {
        /// Its first phase lies ahead.
        NotStarted = "not_started",
        /// It steers its subscription.
        Active = "active",
        /// All phases are over.
        Completed = "completed",
        /// It let go of its subscription, which goes on.
        Released = "released",
        /// It was cancelled together with its subscription.
        Canceled = "canceled",
    }
}

open_enum! {
    /// What becomes of the subscription after the last phase.
    EndBehavior {
        /// It goes on by itself.
        Release = "release",
        /// It is cancelled.
        Cancel = "cancel",
        /// Nothing.
        None = "none",
        /// The last phase is repeated.
        Renew = "renew",
    }
}

/// A subscription schedule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SubscriptionSchedule {
    /// `sub_sched_…`.
    pub id: StripeId,
    /// Who is billed.
    pub customer: Expandable<Customer>,
    /// Where it is in its life.
    pub status: ScheduleStatus,
    /// What follows the last phase.
    pub end_behavior: EndBehavior,
    /// The phases, in order.
    #[serde(default)]
    pub phases: Vec<SchedulePhase>,
    /// The phase that runs now.
    #[serde(default)]
    pub current_phase: Option<CurrentPhase>,
    /// The subscription it steers; none once it is released.
    #[serde(default)]
    pub subscription: Option<Expandable<Subscription>>,
    /// The subscription it let go of.
    #[serde(default)]
    pub released_subscription: Option<StripeId>,
    /// When it let go.
    #[serde(default)]
    pub released_at: Option<UnixSeconds>,
    /// When it was cancelled.
    #[serde(default)]
    pub canceled_at: Option<UnixSeconds>,
    /// When it was completed.
    #[serde(default)]
    pub completed_at: Option<UnixSeconds>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
    /// The test clock it lives by.
    #[serde(default)]
    pub test_clock: Option<Expandable<TestClock>>,
}

/// The bounds of the running phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CurrentPhase {
    /// When it began.
    pub start_date: UnixSeconds,
    /// When it ends.
    pub end_date: UnixSeconds,
}

/// One phase of a schedule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SchedulePhase {
    /// When it begins.
    pub start_date: UnixSeconds,
    /// When it ends.
    pub end_date: UnixSeconds,
    /// What is sold while it runs.
    #[serde(default)]
    pub items: Vec<PhaseItem>,
    /// How its beginning is prorated.
    #[serde(default)]
    pub proration_behavior: Option<String>,
    /// End of a trial within it.
    #[serde(default)]
    pub trial_end: Option<UnixSeconds>,
    /// Keys and values given to the subscription when it begins.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// One thing sold in a phase.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PhaseItem {
    /// Its price.
    pub price: Expandable<Price>,
    /// How many.
    #[serde(default)]
    pub quantity: Option<i64>,
}

identified!(SubscriptionSchedule);

impl SubscriptionSchedule {
    /// The id of the subscription it steers.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        id_of(&self.subscription)
    }

    /// The phase that follows the one running at `now`, if the schedule still has a say.
    #[must_use]
    pub fn next_phase(&self, now: UnixSeconds) -> Option<&SchedulePhase> {
        matches!(self.status, ScheduleStatus::Active | ScheduleStatus::NotStarted)
            .then(|| self.phases.iter().find(|phase| phase.start_date > now))
            .flatten()
    }
}
