//! Subscription schedules: phases that take over at their boundaries.

use serde_json::{Value, json};

use super::cards::metadata;
use super::subscriptions::{self, items};
use crate::protocol::ApiError;
use crate::state::{Due, Fields, Kind, Object, Tx};

/// What a schedule made of a period's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// The subscription goes on, perhaps with other items.
    Continues,
    /// The subscription has been ended.
    Ended,
}

/// Makes a schedule that keeps a subscription as it is, in one phase.
///
/// # Errors
/// 400 when the subscription has ended or already has a schedule.
pub(crate) fn from_subscription(tx: &mut Tx<'_>, id: &str) -> Result<String, ApiError> {
    let subscription = tx.named(Kind::Subscription, id, "from_subscription")?;
    let subscription = Value::Object((*subscription).clone());
    if let Some(schedule) = subscription.text("schedule") {
        return Err(ApiError::invalid(format!(
            "You cannot migrate a subscription that is already attached to a schedule: {schedule}."
        )));
    }
    if matches!(subscription.text("status"), Some("canceled" | "incomplete_expired")) {
        return Err(ApiError::invalid(
            "You cannot migrate a subscription that is already in a terminal status.",
        ));
    }
    let phase = present_phase(&subscription);
    let customer = subscription.owned("customer").unwrap_or_default();
    let schedule = insert(tx, &customer, vec![phase], "release", Some(id), &Object::new());
    tx.set(id, "schedule", schedule.as_str());
    tx.emit("subscription_schedule.created", &schedule);
    Ok(schedule)
}

fn present_phase(subscription: &Value) -> Value {
    let (start, end) = items::period(subscription);
    let items: Vec<Value> = items::of(subscription)
        .iter()
        .map(|item| phase_item(&item.price, item.quantity, &item.metadata))
        .collect();
    let mut phase = empty_phase(subscription.text("currency").unwrap_or("usd"), start, end);
    phase["items"] = Value::Array(items);
    phase["trial_end"] = subscription.copy("trial_end");
    phase["metadata"] = subscription.copy("metadata");
    phase
}

fn phase_item(price: &Value, quantity: i64, metadata: &Value) -> Value {
    json!({
        "billing_thresholds": null,
        "discounts": [],
        "metadata": if metadata.is_null() { json!({}) } else { metadata.clone() },
        "plan": price.copy("id"),
        "price": price.copy("id"),
        "quantity": quantity,
        "tax_rates": [],
    })
}

fn empty_phase(currency: &str, start: i64, end: i64) -> Value {
    json!({
        "add_invoice_items": [],
        "application_fee_percent": null,
        "billing_cycle_anchor": null,
        "billing_thresholds": null,
        "collection_method": null,
        "currency": currency,
        "default_payment_method": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "end_date": end,
        "invoice_settings": null,
        "items": [],
        "metadata": {},
        "on_behalf_of": null,
        "proration_behavior": "create_prorations",
        "start_date": start,
        "transfer_data": null,
        "trial_end": null,
    })
}

fn insert(
    tx: &mut Tx<'_>,
    customer: &str,
    phases: Vec<Value>,
    end_behavior: &str,
    subscription: Option<&str>,
    args: &Object,
) -> String {
    let id = tx.state.ids.id("sub_sched_1").replacen("sched_1_", "sched_1", 1);
    let created = tx.time_of(customer);
    let first = phases.first().cloned().unwrap_or(Value::Null);
    let current = subscription.map(
        |_| json!({"end_date": first.copy("end_date"), "start_date": first.copy("start_date")}),
    );
    let json = json!({
        "id": id,
        "object": "subscription_schedule",
        "application": null,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "canceled_at": null,
        "completed_at": null,
        "created": created,
        "current_phase": current,
        "customer": customer,
        "customer_account": null,
        "default_settings": {
            "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": null,
            "collection_method": "charge_automatically",
            "default_payment_method": null,
            "default_source": null,
            "description": null,
            "invoice_settings": {"account_tax_ids": null, "custom_fields": null,
                "days_until_due": null, "description": null, "footer": null,
                "issuer": {"type": "self"}},
            "on_behalf_of": null,
            "transfer_data": null,
        },
        "end_behavior": end_behavior,
        "livemode": tx.livemode,
        "metadata": metadata(args),
        "phases": phases,
        "released_at": null,
        "released_subscription": null,
        "renewal_interval": null,
        "status": if subscription.is_some() { "active" } else { "not_started" },
        "subscription": subscription,
        "test_clock": tx.clock_of(customer),
    });
    tx.insert(Kind::Schedule, json);
    id
}

