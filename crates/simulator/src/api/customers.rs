//! `/v1/customers`.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows::{cards, ledger_of_customer, subscriptions};
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Object, Tx};

/// Keys that are taken over as given.
const PLAIN: &[&str] = &["description", "email", "name", "phone"];

fn address(given: &Object) -> Value {
    json!({
        "city": given.copy("city"),
        "country": given.copy("country"),
        "line1": given.copy("line1"),
        "line2": given.copy("line2"),
        "postal_code": given.copy("postal_code"),
        "state": given.copy("state"),
    })
}

fn text_or_null(value: &Value) -> Value {
    if value.as_str() == Some("") { Value::Null } else { value.clone() }
}

fn check_email(args: &Object) -> Result<(), ApiError> {
    match args.text("email") {
        Some(email) if !email.is_empty() && !email.contains('@') => {
            Err(ApiError::invalid(format!("Invalid email address: {email}"))
                .code("email_invalid")
                .at("email"))
        }
        _ => Ok(()),
    }
}

/// Makes a customer; the test clock has been checked.
pub(crate) fn create_customer(tx: &mut Tx<'_>, args: &Object, clock: Option<&str>) -> String {
    let id = tx.new_id(Kind::Customer);
    let prefix = tx.state.ids.token(8).to_uppercase();
    let created =
        clock.and_then(|clock| tx.state.clocks.get(clock)).map_or(tx.now, |clock| clock.now);
    let settings = args.object("invoice_settings").cloned().unwrap_or_default();
    let plain = |key: &str| args.get(key).map_or(Value::Null, text_or_null);
    let json = json!({
        "id": id,
        "object": "customer",
        "address": args.object("address").map(address),
        "balance": args.amount("balance"),
        "created": created,
        "currency": null,
        "customer_account": null,
        "default_source": null,
        "delinquent": false,
        "description": plain("description"),
        "discount": null,
        "email": plain("email"),
        "invoice_prefix": args.text("invoice_prefix").map_or(prefix, str::to_owned),
        "invoice_settings": {
            "custom_fields": settings.copy("custom_fields"),
            "default_payment_method": null,
            "footer": settings.copy("footer"),
            "rendering_options": settings.copy("rendering_options"),
        },
        "livemode": tx.livemode,
        "metadata": cards::metadata(args),
        "name": plain("name"),
        "next_invoice_sequence": args.int("next_invoice_sequence").unwrap_or(1),
        "phone": plain("phone"),
        "preferred_locales": args.items("preferred_locales"),
        "shipping": shipping(args),
        "tax_exempt": args.text("tax_exempt").unwrap_or("none"),
        "test_clock": clock,
    });
    tx.insert(Kind::Customer, json);
    tx.emit("customer.created", &id);
    id
}

fn shipping(args: &Object) -> Value {
    match args.object("shipping") {
        None => Value::Null,
        Some(shipping) => json!({
            "address": shipping.object("address").map(address),
            "name": shipping.copy("name"),
            "phone": shipping.copy("phone"),
        }),
    }
}

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    check_email(args)?;
    let clock = args.owned("test_clock");
    if let Some(clock) = &clock {
        tx.named(Kind::TestClock, clock, "test_clock")?;
        let held = tx.ids_by(Kind::Customer, "test_clock", clock).len();
        if tx.state.policy.clock_customers.is_some_and(|most| held >= most) {
            return Err(ApiError::invalid(format!(
                "Test clock {clock} already has the maximum number of customers."
            ))
            .at("test_clock"));
        }
    }
    // The card is tried before the customer exists, so that a refusal leaves no customer behind.
    let method = match args.text("payment_method") {
        Some(given) => Some(cards::resolve(tx, given, "payment_method")?),
        None => None,
    };
    let settings = args.object("invoice_settings").cloned().unwrap_or_default();
    let default = settings.owned("default_payment_method");
    if let Some(refused) = method
        .as_ref()
        .and_then(|method| tx.state.cards.get(method))
        .map(crate::state::Card::attach)
        && let crate::state::Verdict::Declined(decline) = refused
    {
        return Err(decline.error());
    }
    let id = create_customer(tx, args, clock.as_deref());
    if let Some(method) = &method {
        cards::attach(tx, method, &id, "payment_method")?;
    }
    if let Some(default) = default {
        // `pm_card_visa` given twice means one card.
        let chosen = match &method {
            Some(method) if args.text("payment_method") == Some(default.as_str()) => method.clone(),
            _ => cards::attach(tx, &default, &id, "invoice_settings[default_payment_method]")?,
        };
        cards::set_default(tx, &id, Some(&chosen));
    }
    Ok(tx.json(&id))
}

fn deleted(id: &str) -> Value {
    json!({"id": id, "object": "customer", "deleted": true})
}

fn was_deleted(tx: &Tx<'_>, id: &str) -> bool {
    tx.state.hidden.get(id).is_some_and(|hidden| hidden.flag("deleted") == Some(true))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    if was_deleted(tx, call.id()) {
        return Ok(deleted(call.id()));
    }
    tx.at_path(Kind::Customer, call.id())?;
    Ok(tx.json(call.id()))
}

