//! Subscriptions made over the API: first payment, changes, cancellation, and their events.

use serde_json::json;

use super::{DAY, START, Stripe, id};

/// A good card pays at once; the subscription is announced last, already active.
#[tokio::test]
async fn create_with_a_good_card() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let mark = stripe.mark();
    let subscription =
        stripe.subscribe(&customer, &price, &[("expand[]", "latest_invoice.payments")]).await;
    assert_eq!(subscription["status"], "active");
    let invoice = &subscription["latest_invoice"];
    assert_eq!(invoice["status"], "paid");
    assert_eq!(invoice["amount_paid"], 9_900);
    assert_eq!(invoice["attempt_count"], 1);
    assert_eq!(invoice["billing_reason"], "subscription_create");
    assert_eq!(invoice["lines"]["data"][0]["description"], "1 × Team (at $99.00 / month)");
    assert_eq!(invoice["payments"]["data"][0]["status"], "paid");
    assert_eq!(subscription["items"]["data"][0]["current_period_end"], START + 31 * DAY);
    assert_eq!(
        stripe.types(mark),
        [
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.payment_succeeded",
            "invoice.paid",
            "invoice_payment.paid",
            "customer.subscription.created",
        ]
    );
    assert_eq!(stripe.last("customer.subscription.created")["data"]["object"]["status"], "active");
    let charge = stripe.last("charge.succeeded");
    assert_eq!(charge["data"]["object"]["balance_transaction"], json!(null));
}

/// Without a card there is nothing to charge: 400 and nothing is made.
#[tokio::test]
async fn create_without_a_card() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", &[]).await);
    let price = stripe.price("Team", 9_900, "month").await;
    let mark = stripe.mark();
    let form = [("customer", customer.as_str()), ("items[0][price]", price.as_str())];
    let answer = stripe.call("POST", "/v1/subscriptions", &form).await;
    assert_eq!((answer.status, answer.code()), (400, "resource_missing"));
    assert!(answer.message().starts_with("This customer has no attached payment source"));
    assert!(stripe.types(mark).is_empty());
}

/// A refused first payment leaves an incomplete subscription that expires after 23 hours; with
/// `error_if_incomplete` nothing is made.
#[tokio::test]
async fn create_with_a_refused_card() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_chargeCustomerFail").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let form = [
        ("customer", customer.as_str()),
        ("items[0][price]", price.as_str()),
        ("payment_behavior", "error_if_incomplete"),
    ];
    let mark = stripe.mark();
    let answer = stripe.call("POST", "/v1/subscriptions", &form).await;
    assert_eq!((answer.status, answer.code()), (402, "card_declined"));
    assert_eq!(answer.body["error"]["decline_code"], "generic_decline");
    assert!(stripe.types(mark).is_empty());

    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    assert_eq!(subscription["status"], "incomplete");
    assert_eq!(
        stripe.types(mark),
        [
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "customer.subscription.created",
        ]
    );
    stripe.hours(24);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let expired = stripe.get(&path, &[("expand[]", "latest_invoice")]).await;
    assert_eq!(expired["status"], "incomplete_expired");
    assert_eq!(expired["latest_invoice"]["status"], "void");
}

/// `default_incomplete` waits for a confirmation of its payment intent, which makes it active.
#[tokio::test]
async fn default_incomplete_waits_for_confirmation() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", &[]).await);
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe
        .subscribe(
            &customer,
            &price,
            &[
                ("payment_behavior", "default_incomplete"),
                ("payment_settings[save_default_payment_method]", "on_subscription"),
                ("expand[]", "latest_invoice.confirmation_secret"),
                ("expand[]", "latest_invoice.payments"),
            ],
        )
        .await;
    assert_eq!(subscription["status"], "incomplete");
    let invoice = &subscription["latest_invoice"];
    assert!(invoice["confirmation_secret"]["client_secret"].is_string());
    let intent = invoice["payments"]["data"][0]["payment"]["payment_intent"].as_str().unwrap();
    let mark = stripe.mark();
    let path = format!("/v1/payment_intents/{intent}/confirm");
    stripe.post(&path, &[("payment_method", "pm_card_visa")]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let active = stripe.get(&path, &[]).await;
    assert_eq!(active["status"], "active");
    assert!(active["default_payment_method"].is_string());
    let types = stripe.types(mark);
    assert_eq!(types.last().unwrap(), "customer.subscription.updated");
    assert!(types.contains(&"invoice.paid".to_owned()));
}

