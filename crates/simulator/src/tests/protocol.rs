//! The protocol around every route: keys, errors, idempotency, lists, expand, versions.

use serde_json::json;

use super::{START, Stripe, id};

/// Without a key, with a wrong one, and in the other mode.
#[tokio::test]
async fn keys() {
    let stripe = Stripe::new();
    let customer = id(&stripe.post("/v1/customers", &[]).await);
    let path = format!("/v1/customers/{customer}");
    let refused = stripe.header("authorization", "Bearer nope").call("GET", &path, &[]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.body["error"]["type"], "invalid_request_error");
    let live = stripe.header("authorization", "Bearer sk_live_1").call("GET", &path, &[]).await;
    assert_eq!((live.status, live.code()), (404, "resource_missing"));
    let account = stripe.get("/v1/account", &[]).await;
    assert_eq!(account["charges_enabled"], true);
}

/// Refusals in Stripe's words, with their codes, parameters and headers.
#[tokio::test]
async fn refusals() {
    let stripe = Stripe::new();
    let check =
        async |method: &str, path: &str, form: &[(&str, &str)], wanted: (u16, &str, &str, &str)| {
            let answer = stripe.call(method, path, form).await;
            let got = (answer.status, answer.code(), answer.param(), answer.message());
            assert_eq!(got, wanted, "{method} {path}");
        };
    check(
        "POST",
        "/v1/customers",
        &[("nope", "1")],
        (400, "parameter_unknown", "nope", "Received unknown parameter: nope"),
    )
    .await;
    check(
        "POST",
        "/v1/products",
        &[],
        (400, "parameter_missing", "name", "Missing required param: name."),
    )
    .await;
    check(
        "GET",
        "/v1/customers",
        &[("limit", "abc")],
        (400, "parameter_invalid_integer", "limit", "Invalid integer: abc"),
    )
    .await;
    check(
        "GET",
        "/v1/customers/cus_x",
        &[],
        (404, "resource_missing", "id", "No such customer: 'cus_x'"),
    )
    .await;
    check(
        "GET",
        "/v1/customers",
        &[("starting_after", "cus_x")],
        (400, "resource_missing", "starting_after", "No such customer: 'cus_x'"),
    )
    .await;
    check(
        "POST",
        "/v1/billing_portal/sessions",
        &[("customer", "cus_x")],
        (400, "resource_missing", "customer", "No such customer: 'cus_x'"),
    )
    .await;
    check(
        "GET",
        "/v1/customers",
        &[("starting_after", "a"), ("ending_before", "b")],
        (
            400,
            "",
            "",
            "Received both starting_after and ending_before parameters. Please pass in only one.",
        ),
    )
    .await;
    let unknown = stripe.call("GET", "/v1/nope", &[]).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.message().starts_with("Unrecognized request URL (GET: /v1/nope)."));
    let answer = stripe.call("GET", "/v1/customers/cus_x", &[]).await;
    let error = &answer.body["error"];
    assert_eq!(error["doc_url"], "https://stripe.com/docs/error-codes/resource-missing");
    assert!(error["request_log_url"].as_str().unwrap().contains("req_"));
    assert_eq!(answer.headers["stripe-should-retry"], "false");
}

