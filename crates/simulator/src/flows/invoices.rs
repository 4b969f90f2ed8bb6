//! Invoices from draft to paid: totals, the customer's balance, payment attempts, retries.

use serde_json::{Value, json};

use super::cards::{self, Confirmed};
use super::lines::{self, Line};
use super::payments::{self, NewIntent, hide};
use super::{ledger_of_customer, subscriptions};
use crate::protocol::ApiError;
use crate::rules::money;
use crate::state::{AfterRetries, Due, Fields, Kind, Tx};

/// What a new invoice needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewInvoice<'a> {
    pub(crate) customer: &'a str,
    pub(crate) subscription: Option<&'a str>,
    pub(crate) reason: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) lines: Vec<Line>,
    pub(crate) period: (i64, i64),
    pub(crate) auto_advance: bool,
    /// Keys of the API's invoice that the caller sets (`description`, `metadata`, …).
    pub(crate) given: Value,
    pub(crate) collection_method: Option<&'a str>,
    pub(crate) due_date: Option<i64>,
    pub(crate) proration_date: Option<i64>,
}

/// How an attempt to collect an invoice ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Collected {
    Paid,
    RequiresAction,
    Failed(ApiError),
}

/// Starting balance, what is due, and the balance afterwards.
fn settle_balance(total: i64, balance: i64, currency: &str) -> (i64, i64) {
    let due = (total + balance).max(0);
    if total <= 0 && balance <= 0 {
        return (0, balance + total);
    }
    if due > 0 && due < money::minimum_charge(currency) {
        // Too small to charge: it waits on the balance for the next invoice.
        return (0, total + balance);
    }
    (due, (total + balance).min(0))
}

/// An invoice in draft as the API shows it, kept nowhere yet.
pub(crate) fn compose(tx: &mut Tx<'_>, new: &NewInvoice<'_>, id: &str) -> Value {
    let customer = tx.json(new.customer);
    let at = tx.time_of(new.customer);
    let total: i64 = new.lines.iter().map(|line| line.amount).sum();
    let balance = customer.amount("balance");
    let (due, _) = settle_balance(total, balance, new.currency);
    let subscription = new.subscription.map_or(Value::Null, |id| tx.json(id));
    let mut details = json!({
        "metadata": subscription.object("metadata").cloned().unwrap_or_default(),
        "subscription": new.subscription,
    });
    if let Some(date) = new.proration_date {
        details["subscription_proration_date"] = json!(date);
    }
    let parent = new.subscription.map(|_| {
        json!({"quote_details": null, "subscription_details": details,
               "type": "subscription_details"})
    });
    let lines: Vec<Value> =
        new.lines.iter().map(|line| lines::json(tx, line, id, new.currency)).collect();
    let count = lines.len();
    let collection = new.collection_method.unwrap_or("charge_automatically");
    let account = super::account(tx);
    let metadata =
        if new.given.copy("metadata").is_object() { new.given.copy("metadata") } else { json!({}) };
    json!({
        "id": id,
        "object": "invoice",
        "account_country": account.copy("country"),
        "account_name": account.copy("settings").copy("dashboard").copy("display_name"),
        "account_tax_ids": null,
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": new.auto_advance,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null,
                          "provider": null, "status": null},
        "automatically_finalizes_at": null,
        "billing_reason": new.reason,
        "collection_method": collection,
        "created": at,
        "currency": new.currency,
        "custom_fields": null,
        "customer": new.customer,
        "customer_account": null,
        "customer_address": customer.copy("address"),
        "customer_email": customer.copy("email"),
        "customer_name": customer.copy("name"),
        "customer_phone": customer.copy("phone"),
        "customer_shipping": customer.copy("shipping"),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": new.given.copy("default_payment_method"),
        "default_source": null,
        "default_tax_rates": [],
        "description": new.given.copy("description"),
        "discounts": [],
        "due_date": new.due_date,
        "effective_at": null,
        "ending_balance": null,
        "footer": new.given.copy("footer"),
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": {"type": "self"},
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": {"object": "list", "data": lines, "has_more": false, "total_count": count,
                  "url": format!("/v1/invoices/{id}/lines")},
        "livemode": tx.livemode,
        "metadata": metadata,
        "next_payment_attempt": null,
        "number": null,
        "on_behalf_of": null,
        "parent": parent,
        "payment_settings": {"default_mandate": null, "payment_method_options": null,
                             "payment_method_types": null},
        "period_end": new.period.1,
        "period_start": new.period.0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": balance,
        "statement_descriptor": null,
        "status": "draft",
        "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null,
                               "paid_at": null, "voided_at": null},
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": tx.clock_of(new.customer),
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": at,
    })
}

