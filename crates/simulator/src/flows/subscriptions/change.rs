//! Changes of a running subscription: what they cost, when they are billed, when they are refused.

use serde_json::{Value, json};

use super::items::{self, Item};
use super::{create, plan_period, put_details};
use crate::flows::cards;
use crate::flows::invoices::{self, Collected, NewInvoice};
use crate::flows::lines::{self, Line};
use crate::flows::payments::hide;
use crate::protocol::ApiError;
use crate::rules::{calendar, money, proration};
use crate::state::{Diff, Due, Fields, Object, Tx, Verdict};

/// The order in which Stripe emits what a change causes.
const ORDER: &[&str] = &[
    "payment_method.attached",
    "invoiceitem.created",
    "invoice.created",
    "invoice.finalized",
    "customer.updated",
    "payment_intent.created",
    "payment_intent.requires_action",
    "charge.succeeded",
    "charge.failed",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.payment_succeeded",
    "invoice.paid",
    "invoice_payment.paid",
    "customer.subscription.updated",
];

/// What a change would do, computed without doing it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    /// Credits and debits for the rest of the period.
    pub(crate) prorations: Vec<Line>,
    /// Whole periods that begin now because the billing cycle starts anew.
    pub(crate) fresh: Vec<Line>,
    pub(crate) period: (i64, i64),
    pub(crate) anchor: i64,
    /// A new billing cycle starts with the change.
    pub(crate) reset: bool,
    /// `Some` when the trial's end moves: to a moment, or to "now" (`Some(None)`).
    pub(crate) trial_end: Option<Option<i64>>,
    pub(crate) date: i64,
    pub(crate) behavior: String,
}

impl Plan {
    /// Whether an invoice is made at once.
    pub(crate) fn invoices_now(&self) -> bool {
        self.reset || (self.behavior == "always_invoice" && !self.prorations.is_empty())
    }
}

/// The credit for the rest of an item's period.
pub(crate) fn credit(
    tx: &Tx<'_>,
    subscription: &str,
    item: &Item,
    period: (i64, i64),
    date: i64,
) -> Line {
    share_line(tx, subscription, item, period, date, "Unused", -item.amount())
}

fn share_line(
    tx: &Tx<'_>,
    subscription: &str,
    item: &Item,
    period: (i64, i64),
    date: i64,
    word: &str,
    full: i64,
) -> Line {
    let name = lines::product_name(tx, &item.price);
    let name = if item.quantity == 1 { name } else { format!("{} × {name}", item.quantity) };
    Line {
        amount: proration::share(full, period, date),
        description: format!("{word} time on {name} after {}", calendar::day_in_words(date)),
        period: (date, period.1),
        quantity: item.quantity,
        price: item.price.clone(),
        proration: true,
        subscription: Some(subscription.to_owned()),
        subscription_item: Some(item.id.clone()),
        ..Line::default()
    }
}