/// `POST /v1/subscription_schedules` with a customer and phases of its own.
///
/// # Errors
/// 400 for parameters that make no sense.
pub(crate) fn create(tx: &mut Tx<'_>, args: &Object) -> Result<String, ApiError> {
    let customer = args.owned("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    tx.named(Kind::Customer, &customer, "customer")?;
    let now = tx.time_of(&customer);
    let start = args.int("start_date").unwrap_or(now).max(now);
    let phases = read_phases(tx, args.items("phases"), start)?;
    if phases.is_empty() {
        return Err(ApiError::parameter_missing("phases"));
    }
    let behavior = args.text("end_behavior").unwrap_or("release").to_owned();
    let id = insert(tx, &customer, phases, &behavior, None, args);
    tx.emit("subscription_schedule.created", &id);
    if start <= now {
        begin(tx, &id);
    } else {
        tx.schedule(&customer, start, Due::SchedulePhase(id.clone()));
    }
    Ok(id)
}

/// The first phase of a schedule begins: its subscription is made.
pub(crate) fn begin(tx: &mut Tx<'_>, id: &str) {
    let schedule = tx.json(id);
    if schedule.text("status") != Some("not_started") {
        return;
    }
    let Some(phase) = schedule.items("phases").first().cloned() else { return };
    let mut args = Object::new();
    args.insert("customer".to_owned(), schedule.copy("customer"));
    args.insert("items".to_owned(), Value::Array(bare_items(&phase)));
    args.insert("metadata".to_owned(), phase.copy("metadata"));
    args.insert("payment_behavior".to_owned(), json!("default_incomplete"));
    // Time cannot be told of a refusal; a schedule that cannot begin stays not_started.
    let Ok(subscription) = subscriptions::create(tx, &args) else { return };
    tx.set(&subscription, "schedule", id);
    if let Some(invoice) = tx.read(&subscription).owned("latest_invoice")
        && tx.read(&invoice).text("status") == Some("open")
    {
        super::invoices::collect(tx, &invoice, None, true, false);
    }
    let changed = tx.edit(id, |schedule| {
        schedule.insert("status".to_owned(), json!("active"));
        schedule.insert("subscription".to_owned(), json!(subscription));
        schedule.insert(
            "current_phase".to_owned(),
            json!({"end_date": phase.copy("end_date"), "start_date": phase.copy("start_date")}),
        );
    });
    tx.emit_changed("subscription_schedule.updated", id, changed);
    plan_boundary(tx, id);
}

fn bare_items(phase: &Value) -> Vec<Value> {
    phase
        .items("items")
        .iter()
        .map(|item| {
            json!({"price": item.copy("price"), "quantity": item.int("quantity").unwrap_or(1)})
        })
        .collect()
}

fn read_phases(tx: &mut Tx<'_>, given: &[Value], first_start: i64) -> Result<Vec<Value>, ApiError> {
    let mut phases = Vec::new();
    let mut start = first_start;
    for (at, phase) in given.to_vec().iter().enumerate() {
        let here = format!("phases[{at}]");
        if phase.items("items").is_empty() {
            return Err(ApiError::parameter_missing(&format!("{here}[items]")));
        }
        let mut shown = Vec::new();
        let mut cadence = None;
        let mut currency = "usd".to_owned();
        for (index, item) in phase.items("items").to_vec().iter().enumerate() {
            let empty = Object::new();
            let item = item.as_object().unwrap_or(&empty);
            let place = format!("{here}[items][{index}]");
            let price = items::price(tx, item, &place)?
                .ok_or_else(|| ApiError::parameter_missing(&format!("{place}[price]")))?;
            cadence = Some(items::cadence(&price));
            currency = price.owned("currency").unwrap_or(currency);
            let quantity = item.int("quantity").unwrap_or(1);
            shown.push(phase_item(&price, quantity, &metadata(item)));
        }
        if let Some(given) = phase.int("start_date") {
            start = given;
        }
        let end = match (phase.int("end_date"), phase.object("duration")) {
            (Some(end), _) => end,
            (None, Some(duration)) => crate::rules::calendar::Cadence::new(
                duration.text("interval").unwrap_or("month"),
                duration.int("interval_count").unwrap_or(1),
            )
            .after(start, 1),
            (None, None) => cadence.map_or(start, |cadence| cadence.after(start, 1)),
        };
        if end <= start {
            return Err(ApiError::invalid("The `end_date` of a phase must be after its start.")
                .at(format!("{here}[end_date]")));
        }
        let mut json = empty_phase(&currency, start, end);
        json["items"] = Value::Array(shown);
        json["metadata"] = phase.as_object().map_or(json!({}), metadata);
        json["trial_end"] = match phase.copy("trial_end") {
            end @ Value::Number(_) => end,
            _ => Value::Null,
        };
        if let Some(behavior) = phase.text("proration_behavior") {
            json["proration_behavior"] = json!(behavior);
        }
        phases.push(json);
        start = end;
    }
    Ok(phases)
}

/// `POST /v1/subscription_schedules/{id}`.
///
/// # Errors
/// 400 for phases that make no sense, or a schedule that is over.
pub(crate) fn update(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<(), ApiError> {
    let schedule = tx.json(id);
    require_open(&schedule, "updated")?;
    let phases = if args.contains_key("phases") {
        let first = schedule.items("phases").first().cloned().unwrap_or(Value::Null);
        Some(read_phases(tx, args.items("phases"), first.amount("start_date"))?)
    } else {
        None
    };
    let customer = schedule.owned("customer").unwrap_or_default();
    let now = tx.time_of(&customer);
    let changed = tx.edit(id, |schedule| {
        super::cards::merge_metadata(schedule, args);
        if let Some(behavior) = args.text("end_behavior") {
            schedule.insert("end_behavior".to_owned(), json!(behavior));
        }
        if let Some(phases) = phases {
            let current = phases
                .iter()
                .find(|phase| phase.amount("start_date") <= now && now < phase.amount("end_date"));
            if let Some(current) = current
                && schedule.text("status") == Some("active")
            {
                schedule.insert(
                    "current_phase".to_owned(),
                    json!({"end_date": current.copy("end_date"),
                           "start_date": current.copy("start_date")}),
                );
            }
            schedule.insert("phases".to_owned(), Value::Array(phases));
        }
    });
    tx.emit_if_changed("subscription_schedule.updated", id, changed);
    plan_boundary(tx, id);
    Ok(())
}

fn require_open(schedule: &Value, verb: &str) -> Result<(), ApiError> {
    let status = schedule.text("status").unwrap_or_default();
    if matches!(status, "active" | "not_started") {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "You cannot update a subscription schedule that is currently in the `{status}` status. It \
         cannot be {verb}."
    )))
}

