//! A new subscription: its first period, its first invoice, and what a refused card means.

use serde_json::{Value, json};

use super::items::{self, Item};
use super::{plan_period, time};
use crate::flows::invoices::{self, Collected, NewInvoice};
use crate::flows::lines::Line;
use crate::flows::{cards, lines, payments};
use crate::protocol::ApiError;
use crate::rules::{money, proration};
use crate::state::{Due, Fields, Kind, Object, Tx, Verdict};

/// The order in which Stripe emits what the creation of a subscription over the API causes.
const ORDER: &[&str] = &[
    "payment_method.attached",
    "customer.updated",
    "invoiceitem.created",
    "invoice.created",
    "invoice.finalized",
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
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.trial_will_end",
];

/// A subscription before it exists.
#[derive(Clone, Debug)]
pub(crate) struct NewSubscription {
    pub(crate) customer: String,
    pub(crate) items: Vec<Item>,
    pub(crate) start: i64,
    pub(crate) anchor: i64,
    pub(crate) period: (i64, i64),
    pub(crate) trial_end: Option<i64>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) collection_method: String,
    /// Part of a period before a later anchor is charged.
    pub(crate) prorate: bool,
}

impl NewSubscription {
    /// Reads the parameters of a subscription that starts at `start`.
    ///
    /// # Errors
    /// 400 for items, trials or anchors that make no sense.
    pub(crate) fn read(
        tx: &mut Tx<'_>,
        customer: &str,
        items: Vec<Item>,
        args: &Object,
        start: i64,
    ) -> Result<Self, ApiError> {
        let cadence =
            items.first().map(Item::cadence).ok_or_else(|| ApiError::parameter_missing("items"))?;
        let days = args.int("trial_period_days").filter(|days| *days > 0);
        let trial_end = match args.field("trial_end") {
            Some(Value::Number(end)) => end.as_i64().filter(|end| *end > start),
            Some(_) => None,
            None => days.map(|days| start + days * 86_400),
        };
        let anchor = match (trial_end, args.int("billing_cycle_anchor")) {
            (Some(end), _) => end,
            (None, Some(anchor)) if anchor <= start => {
                return Err(ApiError::invalid(
                    "`billing_cycle_anchor` must be a timestamp in the future.",
                )
                .at("billing_cycle_anchor"));
            }
            (None, Some(anchor)) => anchor,
            (None, None) => start,
        };
        let until = match trial_end {
            Some(end) => end,
            None if anchor > start => anchor,
            None => cadence.next_boundary(anchor, start),
        };
        let method = match args.owned("default_payment_method") {
            Some(given) => {
                let known = tx.find(Kind::PaymentMethod, &given);
                let known = known.filter(|known| known.text("customer") == Some(customer));
                if known.is_none() && !given.starts_with("pm_card_") {
                    return Err(ApiError::missing(
                        Kind::PaymentMethod.noun(),
                        &given,
                        "default_payment_method",
                    ));
                }
                let attached = cards::attach(tx, &given, customer, "default_payment_method")?;
                Some(attached)
            }
            None => None,
        };
        Ok(Self {
            customer: customer.to_owned(),
            items,
            start,
            anchor,
            period: (start, until),
            trial_end,
            default_payment_method: method,
            collection_method: args
                .text("collection_method")
                .unwrap_or("charge_automatically")
                .to_owned(),
            prorate: args.text("proration_behavior") != Some("none"),
        })
    }

    pub(crate) fn currency(&self) -> String {
        self.items.first().and_then(|item| item.price.owned("currency")).unwrap_or_default()
    }

