//! Owns the life of a subscription: created, billed, changed, ended, on request and over time.
//! Never takes money itself; that is `invoices` and `payments`.
//! Start at `create.rs`, then `change.rs` and `time.rs`.

mod change;
mod create;
pub(crate) mod items;
mod time;

use serde_json::{Value, json};

pub(crate) use change::{add_item, plan, update};
pub(crate) use create::{NewSubscription, create, insert, preview_new};
pub(crate) use time::{
    cancel_due, incomplete_expired, pause_ends, pending_expired, period_end, plan_period,
    renewal_lines, trial_will_end, upcoming,
};

use super::{cards, invoices, lines};
use crate::protocol::ApiError;
use crate::state::{Fields, Kind, Object, Tx};

/// Sets the status and says so, unless it is that already.
pub(crate) fn set_status(tx: &mut Tx<'_>, id: &str, status: &str) {
    let changed = tx.set(id, "status", status);
    tx.emit_if_changed("customer.subscription.updated", id, changed);
}

/// Ends a subscription now. `reason` is `cancellation_requested` or `payment_failed`.
pub(crate) fn end(tx: &mut Tx<'_>, id: &str, reason: &str, details: Option<&Object>) {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let at = tx.time_of(&customer);
    tx.edit(id, |object| {
        object.insert("status".to_owned(), json!("canceled"));
        object.insert("ended_at".to_owned(), json!(at));
        if object.int("canceled_at").is_none() {
            object.insert("canceled_at".to_owned(), json!(at));
        }
        object.insert("pending_update".to_owned(), Value::Null);
        put_details(object, Some(reason), details);
    });
    for invoice in tx.ids_by(Kind::Invoice, "subscription", id) {
        let status = tx.read(&invoice).owned("status");
        if matches!(status.as_deref(), Some("open" | "draft")) {
            // Nothing of a dead subscription is collected by itself any more.
            tx.edit(&invoice, |object| {
                object.insert("auto_advance".to_owned(), json!(false));
                object.insert("next_payment_attempt".to_owned(), Value::Null);
            });
        }
    }
    tx.emit("customer.subscription.deleted", id);
    if let Some(schedule) = subscription.owned("schedule") {
        super::schedules::subscription_ended(tx, &schedule);
    }
}

/// Merges cancellation details; a reason that is already there stays.
pub(crate) fn put_details(object: &mut Object, reason: Option<&str>, given: Option<&Object>) {
    let old = object.object("cancellation_details").cloned().unwrap_or_default();
    let pick = |key: &str| match given.and_then(|given| given.get(key)) {
        Some(value) => value.clone(),
        None => old.copy(key),
    };
    let details = json!({
        "comment": pick("comment"),
        "feedback": pick("feedback"),
        "feedback_option": null,
        "reason": reason.map_or_else(|| old.copy("reason"), |reason| json!(reason)),
    });
    object.insert("cancellation_details".to_owned(), details);
}

/// `DELETE /v1/subscriptions/{id}`: ends it now, with a credit for the rest if asked.
pub(crate) fn cancel(tx: &mut Tx<'_>, id: &str, args: &Object) {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let currency = subscription.owned("currency").unwrap_or_default();
    let at = tx.time_of(&customer);
    if args.flag("prorate") == Some(true) {
        for line in unused(tx, &subscription, at) {
            lines::new_item(tx, &customer, &currency, &line, None, &Object::new());
        }
    }
    if args.flag("invoice_now") == Some(true) {
        let pending = lines::pending(tx, &customer, Some(id), &currency);
        if !pending.is_empty() {
            let lines = pending.iter().map(|item| lines::of_item(tx, item)).collect();
            let invoice = invoices::draft(
                tx,
                &invoices::NewInvoice {
                    customer: &customer,
                    subscription: Some(id),
                    reason: "subscription_update",
                    currency: &currency,
                    lines,
                    period: (at, at),
                    auto_advance: true,
                    ..Default::default()
                },
            );
            tx.set(id, "latest_invoice", invoice.as_str());
            invoices::advance(tx, &invoice);
        }
    }
    end(tx, id, "cancellation_requested", args.object("cancellation_details"));
}

/// The credits for what is left of a paid period when it ends at `at`.
pub(crate) fn unused(tx: &Tx<'_>, subscription: &Value, at: i64) -> Vec<lines::Line> {
    if subscription.text("status") != Some("active") {
        return Vec::new();
    }
    let id = subscription.text("id").unwrap_or_default();
    let period = items::period(subscription);
    let all = items::of(subscription);
    all.iter().map(|item| change::credit(tx, id, item, period, at)).collect()
}

/// An invoice of the subscription was paid.
pub(crate) fn invoice_paid(tx: &mut Tx<'_>, id: &str, invoice: &str) {
    let subscription = tx.json(id);
    if subscription.object("pending_update").is_some() {
        change::apply_pending(tx, id, invoice);
        return;
    }
    let status = subscription.text("status").unwrap_or_default();
    let latest = subscription.text("latest_invoice") == Some(invoice);
    if latest && matches!(status, "incomplete" | "past_due" | "unpaid") {
        if status == "incomplete" {
            remember_method(tx, id, invoice);
        }
        let trialing = subscription
            .int("trial_end")
            .is_some_and(|end| end > tx.time_of(subscription.text("customer").unwrap_or_default()));
        set_status(tx, id, if trialing { "trialing" } else { "active" });
    }
}

/// `payment_settings.save_default_payment_method=on_subscription` keeps the card that paid first.
pub(crate) fn remember_method(tx: &mut Tx<'_>, id: &str, invoice: &str) {
    let save = tx.read(id).copy("payment_settings");
    if save.text("save_default_payment_method") != Some("on_subscription") {
        return;
    }
    let method = invoices::open_intent(tx, invoice)
        .and_then(|intent| tx.read(&intent).owned("payment_method"));
    if let Some(method) = method {
        tx.set(id, "default_payment_method", method);
    }
}

/// An attempt to collect an invoice of the subscription failed.
pub(crate) fn invoice_failed(tx: &mut Tx<'_>, id: &str, invoice: &str) {
    let subscription = tx.json(id);
    if subscription.object("pending_update").is_some() {
        return;
    }
    let latest = subscription.text("latest_invoice") == Some(invoice);
    if latest && matches!(subscription.text("status"), Some("active" | "trialing")) {
        set_status(tx, id, "past_due");
    }
}

/// `POST /v1/subscriptions/{id}/resume` for a paused subscription: a new period starts now.
///
/// # Errors
/// 400 when it is not paused.
pub(crate) fn resume(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let subscription = tx.json(id);
    if subscription.text("status") != Some("paused") {
        return Err(ApiError::invalid(
            "You cannot resume this subscription because it is not paused.",
        ));
    }
    let customer = subscription.owned("customer").unwrap_or_default();
    let at = tx.time_of(&customer);
    if cards::default_for(tx, &customer, Some(id)).is_none() {
        return Err(invoices::no_method());
    }
    time::start_period(tx, id, at, at, "subscription_update");
    Ok(())
}
