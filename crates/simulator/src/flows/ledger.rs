//! Balance transactions: the account's own money, and refunds that move it back.

use serde_json::{Value, json};

use crate::protocol::ApiError;
use crate::state::{Aftermath, Due, Fields, Kind, Object, Tx};

/// One movement on the account's balance.
pub(crate) struct Movement<'a> {
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) fee_words: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) category: &'a str,
    pub(crate) source: &'a str,
    pub(crate) description: Option<String>,
    pub(crate) at: i64,
}

/// Writes a balance transaction and says its id.
pub(crate) fn write(tx: &mut Tx<'_>, movement: &Movement<'_>) -> String {
    let id = tx.state.ids.id("txn_3").replacen("txn_3_", "txn_3", 1);
    let fees = if movement.fee == 0 {
        json!([])
    } else {
        json!([{"amount": movement.fee, "application": null, "currency": movement.currency,
                "description": movement.fee_words, "type": "stripe_fee"}])
    };
    let json = json!({
        "id": id,
        "object": "balance_transaction",
        "amount": movement.amount,
        "available_on": movement.at + 2 * 86_400,
        "balance_type": "payments",
        "created": movement.at,
        "currency": movement.currency,
        "description": movement.description,
        "exchange_rate": null,
        "fee": movement.fee,
        "fee_details": fees,
        "net": movement.amount - movement.fee,
        "reporting_category": movement.category,
        "source": movement.source,
        "status": "pending",
        "type": movement.kind,
    });
    tx.insert(Kind::BalanceTransaction, json);
    id
}

/// The money of a captured charge arrives, less 2.9 % and 30 minor units. As at Stripe, the
/// answer and the event that announce the charge do not yet name the transaction.
pub(crate) fn charged(tx: &mut Tx<'_>, charge: &str) {
    let object = tx.json(charge);
    let amount = object.amount("amount_captured");
    let id = write(
        tx,
        &Movement {
            amount,
            fee: amount * 29 / 1_000 + 30,
            fee_words: "Stripe processing fees",
            currency: object.text("currency").unwrap_or("usd"),
            kind: "charge",
            category: "charge",
            source: charge,
            description: object.owned("description"),
            at: object.amount("created"),
        },
    );
    tx.set(charge, "balance_transaction", id);
}

/// Refunds a charge, whole or in part.
///
/// # Errors
/// 400 when there is not that much left, or a dispute forbids it.
pub(crate) fn refund(
    tx: &mut Tx<'_>,
    charge: &str,
    amount: Option<i64>,
    args: &Object,
) -> Result<String, ApiError> {
    let object = tx.json(charge);
    if object.flag("paid") != Some(true) {
        return Err(ApiError::invalid(format!(
            "Charge {charge} has not been paid, so it cannot be refunded."
        )));
    }
    let left = object.amount("amount_captured") - object.amount("amount_refunded");
    if left <= 0 {
        return Err(ApiError::invalid(format!("Charge {charge} has already been refunded."))
            .code("charge_already_refunded"));
    }
    let disputed = object.owned("dispute").map(|dispute| tx.json(&dispute));
    if disputed.is_some_and(|dispute| dispute.flag("is_charge_refundable") == Some(false)) {
        return Err(ApiError::invalid(format!(
            "The charge {charge} has been charged back; cannot issue a refund."
        ))
        .code("charge_disputed"));
    }
    let currency = object.owned("currency").unwrap_or_default();
    let amount = amount.unwrap_or(left);
    if amount > left {
        let (asked, left) = (
            crate::rules::money::in_words(amount, &currency),
            crate::rules::money::in_words(left, &currency),
        );
        let message =
            format!("Refund amount ({asked}) is greater than unrefunded amount on charge ({left})");
        return Err(ApiError::invalid(message).at("amount"));
    }
    if amount < 1 {
        return Err(ApiError::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .at("amount"));
    }
    let customer = object.owned("customer");
    let at = customer.as_deref().map_or(tx.now, |customer| tx.time_of(customer));
    let aftermath = object
        .text("payment_method")
        .and_then(|method| tx.state.cards.get(method))
        .map_or(Aftermath::Nothing, |card| card.traits.aftermath);
    let pending = aftermath == Aftermath::RefundPending;
    let id = tx.state.ids.id("re_3").replacen("re_3_", "re_3", 1);
    let transaction = write(
        tx,
        &Movement {
            amount: -amount,
            fee: 0,
            fee_words: "",
            currency: &currency,
            kind: "refund",
            category: "refund",
            source: &id,
            description: Some(format!("REFUND FOR CHARGE ({charge})")),
            at,
        },
    );
    let metadata = super::cards::metadata(args);
    tx.insert(
        Kind::Refund,
        json!({
            "id": id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": transaction,
            "charge": charge,
            "created": at,
            "currency": currency,
            "customer": null,
            "customer_account": null,
            "destination_details": {"card": {
                "reference": "8675309000000000", "reference_status": "available",
                "reference_type": "acquirer_reference_number", "type": "refund"}, "type": "card"},
            "metadata": metadata,
            "payment_intent": object.copy("payment_intent"),
            "payment_method": null,
            "reason": args.copy("reason"),
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": if pending { "pending" } else { "succeeded" },
            "transfer_reversal": null,
        }),
    );
    tx.emit("refund.created", &id);
    let refunded = object.amount("amount_refunded") + amount;
    let changed = tx.edit(charge, |object| {
        object.insert("amount_refunded".to_owned(), json!(refunded));
        object.insert("refunded".to_owned(), json!(refunded == object.amount("amount_captured")));
    });
    tx.emit_changed("charge.refunded", charge, changed);
    if refunded == object.amount("amount_captured") {
        super::disputes::warnings_handled(tx, charge);
    }
    if pending || aftermath == Aftermath::RefundFails {
        let owner = customer.unwrap_or_default();
        tx.schedule(&owner, at + 5, Due::RefundSettles(id.clone()));
    }
    Ok(id)
}

/// A refund of one of the asynchronous test cards settles: pending → succeeded, succeeded → failed.
pub(crate) fn settle(tx: &mut Tx<'_>, refund: &str) {
    let object = tx.json(refund);
    let pending = object.text("status") == Some("pending");
    let changed = tx.edit(refund, |object| {
        let status = if pending { "succeeded" } else { "failed" };
        object.insert("status".to_owned(), json!(status));
        if !pending {
            object.insert("failure_reason".to_owned(), json!("unknown"));
        }
    });
    tx.emit_changed("refund.updated", refund, changed.clone());
    tx.emit_changed("charge.refund.updated", refund, changed);
    if pending {
        return;
    }
    tx.emit("refund.failed", refund);
    let Some(charge) = object.owned("charge") else { return };
    let amount = object.amount("amount");
    let at = object.amount("created");
    let currency = object.owned("currency").unwrap_or_default();
    let transaction = write(
        tx,
        &Movement {
            amount,
            fee: 0,
            fee_words: "",
            currency: &currency,
            kind: "refund_failure",
            category: "refund_failure",
            source: refund,
            description: Some(format!("REFUND FAILURE FOR CHARGE ({charge})")),
            at,
        },
    );
    tx.set(refund, "failure_balance_transaction", transaction);
    tx.edit(&charge, |object| {
        let refunded = object.amount("amount_refunded") - amount;
        object.insert("amount_refunded".to_owned(), json!(refunded));
        object.insert("refunded".to_owned(), Value::Bool(false));
    });
}
