//! Payment intents and charges: what one attempt to take money does and leaves behind.

use serde_json::{Value, json};

use super::cards::{Confirmed, next_action, without_log};
use super::{disputes, ledger};
use crate::protocol::ApiError;
use crate::state::{Decline, Fields, Kind, Object, Tx, Verdict};

/// What a new payment intent needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewIntent<'a> {
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) metadata: Value,
    pub(crate) setup_future_usage: Option<&'a str>,
    pub(crate) receipt_email: Option<&'a str>,
    pub(crate) statement_descriptor: Option<&'a str>,
    pub(crate) capture_method: Option<&'a str>,
    pub(crate) automatic_payment_methods: Value,
}

/// Makes a payment intent that waits for a payment method.
pub(crate) fn new_intent(tx: &mut Tx<'_>, new: NewIntent<'_>) -> String {
    let id = tx.state.ids.id("pi_3").replacen("pi_3_", "pi_3", 1);
    let secret = format!("{id}_secret_{}", tx.state.ids.token(25));
    let created = new.customer.map_or(tx.now, |customer| tx.time_of(customer));
    let metadata = if new.metadata.is_null() { json!({}) } else { new.metadata };
    let json = json!({
        "id": id,
        "object": "payment_intent",
        "amount": new.amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "allowed_payment_method_types": null,
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": new.automatic_payment_methods,
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": new.capture_method.unwrap_or("automatic_async"),
        "client_secret": secret,
        "confirmation_method": "automatic",
        "created": created,
        "currency": new.currency,
        "customer": new.customer,
        "customer_account": null,
        "description": new.description,
        "excluded_payment_method_types": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": tx.livemode,
        "managed_payments": {"enabled": false},
        "metadata": metadata,
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {
            "installments": null, "mandate_options": null, "network": null,
            "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": null,
        "receipt_email": new.receipt_email,
        "review": null,
        "setup_future_usage": new.setup_future_usage,
        "shipping": null,
        "source": null,
        "statement_descriptor": new.statement_descriptor,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    });
    tx.insert(Kind::PaymentIntent, json);
    tx.emit("payment_intent.created", &id);
    id
}

/// The bank's answer to charging this payment method, without doing it.
pub(crate) fn verdict(
    tx: &Tx<'_>,
    method: &str,
    off_session: bool,
    challenge_passed: bool,
) -> Verdict {
    tx.state
        .cards
        .get(method)
        .map_or(Verdict::Approved, |card| card.charge(off_session, challenge_passed))
}

/// Tries to take the intent's money with a payment method.
pub(crate) fn confirm(
    tx: &mut Tx<'_>,
    intent: &str,
    method: &str,
    off_session: bool,
    challenge_passed: bool,
) -> Confirmed {
    match verdict(tx, method, off_session, challenge_passed) {
        Verdict::Approved => {
            succeed(tx, intent, method);
            Confirmed::Done
        }
        Verdict::Challenge => {
            let action = next_action(tx, intent);
            tx.edit(intent, |object| {
                object.insert("status".to_owned(), json!("requires_action"));
                object.insert("payment_method".to_owned(), json!(method));
                object.insert("next_action".to_owned(), action);
                object.insert("last_payment_error".to_owned(), Value::Null);
            });
            tx.emit("payment_intent.requires_action", intent);
            Confirmed::RequiresAction
        }
        Verdict::Declined(decline) => Confirmed::Declined(fail(tx, intent, method, decline)),
    }
}

fn succeed(tx: &mut Tx<'_>, intent: &str, method: &str) {
    let object = tx.json(intent);
    let capture = object.text("capture_method") != Some("manual");
    if object.text("setup_future_usage").is_some()
        && let Some(card) = tx.state.cards.get_mut(method)
    {
        card.set_up = true;
    }
    let charge = new_charge(tx, &object, method, None, capture);
    let amount = object.amount("amount");
    tx.edit(intent, |object| {
        let status = if capture { "succeeded" } else { "requires_capture" };
        object.insert("status".to_owned(), json!(status));
        object.insert("payment_method".to_owned(), json!(method));
        object.insert("latest_charge".to_owned(), json!(charge));
        object.insert("next_action".to_owned(), Value::Null);
        object.insert("last_payment_error".to_owned(), Value::Null);
        let (received, capturable) = if capture { (amount, 0) } else { (0, amount) };
        object.insert("amount_received".to_owned(), json!(received));
        object.insert("amount_capturable".to_owned(), json!(capturable));
    });
    tx.emit("charge.succeeded", &charge);
    if capture {
        ledger::charged(tx, &charge);
        disputes::after_charge(tx, &charge, method);
        if object.text("setup_future_usage").is_some()
            && let Some(customer) = object.text("customer")
        {
            // A card that has just paid is not refused by its bank here.
            let _ = super::cards::attach(tx, method, customer, "payment_method");
        }
        tx.emit("payment_intent.succeeded", intent);
    } else {
        tx.emit("payment_intent.amount_capturable_updated", intent);
    }
}

/// Captures an authorised intent.
pub(crate) fn capture(tx: &mut Tx<'_>, intent: &str, amount: Option<i64>) {
    let object = tx.json(intent);
    let amount = amount.unwrap_or_else(|| object.amount("amount_capturable"));
    let Some(charge) = object.owned("latest_charge") else { return };
    tx.edit(&charge, |object| {
        object.insert("captured".to_owned(), json!(true));
        object.insert("amount_captured".to_owned(), json!(amount));
    });
    tx.emit("charge.captured", &charge);
    ledger::charged(tx, &charge);
    tx.edit(intent, |object| {
        object.insert("status".to_owned(), json!("succeeded"));
        object.insert("amount_received".to_owned(), json!(amount));
        object.insert("amount_capturable".to_owned(), json!(0));
    });
    tx.emit("payment_intent.succeeded", intent);
}

/// Records a declined attempt: its charge, the error on the intent, both events.
fn fail(tx: &mut Tx<'_>, intent: &str, method: &str, decline: Decline) -> ApiError {
    let object = tx.json(intent);
    let charge = new_charge(tx, &object, method, Some(decline), false);
    let mut error = decline.error();
    error.objects.push(("charge", json!(charge)));
    let mut shown = without_log(error.body("").copy("error"));
    shown["payment_method"] = tx.json(method);
    tx.edit(intent, |object| {
        object.insert("status".to_owned(), json!("requires_payment_method"));
        object.insert("payment_method".to_owned(), Value::Null);
        object.insert("latest_charge".to_owned(), json!(charge));
        object.insert("next_action".to_owned(), Value::Null);
        object.insert("last_payment_error".to_owned(), shown);
    });
    tx.emit("charge.failed", &charge);
    tx.emit("payment_intent.payment_failed", intent);
    error.objects.push(("payment_intent", tx.json(intent)));
    error.objects.push(("payment_method", tx.json(method)));
    error
}

/// The customer failed or left the challenge.
pub(crate) fn fail_challenge(tx: &mut Tx<'_>, intent: &str) -> ApiError {
    let message = "We are unable to authenticate your payment method. Please choose a different \
        payment method and try again.";
    let mut error = ApiError::card("payment_intent_authentication_failure", None, message);
    let method = tx.read(intent).owned("payment_method");
    let mut shown = without_log(error.body("").copy("error"));
    if let Some(method) = &method {
        shown["payment_method"] = tx.json(method);
    }
    tx.edit(intent, |object| {
        object.insert("status".to_owned(), json!("requires_payment_method"));
        object.insert("payment_method".to_owned(), Value::Null);
        object.insert("next_action".to_owned(), Value::Null);
        object.insert("last_payment_error".to_owned(), shown);
    });
    tx.emit("payment_intent.payment_failed", intent);
    error.objects.push(("payment_intent", tx.json(intent)));
    error
}

/// Cancels an intent that has not succeeded.
pub(crate) fn cancel(tx: &mut Tx<'_>, intent: &str, reason: Option<&str>) {
    let at = tx.read(intent).text("customer").map_or(tx.now, |customer| tx.time_of(customer));
    tx.edit(intent, |object| {
        object.insert("status".to_owned(), json!("canceled"));
        object.insert("canceled_at".to_owned(), json!(at));
        object.insert("cancellation_reason".to_owned(), json!(reason));
        object.insert("next_action".to_owned(), Value::Null);
        object.insert("amount_capturable".to_owned(), json!(0));
    });
    tx.emit("payment_intent.canceled", intent);
}

fn new_charge(
    tx: &mut Tx<'_>,
    intent: &Value,
    method: &str,
    decline: Option<Decline>,
    captured: bool,
) -> String {
    let id = tx.state.ids.id("ch_3").replacen("ch_3_", "ch_3", 1);
    let paid = decline.is_none();
    let amount = intent.amount("amount");
    let customer = intent.text("customer");
    let created = customer.map_or(tx.now, |customer| tx.time_of(customer));
    let payment_method = tx.json(method);
    let risk = tx.state.cards.get(method).map_or("normal", |card| card.traits.risk);
    let receipt = format!("{}/receipts/{id}", tx.state.base_url);
    let json = json!({
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": if captured { amount } else { 0 },
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": payment_method.copy("billing_details"),
        "calculated_statement_descriptor": "SIMULATOR",
        "captured": captured,
        "created": created,
        "currency": intent.copy("currency"),
        "customer": customer,
        "description": intent.copy("description"),
        "destination": null,
        "dispute": null,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": decline.map(|decline| decline.code),
        "failure_message": decline.map(|decline| decline.message),
        "fraud_details": {},
        "livemode": tx.livemode,
        "metadata": intent.copy("metadata"),
        "on_behalf_of": null,
        "order": null,
        "outcome": outcome(decline, risk),
        "paid": paid,
        "payment_intent": intent.copy("id"),
        "payment_method": method,
        "payment_method_details": {
            "card": charge_card(&payment_method, amount),
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": intent.copy("receipt_email"),
        "receipt_number": null,
        "receipt_url": paid.then_some(receipt),
        "refunded": false,
        "review": null,
        "shipping": intent.copy("shipping"),
        "source": null,
        "source_transfer": null,
        "statement_descriptor": intent.copy("statement_descriptor"),
        "statement_descriptor_suffix": null,
        "status": if paid { "succeeded" } else { "failed" },
        "transfer_data": null,
        "transfer_group": null,
    });
    tx.insert(Kind::Charge, json);
    id
}

fn outcome(decline: Option<Decline>, risk: &str) -> Value {
    let score = match risk {
        "highest" => 90,
        "elevated" => 70,
        _ => 20,
    };
    let (status, kind, reason, message) = match decline {
        None => ("approved_by_network", "authorized", None, "Payment complete."),
        Some(decline) if decline.decline_code == Some("fraudulent") => (
            "not_sent_to_network",
            "blocked",
            Some("highest_risk_level"),
            "Stripe blocked this payment as too risky.",
        ),
        Some(decline) => (
            "declined_by_network",
            "issuer_declined",
            Some(decline.decline_code.unwrap_or(decline.code)),
            "The bank did not return any further details with this decline.",
        ),
    };
    json!({
        "advice_code": null,
        "network_advice_code": null,
        "network_decline_code": decline.map(|_| "01"),
        "network_status": status,
        "reason": reason,
        "risk_level": risk,
        "risk_score": score,
        "seller_message": message,
        "type": kind,
    })
}

fn charge_card(method: &Value, amount: i64) -> Value {
    let card = method.copy("card");
    json!({
        "amount_authorized": amount,
        "authorization_code": null,
        "brand": card.copy("brand"),
        "checks": {
            "address_line1_check": null,
            "address_postal_code_check": null,
            "cvc_check": "pass",
        },
        "country": card.copy("country"),
        "exp_month": card.copy("exp_month"),
        "exp_year": card.copy("exp_year"),
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.copy("fingerprint"),
        "funding": card.copy("funding"),
        "incremental_authorization": {"status": "unavailable"},
        "installments": null,
        "last4": card.copy("last4"),
        "mandate": null,
        "multicapture": {"status": "unavailable"},
        "network": card.copy("brand"),
        "network_token": {"used": false},
        "network_transaction_id": null,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": null,
        "transaction_link_id": null,
        "wallet": null,
    })
}

/// What follows for an invoice or a checkout session when its intent moved outside of them: by a
/// confirmation over the API or by a challenge.
pub(crate) fn settled(tx: &mut Tx<'_>, intent: &str, outcome: &Confirmed) -> Result<(), ApiError> {
    if let Some(session) = tx.state.hidden.get(intent).and_then(|hidden| hidden.owned("session")) {
        if *outcome == Confirmed::Done {
            super::checkout::paid(tx, &session)?;
        }
        return Ok(());
    }
    let payment = tx.ids_by(Kind::InvoicePayment, "payment_intent", intent);
    let invoice = payment.last().and_then(|payment| tx.read(payment).owned("invoice"));
    if let Some(invoice) = invoice {
        super::invoices::intent_settled(tx, &invoice, outcome);
    }
    Ok(())
}

/// Notes a hidden fact about an object.
pub(crate) fn hide(tx: &mut Tx<'_>, id: &str, key: &str, value: Value) {
    let hidden: &mut Object = tx.state.hidden.entry(id.to_owned()).or_default();
    hidden.insert(key.to_owned(), value);
}