/// A preview: what [`compose`] makes, with the balance it would leave.
pub(crate) fn preview(tx: &mut Tx<'_>, new: &NewInvoice<'_>) -> Value {
    let id = tx.state.ids.id("upcoming_in_1").replacen("_in_1_", "_in_1", 1);
    let mut invoice = compose(tx, new, &id);
    let (_, ending) =
        settle_balance(invoice.amount("total"), invoice.amount("starting_balance"), new.currency);
    invoice["ending_balance"] = json!(ending);
    invoice["webhooks_delivered_at"] = Value::Null;
    if new.auto_advance {
        invoice["next_payment_attempt"] = json!(new.period.1 + tx.state.policy.draft_seconds);
    }
    invoice
}

/// Makes a draft; pending items among its lines are taken off the customer.
pub(crate) fn draft(tx: &mut Tx<'_>, new: &NewInvoice<'_>) -> String {
    let id = tx.state.ids.id("in_1").replacen("in_1_", "in_1", 1);
    let json = compose(tx, new, &id);
    let items: Vec<String> =
        new.lines.iter().filter_map(|line| line.invoice_item.clone()).collect();
    tx.insert(Kind::Invoice, json);
    if tx.read(new.customer).text("currency").is_none() {
        tx.set(new.customer, "currency", new.currency);
    }
    lines::take(tx, new.customer, &items, &id);
    tx.emit("invoice.created", &id);
    id
}

/// Finalises after the time a renewal stays a draft.
pub(crate) fn finalize_later(tx: &mut Tx<'_>, id: &str) {
    let invoice = tx.json(id);
    let customer = invoice.owned("customer").unwrap_or_default();
    let at = invoice.amount("created") + tx.state.policy.draft_seconds;
    tx.edit(id, |invoice| {
        invoice.insert("automatically_finalizes_at".to_owned(), json!(at));
        invoice.insert("next_payment_attempt".to_owned(), json!(at));
    });
    tx.schedule(&customer, at, Due::FinalizeInvoice(id.to_owned()));
}

/// Draft → open: number, hosted page, the customer's balance applied, its payment intent made.
/// An invoice with nothing due is paid by this.
pub(crate) fn finalize(tx: &mut Tx<'_>, id: &str) {
    let invoice = tx.json(id);
    let customer_id = invoice.owned("customer").unwrap_or_default();
    let customer = tx.json(&customer_id);
    let at = tx.time_of(&customer_id);
    let currency = invoice.owned("currency").unwrap_or_default();
    let total = invoice.amount("total");
    let balance = customer.amount("balance");
    let (due, ending) = settle_balance(total, balance, &currency);
    let sequence = customer.int("next_invoice_sequence").unwrap_or(1);
    let prefix = customer.owned("invoice_prefix").unwrap_or_else(|| "SIM".to_owned());
    let token = tx.state.ids.token(40);
    tx.state.tokens.insert(token.clone(), id.to_owned());
    let page = format!("{}/i/{token}", tx.state.base_url);
    tx.edit(id, |invoice| {
        let number = format!("{prefix}-{sequence:04}");
        for (field, value) in [
            ("status", json!("open")),
            ("number", json!(number)),
            ("hosted_invoice_url", json!(page)),
            ("invoice_pdf", json!(format!("{page}/pdf"))),
            ("effective_at", json!(at)),
            ("starting_balance", json!(balance)),
            ("ending_balance", json!(ending)),
            ("amount_due", json!(due)),
            ("amount_remaining", json!(due)),
            ("automatically_finalizes_at", Value::Null),
        ] {
            invoice.insert(field.to_owned(), value);
        }
        if let Some(steps) = invoice.get_mut("status_transitions") {
            steps["finalized_at"] = json!(at);
        }
    });
    tx.set(&customer_id, "next_invoice_sequence", sequence + 1);
    tx.emit("invoice.finalized", id);
    if ending != balance {
        let too_small = due == 0 && total + balance > 0;
        let kind = if too_small { "invoice_too_small" } else { "applied_to_invoice" };
        ledger_of_customer::write(tx, &customer_id, ending - balance, &currency, kind, Some(id));
    }
    if due == 0 {
        mark_paid(tx, id, 0);
        return;
    }
    if invoice.text("collection_method") == Some("charge_automatically") {
        intent_for(tx, id);
    }
}