    /// The lines of the first invoice, for the subscription `id`.
    pub(crate) fn first_lines(&self, tx: &Tx<'_>, id: &str) -> Vec<Line> {
        let trial = self.trial_end.is_some();
        self.items
            .iter()
            .filter(|item| !item.is_metered())
            .map(|item| {
                let full = item.amount();
                let partial = !trial && self.anchor > self.start;
                let (amount, description) = if trial {
                    let name = lines::product_name(tx, &item.price);
                    (0, format!("Free trial for {} × {name}", item.quantity))
                } else if partial {
                    let whole = item.cadence().after(self.anchor, -1);
                    let part = proration::share(full, (whole, self.anchor), self.start);
                    let part = if self.prorate { part } else { 0 };
                    (part, lines::period_words(tx, &item.price, item.quantity))
                } else {
                    (full, lines::period_words(tx, &item.price, item.quantity))
                };
                Line {
                    amount,
                    description,
                    period: self.period,
                    quantity: item.quantity,
                    price: item.price.clone(),
                    proration: partial,
                    subscription: Some(id.to_owned()),
                    subscription_item: Some(item.id.clone()),
                    ..Line::default()
                }
            })
            .collect()
    }
}

/// Keeps a new subscription and plans its future. Nothing is billed and no event is noted yet.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    new: &NewSubscription,
    args: &Object,
    status: &str,
) -> String {
    let id = tx.state.ids.id("sub_1").replacen("sub_1_", "sub_1", 1);
    let mut json = json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
        "billing_cycle_anchor": new.anchor,
        "billing_cycle_anchor_config": null,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": args.copy("cancel_at"),
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": {"comment": null, "feedback": null, "feedback_option": null, "reason": null},
        "collection_method": new.collection_method,
        "created": new.start,
        "currency": new.currency(),
        "customer": new.customer,
        "customer_account": null,
        "days_until_due": args.copy("days_until_due"),
        "default_payment_method": new.default_payment_method,
        "default_source": null,
        "default_tax_rates": [],
        "description": args.copy("description"),
        "discounts": [],
        "ended_at": null,
        "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "description": null,
                             "footer": null, "issuer": {"type": "self"}},
        "items": null,
        "latest_invoice": null,
        "livemode": tx.livemode,
        "managed_payments": {"enabled": false},
        "metadata": cards::metadata(args),
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null,
            "payment_method_types": null,
            "save_default_payment_method": args
                .object("payment_settings")
                .and_then(|settings| settings.text("save_default_payment_method"))
                .unwrap_or("off"),
        },
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "plan": null,
        "quantity": null,
        "schedule": null,
        "start_date": new.start,
        "status": status,
        "test_clock": tx.clock_of(&new.customer),
        "transfer_data": null,
        "trial_end": new.trial_end,
        "trial_settings": {"end_behavior": {"missing_payment_method": args
            .object("trial_settings")
            .and_then(|settings| settings.object("end_behavior"))
            .and_then(|end| end.text("missing_payment_method"))
            .unwrap_or("create_invoice")}},
        "trial_start": new.trial_end.map(|_| new.start),
    });
    if let Some(object) = json.as_object_mut() {
        items::put(object, &new.items, new.period);
        if args.flag("cancel_at_period_end") == Some(true) {
            super::change::cancel_at_end(object, new.period.1, new.start);
        }
    }
    tx.insert(Kind::Subscription, json);
    items::remember(tx, &id);
    plan_period(tx, &id);
    if let Some(at) = args.int("cancel_at") {
        tx.schedule(&new.customer, at, Due::CancelAt(id.clone()));
    }
    id
}

