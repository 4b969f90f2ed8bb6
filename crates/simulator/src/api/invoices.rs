//! `/v1/invoices`, `/v1/invoice_payments` and `/v1/invoiceitems`.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows::invoices::{self, Collected, NewInvoice};
use crate::flows::lines::{self, Line};
use crate::flows::{cards, subscriptions};
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Object, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let customer = args.owned("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    let owner = tx.named(Kind::Customer, &customer, "customer")?;
    let subscription = args.owned("subscription");
    if let Some(subscription) = &subscription {
        tx.named(Kind::Subscription, subscription, "subscription")?;
    }
    let currency = args
        .owned("currency")
        .or_else(|| owner.owned("currency"))
        .unwrap_or_else(|| "usd".to_owned());
    let takes =
        args.text("pending_invoice_items_behavior") == Some("include") || subscription.is_some();
    let pending = if takes {
        lines::pending(tx, &customer, subscription.as_deref(), &currency)
    } else {
        Vec::new()
    };
    let all: Vec<Line> = pending.iter().map(|item| lines::of_item(tx, item)).collect();
    let at = tx.time_of(&customer);
    let mut given = args.clone();
    given.insert("metadata".to_owned(), cards::metadata(args));
    let days = args.int("days_until_due").map(|days| at + days * 86_400);
    let auto = args.flag("auto_advance").unwrap_or(false);
    let id = invoices::draft(
        tx,
        &NewInvoice {
            customer: &customer,
            subscription: subscription.as_deref(),
            reason: "manual",
            currency: &currency,
            lines: all,
            period: (at, at),
            auto_advance: auto,
            given: Value::Object(given),
            collection_method: args.text("collection_method"),
            due_date: args.int("due_date").or(days),
            proration_date: None,
        },
    );
    if auto {
        invoices::finalize_later(tx, &id);
    }
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Invoice, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Invoice, call.id())?;
    let args = call.args;
    let changed = tx.edit(call.id(), |invoice| {
        for key in ["auto_advance", "default_payment_method", "description", "due_date", "footer"] {
            if let Some(value) = args.get(key) {
                invoice.insert(key.to_owned(), value.clone());
            }
        }
        cards::merge_metadata(invoice, args);
    });
    tx.emit_if_changed("invoice.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

fn in_status(tx: &Tx<'_>, id: &str, wanted: &[&str], refusal: &str) -> Result<(), ApiError> {
    let invoice = tx.at_path(Kind::Invoice, id)?;
    if wanted.contains(&invoice.text("status").unwrap_or_default()) {
        return Ok(());
    }
    Err(ApiError::invalid(refusal).code("invoice_not_editable"))
}

pub(crate) fn delete(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    in_status(tx, call.id(), &["draft"], "You can only delete draft invoices.")?;
    for item in tx.ids_by(Kind::InvoiceItem, "invoice", call.id()) {
        tx.state.objects.remove(&item);
    }
    tx.emit("invoice.deleted", call.id());
    tx.state.objects.remove(call.id());
    Ok(json!({"id": call.id(), "object": "invoice", "deleted": true}))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    if let Some(customer) = args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
    }
    let subscription = args.owned("subscription");
    // The subscription is indexed under the place to which the invoice moved it.
    if let Some(subscription) = &subscription {
        let ids = tx.ids_by(Kind::Invoice, "subscription", subscription);
        let mut args = args.clone();
        args.remove("subscription");
        let by = ["status", "collection_method"];
        let customer = args.owned("customer");
        let mut within = args.clone();
        within.insert("subscription".to_owned(), json!(subscription));
        return lists::page(tx, Kind::Invoice, &within, &["subscription"], |invoice| {
            by.iter()
                .all(|key| args.field(key).is_none_or(|wanted| invoice.field(key) == Some(wanted)))
                && customer.as_deref().is_none_or(|c| invoice.text("customer") == Some(c))
                && invoice.text("id").is_some_and(|id| ids.iter().any(|known| known == id))
        });
    }
    let by = ["customer", "status", "collection_method"];
    lists::page(tx, Kind::Invoice, args, &by, |invoice| {
        lists::in_range(args.field("due_date"), invoice.amount("due_date"))
    })
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Invoice, call.args)
}

pub(crate) fn lines(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let invoice = tx.at_path(Kind::Invoice, call.id())?;
    slice(invoice.items("lines"), call.args, &format!("/v1/invoices/{}/lines", call.id()))
}

