//! The hosted invoice: `GET` and `POST /i/{token}`, `GET /i/{token}/pdf`.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Pages;
use super::cards::{CardFields, FormErrors, test_cards};
use super::checkout::CardQuery;
use super::pdf;
use super::text::{Mark, day, field, first_of, money};
use super::view::{self, values};
use crate::ConfirmOutcome;

/// One line as the page and the PDF show it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    pub(super) description: String,
    pub(super) period: String,
    pub(super) amount: String,
}

/// A labelled amount below the lines.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sum {
    pub(super) label: &'static str,
    pub(super) amount: String,
}

/// An invoice in words, for the page and the PDF.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sheet {
    pub(super) number: String,
    pub(super) merchant: String,
    pub(super) to: String,
    pub(super) to_email: String,
    pub(super) issued: String,
    pub(super) paid_on: Option<String>,
    pub(super) next_attempt: Option<String>,
    pub(super) headline: String,
    pub(super) due: String,
    pub(super) mark: Mark,
    pub(super) lines: Vec<Line>,
    pub(super) sums: Vec<Sum>,
    pub(super) pay: String,
    pub(super) pdf: String,
}

impl Sheet {
    fn of(pages: &Pages, token: &str, invoice: &Value) -> Self {
        let currency = field(invoice, "currency");
        let amount = |name: &str| invoice[name].as_i64().unwrap_or(0);
        let shown = |minor: i64| money(minor, currency);
        let empty = Vec::new();
        let lines = invoice["lines"]["data"].as_array().unwrap_or(&empty);
        let lines = lines
            .iter()
            .map(|line| {
                let start = line["period"]["start"].as_i64().unwrap_or(0);
                let end = line["period"]["end"].as_i64().unwrap_or(0);
                Line {
                    description: field(line, "description").to_owned(),
                    period: match start == end {
                        true => String::new(),
                        false => format!("{} – {}", day(start), day(end)),
                    },
                    amount: shown(line["amount"].as_i64().unwrap_or(0)),
                }
            })
            .collect();
        let total = amount("total");
        let tax: i64 = invoice["total_taxes"]
            .as_array()
            .map_or(0, |taxes| taxes.iter().filter_map(|tax| tax["amount"].as_i64()).sum());
        let mut sums = vec![
            Sum { label: "Subtotal", amount: shown(amount("subtotal")) },
            Sum { label: "Tax", amount: shown(tax) },
            Sum { label: "Total", amount: shown(total) },
        ];
        let applied = amount("amount_due") - total.max(0);
        if applied < 0 {
            sums.push(Sum { label: "Paid from credit", amount: shown(applied) });
        }
        if total < 0 {
            sums.push(Sum { label: "Credited to the balance", amount: shown(-total) });
        }
        sums.push(Sum { label: "Paid", amount: shown(amount("amount_paid")) });
        sums.push(Sum { label: "Amount due", amount: shown(amount("amount_remaining")) });
        let transitions = &invoice["status_transitions"];
        let issued =
            transitions["finalized_at"].as_i64().or(invoice["created"].as_i64()).unwrap_or(0);
        Self {
            number: first_of([field(invoice, "number"), field(invoice, "id")]),
            merchant: first_of([field(invoice, "account_name"), &pages.merchant()]),
            to: first_of([
                field(invoice, "customer_name"),
                field(invoice, "customer_email"),
                field(invoice, "customer"),
            ]),
            to_email: field(invoice, "customer_email").to_owned(),
            issued: day(issued),
            paid_on: transitions["paid_at"].as_i64().map(day),
            next_attempt: invoice["next_payment_attempt"].as_i64().map(day),
            headline: shown(total),
            due: shown(amount("amount_remaining")),
            mark: Mark::of_invoice(invoice),
            lines,
            sums,
            pay: format!("/i/{token}"),
            pdf: format!("/i/{token}/pdf"),
        }
    }
}

fn unknown() -> Response {
    view::message(
        StatusCode::NOT_FOUND,
        "invoice-unknown",
        "There is no such invoice",
        &["The link is mistyped, or the invoice is still a draft."],
        None,
    )
}

fn sheet_page(
    pages: &Pages,
    token: &str,
    card: CardFields,
    notice: Option<&str>,
    errors: &FormErrors,
    status: StatusCode,
) -> Response {
    let Some(invoice) = pages.engine.invoice_by_token(token) else { return unknown() };
    let sheet = Sheet::of(pages, token, &invoice);
    let subscription = invoice["parent"]["subscription_details"]["subscription"].as_str();
    let subscription = subscription.and_then(|id| pages.engine.object(id));
    view::page(
        status,
        "invoice.html",
        values! {
            notice, errors, card,
            merchant => sheet.merchant,
            payable => invoice["status"] == "open",
            saved => pages.card_of(field(&invoice, "customer"), subscription.as_ref()),
            test_cards => test_cards(),
            invoice => sheet,
        },
    )
}

/// Shows the invoice, with a form to pay it while it is open.
pub(super) async fn show(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Query(query): Query<CardQuery>,
) -> Response {
    let errors = pages.note(query.note).map(FormErrors::of).unwrap_or_default();
    let card = query.card.as_deref().map(CardFields::prefilled).unwrap_or_default();
    let notice =
        (query.done.as_deref() == Some("paid")).then_some("Thank you, this invoice is paid.");
    sheet_page(&pages, &token, card, notice, &errors, StatusCode::OK)
}

/// The posted form: which card pays.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PayForm {
    #[serde(rename = "use")]
    which: String,
    #[serde(flatten)]
    card: CardFields,
}

/// Pays the invoice.
pub(super) async fn pay(
    State(pages): State<Pages>,
    Path(token): Path<String>,
    Form(form): Form<PayForm>,
) -> Response {
    let again = |errors: &FormErrors, status| {
        sheet_page(&pages, &token, form.card.clone().without_cvc(), None, errors, status)
    };
    let card = match form.which.as_str() {
        "saved" => None,
        _ => match form.card.parse() {
            Ok(card) => Some(card),
            Err(errors) => return again(&errors, StatusCode::UNPROCESSABLE_ENTITY),
        },
    };
    match pages.engine.invoice_pay(&token, card) {
        Ok(ConfirmOutcome::Completed { .. }) => view::see_other(&format!("/i/{token}?done=paid")),
        Ok(ConfirmOutcome::RequiresAction { challenge_id }) => {
            view::see_other(&format!("/3ds/{challenge_id}?from=/i/{token}"))
        }
        Ok(ConfirmOutcome::Declined { message, code, .. }) => {
            again(&FormErrors::declined(&message, &code), StatusCode::PAYMENT_REQUIRED)
        }
        Err(error) if error.status == 404 => unknown(),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            let code = error.code.unwrap_or_default();
            again(&FormErrors::declined(&error.message, &code), status)
        }
    }
}

/// The invoice as a PDF.
pub(super) async fn pdf(State(pages): State<Pages>, Path(token): Path<String>) -> Response {
    let Some(invoice) = pages.engine.invoice_by_token(&token) else { return unknown() };
    let sheet = Sheet::of(&pages, &token, &invoice);
    let name = format!("inline; filename=\"Invoice-{}.pdf\"", plain(&sheet.number));
    let disposition = HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("inline"));
    (
        StatusCode::OK,
        [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
            (header::CONTENT_DISPOSITION, disposition),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        pdf::invoice(&sheet),
    )
        .into_response()
}

/// A text as part of a file name.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}
