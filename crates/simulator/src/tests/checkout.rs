//! Checkout sessions from creation to their end, on the page and headless, and the portal.

use serde_json::{Value, json};

use super::{DAY, START, Stripe, id};
use crate::{CardInput, ConfirmOutcome};

fn card(number: &str) -> CardInput {
    CardInput {
        number: number.to_owned(),
        exp_month: 12,
        exp_year: 2034,
        cvc: Some("123".to_owned()),
        name: Some("Jo Doe".to_owned()),
        country: Some("US".to_owned()),
        postal_code: Some("12345".to_owned()),
    }
}

async fn session(stripe: &Stripe, price: &str, more: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("mode", "subscription"),
        ("line_items[0][price]", price),
        ("line_items[0][quantity]", "1"),
        ("success_url", "https://shop.test/ok?s={CHECKOUT_SESSION_ID}"),
        ("cancel_url", "https://shop.test/no"),
    ];
    form.extend_from_slice(more);
    stripe.post("/v1/checkout/sessions", &form).await
}

/// A purchase on the page: the customer is made, and subscription and invoice only now.
#[tokio::test]
async fn purchase_with_a_good_card() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    let form = [("client_reference_id", "org_1"), ("subscription_data[metadata][org]", "org_1")];
    let session = session(&stripe, &price, &form).await;
    assert_eq!(
        (session["status"].as_str(), session["subscription"].clone()),
        (Some("open"), json!(null))
    );
    assert_eq!(session["amount_total"], 9_900);
    assert_eq!(session["url"], format!("http://sim.test/c/pay/{}", id(&session)));
    let mark = stripe.mark();
    let outcome = stripe
        .engine
        .checkout_confirm(&id(&session), card("4242424242424242"), Some("jo@example.com"))
        .unwrap();
    let redirect_url = format!("https://shop.test/ok?s={}", id(&session));
    assert_eq!(outcome, ConfirmOutcome::Completed { redirect_url });
    assert_eq!(
        stripe.types(mark),
        [
            "customer.created",
            "payment_intent.created",
            "charge.succeeded",
            "payment_method.attached",
            "payment_intent.succeeded",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "checkout.session.completed",
        ]
    );
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    let form = [("expand[]", "subscription"), ("expand[]", "line_items"), ("expand[]", "invoice")];
    let done = stripe.get(&path, &form).await;
    assert_eq!(
        (done["status"].as_str(), done["payment_status"].as_str()),
        (Some("complete"), Some("paid"))
    );
    assert_eq!(done["url"], json!(null));
    assert_eq!(done["customer_details"]["email"], "jo@example.com");
    assert_eq!(done["subscription"]["status"], "active");
    assert_eq!(done["subscription"]["metadata"]["org"], "org_1");
    assert!(done["subscription"]["default_payment_method"].is_string());
    assert_eq!(done["invoice"]["status"], "paid");
    assert_eq!(done["line_items"]["data"][0]["price"]["id"], price);
    let again = stripe.engine.checkout_confirm(&id(&session), card("4242424242424242"), None);
    assert_eq!(again.unwrap_err().status, 400);
    stripe.days(32);
    let customer = done["customer"].as_str().unwrap();
    let invoices = stripe.get("/v1/invoices", &[("customer", customer)]).await;
    assert_eq!(invoices["data"][0]["status"], "paid");
}

/// A refused card leaves the session open and nothing else; another card then pays, with the same
/// payment intent.
#[tokio::test]
async fn purchase_after_a_refusal() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    let session = session(&stripe, &price, &[]).await;
    let mark = stripe.mark();
    let refused = stripe
        .engine
        .checkout_confirm(&id(&session), card("4000 0000 0000 9995"), Some("jo@example.com"))
        .unwrap();
    let ConfirmOutcome::Declined { message, code, decline_code } = refused else { panic!() };
    assert_eq!(message, "Your card has insufficient funds.");
    assert_eq!(
        (code.as_str(), decline_code.as_deref()),
        ("card_declined", Some("insufficient_funds"))
    );
    assert_eq!(
        stripe.types(mark),
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );
    let wrong = stripe.engine.checkout_confirm(&id(&session), card("4242424242424241"), None);
    let ConfirmOutcome::Declined { code, .. } = wrong.unwrap() else { panic!() };
    assert_eq!(code, "incorrect_number");
    let paid = stripe.engine.checkout_confirm(
        &id(&session),
        card("5555555555554444"),
        Some("jo@example.com"),
    );
    assert!(matches!(paid.unwrap(), ConfirmOutcome::Completed { .. }));
    let types = stripe.types(mark);
    assert_eq!(types.iter().filter(|kind| *kind == "payment_intent.created").count(), 1);
}