fn plan_boundary(tx: &mut Tx<'_>, id: &str) {
    let schedule = tx.json(id);
    let customer = schedule.owned("customer").unwrap_or_default();
    if let Some(end) = schedule.copy("current_phase").int("end_date") {
        tx.schedule(&customer, end, Due::SchedulePhase(id.to_owned()));
    }
}

/// Work at a moment: a schedule begins, or a phase ends away from a period's end.
pub(crate) fn phase_due(tx: &mut Tx<'_>, id: &str, at: i64) {
    let schedule = tx.json(id);
    match schedule.text("status") {
        Some("not_started") => begin(tx, id),
        Some("active") => {
            let subscription = schedule.owned("subscription").unwrap_or_default();
            // At the period's end the renewal asks for the boundary itself.
            if items::period(&tx.json(&subscription)).1 != at {
                boundary(tx, id, at);
            }
        }
        _ => {}
    }
}

/// A phase may end at `at`: the next one takes over, or the schedule is over.
pub(crate) fn boundary(tx: &mut Tx<'_>, id: &str, at: i64) -> Boundary {
    let schedule = tx.json(id);
    if schedule.text("status") != Some("active")
        || schedule.copy("current_phase").int("end_date") != Some(at)
    {
        return Boundary::Continues;
    }
    let subscription = schedule.owned("subscription").unwrap_or_default();
    let next =
        schedule.items("phases").iter().find(|phase| phase.int("start_date") == Some(at)).cloned();
    match next {
        Some(phase) => {
            take_over(tx, &subscription, &phase, at);
            let changed = tx.edit(id, |schedule| {
                schedule.insert(
                    "current_phase".to_owned(),
                    json!({"end_date": phase.copy("end_date"),
                           "start_date": phase.copy("start_date")}),
                );
            });
            tx.emit_changed("subscription_schedule.updated", id, changed);
            plan_boundary(tx, id);
            Boundary::Continues
        }
        None if schedule.text("end_behavior") == Some("cancel") => {
            finish(tx, id, "completed", "completed_at", at);
            tx.emit("subscription_schedule.completed", id);
            subscriptions::end(tx, &subscription, "cancellation_requested", None);
            Boundary::Ended
        }
        None => {
            release_at(tx, id, at);
            Boundary::Continues
        }
    }
}

