//! Payments outside of subscriptions, refunds, disputes and early fraud warnings.

use serde_json::{Value, json};

use super::{DAY, START, Stripe, id};

async fn pay(stripe: &Stripe, card: &str) -> Value {
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", card),
        ("description", "A thing"),
        ("expand[]", "latest_charge"),
        ("automatic_payment_methods[enabled]", "true"),
        ("return_url", "https://a.test/back"),
    ];
    stripe.post("/v1/payment_intents", &form).await
}

/// Good, refused and challenged payments.
#[tokio::test]
async fn payment_intents() {
    let stripe = Stripe::new();
    let mark = stripe.mark();
    let paid = pay(&stripe, "pm_card_visa").await;
    assert_eq!(
        (paid["status"].as_str(), paid["amount_received"].as_i64()),
        (Some("succeeded"), Some(2_000))
    );
    assert_eq!(paid["latest_charge"]["outcome"]["type"], "authorized");
    assert_eq!(
        stripe.types(mark),
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    );
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", "pm_card_chargeDeclinedExpiredCard"),
    ];
    let refused = stripe.call("POST", "/v1/payment_intents", &form).await;
    assert_eq!((refused.status, refused.code()), (402, "expired_card"));
    let error = &refused.body["error"];
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(error["payment_intent"]["last_payment_error"]["code"], "expired_card");
    assert!(error["charge"].as_str().unwrap().starts_with("ch_"));
    let kept =
        stripe.get(&format!("/v1/payment_intents/{}", id(&error["payment_intent"])), &[]).await;
    assert_eq!(kept["status"], "requires_payment_method");
    let waits = pay(&stripe, "pm_card_threeDSecure2Required").await;
    assert_eq!(waits["status"], "requires_action");
    assert_eq!(waits["next_action"]["redirect_to_url"]["return_url"], "https://a.test/back");
    stripe.engine.challenge_resolve(&id(&waits), true).unwrap();
    let done = stripe.get(&format!("/v1/payment_intents/{}", id(&waits)), &[]).await;
    assert_eq!(done["status"], "succeeded");
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ];
    let held = stripe.post("/v1/payment_intents", &form).await;
    assert_eq!(held["status"], "requires_capture");
    let captured = stripe.post(&format!("/v1/payment_intents/{}/capture", id(&held)), &[]).await;
    assert_eq!(captured["status"], "succeeded");
    let form = [("amount", "2000"), ("currency", "usd")];
    let idle = stripe.post("/v1/payment_intents", &form).await;
    let gone = stripe.post(&format!("/v1/payment_intents/{}/cancel", id(&idle)), &[]).await;
    assert_eq!(gone["status"], "canceled");
    let small =
        stripe.call("POST", "/v1/payment_intents", &[("amount", "10"), ("currency", "usd")]).await;
    assert_eq!(small.code(), "amount_too_small");
}

/// Set-ups save a card; with a challenge, with a refusal.
#[tokio::test]
async fn setup_intents() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", &[]).await);
    let form =
        [("customer", customer.as_str()), ("payment_method", "pm_card_visa"), ("confirm", "true")];
    let done = stripe.post("/v1/setup_intents", &form).await;
    assert_eq!(done["status"], "succeeded");
    let methods = stripe.get("/v1/payment_methods", &[("customer", &customer)]).await;
    assert_eq!(methods["data"][0]["id"], done["payment_method"]);
    let form = [
        ("customer", customer.as_str()),
        ("payment_method", "pm_card_visa_chargeDeclined"),
        ("confirm", "true"),
    ];
    let refused = stripe.call("POST", "/v1/setup_intents", &form).await;
    assert_eq!((refused.status, refused.code()), (402, "card_declined"));
    let idle = stripe.post("/v1/setup_intents", &[]).await;
    let path = format!("/v1/setup_intents/{}", id(&idle));
    let waits = stripe
        .post(&format!("{path}/confirm"), &[("payment_method", "pm_card_authenticationRequired")])
        .await;
    assert_eq!(waits["status"], "requires_action");
    stripe.engine.challenge_resolve(&id(&idle), false).unwrap();
    let failed = stripe.get(&path, &[]).await;
    assert_eq!(failed["last_setup_error"]["code"], "setup_intent_authentication_failure");
    assert_eq!(stripe.post(&format!("{path}/cancel"), &[]).await["status"], "canceled");
    let form = [
        ("type", "card"),
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
        ("card[cvc]", "123"),
    ];
    let raw = stripe.post("/v1/payment_methods", &form).await;
    assert_eq!(raw["card"]["last4"], "4242");
    let form = [("type", "card"), ("card[token]", "tok_mastercard")];
    assert_eq!(stripe.post("/v1/payment_methods", &form).await["card"]["brand"], "mastercard");
}