/// `POST /v1/subscriptions`.
///
/// # Errors
/// 400 for parameters, 402 when `error_if_incomplete` meets a refused card.
pub(crate) fn create(tx: &mut Tx<'_>, args: &Object) -> Result<String, ApiError> {
    let customer_id = args.text("customer").unwrap_or_default();
    let customer = tx.named(Kind::Customer, customer_id, "customer")?;
    let start = tx.time_of(customer_id);
    let items = items::parse_new(tx, args, start)?;
    let new = NewSubscription::read(tx, customer_id, items, args, start)?;
    let currency = new.currency();
    if let Some(other) = customer.text("currency").filter(|other| *other != currency) {
        return Err(ApiError::invalid(format!(
            "You cannot combine currencies on a single customer. This customer has an active \
             subscription, subscription schedule, discount, quote, or invoice item with currency \
             {other}."
        )));
    }
    let extras = extra_lines(tx, args, &currency, start)?;
    let behavior = args.text("payment_behavior").unwrap_or("allow_incomplete");
    let automatic = new.collection_method == "charge_automatically";
    let first = new.first_lines(tx, "");
    let total: i64 = first.iter().chain(&extras).map(|line| line.amount).sum();
    let due = total + customer.amount("balance");
    let method =
        new.default_payment_method.clone().or_else(|| cards::default_for(tx, customer_id, None));
    let charges = automatic && due >= money::minimum_charge(&currency);
    if behavior == "pending_if_incomplete" {
        return Err(ApiError::invalid(
            "`payment_behavior=pending_if_incomplete` is not supported for creating subscriptions.",
        )
        .at("payment_behavior"));
    }
    if automatic
        && method.is_none()
        && new.trial_end.is_none()
        && behavior != "default_incomplete"
        && due > 0
    {
        return Err(invoices::no_method());
    }
    let off_session = args.flag("off_session").unwrap_or(false);
    if charges
        && behavior == "error_if_incomplete"
        && let Some(method) = &method
    {
        refuse_if_declined(tx, method, off_session)?;
    }
    let mark = tx.mark();
    let id = insert(tx, &new, args, "incomplete");
    put_extras(tx, &id, customer_id, &currency, extras);
    first_invoice(tx, &id, &new, args, behavior, off_session);
    tx.emit("customer.subscription.created", &id);
    time::announce_trial_end(tx, &id);
    tx.order_events(mark, ORDER);
    Ok(id)
}

/// What `add_invoice_items` puts on the first invoice, once.
///
/// # Errors
/// 400 for a price that is unknown, recurring or of another currency.
pub(crate) fn extra_lines(
    tx: &mut Tx<'_>,
    args: &Object,
    currency: &str,
    now: i64,
) -> Result<Vec<Line>, ApiError> {
    let mut extras = Vec::new();
    for (at, given) in args.items("add_invoice_items").iter().enumerate() {
        let here = format!("add_invoice_items[{at}]");
        let price = match (given.object("price_data"), given.text("price")) {
            (Some(data), _) => {
                let data = data.clone();
                let param = format!("{here}[price_data]");
                let id = crate::api::prices::create_inline(tx, &data, &param)?;
                tx.json(&id)
            }
            (None, Some(id)) => {
                let price = tx.named(Kind::Price, id, &format!("{here}[price]"))?;
                Value::Object((*price).clone())
            }
            (None, None) => return Err(ApiError::parameter_missing(&format!("{here}[price]"))),
        };
        if price.object("recurring").is_some() {
            let message = "The price specified is set to `type=recurring` but this field only \
                           accepts prices with `type=one_time`.";
            return Err(ApiError::invalid(message).at(format!("{here}[price]")));
        }
        if price.text("currency") != Some(currency) {
            let message = "All prices on a subscription must have the same `currency`.";
            return Err(ApiError::invalid(message).at(here));
        }
        let quantity = given.int("quantity").unwrap_or(1);
        extras.push(Line {
            amount: lines::full_amount(&price, quantity),
            description: lines::product_name(tx, &price),
            period: (now, now),
            quantity,
            price,
            ..Line::default()
        });
    }
    Ok(extras)
}

/// Makes pending invoice items of what [`extra_lines`] read; the next invoice takes them.
pub(crate) fn put_extras(
    tx: &mut Tx<'_>,
    subscription: &str,
    customer: &str,
    currency: &str,
    extras: Vec<Line>,
) {
    for line in extras {
        let line = Line { subscription: Some(subscription.to_owned()), ..line };
        lines::new_item(tx, customer, currency, &line, None, &Object::new());
    }
}

