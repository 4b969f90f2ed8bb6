//! `/v1/subscriptions` and `/v1/subscription_items`.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows::subscriptions;
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Object, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    if call.args.text("customer").is_none() {
        return Err(ApiError::parameter_missing("customer"));
    }
    let id = subscriptions::create(tx, call.args)?;
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Subscription, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Subscription, call.id())?;
    subscriptions::update(tx, call.id(), call.args)?;
    Ok(tx.json(call.id()))
}

pub(crate) fn cancel(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let subscription = tx.at_path(Kind::Subscription, call.id())?;
    if matches!(subscription.text("status"), Some("canceled" | "incomplete_expired")) {
        return Err(ApiError::no_such(Kind::Subscription.noun(), call.id()));
    }
    subscriptions::cancel(tx, call.id(), call.args);
    Ok(tx.json(call.id()))
}

pub(crate) fn resume(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Subscription, call.id())?;
    subscriptions::resume(tx, call.id())?;
    Ok(tx.json(call.id()))
}

fn has_price(subscription: &Object, price: &str) -> bool {
    subscription.items("items").iter().any(|item| item.copy("price").text("id") == Some(price))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    if let Some(customer) = args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
    }
    let status = args.text("status");
    let price = args.text("price").or_else(|| args.text("plan"));
    let by = ["customer", "test_clock", "collection_method"];
    lists::page(tx, Kind::Subscription, args, &by, |subscription| {
        let is = subscription.text("status").unwrap_or_default();
        let wanted = match status {
            None => is != "canceled",
            Some("all") => true,
            Some("ended") => matches!(is, "canceled" | "incomplete_expired"),
            Some(status) => is == status,
        };
        let (start, end) = subscriptions::items::period(&Value::Object(subscription.clone()));
        wanted
            && price.is_none_or(|price| has_price(subscription, price))
            && lists::in_range(args.field("current_period_start"), start)
            && lists::in_range(args.field("current_period_end"), end)
    })
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Subscription, call.args)
}

// --- items ------------------------------------------------------------------------------------

/// The subscription that holds an item, and the item.
fn holder(tx: &Tx<'_>, item: &str) -> Option<(String, Value)> {
    let owner = tx.state.item_owner.get(item)?;
    let subscription = tx.find(Kind::Subscription, owner)?;
    let found = subscription.items("items").iter().find(|known| known.text("id") == Some(item))?;
    Some((owner.clone(), found.clone()))
}

fn item_at_path(tx: &Tx<'_>, item: &str) -> Result<(String, Value), ApiError> {
    holder(tx, item).ok_or_else(|| ApiError::no_such("subscription_item", item))
}

pub(crate) fn list_items(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = call.args.text("subscription").unwrap_or_default();
    let subscription = tx.named(Kind::Subscription, id, "subscription")?;
    let limit = lists::limit(call.args)?;
    let items = subscription.items("items");
    let start = call.args.text("starting_after").map_or(0, |after| {
        items.iter().position(|item| item.text("id") == Some(after)).map_or(0, |at| at + 1)
    });
    let data: Vec<&Value> = items.iter().skip(start).take(limit).collect();
    Ok(json!({
        "object": "list",
        "data": data,
        "has_more": items.len() > start + limit,
        "url": "/v1/subscription_items",
    }))
}

pub(crate) fn create_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let subscription = call.args.text("subscription").unwrap_or_default();
    tx.named(Kind::Subscription, subscription, "subscription")?;
    let id = subscriptions::add_item(tx, subscription, call.args)?;
    Ok(holder(tx, &id).map_or(Value::Null, |(_, item)| item))
}

pub(crate) fn retrieve_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    item_at_path(tx, call.id()).map(|(_, item)| item)
}

pub(crate) fn update_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let (subscription, _) = item_at_path(tx, call.id())?;
    change_item(tx, &subscription, call, false)?;
    item_at_path(tx, call.id()).map(|(_, item)| item)
}

pub(crate) fn delete_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let (subscription, _) = item_at_path(tx, call.id())?;
    change_item(tx, &subscription, call, true)?;
    Ok(json!({"id": call.id(), "object": "subscription_item", "deleted": true}))
}

fn change_item(
    tx: &mut Tx<'_>,
    subscription: &str,
    call: &Call<'_>,
    delete: bool,
) -> Result<(), ApiError> {
    let mut args = call.args.clone();
    let mut item = Object::new();
    item.insert("id".to_owned(), json!(call.id()));
    for key in ["price", "price_data", "quantity", "metadata"] {
        if let Some(value) = args.remove(key) {
            item.insert(key.to_owned(), value);
        }
    }
    if delete {
        item.insert("deleted".to_owned(), json!(true));
    }
    args.insert("items".to_owned(), json!([item]));
    subscriptions::update(tx, subscription, &args)
}
