//! What an organisation may do now, and which fact decided.

use super::billing::Status;
use crate::app::App;
use crate::http::auth::Reads;
use crate::http::problem::ApiResult;
use crate::http::views::{PlanFeature, PlanRef, ProblemView, Time};
use crate::usage::FeatureUsage;
use axum::Json;
use domain::catalogue::{Catalogue, FeatureKind};
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

impl EntitledFeature {
    pub(super) fn new(one: &FeatureUsage) -> Self {
        let FeatureUsage { feature, allowance, counter, .. } = one;
        let is_switch = feature.kind == FeatureKind::Switch;
        Self {
            feature: PlanFeature::new(feature, allowance.limit),
            used: (!is_switch).then_some(counter.used),
            remaining: if is_switch { None } else { allowance.limit.remaining(*counter) },
            resets_at: allowance.period.map(|period| period.end.into()),
        }
    }
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
    pub(crate) fn new(
        row: EntitlementRow,
        features: &[FeatureUsage],
        catalogue: &Catalogue,
    ) -> Self {
        let features = features.iter().map(EntitledFeature::new);
        let one = row.entitlement;
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
    Reads(organization): Reads,
) -> ApiResult<Json<Entitlements>> {
    let (row, features) = app.usage.current(&organization).await?;
    Ok(Json(Entitlements::new(row, &features, &app.catalogue)))
}
