//! What an organisation may do now, and why: a pure function of mirror, catalogue, policy and time.

use crate::catalogue::{Catalogue, Interval, PlanId};
use crate::mirror::{Subscription, SubscriptionStatus};
use crate::period::{Period, month_of};
use crate::time::{Span, Timestamp};

/// The operator's choices that entitlement depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// For how many days a past-due subscription still grants its plan. The default is none.
    pub past_due_grace_days: u32,
}

/// A subscription of the organisation and what the mirror knows around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionFacts {
    /// The mirrored subscription.
    pub subscription: Subscription,
    /// Since when its oldest unpaid invoice has been failing, when one is.
    pub failing_since: Option<Timestamp>,
}

/// An operator's decision that an organisation has a plan without a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOverride {
    /// The plan given.
    pub plan: PlanId,
    /// Why, in the operator's words.
    pub reason: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Everything the answer depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// When the organisation was made: the anchor of its months on the free plan.
    pub organization_created: Timestamp,
    /// Its subscriptions, ended ones included, in any order.
    pub subscriptions: Vec<SubscriptionFacts>,
    /// An operator's override, expired or not.
    pub plan_override: Option<PlanOverride>,
}

/// The state of an organisation's billing, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BillingStatus {
    /// No subscription.
    Free,
    /// Paid.
    Active,
    /// In its trial.
    Trialing,
    /// The last renewal failed.
    PastDue,
    /// Ended.
    Cancelled,
    /// The first payment has not succeeded.
    Incomplete,
    /// Retries are used up.
    Unpaid,
    /// Paused.
    Paused,
}

impl BillingStatus {
    /// The word in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Active => "ACTIVE",
            Self::Trialing => "TRIALING",
            Self::PastDue => "PAST_DUE",
            Self::Cancelled => "CANCELLED",
            Self::Incomplete => "INCOMPLETE",
            Self::Unpaid => "UNPAID",
            Self::Paused => "PAUSED",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Free,
            Self::Active,
            Self::Trialing,
            Self::PastDue,
            Self::Cancelled,
            Self::Incomplete,
            Self::Unpaid,
            Self::Paused,
        ]
        .into_iter()
        .find(|status| status.name() == name)
    }

    /// The word for a Stripe status; an unknown one counts as unpaid, which grants nothing.
    #[must_use]
    pub fn of(status: &SubscriptionStatus) -> Self {
        match status {
            SubscriptionStatus::Active => Self::Active,
            SubscriptionStatus::Trialing => Self::Trialing,
            SubscriptionStatus::PastDue => Self::PastDue,
            SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired => Self::Cancelled,
            SubscriptionStatus::Incomplete => Self::Incomplete,
            SubscriptionStatus::Paused => Self::Paused,
            SubscriptionStatus::Unpaid | SubscriptionStatus::Other(_) => Self::Unpaid,
        }
    }
}

/// The fact that decided. Its code is stable; its detail is a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// A stable code such as `subscription_active`.
    pub fact: &'static str,
    /// One sentence.
    pub detail: String,
}

/// What an organisation may do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The plan whose limits apply.
    pub plan: PlanId,
    /// The state to show.
    pub status: BillingStatus,
    /// Whether a paid plan is granted.
    pub is_active: bool,
    /// How often the granting or shown subscription is charged.
    pub interval: Option<Interval>,
    /// The subscription that decided, or the one to show.
    pub subscription: Option<String>,
    /// Other live subscriptions: paid for, but not needed. An operator has to look.
    pub surplus: Vec<String>,
    /// The running period of monthly features.
    pub period: Period,
    /// The fact that decided.
    pub because: Because,
    /// When the answer changes without news from Stripe; none when it does not.
    pub valid_until: Option<Timestamp>,
}

/// What one subscription grants.
struct Grant<'a> {
    facts: &'a SubscriptionFacts,
    plan: PlanId,
    rank: i32,
    interval: Interval,
    ends: Option<Timestamp>,
}

fn grace_ends(facts: &SubscriptionFacts, policy: Policy) -> Timestamp {
    let since = facts
        .failing_since
        .or(facts.subscription.period_start)
        .unwrap_or(facts.subscription.created);
    since.plus(Span::days(policy.past_due_grace_days))
}