/// Headers: request id, the version's echo, and the simulator's time as the date.
#[tokio::test]
async fn headers() {
    let stripe = Stripe::new();
    let answer =
        stripe.header("stripe-version", "2025-03-31.basil").call("GET", "/v1/balance", &[]).await;
    assert!(answer.headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(answer.headers["stripe-version"], "2025-03-31.basil");
    assert_eq!(answer.headers["date"], "Thu, 01 Oct 2026 00:00:00 GMT");
    assert_eq!(stripe.engine.clock().now(), START);
    let bad =
        stripe.header("stripe-version", "not-a-real-version").call("GET", "/v1/balance", &[]).await;
    assert_eq!((bad.status, bad.code()), (400, ""));
    assert_eq!(bad.message(), "Invalid Stripe API version: not-a-real-version");
}

/// A key gives the first answer again, refuses other parameters, and is free after a refusal.
#[tokio::test]
async fn idempotency() {
    let stripe = Stripe::new().header("idempotency-key", "k1");
    let mark = stripe.mark();
    let refused = stripe.call("POST", "/v1/customers", &[("nope", "1")]).await;
    assert_eq!(refused.status, 400);
    let first = stripe.call("POST", "/v1/customers", &[("name", "A")]).await;
    assert_eq!(first.headers["idempotency-key"], "k1");
    let second = stripe.call("POST", "/v1/customers", &[("name", "A")]).await;
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(first.body, second.body);
    assert_eq!(first.headers["request-id"], second.headers["request-id"]);
    assert_eq!(stripe.types(mark), ["customer.created"]);
    let other = stripe.call("POST", "/v1/customers", &[("name", "B")]).await;
    assert_eq!(
        (other.status, other.body["error"]["type"].as_str()),
        (400, Some("idempotency_error"))
    );
    assert!(other.message().contains("Try using a key other than 'k1'"));
    let event = stripe.last("customer.created");
    assert_eq!(event["request"]["idempotency_key"], "k1");
    assert_eq!(event["request"]["id"], first.headers["request-id"].to_str().unwrap());
    // A decline is an effect: it is kept too.
    let decline = stripe.header("idempotency-key", "k2");
    let form = [
        ("amount", "500"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa_chargeDeclined"),
    ];
    let (one, two) = (
        decline.call("POST", "/v1/payment_intents", &form).await,
        decline.call("POST", "/v1/payment_intents", &form).await,
    );
    // Two keys are sent here and the first one counts; the parameters differ from its first use.
    assert_eq!(one.status, 400);
    assert_eq!(two.status, 400);
}

/// Pages forwards and backwards cover every object once.
#[tokio::test]
async fn pages() {
    let stripe = Stripe::new();
    let mut made = Vec::new();
    for number in 0..7 {
        let form = [("email", if number % 2 == 0 { "a@x.test" } else { "b@x.test" })];
        made.push(id(&stripe.post("/v1/customers", &form).await));
    }
    made.reverse();
    let ids = |list: &serde_json::Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(id).collect()
    };
    let first = stripe.get("/v1/customers", &[("limit", "3")]).await;
    assert_eq!((ids(&first), first["has_more"].clone()), (made[..3].to_vec(), json!(true)));
    let form = [("limit", "3"), ("starting_after", made[2].as_str())];
    assert_eq!(ids(&stripe.get("/v1/customers", &form).await), made[3..6]);
    let form = [("limit", "3"), ("starting_after", made[5].as_str())];
    let last = stripe.get("/v1/customers", &form).await;
    assert_eq!((ids(&last), last["has_more"].clone()), (made[6..].to_vec(), json!(false)));
    let form = [("limit", "2"), ("ending_before", made[5].as_str())];
    let back = stripe.get("/v1/customers", &form).await;
    assert_eq!((ids(&back), back["has_more"].clone()), (made[3..5].to_vec(), json!(true)));
    let by_mail = stripe.get("/v1/customers", &[("email", "b@x.test")]).await;
    assert_eq!(ids(&by_mail).len(), 3);
    let search = stripe.get("/v1/customers/search", &[("query", "email:'a@x.test'")]).await;
    assert_eq!(ids(&search).len(), 4);
    let none = stripe.get("/v1/customers", &[("created[gt]", &START.to_string())]).await;
    assert_eq!(ids(&none).len(), 0);
    let many = stripe.call("GET", "/v1/customers", &[("limit", "101")]).await;
    assert_eq!(many.status, 400);
    let events = stripe.get("/v1/events", &[("type", "customer.created"), ("limit", "2")]).await;
    assert_eq!((ids(&events).len(), events["has_more"].clone()), (2, json!(true)));
    let next = ids(&events)[1].clone();
    let form = [("types[]", "customer.created"), ("starting_after", next.as_str())];
    assert_eq!(ids(&stripe.get("/v1/events", &form).await).len(), 5);
}

/// Ids become objects, on lists under `data`, and what cannot be expanded is refused.
#[tokio::test]
async fn expansion() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let form = [
        ("expand[]", "customer.invoice_settings.default_payment_method"),
        ("expand[]", "items.data.price.product"),
        ("expand[]", "latest_invoice.payments.data.payment.payment_intent"),
        ("expand[]", "pending_setup_intent"),
    ];
    let subscription = stripe.subscribe(&customer, &price, &form).await;
    let method = &subscription["customer"]["invoice_settings"]["default_payment_method"];
    assert_eq!(method["card"]["last4"], "4242");
    assert_eq!(subscription["items"]["data"][0]["price"]["product"]["name"], "Team");
    let payment = &subscription["latest_invoice"]["payments"]["data"][0]["payment"];
    assert_eq!(payment["payment_intent"]["status"], "succeeded");
    let form = [("expand[]", "data.customer"), ("expand[]", "data.latest_invoice")];
    let list = stripe.get("/v1/subscriptions", &form).await;
    assert_eq!(list["data"][0]["latest_invoice"]["object"], "invoice");
    let bad = stripe.call("GET", "/v1/subscriptions", &[("expand[]", "customer")]).await;
    assert_eq!(
        bad.message(),
        "This property cannot be expanded (customer). You may want to try expanding \
         'data.customer' instead."
    );
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let bad = stripe.call("GET", &path, &[("expand[]", "status")]).await;
    assert_eq!(bad.message(), "This property cannot be expanded (status).");
    let charges =
        stripe.get("/v1/charges", &[("customer", &customer), ("expand[]", "data.refunds")]).await;
    assert_eq!(charges["data"][0]["refunds"]["object"], "list");
}

