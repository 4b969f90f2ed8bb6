//! Payment methods: making, attaching, detaching and setting them up.

use serde_json::{Value, json};

use crate::protocol::ApiError;
use crate::state::{Card, CardInput, Diff, Fields, Kind, Object, Tx, Verdict};

/// The empty billing details of a new card.
pub(crate) fn billing_details(given: Option<&Object>) -> Value {
    let empty = Object::new();
    let given = given.unwrap_or(&empty);
    let address = given.object("address").cloned().unwrap_or_default();
    json!({
        "address": {
            "city": address.copy("city"),
            "country": address.copy("country"),
            "line1": address.copy("line1"),
            "line2": address.copy("line2"),
            "postal_code": address.copy("postal_code"),
            "state": address.copy("state"),
        },
        "email": given.copy("email"),
        "name": given.copy("name"),
        "phone": given.copy("phone"),
        "tax_id": given.copy("tax_id"),
    })
}

/// The billing details that a typed card brings along.
pub(crate) fn details_of(input: &CardInput, email: Option<&str>) -> Object {
    let details = json!({
        "address": {"country": input.country, "postal_code": input.postal_code},
        "email": email,
        "name": input.name,
    });
    details.as_object().cloned().unwrap_or_default()
}

/// Makes a payment method of a card, attached to nobody.
pub(crate) fn create(tx: &mut Tx<'_>, card: Card, billing: Value, metadata: Value) -> String {
    let id = tx.state.ids.id("pm_1").replacen("pm_1_", "pm_1", 1);
    let metadata = if metadata.is_null() { json!({}) } else { metadata };
    let json = json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": null,
                "address_postal_code_check": null,
                "cvc_check": if card.set_up { "pass" } else { "unchecked" },
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "generated_from": null,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": null},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": true},
            "wallet": null,
        },
        "created": tx.now,
        "customer": null,
        "customer_account": null,
        "livemode": tx.livemode,
        "metadata": metadata,
        "type": "card",
    });
    tx.insert(Kind::PaymentMethod, json);
    tx.state.cards.insert(id.clone(), card);
    id
}

/// Turns what a parameter says into a payment method's id: an existing one, or a new one for a
/// test token such as `pm_card_visa`.
///
/// # Errors
/// 400 `resource_missing`, or that it has been detached and is of no use any more.
pub(crate) fn resolve(tx: &mut Tx<'_>, given: &str, param: &str) -> Result<String, ApiError> {
    if tx.find(Kind::PaymentMethod, given).is_some() {
        let hidden = tx.state.hidden.get(given);
        if hidden.is_some_and(|hidden| hidden.flag("detached") == Some(true)) {
            return Err(ApiError::invalid(
                "This PaymentMethod was previously used without being attached to a Customer or \
                 was detached from a Customer, and may not be used again. To use a PaymentMethod \
                 multiple times, you must attach it to a Customer first.",
            )
            .at(param));
        }
        return Ok(given.to_owned());
    }
    if !tx.livemode
        && let Some(card) = Card::by_token(given, tx.now)
    {
        return Ok(create(tx, card, billing_details(None), Value::Null));
    }
    Err(ApiError::missing(Kind::PaymentMethod.noun(), given, param))
}

/// Attaches a payment method to a customer; a test token makes a new one. Says its id.
///
/// # Errors
/// 402 when the bank refuses, 400 when it belongs to another customer.
pub(crate) fn attach(
    tx: &mut Tx<'_>,
    given: &str,
    customer: &str,
    param: &str,
) -> Result<String, ApiError> {
    let id = resolve(tx, given, param)?;
    if attached_to(tx, &id, customer)? {
        return Ok(id);
    }
    if let Some(Verdict::Declined(decline)) = tx.state.cards.get(&id).map(Card::attach) {
        return Err(decline.error());
    }
    let at = tx.time_of(customer);
    tx.edit(&id, |method| {
        method.insert("customer".to_owned(), json!(customer));
        if method.amount("created") < at {
            method.insert("created".to_owned(), json!(at));
        }
    });
    tx.emit("payment_method.attached", &id);
    Ok(id)
}