/// The plan that a subscription grants now, if it grants any.
fn grant<'a>(
    facts: &'a SubscriptionFacts,
    catalogue: &Catalogue,
    policy: Policy,
    now: Timestamp,
) -> Option<Grant<'a>> {
    let ends = match facts.subscription.status {
        SubscriptionStatus::Active | SubscriptionStatus::Trialing => None,
        SubscriptionStatus::PastDue if now < grace_ends(facts, policy) => {
            Some(grace_ends(facts, policy))
        }
        _ => return None,
    };
    let price = facts.subscription.price.as_deref()?;
    let (plan, interval) = catalogue.sold_by(price)?;
    Some(Grant { facts, plan: plan.id.clone(), rank: plan.rank, interval, ends })
}

/// Whether Stripe still counts the subscription as running, paid or not.
fn is_live(subscription: &Subscription) -> bool {
    !matches!(subscription.status, SubscriptionStatus::Incomplete)
        && !subscription.status.has_ended()
}

/// What an organisation may do at `now`, and why.
///
/// With several subscriptions the one that grants the highest plan decides; among equals the one
/// created first, then the smaller id, so that the answer depends on nothing but the facts. An
/// operator's override counts while it lasts and only when it is higher than what is paid for.
#[must_use]
pub fn entitlement(
    facts: &Facts,
    catalogue: &Catalogue,
    policy: Policy,
    now: Timestamp,
) -> Entitlement {
    let mut grants: Vec<Grant<'_>> =
        facts.subscriptions.iter().filter_map(|one| grant(one, catalogue, policy, now)).collect();
    grants.sort_by(|a, b| {
        let key = |g: &Grant<'_>| {
            (
                std::cmp::Reverse(g.rank),
                g.facts.subscription.created,
                g.facts.subscription.id.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    let best = grants.first();
    let shown = best.map(|grant| grant.facts).or_else(|| to_show(&facts.subscriptions));
    let surplus = surplus(&facts.subscriptions, shown);
    let live_override = facts
        .plan_override
        .as_ref()
        .filter(|one| now < one.expires_at)
        .and_then(|one| Some((one, catalogue.plan(&one.plan)?)))
        .filter(|(_, plan)| best.is_none_or(|grant| grant.rank < plan.rank));
    let status =
        shown.map_or(BillingStatus::Free, |one| BillingStatus::of(&one.subscription.status));
    let anchor = best
        .and_then(|grant| grant.facts.subscription.start_date)
        .unwrap_or(facts.organization_created);
    let interval = best.map(|grant| grant.interval).or_else(|| {
        let price = shown?.subscription.price.as_deref()?;
        catalogue.sold_by(price).map(|(_, interval)| interval)
    });
    let subscription = shown.map(|one| one.subscription.id.clone());
    let grace = best.and_then(|grant| grant.ends);
    let (plan, is_active, because, valid_until) = match (live_override, best) {
        (Some((given, plan)), _) => (
            plan.id.clone(),
            true,
            Because {
                fact: "operator_override",
                detail: format!(
                    "An operator gave the plan until {}: {}",
                    given.expires_at, given.reason
                ),
            },
            Some(grace.map_or(given.expires_at, |grace| grace.min(given.expires_at))),
        ),
        (None, Some(grant)) => (grant.plan.clone(), true, because_granted(grant), grant.ends),
        (None, None) => {
            (catalogue.free_plan().id.clone(), false, because_not_granted(shown, policy), None)
        }
    };
    Entitlement {
        plan,
        status,
        is_active,
        interval,
        subscription,
        surplus,
        period: month_of(anchor, now),
        because,
        valid_until,
    }
}

/// Without a grant: the subscription whose state people should see. A live one first, then an
/// incomplete one, then the one that ended last.
fn to_show(subscriptions: &[SubscriptionFacts]) -> Option<&SubscriptionFacts> {
    subscriptions.iter().max_by_key(|one| {
        let s = &one.subscription;
        (is_live(s), !s.status.has_ended(), s.ended_at, s.created, s.id.clone())
    })
}

/// Live subscriptions besides the one that counts.
fn surplus(subscriptions: &[SubscriptionFacts], shown: Option<&SubscriptionFacts>) -> Vec<String> {
    let counted = shown.map(|one| one.subscription.id.as_str());
    let mut ids: Vec<String> = subscriptions
        .iter()
        .map(|one| &one.subscription)
        .filter(|one| is_live(one) && Some(one.id.as_str()) != counted)
        .map(|one| one.id.clone())
        .collect();
    ids.sort();
    ids
}

fn because_granted(grant: &Grant<'_>) -> Because {
    let s = &grant.facts.subscription;
    match &s.status {
        SubscriptionStatus::Trialing => Because {
            fact: "subscription_trialing",
            detail: match s.trial_end {
                Some(end) => format!("Subscription {} is in its trial until {end}.", s.id),
                None => format!("Subscription {} is in its trial.", s.id),
            },
        },
        SubscriptionStatus::PastDue => Because {
            fact: "grace_period",
            detail: match grant.ends {
                Some(end) => {
                    format!("The payment for subscription {} failed; grace until {end}.", s.id)
                }
                None => format!("The payment for subscription {} failed.", s.id),
            },
        },
        _ => Because {
            fact: "subscription_active",
            detail: match (s.cancel_at_period_end, s.cancel_at.or(s.period_end)) {
                (true, Some(end)) => format!("Subscription {} is active and ends at {end}.", s.id),
                _ => format!("Subscription {} is active.", s.id),
            },
        },
    }
}

fn because_not_granted(shown: Option<&SubscriptionFacts>, policy: Policy) -> Because {
    let Some(one) = shown else {
        return Because { fact: "no_subscription", detail: "There is no subscription.".to_owned() };
    };
    let s = &one.subscription;
    match &s.status {
        SubscriptionStatus::PastDue => Because {
            fact: "payment_failed",
            detail: match policy.past_due_grace_days {
                0 => format!("The payment for subscription {} failed.", s.id),
                _ => format!(
                    "The payment for subscription {} failed; grace ended at {}.",
                    s.id,
                    grace_ends(one, policy)
                ),
            },
        },
        SubscriptionStatus::Unpaid => Because {
            fact: "payment_failed",
            detail: format!("Subscription {} is unpaid after all retries.", s.id),
        },
        SubscriptionStatus::Incomplete => Because {
            fact: "payment_incomplete",
            detail: format!("The first payment of subscription {} is not complete.", s.id),
        },
        SubscriptionStatus::IncompleteExpired => Because {
            fact: "payment_incomplete",
            detail: format!("The first payment of subscription {} never succeeded.", s.id),
        },
        SubscriptionStatus::Paused => Because {
            fact: "subscription_paused",
            detail: format!("Subscription {} is paused.", s.id),
        },
        SubscriptionStatus::Canceled => Because {
            fact: "subscription_ended",
            detail: match s.ended_at {
                Some(at) => format!("Subscription {} ended at {at}.", s.id),
                None => format!("Subscription {} has ended.", s.id),
            },
        },
        SubscriptionStatus::Active | SubscriptionStatus::Trialing => Because {
            fact: "price_unknown",
            detail: format!("Subscription {} is on a price that no plan sells.", s.id),
        },
        SubscriptionStatus::Other(status) => Because {
            fact: "status_unknown",
            detail: format!("Subscription {} has the unknown status `{status}`.", s.id),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::sample;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn catalogue() -> Catalogue {
        let prices = BTreeMap::from([
            (("team".into(), Interval::Monthly), "price_team".to_owned()),
            (("enterprise".into(), Interval::Yearly), "price_ent".to_owned()),
        ]);
        let sample = sample::test_automation().expect("sound");
        sample.with_stripe_prices(&prices).expect("sound")
    }

    fn day(n: i64) -> Timestamp {
        Timestamp::from_seconds(n * 86_400)
    }

    fn subscription(id: &str, status: &str, price: &str) -> SubscriptionFacts {
        SubscriptionFacts {
            failing_since: None,
            subscription: Subscription {
                id: id.to_owned(),
                customer: "cus_1".to_owned(),
                status: SubscriptionStatus::parse(status),
                item: Some("si_1".to_owned()),
                price: Some(price.to_owned()),
                quantity: 1,
                created: day(100),
                period_start: Some(day(100)),
                period_end: Some(day(131)),
                start_date: Some(day(100)),
                cancel_at_period_end: false,
                cancel_at: None,
                ended_at: None,
                trial_end: None,
                latest_invoice: None,
                default_payment_method: None,
                schedule: None,
            },
        }
    }

    fn facts(subscriptions: Vec<SubscriptionFacts>) -> Facts {
        Facts { organization_created: day(90), subscriptions, plan_override: None }
    }

    fn decide(facts: &Facts, grace: u32, now: Timestamp) -> Entitlement {
        entitlement(facts, &catalogue(), Policy { past_due_grace_days: grace }, now)
    }

    /// Shows what each Stripe status grants, without and within a grace period (scenario 16).
    #[test]
    fn only_the_named_statuses_grant_a_paid_plan() {
        let table = [
            ("active", "team", "ACTIVE", "subscription_active"),
            ("trialing", "team", "TRIALING", "subscription_trialing"),
            ("past_due", "free", "PAST_DUE", "payment_failed"),
            ("incomplete", "free", "INCOMPLETE", "payment_incomplete"),
            ("incomplete_expired", "free", "CANCELLED", "payment_incomplete"),
            ("unpaid", "free", "UNPAID", "payment_failed"),
            ("paused", "free", "PAUSED", "subscription_paused"),
            ("canceled", "free", "CANCELLED", "subscription_ended"),
            ("invented_2030", "free", "UNPAID", "status_unknown"),
        ];
        for (status, plan, shown, because) in table {
            let answer =
                decide(&facts(vec![subscription("sub_1", status, "price_team")]), 0, day(110));
            assert_eq!(answer.plan.as_str(), plan, "{status}");
            assert_eq!(answer.status.name(), shown, "{status}");
            assert_eq!(answer.because.fact, because, "{status}");
            assert_eq!(answer.is_active, plan == "team", "{status}");
        }
    }

    /// Shows that grace starts with the failing invoice and ends by itself, to the millisecond.
    #[test]
    fn grace_ends_by_itself() {
        let mut one = subscription("sub_1", "past_due", "price_team");
        one.failing_since = Some(day(105));
        let facts = facts(vec![one]);
        let within = decide(&facts, 3, Timestamp::from_millis(day(108).as_millis() - 1));
        assert_eq!((within.plan.as_str(), within.valid_until), ("team", Some(day(108))));
        assert_eq!(within.because.fact, "grace_period");
        let after = decide(&facts, 3, day(108));
        assert_eq!((after.plan.as_str(), after.is_active), ("free", false));
    }

    /// Shows that the end of one subscription never takes what a live one grants (scenario 19),
    /// and that the surplus one is named.
    #[test]
    fn access_follows_the_better_of_two() {
        let team = subscription("sub_team", "active", "price_team");
        let enterprise = subscription("sub_ent", "active", "price_ent");
        let both = decide(&facts(vec![team.clone(), enterprise.clone()]), 0, day(110));
        assert_eq!(both.plan.as_str(), "enterprise");
        assert_eq!(both.surplus, ["sub_team"]);
        let ended = subscription("sub_team", "canceled", "price_team");
        let one = decide(&facts(vec![ended, enterprise]), 0, day(110));
        assert_eq!((one.plan.as_str(), one.surplus.len()), ("enterprise", 0));
    }

    /// Shows that a price we do not sell grants nothing and says so, rather than passing as free.
    #[test]
    fn an_unknown_price_is_named() {
        let answer = decide(&facts(vec![subscription("sub_1", "active", "price_x")]), 0, day(110));
        assert_eq!((answer.is_active, answer.because.fact), (false, "price_unknown"));
    }

    /// Shows that an override lifts but never lowers, and ends on time (scenario 24).
    #[test]
    fn an_override_lifts_until_it_ends() {
        let mut facts = facts(vec![subscription("sub_1", "active", "price_ent")]);
        facts.plan_override = Some(PlanOverride {
            plan: "team".into(),
            reason: "pilot".to_owned(),
            expires_at: day(120),
        });
        assert_eq!(decide(&facts, 0, day(110)).because.fact, "subscription_active");
        facts.subscriptions.clear();
        let lifted = decide(&facts, 0, day(110));
        assert_eq!((lifted.plan.as_str(), lifted.valid_until), ("team", Some(day(120))));
        assert_eq!(decide(&facts, 0, day(120)).plan.as_str(), "free");
    }

    proptest! {
        /// Shows that the answer depends on the facts alone and not on their order, and that a paid
        /// plan is granted only by a status that the policy names.
        #[test]
        fn order_does_not_matter(
            statuses in prop::collection::vec(0_usize..8, 0..5),
            turn in 0_usize..5,
            grace in 0_u32..4,
        ) {
            let names = ["active", "trialing", "past_due", "canceled", "unpaid", "paused",
                "incomplete", "incomplete_expired"];
            let mut subscriptions: Vec<_> = statuses.iter().enumerate().map(|(n, status)| {
                let price = if n % 2 == 0 { "price_team" } else { "price_ent" };
                subscription(&format!("sub_{n}"), names[*status], price)
            }).collect();
            let one = decide(&facts(subscriptions.clone()), grace, day(102));
            if !subscriptions.is_empty() {
                let middle = turn % subscriptions.len();
                subscriptions.rotate_left(middle);
            }
            let other = decide(&facts(subscriptions.clone()), grace, day(102));
            prop_assert_eq!(&one, &other);
            let may_grant = statuses.iter().any(|s| *s < 2 || (*s == 2 && grace > 2));
            prop_assert_eq!(one.is_active, may_grant);
        }
    }
}