/// A phase's items replace the subscription's: free of proration where a period begins, as an
/// ordinary change in the middle of one.
fn take_over(tx: &mut Tx<'_>, subscription: &str, phase: &Value, at: i64) {
    let object = tx.json(subscription);
    let old = items::of(&object);
    let at_boundary = items::period(&object).1 == at;
    let mut changes: Vec<Value> = Vec::new();
    let wanted = bare_items(phase);
    for (index, item) in wanted.iter().enumerate() {
        let mut change = item.clone();
        if let Some(known) = old.get(index) {
            change["id"] = json!(known.id);
        }
        changes.push(change);
    }
    for surplus in old.iter().skip(wanted.len()) {
        changes.push(json!({"id": surplus.id, "deleted": true}));
    }
    let mut args = Object::new();
    args.insert("items".to_owned(), Value::Array(changes));
    let behavior = if at_boundary {
        "none"
    } else {
        phase.text("proration_behavior").unwrap_or("create_prorations")
    };
    args.insert("proration_behavior".to_owned(), json!(behavior));
    if !at_boundary {
        // A refusal here would be one of the phase's own parameters, checked when it was made.
        let _ = subscriptions::update(tx, subscription, &args);
        return;
    }
    let Ok(plan) = subscriptions::plan(tx, subscription, &args) else { return };
    let period = items::period(&object);
    let anchor = if plan.reset { at } else { object.amount("billing_cycle_anchor") };
    tx.edit(subscription, |object| {
        items::put(object, &plan.items, period);
        object.insert("billing_cycle_anchor".to_owned(), json!(anchor));
    });
    items::remember(tx, subscription);
}

fn finish(tx: &mut Tx<'_>, id: &str, status: &str, step: &str, at: i64) {
    let subscription = tx.read(id).owned("subscription");
    tx.edit(id, |schedule| {
        schedule.insert("status".to_owned(), json!(status));
        schedule.insert(step.to_owned(), json!(at));
        schedule.insert("current_phase".to_owned(), Value::Null);
        if status == "released" {
            let subscription = schedule.copy("subscription");
            schedule.insert("released_subscription".to_owned(), subscription);
            schedule.insert("subscription".to_owned(), Value::Null);
        }
    });
    if let Some(subscription) = subscription {
        tx.set(&subscription, "schedule", Value::Null);
    }
}

fn release_at(tx: &mut Tx<'_>, id: &str, at: i64) {
    finish(tx, id, "released", "released_at", at);
    tx.emit("subscription_schedule.released", id);
}

/// `POST …/release`: the subscription goes on without its schedule.
///
/// # Errors
/// 400 when the schedule is over.
pub(crate) fn release(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let schedule = tx.json(id);
    require_open(&schedule, "released")?;
    let at = tx.time_of(schedule.text("customer").unwrap_or_default());
    let subscription = schedule.owned("subscription");
    release_at(tx, id, at);
    if let Some(subscription) = subscription {
        let mut before = Object::new();
        before.insert("schedule".to_owned(), json!(id));
        let changed = crate::state::Diff(before);
        tx.emit_changed("customer.subscription.updated", &subscription, changed);
    }
    Ok(())
}

/// `POST …/cancel`: schedule and subscription end.
///
/// # Errors
/// 400 when the schedule is over.
pub(crate) fn cancel(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let schedule = tx.json(id);
    require_open(&schedule, "canceled")?;
    let at = tx.time_of(schedule.text("customer").unwrap_or_default());
    let subscription = schedule.owned("subscription");
    finish(tx, id, "canceled", "canceled_at", at);
    tx.emit("subscription_schedule.canceled", id);
    if let Some(subscription) = subscription {
        subscriptions::end(tx, &subscription, "cancellation_requested", None);
    }
    Ok(())
}

/// The schedule's subscription ended by other means.
pub(crate) fn subscription_ended(tx: &mut Tx<'_>, id: &str) {
    let schedule = tx.json(id);
    if schedule.text("status") == Some("active") {
        let at = tx.time_of(schedule.text("customer").unwrap_or_default());
        finish(tx, id, "canceled", "canceled_at", at);
        tx.emit("subscription_schedule.canceled", id);
    }
}
