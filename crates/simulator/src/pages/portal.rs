//! The customer portal: its home, the card form and the billing details.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Pages;
use super::cards::{CardFields, FormErrors, test_cards};
use super::checkout::CardQuery;
use super::text::{Mark, day, field, first_of, money, per, short_day};
use super::view::{self, Link, values};
use crate::ConfirmOutcome;

/// One person's visit: the session with everything it refers to.
pub(super) struct Visit {
    pub(super) token: String,
    pub(super) session: Value,
    pub(super) customer: Value,
}

impl Visit {
    pub(super) fn load(pages: &Pages, token: &str) -> Result<Self, Box<Response>> {
        let Some(session) = pages.engine.portal_session(token) else {
            return Err(Box::new(view::message(
                StatusCode::NOT_FOUND,
                "portal-unknown",
                "This link is no longer valid",
                &["Open the billing page of the merchant again to get a new one."],
                None,
            )));
        };
        let customer = session["customer_object"].clone();
        Ok(Self { token: token.to_owned(), session, customer })
    }

    pub(super) fn customer_id(&self) -> &str {
        field(&self.customer, "id")
    }

    pub(super) fn base(&self) -> String {
        format!("/p/session/{}", self.token)
    }

    /// A feature's settings; `null` when it is switched off.
    pub(super) fn feature(&self, name: &str) -> &Value {
        let feature = &self.session["configuration"]["features"][name];
        if feature["enabled"].as_bool() == Some(true) { feature } else { &Value::Null }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.feature(name).is_null()
    }

    /// The task the session was made for, with its type.
    fn flow(&self) -> Option<(&str, &Value)> {
        let flow = &self.session["flow"];
        flow["type"].as_str().map(|kind| (kind, flow))
    }

    /// What every portal page shows around its own part.
    pub(super) fn frame(&self, pages: &Pages, home: bool, errors: &FormErrors) -> Value {
        let back = (!home && self.flow().is_none())
            .then(|| values! { href => self.base(), text => "Billing overview" });
        values! {
            merchant => pages.merchant(),
            who => first_of([
                field(&self.customer, "name"),
                field(&self.customer, "email"),
                self.customer_id(),
            ]),
            return_url => field(&self.session, "return_url"),
            base => self.base(),
            errors,
            back,
        }
    }

    /// The customer's subscription of this id, with all of its fields.
    pub(super) fn subscription(&self, pages: &Pages, id: &str) -> Result<Value, Box<Response>> {
        pages
            .engine
            .customer_subscriptions(self.customer_id())
            .into_iter()
            .find(|subscription| field(subscription, "id") == id)
            .ok_or_else(|| {
                let base = self.base();
                Box::new(view::message(
                    StatusCode::NOT_FOUND,
                    "portal-unknown-plan",
                    "There is no such plan",
                    &["It may have ended in the meantime."],
                    Some(Link { href: &base, text: "Billing overview" }),
                ))
            })
    }
}

/// A feature that the configuration switches off has no page.
pub(super) fn switched_off(visit: &Visit) -> Response {
    let base = visit.base();
    view::message(
        StatusCode::NOT_FOUND,
        "portal-off",
        "This is not offered here",
        &["The merchant has switched this part of the billing page off."],
        Some(Link { href: &base, text: "Billing overview" }),
    )
}

/// Where the browser goes when what it came for is done.
pub(super) fn finished(pages: &Pages, token: &str, done: &str) -> Response {
    let home = format!("/p/session/{token}?done={done}");
    let Ok(visit) = Visit::load(pages, token) else { return view::see_other(&home) };
    let Some((_, flow)) = visit.flow() else { return view::see_other(&home) };
    let after = &flow["after_completion"];
    match field(after, "type") {
        "redirect" => view::see_other(&first_of([field(&after["redirect"], "return_url"), &home])),
        "hosted_confirmation" => {
            let text = first_of([
                field(&after["hosted_confirmation"], "custom_message"),
                done_text(done).unwrap_or("Done."),
            ]);
            let return_url = field(&visit.session, "return_url");
            let link = (!return_url.is_empty())
                .then_some(Link { href: return_url, text: "Return to the merchant" });
            view::message(StatusCode::OK, "portal-done", "Done", &[&text], link)
        }
        _ => view::see_other(&home),
    }
}

