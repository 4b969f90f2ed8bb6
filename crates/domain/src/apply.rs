//! From a snapshot to a change of the mirror: the rule that makes deliveries order-free.
//!
//! Stripe delivers events late, twice and in any order, and its times are whole seconds. So a
//! payload is believed only when it is *provably* newer than what we hold. When that cannot be
//! known, Stripe is asked, and the answer is the truth whatever the order was.

use crate::mirror::AsOf;

/// What to do with the payload of an event, given what the mirror holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Believe {
    /// It is newer than the mirror: take it.
    Payload,
    /// It is older than the mirror: nothing follows from it.
    Nothing,
    /// It may be either: read the object from Stripe.
    AskStripe,
}

/// Weighs an event's payload against the mirror.
///
/// `mirror` is the span of seconds the mirror's state is from, none when the object is new to us.
/// `created` is the event's own second, on Stripe's clock like the mirror's.
#[must_use]
pub fn weigh(mirror: Option<AsOf>, created: i64) -> Believe {
    match mirror {
        None => Believe::Payload,
        Some(held) if created > held.to => Believe::Payload,
        Some(held) if created < held.from => Believe::Nothing,
        Some(_) => Believe::AskStripe,
    }
}

/// Whether an object just read from Stripe replaces what the mirror holds.
///
/// A read is never older than the moment it began, so it replaces everything that was certain
/// before. It loses only against a state that is certainly from after the read ended, which
/// happens when a newer event was applied while a slow read was under way.
#[must_use]
pub fn read_replaces(mirror: Option<AsOf>, read: AsOf) -> bool {
    mirror.is_none_or(|held| held.from <= read.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the answer for each way an event can lie to a mirror that was read in seconds 10 to 12.
    #[test]
    fn a_payload_is_believed_only_when_provably_newer() {
        let held = Some(AsOf { from: 10, to: 12 });
        let table = [
            (None, 5, Believe::Payload),
            (held, 13, Believe::Payload),
            (held, 12, Believe::AskStripe),
            (held, 11, Believe::AskStripe),
            (held, 10, Believe::AskStripe),
            (held, 9, Believe::Nothing),
            (Some(AsOf::event(10)), 10, Believe::AskStripe),
            (Some(AsOf::event(10)), 11, Believe::Payload),
            (Some(AsOf::event(10)), 9, Believe::Nothing),
        ];
        for (mirror, created, expected) in table {
            assert_eq!(weigh(mirror, created), expected, "{mirror:?} and {created}");
        }
    }

    /// Shows that a slow read never overwrites what is certainly newer.
    #[test]
    fn a_slow_read_loses_against_a_newer_event() {
        assert!(read_replaces(None, AsOf { from: 1, to: 2 }));
        assert!(read_replaces(Some(AsOf::event(2)), AsOf { from: 1, to: 2 }));
        assert!(!read_replaces(Some(AsOf::event(3)), AsOf { from: 1, to: 2 }));
    }
}
