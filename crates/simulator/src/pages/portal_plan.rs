//! The portal's plan pages: cancel, take the cancellation back, choose and confirm another plan.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pages;
use super::cards::FormErrors;
use super::portal::{Plan, Visit, finished, is_live, period_end, switched_off};
use super::text::{day, field, first_of, money, per};
use super::view::{self, values};

/// Loads the visit and the subscription, with the feature that the page needs.
fn enter(
    pages: &Pages,
    token: &str,
    id: &str,
    feature: &str,
) -> Result<(Visit, Value), Box<Response>> {
    let visit = Visit::load(pages, token)?;
    if !visit.has(feature) {
        return Err(Box::new(switched_off(&visit)));
    }
    let subscription = visit.subscription(pages, id)?;
    if !is_live(&subscription) {
        return Err(Box::new(view::see_other(&format!("{}?home=1", visit.base()))));
    }
    Ok((visit, subscription))
}

#[derive(Serialize)]
struct Reason {
    value: &'static str,
    text: &'static str,
}

const REASONS: &[Reason] = &[
    Reason { value: "too_expensive", text: "It is too expensive" },
    Reason { value: "missing_features", text: "Some features are missing" },
    Reason { value: "switched_service", text: "I found another service" },
    Reason { value: "unused", text: "I do not use it enough" },
    Reason { value: "customer_service", text: "The support was not good enough" },
    Reason { value: "too_complex", text: "It is too difficult to use" },
    Reason { value: "low_quality", text: "The quality was not good enough" },
    Reason { value: "other", text: "Another reason" },
];

fn reasons(visit: &Visit) -> Vec<&'static Reason> {
    let asked = &visit.feature("subscription_cancel")["cancellation_reason"];
    if asked["enabled"].as_bool() != Some(true) {
        return Vec::new();
    }
    let options = asked["options"].as_array();
    REASONS
        .iter()
        .filter(|reason| {
            options.is_none_or(|options| options.iter().any(|option| option == reason.value))
        })
        .collect()
}

fn cancel_page(
    pages: &Pages,
    visit: &Visit,
    subscription: &Value,
    errors: &FormErrors,
    status: StatusCode,
) -> Response {
    let plan = Plan::of(pages, subscription);
    let at_once = field(visit.feature("subscription_cancel"), "mode") == "immediately";
    let consequence = match period_end(subscription) {
        Some(end) if !at_once => format!(
            "It stays usable until {} and is not renewed after that. You can take this back until then.",
            day(end)
        ),
        _ => "It ends at once. This cannot be taken back.".to_owned(),
    };
    view::page(
        status,
        "portal_cancel.html",
        values! {
            consequence,
            action => format!("{}/subscriptions/{}/cancel", visit.base(), plan.id),
            subscription => plan,
            reasons => reasons(visit),
            ..visit.frame(pages, false, errors)
        },
    )
}

/// Asks whether to cancel.
pub(super) async fn cancel_question(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    match enter(&pages, &token, &id, "subscription_cancel") {
        Ok((visit, subscription)) => {
            cancel_page(&pages, &visit, &subscription, &FormErrors::default(), StatusCode::OK)
        }
        Err(response) => *response,
    }
}

/// Why somebody leaves.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CancelForm {
    reason: String,
}

/// Cancels, as the configuration says: at the period's end or at once.
pub(super) async fn cancel(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
    Form(form): Form<CancelForm>,
) -> Response {
    let (visit, subscription) = match enter(&pages, &token, &id, "subscription_cancel") {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let reason = REASONS.iter().map(|reason| reason.value).find(|value| *value == form.reason);
    match pages.engine.portal_cancel(&token, &id, reason) {
        Ok(_) => finished(&pages, &token, "cancel"),
        Err(error) => cancel_page(
            &pages,
            &visit,
            &subscription,
            &FormErrors::of(error.message),
            StatusCode::BAD_REQUEST,
        ),
    }
}

/// Takes a planned cancellation back.
pub(super) async fn resume(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
) -> Response {
    let visit = match enter(&pages, &token, &id, "subscription_cancel") {
        Ok((visit, _)) => visit,
        Err(response) => return *response,
    };
    match pages.engine.portal_resume(&token, &id) {
        Ok(_) => finished(&pages, &token, "resume"),
        Err(error) => {
            let note = pages.leave_note(&error.message);
            view::see_other(&format!("{}?note={note}", visit.base()))
        }
    }
}

#[derive(Debug, Serialize)]
struct Choice {
    id: String,
    name: String,
    description: String,
    amount: String,
    per: String,
    current: bool,
    #[serde(skip)]
    order: (String, i64),
}

fn choices(pages: &Pages, visit: &Visit, subscription: &Value) -> Vec<Choice> {
    let item = &subscription["items"]["data"][0];
    let current = field(&item["price"], "id");
    let currency = field(subscription, "currency");
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let mut list: Vec<Choice> = pages
        .engine
        .portal_prices(&visit.token)
        .iter()
        .filter(|price| currency.is_empty() || field(price, "currency") == currency)
        .map(|price| {
            let unit = price["unit_amount"].as_i64().unwrap_or(0);
            Choice {
                id: field(price, "id").to_owned(),
                name: pages.product_name(&price["product"]),
                description: field(&price["product"], "description").to_owned(),
                amount: money(unit * quantity, field(price, "currency")),
                per: per(price),
                current: field(price, "id") == current,
                order: (field(&price["recurring"], "interval").to_owned(), unit),
            }
        })
        .collect();
    list.sort_by(|one, two| one.order.cmp(&two.order));
    list
}

/// A chosen price.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChoiceQuery {
    price: String,
}

