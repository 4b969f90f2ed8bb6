//! Parts of answers that several routes share. What leaves the process is written here and beside
//! its handler, and nowhere else: a type that is shown is a promise.

use domain::catalogue::{Catalogue, FeatureKind, Limit, PlanId};
use domain::money::Money;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An amount in minor units with its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Money)]
pub(super) struct MoneyView {
    /// Minor units of the currency: cents, yen, fils.
    #[schema(example = 9900)]
    amount: i64,
    /// ISO 4217 in lower case.
    #[schema(example = "usd")]
    currency: String,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount: money.minor, currency: money.currency.code().to_owned() }
    }
}

/// A moment, RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(Timestamp);

impl From<Timestamp> for Time {
    fn from(moment: Timestamp) -> Self {
        Self(moment)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC."))
            .examples([serde_json::json!("2026-11-21T09:30:00Z")])
            .into()
    }
}

impl ToSchema for Time {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Time")
    }
}

/// How often a price is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Interval {
    /// Each month.
    Monthly,
    /// Each year.
    Yearly,
}

impl From<domain::catalogue::Interval> for Interval {
    fn from(interval: domain::catalogue::Interval) -> Self {
        match interval {
            domain::catalogue::Interval::Monthly => Self::Monthly,
            domain::catalogue::Interval::Yearly => Self::Yearly,
        }
    }
}

impl From<Interval> for domain::catalogue::Interval {
    fn from(interval: Interval) -> Self {
        match interval {
            Interval::Monthly => Self::Monthly,
            Interval::Yearly => Self::Yearly,
        }
    }
}

/// A plan, as far as it has to be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PlanRef {
    /// Its id.
    #[schema(example = "team")]
    id: String,
    /// Its name for people.
    #[schema(example = "Team")]
    name: String,
}

impl PlanRef {
    /// A plan by its id. One that is no longer sold goes by its id.
    pub(super) fn of(id: &PlanId, catalogue: &Catalogue) -> Self {
        let name = catalogue.plan(id).map_or_else(|| id.to_string(), |plan| plan.name.clone());
        Self { id: id.to_string(), name }
    }
}

impl From<crate::billing::PlanName> for PlanRef {
    fn from(plan: crate::billing::PlanName) -> Self {
        Self { id: plan.id.to_string(), name: plan.name }
    }
}

/// What is charged each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PlanPrice {
    /// How often.
    interval: Interval,
    /// How much.
    amount: MoneyView,
}

impl PlanPrice {
    pub(super) fn new(interval: domain::catalogue::Interval, amount: Money) -> Self {
        Self { interval: interval.into(), amount: amount.into() }
    }
}

/// What a feature measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// On or off.
    Switch,
    /// Counts up and starts again each period.
    Metered,
    /// A level.
    Allocated,
}

/// The unit in which people read a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Plain pieces.
    Count,
    /// Bytes.
    Bytes,
}

/// How much a plan allows: a number, or a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Limit)]
pub(super) enum LimitView {
    /// At most so much.
    Number(i64),
    /// No bound, or not part of the plan.
    Word(LimitWord),
}

impl From<Limit> for LimitView {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Number(number) => Self::Number(number),
            Limit::Unlimited => Self::Word(LimitWord::Unlimited),
            Limit::Disabled => Self::Word(LimitWord::Disabled),
        }
    }
}

impl From<LimitView> for Limit {
    fn from(limit: LimitView) -> Self {
        match limit {
            LimitView::Number(number) => Self::Number(number),
            LimitView::Word(LimitWord::Unlimited) => Self::Unlimited,
            LimitView::Word(LimitWord::Disabled) => Self::Disabled,
        }
    }
}

/// The limits that are no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LimitWord {
    /// No bound.
    Unlimited,
    /// Not part of the plan.
    Disabled,
}

/// A feature and how much of it a plan allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PlanFeature {
    /// Its id.
    #[schema(example = "test_runs")]
    id: String,
    /// Its name for people.
    name: String,
    /// What it measures.
    kind: Kind,
    /// The unit of its quantity.
    unit: Unit,
    /// How much, for quantities.
    #[schema(required)]
    limit: Option<LimitView>,
    /// Whether it is on, for switches.
    #[schema(required)]
    enabled: Option<bool>,
}

impl PlanFeature {
    pub(super) fn new(feature: &domain::catalogue::Feature, limit: Limit) -> Self {
        let (kind, is_switch) = match feature.kind {
            FeatureKind::Switch => (Kind::Switch, true),
            FeatureKind::Metered => (Kind::Metered, false),
            FeatureKind::Allocated => (Kind::Allocated, false),
        };
        Self {
            id: feature.id.to_string(),
            name: feature.name.clone(),
            kind,
            unit: match feature.unit {
                domain::catalogue::Unit::Count => Unit::Count,
                domain::catalogue::Unit::Bytes => Unit::Bytes,
            },
            limit: (!is_switch).then_some(limit.into()),
            enabled: is_switch.then_some(limit == Limit::Unlimited),
        }
    }
}

/// How many deliveries are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DeliveryCounts)]
pub(super) struct CountsView {
    /// Waiting.
    pending: i64,
    /// In work.
    claimed: i64,
    /// In the mirror.
    applied: i64,
    /// Nothing followed from them.
    ignored: i64,
    /// Waiting for an operator.
    parked: i64,
}

impl From<store::DeliveryCounts> for CountsView {
    fn from(counts: store::DeliveryCounts) -> Self {
        Self {
            pending: counts.pending,
            claimed: counts.claimed,
            applied: counts.applied,
            ignored: counts.ignored,
            parked: counts.parked,
        }
    }
}

/// For how long the oldest delivery that is not done has been waiting, in milliseconds.
pub(super) fn lag_ms(counts: &store::DeliveryCounts, now: Timestamp) -> Option<i64> {
    counts.oldest_waiting.map(|since| now.since(since).as_millis())
}

/// What went wrong, as `application/problem+json`.
#[derive(Debug, ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `problem` renders")]
pub(super) struct ProblemView {
    /// A stable address that names the code.
    #[schema(rename = "type", example = "https://billhook.dev/problems/not_found")]
    r#type: String,
    /// A few words for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// One of the closed list of codes.
    #[schema(example = "not_found")]
    code: String,
    /// A sentence for people.
    detail: String,
    /// Names the request in the log.
    request_id: String,
    /// With `invalid_request`: fields at fault, with a hint each.
    fields: Option<std::collections::BTreeMap<String, String>>,
    /// With `rate_limited`: when to come again.
    retry_after_seconds: Option<u64>,
    /// With `payment_failed`: why, for people.
    reason: Option<String>,
    /// With `payment_failed`: the bank's code, where it is known.
    decline_code: Option<String>,
}