fn done_text(done: &str) -> Option<&'static str> {
    Some(match done {
        "card" => "Your card was saved.",
        "details" => "Your billing details were saved.",
        "cancel" => "Your plan was cancelled.",
        "resume" => "Your plan goes on as before.",
        "switch" => "Your plan was changed.",
        _ => return None,
    })
}

/// What may stand in the query of the portal's home.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HomeQuery {
    done: Option<String>,
    note: Option<u64>,
    home: Option<String>,
}

/// A subscription as the pages show it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) amount: String,
    pub(super) per: String,
    pub(super) note: String,
    pub(super) mark: Mark,
    pub(super) scheduled: Option<String>,
    pub(super) problem: Option<String>,
    pub(super) can_cancel: bool,
    pub(super) can_resume: bool,
    pub(super) can_update: bool,
}

impl Plan {
    /// Reads a subscription, with nothing offered.
    pub(super) fn of(pages: &Pages, subscription: &Value) -> Self {
        let item = &subscription["items"]["data"][0];
        let price = &item["price"];
        let quantity = item["quantity"].as_i64().unwrap_or(1);
        let currency = first_of([field(price, "currency"), field(subscription, "currency")]);
        let amount = price["unit_amount"].as_i64().unwrap_or(0) * quantity;
        let mut name = pages.product_name(&price["product"]);
        if quantity > 1 {
            name = format!("{quantity} × {name}");
        }
        Self {
            id: field(subscription, "id").to_owned(),
            name,
            amount: money(amount, &currency),
            per: per(price),
            note: note(subscription),
            mark: Mark::of_subscription(subscription),
            scheduled: scheduled(pages, subscription),
            problem: problem(subscription),
            can_cancel: false,
            can_resume: false,
            can_update: false,
        }
    }
}

pub(super) fn is_live(subscription: &Value) -> bool {
    !matches!(field(subscription, "status"), "canceled" | "incomplete_expired")
}

/// The end of the running period (seconds).
pub(super) fn period_end(subscription: &Value) -> Option<i64> {
    subscription["items"]["data"][0]["current_period_end"].as_i64()
}

fn note(subscription: &Value) -> String {
    if let Some(ended) = subscription["ended_at"].as_i64() {
        return format!("Ended on {}", day(ended));
    }
    if let Some(at) = subscription["cancel_at"].as_i64() {
        return format!("Ends on {}", day(at));
    }
    match (field(subscription, "status"), period_end(subscription)) {
        ("trialing", _) => match subscription["trial_end"].as_i64() {
            Some(end) => format!("Free until {}, then it renews", day(end)),
            None => "Free trial".to_owned(),
        },
        ("incomplete", _) => "Waits for its first payment".to_owned(),
        (_, Some(end)) => format!("Renews on {}", day(end)),
        (_, None) => String::new(),
    }
}

fn problem(subscription: &Value) -> Option<String> {
    matches!(field(subscription, "status"), "past_due" | "unpaid").then(|| {
        "The last payment failed. Update your card or pay the open invoice below.".to_owned()
    })
}

/// What a schedule will change, in words.
fn scheduled(pages: &Pages, subscription: &Value) -> Option<String> {
    let schedule = pages.engine.object(subscription["schedule"].as_str()?)?;
    let running = schedule["current_phase"]["end_date"].as_i64()?;
    let next = schedule["phases"]
        .as_array()?
        .iter()
        .find(|phase| phase["start_date"].as_i64().is_some_and(|start| start >= running))?;
    let price = &next["items"][0]["price"];
    let price = match price {
        Value::String(id) => pages.engine.object(id)?,
        whole => whole.clone(),
    };
    Some(format!("Changes to {} on {}", pages.product_name(&price["product"]), day(running)))
}

