//! What time does to a subscription: renewals, ends of trials, planned ends, expiries.

use serde_json::{Value, json};

use super::items::{self, Item};
use super::{end, set_status};
use crate::flows::invoices::{self, NewInvoice};
use crate::flows::lines::{self, Line};
use crate::flows::{cards, schedules};
use crate::state::{Due, Fields, Tx};

const TRIAL_NOTICE: i64 = 3 * 86_400;

/// Plans what follows from the period the subscription is in.
pub(crate) fn plan_period(tx: &mut Tx<'_>, id: &str) {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let (start, until) = items::period(&subscription);
    tx.schedule(&customer, until, Due::PeriodEnd(id.to_owned()));
    if subscription.int("trial_end") == Some(until) {
        if until - TRIAL_NOTICE > start {
            tx.schedule(&customer, until - TRIAL_NOTICE, Due::TrialWillEnd(id.to_owned()));
        }
        return;
    }
    let notice = tx.state.policy.upcoming_days * 86_400;
    if notice > 0 && until - notice > start {
        tx.schedule(&customer, until - notice, Due::InvoiceUpcoming(id.to_owned()));
    }
}

/// A trial shorter than the notice is announced with its beginning.
pub(crate) fn announce_trial_end(tx: &mut Tx<'_>, id: &str) {
    let subscription = tx.json(id);
    let (start, until) = items::period(&subscription);
    if subscription.int("trial_end") == Some(until) && until - TRIAL_NOTICE <= start {
        tx.emit("customer.subscription.trial_will_end", id);
    }
}

/// Three days before a trial ends.
pub(crate) fn trial_will_end(tx: &mut Tx<'_>, id: &str, at: i64) {
    let subscription = tx.json(id);
    if subscription.text("status") == Some("trialing")
        && subscription.int("trial_end") == Some(at + TRIAL_NOTICE)
    {
        tx.emit("customer.subscription.trial_will_end", id);
    }
}

/// Some days before a renewal: the invoice as it will be, without an id.
pub(crate) fn upcoming(tx: &mut Tx<'_>, id: &str, at: i64) {
    let subscription = tx.json(id);
    let (_, until) = items::period(&subscription);
    let notice = tx.state.policy.upcoming_days * 86_400;
    let ends = subscription.int("cancel_at").is_some_and(|moment| moment <= until);
    let alive = matches!(subscription.text("status"), Some("active" | "past_due"));
    if !alive || until != at + notice || ends {
        return;
    }
    let mut invoice = preview_renewal(tx, id);
    if let Some(object) = invoice.as_object_mut() {
        object.remove("id");
        let object = std::sync::Arc::new(object.clone());
        tx.emit_object("invoice.upcoming", object, crate::state::Diff::default());
    }
}

/// The next renewal's invoice, pending items included.
pub(crate) fn preview_renewal(tx: &mut Tx<'_>, id: &str) -> Value {
    let subscription = tx.json(id);
    let (start, until) = items::period(&subscription);
    let customer = subscription.owned("customer").unwrap_or_default();
    let currency = subscription.owned("currency").unwrap_or_default();
    let items = items::of(&subscription);
    let next = items.first().map_or(until, |item| {
        item.cadence().next_boundary(subscription.amount("billing_cycle_anchor"), until)
    });
    let mut all: Vec<Line> = lines::pending(tx, &customer, Some(id), &currency)
        .iter()
        .map(|item| lines::of_item(tx, item))
        .collect();
    all.extend(renewal_lines(tx, id, &items, (until, next)));
    invoices::preview(
        tx,
        &NewInvoice {
            customer: &customer,
            subscription: Some(id),
            reason: "subscription_cycle",
            currency: &currency,
            lines: all,
            period: (start, until),
            auto_advance: true,
            ..NewInvoice::default()
        },
    )
}

/// The lines of a whole period.
pub(crate) fn renewal_lines(
    tx: &Tx<'_>,
    id: &str,
    items: &[Item],
    period: (i64, i64),
) -> Vec<Line> {
    items
        .iter()
        .map(|item| Line {
            amount: item.amount(),
            description: lines::period_words(tx, &item.price, item.quantity),
            period,
            quantity: item.quantity,
            price: item.price.clone(),
            subscription: Some(id.to_owned()),
            subscription_item: Some(item.id.clone()),
            ..Line::default()
        })
        .collect()
}

/// The current period ends at `at`.
pub(crate) fn period_end(tx: &mut Tx<'_>, id: &str, at: i64) {
    let subscription = tx.json(id);
    let status = subscription.owned("status").unwrap_or_default();
    if items::period(&subscription).1 != at
        || !matches!(status.as_str(), "active" | "trialing" | "past_due" | "unpaid" | "paused")
    {
        return;
    }
    if subscription.int("cancel_at").is_some_and(|moment| moment <= at) {
        end(tx, id, "cancellation_requested", None);
        return;
    }
    if let Some(schedule) = subscription.owned("schedule")
        && schedules::boundary(tx, &schedule, at) == schedules::Boundary::Ended
    {
        return;
    }
    if status == "trialing" && !has_method(tx, &subscription) {
        let behavior = subscription.copy("trial_settings").copy("end_behavior");
        match behavior.text("missing_payment_method") {
            Some("cancel") => {
                end(tx, id, "cancellation_requested", None);
                return;
            }
            Some("pause") => {
                set_status(tx, id, "paused");
                tx.emit("customer.subscription.paused", id);
                return;
            }
            _ => {}
        }
    }
    let anchor = tx.read(id).amount("billing_cycle_anchor");
    start_period(tx, id, at, anchor, "subscription_cycle");
}