/// Whether the customer already has it.
///
/// # Errors
/// 400 when another customer has it.
fn attached_to(tx: &Tx<'_>, id: &str, customer: &str) -> Result<bool, ApiError> {
    match tx.read(id).text("customer") {
        None => Ok(false),
        Some(owner) if owner == customer => Ok(true),
        Some(_) => Err(ApiError::invalid(
            "The payment method you provided has already been attached to a customer.",
        )
        .code("payment_method_unexpected_state")),
    }
}

/// Detaches a payment method and clears every default that names it.
///
/// # Errors
/// 400 when it is attached to nobody.
pub(crate) fn detach(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let Some(customer) = tx.read(id).owned("customer") else {
        return Err(ApiError::invalid(
            "The payment method you provided is not attached to a customer so detachment is \
             impossible.",
        )
        .code("payment_method_unexpected_state"));
    };
    let changed = tx.set(id, "customer", Value::Null);
    super::payments::hide(tx, id, "detached", json!(true));
    tx.emit_changed("payment_method.detached", id, changed);
    let settings = tx.read(&customer).copy("invoice_settings");
    if settings.text("default_payment_method") == Some(id) {
        let changed = set_default(tx, &customer, None);
        tx.emit_if_changed("customer.updated", &customer, changed);
    }
    for subscription in tx.ids_by(Kind::Subscription, "customer", &customer) {
        if tx.read(&subscription).text("default_payment_method") == Some(id) {
            let changed = tx.set(&subscription, "default_payment_method", Value::Null);
            tx.emit_if_changed("customer.subscription.updated", &subscription, changed);
        }
    }
    Ok(())
}

/// Sets or clears the customer's default payment method for invoices.
pub(crate) fn set_default(tx: &mut Tx<'_>, customer: &str, method: Option<&str>) -> Diff {
    tx.edit(customer, |object| {
        if let Some(settings) = object.get_mut("invoice_settings").and_then(Value::as_object_mut) {
            settings.insert("default_payment_method".to_owned(), json!(method));
        }
    })
}

/// The card that pays a subscription's invoices, in Stripe's order of precedence.
pub(crate) fn default_for(
    tx: &Tx<'_>,
    customer: &str,
    subscription: Option<&str>,
) -> Option<String> {
    let own = subscription.and_then(|id| tx.read(id).owned("default_payment_method"));
    own.or_else(|| tx.read(customer).object("invoice_settings")?.owned("default_payment_method"))
        .filter(|id| tx.find(Kind::PaymentMethod, id).is_some())
}

// --- setup intents ----------------------------------------------------------------------------

/// Makes a setup intent that waits for a payment method.
pub(crate) fn new_setup(tx: &mut Tx<'_>, customer: Option<&str>, args: &Object) -> String {
    let id = tx.state.ids.id("seti_1").replacen("seti_1_", "seti_1", 1);
    let secret = format!("{id}_secret_{}", tx.state.ids.token(30));
    let created = customer.map_or(tx.now, |customer| tx.time_of(customer));
    let metadata = metadata(args);
    let json = json!({
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": null,
        "application": null,
        "automatic_payment_methods": args.copy("automatic_payment_methods"),
        "cancellation_reason": null,
        "client_secret": secret,
        "created": created,
        "customer": customer,
        "customer_account": null,
        "description": args.copy("description"),
        "excluded_payment_method_types": null,
        "flow_directions": null,
        "last_setup_error": null,
        "latest_attempt": null,
        "livemode": tx.livemode,
        "managed_payments": {"enabled": false},
        "mandate": null,
        "metadata": metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {
            "mandate_options": null, "network": null, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "single_use_mandate": null,
        "status": "requires_payment_method",
        "usage": args.text("usage").unwrap_or("off_session"),
    });
    tx.insert(Kind::SetupIntent, json);
    tx.emit("setup_intent.created", &id);
    id
}

/// How a confirmation ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Confirmed {
    Done,
    RequiresAction,
    Declined(ApiError),
}

