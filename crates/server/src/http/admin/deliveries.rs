//! Events from Stripe, and what became of them.

use crate::app::App;
use crate::http::auth::Operator;
use crate::http::input::Query;
use crate::http::problem::{ApiResult, Problem};
use crate::http::views::{ProblemView, Time};
use axum::Json;
use axum::extract::Path;
use domain::delivery::Delivery as State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{DeliveryFilter, DeliveryRow, StoreError};
use utoipa::{IntoParams, ToSchema};

const PAGE: u32 = 50;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// Waits for a worker.
    Pending,
    /// A worker is busy with it.
    Claimed,
    /// In the mirror.
    Applied,
    /// Nothing followed from it.
    Ignored,
    /// Failed for good; waits for an operator.
    Parked,
}

impl DeliveryState {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
        }
    }
}

/// Why a delivery was parked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkReason {
    /// A stable code.
    #[schema(example = "unknown_price")]
    code: &'static str,
    /// The fact behind it.
    detail: String,
    /// What an operator can do about it.
    what_to_do: &'static str,
}

/// An event from Stripe, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// `evt_…`.
    id: String,
    /// Stripe's type.
    #[serde(rename = "type")]
    kind: String,
    /// Where it stands.
    state: DeliveryState,
    /// Attempts made so far.
    attempts: u32,
    /// When it came.
    received_at: Time,
    /// When it is tried next.
    #[schema(required)]
    due_at: Option<Time>,
    /// When it was done or parked.
    #[schema(required)]
    finished_at: Option<Time>,
    /// Why it was parked.
    #[schema(required)]
    reason: Option<ParkReason>,
    /// The object it is about.
    #[schema(required)]
    object_id: Option<String>,
    /// Whose object that is, once known.
    #[schema(required)]
    organization_id: Option<String>,
    /// The API version it is written in.
    #[schema(required)]
    api_version: Option<String>,
}

/// A delivery with its payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    delivery: Delivery,
    /// The event as it came, without personal data.
    payload: Value,
}

/// A page of deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// The deliveries.
    data: Vec<Delivery>,
    /// Where the next page starts.
    #[schema(required)]
    next: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// Only this state.
    #[param(inline)]
    state: Option<DeliveryState>,
    /// Only this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        let (state, due, finished, reason) = match row.state {
            State::Pending { due, .. } => (DeliveryState::Pending, Some(due), None, None),
            State::Claimed { .. } => (DeliveryState::Claimed, None, None, None),
            State::Applied { at } => (DeliveryState::Applied, None, Some(at), None),
            State::Ignored { at } => (DeliveryState::Ignored, None, Some(at), None),
            State::Parked { at, reason } => (DeliveryState::Parked, None, Some(at), Some(reason)),
        };
        Self {
            id: row.id,
            kind: row.kind,
            state,
            attempts: row.attempts,
            received_at: row.received_at.into(),
            due_at: due.map(Into::into),
            finished_at: finished.map(Into::into),
            reason: reason.map(|reason| ParkReason {
                code: reason.code(),
                detail: reason.detail().to_owned(),
                what_to_do: reason.what_to_do(),
            }),
            object_id: row.object_id,
            organization_id: row.organization_id,
            api_version: row.api_version,
        }
    }
}

/// Members of Stripe's objects that hold personal data, or secrets that act for a customer.
const PERSONAL: [&str; 18] = [
    "email",
    "customer_email",
    "receipt_email",
    "name",
    "customer_name",
    "phone",
    "customer_phone",
    "address",
    "customer_address",
    "shipping",
    "customer_shipping",
    "billing_details",
    "customer_details",
    "account_name",
    "ip",
    "customer_purchase_ip",
    "client_secret",
    "individual_name",
];

/// Replaces personal data, wherever it stands. What is left is enough to see what happened.
fn redact(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if PERSONAL.contains(&name.as_str()) && !member.is_null() {
                    *member = Value::from("[left out]");
                } else {
                    redact(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Lists deliveries, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/deliveries", operation_id = "list_deliveries", tag = "operators",
    params(DeliveryQuery),
    responses((status = 200, body = DeliveryList), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn list_deliveries(
    app: App,
    _: Operator,
    Query(query): Query<DeliveryQuery>,
) -> ApiResult<Json<DeliveryList>> {
    let filter = DeliveryFilter {
        state: query.state.map(|state| state.name().to_owned()),
        kind: query.kind,
    };
    let page = app.store.deliveries(filter, query.cursor, PAGE).await?;
    let data = page.rows.into_iter().map(Into::into).collect();
    Ok(Json(DeliveryList { data, next: page.next }))
}

/// Shows a delivery with its payload.
#[utoipa::path(
    get, path = "/api/v1/admin/deliveries/{id}", operation_id = "get_delivery",
    tag = "operators", params(("id" = String, Path, description = "`evt_…`")),
    responses((status = 200, body = DeliveryDetail), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn get_delivery(
    app: App,
    _: Operator,
    Path(id): Path<String>,
) -> ApiResult<Json<DeliveryDetail>> {
    let row = app.store.delivery(&id).await?.ok_or_else(Problem::not_found)?;
    let body = app.store.delivery_body(&id).await?.unwrap_or_default();
    let mut payload = serde_json::from_slice(&body).unwrap_or(Value::Null);
    redact(&mut payload);
    Ok(Json(DeliveryDetail { delivery: row.into(), payload }))
}

/// Puts a finished delivery back into the queue.
#[utoipa::path(
    post, path = "/api/v1/admin/deliveries/{id}/replay", operation_id = "replay_delivery",
    tag = "operators", params(("id" = String, Path, description = "`evt_…`")),
    responses((status = 200, body = Delivery), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn replay_delivery(
    app: App,
    who: Operator,
    Path(id): Path<String>,
) -> ApiResult<Json<Delivery>> {
    match app.inbox.replay(&id, who.actor()).await {
        Ok(Some(row)) => Ok(Json(row.into())),
        Ok(None) => Err(Problem::not_found()),
        Err(StoreError::Stale) => Err(Problem::new(
            crate::http::Code::Conflict,
            "This delivery is waiting or in work; it will be done anyway.",
        )),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Shows that personal data is left out at any depth, and that ids and amounts stay.
    #[test]
    fn personal_data_is_left_out() {
        let mut payload = json!({
            "id": "evt_1",
            "data": {"object": {
                "customer": "cus_1",
                "customer_email": "ada@example.com",
                "phone": null,
                "amount": 9900,
                "charges": [{"billing_details": {"name": "Ada"}}],
            }},
        });
        redact(&mut payload);
        assert_eq!(
            payload["data"]["object"],
            json!({
                "customer": "cus_1",
                "customer_email": "[left out]",
                "phone": null,
                "amount": 9900,
                "charges": [{"billing_details": "[left out]"}],
            })
        );
    }
}
