//! Invoice lines and pending invoice items: what is charged, for which time, at which price.

use serde_json::{Value, json};

use super::cards::metadata;
use crate::rules::money;
use crate::state::{Fields, Kind, Object, Tx};

/// One line before it stands on an invoice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) amount: i64,
    pub(crate) description: String,
    pub(crate) period: (i64, i64),
    pub(crate) quantity: i64,
    /// The whole price object; null for an item with a bare amount.
    pub(crate) price: Value,
    pub(crate) proration: bool,
    /// The invoice item it comes from; without one it comes from the subscription's item itself.
    pub(crate) invoice_item: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) subscription_item: Option<String>,
    pub(crate) metadata: Value,
}

/// The amount of one unit in minor units; parts of a cent are rounded half up, as on invoices.
pub(crate) fn unit_amount(price: &Value) -> i64 {
    match price.int("unit_amount") {
        Some(amount) => amount,
        None => times(price.text("unit_amount_decimal").unwrap_or("0"), 1),
    }
}

/// `quantity` units at a price in parts of a minor unit; only the sum is rounded, half up.
pub(crate) fn times(unit_decimal: &str, quantity: i64) -> i64 {
    let (whole, fraction) = unit_decimal.split_once('.').unwrap_or((unit_decimal, ""));
    let fraction: String = fraction.chars().take(12).collect();
    let scale = fraction.chars().fold(1_i128, |scale, _| scale * 10);
    let parts: i128 = format!("{whole}{fraction}").parse().unwrap_or(0);
    let sum = (parts * i128::from(quantity) * 2 + scale).div_euclid(scale * 2);
    i64::try_from(sum).unwrap_or(i64::MAX)
}

/// What `quantity` units cost for a whole period, with tiers as Stripe counts them.
pub(crate) fn full_amount(price: &Value, quantity: i64) -> i64 {
    if price.text("billing_scheme") != Some("tiered") {
        return match price.int("unit_amount") {
            Some(amount) => amount * quantity,
            None => times(price.text("unit_amount_decimal").unwrap_or("0"), quantity),
        };
    }
    let tiers = price.items("tiers");
    let cost =
        |tier: &Value, units: i64| tier.amount("unit_amount") * units + tier.amount("flat_amount");
    let mut total = 0;
    let mut from = 0;
    for tier in tiers {
        let up_to = tier.int("up_to").unwrap_or(i64::MAX);
        if price.text("tiers_mode") == Some("volume") {
            if quantity <= up_to {
                return cost(tier, quantity);
            }
            continue;
        }
        if quantity > from {
            total += cost(tier, quantity.min(up_to) - from);
        }
        from = up_to;
    }
    total
}

/// The name of the price's product.
pub(crate) fn product_name(tx: &Tx<'_>, price: &Value) -> String {
    price
        .reference("product")
        .and_then(|product| tx.read(product).owned("name"))
        .unwrap_or_else(|| "Product".to_owned())
}

/// "1 × Team (at $99.00 / month)".
pub(crate) fn period_words(tx: &Tx<'_>, price: &Value, quantity: i64) -> String {
    let name = product_name(tx, price);
    let unit = money::in_words(unit_amount(price), price.text("currency").unwrap_or("usd"));
    let recurring = price.copy("recurring");
    let interval = recurring.text("interval").unwrap_or("month");
    match recurring.int("interval_count").unwrap_or(1) {
        1 => format!("{quantity} × {name} (at {unit} / {interval})"),
        count => format!("{quantity} × {name} (at {unit} / every {count} {interval}s)"),
    }
}

/// A line as the API shows it on the invoice `invoice`.
pub(crate) fn json(tx: &mut Tx<'_>, line: &Line, invoice: &str, currency: &str) -> Value {
    let id = tx.state.ids.id("il_1").replacen("il_1_", "il_1", 1);
    let no_credit = json!({"credited_items": null});
    let parent = match (&line.invoice_item, &line.subscription_item) {
        (Some(item), _) => json!({
            "invoice_item_details": {
                "invoice_item": item,
                "proration": line.proration,
                "proration_details": no_credit,
                "subscription": line.subscription,
            },
            "subscription_item_details": null,
            "type": "invoice_item_details",
        }),
        (None, Some(item)) => json!({
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": line.proration,
                "proration_details": no_credit,
                "subscription": line.subscription,
                "subscription_item": item,
            },
            "type": "subscription_item_details",
        }),
        (None, None) => Value::Null,
    };
    let metadata = if line.metadata.is_null() { json!({}) } else { line.metadata.clone() };
    json!({
        "id": id,
        "object": "line_item",
        "amount": line.amount,
        "currency": currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": !line.proration,
        "discounts": [],
        "invoice": invoice,
        "livemode": tx.livemode,
        "metadata": metadata,
        "parent": parent,
        "period": {"end": line.period.1, "start": line.period.0},
        "pretax_credit_amounts": [],
        "pricing": pricing(line),
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "subscription": line.subscription,
        "subtotal": line.amount,
        "taxes": [],
    })
}

