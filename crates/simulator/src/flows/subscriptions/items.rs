//! Subscription items: reading them from parameters and showing them.

use serde_json::{Value, json};

use crate::protocol::ApiError;
use crate::rules::calendar::Cadence;
use crate::state::{Fields, Kind, Object, Tx};

/// One price in one quantity, before or on a subscription.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// `si_…`, empty until it is on the subscription.
    pub(crate) id: String,
    /// The whole price object.
    pub(crate) price: Value,
    pub(crate) quantity: i64,
    pub(crate) metadata: Value,
    pub(crate) created: i64,
}

impl Item {
    /// What a whole period costs.
    pub(crate) fn amount(&self) -> i64 {
        if self.is_metered() {
            return 0;
        }
        crate::flows::lines::full_amount(&self.price, self.quantity)
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.price.copy("recurring").text("usage_type") == Some("metered")
    }

    pub(crate) fn cadence(&self) -> Cadence {
        cadence(&self.price)
    }

    fn of(json: &Value) -> Self {
        Self {
            id: json.owned("id").unwrap_or_default(),
            price: json.copy("price"),
            quantity: json.int("quantity").unwrap_or(1),
            metadata: json.copy("metadata"),
            created: json.amount("created"),
        }
    }

    /// As the API shows it.
    pub(crate) fn json(&self, subscription: &str, period: (i64, i64)) -> Value {
        let mut item = json!({
            "id": self.id,
            "object": "subscription_item",
            "billing_thresholds": null,
            "created": self.created,
            "current_period_end": period.1,
            "current_period_start": period.0,
            "discounts": [],
            "metadata": if self.metadata.is_null() { json!({}) } else { self.metadata.clone() },
            "plan": plan(&self.price),
            "price": self.price,
            "quantity": self.quantity,
            "subscription": subscription,
            "tax_rates": [],
        });
        if self.is_metered()
            && let Some(item) = item.as_object_mut()
        {
            item.remove("quantity");
        }
        item
    }
}

/// How often a price is billed.
pub(crate) fn cadence(price: &Value) -> Cadence {
    let recurring = price.copy("recurring");
    Cadence::new(
        recurring.text("interval").unwrap_or("month"),
        recurring.int("interval_count").unwrap_or(1),
    )
}

/// The legacy shape of a price that real answers still carry.
pub(crate) fn plan(price: &Value) -> Value {
    let recurring = price.copy("recurring");
    json!({
        "id": price.copy("id"),
        "object": "plan",
        "active": price.copy("active"),
        "amount": price.copy("unit_amount"),
        "amount_decimal": price.copy("unit_amount_decimal"),
        "billing_scheme": price.copy("billing_scheme"),
        "created": price.copy("created"),
        "currency": price.copy("currency"),
        "interval": recurring.copy("interval"),
        "interval_count": recurring.copy("interval_count"),
        "livemode": price.copy("livemode"),
        "metadata": price.copy("metadata"),
        "meter": recurring.copy("meter"),
        "nickname": price.copy("nickname"),
        "product": price.copy("product"),
        "tiers_mode": price.copy("tiers_mode"),
        "transform_usage": null,
        "trial_period_days": null,
        "usage_type": recurring.text("usage_type").unwrap_or("licensed"),
    })
}

/// The items of a subscription.
pub(crate) fn of(subscription: &Value) -> Vec<Item> {
    subscription.items("items").iter().map(Item::of).collect()
}

/// The period that the items are in.
pub(crate) fn period(subscription: &Value) -> (i64, i64) {
    let first = subscription.items("items").first().cloned().unwrap_or(Value::Null);
    (first.amount("current_period_start"), first.amount("current_period_end"))
}

/// The items as the list object of a subscription.
pub(crate) fn list(items: &[Item], subscription: &str, period: (i64, i64)) -> Value {
    let data: Vec<Value> = items.iter().map(|item| item.json(subscription, period)).collect();
    json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "total_count": items.len(),
        "url": format!("/v1/subscription_items?subscription={subscription}"),
    })
}

