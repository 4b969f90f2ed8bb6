//! What an organisation may do now, and which fact decided.

use super::billing::Status;
use crate::app::App;
use crate::http::auth::Caller;
use crate::http::problem::ApiResult;
use crate::http::views::{PlanFeature, PlanRef, ProblemView, Time};
use axum::Json;
use domain::catalogue::{Catalogue, FeatureKind, Limit, PlanId};
use serde::Serialize;
use store::EntitlementRow;
use utoipa::ToSchema;

/// The fact that decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Because {
    /// A stable code.
    #[schema(example = "subscription_active")]
    fact: &'static str,
    /// A sentence for people.
    detail: String,
}

/// A feature, how much of it is allowed, and how much is left.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntitledFeature {
    /// The feature and its limit.
    #[serde(flatten)]
    feature: PlanFeature,
    /// What was used; none for switches.
    #[schema(required)]
    used: Option<i64>,
    /// What is left; none for switches and without a bound.
    #[schema(required)]
    remaining: Option<i64>,
    /// When counting starts again; metered features only.
    #[schema(required)]
    resets_at: Option<Time>,
}

/// What an organisation may do now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Entitlements {
    /// Whose.
    organization_id: String,
    /// The plan whose limits apply.
    plan: PlanRef,
    /// Whether a paid plan is granted.
    is_active: bool,
    /// The state in one word.
    status: Status,
    /// The fact that decided.
    because: Because,
    /// Every feature of the catalogue.
    features: Vec<EntitledFeature>,
}

impl Entitlements {
    pub(crate) fn new(row: EntitlementRow, catalogue: &Catalogue) -> Self {
        let one = row.entitlement;
        let limit_of = |plan: &PlanId, feature| {
            catalogue.plan(plan).map_or(Limit::Disabled, |plan| plan.limit(feature))
        };
        let features = catalogue.features().iter().map(|feature| {
            let limit = limit_of(&one.plan, &feature.id);
            // Nothing can be used yet: counting comes with the usage room.
            let (used, remaining) = match (feature.kind, limit) {
                (FeatureKind::Switch, _) => (None, None),
                (_, Limit::Number(number)) => (Some(0), Some(number)),
                (_, Limit::Unlimited) => (Some(0), None),
                (_, Limit::Disabled) => (Some(0), Some(0)),
            };
            EntitledFeature {
                feature: PlanFeature::new(feature, limit),
                used,
                remaining,
                resets_at: (feature.kind == FeatureKind::Metered).then(|| one.period.end.into()),
            }
        });
        Self {
            organization_id: row.organization.to_string(),
            plan: PlanRef::of(&one.plan, catalogue),
            is_active: one.is_active,
            status: one.status.into(),
            because: Because { fact: one.because.fact, detail: one.because.detail },
            features: features.collect(),
        }
    }
}

/// Says what the organisation may do now.
#[utoipa::path(
    get, path = "/api/v1/entitlements", operation_id = "get_entitlements", tag = "entitlements",
    responses((status = 200, body = Entitlements), (status = 401, body = ProblemView))
)]
pub(crate) async fn get_entitlements(
    app: App,
    Caller(who): Caller,
) -> ApiResult<Json<Entitlements>> {
    let row = app.entitlements.current(&who.organization.id).await?;
    Ok(Json(Entitlements::new(row, &app.catalogue)))
}
