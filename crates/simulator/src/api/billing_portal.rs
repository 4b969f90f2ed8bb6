//! `/v1/billing_portal/sessions` and `…/configurations`.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows::cards;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, Object, Tx};

/// The features of a configuration, with Stripe's defaults for what is not given.
fn features(given: &Object, old: Option<&Object>) -> Value {
    let empty = Object::new();
    let old = old.unwrap_or(&empty);
    let part = |name: &str| -> Object {
        let mut part = old.object(name).cloned().unwrap_or_default();
        for (key, value) in given.object(name).cloned().unwrap_or_default() {
            part.insert(key, value);
        }
        part
    };
    let on = |part: &Object| part.flag("enabled").unwrap_or(false);
    let customer = part("customer_update");
    let history = part("invoice_history");
    let method = part("payment_method_update");
    let cancel = part("subscription_cancel");
    let update = part("subscription_update");
    let reason = cancel.object("cancellation_reason").cloned().unwrap_or_default();
    let period_end = update.object("schedule_at_period_end").cloned().unwrap_or_default();
    json!({
        "customer_update": {
            "allowed_updates": customer.items("allowed_updates"),
            "enabled": on(&customer),
        },
        "invoice_history": {"enabled": on(&history)},
        "payment_method_update": {
            "enabled": on(&method),
            "payment_method_configuration": null,
        },
        "subscription_cancel": {
            "cancellation_reason": {
                "enabled": reason.flag("enabled").unwrap_or(false),
                "options": reason.items("options"),
            },
            "enabled": on(&cancel),
            "mode": cancel.text("mode").unwrap_or("at_period_end"),
            "proration_behavior": cancel.text("proration_behavior").unwrap_or("none"),
        },
        "subscription_update": {
            "billing_cycle_anchor": update.copy("billing_cycle_anchor"),
            "default_allowed_updates": update.items("default_allowed_updates"),
            "enabled": on(&update),
            "products": update.items("products").iter().map(product).collect::<Vec<Value>>(),
            "proration_behavior": update.text("proration_behavior").unwrap_or("none"),
            "schedule_at_period_end": {"conditions": period_end.items("conditions")},
            "trial_update_behavior":
                update.text("trial_update_behavior").unwrap_or("end_trial"),
        },
    })
}

fn product(given: &Value) -> Value {
    let adjustable = given.copy("adjustable_quantity");
    json!({
        "adjustable_quantity": {
            "enabled": adjustable.flag("enabled").unwrap_or(false),
            "maximum": adjustable.copy("maximum"),
            "minimum": adjustable.int("minimum").unwrap_or(1),
        },
        "prices": given.items("prices"),
        "product": given.copy("product"),
    })
}

fn profile(given: Option<&Object>, old: Option<&Object>) -> Value {
    let pick = |key: &str| match given.and_then(|given| given.get(key)) {
        Some(value) => value.clone(),
        None => old.map_or(Value::Null, |old| old.copy(key)),
    };
    json!({
        "headline": pick("headline"),
        "privacy_policy_url": pick("privacy_policy_url"),
        "terms_of_service_url": pick("terms_of_service_url"),
    })
}

fn insert(tx: &mut Tx<'_>, args: &Object, is_default: bool) -> String {
    let id = tx.state.ids.id("bpc_1").replacen("bpc_1_", "bpc_1", 1);
    let given = args.object("features").cloned().unwrap_or_default();
    let login = args.object("login_page").and_then(|page| page.flag("enabled")).unwrap_or(false);
    let url = login.then(|| format!("{}/p/login/{id}", tx.state.base_url));
    let json = json!({
        "id": id,
        "object": "billing_portal.configuration",
        "active": true,
        "application": null,
        "business_profile": profile(args.object("business_profile"), None),
        "created": tx.now,
        "default_return_url": args.copy("default_return_url"),
        "features": features(&given, None),
        "is_default": is_default,
        "livemode": tx.livemode,
        "login_page": {"enabled": login, "url": url},
        "metadata": cards::metadata(args),
        "name": args.copy("name"),
        "updated": tx.now,
    });
    tx.insert(Kind::PortalConfiguration, json);
    tx.emit("billing_portal.configuration.created", &id);
    id
}

fn default_configuration(tx: &Tx<'_>) -> Option<String> {
    tx.state
        .objects
        .newest_first(Kind::PortalConfiguration, tx.livemode, None, (0, u64::MAX))
        .find(|entry| entry.json.flag("is_default") == Some(true))
        .and_then(|entry| entry.json.owned("id"))
}

