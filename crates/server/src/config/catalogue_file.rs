//! The catalogue as it stands in `billhook.toml`: features, plans, prices, limits.
//!
//! Amounts are minor units. A limit is a number, `"unlimited"` or `"disabled"`; a feature that a
//! plan does not name is disabled.

use domain::catalogue::{
    Catalogue, Feature, FeatureKind, Interval, Limit, Plan, PlanId, PlanPrice, Unit,
};
use domain::money::{Currency, Money};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// `[catalogue]` of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogueFile {
    #[serde(default)]
    features: Vec<FeatureEntry>,
    plans: Vec<PlanEntry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureEntry {
    id: String,
    name: String,
    kind: Kind,
    #[serde(default)]
    unit: UnitName,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Switch,
    Metered,
    Allocated,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitName {
    #[default]
    Count,
    Bytes,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanEntry {
    id: String,
    name: String,
    #[serde(default)]
    description: String,
    rank: i32,
    #[serde(default)]
    prices: Vec<PriceEntry>,
    #[serde(default)]
    limits: IndexMap<String, LimitEntry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    interval: IntervalName,
    amount: i64,
    currency: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum IntervalName {
    Monthly,
    Yearly,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum LimitEntry {
    Number(i64),
    Word(LimitWord),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LimitWord {
    Unlimited,
    Disabled,
}

impl CatalogueFile {
    /// The text of `[catalogue]`.
    pub(super) fn to_toml(&self) -> Option<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            catalogue: &'a CatalogueFile,
        }
        toml::to_string(&Whole { catalogue: self }).ok()
    }

    /// The catalogue, checked as a whole.
    pub(super) fn into_catalogue(self) -> Result<Catalogue, Vec<String>> {
        let mut faults = Vec::new();
        let features = self.features.into_iter().map(Feature::from).collect();
        let mut plans = Vec::with_capacity(self.plans.len());
        for plan in self.plans {
            let mut prices: Vec<PlanPrice> = Vec::with_capacity(plan.prices.len());
            for price in plan.prices {
                let interval = Interval::from(price.interval);
                let Ok(currency) = Currency::parse(&price.currency) else {
                    faults.push(format!(
                        "plan `{}` has a price in `{}`, which is no currency code",
                        plan.id, price.currency
                    ));
                    continue;
                };
                if prices.iter().any(|other| other.interval == interval) {
                    faults.push(format!("plan `{}` has two {} prices", plan.id, interval.name()));
                }
                prices.push(PlanPrice {
                    interval,
                    amount: Money::new(price.amount, currency),
                    stripe_price: None,
                });
            }
            plans.push(Plan {
                id: PlanId(plan.id),
                name: plan.name,
                description: plan.description,
                rank: plan.rank,
                prices,
                limits: plan
                    .limits
                    .into_iter()
                    .map(|(feature, limit)| (feature.as_str().into(), limit.into()))
                    .collect(),
            });
        }
        match Catalogue::new(plans, features) {
            Ok(catalogue) if faults.is_empty() => Ok(catalogue),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more);
                Err(faults)
            }
        }
    }
}

impl From<&Catalogue> for CatalogueFile {
    fn from(catalogue: &Catalogue) -> Self {
        let features = catalogue.features().iter().map(|feature| FeatureEntry {
            id: feature.id.to_string(),
            name: feature.name.clone(),
            kind: match feature.kind {
                FeatureKind::Switch => Kind::Switch,
                FeatureKind::Metered => Kind::Metered,
                FeatureKind::Allocated => Kind::Allocated,
            },
            unit: match feature.unit {
                Unit::Count => UnitName::Count,
                Unit::Bytes => UnitName::Bytes,
            },
        });
        let plans = catalogue.plans().iter().map(|plan| PlanEntry {
            id: plan.id.to_string(),
            name: plan.name.clone(),
            description: plan.description.clone(),
            rank: plan.rank,
            prices: plan
                .prices
                .iter()
                .map(|price| PriceEntry {
                    interval: match price.interval {
                        Interval::Monthly => IntervalName::Monthly,
                        Interval::Yearly => IntervalName::Yearly,
                    },
                    amount: price.amount.minor,
                    currency: price.amount.currency.to_string(),
                })
                .collect(),
            limits: catalogue
                .features()
                .iter()
                .map(|feature| (feature.id.to_string(), plan.limit(&feature.id).into()))
                .collect(),
        });
        Self { features: features.collect(), plans: plans.collect() }
    }
}

impl From<FeatureEntry> for Feature {
    fn from(entry: FeatureEntry) -> Self {
        Self {
            id: entry.id.as_str().into(),
            name: entry.name,
            kind: match entry.kind {
                Kind::Switch => FeatureKind::Switch,
                Kind::Metered => FeatureKind::Metered,
                Kind::Allocated => FeatureKind::Allocated,
            },
            unit: match entry.unit {
                UnitName::Count => Unit::Count,
                UnitName::Bytes => Unit::Bytes,
            },
        }
    }
}

impl From<IntervalName> for Interval {
    fn from(name: IntervalName) -> Self {
        match name {
            IntervalName::Monthly => Self::Monthly,
            IntervalName::Yearly => Self::Yearly,
        }
    }
}

impl From<LimitEntry> for Limit {
    fn from(entry: LimitEntry) -> Self {
        match entry {
            LimitEntry::Number(number) => Self::Number(number),
            LimitEntry::Word(LimitWord::Unlimited) => Self::Unlimited,
            LimitEntry::Word(LimitWord::Disabled) => Self::Disabled,
        }
    }
}

impl From<Limit> for LimitEntry {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Number(number) => Self::Number(number),
            Limit::Unlimited => Self::Word(LimitWord::Unlimited),
            Limit::Disabled => Self::Word(LimitWord::Disabled),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::catalogue::sample;

    /// Shows that both sample catalogues can be written as a file and read back unchanged.
    #[test]
    fn the_samples_pass_through_the_file() {
        for catalogue in [sample::test_automation().unwrap(), sample::ai_writing().unwrap()] {
            let text = toml::to_string_pretty(&CatalogueFile::from(&catalogue)).unwrap();
            let file: CatalogueFile = toml::from_str(&text).unwrap();
            let read = file.into_catalogue().unwrap();
            assert_eq!(read.features(), catalogue.features(), "{text}");
            for (read, written) in read.plans().iter().zip(catalogue.plans()) {
                assert_eq!(read.prices, written.prices);
                for feature in catalogue.features() {
                    assert_eq!(read.limit(&feature.id), written.limit(&feature.id));
                }
            }
            assert_eq!(read.plans().len(), catalogue.plans().len());
        }
    }

    /// Shows that faults of the file and of the catalogue are told together.
    #[test]
    fn faults_of_the_file_are_listed_together() {
        let text = r#"
            [[plans]]
            id = "team"
            name = "Team"
            rank = 1
            prices = [
                { interval = "monthly", amount = 9900, currency = "dollar" },
                { interval = "yearly", amount = 99000, currency = "usd" },
                { interval = "yearly", amount = 98000, currency = "usd" },
            ]
            limits = { nothing = 3 }
        "#;
        let file: CatalogueFile = toml::from_str(text).unwrap();
        let faults = file.into_catalogue().unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }
}