/// Shows the plans to choose from.
pub(super) async fn choose(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
    Query(query): Query<ChoiceQuery>,
) -> Response {
    let (visit, subscription) = match enter(&pages, &token, &id, "subscription_update") {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let prices = choices(&pages, &visit, &subscription);
    view::page(
        StatusCode::OK,
        "portal_update.html",
        values! {
            prices,
            chosen => query.price,
            action => format!("{}/subscriptions/{id}/update/confirm", visit.base()),
            ..visit.frame(&pages, false, &FormErrors::default())
        },
    )
}

/// Shows what the change costs.
pub(super) async fn preview(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
    Query(query): Query<ChoiceQuery>,
) -> Response {
    match enter(&pages, &token, &id, "subscription_update") {
        Ok((visit, subscription)) => {
            let none = FormErrors::default();
            confirm_page(&pages, &visit, &subscription, &query.price, &none, StatusCode::OK)
        }
        Err(response) => *response,
    }
}

fn confirm_page(
    pages: &Pages,
    visit: &Visit,
    subscription: &Value,
    price: &str,
    errors: &FormErrors,
    status: StatusCode,
) -> Response {
    let id = field(subscription, "id");
    let plans = format!("{}/subscriptions/{id}/update", visit.base());
    let chosen = choices(pages, visit, subscription)
        .into_iter()
        .find(|choice| choice.id == price && !choice.current);
    let Some(chosen) = chosen else { return view::see_other(&plans) };
    let preview = match pages.engine.portal_preview_switch(&visit.token, id, price) {
        Ok(preview) => preview,
        Err(error) => {
            let note = pages.leave_note(&error.message);
            return view::see_other(&format!("{}?note={note}", visit.base()));
        }
    };
    let empty = Vec::new();
    let lines: Vec<_> = preview.invoice["lines"]["data"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .map(|line| {
            values! {
                description => field(line, "description"),
                amount => money(line["amount"].as_i64().unwrap_or(0), &preview.currency),
            }
        })
        .collect();
    let credit = preview.credit > 0;
    view::page(
        status,
        "portal_confirm.html",
        values! {
            lines,
            when => "The change takes effect at once.",
            price => chosen,
            due => money(preview.amount_due, &preview.currency),
            credit => credit.then(|| money(preview.credit, &preview.currency)),
            proration_date => preview.proration_date,
            card => (preview.amount_due > 0)
                .then(|| pages.card_of(visit.customer_id(), Some(subscription))),
            action => format!("{plans}/confirm"),
            back_to_plans => format!("{plans}?price={price}"),
            ..visit.frame(pages, false, errors)
        },
    )
}

/// The confirmed change.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SwitchForm {
    price: String,
    proration_date: Option<i64>,
}

/// Changes the plan.
pub(super) async fn switch(
    State(pages): State<Pages>,
    Path((token, id)): Path<(String, String)>,
    Form(form): Form<SwitchForm>,
) -> Response {
    let (visit, subscription) = match enter(&pages, &token, &id, "subscription_update") {
        Ok(found) => found,
        Err(response) => return *response,
    };
    match pages.engine.portal_switch(&token, &id, &form.price, form.proration_date) {
        Ok(_) => finished(&pages, &token, "switch"),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            let message = first_of([&error.message, "The change was refused."]);
            let errors = FormErrors::of(message);
            confirm_page(&pages, &visit, &subscription, &form.price, &errors, status)
        }
    }
}