fn has_method(tx: &Tx<'_>, subscription: &Value) -> bool {
    let customer = subscription.text("customer").unwrap_or_default();
    subscription.text("collection_method") == Some("send_invoice")
        || cards::default_for(tx, customer, subscription.text("id")).is_some()
}

/// A new period begins at `at`: the items move on, the update is announced, then its draft
/// invoice, which is finalised about an hour later.
pub(crate) fn start_period(tx: &mut Tx<'_>, id: &str, at: i64, anchor: i64, reason: &str) {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let currency = subscription.owned("currency").unwrap_or_default();
    let new = items::of(&subscription);
    let (old_start, _) = items::period(&subscription);
    let Some(cadence) = new.first().map(Item::cadence) else { return };
    let period = (at, cadence.next_boundary(anchor, at));
    let status = subscription.owned("status").unwrap_or_default();
    let pause = subscription.copy("pause_collection");
    let mut all = renewal_lines(tx, id, &new, period);
    for item in lines::pending(tx, &customer, Some(id), &currency) {
        all.push(lines::of_item(tx, &item));
    }
    let mark = tx.mark();
    let due_days = subscription.int("days_until_due");
    let collection = subscription.owned("collection_method").unwrap_or_default();
    let advances = status != "unpaid" && pause.text("behavior") != Some("keep_as_draft");
    let invoice = invoices::draft(
        tx,
        &NewInvoice {
            customer: &customer,
            subscription: Some(id),
            reason,
            currency: &currency,
            lines: all,
            period: (old_start, at),
            auto_advance: advances,
            collection_method: Some(&collection),
            due_date: due_days.map(|days| at + days * 86_400),
            ..NewInvoice::default()
        },
    );
    let changed = tx.edit(id, |object| {
        items::put(object, &new, period);
        object.insert("billing_cycle_anchor".to_owned(), json!(anchor));
        object.insert("latest_invoice".to_owned(), json!(invoice));
        if matches!(status.as_str(), "trialing" | "paused") {
            object.insert("status".to_owned(), json!("active"));
        }
        if object.flag("cancel_at_period_end") == Some(true) {
            object.insert("cancel_at".to_owned(), json!(period.1));
        }
    });
    tx.emit_changed("customer.subscription.updated", id, changed);
    if status == "paused" {
        tx.emit("customer.subscription.resumed", id);
    }
    tx.order_events(
        mark,
        &["customer.subscription.updated", "customer.subscription.resumed", "invoice.created"],
    );
    match pause.text("behavior") {
        Some("void") => invoices::close(tx, &invoice, "void"),
        Some("mark_uncollectible") => {
            invoices::finalize(tx, &invoice);
            invoices::close(tx, &invoice, "uncollectible");
        }
        _ if advances => invoices::finalize_later(tx, &invoice),
        _ => {}
    }
    plan_period(tx, id);
}

/// `cancel_at` within a period.
pub(crate) fn cancel_due(tx: &mut Tx<'_>, id: &str, at: i64) {
    let subscription = tx.json(id);
    let over = matches!(subscription.text("status"), Some("canceled" | "incomplete_expired"));
    // At a period's end the period's own work decides, so that a schedule is heard first.
    if !over && subscription.int("cancel_at") == Some(at) && items::period(&subscription).1 != at {
        end(tx, id, "cancellation_requested", None);
    }
}

/// 23 hours without a first payment.
pub(crate) fn incomplete_expired(tx: &mut Tx<'_>, id: &str) {
    let subscription = tx.json(id);
    if subscription.text("status") != Some("incomplete") {
        return;
    }
    let at = tx.time_of(subscription.text("customer").unwrap_or_default());
    let changed = tx.edit(id, |object| {
        object.insert("status".to_owned(), json!("incomplete_expired"));
        object.insert("ended_at".to_owned(), json!(at));
        object.insert("canceled_at".to_owned(), json!(at));
    });
    if let Some(invoice) = subscription.owned("latest_invoice")
        && tx.read(&invoice).text("status") == Some("open")
    {
        invoices::close(tx, &invoice, "void");
    }
    tx.emit_changed("customer.subscription.updated", id, changed);
}

/// A waiting change was not paid in time: it is dropped with its invoice.
pub(crate) fn pending_expired(tx: &mut Tx<'_>, id: &str, at: i64) {
    let subscription = tx.json(id);
    if subscription.copy("pending_update").int("expires_at") != Some(at) {
        return;
    }
    let changed = tx.set(id, "pending_update", Value::Null);
    if let Some(invoice) = subscription.owned("latest_invoice")
        && tx.read(&invoice).text("status") == Some("open")
    {
        invoices::close(tx, &invoice, "void");
    }
    tx.emit("customer.subscription.pending_update_expired", id);
    tx.emit_changed("customer.subscription.updated", id, changed);
}

/// `pause_collection.resumes_at`.
pub(crate) fn pause_ends(tx: &mut Tx<'_>, id: &str, at: i64) {
    if tx.read(id).copy("pause_collection").int("resumes_at") == Some(at) {
        let changed = tx.set(id, "pause_collection", Value::Null);
        tx.emit_changed("customer.subscription.updated", id, changed);
    }
}
