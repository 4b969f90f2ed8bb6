//! Disputes and early fraud warnings: born by test cards, answered by evidence, decided by words.

use serde_json::{Value, json};

use super::ledger::{self, Movement};
use crate::protocol::ApiError;
use crate::rules::calendar;
use crate::state::{Aftermath, Due, Fields, Kind, Object, Tx};

const FEE: i64 = 1_500;

/// All evidence fields, as `dispute.evidence` lists them.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// What a successful charge of a test card leads to, still inside the charge.
pub(crate) fn after_charge(tx: &mut Tx<'_>, charge: &str, method: &str) {
    let Some(card) = tx.state.cards.get(method) else { return };
    match card.traits.aftermath {
        Aftermath::Dispute(reason) => open(tx, charge, reason, false),
        Aftermath::Inquiry(reason) => open(tx, charge, reason, true),
        Aftermath::Disputes => {
            open(tx, charge, "fraudulent", false);
            open(tx, charge, "duplicate", false);
        }
        Aftermath::FraudWarning => warn(tx, charge),
        Aftermath::Nothing | Aftermath::RefundPending | Aftermath::RefundFails => {}
    }
}

fn warn(tx: &mut Tx<'_>, charge: &str) {
    let id = tx.state.ids.id("issfr_1").replacen("issfr_1_", "issfr_1", 1);
    let object = tx.json(charge);
    let json = json!({
        "id": id,
        "object": "radar.early_fraud_warning",
        "actionable": true,
        "charge": charge,
        "created": object.amount("created"),
        "fraud_type": tx.state.policy.fraud_type,
        "livemode": tx.livemode,
        "payment_intent": object.copy("payment_intent"),
    });
    tx.insert(Kind::FraudWarning, json);
    tx.emit("radar.early_fraud_warning.created", &id);
}

/// A dispute or a whole refund takes the occasion away from the charge's warnings.
pub(crate) fn warnings_handled(tx: &mut Tx<'_>, charge: &str) {
    for warning in tx.ids_by(Kind::FraudWarning, "charge", charge) {
        let changed = tx.set(&warning, "actionable", false);
        tx.emit_if_changed("radar.early_fraud_warning.updated", &warning, changed);
    }
}