fn pricing(line: &Line) -> Value {
    if line.price.is_null() {
        let unit = if line.quantity == 0 { line.amount } else { line.amount / line.quantity };
        return json!({"type": "price_details", "unit_amount_decimal": unit.to_string()});
    }
    json!({
        "price_details": {
            "price": line.price.copy("id"),
            "product": line.price.reference("product"),
        },
        "type": "price_details",
        "unit_amount_decimal": line
            .price
            .owned("unit_amount_decimal")
            .unwrap_or_else(|| unit_amount(&line.price).to_string()),
    })
}

/// Makes a pending invoice item of a line, on no invoice yet, and says its id.
pub(crate) fn new_item(
    tx: &mut Tx<'_>,
    customer: &str,
    currency: &str,
    line: &Line,
    invoice: Option<&str>,
    args: &Object,
) -> String {
    let id = tx.state.ids.id("ii_1").replacen("ii_1_", "ii_1", 1);
    let at = tx.time_of(customer);
    let parent = match &line.subscription {
        None => Value::Null,
        Some(subscription) => json!({
            "subscription_details": {
                "subscription": subscription,
                "subscription_item": line.subscription_item,
            },
            "type": "subscription_details",
        }),
    };
    let json = json!({
        "id": id,
        "object": "invoiceitem",
        "amount": line.amount,
        "currency": currency,
        "customer": customer,
        "customer_account": null,
        "date": at,
        "description": line.description,
        "discountable": !line.proration,
        "discounts": [],
        "frozen_fields": [],
        "invoice": invoice,
        "livemode": tx.livemode,
        "metadata": metadata(args),
        "net_amount": line.amount,
        "parent": parent,
        "period": {"end": line.period.1, "start": line.period.0},
        "pricing": pricing(line),
        "proration": line.proration,
        "quantity": line.quantity,
        "quantity_decimal": line.quantity.to_string(),
        "tax_rates": [],
        "test_clock": tx.clock_of(customer),
    });
    tx.insert(Kind::InvoiceItem, json);
    if invoice.is_none() {
        let waiting = tx.state.hidden.entry(customer.to_owned()).or_default();
        let mut items = waiting.items("pending_items").to_vec();
        items.push(json!(id));
        waiting.insert("pending_items".to_owned(), Value::Array(items));
    }
    tx.emit("invoiceitem.created", &id);
    id
}

/// The line that an invoice item becomes.
pub(crate) fn of_item(tx: &Tx<'_>, id: &str) -> Line {
    let item = tx.json(id);
    let details = item.copy("parent").copy("subscription_details");
    let price = item
        .copy("pricing")
        .copy("price_details")
        .text("price")
        .map_or(Value::Null, |price| tx.json(price));
    let period = item.copy("period");
    Line {
        amount: item.amount("amount"),
        description: item.owned("description").unwrap_or_default(),
        period: (period.amount("start"), period.amount("end")),
        quantity: item.int("quantity").unwrap_or(1),
        price,
        proration: item.flag("proration").unwrap_or(false),
        invoice_item: Some(id.to_owned()),
        subscription: details.owned("subscription"),
        subscription_item: details.owned("subscription_item"),
        metadata: item.copy("metadata"),
    }
}

/// Pending items of a customer that belong on an invoice of `subscription` (or, without one, on
/// an invoice of its own), oldest first.
pub(crate) fn pending(
    tx: &Tx<'_>,
    customer: &str,
    subscription: Option<&str>,
    currency: &str,
) -> Vec<String> {
    let waiting = tx
        .state
        .hidden
        .get(customer)
        .map(|h| h.items("pending_items").to_vec())
        .unwrap_or_default();
    waiting
        .iter()
        .filter_map(Value::as_str)
        .filter(|id| {
            let item = tx.json(id);
            let owner = item.copy("parent").copy("subscription_details").owned("subscription");
            item.text("currency") == Some(currency)
                && (owner.is_none() || owner.as_deref() == subscription)
        })
        .map(str::to_owned)
        .collect()
}

/// The items now stand on `invoice`.
pub(crate) fn take(tx: &mut Tx<'_>, customer: &str, items: &[String], invoice: &str) {
    for item in items {
        tx.set(item, "invoice", invoice);
    }
    forget(tx, customer, items);
}

/// The items no longer wait for an invoice.
pub(crate) fn forget(tx: &mut Tx<'_>, customer: &str, items: &[String]) {
    if let Some(Value::Array(waiting)) =
        tx.state.hidden.get_mut(customer).and_then(|hidden| hidden.get_mut("pending_items"))
    {
        waiting.retain(|id| !items.iter().any(|item| id.as_str() == Some(item)));
    }
}
