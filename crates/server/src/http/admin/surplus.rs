//! Ending a subscription that an organisation pays for beside the one that counts.

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::input::Body;
use crate::http::problem::{ApiResult, Problem};
use crate::http::v1::billing::Subscription;
use crate::http::views::{MoneyView, ProblemView};
use axum::Json;
use axum::extract::Path;
use domain::ids::OrganizationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which subscription, and whether to give its last payment back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SurplusBody {
    /// One of the organisation's `surplus_subscriptions`.
    subscription_id: String,
    /// Whether to refund what was last paid for it.
    refund: bool,
}

/// A surplus subscription that was ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SurplusEnded {
    /// `re_…`; null when none was asked for or nothing was paid.
    refund_id: Option<String>,
    /// How much was given back.
    refunded: Option<MoneyView>,
    /// Where billing stands now.
    subscription: Subscription,
}

/// Ends a surplus subscription at once and, if asked, refunds its last payment; once, however
/// often it is called.
#[utoipa::path(
    post, path = "/api/v1/admin/organizations/{id}/cancel-surplus",
    operation_id = "cancel_surplus_subscription", tag = "operators",
    params(("id" = String, Path, description = "`org_…`")), request_body = SurplusBody,
    responses((status = 200, body = SurplusEnded), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn cancel_surplus_subscription(
    app: App,
    who: Operator,
    Path(id): Path<String>,
    Body(body): Body<SurplusBody>,
) -> ApiResult<Json<SurplusEnded>> {
    let organization = OrganizationId::parse(&id).map_err(|_| Problem::not_found())?;
    let ended = app
        .billing
        .cancel_surplus(&organization, &body.subscription_id, body.refund, who.actor())
        .await?;
    Ok(Json(SurplusEnded {
        refund_id: ended.refund,
        refunded: ended.refunded.map(Into::into),
        subscription: ended.standing.into(),
    }))
}
