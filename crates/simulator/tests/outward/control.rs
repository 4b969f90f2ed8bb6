//! The control page and `/_config`.

use serde_json::{Value, json};

use crate::house::{House, Receiver, START};

/// Shows that each tab lists what there is.
#[tokio::test]
async fn tabs_show_the_account() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let form = [("endpoint_url", receiver.url.as_str()), ("endpoint_events", "*")];
    let registered = house.post("/_control/endpoints", &form).await.redirect();
    assert!(house.get(&registered).await.text("endpoint-secret").starts_with("whsec_"));
    let price = house.price("Team", 9_900, "usd").await;
    let (customer, _) = house.subscriber(&price).await;
    house.simulator.deliver_due().await;
    assert!(!receiver.take().is_empty());
    let page = house.get("/").await;
    assert!(page.has("customer-row") && page.body.contains("ada@example.com"), "{}", page.body);
    let portal =
        house.post(&format!("/_control/customers/{customer}/portal"), &[]).await.redirect();
    assert!(house.get(&portal).await.has("portal-plan"));
    let events = house.get("/?tab=events&type=customer.subscription.created").await;
    assert_eq!(events.body.matches("data-testid=\"event-row\"").count(), 1);
    let event = house.simulator.engine().recent_events(1).remove(0);
    let one = house.get(&format!("/?tab=events&event={}", event.id)).await;
    assert!(
        one.has("event-json") && one.body.contains("previous_attributes")
            || one.body.contains("&quot;data&quot;")
    );
    assert!(house.get("/?tab=deliveries").await.has("delivery-row"));
    let id = house.simulator.engine().endpoints()[0].id.clone();
    house.post(&format!("/_control/endpoints/{id}"), &[("disabled", "true")]).await.redirect();
    assert!(house.get("/?tab=endpoints").await.body.contains("Disabled"));
    house.post(&format!("/_control/endpoints/{id}/delete"), &[]).await.redirect();
    assert!(!house.get("/?tab=endpoints").await.has("endpoint"));
    for tab in ["customers", "events", "deliveries", "clock", "endpoints", "faults"] {
        let page = house.get(&format!("/?tab={tab}")).await;
        assert!(page.status == 200 && page.has(&format!("control-{tab}")), "{tab}");
    }
}

/// Shows moving the clock by the page and by `/_config`: to the next renewal, which is then paid,
/// and never back.
#[tokio::test]
async fn moves_the_clock() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let (customer, _) = house.subscriber(&price).await;
    assert!(house.get("/?tab=clock").await.body.contains("21 Dec 2026"));
    house.post("/_control/clock", &[("by", "hour")]).await.redirect();
    assert_eq!(house.simulator.clock().now(), START + 3_600);
    house.post("/_control/clock", &[("by", "renewal")]).await.redirect();
    let invoices = house.api("GET", "/v1/invoices", &[("customer", &customer)]).await;
    assert_eq!(invoices["data"][0]["billing_reason"], "subscription_cycle");
    assert_eq!(invoices["data"][0]["status"], "paid");
    let call = async |body: Value| {
        let request = house.http.post(format!("{}/_config/clock", house.base)).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let now = house.simulator.clock().now();
    let (status, clock) = call(json!({ "seconds": 60 })).await;
    assert_eq!((status, clock["now"].as_i64()), (200, Some(now + 60)));
    let (status, clock) = call(json!({ "to": "2027-06-01T00:00:00Z" })).await;
    assert_eq!((status, clock["time"].as_str()), (200, Some("2027-06-01T00:00:00Z")));
    assert_eq!(call(json!({ "to": START })).await.0, 400);
    assert_eq!(call(json!({ "by": "fortnight" })).await.0, 400);
    let back =
        house.post("/_control/clock", &[("by", "custom"), ("clock_to", "then")]).await.redirect();
    assert!(house.get(&back).await.has("form-error"));
}

/// Shows that reset forgets everything but the endpoints, and that another site's page cannot press the buttons.
#[tokio::test]
async fn resets_only_on_request() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let form = [("endpoint_url", receiver.url.as_str()), ("endpoint_events", "*")];
    house.post("/_control/endpoints", &form).await.redirect();
    let before = house.customer("ada@example.com").await;
    house.post("/_control/reset", &[]).await.redirect();
    assert_eq!(house.simulator.engine().recent_events(9).len(), 1, "the box was not ticked");
    let foreign = house
        .http
        .post(format!("{}/_config/reset", house.base))
        .header("origin", "https://elsewhere.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403);
    house.post("/_control/reset", &[("sure", "yes")]).await.redirect();
    assert!(house.simulator.engine().recent_events(9).is_empty());
    assert!(house.get("/").await.body.contains("No customers yet"));
    let secret = house.simulator.engine().endpoints()[0].secret.clone();
    assert!(secret.starts_with("whsec_"), "endpoints stay");
    assert_ne!(house.customer("ada@example.com").await, before, "ids go on");
    assert_eq!(house.simulator.deliver_due().await, 1);
    assert_eq!(receiver.take().len(), 1);
    let health = house.get("/_config/health").await;
    assert_eq!(health.status, 200);
}