/// Applies the parameters of an update.
///
/// # Errors
/// 400 for parameters, 402 for a refused card.
pub(crate) fn update_customer(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<(), ApiError> {
    check_email(args)?;
    let settings = args.object("invoice_settings").cloned();
    let default =
        match settings.as_ref().and_then(|settings| settings.get("default_payment_method")) {
            Some(Value::String(given)) if !given.is_empty() => {
                let param = "invoice_settings[default_payment_method]";
                let method = cards::resolve(tx, given, param)?;
                if tx.read(&method).text("customer") != Some(id) && !given.starts_with("pm_card_") {
                    return Err(ApiError::invalid(format!(
                    "The customer does not have a payment method with the ID {given}. The payment \
                     method must be attached to the customer."
                ))
                .code("resource_missing")
                .at(param));
                }
                Some(Some(cards::attach(tx, &method, id, param)?))
            }
            Some(_) => Some(None),
            None => None,
        };
    let balance = args.int("balance").filter(|balance| *balance != tx.read(id).amount("balance"));
    let changed = tx.edit(id, |customer| {
        for key in PLAIN {
            if let Some(value) = args.get(*key) {
                customer.insert((*key).to_owned(), text_or_null(value));
            }
        }
        for key in ["invoice_prefix", "next_invoice_sequence", "preferred_locales", "tax_exempt"] {
            if let Some(value) = args.field(key) {
                customer.insert(key.to_owned(), value.clone());
            }
        }
        if args.contains_key("address") {
            let address = args.object("address").map(address);
            customer.insert("address".to_owned(), json!(address));
        }
        if args.contains_key("shipping") {
            customer.insert("shipping".to_owned(), shipping(args));
        }
        if let Some(kept) = customer.get_mut("invoice_settings").and_then(Value::as_object_mut) {
            if let Some(default) = default {
                kept.insert("default_payment_method".to_owned(), json!(default));
            }
            for key in ["footer", "custom_fields", "rendering_options"] {
                if let Some(value) = settings.as_ref().and_then(|settings| settings.get(key)) {
                    kept.insert(key.to_owned(), value.clone());
                }
            }
        }
        cards::merge_metadata(customer, args);
    });
    tx.emit_if_changed("customer.updated", id, changed);
    if let Some(balance) = balance {
        let customer = tx.json(id);
        let currency = customer.text("currency").unwrap_or("usd").to_owned();
        let change = balance - customer.amount("balance");
        ledger_of_customer::write(tx, id, change, &currency, "adjustment", None);
    }
    Ok(())
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    update_customer(tx, call.id(), call.args)?;
    Ok(tx.json(call.id()))
}

/// Deletes a customer: its subscriptions end, its cards are gone.
pub(crate) fn delete_customer(tx: &mut Tx<'_>, id: &str) {
    for subscription in tx.ids_by(Kind::Subscription, "customer", id) {
        let status = tx.read(&subscription).owned("status").unwrap_or_default();
        if !matches!(status.as_str(), "canceled" | "incomplete_expired") {
            subscriptions::end(tx, &subscription, "cancellation_requested", None);
        }
    }
    for method in tx.ids_by(Kind::PaymentMethod, "customer", id) {
        tx.state.cards.remove(&method);
        tx.state.objects.remove(&method);
    }
    tx.emit("customer.deleted", id);
    tx.state.objects.remove(id);
    crate::flows::payments::hide(tx, id, "deleted", json!(true));
}

pub(crate) fn delete(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    delete_customer(tx, call.id());
    Ok(deleted(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let clock = call.args.owned("test_clock");
    // Without the filter, customers of test clocks are left out, as at Stripe.
    lists::page(tx, Kind::Customer, call.args, &["test_clock", "email"], |customer| {
        clock.is_some() || customer.text("test_clock").is_none()
    })
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Customer, call.args)
}

pub(crate) fn payment_methods(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    let mut args = call.args.clone();
    args.insert("customer".to_owned(), json!(call.id()));
    let url = format!("/v1/customers/{}/payment_methods", call.id());
    lists::page_at(tx, Kind::PaymentMethod, &args, &["customer", "type"], |_| true, &url)
}

pub(crate) fn payment_method(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    let id = call.ids.get(1).map_or("", String::as_str);
    let method = tx.at_path(Kind::PaymentMethod, id)?;
    if method.text("customer") != Some(call.id()) {
        return Err(ApiError::no_such(Kind::PaymentMethod.noun(), id));
    }
    Ok(tx.json(id))
}

pub(crate) fn balance_transactions(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    let mut args = call.args.clone();
    args.insert("customer".to_owned(), json!(call.id()));
    let url = format!("/v1/customers/{}/balance_transactions", call.id());
    let by = ["customer", "invoice"];
    lists::page_at(tx, Kind::CustomerBalanceTransaction, &args, &by, |_| true, &url)
}

pub(crate) fn adjust_balance(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Customer, call.id())?;
    let (amount, currency) =
        (call.args.amount("amount"), call.args.text("currency").unwrap_or("usd"));
    let id = ledger_of_customer::write(tx, call.id(), amount, currency, "adjustment", None);
    tx.edit(&id, |row| {
        row.insert("description".to_owned(), call.args.copy("description"));
        cards::merge_metadata(row, call.args);
    });
    Ok(tx.json(&id))
}