/// 402 before anything is made, when the card would not pay now.
///
/// # Errors
/// The bank's refusal, or that a challenge would be needed.
pub(crate) fn refuse_if_declined(
    tx: &Tx<'_>,
    method: &str,
    off_session: bool,
) -> Result<(), ApiError> {
    match payments::verdict(tx, method, off_session, false) {
        Verdict::Approved => Ok(()),
        Verdict::Declined(decline) => Err(decline.error()),
        Verdict::Challenge => Err(ApiError::card(
            "subscription_payment_intent_requires_action",
            None,
            "Payment for this subscription requires additional user action before it can be \
             completed successfully.",
        )),
    }
}

fn first_invoice(
    tx: &mut Tx<'_>,
    id: &str,
    new: &NewSubscription,
    args: &Object,
    behavior: &str,
    off_session: bool,
) {
    let currency = new.currency();
    let mut all = new.first_lines(tx, id);
    for item in lines::pending(tx, &new.customer, Some(id), &currency) {
        all.push(lines::of_item(tx, &item));
    }
    let due_days = args.int("days_until_due");
    let invoice = invoices::draft(
        tx,
        &NewInvoice {
            customer: &new.customer,
            subscription: Some(id),
            reason: "subscription_create",
            currency: &currency,
            lines: all,
            period: (new.start, new.start),
            auto_advance: false,
            collection_method: Some(&new.collection_method),
            due_date: due_days.map(|days| new.start + days * 86_400),
            ..NewInvoice::default()
        },
    );
    let alive = if new.trial_end.is_some() { "trialing" } else { "active" };
    let status = settle_first(tx, &invoice, new, behavior, off_session, id);
    // Only now: while the subscription does not name the invoice, its payment announces no
    // update of a subscription that has not been announced itself.
    tx.set(id, "latest_invoice", invoice.as_str());
    if status == First::Paid {
        tx.set(id, "status", alive);
        super::remember_method(tx, id, &invoice);
    } else {
        let expires = new.start + tx.state.policy.incomplete_seconds;
        tx.schedule(&new.customer, expires, Due::IncompleteExpires(id.to_owned()));
    }
}

#[derive(PartialEq)]
enum First {
    Paid,
    Open,
}

fn settle_first(
    tx: &mut Tx<'_>,
    invoice: &str,
    new: &NewSubscription,
    behavior: &str,
    off_session: bool,
    id: &str,
) -> First {
    if new.collection_method == "send_invoice" {
        tx.set(invoice, "auto_advance", true);
        invoices::finalize_later(tx, invoice);
        return First::Paid;
    }
    invoices::finalize(tx, invoice);
    if tx.read(invoice).text("status") != Some("open") {
        return First::Paid;
    }
    if behavior == "default_incomplete" {
        let intent = invoices::intent_for(tx, invoice);
        if let Some(method) = cards::default_for(tx, &new.customer, Some(id)) {
            tx.edit(&intent, |intent| {
                intent.insert("status".to_owned(), json!("requires_confirmation"));
                intent.insert("payment_method".to_owned(), json!(method));
            });
        }
        return First::Open;
    }
    match invoices::collect(tx, invoice, None, off_session, false) {
        Collected::Paid => First::Paid,
        Collected::RequiresAction | Collected::Failed(_) => First::Open,
    }
}

/// The first invoice of a subscription that does not exist, as a preview.
///
/// # Errors
/// As [`create`].
pub(crate) fn preview_new(
    tx: &mut Tx<'_>,
    customer: &str,
    details: &Object,
) -> Result<Value, ApiError> {
    let start = tx.time_of(customer);
    let items = items::parse_new(tx, details, start)?;
    let new = NewSubscription::read(tx, customer, items, details, start)?;
    let currency = new.currency();
    let mut lines = new.first_lines(tx, "");
    for line in &mut lines {
        line.subscription = None;
    }
    Ok(invoices::preview(
        tx,
        &NewInvoice {
            customer,
            reason: "subscription_create",
            currency: &currency,
            lines,
            period: (start, start),
            ..NewInvoice::default()
        },
    ))
}
