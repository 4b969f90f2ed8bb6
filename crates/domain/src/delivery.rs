//! A delivery: one Stripe event in our inbox, and the steps it can take.
//!
//! ```text
//! Pending ──claim──▶ Claimed ──apply──▶ Applied
//!    ▲                  │  ├──ignore──▶ Ignored
//!    ├──retry, hand back┤  └──park────▶ Parked ──replay──▶ Pending
//!    └─────rescue───────┘ (lease over)
//! ```
//! A step consumes the old state. A step that is not in the picture is an [`InvalidStep`]; it can
//! only come from a bug, and says from where and which step.

use crate::time::{Span, Timestamp};

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Waits for a worker.
    Pending {
        /// Not before this moment.
        due: Timestamp,
        /// Attempts made so far.
        attempts: u32,
    },
    /// A worker is busy with it.
    Claimed {
        /// Which attempt this is, from 1.
        attempt: u32,
        /// After this moment the rescuer may take it back.
        lease_until: Timestamp,
    },
    /// Its effect is in the mirror, committed together with this state.
    Applied {
        /// When.
        at: Timestamp,
    },
    /// Nothing follows from it: a type we do not handle, or older than the mirror.
    Ignored {
        /// When.
        at: Timestamp,
    },
    /// Failed for good; waits for an operator.
    Parked {
        /// When.
        at: Timestamp,
        /// Why.
        reason: ParkReason,
    },
}

/// Why a delivery was parked. Each has a stable code and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkReason {
    /// No organisation belongs to the Stripe customer.
    UnknownCustomer {
        /// The Stripe customer id.
        customer: String,
    },
    /// No plan of the catalogue has this Stripe price.
    UnknownPrice {
        /// The Stripe price id.
        price: String,
    },
    /// The object cannot be read, not even after fetching it from Stripe.
    UnknownShape {
        /// What was wrong with it.
        detail: String,
    },
    /// Each attempt failed; the last failure.
    AttemptsExhausted {
        /// The last failure, in our own words.
        detail: String,
    },
    /// Stripe refused to show the object.
    StripeRefused {
        /// Stripe's error code, without its text.
        detail: String,
    },
    /// A bug of ours: the step panicked.
    Panicked,
}

impl ParkReason {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCustomer { .. } => "unknown_customer",
            Self::UnknownPrice { .. } => "unknown_price",
            Self::UnknownShape { .. } => "unknown_shape",
            Self::AttemptsExhausted { .. } => "attempts_exhausted",
            Self::StripeRefused { .. } => "stripe_refused",
            Self::Panicked => "panicked",
        }
    }

    /// The fact behind the code: an id or a failure.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::UnknownCustomer { customer } => customer,
            Self::UnknownPrice { price } => price,
            Self::UnknownShape { detail }
            | Self::AttemptsExhausted { detail }
            | Self::StripeRefused { detail } => detail,
            Self::Panicked => "",
        }
    }

    /// Reads code and detail back from the database.
    #[must_use]
    pub fn from_parts(code: &str, detail: &str) -> Self {
        let detail = detail.to_owned();
        match code {
            "unknown_customer" => Self::UnknownCustomer { customer: detail },
            "unknown_price" => Self::UnknownPrice { price: detail },
            "attempts_exhausted" => Self::AttemptsExhausted { detail },
            "stripe_refused" => Self::StripeRefused { detail },
            "panicked" => Self::Panicked,
            _ => Self::UnknownShape { detail },
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub fn what_to_do(&self) -> &'static str {
        match self {
            Self::UnknownCustomer { .. } => {
                "Set `organization_id` in the customer's metadata at Stripe to the id of the \
                 organisation that pays, then replay."
            }
            Self::UnknownPrice { .. } => {
                "Add the price to the price mapping of the plan it sells, restart, then replay."
            }
            Self::UnknownShape { .. } => {
                "Look at the payload; a newer version of Billhook may read it. Then replay."
            }
            Self::AttemptsExhausted { .. } => {
                "See whether Stripe can be reached from this installation, then replay."
            }
            Self::StripeRefused { .. } => {
                "Check that the secret key may read this kind of object, then replay."
            }
            Self::Panicked => "This is a bug in Billhook: report it with the event's id.",
        }
    }
}

