//! The checkout page: `GET` and `POST /c/pay/{cs_…}`.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pages;
use super::cards::{CardFields, FormErrors, test_cards};
use super::text::{field, first_of, money, per};
use super::view::{self, Link, values};
use crate::ConfirmOutcome;

/// What may stand in the query of a page with a card form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CardQuery {
    /// A test card to fill in.
    pub(super) card: Option<String>,
    /// A message left before a redirect.
    pub(super) note: Option<u64>,
    /// What was just done.
    pub(super) done: Option<String>,
}

/// The posted form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CheckoutForm {
    email: String,
    #[serde(flatten)]
    card: CardFields,
}

#[derive(Clone, Serialize)]
struct Line {
    name: String,
    detail: String,
    amount: String,
}

/// Shows the page, or says why it is closed.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(query): Query<CardQuery>,
) -> Response {
    let Some(session) = pages.engine.checkout_session(&id) else { return unknown() };
    let errors = pages.note(query.note).map(FormErrors::of).unwrap_or_default();
    let card = query.card.as_deref().map(CardFields::prefilled).unwrap_or_default();
    open_or_closed(&pages, &session, &known_email(&session), card, errors, StatusCode::OK)
}

/// Pays.
pub(super) async fn pay(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Form(form): Form<CheckoutForm>,
) -> Response {
    let Some(session) = pages.engine.checkout_session(&id) else { return unknown() };
    if session["status"] == "complete" {
        // A double click: the first one has paid, the second only goes on.
        return done(&pages, &session, None).await;
    }
    let fixed = known_email(&session);
    let email = if fixed.is_empty() { form.email.trim().to_owned() } else { fixed };
    let mut parsed = form.card.parse();
    if !plausible_email(&email) {
        let mut errors = parsed.err().unwrap_or_default();
        errors.email = Some("Enter your email, as in jo@example.com.".to_owned());
        parsed = Err(errors);
    }
    let again = |errors: FormErrors, status| {
        let card = form.card.clone().without_cvc();
        let session = pages.engine.checkout_session(&id).unwrap_or_else(|| session.clone());
        open_or_closed(&pages, &session, &email, card, errors, status)
    };
    let card = match parsed {
        Ok(card) => card,
        Err(errors) => return again(*errors, StatusCode::UNPROCESSABLE_ENTITY),
    };
    match pages.engine.checkout_confirm(&id, card, Some(&email)) {
        Ok(ConfirmOutcome::Completed { redirect_url }) => {
            done(&pages, &session, Some(&redirect_url)).await
        }
        Ok(ConfirmOutcome::RequiresAction { challenge_id }) => {
            view::see_other(&format!("/3ds/{challenge_id}?from=/c/pay/{id}"))
        }
        Ok(ConfirmOutcome::Declined { message, code, .. }) => {
            again(FormErrors::declined(&message, &code), StatusCode::PAYMENT_REQUIRED)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            let code = error.code.unwrap_or_default();
            again(FormErrors::declined(&error.message, &code), status)
        }
    }
}

/// Waits for the merchant to acknowledge, as Stripe does, and sends the browser on.
pub(super) async fn done(pages: &Pages, session: &Value, redirect_url: Option<&str>) -> Response {
    let id = field(session, "id");
    let event = pages.engine.recent_events(100).into_iter().find(|event| {
        event.event_type == "checkout.session.completed"
            && event.object.get("id").and_then(Value::as_str) == Some(id)
    });
    if let Some(event) = event {
        pages.deliverer.wait_for_first_attempts(&event.id).await;
    }
    let target = first_of([redirect_url.unwrap_or_default(), &success_url(session)]);
    if target.is_empty() { closed(pages, session) } else { view::see_other(&target) }
}

/// `success_url` with the session's id filled in.
fn success_url(session: &Value) -> String {
    field(session, "success_url").replace("{CHECKOUT_SESSION_ID}", field(session, "id"))
}

fn known_email(session: &Value) -> String {
    first_of([
        field(&session["customer_object"], "email"),
        field(session, "customer_email"),
        field(&session["customer_details"], "email"),
    ])
}

/// Enough of a check to catch a slip; the address is not used for anything here.
fn plausible_email(email: &str) -> bool {
    email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)
    })
}

fn unknown() -> Response {
    view::message(
        StatusCode::NOT_FOUND,
        "checkout-unknown",
        "There is no such checkout page",
        &["The link is mistyped, or the simulator was started anew since it was made."],
        None,
    )
}

