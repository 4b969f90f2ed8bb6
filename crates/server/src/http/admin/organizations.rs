//! What operators can do for one organisation: look at Stripe again, or give it a plan for a while.

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::v1::entitlements::Entitlements;
use crate::http::views::ProblemView;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::catalogue::PlanId;
use domain::entitlement::PlanOverride;
use domain::ids::{AuditId, OrganizationId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::AuditEntry;
use utoipa::ToSchema;

const REASON_MAX: usize = 500;

/// What a look at Stripe changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Resynced {
    /// Ids of the objects whose mirror changed.
    changed: Vec<String>,
}

/// A plan given without a subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideBody {
    /// The plan's id.
    plan: String,
    /// Why, for the audit log.
    reason: String,
    /// Until when, RFC 3339.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The organisation with this id, if there is one.
pub(super) async fn existing(app: &App, id: &str) -> ApiResult<OrganizationId> {
    let id = OrganizationId::parse(id).map_err(|_| Problem::not_found())?;
    app.store.organization(&id).await?.ok_or_else(Problem::not_found)?;
    Ok(id)
}

/// An audit line about an organisation.
pub(super) fn audit(
    app: &App,
    who: &Operator,
    action: &str,
    organization: &OrganizationId,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(now, &*app.world.entropy),
        at: now,
        actor: who.actor().to_owned(),
        action: action.to_owned(),
        target: organization.to_string(),
        organization: Some(organization.to_string()),
        before: None,
        after: None,
        reason: None,
    }
}

/// A reason for the audit log, if it is one.
pub(super) fn reason_of(text: &str) -> ApiResult<String> {
    let reason = text.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let hint = format!("This needs 1 to {REASON_MAX} characters.");
        return Err(Problem::field("reason", hint));
    }
    Ok(reason)
}

/// Reads everything of an organisation from Stripe and brings the mirror up to date.
#[utoipa::path(
    post, path = "/api/v1/admin/organizations/{id}/resync", operation_id = "resync_organization",
    tag = "operators", params(("id" = String, Path, description = "`org_…`")),
    responses((status = 200, body = Resynced), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn resync_organization(
    app: App,
    who: Operator,
    Path(id): Path<String>,
) -> ApiResult<Json<Resynced>> {
    let organization = existing(&app, &id).await?;
    let entry = audit(&app, &who, "organization.resync", &organization, app.world.now());
    let changed = app.apply.sync_organization(&organization).await?.healed;
    let after = Some(json!({"changed": changed}).to_string());
    app.store.record_audit(AuditEntry { after, ..entry }).await?;
    Ok(Json(Resynced { changed }))
}

/// Gives an organisation a plan for a while, whatever it pays for.
#[utoipa::path(
    post, path = "/api/v1/admin/organizations/{id}/override", operation_id = "override_plan",
    tag = "operators", params(("id" = String, Path, description = "`org_…`")),
    request_body = OverrideBody,
    responses((status = 200, body = Entitlements), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn override_plan(
    app: App,
    who: Operator,
    Path(id): Path<String>,
    Body(body): Body<OverrideBody>,
) -> ApiResult<Json<Entitlements>> {
    let organization = existing(&app, &id).await?;
    let now = app.world.now();
    let plan = PlanId(body.plan);
    if app.catalogue.plan(&plan).is_none() {
        return Err(Problem::field("plan", format!("There is no plan `{plan}`.")));
    }
    let reason = reason_of(&body.reason)?;
    let expires_at = Timestamp::parse_rfc3339(&body.expires_at)
        .map_err(|hint| Problem::field("expires_at", hint))?;
    if expires_at <= now {
        return Err(Problem::field("expires_at", "This has to lie in the future."));
    }
    let entry = AuditEntry {
        after: Some(json!({"plan": plan.as_str(), "expires_at": body.expires_at}).to_string()),
        reason: Some(reason.clone()),
        ..audit(&app, &who, "plan_override.set", &organization, now)
    };
    let given = PlanOverride { plan, reason, expires_at };
    app.store.set_plan_override(&organization, given, who.actor(), now, entry).await?;
    let (row, features) = app.usage.current(&organization).await?;
    Ok(Json(Entitlements::new(row, &features, &app.catalogue)))
}

/// Takes an override back.
#[utoipa::path(
    delete, path = "/api/v1/admin/organizations/{id}/override",
    operation_id = "remove_plan_override", tag = "operators",
    params(("id" = String, Path, description = "`org_…`")),
    responses((status = 204), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn remove_plan_override(
    app: App,
    who: Operator,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let organization = existing(&app, &id).await?;
    let entry = audit(&app, &who, "plan_override.remove", &organization, app.world.now());
    if !app.store.remove_plan_override(&organization, entry).await? {
        return Err(Problem::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}