/// An upgrade with `always_invoice` previews exactly what it then charges.
#[tokio::test]
async fn upgrade_is_charged_as_previewed() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, big) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Big", 49_900, "month").await);
    let subscription = stripe.subscribe(&customer, &team, &[]).await;
    stripe.days(10);
    let date = (START + 10 * DAY).to_string();
    let item = subscription["items"]["data"][0]["id"].as_str().unwrap();
    let preview = stripe
        .post(
            "/v1/invoices/create_preview",
            &[
                ("subscription", &id(&subscription)),
                ("subscription_details[items][0][id]", item),
                ("subscription_details[items][0][price]", &big),
                ("subscription_details[proration_behavior]", "always_invoice"),
                ("subscription_details[proration_date]", &date),
            ],
        )
        .await;
    // 21 of 31 days are left: −9900·21/31 = −6706.45 → −6707, 49900·21/31 = 33803.2 → 33803.
    assert_eq!(preview["lines"]["data"][0]["amount"], -6_707);
    assert_eq!(preview["lines"]["data"][0]["description"], "Unused time on Team after 11 Oct 2026");
    assert_eq!(preview["lines"]["data"][1]["amount"], 33_803);
    assert_eq!(preview["amount_due"], 27_096);
    let mark = stripe.mark();
    stripe.hours(1);
    let updated = stripe
        .switch(
            &subscription,
            &big,
            &[
                ("proration_behavior", "always_invoice"),
                ("proration_date", &date),
                ("expand[]", "latest_invoice"),
            ],
        )
        .await;
    assert_eq!(updated.status, 200, "{}", updated.body);
    let invoice = &updated.body["latest_invoice"];
    assert_eq!(invoice["amount_paid"], 27_096);
    assert_eq!(invoice["billing_reason"], "subscription_update");
    assert_eq!(
        stripe.types(mark),
        [
            "invoiceitem.created",
            "invoiceitem.created",
            "invoice.created",
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.payment_succeeded",
            "invoice.paid",
            "invoice_payment.paid",
            "customer.subscription.updated",
        ]
    );
    let previous = &stripe.last("customer.subscription.updated")["data"]["previous_attributes"];
    assert_eq!(previous["items"]["data"][0]["price"]["unit_amount"], 9_900);
    assert!(previous["latest_invoice"].is_string());
}

/// A downgrade credits the customer's balance, and the next renewal uses it up.
#[tokio::test]
async fn downgrade_becomes_credit() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, big) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Big", 49_900, "month").await);
    let subscription = stripe.subscribe(&customer, &big, &[]).await;
    stripe.days(10);
    let mark = stripe.mark();
    let form = [("proration_behavior", "always_invoice"), ("expand[]", "latest_invoice")];
    let updated = stripe.switch(&subscription, &team, &form).await;
    // −49900·21/31 = −33803.2 → −33804, 9900·21/31 = 6706.45 → 6706.
    let invoice = &updated.body["latest_invoice"];
    assert_eq!(
        (invoice["total"].as_i64(), invoice["amount_due"].as_i64()),
        (Some(-27_098), Some(0))
    );
    assert_eq!(invoice["status"], "paid");
    assert_eq!(invoice["attempt_count"], 0);
    let path = format!("/v1/customers/{customer}");
    assert_eq!(stripe.get(&path, &[]).await["balance"], -27_098);
    let rows = stripe.get(&format!("{path}/balance_transactions"), &[]).await;
    assert_eq!(rows["data"][0]["type"], "applied_to_invoice");
    assert_eq!(
        stripe.types(mark),
        [
            "invoiceitem.created",
            "invoiceitem.created",
            "invoice.created",
            "invoice.finalized",
            "customer.updated",
            "invoice.payment_succeeded",
            "invoice.paid",
            "customer.subscription.updated",
        ]
    );
    stripe.days(22);
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
    let renewal = &invoices["data"][0];
    assert_eq!(renewal["billing_reason"], "subscription_cycle");
    assert_eq!(
        (renewal["status"].as_str(), renewal["amount_due"].as_i64()),
        (Some("paid"), Some(0))
    );
    assert_eq!(stripe.get(&path, &[]).await["balance"], -17_198);
}

