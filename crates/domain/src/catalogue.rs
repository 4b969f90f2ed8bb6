//! What is sold: plans, their prices, and what each plan allows.

use crate::money::Money;
use std::collections::BTreeMap;

/// The id of a plan, as in the catalogue file (`team`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanId(pub String);

/// The id of a feature, as in the catalogue file (`test_runs`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureId(pub String);

macro_rules! text_id {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }
    )*};
}
text_id!(PlanId, FeatureId);

/// How often a price is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    /// Each month.
    Monthly,
    /// Each year.
    Yearly,
}

impl Interval {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }
    /// Reads the stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "monthly" => Some(Self::Monthly),
            "yearly" => Some(Self::Yearly),
            _ => None,
        }
    }
    /// Stripe's word for it (`month`, `year`).
    #[must_use]
    pub fn stripe_name(self) -> &'static str {
        match self {
            Self::Monthly => "month",
            Self::Yearly => "year",
        }
    }
}

/// What a feature measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureKind {
    /// On or off.
    Switch,
    /// Counts up and starts again each period.
    Metered,
    /// A level: seats, projects, bytes.
    Allocated,
}

impl FeatureKind {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Metered => "metered",
            Self::Allocated => "allocated",
        }
    }
    /// Reads the stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "switch" => Some(Self::Switch),
            "metered" => Some(Self::Metered),
            "allocated" => Some(Self::Allocated),
            _ => None,
        }
    }
}

/// The unit in which people read a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Plain pieces.
    Count,
    /// Bytes, shown as GiB.
    Bytes,
}

impl Unit {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Bytes => "bytes",
        }
    }
}

/// Something a plan allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its id.
    pub id: FeatureId,
    /// Its name for people.
    pub name: String,
    /// What it measures.
    pub kind: FeatureKind,
    /// The unit of its quantity.
    pub unit: Unit,
}

/// How much of a feature a plan allows. A switch is `Unlimited` when on, `Disabled` when off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// At most so much; 0 allows nothing but is still a number.
    Number(i64),
    /// No bound.
    Unlimited,
    /// Not part of the plan.
    Disabled,
}

/// What is asked for one interval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPrice {
    /// How often it is charged.
    pub interval: Interval,
    /// How much each time.
    pub amount: Money,
    /// The Stripe price that stands for it in the mode in force; none until it is provisioned.
    pub stripe_price: Option<String>,
}

/// A plan (Stripe says product, some say tier).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Its name for people.
    pub name: String,
    /// One sentence on who it is for.
    pub description: String,
    /// The order of plans, lowest first; a higher rank is an upgrade.
    pub rank: i32,
    /// Its prices; a plan without any is free.
    pub prices: Vec<PlanPrice>,
    /// What it allows. A feature that is not named is disabled.
    pub limits: BTreeMap<FeatureId, Limit>,
}

impl Plan {
    /// Whether it costs nothing.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.prices.is_empty()
    }
    /// How much of a feature it allows.
    #[must_use]
    pub fn limit(&self, feature: &FeatureId) -> Limit {
        self.limits.get(feature).copied().unwrap_or(Limit::Disabled)
    }
    /// Its price for one interval.
    #[must_use]
    pub fn price(&self, interval: Interval) -> Option<&PlanPrice> {
        self.prices.iter().find(|price| price.interval == interval)
    }
}

/// Everything that is sold, checked for sense when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    plans: Vec<Plan>,
    features: Vec<Feature>,
    free: usize,
    by_stripe_price: BTreeMap<String, (usize, Interval)>,
}

impl Catalogue {
    /// Checks the parts and puts the plans in the order of their rank.
    ///
    /// # Errors
    /// Every fault at once, each a sentence: no free plan, ids or ranks used twice, a limit for an
    /// unknown feature, a negative limit, a number for a switch, a Stripe price used twice.
    pub fn new(mut plans: Vec<Plan>, features: Vec<Feature>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        plans.sort_by_key(|plan| plan.rank);
        let mut by_stripe_price: BTreeMap<String, (usize, Interval)> = BTreeMap::new();
        for (index, plan) in plans.iter().enumerate() {
            for other in plans.iter().take(index) {
                if other.id == plan.id {
                    faults.push(format!("plan `{}` is listed twice", plan.id));
                }
                if other.rank == plan.rank {
                    faults.push(format!(
                        "plans `{}` and `{}` have the same rank {}",
                        other.id, plan.id, plan.rank
                    ));
                }
            }
            for (feature_id, limit) in &plan.limits {
                match features.iter().find(|feature| feature.id == *feature_id) {
                    None => faults.push(format!(
                        "plan `{}` limits the unknown feature `{feature_id}`",
                        plan.id
                    )),
                    Some(feature) => match limit {
                        Limit::Number(n) if *n < 0 => faults.push(format!(
                            "plan `{}` has a negative limit for `{feature_id}`",
                            plan.id
                        )),
                        Limit::Number(_) if feature.kind == FeatureKind::Switch => faults.push(
                            format!("plan `{}` gives the switch `{feature_id}` a number", plan.id),
                        ),
                        _ => {}
                    },
                }
            }
            for price in &plan.prices {
                if price.amount.minor <= 0 {
                    faults.push(format!(
                        "plan `{}` has a {} price that is not positive",
                        plan.id,
                        price.interval.name()
                    ));
                }
                if let Some(id) = &price.stripe_price
                    && by_stripe_price.insert(id.clone(), (index, price.interval)).is_some()
                {
                    faults.push(format!("the Stripe price `{id}` stands for two prices"));
                }
            }
        }
        for (index, feature) in features.iter().enumerate() {
            if features.iter().take(index).any(|other| other.id == feature.id) {
                faults.push(format!("feature `{}` is listed twice", feature.id));
            }
        }
        let free = plans.iter().position(Plan::is_free);
        match free {
            Some(free) if faults.is_empty() => Ok(Self { plans, features, free, by_stripe_price }),
            Some(_) => Err(faults),
            None => {
                faults
                    .push("no plan is free; organisations without a subscription need one".into());
                Err(faults)
            }
        }
    }