/// A card that asks for a challenge: failing it leaves the session open, passing it buys.
#[tokio::test]
async fn purchase_with_a_challenge() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    let session = session(&stripe, &price, &[]).await;
    let pay = || {
        stripe.engine.checkout_confirm(
            &id(&session),
            card("4000002500003155"),
            Some("jo@example.com"),
        )
    };
    let ConfirmOutcome::RequiresAction { challenge_id } = pay().unwrap() else { panic!() };
    let failed = stripe.engine.challenge_resolve(&challenge_id, false).unwrap();
    assert!(matches!(failed, ConfirmOutcome::Declined { .. }));
    let ConfirmOutcome::RequiresAction { challenge_id } = pay().unwrap() else { panic!() };
    let mark = stripe.mark();
    let passed = stripe.engine.challenge_resolve(&challenge_id, true).unwrap();
    assert!(matches!(passed, ConfirmOutcome::Completed { .. }));
    let types = stripe.types(mark);
    assert_eq!(types.first().map(String::as_str), Some("customer.created"));
    assert_eq!(types.last().map(String::as_str), Some("checkout.session.completed"));
    // The card is set up now: the renewal needs no challenge.
    stripe.days(32);
    let done = stripe
        .get(
            &format!("/v1/checkout/sessions/{}", id(&session)),
            &[("expand[]", "subscription.latest_invoice")],
        )
        .await;
    assert_eq!(done["subscription"]["latest_invoice"]["status"], "paid");
    assert_eq!(done["subscription"]["latest_invoice"]["billing_reason"], "subscription_cycle");
}

/// Trial, setup and payment mode, and the headless confirmation that the command-line tool uses.
#[tokio::test]
async fn other_modes() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    let customer = stripe.customer("pm_card_visa").await;
    let trial = session(
        &stripe,
        &price,
        &[("customer", &customer), ("subscription_data[trial_period_days]", "7")],
    )
    .await;
    assert_eq!(
        (trial["amount_total"].as_i64(), trial["payment_status"].as_str()),
        (Some(0), Some("no_payment_required"))
    );
    stripe.engine.checkout_confirm(&id(&trial), card("4242424242424242"), None).unwrap();
    let path = format!("/v1/checkout/sessions/{}", id(&trial));
    let done = stripe.get(&path, &[("expand[]", "subscription")]).await;
    assert_eq!(done["subscription"]["status"], "trialing");
    assert_eq!(done["subscription"]["trial_end"], START + 7 * DAY);

    let setup = stripe
        .post(
            "/v1/checkout/sessions",
            &[
                ("mode", "setup"),
                ("customer", &customer),
                ("currency", "usd"),
                ("success_url", "https://a.test"),
            ],
        )
        .await;
    stripe.engine.checkout_confirm(&id(&setup), card("4000002500003155"), None).unwrap();
    let intent = stripe.last("setup_intent.requires_action")["data"]["object"].clone();
    stripe.engine.challenge_resolve(&id(&intent), true).unwrap();
    let done = stripe.get(&format!("/v1/checkout/sessions/{}", id(&setup)), &[]).await;
    assert_eq!(
        (done["status"].as_str(), done["setup_intent"].as_str()),
        (Some("complete"), intent["id"].as_str())
    );

    let once = stripe
        .post(
            "/v1/checkout/sessions",
            &[
                ("mode", "payment"),
                ("line_items[0][price_data][currency]", "usd"),
                ("line_items[0][price_data][unit_amount]", "1500"),
                ("line_items[0][price_data][product_data][name]", "Shirt"),
                ("line_items[0][quantity]", "2"),
                ("success_url", "https://a.test"),
            ],
        )
        .await;
    let page = stripe.get(&format!("/v1/payment_pages/{}", id(&once)), &[]).await;
    let confirm = format!("/v1/payment_pages/{}/confirm", id(&page));
    let wrong = [("payment_method", "pm_card_visa"), ("expected_amount", "1")];
    assert_eq!(stripe.call("POST", &confirm, &wrong).await.status, 400);
    let right = [("payment_method", "pm_card_visa"), ("expected_amount", "3000")];
    stripe.post(&confirm, &right).await;
    let done = stripe
        .get(&format!("/v1/checkout/sessions/{}", id(&once)), &[("expand[]", "payment_intent")])
        .await;
    assert_eq!(done["payment_intent"]["amount_received"], 3_000);
}