/// A page of items that are kept inside one object.
///
/// # Errors
/// 400 for a bad limit or cursor.
pub(crate) fn slice(items: &[Value], args: &Object, url: &str) -> Reply {
    let limit = lists::limit(args)?;
    lists::one_cursor(args)?;
    let place = |id: &str, param: &str| {
        items
            .iter()
            .position(|item| item.text("id") == Some(id))
            .ok_or_else(|| ApiError::missing("line item", id, param))
    };
    let (start, end) = if let Some(after) = args.text("starting_after") {
        (place(after, "starting_after")? + 1, items.len())
    } else if let Some(before) = args.text("ending_before") {
        let end = place(before, "ending_before")?;
        (end.saturating_sub(limit), end)
    } else {
        (0, items.len())
    };
    let data: Vec<&Value> = items[start..end].iter().take(limit).collect();
    let has_more = match args.text("ending_before") {
        Some(_) => start > 0,
        None => items.len() > start + limit,
    };
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}

pub(crate) fn finalize(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let refusal = "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
    in_status(tx, call.id(), &["draft"], refusal)?;
    if let Some(auto) = call.args.flag("auto_advance") {
        tx.set(call.id(), "auto_advance", auto);
    }
    invoices::finalize(tx, call.id());
    let invoice = tx.json(call.id());
    if invoice.flag("auto_advance") == Some(true)
        && invoice.text("status") == Some("open")
        && invoice.text("collection_method") == Some("charge_automatically")
    {
        invoices::collect(tx, call.id(), None, true, true);
    }
    Ok(tx.json(call.id()))
}

pub(crate) fn pay(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let invoice = tx.at_path(Kind::Invoice, call.id())?;
    match invoice.text("status") {
        Some("paid") => {
            return Err(ApiError::invalid("Invoice is already paid").code("invoice_already_paid"));
        }
        Some("void") => return Err(ApiError::invalid("Voided invoices can't be paid.")),
        Some("draft") => invoices::finalize(tx, call.id()),
        _ => {}
    }
    if tx.read(call.id()).text("status") == Some("paid") {
        return Ok(tx.json(call.id()));
    }
    if call.args.flag("paid_out_of_band") == Some(true) {
        let due = tx.read(call.id()).amount("amount_due");
        tx.set(call.id(), "amount_paid_off_stripe", due);
        invoices::mark_paid(tx, call.id(), due);
        return Ok(tx.json(call.id()));
    }
    let customer = invoice.owned("customer").unwrap_or_default();
    let method = match call.args.owned("payment_method") {
        Some(given) => Some(cards::attach(tx, &given, &customer, "payment_method")?),
        None => None,
    };
    let off_session = call.args.flag("off_session").unwrap_or(true);
    match invoices::collect(tx, call.id(), method.as_deref(), off_session, false) {
        Collected::Paid => Ok(tx.json(call.id())),
        Collected::Failed(error) => Err(error),
        Collected::RequiresAction => {
            let message = "This invoice's payment requires additional user action before it can be \
                completed successfully. Payment can be completed using the PaymentIntent \
                associated with the invoice.";
            let mut error = ApiError::card("invoice_payment_intent_requires_action", None, message);
            if let Some(intent) = invoices::open_intent(tx, call.id()) {
                error.objects.push(("payment_intent", tx.json(&intent)));
            }
            Err(error)
        }
    }
}

pub(crate) fn void(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let refusal = "You can only pass in open or uncollectible invoices. This invoice isn't open.";
    in_status(tx, call.id(), &["open", "uncollectible"], refusal)?;
    invoices::close(tx, call.id(), "void");
    Ok(tx.json(call.id()))
}

pub(crate) fn mark_uncollectible(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let refusal = "You can only pass in open invoices. This invoice isn't open.";
    in_status(tx, call.id(), &["open"], refusal)?;
    invoices::close(tx, call.id(), "uncollectible");
    Ok(tx.json(call.id()))
}

pub(crate) fn send(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let invoice = tx.at_path(Kind::Invoice, call.id())?;
    if invoice.text("status") == Some("draft") {
        invoices::finalize(tx, call.id());
    }
    tx.emit("invoice.sent", call.id());
    Ok(tx.json(call.id()))
}

