//! The operators' first page: how the installation does.

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::problem::ApiResult;
use crate::http::views::{CountsView, MoneyView, ProblemView};
use axum::Json;
use domain::catalogue::{Catalogue, Interval, PlanId};
use domain::entitlement::BillingStatus;
use domain::money::{Currency, Money};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An organisation that pays for more than one subscription.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Surplus {
    /// Whose.
    organization_id: String,
    /// Its name.
    name: String,
    /// Those that are not needed.
    subscriptions: Vec<String>,
}

/// How the installation does.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    /// Organisations in all.
    organizations: i64,
    /// Subscriptions that are paid.
    active_subscriptions: i64,
    /// Monthly recurring revenue by currency, yearly prices as a twelfth. Discounts are not in it.
    mrr: Vec<MoneyView>,
    /// In their trial.
    trialing: i64,
    /// Their last renewal failed.
    past_due: i64,
    /// Deliveries by state.
    deliveries: CountsView,
    /// Organisations that pay for more than one subscription.
    surplus: Vec<Surplus>,
}

type Count = (PlanId, Option<Interval>, BillingStatus, i64);

/// Monthly recurring revenue. A year's sum is divided once, rounded down to the minor unit.
fn recurring(counts: &[Count], catalogue: &Catalogue) -> Vec<Money> {
    let mut a_year: BTreeMap<Currency, i64> = BTreeMap::new();
    for (plan, interval, status, count) in counts {
        let pays = matches!(status, BillingStatus::Active | BillingStatus::PastDue);
        let Some(interval) = interval.filter(|_| pays) else { continue };
        let price = catalogue.plan(plan).and_then(|plan| plan.price(interval));
        let Some(price) = price else { continue };
        let times = match interval {
            Interval::Monthly => 12,
            Interval::Yearly => 1,
        };
        let sum = price.amount.minor.saturating_mul(times).saturating_mul(*count);
        let total = a_year.entry(price.amount.currency).or_default();
        *total = total.saturating_add(sum);
    }
    a_year.into_iter().map(|(currency, minor)| Money::new(minor / 12, currency)).collect()
}

/// Shows how the installation does.
#[utoipa::path(
    get, path = "/api/v1/admin/summary", operation_id = "get_summary", tag = "operators",
    responses((status = 200, body = Summary), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn get_summary(app: App, _: Operator) -> ApiResult<Json<Summary>> {
    let counts = app.store.entitlement_counts().await?;
    let in_state = |wanted: BillingStatus| {
        counts.iter().filter(|(_, _, status, _)| *status == wanted).map(|(.., count)| count).sum()
    };
    let mut surplus = Vec::new();
    for row in app.store.organizations_with_surplus().await? {
        let organization = app.store.organization(&row.organization).await?;
        surplus.push(Surplus {
            organization_id: row.organization.to_string(),
            name: organization.map(|one| one.name).unwrap_or_default(),
            subscriptions: row.entitlement.surplus,
        });
    }
    Ok(Json(Summary {
        organizations: app.store.organization_count().await?,
        active_subscriptions: in_state(BillingStatus::Active),
        mrr: recurring(&counts, &app.catalogue).into_iter().map(Into::into).collect(),
        trialing: in_state(BillingStatus::Trialing),
        past_due: in_state(BillingStatus::PastDue),
        deliveries: app.store.delivery_counts().await?.into(),
        surplus,
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::catalogue::sample;

    /// Shows that monthly and yearly prices add up to one monthly figure, and that only those who
    /// pay count.
    #[test]
    fn revenue_counts_those_who_pay() {
        let catalogue = sample::test_automation().unwrap();
        let count = |plan: &str, interval, status, n| (plan.into(), interval, status, n);
        let counts = [
            count("team", Some(Interval::Monthly), BillingStatus::Active, 3),
            count("team", Some(Interval::Yearly), BillingStatus::Active, 2),
            count("team", Some(Interval::Monthly), BillingStatus::Trialing, 9),
            count("enterprise", Some(Interval::Monthly), BillingStatus::PastDue, 1),
            count("enterprise", None, BillingStatus::Active, 4),
            count("free", None, BillingStatus::Free, 100),
            count("gone", Some(Interval::Monthly), BillingStatus::Active, 1),
        ];
        // 3 × 99.00 + 2 × 990.00 / 12 + 499.00
        assert_eq!(recurring(&counts, &catalogue), [Money::new(96_100, Currency::USD)]);
    }
}