/// Computes what the parameters of an update (or of a preview's `subscription_details`) would do.
///
/// # Errors
/// 400 for items, prices, dates that make no sense.
pub(crate) fn plan(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<Plan, ApiError> {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let now = tx.time_of(&customer);
    let old = items::of(&subscription);
    let period = items::period(&subscription);
    let new = changed_items(tx, &old, args, now)?;
    let behavior = args.text("proration_behavior").unwrap_or("create_prorations").to_owned();
    let date = args.int("proration_date").unwrap_or(now);
    if date < period.0 || date > period.1 {
        return Err(ApiError::invalid(
            "Invalid `proration_date`: it must be within the current billing period.",
        )
        .at("proration_date"));
    }
    let trialing = subscription.text("status") == Some("trialing");
    let trial_end = match args.get("trial_end") {
        Some(Value::String(word)) if word == "now" => trialing.then_some(None),
        Some(Value::Number(end)) => Some(end.as_i64().filter(|end| *end > now)),
        _ => None,
    };
    let ends_trial = trial_end == Some(None);
    let cadence = new.first().map(Item::cadence);
    let old_cadence = old.first().map(Item::cadence);
    let total = |items: &[Item]| items.iter().map(Item::amount).sum::<i64>();
    let from_free = !trialing && total(&old) == 0 && total(&new) > 0;
    let in_trial = trialing && !ends_trial;
    let reset = !in_trial
        && (ends_trial
            || cadence != old_cadence
            || args.text("billing_cycle_anchor") == Some("now")
            || from_free);
    let mut plan = Plan {
        prorations: Vec::new(),
        fresh: Vec::new(),
        period,
        anchor: subscription.amount("billing_cycle_anchor"),
        reset,
        trial_end,
        date,
        behavior,
        items: new,
    };
    if let Some(Some(end)) = trial_end {
        plan.period = (now, end);
        plan.anchor = end;
        return Ok(plan);
    }
    if in_trial {
        return Ok(plan);
    }
    if reset {
        plan.anchor = now;
        plan.period = (now, cadence.map_or(period.1, |cadence| cadence.next_boundary(now, now)));
    }
    let prorates = plan.behavior != "none" && !trialing;
    for before in old.iter().filter(|_| prorates) {
        let after = plan.items.iter().find(|after| after.id == before.id);
        let same = after.is_some_and(|after| {
            after.price.text("id") == before.price.text("id") && after.quantity == before.quantity
        });
        if (reset || !same) && before.amount() != 0 {
            plan.prorations.push(credit(tx, id, before, period, date));
        }
        if !reset
            && !same
            && let Some(after) = after
        {
            plan.prorations.push(debit(tx, id, after, period, date));
        }
    }
    let added: Vec<Item> = plan
        .items
        .iter()
        .filter(|after| !old.iter().any(|before| before.id == after.id))
        .cloned()
        .collect();
    for item in added.iter().filter(|_| prorates && !reset) {
        plan.prorations.push(debit(tx, id, item, period, date));
    }
    if reset {
        plan.fresh = super::renewal_lines(tx, id, &plan.items, plan.period);
    }
    Ok(plan)
}

fn debit(tx: &Tx<'_>, id: &str, item: &Item, period: (i64, i64), date: i64) -> Line {
    share_line(tx, id, item, period, date, "Remaining", item.amount())
}

fn changed_items(
    tx: &mut Tx<'_>,
    old: &[Item],
    args: &Object,
    now: i64,
) -> Result<Vec<Item>, ApiError> {
    let mut items = old.to_vec();
    for (at, given) in args.items("items").to_vec().iter().enumerate() {
        let here = format!("items[{at}]");
        let empty = Object::new();
        let given = given.as_object().unwrap_or(&empty);
        let price = items::price(tx, given, &here)?;
        let Some(id) = given.text("id") else {
            let price =
                price.ok_or_else(|| ApiError::parameter_missing(&format!("{here}[price]")))?;
            items.push(items::new(tx, price, given, now));
            continue;
        };
        let Some(place) = items.iter().position(|item| item.id == id) else {
            return Err(ApiError::missing("subscription item", id, &format!("{here}[id]")));
        };
        if given.flag("deleted") == Some(true) {
            items.remove(place);
            continue;
        }
        let item = &mut items[place];
        if let Some(price) = price {
            if price.text("id") != item.price.text("id") && given.int("quantity").is_none() {
                item.quantity = 1;
            }
            item.price = price;
        }
        if let Some(quantity) = given.int("quantity") {
            item.quantity = quantity;
        }
        let mut holder = Object::new();
        holder.insert("metadata".to_owned(), item.metadata.clone());
        cards::merge_metadata(&mut holder, given);
        item.metadata = holder.copy("metadata");
    }
    if items.is_empty() {
        return Err(ApiError::invalid(
            "A subscription must have at least one active plan. To cancel it, use the cancel \
             subscription endpoint.",
        )
        .at("items"));
    }
    items::same_terms(&items)?;
    Ok(items)
}

/// `cancel_at_period_end=true`.
pub(crate) fn cancel_at_end(object: &mut Object, period_end: i64, now: i64) {
    object.insert("cancel_at_period_end".to_owned(), json!(true));
    object.insert("cancel_at".to_owned(), json!(period_end));
    object.insert("canceled_at".to_owned(), json!(now));
    put_details(object, Some("cancellation_requested"), None);
}

fn keep_on(object: &mut Object) {
    object.insert("cancel_at_period_end".to_owned(), json!(false));
    object.insert("cancel_at".to_owned(), Value::Null);
    object.insert("canceled_at".to_owned(), Value::Null);
    object.insert(
        "cancellation_details".to_owned(),
        json!({"comment": null, "feedback": null, "feedback_option": null, "reason": null}),
    );
}

/// `POST /v1/subscriptions/{id}`.
///
/// # Errors
/// 400 for parameters or a canceled subscription, 402 when `error_if_incomplete` meets a refusal.
pub(crate) fn update(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<(), ApiError> {
    let before = tx.json(id);
    let customer = before.owned("customer").unwrap_or_default();
    let status = before.owned("status").unwrap_or_default();
    if matches!(status.as_str(), "canceled" | "incomplete_expired") {
        let allowed = ["metadata", "cancellation_details", "expand"];
        if args.keys().any(|key| !allowed.contains(&key.as_str())) {
            return Err(ApiError::invalid(
                "A canceled subscription can only update its cancellation_details and metadata.",
            ));
        }
    }
    let cancels = args.contains_key("cancel_at_period_end") || args.contains_key("cancel_at");
    if let Some(schedule) = before.text("schedule").filter(|_| cancels) {
        return Err(ApiError::invalid(format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating \
             any cancelation behavior directly is not allowed. Please update the schedule instead."
        )));
    }
    let plan = plan(tx, id, args)?;
    let currency = before.owned("currency").unwrap_or_default();
    let now = tx.time_of(&customer);
    let extras = create::extra_lines(tx, args, &currency, now)?;
    let method = match args.owned("default_payment_method") {
        Some(given) => Some(cards::attach(tx, &given, &customer, "default_payment_method")?),
        None => None,
    };
    let bills = matches!(status.as_str(), "active" | "trialing" | "past_due" | "unpaid");
    let pays_with = method.clone().or_else(|| cards::default_for(tx, &customer, Some(id)));
    let verdict = first_verdict(tx, &before, &plan, pays_with.as_deref(), args);
    let behavior = args.text("payment_behavior").unwrap_or("allow_incomplete");
    if behavior == "error_if_incomplete" && bills {
        if let Some(method) = pays_with.as_deref().filter(|_| verdict.is_some()) {
            create::refuse_if_declined(tx, method, args.flag("off_session").unwrap_or(false))?;
        } else if verdict.is_some() {
            return Err(invoices::no_method());
        }
    }
    let mark = tx.mark();
    let waits = behavior == "pending_if_incomplete"
        && bills
        && verdict.is_some_and(|verdict| verdict != Some(Verdict::Approved));
    if waits {
        propose(tx, id, &plan, args);
    } else {
        let old_end = items::period(&before).1;
        put_plan(tx, id, &plan);
        put_settings(tx, id, args, method.as_deref());
        create::put_extras(tx, id, &customer, &currency, extras);
        if bills {
            bill(tx, id, &plan, args);
        }
        if items::period(&tx.json(id)).1 != old_end {
            plan_period(tx, id);
        }
    }
    let (Value::Object(before), Value::Object(after)) = (before, tx.json(id)) else {
        return Ok(());
    };
    tx.emit_if_changed("customer.subscription.updated", id, Diff::between(&before, &after));
    tx.order_events(mark, ORDER);
    Ok(())
}

/// The bank's answer to what the change would charge now; `None` when it charges nothing.
/// `Some(None)` means that something is due and no card is known.
fn first_verdict(
    tx: &Tx<'_>,
    subscription: &Value,
    plan: &Plan,
    method: Option<&str>,
    args: &Object,
) -> Option<Option<Verdict>> {
    if !plan.invoices_now() || subscription.text("collection_method") == Some("send_invoice") {
        return None;
    }
    let customer = subscription.text("customer").unwrap_or_default();
    let currency = subscription.text("currency").unwrap_or_default();
    let waiting = lines::pending(tx, customer, subscription.text("id"), currency);
    let waiting: i64 = waiting.iter().map(|item| tx.read(item).amount("amount")).sum();
    let change: i64 = plan.prorations.iter().chain(&plan.fresh).map(|line| line.amount).sum();
    let due = waiting + change + tx.read(customer).amount("balance");
    if due < money::minimum_charge(currency) {
        return None;
    }
    let off_session = args.flag("off_session").unwrap_or(false);
    Some(method.map(|method| crate::flows::payments::verdict(tx, method, off_session, false)))
}

fn put_plan(tx: &mut Tx<'_>, id: &str, plan: &Plan) {
    let now_trialing = matches!(plan.trial_end, Some(Some(_)));
    let at = tx.time_of(tx.read(id).text("customer").unwrap_or_default());
    tx.edit(id, |object| {
        items::put(object, &plan.items, plan.period);
        object.insert("billing_cycle_anchor".to_owned(), json!(plan.anchor));
        match plan.trial_end {
            Some(Some(end)) => {
                object.insert("trial_end".to_owned(), json!(end));
                if object.int("trial_start").is_none() {
                    object.insert("trial_start".to_owned(), json!(at));
                }
            }
            Some(None) => {
                object.insert("trial_end".to_owned(), json!(at));
                object.insert("status".to_owned(), json!("active"));
            }
            None => {}
        }
        if now_trialing && object.text("status") == Some("active") {
            object.insert("status".to_owned(), json!("trialing"));
        }
        if object.flag("cancel_at_period_end") == Some(true) {
            object.insert("cancel_at".to_owned(), json!(plan.period.1));
        }
    });
    items::remember(tx, id);
}

fn put_settings(tx: &mut Tx<'_>, id: &str, args: &Object, method: Option<&str>) {
    let customer = tx.read(id).owned("customer").unwrap_or_default();
    let at = tx.time_of(&customer);
    tx.edit(id, |object| {
        cards::merge_metadata(object, args);
        for key in ["description", "days_until_due", "collection_method", "pause_collection"] {
            if let Some(value) = args.get(key) {
                object.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(pause) = object.get_mut("pause_collection").and_then(Value::as_object_mut) {
            pause.entry("resumes_at").or_insert(Value::Null);
        }
        if let Some(method) = method {
            object.insert("default_payment_method".to_owned(), json!(method));
        } else if args.get("default_payment_method").is_some_and(Value::is_null)
            || args.text("default_payment_method") == Some("")
        {
            object.insert("default_payment_method".to_owned(), Value::Null);
        }
        if let Some(end) = args.object("trial_settings").and_then(|s| s.object("end_behavior")) {
            object.insert("trial_settings".to_owned(), json!({"end_behavior": end}));
        }
        if let Some(save) = args
            .object("payment_settings")
            .and_then(|settings| settings.text("save_default_payment_method"))
            && let Some(settings) = object.get_mut("payment_settings")
        {
            settings["save_default_payment_method"] = json!(save);
        }
        match args.flag("cancel_at_period_end") {
            Some(true) if object.flag("cancel_at_period_end") != Some(true) => {
                let (_, until) = items::period(&Value::Object(object.clone()));
                cancel_at_end(object, until, at);
            }
            Some(false)
                if object.flag("cancel_at_period_end") == Some(true)
                    || object.int("cancel_at").is_some() =>
            {
                keep_on(object);
            }
            _ => {}
        }
        match args.get("cancel_at") {
            Some(Value::Number(moment)) => {
                object.insert("cancel_at".to_owned(), json!(moment));
                object.insert("cancel_at_period_end".to_owned(), json!(false));
                object.insert("canceled_at".to_owned(), json!(at));
                put_details(object, Some("cancellation_requested"), None);
            }
            Some(Value::Null) => keep_on(object),
            Some(Value::String(word)) if word == "min_period_end" || word == "max_period_end" => {
                let (_, until) = items::period(&Value::Object(object.clone()));
                cancel_at_end(object, until, at);
                object.insert("cancel_at_period_end".to_owned(), json!(false));
            }
            _ => {}
        }
        if let Some(details) = args.object("cancellation_details") {
            put_details(object, None, Some(details));
        }
    });
    let after = tx.json(id);
    if let Some(moment) = after.int("cancel_at") {
        tx.schedule(&customer, moment, Due::CancelAt(id.to_owned()));
    }
    if let Some(moment) = after.copy("pause_collection").int("resumes_at") {
        tx.schedule(&customer, moment, Due::PauseEnds(id.to_owned()));
    }
}

/// Makes the invoice items of the change, and its invoice when one is due now.
fn bill(tx: &mut Tx<'_>, id: &str, plan: &Plan, args: &Object) {
    let Some((invoice, _)) = make_invoice(tx, id, plan) else { return };
    let off_session = args.flag("off_session").unwrap_or(false);
    let later = args.text("payment_behavior") == Some("default_incomplete");
    let status = collect(tx, id, &invoice, off_session, later);
    tx.set(id, "latest_invoice", invoice.as_str());
    if let Some(status) = status {
        tx.set(id, "status", status);
    }
}

fn make_invoice(tx: &mut Tx<'_>, id: &str, plan: &Plan) -> Option<(String, i64)> {
    let subscription = tx.json(id);
    let customer = subscription.owned("customer").unwrap_or_default();
    let currency = subscription.owned("currency").unwrap_or_default();
    for line in &plan.prorations {
        lines::new_item(tx, &customer, &currency, line, None, &Object::new());
    }
    if !plan.invoices_now() {
        return None;
    }
    let at = tx.time_of(&customer);
    let mut all: Vec<Line> = lines::pending(tx, &customer, Some(id), &currency)
        .iter()
        .map(|item| lines::of_item(tx, item))
        .collect();
    all.extend(plan.fresh.iter().cloned());
    let collection = subscription.owned("collection_method").unwrap_or_default();
    let due_days = subscription.int("days_until_due");
    let proration_date = (!plan.prorations.is_empty()).then_some(plan.date);
    let invoice = invoices::draft(
        tx,
        &NewInvoice {
            customer: &customer,
            subscription: Some(id),
            reason: "subscription_update",
            currency: &currency,
            lines: all,
            period: (at, at),
            auto_advance: true,
            collection_method: Some(&collection),
            due_date: due_days.map(|days| at + days * 86_400),
            proration_date,
            ..NewInvoice::default()
        },
    );
    invoices::finalize(tx, &invoice);
    let due = tx.read(&invoice).amount("amount_due");
    Some((invoice, due))
}

/// Collects a change's invoice and says the status that the subscription takes, if it changes.
fn collect(
    tx: &mut Tx<'_>,
    id: &str,
    invoice: &str,
    off_session: bool,
    later: bool,
) -> Option<&'static str> {
    let status = tx.read(id).owned("status").unwrap_or_default();
    let open = tx.read(invoice).text("status") == Some("open");
    let automatic = tx.read(invoice).text("collection_method") == Some("charge_automatically");
    let paid = if open && automatic && !later {
        invoices::collect(tx, invoice, None, off_session, true) == Collected::Paid
    } else {
        !open || !automatic
    };
    match (paid, status.as_str()) {
        (true, "past_due" | "unpaid") => Some("active"),
        (false, "active" | "trialing") => Some("past_due"),
        _ => None,
    }
}

/// The change waits for its payment: invoice and attempt now, the new items when it is paid.
fn propose(tx: &mut Tx<'_>, id: &str, plan: &Plan, args: &Object) {
    let customer = tx.read(id).owned("customer").unwrap_or_default();
    let expires = tx.time_of(&customer) + tx.state.policy.incomplete_seconds;
    let proposed = items::list(&plan.items, id, plan.period).copy("data");
    tx.edit(id, |object| {
        object.insert(
            "pending_update".to_owned(),
            json!({
                "billing_cycle_anchor": plan.reset.then_some(plan.anchor),
                "discount": null,
                "discounts": [],
                "expires_at": expires,
                "metadata": null,
                "subscription_items": proposed,
                "trial_end": null,
                "trial_from_plan": false,
            }),
        );
    });
    hide(
        tx,
        id,
        "pending",
        json!({"period": [plan.period.0, plan.period.1], "anchor": plan.anchor}),
    );
    let Some((invoice, _)) = make_invoice(tx, id, plan) else { return };
    tx.set(id, "latest_invoice", invoice.as_str());
    tx.set(&invoice, "auto_advance", false);
    let off_session = args.flag("off_session").unwrap_or(false);
    invoices::collect(tx, &invoice, None, off_session, false);
    tx.schedule(&customer, expires, Due::PendingUpdateExpires(id.to_owned()));
}

/// The invoice of a waiting change was paid: the change takes effect.
pub(crate) fn apply_pending(tx: &mut Tx<'_>, id: &str, invoice: &str) {
    let subscription = tx.json(id);
    if subscription.text("latest_invoice") != Some(invoice) {
        return;
    }
    let hidden = tx.state.hidden.get(id).map_or(Value::Null, |hidden| hidden.copy("pending"));
    let proposed = subscription.copy("pending_update");
    let list = json!({"items": {"data": proposed.copy("subscription_items")}});
    let new = items::of(&list);
    let period = hidden.items("period");
    let period = match period {
        [start, until] => (start.as_i64().unwrap_or(0), until.as_i64().unwrap_or(0)),
        _ => items::period(&subscription),
    };
    let changed = tx.edit(id, |object| {
        items::put(object, &new, period);
        object.insert("billing_cycle_anchor".to_owned(), hidden.copy("anchor"));
        object.insert("pending_update".to_owned(), Value::Null);
    });
    items::remember(tx, id);
    plan_period(tx, id);
    tx.emit("customer.subscription.pending_update_applied", id);
    tx.emit_changed("customer.subscription.updated", id, changed);
}

/// `POST /v1/subscription_items`: an update that adds one item. Says its id.
///
/// # Errors
/// As [`update`].
pub(crate) fn add_item(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<String, ApiError> {
    let known: Vec<String> = items::of(&tx.json(id)).into_iter().map(|item| item.id).collect();
    let mut wrapped = args.clone();
    wrapped.remove("subscription");
    let mut item = Object::new();
    for key in ["price", "price_data", "quantity", "metadata"] {
        if let Some(value) = wrapped.remove(key) {
            item.insert(key.to_owned(), value);
        }
    }
    wrapped.insert("items".to_owned(), json!([item]));
    update(tx, id, &wrapped)?;
    items::of(&tx.json(id))
        .into_iter()
        .map(|item| item.id)
        .find(|id| !known.contains(id))
        .ok_or_else(|| ApiError::invalid("The item is waiting for its payment."))
}