/// Puts items, their period and the legacy `plan` and `quantity` on a subscription.
pub(crate) fn put(object: &mut Object, items: &[Item], period: (i64, i64)) {
    let id = object.owned("id").unwrap_or_default();
    object.insert("items".to_owned(), list(items, &id, period));
    let single = match items {
        [item] => Some(item),
        _ => None,
    };
    object.insert("plan".to_owned(), single.map_or(Value::Null, |item| plan(&item.price)));
    object.insert("quantity".to_owned(), single.map_or(Value::Null, |item| json!(item.quantity)));
}

/// The price that item parameters name, or a new one made of `price_data`.
///
/// # Errors
/// 400 for a price that is unknown, inactive or not recurring.
pub(crate) fn price(tx: &mut Tx<'_>, given: &Object, at: &str) -> Result<Option<Value>, ApiError> {
    if let Some(data) = given.object("price_data") {
        let data = data.clone();
        let id = crate::api::prices::create_inline(tx, &data, &format!("{at}[price_data]"))?;
        return Ok(Some(tx.json(&id)));
    }
    let Some(id) = given.text("price").or_else(|| given.text("plan")) else { return Ok(None) };
    let param = format!("{at}[price]");
    let price = tx.named(Kind::Price, id, &param)?;
    if price.flag("active") == Some(false) {
        let message = format!(
            "The price specified is inactive. This field only accepts active prices. \
             ({id})"
        );
        return Err(ApiError::invalid(message).at(param));
    }
    if price.object("recurring").is_none() {
        let message = format!(
            "The price specified is set to `type=one_time` but this field only accepts prices \
             with `type=recurring`. ({id})"
        );
        return Err(ApiError::invalid(message).at(param));
    }
    Ok(Some(Value::Object((*price).clone())))
}

/// The items of a new subscription.
///
/// # Errors
/// 400 without items, with unknown prices, or with prices of different currency or interval.
pub(crate) fn parse_new(
    tx: &mut Tx<'_>,
    args: &Object,
    created: i64,
) -> Result<Vec<Item>, ApiError> {
    let given = args.items("items").to_vec();
    if given.is_empty() {
        return Err(ApiError::parameter_missing("items"));
    }
    let mut items = Vec::new();
    for (at, item) in given.iter().enumerate() {
        let here = format!("items[{at}]");
        let empty = Object::new();
        let item = item.as_object().unwrap_or(&empty);
        let price = price(tx, item, &here)?
            .ok_or_else(|| ApiError::parameter_missing(&format!("{here}[price]")))?;
        items.push(new(tx, price, item, created));
    }
    same_terms(&items)?;
    Ok(items)
}

/// Remembers which subscription its items belong to, for the routes that name an item alone.
pub(crate) fn remember(tx: &mut Tx<'_>, subscription: &str) {
    for item in of(&tx.json(subscription)) {
        tx.state.item_owner.insert(item.id, subscription.to_owned());
    }
}

/// One more item, of a price that has been checked.
pub(crate) fn new(tx: &mut Tx<'_>, price: Value, given: &Object, created: i64) -> Item {
    Item {
        id: tx.state.ids.id("si"),
        price,
        quantity: given.int("quantity").unwrap_or(1),
        metadata: crate::flows::cards::metadata(given),
        created,
    }
}

/// One subscription has one currency and, here, one interval.
///
/// # Errors
/// 400 otherwise.
pub(crate) fn same_terms(items: &[Item]) -> Result<(), ApiError> {
    let Some(first) = items.first() else { return Ok(()) };
    for item in items {
        if item.price.text("currency") != first.price.text("currency") {
            return Err(ApiError::invalid(
                "All prices on a subscription must have the same `currency`.",
            ));
        }
        if item.cadence() != first.cadence() {
            return Err(ApiError::invalid(
                "All prices on a subscription must have the same `recurring.interval` and \
                 `recurring.interval_count`. (The simulator does not mix intervals.)",
            ));
        }
    }
    for (at, item) in items.iter().enumerate() {
        let same = |other: &Item| other.price.text("id") == item.price.text("id");
        if items[..at].iter().any(same) {
            let price = item.price.text("id").unwrap_or_default();
            return Err(ApiError::invalid(format!(
                "Cannot add multiple subscription items with the same plan: {price}"
            )));
        }
    }
    Ok(())
}