    /// The plans, lowest rank first.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }
    /// The features, in the order of the catalogue file.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }
    /// The plan of those who pay nothing: the free plan of lowest rank.
    #[must_use]
    pub fn free_plan(&self) -> &Plan {
        &self.plans[self.free]
    }
    /// A plan by its id.
    #[must_use]
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == *id)
    }
    /// A feature by its id.
    #[must_use]
    pub fn feature(&self, id: &FeatureId) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.id == *id)
    }
    /// What a Stripe price sells, if it sells anything of ours.
    #[must_use]
    pub fn sold_by(&self, stripe_price: &str) -> Option<(&Plan, Interval)> {
        let (index, interval) = self.by_stripe_price.get(stripe_price)?;
        Some((self.plans.get(*index)?, *interval))
    }
    /// The same catalogue with other Stripe prices, by plan and interval.
    ///
    /// # Errors
    /// As [`Catalogue::new`].
    pub fn with_stripe_prices(
        &self,
        prices: &BTreeMap<(PlanId, Interval), String>,
    ) -> Result<Self, Vec<String>> {
        let mut plans = self.plans.clone();
        for plan in &mut plans {
            for price in &mut plan.prices {
                price.stripe_price = prices.get(&(plan.id.clone(), price.interval)).cloned();
            }
        }
        Self::new(plans, self.features.clone())
    }
}

/// The two published price lists that come with the program.
pub mod sample {
    use super::{Catalogue, Feature, FeatureKind, Interval, Limit, Plan, PlanPrice, Unit};
    use crate::money::{Currency, Money};

    const GIB: i64 = 1_073_741_824;

    fn plan(
        id: &str,
        name: &str,
        description: &str,
        rank: i32,
        monthly_and_yearly: &[(Interval, i64)],
        limits: &[(&str, Limit)],
    ) -> Plan {
        Plan {
            id: id.into(),
            name: name.to_owned(),
            description: description.to_owned(),
            rank,
            prices: monthly_and_yearly
                .iter()
                .map(|(interval, minor)| PlanPrice {
                    interval: *interval,
                    amount: Money::new(*minor, Currency::USD),
                    stripe_price: None,
                })
                .collect(),
            limits: limits.iter().map(|(id, limit)| ((*id).into(), *limit)).collect(),
        }
    }

    fn feature(id: &str, name: &str, kind: FeatureKind, unit: Unit) -> Feature {
        Feature { id: id.into(), name: name.to_owned(), kind, unit }
    }

    /// Free, Team 99 and Enterprise 499 USD a month for organisations of a test-automation product.
    ///
    /// # Errors
    /// None: a test shows that it is sound. The type is that of [`Catalogue::new`].
    pub fn test_automation() -> Result<Catalogue, Vec<String>> {
        use FeatureKind::{Allocated, Metered, Switch};
        use Limit::{Disabled, Number, Unlimited};
        let both = |monthly, yearly| [(Interval::Monthly, monthly), (Interval::Yearly, yearly)];
        Catalogue::new(
            vec![
                plan(
                    "free",
                    "Free",
                    "Try it with one project.",
                    0,
                    &[],
                    &[
                        ("test_runs", Number(100)),
                        ("projects", Number(1)),
                        ("users", Number(3)),
                        ("concurrent_runs", Number(1)),
                        ("storage_bytes", Number(GIB)),
                        ("ai_analysis", Disabled),
                        ("sso", Disabled),
                        ("audit_log", Disabled),
                    ],
                ),
                plan(
                    "team",
                    "Team",
                    "For teams that ship every day.",
                    1,
                    &both(9_900, 99_000),
                    &[
                        ("test_runs", Number(1_000)),
                        ("projects", Number(10)),
                        ("users", Number(20)),
                        ("concurrent_runs", Number(5)),
                        ("storage_bytes", Number(10 * GIB)),
                        ("ai_analysis", Unlimited),
                        ("sso", Disabled),
                        ("audit_log", Disabled),
                    ],
                ),
                plan(
                    "enterprise",
                    "Enterprise",
                    "For companies with single sign-on and an audit duty.",
                    2,
                    &both(49_900, 499_000),
                    &[
                        ("test_runs", Unlimited),
                        ("projects", Unlimited),
                        ("users", Unlimited),
                        ("concurrent_runs", Number(20)),
                        ("storage_bytes", Number(100 * GIB)),
                        ("ai_analysis", Unlimited),
                        ("sso", Unlimited),
                        ("audit_log", Unlimited),
                    ],
                ),
            ],
            vec![
                feature("test_runs", "Test runs", Metered, Unit::Count),
                feature("projects", "Projects", Allocated, Unit::Count),
                feature("users", "Users", Allocated, Unit::Count),
                feature("concurrent_runs", "Concurrent runs", Allocated, Unit::Count),
                feature("storage_bytes", "Storage", Allocated, Unit::Bytes),
                feature("ai_analysis", "AI analysis", Switch, Unit::Count),
                feature("sso", "Single sign-on", Switch, Unit::Count),
                feature("audit_log", "Audit log", Switch, Unit::Count),
            ],
        )
    }

