//! What is sold. Public: it is the price list.

use crate::app::App;
use crate::http::views::{PlanFeature, PlanPrice};
use axum::Json;
use domain::catalogue::Catalogue;
use serde::Serialize;
use utoipa::ToSchema;

/// A plan with its prices and what it allows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plan {
    /// Its id.
    #[schema(example = "team")]
    id: String,
    /// Its name for people.
    name: String,
    /// One sentence on who it is for.
    description: String,
    /// The order of plans; a higher rank is an upgrade.
    rank: i32,
    /// Its prices; none when it is free.
    prices: Vec<PlanPrice>,
    /// Every feature of the catalogue and how much of it this plan allows.
    features: Vec<PlanFeature>,
}

/// All plans, lowest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanList {
    /// The plans.
    data: Vec<Plan>,
    /// Always null: the list is whole.
    #[schema(required)]
    next: Option<String>,
}

fn plans(catalogue: &Catalogue) -> Vec<Plan> {
    let of = |plan: &domain::catalogue::Plan| Plan {
        id: plan.id.to_string(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        rank: plan.rank,
        prices: plan
            .prices
            .iter()
            .map(|price| PlanPrice::new(price.interval, price.amount))
            .collect(),
        features: catalogue
            .features()
            .iter()
            .map(|feature| PlanFeature::new(feature, plan.limit(&feature.id)))
            .collect(),
    };
    catalogue.plans().iter().map(of).collect()
}

/// Lists the plans that are sold.
#[utoipa::path(
    get, path = "/api/v1/plans", operation_id = "list_plans", tag = "plans",
    responses((status = 200, body = PlanList))
)]
pub(crate) async fn list_plans(app: App) -> Json<PlanList> {
    Json(PlanList { data: plans(&app.catalogue), next: None })
}
