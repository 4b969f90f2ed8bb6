//! Routes under the names that earlier integrations of this kind use.

use super::auth::Admin;
use super::input::{Body, OptionalBody};
use super::problem::{ApiResult, Problem};
use super::v1::billing::start;
use super::views::ProblemView;
use crate::app::App;
use crate::billing::{CheckoutRequest, Choice};
use axum::Json;
use domain::catalogue::{Interval, PlanId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to buy.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CreateCheckoutBody {
    /// The plan's id.
    tier: String,
    /// `monthly` or `yearly`.
    #[serde(default = "monthly")]
    billing_cycle: String,
    /// Where to return after paying.
    success_url: Option<String>,
    /// Where to return on turning back.
    cancel_url: Option<String>,
}

fn monthly() -> String {
    Interval::Monthly.name().to_owned()
}

/// Where to return from the portal.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct CreatePortalBody {
    /// Our billing page when left out.
    return_url: Option<String>,
}

/// An address at Stripe.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Address {
    /// Where to send the browser.
    url: String,
}

/// Opens a checkout.
#[utoipa::path(
    post, path = "/api/subscription/create-checkout-session",
    operation_id = "create_checkout_session", tag = "aliases",
    request_body = CreateCheckoutBody,
    responses((status = 200, body = Address), (status = "4XX", body = ProblemView))
)]
pub(super) async fn create_checkout_session(
    app: App,
    who: Admin,
    Body(body): Body<CreateCheckoutBody>,
) -> ApiResult<Json<Address>> {
    let interval = Interval::from_name(&body.billing_cycle)
        .ok_or_else(|| Problem::field("billing_cycle", "This is monthly or yearly."))?;
    let request = CheckoutRequest {
        choice: Choice { plan: PlanId(body.tier), interval },
        success_url: body.success_url,
        cancel_url: body.cancel_url,
    };
    let open = start(&app, &who, request).await?;
    Ok(Json(Address { url: open.url }))
}

/// Opens the customer portal.
#[utoipa::path(
    post, path = "/api/subscription/create-portal-session",
    operation_id = "create_portal_session", tag = "aliases",
    request_body = CreatePortalBody,
    responses((status = 200, body = Address), (status = "4XX", body = ProblemView))
)]
pub(super) async fn create_portal_session(
    app: App,
    Admin(who): Admin,
    OptionalBody(body): OptionalBody<CreatePortalBody>,
) -> ApiResult<Json<Address>> {
    let url = app.billing.portal(&who.organization.id, body.return_url.as_deref()).await?;
    Ok(Json(Address { url }))
}
