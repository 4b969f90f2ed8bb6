//! Prorations to the cent: what a change in the middle of a period credits and debits.

use super::{DAY, START, Stripe, id};

/// One change: prices and quantities, the currency, the days gone, and both lines.
struct Case {
    what: &'static str,
    old: (i64, i64),
    new: (i64, i64),
    interval: &'static str,
    currency: &'static str,
    days: i64,
    lines: (i64, i64),
}

/// Derived from the recorded rule: each line is the exact share of the seconds left, floored.
#[tokio::test]
async fn changes_in_mid_period() {
    let month = |what, old, new, days, lines| Case {
        what,
        old,
        new,
        interval: "month",
        currency: "usd",
        days,
        lines,
    };
    // October 2026 has 31 days.
    let cases = [
        month("upgrade on the first day", (9_900, 1), (49_900, 1), 0, (-9_900, 49_900)),
        month("upgrade after a day", (9_900, 1), (49_900, 1), 1, (-9_581, 48_290)),
        month("upgrade in the middle", (9_900, 1), (49_900, 1), 15, (-5_110, 25_754)),
        month("upgrade on the last day", (9_900, 1), (49_900, 1), 30, (-320, 1_609)),
        month("downgrade in the middle", (49_900, 1), (9_900, 1), 15, (-25_755, 5_109)),
        month("more seats", (1_000, 3), (1_000, 5), 10, (-2_033, 3_387)),
        month("fewer seats", (1_000, 5), (1_000, 3), 10, (-3_388, 2_032)),
        month("three cents", (3, 1), (5, 1), 10, (-3, 3)),
        month("one cent", (1, 1), (2, 1), 20, (-1, 0)),
        Case {
            currency: "jpy",
            ..month("yen have no cents", (1_000, 1), (3_000, 1), 10, (-678, 2_032))
        },
        Case {
            currency: "kwd",
            ..month("dinars have three places", (10_500, 1), (21_000, 1), 10, (-7_113, 14_225))
        },
        Case {
            interval: "year",
            ..month("yearly upgrade", (99_000, 1), (499_000, 1), 73, (-79_200, 399_200))
        },
        Case { interval: "week", ..month("weekly upgrade", (700, 1), (1_000, 1), 3, (-400, 571)) },
    ];
    for case in cases {
        let stripe = Stripe::new();
        let customer = stripe.customer("pm_card_visa").await;
        let (old, new) = (
            stripe.price_in("Old", case.old.0, case.interval, case.currency).await,
            stripe.price_in("New", case.new.0, case.interval, case.currency).await,
        );
        // Seats change on one price; plans change between two.
        let new = if case.old.0 == case.new.0 { old.clone() } else { new };
        let quantity = case.old.1.to_string();
        let form = [("items[0][quantity]", quantity.as_str())];
        let subscription = stripe.subscribe(&customer, &old, &form).await;
        stripe.days(case.days);
        let quantity = case.new.1.to_string();
        let form = [
            ("items[0][quantity]", quantity.as_str()),
            ("proration_behavior", "always_invoice"),
            ("expand[]", "latest_invoice"),
        ];
        let changed = stripe.switch(&subscription, &new, &form).await;
        let invoice = &changed.body["latest_invoice"];
        let line = |at: usize| invoice["lines"]["data"][at]["amount"].as_i64().unwrap();
        assert_eq!((line(0), line(1)), case.lines, "{}", case.what);
        assert_eq!(invoice["total"], case.lines.0 + case.lines.1, "{}", case.what);
        let due = (case.lines.0 + case.lines.1).max(0);
        let charged = if due < 50 { 0 } else { due };
        assert_eq!(invoice["amount_paid"], charged, "{}", case.what);
    }
}

/// Renewals keep the day of the anchor through short months.
#[tokio::test]
async fn anchor_on_the_31st() {
    let stripe = Stripe::new();
    stripe.days(30);
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let mut lengths = Vec::new();
    for _ in 0..5 {
        let now = stripe.get(&path, &[]).await;
        let item = &now["items"]["data"][0];
        let (start, end) = (
            item["current_period_start"].as_i64().unwrap(),
            item["current_period_end"].as_i64().unwrap(),
        );
        lengths.push((end - start) / DAY);
        stripe.engine.advance_clock(end).unwrap();
    }
    // 31 Oct → 30 Nov → 31 Dec → 31 Jan → 28 Feb → 31 Mar.
    assert_eq!(lengths, [30, 31, 31, 28, 31]);
    assert!(stripe.engine.clock().now() > START);
}