#[derive(Serialize)]
struct InvoiceRow {
    number: String,
    date: String,
    amount: String,
    mark: Mark,
    url: String,
    pdf: String,
}

/// The portal's home, or the page the session was made for.
pub(super) async fn home(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Query(query): Query<HomeQuery>,
) -> Response {
    let visit = match Visit::load(&pages, &token) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let arrived = query.done.is_none() && query.home.is_none() && query.note.is_none();
    if arrived && let Some(target) = deep_link(&visit) {
        return view::see_other(&target);
    }
    let errors = pages.note(query.note).map(FormErrors::of).unwrap_or_default();
    let all = pages.engine.customer_subscriptions(visit.customer_id());
    let mut shown: Vec<&Value> = all.iter().filter(|s| is_live(s)).collect();
    if shown.is_empty() {
        shown.extend(all.first());
    }
    let subscriptions: Vec<Plan> =
        shown.iter().map(|subscription| offer(&pages, &visit, subscription)).collect();
    let card = pages.card_of(visit.customer_id(), shown.first().copied());
    let invoices: Vec<InvoiceRow> = pages
        .engine
        .customer_invoices(visit.customer_id())
        .iter()
        .map(|invoice| InvoiceRow {
            number: field(invoice, "number").to_owned(),
            date: short_day(invoice["created"].as_i64().unwrap_or(0)),
            amount: money(invoice["total"].as_i64().unwrap_or(0), field(invoice, "currency")),
            mark: Mark::of_invoice(invoice),
            url: field(invoice, "hosted_invoice_url").to_owned(),
            pdf: field(invoice, "invoice_pdf").to_owned(),
        })
        .collect();
    let balance = visit.customer["balance"].as_i64().unwrap_or(0);
    let currency = field(&visit.customer, "currency");
    view::page(
        StatusCode::OK,
        "portal.html",
        values! {
            notice => query.done.as_deref().and_then(done_text),
            subscriptions, card, invoices,
            show_card => visit.has("payment_method_update"),
            show_details => visit.has("customer_update"),
            show_invoices => visit.has("invoice_history"),
            customer => &visit.customer,
            credit => (balance < 0).then(|| money(-balance, currency)),
            ..visit.frame(&pages, true, &errors)
        },
    )
}

/// Adds what the configuration lets the person do with a subscription.
fn offer(pages: &Pages, visit: &Visit, subscription: &Value) -> Plan {
    let live = is_live(subscription);
    let ending = subscription["cancel_at"].as_i64().is_some();
    let changeable =
        matches!(field(subscription, "status"), "active" | "trialing" | "past_due" | "unpaid");
    Plan {
        can_cancel: live && !ending && visit.has("subscription_cancel"),
        can_resume: live && ending && visit.has("subscription_cancel"),
        can_update: changeable
            && !ending
            && visit.has("subscription_update")
            && !pages.engine.portal_prices(&visit.token).is_empty(),
        ..Plan::of(pages, subscription)
    }
}

fn deep_link(visit: &Visit) -> Option<String> {
    let (kind, flow) = visit.flow()?;
    let base = visit.base();
    let subscription = |group: &str| field(&flow[group], "subscription").to_owned();
    Some(match kind {
        "payment_method_update" => format!("{base}/payment-method"),
        "customer_update" => format!("{base}/details"),
        "subscription_cancel" => {
            format!("{base}/subscriptions/{}/cancel", subscription("subscription_cancel"))
        }
        "subscription_update" => {
            format!("{base}/subscriptions/{}/update", subscription("subscription_update"))
        }
        "subscription_update_confirm" => {
            let group = &flow["subscription_update_confirm"];
            let price = field(&group["items"][0], "price");
            let id = field(group, "subscription");
            format!("{base}/subscriptions/{id}/update/confirm?price={price}")
        }
        _ => return None,
    })
}

fn card_page(
    pages: &Pages,
    visit: &Visit,
    card: CardFields,
    errors: &FormErrors,
    status: StatusCode,
) -> Response {
    view::page(
        status,
        "portal_card.html",
        values! {
            card,
            current => pages.card_of(visit.customer_id(), None),
            action => format!("{}/payment-method", visit.base()),
            test_cards => test_cards(),
            ..visit.frame(pages, false, errors)
        },
    )
}