/// `POST /v1/invoices/create_preview`: nothing is changed by it.
pub(crate) fn preview(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let subscription = args.owned("subscription");
    let mut details = args.object("subscription_details").cloned().unwrap_or_default();
    let Some(id) = subscription else {
        let customer =
            args.owned("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
        tx.named(Kind::Customer, &customer, "customer")?;
        if details.items("items").is_empty() {
            return Err(ApiError::invalid(
                "Nothing to invoice for customer: there are no upcoming items.",
            )
            .code("invoice_upcoming_none"));
        }
        // A preview's items have no ids; prices made of `price_data` stay, which is harmless.
        return subscriptions::preview_new(tx, &customer, &details);
    };
    let current = tx.named(Kind::Subscription, &id, "subscription")?;
    if matches!(current.text("status"), Some("canceled" | "incomplete_expired")) {
        return Err(ApiError::invalid(
            "You cannot preview the upcoming invoice for a canceled subscription.",
        )
        .code("invoice_upcoming_none"));
    }
    details.retain(|key, _| key != "default_tax_rates");
    preview_change(tx, &id, &details)
}

/// What [`preview`] answers for a subscription and changes to it.
///
/// # Errors
/// As an update of the subscription.
pub(crate) fn preview_change(tx: &mut Tx<'_>, id: &str, details: &Object) -> Reply {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let currency = subscription.owned("currency").unwrap_or_default();
    let mut plan = subscriptions::plan(tx, id, details)?;
    let ends_now = details.flag("cancel_now") == Some(true);
    if ends_now {
        let at = tx.time_of(&customer);
        plan.fresh.clear();
        plan.prorations = match plan.behavior.as_str() {
            "none" => Vec::new(),
            _ => subscriptions::unused(tx, &subscription, at),
        };
    }
    let pending: Vec<Line> = lines::pending(tx, &customer, Some(id), &currency)
        .iter()
        .map(|item| lines::of_item(tx, item))
        .collect();
    let at = tx.time_of(&customer);
    let mut all = pending;
    for line in &plan.prorations {
        let mut line = line.clone();
        line.invoice_item = Some(tx.state.ids.id("ii_1").replacen("ii_1_", "ii_1", 1));
        all.push(line);
    }
    let now = ends_now || plan.invoices_now();
    let (old_start, until) = subscriptions::items::period(&subscription);
    let (period, reason) = if now {
        all.extend(plan.fresh.iter().cloned());
        ((at, at), "subscription_update")
    } else {
        let next = plan
            .items
            .first()
            .map_or(until, |item| item.cadence().next_boundary(plan.anchor, plan.period.1));
        let until = plan.period.1;
        let cancel_at = match (details.flag("cancel_at_period_end"), details.int("cancel_at")) {
            (_, Some(moment)) => Some(moment),
            (Some(true), None) => Some(until),
            (Some(false), None) => None,
            (None, None) => subscription.int("cancel_at"),
        };
        let ends = cancel_at.is_some_and(|moment| moment <= until);
        if !ends {
            all.extend(subscriptions::renewal_lines(tx, id, &plan.items, (until, next)));
        }
        ((old_start, until), "subscription_cycle")
    };
    if all.is_empty() {
        return Err(ApiError::invalid(format!("No upcoming invoices for customer: {customer}"))
            .code("invoice_upcoming_none"));
    }
    let proration_date = (!plan.prorations.is_empty()).then_some(plan.date);
    Ok(invoices::preview(
        tx,
        &NewInvoice {
            customer: &customer,
            subscription: Some(id),
            reason,
            currency: &currency,
            lines: all,
            period,
            auto_advance: true,
            proration_date,
            ..NewInvoice::default()
        },
    ))
}

// --- invoice payments -------------------------------------------------------------------------

pub(crate) fn list_payments(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let mut args = call.args.clone();
    let payment = args.object("payment").cloned().unwrap_or_default();
    if let Some(intent) = payment.text("payment_intent") {
        args.insert("payment_intent".to_owned(), json!(intent));
    }
    let (status, invoice) = (args.owned("status"), args.owned("invoice"));
    args.remove("status");
    // Looked up by intent or by invoice; the other one is compared.
    let by: &[&str] =
        if args.contains_key("payment_intent") { &["payment_intent"] } else { &["invoice"] };
    let keep = |payment: &Object| {
        status.as_deref().is_none_or(|status| payment.text("status") == Some(status))
            && invoice.as_deref().is_none_or(|id| payment.text("invoice") == Some(id))
    };
    lists::page(tx, Kind::InvoicePayment, &args, by, keep)
}

pub(crate) fn retrieve_payment(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::InvoicePayment, call.id())?;
    Ok(tx.json(call.id()))
}

// --- invoice items ----------------------------------------------------------------------------

