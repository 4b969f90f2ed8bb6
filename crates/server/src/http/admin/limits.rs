//! Another limit for one organisation, for a while and for a reason.

use super::organizations::{audit, existing, reason_of};
use crate::app::App;
use crate::http::auth::Operator;
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::v1::entitlements::Entitlements;
use crate::http::views::{LimitView, ProblemView};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::catalogue::{FeatureId, FeatureKind, Limit};
use domain::time::Timestamp;
use domain::usage::LimitOverride;
use serde::Deserialize;
use serde_json::json;
use store::AuditEntry;
use utoipa::ToSchema;

/// A limit in place of the plan's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitOverrideBody {
    /// A number of zero or more, `unlimited` or `disabled`; for a switch one of the words.
    limit: LimitView,
    /// Why, for the audit log.
    reason: String,
    /// Until when, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Gives an organisation another limit for a while, whatever its plan says. It counts from the
/// next call on.
#[utoipa::path(
    post, path = "/api/v1/admin/organizations/{id}/limits/{feature}",
    operation_id = "override_limit", tag = "operators",
    params(
        ("id" = String, Path, description = "`org_…`"),
        ("feature" = String, Path, description = "The feature"),
    ),
    request_body = LimitOverrideBody,
    responses((status = 200, body = Entitlements), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn override_limit(
    app: App,
    who: Operator,
    Path((id, feature)): Path<(String, String)>,
    Body(body): Body<LimitOverrideBody>,
) -> ApiResult<Json<Entitlements>> {
    let organization = existing(&app, &id).await?;
    let now = app.world.now();
    let feature = FeatureId(feature);
    let kind = app.catalogue.feature(&feature).ok_or_else(Problem::not_found)?.kind;
    let limit = Limit::from(body.limit);
    match limit {
        Limit::Number(number) if number < 0 => {
            return Err(Problem::field("limit", "A limit is zero or more."));
        }
        Limit::Number(_) if kind == FeatureKind::Switch => {
            return Err(Problem::field("limit", "A switch is `unlimited` or `disabled`."));
        }
        _ => {}
    }
    let reason = reason_of(&body.reason)?;
    let expires_at = Timestamp::parse_rfc3339(&body.expires_at)
        .map_err(|hint| Problem::field("expires_at", hint))?;
    if expires_at <= now {
        return Err(Problem::field("expires_at", "This has to lie in the future."));
    }
    let after = json!({
        "feature": feature.as_str(), "limit": body.limit, "expires_at": expires_at.to_string(),
    });
    let entry = AuditEntry {
        after: Some(after.to_string()),
        reason: Some(reason.clone()),
        ..audit(&app, &who, "limit_override.set", &organization, now)
    };
    let given = LimitOverride { feature, limit, reason, expires_at };
    app.store.set_limit_override(&organization, given, who.actor(), now, entry).await?;
    let (row, features) = app.usage.current(&organization).await?;
    Ok(Json(Entitlements::new(row, &features, &app.catalogue)))
}

/// Takes another limit back.
#[utoipa::path(
    delete, path = "/api/v1/admin/organizations/{id}/limits/{feature}",
    operation_id = "remove_limit_override", tag = "operators",
    params(
        ("id" = String, Path, description = "`org_…`"),
        ("feature" = String, Path, description = "The feature"),
    ),
    responses((status = 204), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn remove_limit_override(
    app: App,
    who: Operator,
    Path((id, feature)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    let organization = existing(&app, &id).await?;
    let entry = AuditEntry {
        before: Some(json!({"feature": feature}).to_string()),
        ..audit(&app, &who, "limit_override.remove", &organization, app.world.now())
    };
    if !app.store.remove_limit_override(&organization, &FeatureId(feature), entry).await? {
        return Err(Problem::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}