/// The configuration that sessions use which name none. In test mode it is made when it is first
/// needed, with everything allowed; live mode wants one to have been saved.
///
/// # Errors
/// 400 in live mode without one.
fn ensure_default(tx: &mut Tx<'_>) -> Result<String, ApiError> {
    if let Some(id) = default_configuration(tx) {
        return Ok(id);
    }
    if tx.livemode {
        return Err(ApiError::invalid(
            "You can't create a portal session in live mode until you save your customer portal \
             settings in live mode at https://dashboard.stripe.com/settings/billing/portal.",
        ));
    }
    let args = json!({"features": {
        "customer_update": {"allowed_updates": ["email", "name", "address", "phone"],
                            "enabled": true},
        "invoice_history": {"enabled": true},
        "payment_method_update": {"enabled": true},
        "subscription_cancel": {"enabled": true, "mode": "at_period_end"},
        "subscription_update": {"enabled": true, "default_allowed_updates": ["price"],
                                "proration_behavior": "always_invoice"},
    }});
    Ok(insert(tx, &args.as_object().cloned().unwrap_or_default(), true))
}

pub(crate) fn create_configuration(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let first = default_configuration(tx).is_none();
    let id = insert(tx, call.args, first);
    Ok(tx.json(&id))
}

pub(crate) fn retrieve_configuration(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PortalConfiguration, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update_configuration(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PortalConfiguration, call.id())?;
    let (args, now) = (call.args, tx.now);
    let changed = tx.edit(call.id(), |configuration| {
        for key in ["active", "default_return_url", "name"] {
            if let Some(value) = args.get(key) {
                configuration.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(given) = args.object("business_profile") {
            let old = configuration.object("business_profile").cloned();
            configuration.insert("business_profile".to_owned(), profile(Some(given), old.as_ref()));
        }
        if let Some(given) = args.object("features") {
            let old = configuration.object("features").cloned();
            configuration.insert("features".to_owned(), features(given, old.as_ref()));
        }
        cards::merge_metadata(configuration, args);
        configuration.insert("updated".to_owned(), json!(now));
    });
    tx.emit_if_changed("billing_portal.configuration.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

pub(crate) fn list_configurations(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::PortalConfiguration, call.args, &["active", "is_default"], |_| true)
}

/// The flow a session starts with, in the shape of an answer.
fn flow(data: Option<&Object>) -> Value {
    let Some(data) = data else { return Value::Null };
    let after = data.object("after_completion").cloned().unwrap_or_default();
    let completion = json!({
        "hosted_confirmation": after.object("hosted_confirmation").map(|confirmation| {
            json!({"custom_message": confirmation.copy("custom_message")})
        }),
        "redirect": after.copy("redirect"),
        "type": after.text("type").unwrap_or("portal_homepage"),
    });
    let cancel = data.object("subscription_cancel").map(|cancel| {
        json!({"retention": cancel.copy("retention"), "subscription": cancel.copy("subscription")})
    });
    let update = data
        .object("subscription_update")
        .map(|update| json!({"subscription": update.copy("subscription")}));
    let confirm = data.object("subscription_update_confirm").map(|confirm| {
        let items: Vec<Value> = confirm
            .items("items")
            .iter()
            .map(|item| {
                json!({"id": item.copy("id"), "price": item.copy("price"),
                       "quantity": item.int("quantity").unwrap_or(1)})
            })
            .collect();
        json!({"discounts": null, "items": items, "subscription": confirm.copy("subscription")})
    });
    json!({
        "after_completion": completion,
        "subscription_cancel": cancel,
        "subscription_update": update,
        "subscription_update_confirm": confirm,
        "type": data.copy("type"),
    })
}

pub(crate) fn create_session(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let customer = args.text("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    tx.named(Kind::Customer, customer, "customer")?;
    let configuration = match args.owned("configuration") {
        Some(id) => {
            tx.named(Kind::PortalConfiguration, &id, "configuration")?;
            id
        }
        None => ensure_default(tx)?,
    };
    if let Some(data) = args.object("flow_data") {
        for part in ["subscription_cancel", "subscription_update", "subscription_update_confirm"] {
            if let Some(id) = data.object(part).and_then(|part| part.text("subscription")) {
                let param = format!("flow_data[{part}][subscription]");
                let subscription = tx.named(Kind::Subscription, id, &param)?;
                if subscription.text("customer") != Some(customer) {
                    return Err(ApiError::missing("subscription", id, &param));
                }
            }
        }
    }
    crate::flows::checkout::check_urls(args, &["return_url"])?;
    let id = tx.state.ids.id("bps_1").replacen("bps_1_", "bps_1", 1);
    let secret = tx.state.ids.token(48);
    let mode = if tx.livemode { "live" } else { "test" };
    let token = format!("{mode}_{secret}");
    tx.state.tokens.insert(token.clone(), id.clone());
    let settings = tx.json(&configuration);
    let return_url = match args.copy("return_url") {
        Value::Null => settings.copy("default_return_url"),
        url => url,
    };
    let json = json!({
        "id": id,
        "object": "billing_portal.session",
        "configuration": configuration,
        "created": tx.now,
        "customer": customer,
        "customer_account": null,
        "flow": flow(args.object("flow_data")),
        "livemode": tx.livemode,
        "locale": args.copy("locale"),
        "on_behalf_of": null,
        "return_url": return_url,
        "url": format!("{}/p/session/{token}", tx.state.base_url),
    });
    tx.insert(Kind::PortalSession, json);
    tx.emit("billing_portal.session.created", &id);
    Ok(tx.json(&id))
}