/// A step that the state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a delivery that is {from} cannot {step}")]
pub struct InvalidStep {
    /// The state it was in.
    pub from: &'static str,
    /// The step that was asked for.
    pub step: &'static str,
}

impl Delivery {
    /// The state a new event starts in: due at once.
    #[must_use]
    pub fn received(now: Timestamp) -> Self {
        Self::Pending { due: now, attempts: 0 }
    }

    /// The stable name of the state, as in the database and the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Claimed { .. } => "claimed",
            Self::Applied { .. } => "applied",
            Self::Ignored { .. } => "ignored",
            Self::Parked { .. } => "parked",
        }
    }

    fn refuse<T>(&self, step: &'static str) -> Result<T, InvalidStep> {
        Err(InvalidStep { from: self.name(), step })
    }

    /// A worker takes it until `now + lease`.
    ///
    /// # Errors
    /// Unless it is pending and due.
    pub fn claim(self, now: Timestamp, lease: Span) -> Result<Self, InvalidStep> {
        match self {
            Self::Pending { due, attempts } if due <= now => Ok(Self::Claimed {
                attempt: attempts.saturating_add(1),
                lease_until: now.plus(lease),
            }),
            other => other.refuse("be claimed"),
        }
    }

    /// Its effect is being committed.
    ///
    /// # Errors
    /// Unless it is claimed.
    pub fn apply(self, now: Timestamp) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { .. } => Ok(Self::Applied { at: now }),
            other => other.refuse("be applied"),
        }
    }

    /// Nothing follows from it.
    ///
    /// # Errors
    /// Unless it is claimed.
    pub fn ignore(self, now: Timestamp) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { .. } => Ok(Self::Ignored { at: now }),
            other => other.refuse("be ignored"),
        }
    }

    /// The attempt failed in passing: try again by `ladder`, or park after its last rung.
    ///
    /// # Errors
    /// Unless it is claimed.
    pub fn retry(
        self,
        now: Timestamp,
        ladder: &RetryLadder,
        detail: &str,
    ) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { attempt, .. } => Ok(match ladder.wait_after(attempt) {
                Some(wait) => Self::Pending { due: now.plus(wait), attempts: attempt },
                None => Self::Parked {
                    at: now,
                    reason: ParkReason::AttemptsExhausted { detail: detail.to_owned() },
                },
            }),
            other => other.refuse("be retried"),
        }
    }

    /// It failed for good.
    ///
    /// # Errors
    /// Unless it is claimed.
    pub fn park(self, now: Timestamp, reason: ParkReason) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { .. } => Ok(Self::Parked { at: now, reason }),
            other => other.refuse("be parked"),
        }
    }

    /// Its worker has no time left to begin with it: back to the queue, and no attempt is counted.
    ///
    /// # Errors
    /// Unless it is claimed.
    pub fn hand_back(self, now: Timestamp) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { attempt, .. } => {
                Ok(Self::Pending { due: now, attempts: attempt.saturating_sub(1) })
            }
            other => other.refuse("be handed back"),
        }
    }

    /// Its worker is gone: the lease is over and it goes back to the queue.
    ///
    /// # Errors
    /// Unless it is claimed and the lease is over.
    pub fn rescue(self, now: Timestamp) -> Result<Self, InvalidStep> {
        match self {
            Self::Claimed { attempt, lease_until } if lease_until <= now => {
                Ok(Self::Pending { due: now, attempts: attempt })
            }
            other => other.refuse("be rescued"),
        }
    }

    /// An operator wants it done again, from the first attempt.
    ///
    /// # Errors
    /// While it is pending or claimed: it will be done anyway.
    pub fn replay(self, now: Timestamp) -> Result<Self, InvalidStep> {
        match self {
            Self::Applied { .. } | Self::Ignored { .. } | Self::Parked { .. } => {
                Ok(Self::Pending { due: now, attempts: 0 })
            }
            other => other.refuse("be replayed"),
        }
    }
}