/// Part, rest, and no more; the asynchronous refund cards.
#[tokio::test]
async fn refunds() {
    let stripe = Stripe::new();
    let paid = pay(&stripe, "pm_card_visa").await;
    let charge = id(&paid["latest_charge"]);
    let mark = stripe.mark();
    let part = stripe
        .post(
            "/v1/refunds",
            &[("charge", &charge), ("amount", "500"), ("reason", "requested_by_customer")],
        )
        .await;
    assert_eq!(part["status"], "succeeded");
    assert_eq!(stripe.types(mark), ["refund.created", "charge.refunded"]);
    let much = stripe.call("POST", "/v1/refunds", &[("charge", &charge), ("amount", "1501")]).await;
    assert_eq!(
        much.message(),
        "Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)"
    );
    stripe.post("/v1/refunds", &[("payment_intent", &id(&paid))]).await;
    let now =
        stripe.get(&format!("/v1/charges/{charge}"), &[("expand[]", "balance_transaction")]).await;
    assert_eq!(
        (now["refunded"].as_bool(), now["amount_refunded"].as_i64()),
        (Some(true), Some(2_000))
    );
    assert_eq!(now["balance_transaction"]["fee"], 88);
    let none = stripe.call("POST", "/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(none.code(), "charge_already_refunded");
    for (card, first, then) in [
        ("pm_card_pendingRefund", "pending", "succeeded"),
        ("pm_card_refundFail", "succeeded", "failed"),
    ] {
        let paid = pay(&stripe, card).await;
        let refund = stripe.post("/v1/refunds", &[("payment_intent", &id(&paid))]).await;
        assert_eq!(refund["status"], first);
        stripe.hours(1);
        let settled = stripe.get(&format!("/v1/refunds/{}", id(&refund)), &[]).await;
        assert_eq!(settled["status"], then);
    }
    let balance = stripe.get("/v1/balance", &[]).await;
    assert_eq!(balance["object"], "balance");
}

/// A chargeback: born inside the charge, evidence staged, submitted once, won.
#[tokio::test]
async fn dispute_won() {
    let stripe = Stripe::new();
    let mark = stripe.mark();
    let paid = pay(&stripe, "pm_card_createDispute").await;
    assert_eq!(
        stripe.types(mark),
        [
            "payment_intent.created",
            "charge.succeeded",
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "payment_intent.succeeded",
        ]
    );
    let charge = id(&paid["latest_charge"]);
    let list = stripe.get("/v1/disputes", &[("charge", &charge)]).await;
    let dispute = &list["data"][0];
    assert_eq!(
        (dispute["status"].as_str(), dispute["reason"].as_str()),
        (Some("needs_response"), Some("fraudulent"))
    );
    assert_eq!(dispute["evidence_details"]["due_by"], START + 9 * DAY - 1);
    assert_eq!(dispute["balance_transactions"][0]["fee"], 1_500);
    assert_eq!(dispute["payment_method_details"]["card"]["network_reason_code"], "10.4");
    let refused = stripe.call("POST", "/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(refused.code(), "charge_disputed");
    let path = format!("/v1/disputes/{}", id(dispute));
    assert_eq!(stripe.get(&path, &[]).await["evidence"]["product_description"], "A thing");
    let staged =
        stripe.post(&path, &[("evidence[customer_name]", "Jo"), ("submit", "false")]).await;
    assert_eq!(
        (staged["status"].as_str(), staged["evidence_details"]["submission_count"].as_i64()),
        (Some("needs_response"), Some(0))
    );
    let mark = stripe.mark();
    let sent = stripe.post(&path, &[("evidence[uncategorized_text]", "winning_evidence")]).await;
    assert_eq!(
        (sent["status"].as_str(), sent["evidence"]["customer_name"].as_str()),
        (Some("under_review"), Some("Jo"))
    );
    assert_eq!(stripe.types(mark), ["charge.dispute.updated", "charge.updated"]);
    let mark = stripe.mark();
    stripe.hours(1);
    assert_eq!(stripe.types(mark), ["charge.dispute.funds_reinstated", "charge.dispute.closed"]);
    let won = stripe.get(&path, &[]).await;
    assert_eq!(
        (won["status"].as_str(), won["balance_transactions"][1]["amount"].as_i64()),
        (Some("won"), Some(2_000))
    );
    let late = stripe.call("POST", &path, &[("evidence[customer_name]", "No")]).await;
    assert_eq!(late.message(), "This dispute is already closed");
}

/// Accepting is losing at once; an inquiry moves no money until it is escalated.
#[tokio::test]
async fn disputes_lost_and_inquiries() {
    let stripe = Stripe::new();
    pay(&stripe, "pm_card_createDisputeProductNotReceived").await;
    let dispute = stripe.last("charge.dispute.created")["data"]["object"].clone();
    let mark = stripe.mark();
    let closed = stripe.post(&format!("/v1/disputes/{}/close", id(&dispute)), &[]).await;
    assert_eq!(closed["status"], "lost");
    assert_eq!(stripe.types(mark), ["charge.dispute.closed", "charge.updated"]);
    let mark = stripe.mark();
    pay(&stripe, "pm_card_createDisputeInquiry").await;
    assert!(!stripe.types(mark).contains(&"charge.dispute.funds_withdrawn".to_owned()));
    let inquiry = stripe.last("charge.dispute.created")["data"]["object"].clone();
    assert_eq!(
        (inquiry["status"].as_str(), inquiry["is_charge_refundable"].as_bool()),
        (Some("warning_needs_response"), Some(true))
    );
    let path = format!("/v1/disputes/{}", id(&inquiry));
    stripe.post(&path, &[("evidence[uncategorized_text]", "escalate_inquiry_evidence")]).await;
    stripe.hours(1);
    let now = stripe.get(&path, &[]).await;
    assert_eq!(
        (now["status"].as_str(), now["balance_transactions"][0]["amount"].as_i64()),
        (Some("needs_response"), Some(-2_000))
    );
}

/// A fraud warning is actionable until its charge is refunded whole.
#[tokio::test]
async fn fraud_warning() {
    let stripe = Stripe::new();
    let paid = pay(&stripe, "pm_card_createIssuerFraudRecord").await;
    let warning = stripe.last("radar.early_fraud_warning.created")["data"]["object"].clone();
    assert_eq!(warning["actionable"], true);
    let mark = stripe.mark();
    stripe.post("/v1/refunds", &[("payment_intent", &id(&paid))]).await;
    assert_eq!(
        stripe.types(mark),
        ["refund.created", "charge.refunded", "radar.early_fraud_warning.updated"]
    );
    let path = format!("/v1/radar/early_fraud_warnings/{}", id(&warning));
    assert_eq!(stripe.get(&path, &[]).await["actionable"], json!(false));
    let intent = id(&paid);
    let list = stripe.get("/v1/radar/early_fraud_warnings", &[("payment_intent", &intent)]).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}