/// The invoice's payment intent, made when there is none yet.
pub(crate) fn intent_for(tx: &mut Tx<'_>, id: &str) -> String {
    if let Some(intent) = open_intent(tx, id) {
        return intent;
    }
    let invoice = tx.json(id);
    let customer = invoice.owned("customer").unwrap_or_default();
    let currency = invoice.owned("currency").unwrap_or_default();
    let first = invoice.text("billing_reason") == Some("subscription_create");
    let description = if first { "Subscription creation" } else { "Subscription update" };
    let has_subscription = subscription_of(&invoice).is_some();
    let intent = payments::new_intent(
        tx,
        NewIntent {
            amount: invoice.amount("amount_due"),
            currency: &currency,
            customer: Some(&customer),
            description: has_subscription.then_some(description),
            setup_future_usage: first.then_some("off_session"),
            ..NewIntent::default()
        },
    );
    link_payment(tx, id, &intent);
    intent
}

/// The payment intent by which the invoice is being paid.
pub(crate) fn open_intent(tx: &Tx<'_>, id: &str) -> Option<String> {
    let payment = tx.ids_by(Kind::InvoicePayment, "invoice", id).pop()?;
    tx.read(&payment).copy("payment").owned("payment_intent")
}

/// Ties an intent to an invoice.
pub(crate) fn link_payment(tx: &mut Tx<'_>, id: &str, intent: &str) {
    let invoice = tx.json(id);
    let customer = invoice.owned("customer").unwrap_or_default();
    let payment = tx.state.ids.id("inpay_1").replacen("inpay_1_", "inpay_1", 1);
    let json = json!({
        "id": payment,
        "object": "invoice_payment",
        "amount_paid": null,
        "amount_requested": invoice.amount("amount_due"),
        "created": tx.time_of(&customer),
        "currency": invoice.copy("currency"),
        "invoice": id,
        "is_default": true,
        "livemode": tx.livemode,
        "payment": {"payment_intent": intent, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": null, "paid_at": null},
    });
    tx.insert(Kind::InvoicePayment, json);
}

/// The subscription that an invoice bills.
pub(crate) fn subscription_of(invoice: &Value) -> Option<String> {
    invoice.copy("parent").copy("subscription_details").reference("subscription").map(str::to_owned)
}

/// The card that would pay this invoice.
pub(crate) fn method_for(tx: &Tx<'_>, invoice: &Value) -> Option<String> {
    let customer = invoice.text("customer").unwrap_or_default();
    invoice
        .owned("default_payment_method")
        .or_else(|| cards::default_for(tx, customer, subscription_of(invoice).as_deref()))
}

/// The refusal when nobody's card is known.
pub(crate) fn no_method() -> ApiError {
    ApiError::invalid(
        "This customer has no attached payment source or default payment method. Please consider \
         adding a default payment method. For more information, visit \
         https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    )
    .code("resource_missing")
}

/// One attempt to take an open invoice's money. `automatic` attempts count and are followed by
/// the next of the retry schedule; `method` overrides the default card.
pub(crate) fn collect(
    tx: &mut Tx<'_>,
    id: &str,
    method: Option<&str>,
    off_session: bool,
    automatic: bool,
) -> Collected {
    let invoice = tx.json(id);
    let first = invoice.amount("attempt_count") == 0;
    tx.edit(id, |invoice| {
        invoice.insert("attempted".to_owned(), json!(true));
        if first || automatic {
            let count = invoice.amount("attempt_count") + 1;
            invoice.insert("attempt_count".to_owned(), json!(count));
        }
    });
    let method = method.map(str::to_owned).or_else(|| method_for(tx, &invoice));
    let Some(method) = method else {
        return failed(tx, id, Confirmed::Declined(no_method()), automatic);
    };
    let hidden = tx.state.hidden.get(id).cloned().unwrap_or_default();
    if automatic && !first && hidden.text("hard_method") == Some(&method) {
        // The bank said "never again" to this card: the counter climbs, nothing is sent.
        let error = ApiError::card("card_declined", None, "Your card was declined.");
        return failed(tx, id, Confirmed::Declined(error), automatic);
    }
    let intent = intent_for(tx, id);
    let outcome = payments::confirm(tx, &intent, &method, off_session, false);
    if let Confirmed::Declined(error) = &outcome {
        let hard = is_hard(error);
        let note = if hard { json!(method) } else { Value::Null };
        hide(tx, id, "hard_method", note);
    }
    conclude(tx, id, outcome, automatic)
}

fn is_hard(error: &ApiError) -> bool {
    const HARD: &[&str] = &[
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "stolen_card",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "authentication_required",
        "highest_risk_level",
        "transaction_not_allowed",
    ];
    error.decline_code.as_deref().or(error.code.as_deref()).is_some_and(|code| HARD.contains(&code))
}

fn conclude(tx: &mut Tx<'_>, id: &str, outcome: Confirmed, automatic: bool) -> Collected {
    match outcome {
        Confirmed::Done => {
            let due = tx.read(id).amount("amount_due");
            mark_paid(tx, id, due);
            Collected::Paid
        }
        other => failed(tx, id, other, automatic),
    }
}

/// An intent of this invoice was confirmed outside of [`collect`].
pub(crate) fn intent_settled(tx: &mut Tx<'_>, id: &str, outcome: &Confirmed) {
    if tx.read(id).text("status") != Some("open") {
        return;
    }
    if tx.read(id).amount("attempt_count") == 0 {
        tx.edit(id, |invoice| {
            invoice.insert("attempted".to_owned(), json!(true));
            invoice.insert("attempt_count".to_owned(), json!(1));
        });
    }
    conclude(tx, id, outcome.clone(), false);
}

fn failed(tx: &mut Tx<'_>, id: &str, outcome: Confirmed, automatic: bool) -> Collected {
    let retry = automatic && tx.read(id).amount("attempt_count") > 1;
    let next = if automatic { schedule_retry(tx, id) } else { Next::Unchanged };
    tx.emit("invoice.payment_failed", id);
    if outcome == Confirmed::RequiresAction {
        tx.emit("invoice.payment_action_required", id);
    }
    if retry {
        tx.emit("invoice.updated", id);
    }
    let subscription = subscription_of(&tx.json(id));
    if let Some(subscription) = subscription {
        subscriptions::invoice_failed(tx, &subscription, id);
        if next == Next::Exhausted {
            exhausted(tx, &subscription);
        }
    }
    match outcome {
        Confirmed::Declined(error) => Collected::Failed(error),
        _ => Collected::RequiresAction,
    }
}

#[derive(PartialEq)]
enum Next {
    Unchanged,
    Scheduled,
    Exhausted,
}

/// Plans the next automatic attempt by the policy's table.
fn schedule_retry(tx: &mut Tx<'_>, id: &str) -> Next {
    let invoice = tx.json(id);
    let Some(subscription) = subscription_of(&invoice) else { return Next::Unchanged };
    if tx.read(&subscription).text("status") == Some("incomplete") {
        return Next::Unchanged;
    }
    let customer = invoice.owned("customer").unwrap_or_default();
    let done = usize::try_from(invoice.amount("attempt_count")).unwrap_or(0);
    let days = done.checked_sub(1).and_then(|at| tx.state.policy.retry_days.get(at)).copied();
    let next = days.map(|days| tx.time_of(&customer) + i64::from(days) * 86_400);
    tx.set(id, "next_payment_attempt", json!(next));
    match next {
        None => Next::Exhausted,
        Some(at) => {
            tx.schedule(&customer, at, Due::RetryInvoice(id.to_owned()));
            Next::Scheduled
        }
    }
}

fn exhausted(tx: &mut Tx<'_>, subscription: &str) {
    match tx.state.policy.after_retries {
        AfterRetries::Cancel => subscriptions::end(tx, subscription, "payment_failed", None),
        AfterRetries::MarkUnpaid => subscriptions::set_status(tx, subscription, "unpaid"),
        AfterRetries::LeavePastDue => {}
    }
}

/// Open → paid, with its events and what the subscription makes of it.
pub(crate) fn mark_paid(tx: &mut Tx<'_>, id: &str, amount: i64) {
    settle_paid(tx, id, amount);
    if let Some(subscription) = subscription_of(&tx.json(id)) {
        subscriptions::invoice_paid(tx, &subscription, id);
    }
}

/// Open → paid, with its events only.
pub(crate) fn settle_paid(tx: &mut Tx<'_>, id: &str, amount: i64) {
    let customer = tx.read(id).owned("customer").unwrap_or_default();
    let at = tx.time_of(&customer);
    tx.edit(id, |invoice| {
        for (field, value) in [
            ("status", json!("paid")),
            ("amount_paid", json!(amount)),
            ("amount_remaining", json!(0)),
            ("attempted", json!(true)),
            ("auto_advance", json!(false)),
            ("next_payment_attempt", Value::Null),
        ] {
            invoice.insert(field.to_owned(), value);
        }
        if let Some(steps) = invoice.get_mut("status_transitions") {
            steps["paid_at"] = json!(at);
        }
    });
    let payment = tx.ids_by(Kind::InvoicePayment, "invoice", id).pop();
    if let Some(payment) = &payment {
        tx.edit(payment, |payment| {
            payment.insert("status".to_owned(), json!("paid"));
            payment.insert("amount_paid".to_owned(), json!(amount));
            payment.insert(
                "status_transitions".to_owned(),
                json!({"canceled_at": null, "paid_at": at}),
            );
        });
    }
    tx.emit("invoice.paid", id);
    tx.emit("invoice.payment_succeeded", id);
    if let Some(payment) = &payment {
        tx.emit("invoice_payment.paid", payment);
    }
}

/// The time has come to finalise a draft and charge it.
pub(crate) fn finalize_due(tx: &mut Tx<'_>, id: &str) {
    let invoice = tx.json(id);
    if invoice.text("status") != Some("draft") || invoice.flag("auto_advance") != Some(true) {
        return;
    }
    advance(tx, id);
}

/// Finalises and, where the invoice is to be charged automatically, charges it.
pub(crate) fn advance(tx: &mut Tx<'_>, id: &str) {
    finalize(tx, id);
    let invoice = tx.json(id);
    if invoice.text("status") == Some("open")
        && invoice.text("collection_method") == Some("charge_automatically")
    {
        collect(tx, id, None, true, true);
    }
}

/// The time has come for the next automatic attempt.
pub(crate) fn retry_due(tx: &mut Tx<'_>, id: &str, at: i64) {
    let invoice = tx.json(id);
    if invoice.text("status") == Some("open")
        && invoice.int("next_payment_attempt") == Some(at)
        && invoice.flag("auto_advance") == Some(true)
    {
        collect(tx, id, None, true, true);
    }
}

/// Draft or open → void, or open → uncollectible.
pub(crate) fn close(tx: &mut Tx<'_>, id: &str, status: &str) {
    let invoice = tx.json(id);
    let customer = invoice.owned("customer").unwrap_or_default();
    let at = tx.time_of(&customer);
    let (step, event) = match status {
        "void" => ("voided_at", "invoice.voided"),
        _ => ("marked_uncollectible_at", "invoice.marked_uncollectible"),
    };
    let changed = tx.edit(id, |invoice| {
        invoice.insert("status".to_owned(), json!(status));
        invoice.insert("next_payment_attempt".to_owned(), Value::Null);
        invoice.insert("auto_advance".to_owned(), json!(false));
        if status == "void" {
            invoice.insert("amount_remaining".to_owned(), json!(0));
        }
        if let Some(steps) = invoice.get_mut("status_transitions") {
            steps[step] = json!(at);
        }
    });
    tx.emit_changed("invoice.updated", id, changed);
    tx.emit(event, id);
    if status == "void"
        && let Some(intent) = open_intent(tx, id)
        && tx.read(&intent).text("status") != Some("succeeded")
    {
        payments::cancel(tx, &intent, Some("void_invoice"));
    }
}

#[cfg(test)]
mod tests {
    use super::settle_balance;

    /// Total and balance give what is due and the balance that is left.
    #[test]
    fn balance_is_applied() {
        // total, balance before → due, balance after
        let cases = [
            (9_900, 0, 9_900, 0),
            (9_900, -2_000, 7_900, 0),
            (1_500, -2_000, 0, -500),
            (-3_301, 0, 0, -3_301),
            (-3_301, -100, 0, -3_401),
            (9_900, 500, 10_400, 0),
            (30, 0, 0, 30),
            (50, 0, 50, 0),
            (0, 0, 0, 0),
            (9_900, -9_880, 0, 20),
        ];
        for (total, balance, due, left) in cases {
            assert_eq!(settle_balance(total, balance, "usd"), (due, left), "{total} {balance}");
        }
    }
}