/// Prorations that are not invoiced at once wait for the renewal.
#[tokio::test]
async fn prorations_wait_for_the_renewal() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, big) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Big", 49_900, "month").await);
    let subscription = stripe.subscribe(&customer, &team, &[]).await;
    stripe.days(10);
    let mark = stripe.mark();
    stripe.switch(&subscription, &big, &[]).await;
    assert_eq!(
        stripe.types(mark),
        ["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated"]
    );
    stripe.days(22);
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
    let renewal = &invoices["data"][0];
    assert_eq!(renewal["amount_paid"], 49_900 + 27_096);
    assert_eq!(renewal["lines"]["data"].as_array().unwrap().len(), 3);
}

/// A change of interval bills the new period at once and credits the rest of the old one.
#[tokio::test]
async fn another_interval_starts_a_new_cycle() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (month, year) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Yearly", 99_000, "year").await);
    let subscription = stripe.subscribe(&customer, &month, &[]).await;
    stripe.days(10);
    let updated = stripe.switch(&subscription, &year, &[("expand[]", "latest_invoice")]).await;
    assert_eq!(updated.body["latest_invoice"]["amount_paid"], 99_000 - 6_707);
    let now = START + 10 * DAY;
    assert_eq!(updated.body["billing_cycle_anchor"], now);
    assert_eq!(updated.body["items"]["data"][0]["current_period_end"], now + 365 * DAY);
}

/// An upgrade that the card refuses: the three behaviours.
#[tokio::test]
async fn refused_upgrades() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, big) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Big", 49_900, "month").await);
    let subscription = stripe.subscribe(&customer, &team, &[]).await;
    let path = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let bad = id(&stripe.post(path, &[("customer", &customer)]).await);
    let form = [("invoice_settings[default_payment_method]", bad.as_str())];
    stripe.post(&format!("/v1/customers/{customer}"), &form).await;
    stripe.days(10);

    let mark = stripe.mark();
    let always = ("proration_behavior", "always_invoice");
    let refused = stripe
        .switch(&subscription, &big, &[always, ("payment_behavior", "error_if_incomplete")])
        .await;
    assert_eq!((refused.status, refused.code()), (402, "card_declined"));
    assert!(stripe.types(mark).is_empty());

    let waiting = stripe
        .switch(
            &subscription,
            &big,
            &[
                always,
                ("payment_behavior", "pending_if_incomplete"),
                ("expand[]", "latest_invoice"),
            ],
        )
        .await;
    assert_eq!(waiting.status, 200, "{}", waiting.body);
    assert_eq!(waiting.body["status"], "active");
    assert_eq!(waiting.body["items"]["data"][0]["price"]["id"], team);
    let proposed = &waiting.body["pending_update"]["subscription_items"][0];
    assert_eq!(proposed["price"]["id"], big);
    assert_eq!(waiting.body["latest_invoice"]["status"], "open");
    let invoice = id(&waiting.body["latest_invoice"]);
    stripe
        .post(&format!("/v1/invoices/{invoice}/pay"), &[("payment_method", "pm_card_visa")])
        .await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let applied = stripe.get(&path, &[]).await;
    assert_eq!(applied["items"]["data"][0]["price"]["id"], big);
    assert_eq!(applied["pending_update"], json!(null));

    let back = stripe.switch(&applied, &team, &[("proration_behavior", "none")]).await;
    let allowed = stripe.switch(&back.body, &big, &[always]).await;
    assert_eq!(allowed.body["status"], "past_due");
    assert_eq!(allowed.body["items"]["data"][0]["price"]["id"], big);
}