/// How long to wait after each failed attempt.
#[derive(Debug, Clone)]
pub struct RetryLadder(Vec<Span>);

impl RetryLadder {
    /// From one second to an hour; thirteen attempts within about six hours. An outage of Stripe
    /// that lasts longer parks what came in, and the sweep heals the mirror either way.
    #[must_use]
    pub fn standard() -> Self {
        let seconds = [1, 2, 5, 15, 30, 60, 120, 300, 900, 1_800, 3_600, 3_600];
        Self(seconds.into_iter().map(Span::seconds).collect())
    }

    /// The wait after attempt `attempt` (from 1), or none when it was the last.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Option<Span> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.0.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn examples() -> [Delivery; 5] {
        [
            Delivery::Pending { due: at(10), attempts: 0 },
            Delivery::Claimed { attempt: 1, lease_until: at(20) },
            Delivery::Applied { at: at(5) },
            Delivery::Ignored { at: at(5) },
            Delivery::Parked { at: at(5), reason: ParkReason::Panicked },
        ]
    }

    /// Shows which steps each state allows: exactly the arrows of the picture above.
    #[test]
    fn only_the_drawn_steps_are_possible() {
        type Step = fn(Delivery) -> Result<Delivery, InvalidStep>;
        let steps: [(&str, Step, [bool; 5]); 7] = [
            ("claim", |d| d.claim(at(10), Span::seconds(30)), [true, false, false, false, false]),
            ("apply", |d| d.apply(at(11)), [false, true, false, false, false]),
            ("ignore", |d| d.ignore(at(11)), [false, true, false, false, false]),
            ("park", |d| d.park(at(11), ParkReason::Panicked), [false, true, false, false, false]),
            ("hand back", |d| d.hand_back(at(11)), [false, true, false, false, false]),
            ("rescue", |d| d.rescue(at(20)), [false, true, false, false, false]),
            ("replay", |d| d.replay(at(30)), [false, false, true, true, true]),
        ];
        for (name, step, allowed) in steps {
            for (state, expected) in examples().into_iter().zip(allowed) {
                let from = state.name();
                assert_eq!(step(state).is_ok(), expected, "{name} from {from}");
            }
        }
    }

    /// Shows that a claim waits until it is due and a rescue until the lease is over.
    #[test]
    fn time_is_part_of_the_step() {
        let [pending, claimed, ..] = examples();
        assert!(pending.claim(at(9), Span::seconds(1)).is_err());
        assert!(claimed.rescue(at(19)).is_err());
    }

    /// Shows that failures climb the ladder and the last one parks with its cause.
    #[test]
    fn the_last_failure_parks() {
        let ladder = RetryLadder::standard();
        let mut delivery = Delivery::received(at(0));
        let mut now = at(0);
        let mut attempts = 0;
        while let Delivery::Pending { due, .. } = delivery {
            now = due.max(now);
            let claimed = delivery.claim(now, Span::seconds(30)).expect("due");
            delivery = claimed.retry(now, &ladder, "stripe_unavailable").expect("claimed");
            attempts += 1;
        }
        assert_eq!(attempts, 13);
        assert!(matches!(
            delivery,
            Delivery::Parked { reason: ParkReason::AttemptsExhausted { ref detail }, .. }
                if detail == "stripe_unavailable"
        ));
    }

    /// Shows that each reason survives the way to the database and back.
    #[test]
    fn reasons_round_trip() {
        let detail = || "x".to_owned();
        for reason in [
            ParkReason::UnknownCustomer { customer: detail() },
            ParkReason::UnknownPrice { price: detail() },
            ParkReason::UnknownShape { detail: detail() },
            ParkReason::AttemptsExhausted { detail: detail() },
            ParkReason::StripeRefused { detail: detail() },
            ParkReason::Panicked,
        ] {
            assert_eq!(ParkReason::from_parts(reason.code(), reason.detail()), reason);
        }
    }
}