/// Older versions see the shapes they know, in answers and in events.
#[tokio::test]
async fn versions() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let old = stripe.header("stripe-version", "2024-11-20.acacia");
    let seen = old.get(&path, &[("expand[]", "latest_invoice.payment_intent")]).await;
    assert_eq!(seen["current_period_start"], START);
    assert_eq!(seen["items"]["data"][0]["current_period_start"], json!(null));
    assert_eq!(seen["latest_invoice"]["subscription"], subscription["id"]);
    assert_eq!(seen["latest_invoice"]["paid"], true);
    assert_eq!(seen["latest_invoice"]["payment_intent"]["status"], "succeeded");
    assert_eq!(seen["latest_invoice"]["lines"]["data"][0]["type"], "subscription");
    assert_eq!(seen["latest_invoice"]["lines"]["data"][0]["price"]["id"], price);
    let basil = stripe.header("stripe-version", "2025-03-31.basil").get(&path, &[]).await;
    assert_eq!(basil["current_period_start"], json!(null));
    assert_eq!(basil["items"]["data"][0]["current_period_start"], START);
    let event = stripe.last("invoice.paid");
    let id = event["id"].as_str().unwrap();
    let rendered = stripe.engine.render_event(id, Some("2024-11-20.acacia")).unwrap();
    assert_eq!(rendered["api_version"], "2024-11-20.acacia");
    assert_eq!(rendered["data"]["object"]["subscription"], subscription["id"]);
    assert!(rendered["data"]["object"]["charge"].is_string());
    assert_eq!(
        event["data"]["object"]["parent"]["subscription_details"]["subscription"],
        subscription["id"]
    );
}

/// The same seed makes the same account, id for id.
#[tokio::test]
async fn seeds_repeat() {
    let (one, two) = (Stripe::new(), Stripe::new());
    assert_eq!(one.customer("pm_card_visa").await, two.customer("pm_card_visa").await);
}

/// Customers, products and prices: what can be changed, moved and deleted.
#[tokio::test]
async fn catalogue_and_customers() {
    let stripe = Stripe::new();
    let form = [
        ("currency", "usd"),
        ("unit_amount", "100"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Team"),
        ("lookup_key", "team"),
    ];
    let one = stripe.post("/v1/prices", &form).await;
    assert_eq!(one["unit_amount_decimal"], "100");
    let taken = stripe.call("POST", "/v1/prices", &form).await;
    assert_eq!(taken.status, 400);
    let mut moved = form.to_vec();
    moved.push(("transfer_lookup_key", "true"));
    let two = stripe.post("/v1/prices", &moved).await;
    let found = stripe.get("/v1/prices", &[("lookup_keys[]", "team"), ("active", "true")]).await;
    assert_eq!(found["data"][0]["id"], two["id"]);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let product = stripe.post("/v1/products", &[("id", "prod_mine"), ("name", "Mine")]).await;
    assert_eq!(product["id"], "prod_mine");
    stripe.post("/v1/products/prod_mine", &[("active", "false"), ("metadata[a]", "1")]).await;
    assert_eq!(stripe.last("product.updated")["data"]["previous_attributes"]["active"], true);
    stripe.delete("/v1/products/prod_mine", &[]).await;

    let customer = stripe.customer("pm_card_visa").await;
    let path = format!("/v1/customers/{customer}");
    stripe.post(&path, &[("metadata[a]", "1"), ("metadata[b]", "2")]).await;
    let changed = stripe.post(&path, &[("metadata[a]", ""), ("name", "")]).await;
    assert_eq!(
        (changed["metadata"].clone(), changed["name"].clone()),
        (json!({"b": "2"}), json!(null))
    );
    let methods = stripe.get(&format!("{path}/payment_methods"), &[("type", "card")]).await;
    let method = id(&methods["data"][0]);
    stripe.post(&format!("/v1/payment_methods/{method}/detach"), &[]).await;
    let now = stripe.get(&path, &[]).await;
    assert_eq!(now["invoice_settings"]["default_payment_method"], json!(null));
    let refused = stripe
        .call(
            "POST",
            "/v1/payment_methods/pm_card_visa_chargeDeclined/attach",
            &[("customer", &customer)],
        )
        .await;
    assert_eq!((refused.status, refused.code()), (402, "card_declined"));
    stripe.delete(&path, &[]).await;
    assert_eq!(
        stripe.get(&path, &[]).await,
        json!({"id": customer, "object": "customer", "deleted": true})
    );
    assert_eq!(stripe.call("POST", &path, &[("name", "x")]).await.status, 404);

    let endpoint = stripe
        .post("/v1/webhook_endpoints", &[("url", "https://a.test"), ("enabled_events[]", "*")])
        .await;
    assert!(endpoint["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", id(&endpoint));
    assert_eq!(stripe.get(&path, &[]).await["secret"], json!(null));
    assert_eq!(stripe.post(&path, &[("disabled", "true")]).await["status"], "disabled");
    stripe.delete(&path, &[]).await;
    stripe
        .post(
            "/v1/billing_portal/configurations",
            &[("features[invoice_history][enabled]", "true")],
        )
        .await;
    let list = stripe.get("/v1/billing_portal/configurations", &[]).await;
    assert_eq!(list["data"][0]["is_default"], true);
}
