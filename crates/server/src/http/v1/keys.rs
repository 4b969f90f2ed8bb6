//! Keys with which an organisation's own programs call: made, listed and ended by its admins. The
//! secret is shown once, in the answer that makes the key.

use crate::app::App;
use crate::http::auth::Admin;
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::views::{ProblemView, Time};
use crate::identity::keys::{NewKey, SCOPES};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{KeyKind, KeyRow};
use utoipa::ToSchema;

const NAME_MAX: usize = 100;

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBody {
    /// What people call it.
    #[schema(example = "worker")]
    name: String,
    /// What it may be used for: `usage`, `entitlements`, `billing`.
    #[schema(example = json!(["usage"]))]
    scopes: Vec<String>,
    /// When it ends by itself, RFC 3339; never when left out.
    #[serde(default)]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What was asked for, after it was looked at.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl KeyBody {
    pub(crate) fn parse(self, now: Timestamp) -> ApiResult<Wanted> {
        let name = self.name.trim().to_owned();
        let has_control = name.chars().any(char::is_control);
        if name.is_empty() || name.chars().count() > NAME_MAX || has_control {
            let hint = format!("This needs 1 to {NAME_MAX} characters.");
            return Err(Problem::field("name", hint));
        }
        let mut scopes = self.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() || scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
            let hint = format!("One or more of: {}.", SCOPES.join(", "));
            return Err(Problem::field("scopes", hint));
        }
        let expires_at = self.expires_at.as_deref().map(Timestamp::parse_rfc3339).transpose();
        let expires_at = expires_at.map_err(|hint| Problem::field("expires_at", hint))?;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Problem::field("expires_at", "This has to lie in the future."));
        }
        Ok(Wanted { name, scopes, expires_at })
    }
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct KeyView {
    /// `key_…`
    id: String,
    /// What people call it.
    name: String,
    /// What it may be used for.
    scopes: Vec<String>,
    /// When it was made.
    created_at: Time,
    /// When it ends by itself.
    #[schema(required)]
    expires_at: Option<Time>,
    /// When somebody ended it.
    #[schema(required)]
    revoked_at: Option<Time>,
    /// The day on which it was last used.
    #[schema(required)]
    last_used_at: Option<Time>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name,
            scopes: row.scopes,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.map(Time::from),
            revoked_at: row.revoked_at.map(Time::from),
            last_used_at: row.last_used_day.map(Time::from),
        }
    }
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewApiKey)]
pub(crate) struct NewKeyView {
    /// The key.
    #[serde(flatten)]
    key: KeyView,
    /// The whole secret. It is shown this once.
    secret: String,
}

impl From<NewKey> for NewKeyView {
    fn from(new: NewKey) -> Self {
        Self { key: new.row.into(), secret: new.text }
    }
}

/// Keys, newest first, ended ones included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
pub(crate) struct KeyList {
    /// The keys.
    data: Vec<KeyView>,
    /// Always null: the list is whole.
    #[schema(required)]
    next: Option<String>,
}

impl From<Vec<KeyRow>> for KeyList {
    fn from(rows: Vec<KeyRow>) -> Self {
        Self { data: rows.into_iter().map(KeyView::from).collect(), next: None }
    }
}

/// Makes a key that acts for the organisation. Its secret is shown once.
#[utoipa::path(
    post, path = "/api/v1/api-keys", operation_id = "create_api_key", tag = "keys",
    request_body = KeyBody,
    responses((status = 201, body = NewKeyView), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn create_api_key(
    app: App,
    Admin(who): Admin,
    Body(body): Body<KeyBody>,
) -> ApiResult<(StatusCode, Json<NewKeyView>)> {
    let Wanted { name, scopes, expires_at } = body.parse(app.world.now())?;
    let kind = KeyKind::Organization(who.organization.id);
    let new = app.keys.make(kind, &name, scopes, expires_at, who.user.id.as_str()).await?;
    Ok((StatusCode::CREATED, Json(new.into())))
}

/// Lists the organisation's keys, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/api-keys", operation_id = "list_api_keys", tag = "keys",
    responses((status = 200, body = KeyList), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn list_api_keys(app: App, Admin(who): Admin) -> ApiResult<Json<KeyList>> {
    Ok(Json(app.keys.list(Some(&who.organization.id)).await?.into()))
}

/// Ends a key. It is refused from then on, on every node.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", operation_id = "revoke_api_key", tag = "keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn revoke_api_key(
    app: App,
    Admin(who): Admin,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let by = who.user.id.as_str();
    if !app.keys.revoke(Some(&who.organization.id), &id, by).await? {
        return Err(Problem::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}
