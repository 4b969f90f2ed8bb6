//! The organisation one is signed in to.

use crate::app::App;
use crate::http::auth::{Admin, Caller};
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::views::{ProblemView, Time};
use axum::Json;
use domain::ids::AuditId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AuditEntry, OrganizationRow};
use utoipa::ToSchema;

const NAME_MAX: usize = 120;

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationProfile {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// When it was made.
    created_at: Time,
}

/// What to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationPatch {
    /// Its new name.
    name: String,
}

impl From<OrganizationRow> for OrganizationProfile {
    fn from(row: OrganizationRow) -> Self {
        Self { id: row.id.to_string(), name: row.name, created_at: row.created_at.into() }
    }
}

/// Shows the organisation.
#[utoipa::path(
    get, path = "/api/v1/organization", operation_id = "get_organization", tag = "organization",
    responses((status = 200, body = OrganizationProfile), (status = 401, body = ProblemView))
)]
pub(crate) async fn get_organization(Caller(who): Caller) -> Json<OrganizationProfile> {
    Json(who.organization.into())
}

/// Renames the organisation.
#[utoipa::path(
    patch, path = "/api/v1/organization", operation_id = "update_organization",
    tag = "organization", request_body = OrganizationPatch,
    responses(
        (status = 200, body = OrganizationProfile),
        (status = 400, body = ProblemView),
        (status = 403, body = ProblemView),
    )
)]
pub(crate) async fn update_organization(
    app: App,
    Admin(who): Admin,
    Body(body): Body<OrganizationPatch>,
) -> ApiResult<Json<OrganizationProfile>> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(char::is_control) {
        let hint = format!("This needs 1 to {NAME_MAX} characters on one line.");
        return Err(Problem::field("name", hint));
    }
    let now = app.world.now();
    let audit = AuditEntry {
        id: AuditId::new(now, &*app.world.entropy),
        at: now,
        actor: who.user.id.to_string(),
        action: "organization.rename".to_owned(),
        target: who.organization.id.to_string(),
        organization: Some(who.organization.id.to_string()),
        before: Some(json!({"name": who.organization.name}).to_string()),
        after: Some(json!({"name": name}).to_string()),
        reason: None,
    };
    let row = app.store.rename_organization(&who.organization.id, name, audit).await?;
    Ok(Json(row.ok_or_else(Problem::not_found)?.into()))
}
