//! `/v1/prices`, and prices made inline by `price_data`.

use serde_json::{Value, json};

use super::routes::Call;
use super::{Reply, products};
use crate::flows::cards;
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Object, Tx};

/// Makes a price of the parameters of `POST /v1/prices`.
///
/// # Errors
/// 400 for an amount that is missing, a product that is unknown or a lookup key that is taken.
pub(crate) fn create_price(
    tx: &mut Tx<'_>,
    args: &Object,
    parent: &str,
) -> Result<String, ApiError> {
    let param = |name: &str| {
        if parent.is_empty() { name.to_owned() } else { format!("{parent}[{name}]") }
    };
    let tiered = args.text("billing_scheme") == Some("tiered");
    let amount = args.int("unit_amount");
    let decimal = args.owned("unit_amount_decimal");
    if amount.is_none()
        && decimal.is_none()
        && !tiered
        && args.object("custom_unit_amount").is_none()
    {
        return Err(ApiError::invalid(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
        )
        .code("parameter_missing"));
    }
    if amount.is_some_and(|amount| amount < 0) {
        return Err(ApiError::invalid("This value must be greater than or equal to 0.")
            .code("parameter_invalid_integer")
            .at(param("unit_amount")));
    }
    let lookup_key = args.owned("lookup_key");
    let holder = lookup_key.as_deref().and_then(|key| holder(tx, key));
    if let Some(holder) = &holder
        && args.flag("transfer_lookup_key") != Some(true)
    {
        let key = lookup_key.as_deref().unwrap_or_default();
        return Err(ApiError::invalid(format!(
            "A price (`{holder}`) already uses that lookup key ({key}). You can transfer it by \
             setting `transfer_lookup_key`."
        ))
        .at(param("lookup_key")));
    }
    let product = match (args.owned("product"), args.object("product_data")) {
        (Some(product), _) => {
            tx.named(Kind::Product, &product, &param("product"))?;
            product
        }
        (None, Some(data)) => products::create_product(tx, &data.clone())?,
        (None, None) => return Err(ApiError::parameter_missing(&param("product"))),
    };
    if let Some(holder) = holder {
        let changed = tx.set(&holder, "lookup_key", Value::Null);
        tx.emit_if_changed("price.updated", &holder, changed);
    }
    let recurring = args.object("recurring");
    let id = tx.state.ids.id("price_1").replacen("price_1_", "price_1", 1);
    let unit_amount = amount.or_else(|| decimal.as_deref()?.parse::<i64>().ok());
    let unit_decimal =
        if tiered { None } else { decimal.or_else(|| amount.map(|amount| amount.to_string())) };
    let mut json = json!({
        "id": id,
        "object": "price",
        "active": args.flag("active").unwrap_or(true),
        "billing_scheme": args.text("billing_scheme").unwrap_or("per_unit"),
        "created": tx.now,
        "currency": args.text("currency").unwrap_or("usd").to_lowercase(),
        "custom_unit_amount": null,
        "livemode": tx.livemode,
        "lookup_key": lookup_key,
        "metadata": cards::metadata(args),
        "nickname": args.copy("nickname"),
        "product": product,
        "recurring": recurring.map(|recurring| json!({
            "interval": recurring.text("interval").unwrap_or("month"),
            "interval_count": recurring.int("interval_count").unwrap_or(1),
            "meter": recurring.copy("meter"),
            "trial_period_days": null,
            "usage_type": recurring.text("usage_type").unwrap_or("licensed"),
        })),
        "tax_behavior": args.text("tax_behavior").unwrap_or("unspecified"),
        "tiers_mode": args.copy("tiers_mode"),
        "transform_quantity": args.copy("transform_quantity"),
        "type": if recurring.is_some() { "recurring" } else { "one_time" },
        "unit_amount": unit_amount,
        "unit_amount_decimal": unit_decimal,
    });
    if tiered {
        json["tiers"] = Value::Array(args.items("tiers").iter().map(tier).collect());
    }
    tx.insert(Kind::Price, json);
    tx.emit("price.created", &id);
    Ok(id)
}

fn tier(given: &Value) -> Value {
    let decimal = |key: &str| given.int(key).map(|amount| amount.to_string());
    json!({
        "flat_amount": given.copy("flat_amount"),
        "flat_amount_decimal": decimal("flat_amount"),
        "unit_amount": given.copy("unit_amount"),
        "unit_amount_decimal": decimal("unit_amount"),
        "up_to": given.int("up_to"),
    })
}

/// A price for one use, inactive as Stripe makes them.
///
/// # Errors
/// As [`create_price`].
pub(crate) fn create_inline(
    tx: &mut Tx<'_>,
    data: &Object,
    parent: &str,
) -> Result<String, ApiError> {
    let id = create_price(tx, data, parent)?;
    tx.set(&id, "active", false);
    Ok(id)
}

/// The active price that holds a lookup key.
fn holder(tx: &Tx<'_>, key: &str) -> Option<String> {
    tx.ids_by(Kind::Price, "lookup_key", key)
        .into_iter()
        .find(|id| tx.find(Kind::Price, id).is_some_and(|price| price.flag("active") == Some(true)))
}

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = create_price(tx, call.args, "")?;
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Price, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Price, call.id())?;
    let args = call.args;
    let key = args.owned("lookup_key").filter(|key| !key.is_empty());
    if let Some(key) = &key
        && let Some(other) = holder(tx, key).filter(|other| other != call.id())
    {
        if args.flag("transfer_lookup_key") != Some(true) {
            return Err(ApiError::invalid(format!(
                "A price (`{other}`) already uses that lookup key ({key}). You can transfer it by \
                 setting `transfer_lookup_key`."
            ))
            .at("lookup_key"));
        }
        let changed = tx.set(&other, "lookup_key", Value::Null);
        tx.emit_if_changed("price.updated", &other, changed);
    }
    let changed = tx.edit(call.id(), |price| {
        for name in ["active", "nickname", "tax_behavior"] {
            if let Some(value) = args.get(name) {
                price.insert(name.to_owned(), value.clone());
            }
        }
        if args.contains_key("lookup_key") {
            price.insert("lookup_key".to_owned(), json!(key));
        }
        cards::merge_metadata(price, args);
    });
    tx.emit_if_changed("price.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let keys = args.items("lookup_keys").to_vec();
    if keys.len() > 10 {
        return Err(ApiError::invalid("You may pass at most 10 lookup keys.").at("lookup_keys"));
    }
    let recurring = args.object("recurring").cloned().unwrap_or_default();
    // One key is looked up by its index; several are filtered.
    let mut args = args.clone();
    if let [key] = keys.as_slice() {
        args.insert("lookup_key".to_owned(), key.clone());
    }
    let by = ["lookup_key", "product", "active", "currency", "type"];
    lists::page(tx, Kind::Price, &args, &by, |price| {
        (keys.is_empty() || price.get("lookup_key").is_some_and(|key| keys.contains(key)))
            && recurring.iter().all(|(key, wanted)| {
                price.object("recurring").and_then(|recurring| recurring.get(key)) == Some(wanted)
            })
    })
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Price, call.args)
}