/// Confirms a setup intent with a payment method, and attaches it when a customer is known.
pub(crate) fn confirm_setup(
    tx: &mut Tx<'_>,
    id: &str,
    method: &str,
    challenge_passed: bool,
) -> Confirmed {
    let verdict =
        tx.state.cards.get(method).map_or(Verdict::Approved, |card| card.setup(challenge_passed));
    match verdict {
        Verdict::Approved => {
            if let Some(card) = tx.state.cards.get_mut(method) {
                card.set_up = true;
            }
            let customer = tx.read(id).owned("customer");
            if let Some(customer) = customer
                && let Err(error) = attach(tx, method, &customer, "payment_method")
            {
                return Confirmed::Declined(error);
            }
            tx.edit(id, |intent| {
                intent.insert("status".to_owned(), json!("succeeded"));
                intent.insert("payment_method".to_owned(), json!(method));
                intent.insert("next_action".to_owned(), Value::Null);
                intent.insert("last_setup_error".to_owned(), Value::Null);
            });
            tx.emit("setup_intent.succeeded", id);
            Confirmed::Done
        }
        Verdict::Challenge => {
            let action = next_action(tx, id);
            tx.edit(id, |intent| {
                intent.insert("status".to_owned(), json!("requires_action"));
                intent.insert("payment_method".to_owned(), json!(method));
                intent.insert("next_action".to_owned(), action);
            });
            tx.emit("setup_intent.requires_action", id);
            Confirmed::RequiresAction
        }
        Verdict::Declined(decline) => {
            let mut error = decline.error();
            fail_setup(tx, id, &error);
            error.objects.push(("setup_intent", tx.json(id)));
            Confirmed::Declined(error)
        }
    }
}

/// Puts a setup intent back to the start with its error.
pub(crate) fn fail_setup(tx: &mut Tx<'_>, id: &str, error: &ApiError) {
    let shown = error.body("").copy("error");
    tx.edit(id, |intent| {
        intent.insert("status".to_owned(), json!("requires_payment_method"));
        intent.insert("payment_method".to_owned(), Value::Null);
        intent.insert("next_action".to_owned(), Value::Null);
        intent.insert("last_setup_error".to_owned(), without_log(shown));
    });
    tx.emit("setup_intent.setup_failed", id);
}

/// The error as it stands inside an intent: without the link to the request log.
pub(crate) fn without_log(mut error: Value) -> Value {
    if let Some(error) = error.as_object_mut() {
        error.remove("request_log_url");
    }
    error
}

/// Where the browser goes for a challenge.
pub(crate) fn next_action(tx: &Tx<'_>, intent: &str) -> Value {
    let url = format!("{}/3ds/{intent}", tx.state.base_url);
    let return_url =
        tx.state.hidden.get(intent).map_or(Value::Null, |hidden| hidden.copy("return_url"));
    if return_url.is_null() {
        json!({"type": "use_stripe_sdk", "use_stripe_sdk": {
            "type": "three_d_secure_redirect", "stripe_js": url, "source": intent}})
    } else {
        json!({"type": "redirect_to_url",
               "redirect_to_url": {"return_url": return_url, "url": url}})
    }
}

/// Metadata of a new object: without the keys that were given empty.
pub(crate) fn metadata(args: &Object) -> Value {
    let mut map = args.object("metadata").cloned().unwrap_or_default();
    map.retain(|_, value| !value.is_null());
    Value::Object(map)
}

/// Merges metadata as Stripe does: keys are added or replaced, empty ones deleted, and an emptied
/// `metadata` deletes all.
pub(crate) fn merge_metadata(object: &mut Object, args: &Object) {
    let Some(given) = args.get("metadata") else { return };
    let mut merged = object.object("metadata").cloned().unwrap_or_default();
    match given {
        Value::Object(given) => {
            for (key, value) in given {
                if value.is_null() {
                    merged.remove(key);
                } else {
                    merged.insert(key.clone(), value.clone());
                }
            }
        }
        _ => merged.clear(),
    }
    object.insert("metadata".to_owned(), Value::Object(merged));
}