pub(crate) fn create_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let customer = args.owned("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    tx.named(Kind::Customer, &customer, "customer")?;
    let at = tx.time_of(&customer);
    let priced = args.object("pricing").and_then(|pricing| pricing.text("price"));
    let price = match (priced, args.object("price_data")) {
        (Some(id), _) => {
            let price = tx.named(Kind::Price, id, "pricing[price]")?;
            Value::Object((*price).clone())
        }
        (None, Some(data)) => {
            let id = super::prices::create_inline(tx, &data.clone(), "price_data")?;
            tx.json(&id)
        }
        (None, None) => Value::Null,
    };
    let quantity = args.int("quantity").unwrap_or(1);
    let amount = match (args.int("amount"), args.text("unit_amount_decimal"), price.is_null()) {
        (Some(amount), _, _) => amount,
        (None, Some(unit), _) => lines::times(unit, quantity),
        (None, None, false) => lines::full_amount(&price, quantity),
        (None, None, true) => return Err(ApiError::parameter_missing("amount")),
    };
    let currency = args
        .owned("currency")
        .or_else(|| price.owned("currency"))
        .or_else(|| tx.read(&customer).owned("currency"))
        .unwrap_or_else(|| "usd".to_owned());
    let name = if price.is_null() { None } else { Some(lines::product_name(tx, &price)) };
    let period = args.object("period").map_or((at, at), |period| {
        (period.int("start").unwrap_or(at), period.int("end").unwrap_or(at))
    });
    let line = Line {
        amount,
        description: args.owned("description").or(name).unwrap_or_default(),
        period,
        quantity,
        price,
        subscription: args.owned("subscription"),
        ..Line::default()
    };
    let invoice = args.owned("invoice");
    if let Some(invoice) = &invoice {
        tx.named(Kind::Invoice, invoice, "invoice")?;
        in_status(tx, invoice, &["draft"], "The invoice is no longer a draft.")?;
    }
    let id = lines::new_item(tx, &customer, &currency, &line, invoice.as_deref(), args);
    if let Some(invoice) = invoice {
        add_line(tx, &invoice, &id, &currency);
    }
    Ok(tx.json(&id))
}

/// Puts an item on a draft and counts the draft's totals anew.
fn add_line(tx: &mut Tx<'_>, invoice: &str, item: &str, currency: &str) {
    let line = lines::of_item(tx, item);
    let shown = lines::json(tx, &line, invoice, currency);
    let changed = tx.edit(invoice, |invoice| {
        if let Some(list) = invoice.get_mut("lines") {
            let count = list.items("data").len() + 1;
            list["total_count"] = json!(count);
            if let Some(data) = list.get_mut("data").and_then(Value::as_array_mut) {
                data.push(shown);
            }
        }
        let total = invoice.amount("total") + line.amount;
        for key in ["total", "subtotal", "total_excluding_tax", "subtotal_excluding_tax"] {
            invoice.insert(key.to_owned(), json!(total));
        }
        let due = (total + invoice.amount("starting_balance")).max(0);
        invoice.insert("amount_due".to_owned(), json!(due));
        invoice.insert("amount_remaining".to_owned(), json!(due));
    });
    tx.emit_if_changed("invoice.updated", invoice, changed);
}

pub(crate) fn list_items(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let pending = call.args.flag("pending");
    lists::page(tx, Kind::InvoiceItem, call.args, &["customer", "invoice"], |item| {
        pending.is_none_or(|pending| item.text("invoice").is_none() == pending)
    })
}

pub(crate) fn retrieve_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::InvoiceItem, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let item = tx.at_path(Kind::InvoiceItem, call.id())?;
    let args = call.args;
    if item.text("invoice").is_some() && args.keys().any(|key| key != "metadata") {
        return Err(ApiError::invalid("This invoice item is already on an invoice."));
    }
    tx.edit(call.id(), |item| {
        for key in ["amount", "description", "quantity"] {
            if let Some(value) = args.get(key) {
                item.insert(key.to_owned(), value.clone());
            }
        }
        let amount = item.amount("amount");
        item.insert("net_amount".to_owned(), json!(amount));
        cards::merge_metadata(item, args);
    });
    Ok(tx.json(call.id()))
}

pub(crate) fn delete_item(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let item = tx.at_path(Kind::InvoiceItem, call.id())?;
    if item.text("invoice").is_some() {
        return Err(ApiError::invalid("You cannot delete an invoice item that is on an invoice."));
    }
    let customer = item.owned("customer").unwrap_or_default();
    lines::forget(tx, &customer, &[call.id().to_owned()]);
    tx.emit("invoiceitem.deleted", call.id());
    tx.state.objects.remove(call.id());
    Ok(json!({"id": call.id(), "object": "invoiceitem", "deleted": true}))
}
