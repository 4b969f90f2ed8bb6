//! The checkout page.

use crate::house::{CANCEL, House, card, page_of};

/// Shows the whole purchase: the page says what is bought, paying leads to the merchant with the
/// session's id, and the subscription is active.
#[tokio::test]
async fn buys_a_subscription() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;

    let page = house.get(&page_of(&session)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Subscribe to Team"), "{}", page.body);
    assert_eq!(page.text("amount"), "$99.00");
    assert!(page.body.contains("per month") && page.body.contains("SIMULATOR"));
    assert!(page.body.contains(&format!("href=\"{CANCEL}\"")));
    for id in ["email", "card-number", "card-expiry", "card-cvc", "card-name", "pay"] {
        assert!(page.has(id), "{id} is missing");
    }

    let id = session["id"].as_str().unwrap();
    let paid = house.pay(&session, "4242 4242 4242 4242").await;
    assert_eq!(paid.redirect(), format!("http://127.0.0.1:9/ok?session_id={id}"));
    let after = house.api("GET", &format!("/v1/checkout/sessions/{id}"), &[]).await;
    assert_eq!(after["status"], "complete");
    assert_eq!(after["payment_status"], "paid");
    assert_eq!(house.subscription(&customer).await["status"], "active");

    let again = house.pay(&session, "4242424242424242").await;
    assert_eq!(again.redirect(), paid.redirect(), "a double click only goes on");
    assert!(house.get(&page_of(&session)).await.has("checkout-complete"));
    let list = house.api("GET", "/v1/subscriptions", &[("customer", &customer)]).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

/// Shows the message of each card that is refused, that the page stays open, that the number is
/// kept and the security code is not, and that another card works afterwards.
#[tokio::test]
async fn says_why_a_card_is_refused() {
    let table = [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "Your card has insufficient funds."),
        ("4000000000009987", "Your card was declined."),
        ("4000000000000069", "Your card has expired."),
        ("4000000000000127", "Your card's security code is incorrect."),
        (
            "4000000000000119",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        ("4242424242424241", "Your card number is incorrect."),
        ("4000000000000341", "Your card was declined."),
    ];
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;
    for (number, message) in table {
        let page = house.pay(&session, number).await;
        assert_eq!(page.status, 402, "{number}: {}", page.body);
        let said = page.text("form-error");
        assert_eq!(said, message, "{number}");
        assert!(page.body.contains(&format!("value=\"{number}\"")));
        assert!(!page.body.contains("value=\"123\""), "the security code is not sent back");
    }
    assert!(house.subscription(&customer).await.is_null(), "no failed attempt leaves a plan");
    house.pay(&session, "4242424242424242").await.redirect();
    assert_eq!(house.subscription(&customer).await["status"], "active");
}

/// Shows that what is missing or misspelt is said beside its field, before any attempt.
#[tokio::test]
async fn names_missing_fields() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;
    let form = [("card_number", "4242"), ("card_expiry", "13/40"), ("card_cvc", "1")];
    let page = house.post(&page_of(&session), &form).await;
    assert_eq!(page.status, 422);
    for field in ["card-number-error", "card-expiry-error", "card-cvc-error", "card-name-error"] {
        assert!(page.has(field), "{field}: {}", page.body);
    }
    assert!(!house.event_types().iter().any(|kind| kind.starts_with("payment_intent")));
}

/// Shows both answers to the 3-D Secure question, for cards that always ask.
#[tokio::test]
async fn three_d_secure_passes_or_fails() {
    for number in ["4000002500003155", "4000002760003184", "4000000000003220"] {
        let house = House::open().await;
        let price = house.price("Team", 9_900, "usd").await;
        let customer = house.customer("ada@example.com").await;
        let session = house.session(&customer, &price).await;

        let challenge = house.pay(&session, number).await.redirect();
        let question = house.get(&challenge).await;
        assert!(question.has("challenge-complete") && question.body.contains("$99.00"));
        let refused = house.post(&challenge, &[("outcome", "fail")]).await.redirect();
        let page = house.get(&refused).await;
        assert!(page.has("form-error") && page.has("pay"), "{number}: {}", page.body);
        assert!(house.subscription(&customer).await.is_null());

        let challenge = house.pay(&session, number).await.redirect();
        let done = house.post(&challenge, &[("outcome", "complete")]).await.redirect();
        assert!(done.starts_with("http://127.0.0.1:9/ok?session_id=cs_"), "{done}");
        assert_eq!(house.subscription(&customer).await["status"], "active", "{number}");
        assert_eq!(house.get(&challenge).await.status, 404, "answered once");
    }
}

/// Shows amounts without and with three decimals, and the other two modes.
#[tokio::test]
async fn other_currencies_and_modes() {
    let house = House::open().await;
    let customer = house.customer("ada@example.com").await;
    for (amount, currency, shown) in [(1_200, "jpy", "¥1,200"), (9_900, "kwd", "KWD 9.900")] {
        let price = house.price("Team", amount, currency).await;
        let session = house.session(&customer, &price).await;
        assert_eq!(house.get(&page_of(&session)).await.text("amount"), shown);
    }
    let payment = house
        .api(
            "POST",
            "/v1/checkout/sessions",
            &[
                ("mode", "payment"),
                ("line_items[0][price_data][currency]", "usd"),
                ("line_items[0][price_data][unit_amount]", "1500"),
                ("line_items[0][price_data][product_data][name]", "Sticker"),
                ("line_items[0][quantity]", "2"),
                ("success_url", "http://127.0.0.1:9/ok"),
            ],
        )
        .await;
    let page = house.get(&page_of(&payment)).await;
    assert_eq!(page.text("amount"), "$30.00", "{}", page.body);
    assert!(page.body.contains("2 × $15.00"), "{}", page.body);
    assert_eq!(house.pay(&payment, "5555555555554444").await.redirect(), "http://127.0.0.1:9/ok");
    let setup = house
        .api(
            "POST",
            "/v1/checkout/sessions",
            &[
                ("mode", "setup"),
                ("customer", &customer),
                ("currency", "usd"),
                ("success_url", "http://127.0.0.1:9/ok"),
            ],
        )
        .await;
    let page = house.get(&page_of(&setup)).await;
    assert!(page.body.contains("Save card") && !page.has("total"), "{}", page.body);
    house.pay(&setup, "4242424242424242").await.redirect();
    let cards = house.api("GET", "/v1/payment_methods", &[("customer", &customer)]).await;
    assert_eq!(cards["data"].as_array().unwrap().len(), 1);
}

/// Shows that an expired session and an unknown one have pages of their own.
#[tokio::test]
async fn closed_pages_say_so() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;
    let address = page_of(&session);
    let id = session["id"].as_str().unwrap();
    house.api("POST", &format!("/v1/checkout/sessions/{id}/expire"), &[]).await;
    let page = house.get(&address).await;
    assert!(page.has("checkout-expired") && page.body.contains(CANCEL), "{}", page.body);
    let paid = house.post(&address, &card("4242424242424242")).await;
    assert!(paid.has("checkout-expired"), "{}", paid.body);
    assert!(house.get("/c/pay/cs_test_none").await.has("checkout-unknown"));
}

/// Shows that the helper list works without a script, and that the page's own files are served.
#[tokio::test]
async fn test_cards_fill_the_form() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;
    let page = house.get(&format!("{}?card=4000000000009995", page_of(&session))).await;
    assert!(page.body.contains("value=\"4000 0000 0000 9995\""), "{}", page.body);
    assert!(house.get("/_assets/simulator.css").await.body.contains("--accent"));
    assert!(house.get("/_assets/simulator.js").await.body.contains("data-fill-card"));
}