/// A session expires after a day, or by request, once.
#[tokio::test]
async fn expiry() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    let (one, two) = (session(&stripe, &price, &[]).await, session(&stripe, &price, &[]).await);
    let path = format!("/v1/checkout/sessions/{}/expire", id(&one));
    let expired = stripe.post(&path, &[]).await;
    assert_eq!(
        (expired["status"].as_str(), expired["url"].clone()),
        (Some("expired"), json!(null))
    );
    assert_eq!(stripe.call("POST", &path, &[]).await.status, 400);
    let mark = stripe.mark();
    stripe.hours(25);
    assert_eq!(stripe.types(mark), ["checkout.session.expired"]);
    let late = stripe.engine.checkout_confirm(&id(&two), card("4242424242424242"), None);
    assert_eq!(late.unwrap_err().code.as_deref(), Some("checkout_session_expired"));
    for (form, param) in [
        (vec![("mode", "subscription"), ("success_url", "https://a.test")], "line_items"),
        (vec![("success_url", "https://a.test")], "mode"),
        (vec![("mode", "payment")], "success_url"),
    ] {
        let refused = stripe.call("POST", "/v1/checkout/sessions", &form).await;
        assert_eq!((refused.status, refused.param()), (400, param));
    }
}

/// The portal: another card, a plan switch as previewed, cancel and resume, details.
#[tokio::test]
async fn portal() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, big) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Big", 49_900, "month").await);
    let subscription = id(&stripe.subscribe(&customer, &team, &[]).await);
    let portal = stripe
        .post(
            "/v1/billing_portal/sessions",
            &[("customer", &customer), ("return_url", "https://shop.test")],
        )
        .await;
    let token = portal["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let engine = &stripe.engine;
    assert_eq!(
        engine.portal_session(&token).unwrap()["customer_object"]["email"],
        "jo@example.com"
    );
    assert_eq!(engine.portal_prices(&token).len(), 2);
    let saved = engine.portal_update_card(&token, card("5555555555554444")).unwrap();
    assert!(matches!(saved, ConfirmOutcome::Completed { .. }));
    let method =
        engine.object(&customer).unwrap()["invoice_settings"]["default_payment_method"].clone();
    assert_eq!(engine.object(method.as_str().unwrap()).unwrap()["card"]["last4"], "4444");
    stripe.days(10);
    let switch = engine.portal_preview_switch(&token, &subscription, &big).unwrap();
    assert_eq!((switch.amount_due, switch.credit), (27_096, 0));
    let switched = engine.portal_switch(&token, &subscription, &big, Some(switch.proration_date));
    assert_eq!(switched.unwrap()["items"]["data"][0]["price"]["id"], big);
    assert_eq!(stripe.last("invoice.paid")["data"]["object"]["amount_paid"], 27_096);
    let ending = engine.portal_cancel(&token, &subscription, Some("too_expensive")).unwrap();
    assert_eq!(ending["cancellation_details"]["feedback"], "too_expensive");
    let kept = engine.portal_resume(&token, &subscription).unwrap();
    assert_eq!(kept["cancel_at_period_end"], false);
    let changes = json!({"name": "Jo Roe", "balance": -1_000});
    let updated = engine.portal_update_customer(&token, changes).unwrap();
    assert_eq!((updated["name"].as_str(), updated["balance"].as_i64()), (Some("Jo Roe"), Some(0)));
    let other = id(&stripe.post("/v1/customers", &[]).await);
    let foreign = stripe.post("/v1/billing_portal/sessions", &[("customer", &other)]).await;
    let token = foreign["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(engine.portal_cancel(&token, &subscription, None).unwrap_err().status, 404);
}
