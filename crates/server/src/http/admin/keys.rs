//! Product keys: with them the back end of a product calls for any of its organisations.

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::v1::keys::{KeyBody, KeyList, NewKeyView, Wanted};
use crate::http::views::ProblemView;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use store::KeyKind;

/// Makes a product key. Its secret is shown once.
#[utoipa::path(
    post, path = "/api/v1/admin/api-keys", operation_id = "create_product_key", tag = "operators",
    request_body = KeyBody,
    responses((status = 201, body = NewKeyView), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn create_product_key(
    app: App,
    who: Operator,
    Body(body): Body<KeyBody>,
) -> ApiResult<(StatusCode, Json<NewKeyView>)> {
    let Wanted { name, scopes, expires_at } = body.parse(app.world.now())?;
    let new = app.keys.make(KeyKind::Product, &name, scopes, expires_at, who.actor()).await?;
    Ok((StatusCode::CREATED, Json(new.into())))
}

/// Lists the product keys, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/admin/api-keys", operation_id = "list_product_keys", tag = "operators",
    responses((status = 200, body = KeyList), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn list_product_keys(app: App, _who: Operator) -> ApiResult<Json<KeyList>> {
    Ok(Json(app.keys.list(None).await?.into()))
}

/// Ends a product key. It is refused from then on, on every node.
#[utoipa::path(
    delete, path = "/api/v1/admin/api-keys/{id}", operation_id = "revoke_product_key",
    tag = "operators", params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn revoke_product_key(
    app: App,
    who: Operator,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    if !app.keys.revoke(None, &id, who.actor()).await? {
        return Err(Problem::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}