/// The form for another card.
pub(super) async fn card_form(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Query(query): Query<CardQuery>,
) -> Response {
    let visit = match Visit::load(&pages, &token) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    if !visit.has("payment_method_update") {
        return switched_off(&visit);
    }
    let errors = pages.note(query.note).map(FormErrors::of).unwrap_or_default();
    let card = query.card.as_deref().map(CardFields::prefilled).unwrap_or_default();
    card_page(&pages, &visit, card, &errors, StatusCode::OK)
}

/// Saves another card.
pub(super) async fn save_card(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Form(fields): Form<CardFields>,
) -> Response {
    let visit = match Visit::load(&pages, &token) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    if !visit.has("payment_method_update") {
        return switched_off(&visit);
    }
    let card = match fields.parse() {
        Ok(card) => card,
        Err(errors) => {
            let fields = fields.without_cvc();
            return card_page(&pages, &visit, fields, &errors, StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let (message, code, status) = match pages.engine.portal_update_card(&token, card) {
        Ok(ConfirmOutcome::Completed { .. }) => return finished(&pages, &token, "card"),
        Ok(ConfirmOutcome::RequiresAction { challenge_id }) => {
            let from = format!("{}/payment-method", visit.base());
            return view::see_other(&format!("/3ds/{challenge_id}?from={from}"));
        }
        Ok(ConfirmOutcome::Declined { message, code, .. }) => {
            (message, code, StatusCode::PAYMENT_REQUIRED)
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            (error.message, error.code.unwrap_or_default(), status)
        }
    };
    let errors = FormErrors::declined(&message, &code);
    card_page(&pages, &visit, fields.without_cvc(), &errors, status)
}

/// The posted billing details.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    billing_name: Option<String>,
    billing_email: Option<String>,
}

fn details_page(pages: &Pages, visit: &Visit, errors: &FormErrors, status: StatusCode) -> Response {
    let allowed = &visit.feature("customer_update")["allowed_updates"];
    let may = |what: &str| {
        allowed.as_array().is_none_or(|list| list.iter().any(|allowed| allowed == what))
    };
    view::page(
        status,
        "portal_details.html",
        values! {
            customer => &visit.customer,
            may_name => may("name"),
            may_email => may("email"),
            action => format!("{}/details", visit.base()),
            ..visit.frame(pages, false, errors)
        },
    )
}

/// The form for name and e-mail.
pub(super) async fn details_form(
    State(pages): State<Pages>,
    Path(token): Path<String>,
) -> Response {
    match Visit::load(&pages, &token) {
        Ok(visit) if visit.has("customer_update") => {
            details_page(&pages, &visit, &FormErrors::default(), StatusCode::OK)
        }
        Ok(visit) => switched_off(&visit),
        Err(response) => *response,
    }
}

/// Saves name and e-mail.
pub(super) async fn save_details(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Form(details): Form<Details>,
) -> Response {
    let visit = match Visit::load(&pages, &token) {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    if !visit.has("customer_update") {
        return switched_off(&visit);
    }
    let mut changes = json!({});
    if let Some(name) = details.billing_name {
        changes["name"] = json!(name.trim());
    }
    if let Some(email) = details.billing_email {
        let email = email.trim();
        if !email.contains('@') {
            let errors = FormErrors {
                billing_email: Some("Enter an email, as in jo@example.com.".to_owned()),
                ..FormErrors::default()
            };
            return details_page(&pages, &visit, &errors, StatusCode::UNPROCESSABLE_ENTITY);
        }
        changes["email"] = json!(email);
    }
    match pages.engine.portal_update_customer(&token, changes) {
        Ok(_) => finished(&pages, &token, "details"),
        Err(error) => {
            let errors = FormErrors::of(error.message);
            details_page(&pages, &visit, &errors, StatusCode::BAD_REQUEST)
        }
    }
}