/// Opens a dispute of a charge; a chargeback takes the money at once.
pub(crate) fn open(tx: &mut Tx<'_>, charge: &str, reason: &str, inquiry: bool) {
    let id = tx.state.ids.id("du_1").replacen("du_1_", "du_1", 1);
    let object = tx.json(charge);
    let at = object.amount("created");
    let card = object.copy("payment_method_details").copy("card");
    let code = match reason {
        "fraudulent" => "10.4",
        "product_not_received" => "13.1",
        _ => "10",
    };
    let mut evidence: Object =
        EVIDENCE.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
    evidence.insert("enhanced_evidence".to_owned(), json!({}));
    let json = json!({
        "id": id,
        "object": "dispute",
        "amount": object.amount("amount"),
        "balance_transactions": [],
        "charge": charge,
        "created": at,
        "currency": object.copy("currency"),
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": calendar::end_of_day_after(at, 8),
            "enhanced_eligibility": {},
            "has_evidence": false,
            "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": tx.livemode,
        "metadata": {},
        "payment_intent": object.copy("payment_intent"),
        "payment_method_details": {
            "card": {
                "brand": card.copy("brand"),
                "case_type": if inquiry { "inquiry" } else { "chargeback" },
                "network": card.copy("brand"),
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    });
    tx.insert(Kind::Dispute, json);
    tx.edit(charge, |charge| {
        charge.insert("disputed".to_owned(), json!(true));
        charge.insert("dispute".to_owned(), json!(id));
    });
    tx.emit("charge.dispute.created", &id);
    if !inquiry {
        withdraw(tx, &id);
    }
    warnings_handled(tx, charge);
}

fn withdraw(tx: &mut Tx<'_>, id: &str) {
    let charge = tx.read(id).owned("charge").unwrap_or_default();
    let amount = tx.read(id).amount("amount");
    move_money(tx, id, -amount, FEE, format!("Chargeback withdrawal for {charge}"));
    tx.emit("charge.dispute.funds_withdrawn", id);
}

fn move_money(tx: &mut Tx<'_>, id: &str, amount: i64, fee: i64, description: String) {
    let dispute = tx.json(id);
    let currency = dispute.owned("currency").unwrap_or_default();
    let at = moment(tx, &dispute);
    let category = if amount < 0 { "dispute" } else { "dispute_reversal" };
    let transaction = ledger::write(
        tx,
        &Movement {
            amount,
            fee,
            fee_words: "Dispute fee",
            currency: &currency,
            kind: "adjustment",
            category,
            source: id,
            description: Some(description),
            at,
        },
    );
    let row = tx.json(&transaction);
    tx.edit(id, |dispute| {
        if let Some(rows) = dispute.get_mut("balance_transactions").and_then(Value::as_array_mut) {
            rows.push(row);
        }
    });
}

fn moment(tx: &Tx<'_>, dispute: &Value) -> i64 {
    dispute
        .text("charge")
        .and_then(|charge| tx.read(charge).owned("customer"))
        .map_or(tx.now, |customer| tx.time_of(&customer))
}

/// One dispute as a retrieval shows it: evidence that Stripe knows by itself is filled in.
pub(crate) fn shown(tx: &Tx<'_>, id: &str) -> Value {
    let mut dispute = tx.json(id);
    let charge = dispute.text("charge").map_or(Value::Null, |charge| tx.json(charge));
    let customer = charge.text("customer").map_or(Value::Null, |customer| tx.json(customer));
    let known = [
        ("customer_name", customer.copy("name")),
        ("customer_email_address", customer.copy("email")),
        ("product_description", charge.copy("description")),
    ];
    for (field, value) in known {
        if dispute["evidence"][field].is_null() {
            dispute["evidence"][field] = value;
        }
    }
    dispute
}

fn require_open(dispute: &Value) -> Result<(), ApiError> {
    let status = dispute.text("status").unwrap_or_default();
    if matches!(status, "won" | "lost" | "warning_closed" | "prevented") {
        return Err(ApiError::invalid("This dispute is already closed"));
    }
    Ok(())
}

/// `POST /v1/disputes/{id}`: stages evidence, and submits it unless `submit=false`.
///
/// # Errors
/// 400 when the dispute is closed, evidence was already submitted, or it is too long.
pub(crate) fn update(tx: &mut Tx<'_>, id: &str, args: &Object) -> Result<(), ApiError> {
    let dispute = tx.json(id);
    require_open(&dispute)?;
    let submit = args.flag("submit").unwrap_or(true);
    let evidence = args.object("evidence").cloned().unwrap_or_default();
    let submitted = dispute.copy("evidence_details").amount("submission_count") > 0;
    if submitted && !evidence.is_empty() {
        return Err(ApiError::invalid(
            "Evidence for this dispute has already been submitted and cannot be changed.",
        ));
    }
    let long = |value: &&Value| value.as_str().is_some_and(|text| text.chars().count() > 20_000);
    if let Some((field, _)) = evidence.iter().find(|(_, value)| long(value)) {
        return Err(ApiError::invalid("Evidence fields may have at most 20,000 characters.")
            .at(format!("evidence[{field}]")));
    }
    let total: usize = evidence.values().filter_map(Value::as_str).map(|t| t.chars().count()).sum();
    if total > 150_000 {
        return Err(ApiError::invalid(
            "The combined character count of all evidence fields may be at most 150,000.",
        )
        .at("evidence"));
    }
    let submits = submit && !submitted && args.keys().any(|key| key != "metadata");
    let changed = tx.edit(id, |dispute| {
        super::cards::merge_metadata(dispute, args);
        if let Some(known) = dispute.get_mut("evidence").and_then(Value::as_object_mut) {
            for (field, value) in &evidence {
                let empty = value.as_str() == Some("");
                let value = if empty { Value::Null } else { value.clone() };
                known.insert(field.clone(), value);
            }
        }
        let any =
            dispute.object("evidence").is_some_and(|known| known.values().any(Value::is_string));
        if let Some(details) = dispute.get_mut("evidence_details") {
            details["has_evidence"] = json!(any);
            if submits {
                details["submission_count"] = json!(1);
            }
        }
        if submits {
            let inquiry = dispute.text("status") == Some("warning_needs_response");
            let status = if inquiry { "warning_under_review" } else { "under_review" };
            dispute.insert("status".to_owned(), json!(status));
        }
    });
    tx.emit_if_changed("charge.dispute.updated", id, changed);
    if submits {
        let charge = dispute.owned("charge").unwrap_or_default();
        tx.emit("charge.updated", &charge);
        let customer = tx.read(&charge).owned("customer").unwrap_or_default();
        let at = tx.time_of(&customer) + tx.state.policy.dispute_decision_seconds;
        tx.schedule(&customer, at, Due::DisputeDecided(id.to_owned()));
    }
    Ok(())
}

/// The bank answers what the evidence's words ask for; other words leave it under review.
pub(crate) fn decided(tx: &mut Tx<'_>, id: &str) {
    let dispute = tx.json(id);
    let inquiry = dispute.text("status") == Some("warning_under_review");
    if !inquiry && dispute.text("status") != Some("under_review") {
        return;
    }
    let words = dispute.copy("evidence").owned("uncategorized_text").unwrap_or_default();
    match words.as_str() {
        "winning_evidence" if inquiry => conclude(tx, id, "warning_closed"),
        "losing_evidence" if inquiry => conclude(tx, id, "warning_closed"),
        "winning_evidence" => {
            tx.edit(id, |dispute| {
                dispute.insert("status".to_owned(), json!("won"));
                dispute.insert("is_charge_refundable".to_owned(), json!(true));
            });
            let charge = dispute.owned("charge").unwrap_or_default();
            let amount = dispute.amount("amount");
            move_money(tx, id, amount, 0, format!("Chargeback reversal for {charge}"));
            tx.emit("charge.dispute.funds_reinstated", id);
            tx.emit("charge.dispute.closed", id);
        }
        "losing_evidence" => conclude(tx, id, "lost"),
        "escalate_inquiry_evidence" if inquiry => {
            let due = calendar::end_of_day_after(moment(tx, &dispute), 8);
            let changed = tx.edit(id, |dispute| {
                dispute.insert("status".to_owned(), json!("needs_response"));
                dispute.insert("is_charge_refundable".to_owned(), json!(false));
                if let Some(details) = dispute.get_mut("evidence_details") {
                    details["submission_count"] = json!(0);
                    details["due_by"] = json!(due);
                }
                if let Some(card) = dispute
                    .get_mut("payment_method_details")
                    .and_then(|details| details.get_mut("card"))
                {
                    card["case_type"] = json!("chargeback");
                }
            });
            tx.emit_changed("charge.dispute.updated", id, changed);
            withdraw(tx, id);
        }
        _ => {}
    }
}

fn conclude(tx: &mut Tx<'_>, id: &str, status: &str) {
    tx.set(id, "status", status);
    tx.emit("charge.dispute.closed", id);
}

/// `POST /v1/disputes/{id}/close`: accepts it; it is lost at once.
///
/// # Errors
/// 400 when it is closed already.
pub(crate) fn close(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let dispute = tx.json(id);
    require_open(&dispute)?;
    let inquiry = dispute.text("status").is_some_and(|status| status.starts_with("warning"));
    conclude(tx, id, if inquiry { "warning_closed" } else { "lost" });
    tx.emit("charge.updated", dispute.text("charge").unwrap_or_default());
    Ok(())
}