/// A preview changes nothing, and previews of the next renewal say its amount.
#[tokio::test]
async fn previews_change_nothing() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = id(&stripe.subscribe(&customer, &price, &[]).await);
    let mark = stripe.mark();
    let form = [("subscription", subscription.as_str())];
    let preview = stripe.post("/v1/invoices/create_preview", &form).await;
    assert_eq!(
        (preview["amount_due"].as_i64(), preview["billing_reason"].as_str()),
        (Some(9_900), Some("subscription_cycle"))
    );
    assert_eq!(preview["period_end"], START + 31 * DAY);
    let form = [
        ("customer", customer.as_str()),
        ("subscription_details[items][0][price]", price.as_str()),
        ("subscription_details[items][0][quantity]", "2"),
    ];
    let preview = stripe.post("/v1/invoices/create_preview", &form).await;
    assert_eq!(preview["amount_due"], 19_800);
    assert!(stripe.types(mark).is_empty());
}

/// Too small to charge: paid, and carried on the balance to the next invoice.
#[tokio::test]
async fn small_amounts_wait_on_the_balance() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Tiny", 30, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[("expand[]", "latest_invoice")]).await;
    let invoice = &subscription["latest_invoice"];
    assert_eq!(
        (invoice["status"].as_str(), invoice["attempt_count"].as_i64()),
        (Some("paid"), Some(0))
    );
    assert_eq!(invoice["amount_paid"], 0);
    let owner = stripe.get(&format!("/v1/customers/{customer}"), &[]).await;
    assert_eq!(owner["balance"], 30);
    stripe.days(32);
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
    assert_eq!(invoices["data"][0]["amount_paid"], 60);
}

/// An invoice by hand: item, draft, finalised, paid out of band or void.
#[tokio::test]
async fn invoices_by_hand() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let form = [
        ("customer", customer.as_str()),
        ("amount", "1500"),
        ("currency", "usd"),
        ("description", "Help"),
    ];
    stripe.post("/v1/invoiceitems", &form).await;
    let form = [("customer", customer.as_str()), ("pending_invoice_items_behavior", "include")];
    let draft = stripe.post("/v1/invoices", &form).await;
    assert_eq!((draft["status"].as_str(), draft["total"].as_i64()), (Some("draft"), Some(1_500)));
    assert_eq!(draft["hosted_invoice_url"], serde_json::json!(null));
    let path = format!("/v1/invoices/{}", id(&draft));
    let open = stripe.post(&format!("{path}/finalize"), &[]).await;
    assert_eq!(open["status"], "open");
    let token = open["hosted_invoice_url"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(stripe.engine.invoice_by_token(token).unwrap()["id"], open["id"]);
    let paid = stripe.post(&format!("{path}/pay"), &[]).await;
    assert_eq!(paid["status"], "paid");
    let again = stripe.call("POST", &format!("{path}/pay"), &[]).await;
    assert_eq!((again.status, again.message()), (400, "Invoice is already paid"));
    let lines = stripe.get(&format!("{path}/lines"), &[]).await;
    assert_eq!(lines["data"][0]["description"], "Help");
    let empty = stripe.post("/v1/invoices", &[("customer", &customer)]).await;
    stripe.delete(&format!("/v1/invoices/{}", id(&empty)), &[]).await;
    let form = [("customer", customer.as_str()), ("amount", "700"), ("currency", "usd")];
    stripe.post("/v1/invoiceitems", &form).await;
    let form = [("customer", customer.as_str()), ("pending_invoice_items_behavior", "include")];
    let draft = stripe.post("/v1/invoices", &form).await;
    let path = format!("/v1/invoices/{}", id(&draft));
    stripe.post(&format!("{path}/finalize"), &[]).await;
    let voided = stripe.post(&format!("{path}/void"), &[]).await;
    assert_eq!(voided["status"], "void");
    let payments = stripe.get("/v1/invoice_payments", &[("invoice", &id(&paid))]).await;
    let intent = payments["data"][0]["payment"]["payment_intent"].as_str().unwrap();
    let form = [("payment[type]", "payment_intent"), ("payment[payment_intent]", intent)];
    let by_intent = stripe.get("/v1/invoice_payments", &form).await;
    assert_eq!(by_intent["data"][0]["invoice"], paid["id"]);
}
