//! API versions: objects are kept at the newest shape and rendered down for older callers.

use serde_json::{Value, json};

use super::ApiError;
use crate::state::{EventRecord, Fields, Kind, Object, State};

/// The version the simulator speaks by default and keeps its objects at.
pub(crate) const NEWEST: &str = "2026-08-26.dahlia";

/// The generations whose shapes differ in what the simulator shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// Before 2025-03-31: periods on the subscription, `invoice.subscription`, `paid`, `charge`.
    Acacia,
    /// From 2025-03-31 on.
    Basil,
    /// From 2026-03-25 on.
    Dahlia,
}

impl Version {
    /// Reads a version name; any well-formed date is accepted.
    ///
    /// # Errors
    /// 400 for a name that is not a date with an optional release name.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let date = text.split('.').next().unwrap_or_default();
        let well_formed = date.len() == 10
            && date.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !well_formed {
            return Err(ApiError::invalid(format!("Invalid Stripe API version: {text}")));
        }
        Ok(if date < "2025-03-31" {
            Self::Acacia
        } else if date < "2026-03-25" {
            Self::Basil
        } else {
            Self::Dahlia
        })
    }

    fn or_newest(text: Option<&str>) -> Self {
        text.and_then(|text| Self::parse(text).ok()).unwrap_or(Self::Dahlia)
    }
}

/// The event as JSON at a version (`None`: the account's default).
pub(crate) fn render_event(state: &State, event: &EventRecord, api_version: Option<&str>) -> Value {
    let version = Version::or_newest(api_version);
    let mut object = Value::Object((*event.object).clone());
    render(state, version, &mut object);
    let mut data = json!({ "object": object });
    if let Some(previous) = &event.previous_attributes {
        let mut previous = previous.clone();
        if version < Version::Dahlia
            && event.event_type.starts_with("customer.subscription")
            && let Some(changed) = previous.as_object_mut()
        {
            subscription_previous(changed);
        }
        data["previous_attributes"] = previous;
    }
    json!({
        "id": event.id,
        "object": "event",
        "api_version": api_version.unwrap_or(NEWEST),
        "created": event.created,
        "data": data,
        "livemode": event.livemode,
        "pending_webhooks": event.pending_webhooks,
        "request": {"id": event.request_id, "idempotency_key": event.idempotency_key},
        "type": event.event_type,
    })
}

/// Older versions tell a period's change on the subscription itself.
fn subscription_previous(changed: &mut Object) {
    let Some(item) = changed.items("items").first().cloned() else { return };
    for field in ["current_period_start", "current_period_end"] {
        if let Some(value) = item.field(field) {
            changed.insert(field.to_owned(), value.clone());
        }
    }
}

/// Renders an object, and every object inside it, down to `version`.
pub(crate) fn render(state: &State, version: Version, value: &mut Value) {
    if version == Version::Dahlia {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| render(state, version, item)),
        // What an event holds stays as it was rendered for `api_version`, whoever reads it.
        Value::Object(object) if object.text("object") == Some("event") => {}
        Value::Object(object) => {
            object.values_mut().for_each(|field| render(state, version, field));
            match object.text("object") {
                Some("subscription") => subscription(version, object),
                Some("invoice") if version < Version::Basil => invoice(state, object),
                Some("line_item") if version < Version::Basil => line(state, object),
                Some("invoiceitem") if version < Version::Basil => {
                    invoice_item(state, object);
                }
                Some("charge") if version < Version::Basil => {
                    let intent = object.owned("payment_intent");
                    object.insert("invoice".to_owned(), invoice_of(state, intent.as_deref()));
                }
                Some("payment_intent") if version < Version::Basil => {
                    let id = object.owned("id");
                    object.insert("invoice".to_owned(), invoice_of(state, id.as_deref()));
                }
                Some("checkout.session") => checkout_session(object),
                _ => {}
            }
        }
        _ => {}
    }
}

fn invoice_of(state: &State, payment_intent: Option<&str>) -> Value {
    payment_intent
        .and_then(|intent| {
            let found =
                state.objects.list(Kind::InvoicePayment, Some(("payment_intent", intent)), 1);
            found.first().map(|payment| payment.copy("invoice"))
        })
        .unwrap_or(Value::Null)
}

fn subscription(version: Version, object: &mut Object) {
    if version >= Version::Basil {
        return;
    }
    object.remove("billing_mode");
    object.remove("billing_schedules");
    let first = object.items("items").first().cloned().unwrap_or(Value::Null);
    let (start, end) = (first.copy("current_period_start"), first.copy("current_period_end"));
    object.insert("current_period_start".to_owned(), start);
    object.insert("current_period_end".to_owned(), end);
    object.insert("discount".to_owned(), Value::Null);
    if let Some(items) = object.get_mut("items").and_then(|items| items.get_mut("data"))
        && let Some(items) = items.as_array_mut()
    {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.remove("current_period_start");
            item.remove("current_period_end");
        }
    }
}

