//! `expand[]`: puts whole objects where ids stand.

use serde_json::{Value, json};

use super::{ApiError, version::Version};
use crate::state::{Fields, Kind, Object, State};

/// Fields that may be expanded even while they are null.
const REFERENCES: &[&str] = &[
    "balance_transaction",
    "charge",
    "configuration",
    "customer",
    "default_payment_method",
    "default_price",
    "default_source",
    "dispute",
    "failure_balance_transaction",
    "invoice",
    "invoice_item",
    "latest_charge",
    "latest_invoice",
    "latest_attempt",
    "mandate",
    "on_behalf_of",
    "payment_intent",
    "payment_link",
    "payment_method",
    "pending_setup_intent",
    "price",
    "product",
    "refund",
    "review",
    "schedule",
    "setup_intent",
    "subscription",
    "tax_code",
    "test_clock",
    "latest_revision",
    "account_tax_ids",
    "discounts",
    "application",
    "released_subscription",
];

/// Applies every path of `expand[]` to an answer.
///
/// # Errors
/// 400 for a property that cannot be expanded, or more than four levels.
pub(crate) fn apply(
    state: &State,
    livemode: bool,
    version: Version,
    value: &mut Value,
    paths: &[Value],
) -> Result<(), ApiError> {
    for path in paths.iter().filter_map(Value::as_str) {
        let parts: Vec<&str> = path.split('.').collect();
        let depth = parts.iter().filter(|part| **part != "data").count();
        if depth > 4 {
            let message =
                format!("You cannot expand more than 4 levels of a property. Property: {path}");
            return Err(ApiError::invalid(message).at("expand"));
        }
        if path == super::search::TOTAL && value.text("object") == Some("search_result") {
            continue;
        }
        let top_is_list = value.text("object") == Some("list");
        if !walk(state, livemode, version, value, &parts)? {
            let mut message = format!("This property cannot be expanded ({path}).");
            if top_is_list && parts.first() != Some(&"data") {
                message.push_str(&format!(" You may want to try expanding 'data.{path}' instead."));
            }
            return Err(ApiError::invalid(message).at("expand[0]"));
        }
    }
    Ok(())
}

/// Whether the path exists; ids on the way become objects.
fn walk(
    state: &State,
    livemode: bool,
    version: Version,
    value: &mut Value,
    parts: &[&str],
) -> Result<bool, ApiError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(true) };
    match value {
        Value::Array(items) => {
            for item in items {
                if !walk(state, livemode, version, item, parts)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Object(object) => {
            if !object.contains_key(*first)
                && let Some(computed) = included(state, version, object, first)
            {
                object.insert((*first).to_owned(), computed);
            }
            let Some(field) = object.get_mut(*first) else { return Ok(false) };
            match field {
                Value::Null => return Ok(REFERENCES.contains(first)),
                Value::String(id) => {
                    if !REFERENCES.contains(first) {
                        return Ok(false);
                    }
                    match state.objects.get(id).filter(|entry| entry.livemode == livemode) {
                        Some(entry) => {
                            let mut whole = Value::Object((*entry.json).clone());
                            super::version::render(state, version, &mut whole);
                            *field = whole;
                        }
                        // A deleted object expands to the little that is known of it.
                        None => match Kind::of_id(id) {
                            Some(kind) => {
                                *field =
                                    json!({"id": id, "object": kind.object(), "deleted": true});
                            }
                            None => return Ok(false),
                        },
                    }
                }
                Value::Array(items) if rest.is_empty() && !items.is_empty() => {
                    return Ok(*first == "data" || REFERENCES.contains(first));
                }
                Value::Object(_) | Value::Array(_) => {}
                _ => return Ok(false),
            }
            walk(state, livemode, version, field, rest)
        }
        Value::Null => Ok(true),
        _ => Ok(false),
    }
}

/// Fields that answers leave out until somebody asks for them.
fn included(state: &State, version: Version, object: &Object, field: &str) -> Option<Value> {
    let id = object.text("id")?;
    let list = |url: String, data: Vec<Value>| json!({"object": "list", "data": data, "has_more": false, "url": url});
    let referring = |kind: Kind, by: &str| -> Vec<Value> {
        let mut found = state.objects.list(kind, Some((by, id)), 10);
        for value in &mut found {
            super::version::render(state, version, value);
        }
        found
    };
    Some(match (object.text("object")?, field) {
        ("checkout.session", "line_items") => {
            let items = state.hidden.get(id)?.items("line_items").to_vec();
            list(format!("/v1/checkout/sessions/{id}/line_items"), items)
        }
        ("invoice", "payments") => list(
            format!("/v1/invoice_payments?invoice={id}"),
            referring(Kind::InvoicePayment, "invoice"),
        ),
        ("invoice", "confirmation_secret") => {
            let payment = state.objects.list(Kind::InvoicePayment, Some(("invoice", id)), 1);
            let intent = payment.first()?.get("payment")?.text("payment_intent")?;
            let secret = state.objects.get(intent)?.json.copy("client_secret");
            json!({"client_secret": secret, "type": "payment_intent"})
        }
        ("charge", "refunds") => {
            list(format!("/v1/charges/{id}/refunds"), referring(Kind::Refund, "charge"))
        }
        ("customer", "subscriptions") => {
            let live = referring(Kind::Subscription, "customer")
                .into_iter()
                .filter(|subscription| subscription["status"] != "canceled")
                .collect();
            list(format!("/v1/customers/{id}/subscriptions"), live)
        }
        ("customer", "sources") => list(format!("/v1/customers/{id}/sources"), Vec::new()),
        ("customer", "tax") => {
            json!({
                "automatic_tax": "unrecognized_location",
                "ip_address": null,
                "location": null,
                "provider": "stripe",
            })
        }
        ("customer", "tax_ids") => list(format!("/v1/customers/{id}/tax_ids"), Vec::new()),
        _ => return None,
    })
}
