//! Which Stripe price stands for which plan and interval, from the mapping settings.

use super::Mode;
use domain::catalogue::{Catalogue, Interval, PlanId};
use std::collections::BTreeMap;

/// Stripe prices by plan and interval.
pub(super) type Prices = BTreeMap<(PlanId, Interval), String>;

/// Reads one mapping: `{"team":{"monthly":"price_…","yearly":"price_…"}}`. The text may have been
/// pasted from anywhere, so no fault repeats more of it than plan and interval.
pub(super) fn parse(text: &str, catalogue: &Catalogue) -> Result<Prices, Vec<String>> {
    type Raw = BTreeMap<String, BTreeMap<String, serde_json::Value>>;
    let raw: Raw = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            return Err(vec![format!(
                "is no JSON of the form {{\"team\":{{\"monthly\":\"price_…\"}}}} \
                 (line {}, column {})",
                error.line(),
                error.column()
            )]);
        }
    };
    let mut prices = Prices::new();
    let mut faults = Vec::new();
    for (plan_name, by_interval) in raw {
        let plan_id = PlanId(plan_name);
        let Some(plan) = catalogue.plan(&plan_id) else {
            faults.push(format!("names the unknown plan `{plan_id}`"));
            continue;
        };
        for (interval_name, price) in by_interval {
            let Some(interval) = Interval::from_name(&interval_name) else {
                faults.push(format!(
                    "names the interval `{interval_name}` for `{plan_id}`; \
                     use monthly or yearly"
                ));
                continue;
            };
            if plan.price(interval).is_none() {
                faults.push(format!(
                    "maps `{plan_id}` {interval_name}, which the catalogue does not sell"
                ));
                continue;
            }
            match price.as_str().map(str::trim).filter(|id| is_price_id(id)) {
                Some(id) => {
                    prices.insert((plan_id.clone(), interval), id.to_owned());
                }
                None => faults.push(format!(
                    "has no Stripe price id (price_…) for `{plan_id}` {interval_name}"
                )),
            }
        }
    }
    if faults.is_empty() { Ok(prices) } else { Err(faults) }
}

/// `plan_…` are prices from before 2020, which still sell.
pub(super) fn is_price_id(text: &str) -> bool {
    (text.starts_with("price_") || text.starts_with("plan_"))
        && text.len() <= 255
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
}

/// Prices that stand for two things at once, each with both.
pub(super) fn duplicates(prices: &Prices) -> Vec<String> {
    let mut first: BTreeMap<&str, &(PlanId, Interval)> = BTreeMap::new();
    let mut faults = Vec::new();
    for (key, price) in prices {
        if let Some(other) = first.insert(price, key) {
            faults.push(format!(
                "gives the price `{price}` to `{}` {} and to `{}` {}",
                other.0,
                other.1.name(),
                key.0,
                key.1.name()
            ));
        }
    }
    faults
}

/// What the catalogue sells and the mapping leaves out.
pub(super) fn missing(prices: &Prices, catalogue: &Catalogue) -> Vec<String> {
    let mut missing = Vec::new();
    for plan in catalogue.plans() {
        for price in &plan.prices {
            if !prices.contains_key(&(plan.id.clone(), price.interval)) {
                missing.push(format!("`{}` {}", plan.id, price.interval.name()));
            }
        }
    }
    missing
}

/// Prices that cannot be live ones: marked as test by their id, or named in the test mapping.
pub(super) fn not_live(prices: &Prices, test: &Prices) -> Vec<String> {
    prices
        .iter()
        .filter(|(_, price)| {
            price.starts_with("price_test") || test.values().any(|other| other == *price)
        })
        .map(|((plan, interval), price)| {
            format!("gives the test price `{price}` to `{plan}` {}", interval.name())
        })
        .collect()
}

/// The setting that holds the mapping of one mode.
pub(super) fn setting_of(mode: Mode) -> &'static str {
    match mode {
        Mode::Test => "STRIPE_PLAN_PRICE_MAPPING_TEST",
        Mode::Live => "STRIPE_PLAN_PRICE_MAPPING_LIVE",
    }
}