fn invoice(state: &State, object: &mut Object) {
    let details = object
        .object("parent")
        .and_then(|parent| parent.object("subscription_details"))
        .cloned()
        .unwrap_or_default();
    let id = object.owned("id").unwrap_or_default();
    let payment = state.objects.list(Kind::InvoicePayment, Some(("invoice", &id)), 1);
    let intent = payment
        .first()
        .and_then(|payment| payment.get("payment")?.field("payment_intent").cloned())
        .unwrap_or(Value::Null);
    let charge = intent
        .as_str()
        .and_then(|intent| state.objects.get(intent))
        .map_or(Value::Null, |intent| intent.json.copy("latest_charge"));
    let paid = object.text("status") == Some("paid");
    let fields = [
        ("subscription", details.copy("subscription")),
        ("subscription_details", json!({"metadata": details.copy("metadata")})),
        ("paid", json!(paid)),
        ("paid_out_of_band", json!(false)),
        ("payment_intent", intent),
        ("charge", charge),
        ("discount", Value::Null),
        ("tax", Value::Null),
        ("total_tax_amounts", json!([])),
        ("quote", Value::Null),
        ("application_fee_amount", Value::Null),
        ("transfer_data", Value::Null),
    ];
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    object.remove("parent");
    object.remove("total_taxes");
}

/// Before basil a line carried its whole price, not only the price's id.
fn whole_price(state: &State, id: Value) -> Value {
    let found = id.as_str().and_then(|id| state.objects.get(id));
    found.map_or(id, |entry| Value::Object((*entry.json).clone()))
}

fn line(state: &State, object: &mut Object) {
    let parent = object.object("parent").cloned().unwrap_or_default();
    let from_item = parent.text("type") == Some("invoice_item_details");
    let details = parent
        .object(if from_item { "invoice_item_details" } else { "subscription_item_details" })
        .cloned()
        .unwrap_or_default();
    let pricing = object.object("pricing").cloned().unwrap_or_default();
    let price = pricing.object("price_details").map_or(Value::Null, |p| p.copy("price"));
    let fields = [
        ("price", whole_price(state, price)),
        ("proration", json!(details.flag("proration").unwrap_or(false))),
        ("proration_details", details.copy("proration_details")),
        ("type", json!(if from_item { "invoiceitem" } else { "subscription" })),
        ("subscription", details.copy("subscription")),
        ("subscription_item", details.copy("subscription_item")),
        ("invoice_item", details.copy("invoice_item")),
        ("tax_amounts", json!([])),
        ("tax_rates", json!([])),
        ("unit_amount_excluding_tax", pricing.copy("unit_amount_decimal")),
    ];
    for (name, value) in fields {
        object.insert(name.to_owned(), value);
    }
    object.remove("parent");
    object.remove("pricing");
    object.remove("taxes");
}

fn invoice_item(state: &State, object: &mut Object) {
    let subscription = object
        .object("parent")
        .and_then(|parent| parent.object("subscription_details"))
        .map_or(Value::Null, |details| details.copy("subscription"));
    let price = object
        .object("pricing")
        .and_then(|pricing| pricing.object("price_details"))
        .map_or(Value::Null, |details| details.copy("price"));
    object.insert("subscription".to_owned(), subscription);
    object.insert("price".to_owned(), whole_price(state, price));
    object.remove("parent");
    object.remove("pricing");
}

/// Gives what older callers say its present name.
pub(crate) fn accept(version: Version, route: &str, args: &mut Object) {
    if version == Version::Dahlia || route != "POST /v1/checkout/sessions" {
        return;
    }
    let mode = match args.text("ui_mode") {
        Some("hosted") => "hosted_page",
        Some("embedded") => "embedded_page",
        Some("custom") => "elements",
        _ => return,
    };
    args.insert("ui_mode".to_owned(), json!(mode));
}

fn checkout_session(object: &mut Object) {
    let mode = match object.text("ui_mode") {
        Some("hosted_page") => "hosted",
        Some("embedded_page") => "embedded",
        Some("elements") => "custom",
        _ => return,
    };
    object.insert("ui_mode".to_owned(), json!(mode));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Version names sort into generations; anything that is no date is refused.
    #[test]
    fn names_sort_into_generations() {
        assert_eq!(Version::parse("2024-11-20.acacia").unwrap(), Version::Acacia);
        assert_eq!(Version::parse("2025-03-31.basil").unwrap(), Version::Basil);
        assert_eq!(Version::parse("2026-08-26.dahlia").unwrap(), Version::Dahlia);
        let error = Version::parse("not-a-real-version").unwrap_err();
        assert_eq!(error.message, "Invalid Stripe API version: not-a-real-version");
        assert_eq!(error.code, None);
    }
}