/// Cancelling at the period's end keeps the status, can be taken back, and ends it at the boundary.
#[tokio::test]
async fn cancel_at_period_end_and_back() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    stripe.days(3);
    let ending = stripe.post(&path, &[("cancel_at_period_end", "true")]).await;
    assert_eq!(ending["status"], "active");
    assert_eq!(ending["cancel_at"], START + 31 * DAY);
    assert_eq!(ending["canceled_at"], START + 3 * DAY);
    assert_eq!(ending["cancellation_details"]["reason"], "cancellation_requested");
    let previous = &stripe.last("customer.subscription.updated")["data"]["previous_attributes"];
    assert_eq!(previous["cancel_at_period_end"], false);
    let kept = stripe.post(&path, &[("cancel_at_period_end", "false")]).await;
    assert_eq!(kept["cancel_at"], json!(null));
    assert_eq!(kept["cancellation_details"]["reason"], json!(null));

    stripe.post(&path, &[("cancel_at_period_end", "true")]).await;
    let mark = stripe.mark();
    stripe.days(29);
    assert_eq!(stripe.types(mark), ["customer.subscription.deleted"]);
    let ended = stripe.get(&path, &[]).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["ended_at"], START + 31 * DAY);
}

/// Cancelling now: the second DELETE is a 404, metadata may still change, other fields may not.
#[tokio::test]
async fn cancel_now() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let ended = stripe.delete(&path, &[("cancellation_details[comment]", "bye")]).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["cancellation_details"]["comment"], "bye");
    let again = stripe.call("DELETE", &path, &[]).await;
    assert_eq!((again.status, again.code(), again.param()), (404, "resource_missing", "id"));
    stripe.post(&path, &[("metadata[a]", "1")]).await;
    let refused = stripe.call("POST", &path, &[("cancel_at_period_end", "true")]).await;
    assert_eq!(
        refused.message(),
        "A canceled subscription can only update its cancellation_details and metadata."
    );
    let live = stripe.get("/v1/subscriptions", &[("customer", &customer)]).await;
    assert_eq!(live["data"].as_array().unwrap().len(), 0);
    let all = stripe.get("/v1/subscriptions", &[("customer", &customer), ("status", "all")]).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
}

/// An item without its id is added, with its id it is changed.
#[tokio::test]
async fn items_are_added_and_removed() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (team, extra) =
        (stripe.price("Team", 9_900, "month").await, stripe.price("Seats", 1_000, "month").await);
    let subscription = stripe.subscribe(&customer, &team, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let form = [("items[0][price]", extra.as_str()), ("items[0][quantity]", "3")];
    let two = stripe.post(&path, &form).await;
    assert_eq!(two["items"]["total_count"], 2);
    let item = two["items"]["data"][1]["id"].as_str().unwrap();
    let item_path = format!("/v1/subscription_items/{item}");
    let more = stripe.post(&item_path, &[("quantity", "5")]).await;
    assert_eq!(more["quantity"], 5);
    stripe.delete(&item_path, &[("proration_behavior", "none")]).await;
    assert_eq!(stripe.get(&path, &[]).await["items"]["total_count"], 1);
    let pending =
        stripe.get("/v1/invoiceitems", &[("customer", &customer), ("pending", "true")]).await;
    let words: Vec<&str> = pending["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["description"].as_str().unwrap())
        .collect();
    assert!(words.contains(&"Remaining time on 5 × Seats after 1 Oct 2026"), "{words:?}");
}