    /// Free, Basic 29, Pro 79 and Enterprise 199 USD a month for users of an AI writing product.
    ///
    /// # Errors
    /// None: a test shows that it is sound. The type is that of [`Catalogue::new`].
    pub fn ai_writing() -> Result<Catalogue, Vec<String>> {
        use FeatureKind::{Metered, Switch};
        use Limit::{Disabled, Number, Unlimited};
        let both = |monthly, yearly| [(Interval::Monthly, monthly), (Interval::Yearly, yearly)];
        Catalogue::new(
            vec![
                plan(
                    "free",
                    "Free",
                    "For a first look.",
                    0,
                    &[],
                    &[("words", Number(5_000)), ("priority_support", Disabled)],
                ),
                plan(
                    "basic",
                    "Basic",
                    "For one writer.",
                    1,
                    &both(2_900, 29_000),
                    &[("words", Number(50_000)), ("priority_support", Disabled)],
                ),
                plan(
                    "pro",
                    "Pro",
                    "For writing every day.",
                    2,
                    &both(7_900, 79_000),
                    &[("words", Number(250_000)), ("priority_support", Unlimited)],
                ),
                plan(
                    "enterprise",
                    "Enterprise",
                    "For a newsroom.",
                    3,
                    &both(19_900, 199_000),
                    &[("words", Unlimited), ("priority_support", Unlimited)],
                ),
            ],
            vec![
                feature("words", "Words a month", Metered, Unit::Count),
                feature("priority_support", "Priority support", Switch, Unit::Count),
            ],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows that both sample lists are sound and carry the published prices.
    #[test]
    fn the_samples_are_the_published_lists() {
        let amounts = |catalogue: &Catalogue| -> Vec<String> {
            let prices = catalogue.plans().iter().flat_map(|plan| &plan.prices);
            prices.map(|price| price.amount.to_string()).collect()
        };
        let first = sample::test_automation().expect("sound");
        assert_eq!(amounts(&first), ["99.00 USD", "990.00 USD", "499.00 USD", "4990.00 USD"]);
        assert_eq!(first.free_plan().limit(&"test_runs".into()), Limit::Number(100));
        let second = sample::ai_writing().expect("sound");
        assert_eq!(amounts(&second).len(), 6);
    }

    /// Shows that all faults are told at once.
    #[test]
    fn faults_are_listed_together() {
        let good = sample::test_automation().expect("sound");
        let mut plans = good.plans().to_vec();
        plans.remove(0);
        plans[0].limits.insert("nonsense".into(), Limit::Number(1));
        plans[0].limits.insert("sso".into(), Limit::Number(1));
        plans[1].limits.insert("projects".into(), Limit::Number(-1));
        plans[1].rank = plans[0].rank;
        let faults = Catalogue::new(plans, good.features().to_vec()).expect_err("unsound");
        assert_eq!(faults.len(), 5, "{faults:#?}");
    }

    /// Shows that a Stripe price sells one thing only.
    #[test]
    fn a_stripe_price_stands_for_one_price() {
        let good = sample::test_automation().expect("sound");
        let key = |plan: &str, interval| (PlanId::from(plan), interval);
        let mut map = BTreeMap::from([
            (key("team", Interval::Monthly), "price_1".to_owned()),
            (key("team", Interval::Yearly), "price_2".to_owned()),
        ]);
        let mapped = good.with_stripe_prices(&map).expect("sound");
        let (plan, interval) = mapped.sold_by("price_2").expect("sold");
        assert_eq!((plan.id.as_str(), interval), ("team", Interval::Yearly));
        assert!(mapped.sold_by("price_3").is_none());
        map.insert(key("enterprise", Interval::Monthly), "price_2".to_owned());
        assert!(good.with_stripe_prices(&map).is_err());
    }
}