/// The honest page of a session that is no longer open.
fn closed(pages: &Pages, session: &Value) -> Response {
    let merchant = pages.merchant();
    let back = format!("Return to {merchant}");
    if session["status"] == "complete" {
        let next = success_url(session);
        let link = (!next.is_empty()).then_some(Link { href: &next, text: &back });
        return view::message(
            StatusCode::OK,
            "checkout-complete",
            "This checkout is already complete",
            &["Nothing more is charged here. The confirmation is with the merchant."],
            link,
        );
    }
    let cancel = field(session, "cancel_url");
    let link = (!cancel.is_empty()).then_some(Link { href: cancel, text: &back });
    view::message(
        StatusCode::GONE,
        "checkout-expired",
        "This checkout page has expired",
        &["Nothing was charged. Go back to the merchant to start again."],
        link,
    )
}

fn open_or_closed(
    pages: &Pages,
    session: &Value,
    email: &str,
    card: CardFields,
    errors: FormErrors,
    status: StatusCode,
) -> Response {
    if session["status"] != "open" {
        return closed(pages, session);
    }
    let merchant = pages.merchant();
    let mode = field(session, "mode");
    let currency = field(session, "currency");
    let total = session["amount_total"].as_i64().unwrap_or(0);
    let items = session["line_items"]["data"].as_array().cloned().unwrap_or_default();
    let trial_days = session["subscription_data"]["trial_period_days"].as_i64();
    let lines: Vec<Line> = items.iter().map(|item| line(pages, item, currency)).collect();
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let recurring = items.iter().find(|item| item["price"]["recurring"].is_object());
    let interval = recurring.map(|item| per(&item["price"])).unwrap_or_default();
    let each_period: i64 = items
        .iter()
        .filter(|item| item["price"]["recurring"].is_object())
        .map(|item| {
            item["price"]["unit_amount"].as_i64().unwrap_or(0)
                * item["quantity"].as_i64().unwrap_or(1)
        })
        .sum();
    let regular = money(each_period, currency);
    let free_start = mode == "subscription" && total == 0 && each_period > 0;
    let lines: Vec<Line> = lines
        .iter()
        .zip(&items)
        .map(|(line, item)| match (free_start, trial_days) {
            // What recurs costs nothing today.
            (true, Some(days)) if item["price"]["recurring"].is_object() => {
                Line { amount: format!("{days} days free"), ..line.clone() }
            }
            _ => line.clone(),
        })
        .collect();
    let heading = match mode {
        "subscription" => format!("Subscribe to {}", names.join(", ")),
        "setup" => "Save a card".to_owned(),
        _ => format!("Pay {merchant}"),
    };
    let headline = match mode {
        "setup" => None,
        "subscription" => Some(values! {
            amount => regular,
            per => interval,
            note => free_start.then(|| match trial_days {
                Some(days) => format!("{days} days free, then charged"),
                None => "Nothing due today".to_owned(),
            }),
        }),
        _ => Some(values! { amount => money(total, currency) }),
    };
    let button = match mode {
        "setup" => "Save card".to_owned(),
        "subscription" if free_start => "Start trial".to_owned(),
        "subscription" => "Subscribe".to_owned(),
        _ => format!("Pay {}", money(total, currency)),
    };
    let terms = (mode == "subscription").then(|| {
        format!("By going on you allow {merchant} to charge this card {regular} {interval} until you cancel.")
    });
    let renews =
        (mode == "subscription").then(|| format!("Then {regular} {interval}, until cancelled."));
    view::page(
        status,
        "checkout.html",
        values! {
            merchant, heading, headline, mode, lines, renews, button, terms, email, card, errors,
            total => money(total, currency),
            cancel_url => field(session, "cancel_url"),
            action => format!("/c/pay/{}", field(session, "id")),
            email_fixed => !known_email(session).is_empty(),
            card_needed => true,
            test_cards => test_cards(),
        },
    )
}

fn line(pages: &Pages, item: &Value, currency: &str) -> Line {
    let price = &item["price"];
    let quantity = item["quantity"].as_i64().unwrap_or(1);
    let name = first_of([&pages.product_name(&price["product"]), field(item, "description")]);
    let unit = money(price["unit_amount"].as_i64().unwrap_or(0), currency);
    let interval = per(price);
    let each = format!("{unit} {interval}");
    let detail = match quantity {
        1 if interval.is_empty() => String::new(),
        1 => each,
        _ => format!("{quantity} × {}", each.trim()),
    };
    let amount = item["amount_total"].as_i64().unwrap_or(0);
    Line { name, detail, amount: money(amount, currency) }
}
