//! Signed delivery, retries on the simulator's clock, resends and faults.

use serde_json::{Value, json};
use simulator::{Simulator, SimulatorConfig};
use stripe::signature::Secret;

use crate::house::{House, Receiver, START};

async fn endpoint(house: &House, url: &str, more: &[(&str, &str)]) -> Value {
    let mut form = vec![("url", url)];
    if !more.iter().any(|(name, _)| name.starts_with("enabled_events")) {
        form.push(("enabled_events[]", "*"));
    }
    form.extend_from_slice(more);
    house.api("POST", "/v1/webhook_endpoints", &form).await
}

/// Shows that a delivery is what Stripe sends: pretty JSON, its user agent, a signature that holds
/// over the raw body and only under the endpoint's secret.
#[tokio::test]
async fn sends_signed_events() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let endpoint = endpoint(&house, &receiver.url, &[]).await;
    let secret = endpoint["secret"].as_str().unwrap();
    let customer = house.customer("ada@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 1);
    let received = receiver.take();
    assert_eq!(received.len(), 1);
    let event = received[0].json();
    assert_eq!(event["type"], "customer.created");
    assert_eq!(event["data"]["object"]["id"], customer.as_str());
    assert_eq!(event["pending_webhooks"], 1);
    assert_eq!(received[0].headers["user-agent"], simulator::webhooks::USER_AGENT);
    assert_eq!(received[0].headers["content-type"], "application/json; charset=utf-8");
    assert!(received[0].body.starts_with(b"{\n  \"id\": \"evt_"), "{:?}", received[0].body);
    let header = &received[0].headers["stripe-signature"];
    let right = Secret::list(secret);
    stripe::signature::verify(Some(header), &received[0].body, &right, START, 300).unwrap();
    let wrong = Secret::list("whsec_another");
    stripe::signature::verify(Some(header), &received[0].body, &wrong, START, 300).unwrap_err();
    let id = event["id"].as_str().unwrap();
    let after = house.api("GET", &format!("/v1/events/{id}"), &[]).await;
    assert_eq!(after["pending_webhooks"], 0);
    assert_eq!(house.simulator.deliver_due().await, 0);
}

/// Shows that each endpoint gets what it asked for and in its own version, and nothing that
/// happened before it existed.
#[tokio::test]
async fn respects_enabled_events_and_versions() {
    let house = House::open().await;
    let (one, two) = (Receiver::open().await, Receiver::open().await);
    house.customer("early@example.com").await;
    endpoint(&house, &one.url, &[("enabled_events[0]", "product.created")]).await;
    endpoint(&house, &two.url, &[("api_version", "2024-11-20.acacia")]).await;
    let price = house.price("Team", 9_900, "usd").await;
    house.subscriber(&price).await;
    house.simulator.deliver_due().await;
    let kinds: Vec<String> = one.take().iter().map(super::house::Received::kind).collect();
    assert_eq!(kinds, ["product.created"]);
    let all = two.take();
    assert!(all.iter().all(|r| r.json()["api_version"] == "2024-11-20.acacia"));
    assert!(all.iter().all(|r| r.json()["data"]["object"]["email"] != "early@example.com"));
    let created = all.iter().find(|r| r.kind() == "customer.subscription.created").unwrap();
    let object = &created.json()["data"]["object"];
    assert!(object["current_period_end"].is_i64(), "acacia has the period on the subscription");
}

/// Shows that a failed delivery is tried again when the clock reaches the next rung, with a fresh
/// signature, until it is accepted; and that the log keeps each answer.
#[tokio::test]
async fn retries_on_the_simulators_clock() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    endpoint(&house, &receiver.url, &[]).await;
    receiver.answer(500);
    house.customer("ada@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 1);
    assert_eq!(house.simulator.deliver_due().await, 0, "not before its time");
    let first = receiver.take().remove(0);
    house.simulator.clock().advance_by(5);
    assert_eq!(house.simulator.deliver_due().await, 1);
    let second = receiver.take().remove(0);
    assert_eq!(first.body, second.body);
    assert_ne!(first.headers["stripe-signature"], second.headers["stripe-signature"]);
    receiver.answer(204);
    house.simulator.clock().advance_by(86_400);
    assert_eq!(house.simulator.deliver_due().await, 1);
    let list: Value = house
        .http
        .get(format!("{}/_config/deliveries", house.base))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let delivery = &list["data"][0];
    assert_eq!(delivery["state"], "acknowledged");
    let statuses: Vec<_> =
        delivery["attempts"].as_array().unwrap().iter().map(|a| a["status"].clone()).collect();
    assert_eq!(statuses, [json!(500), json!(500), json!(204)]);
    assert_eq!(delivery["attempts"][0]["response"], "the receiver's words");
}

/// Shows that an endpoint that is switched off or deleted gets nothing more, also no retry.
#[tokio::test]
async fn switched_off_endpoints_get_nothing() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    let one = endpoint(&house, &receiver.url, &[]).await;
    receiver.answer(500);
    house.customer("ada@example.com").await;
    house.simulator.deliver_due().await;
    receiver.take();
    let path = format!("/v1/webhook_endpoints/{}", one["id"].as_str().unwrap());
    house.api("POST", &path, &[("disabled", "true")]).await;
    house.simulator.clock().advance_by(86_400);
    house.customer("bob@example.com").await;
    house.simulator.deliver_due().await;
    assert!(receiver.take().is_empty());
    let (stopped, _) = house.simulator.deliverer().deliveries(|_| true, 10);
    assert!(matches!(stopped[0].state, simulator::webhooks::DeliveryState::Stopped { .. }));
    house.api("DELETE", &path, &[]).await;
    house.customer("eve@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 0);
}

/// Shows a manual resend from the control page, of a delivery and of an event.
#[tokio::test]
async fn resends_by_hand() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    endpoint(&house, &receiver.url, &[]).await;
    house.customer("ada@example.com").await;
    house.simulator.deliver_due().await;
    let event = receiver.take().remove(0).json();
    let sent = house.post("/_control/deliveries/1/resend", &[]).await.redirect();
    assert!(house.get(&sent).await.body.contains("sent by hand"));
    assert_eq!(receiver.take()[0].json()["id"], event["id"]);
    let id = event["id"].as_str().unwrap();
    house.post(&format!("/_control/events/{id}/resend"), &[]).await.redirect();
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(house.post("/_control/deliveries/99/resend", &[]).await.status, 303);
}

/// Shows faults by `/_config/faults`: lost, doubled and disordered deliveries, and refusal of
/// nonsense.
#[tokio::test]
async fn spoils_deliveries_on_demand() {
    let house = House::open().await;
    let receiver = Receiver::open().await;
    endpoint(&house, &receiver.url, &[]).await;
    let put = async |faults: Value| {
        let request = house.http.put(format!("{}/_config/faults", house.base)).json(&faults);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(put(json!({ "drop": 1.0 })).await, 200);
    house.customer("lost@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 0);
    assert_eq!(put(json!({ "duplicate": 1.0 })).await, 200);
    house.customer("twice@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 2);
    let twice = receiver.take();
    assert_eq!(twice[0].body, twice[1].body);
    assert_eq!(put(json!({ "delay": 1.0, "delay_seconds": 30 })).await, 200);
    house.customer("late@example.com").await;
    assert_eq!(house.simulator.deliver_due().await, 0);
    house.simulator.clock().advance_by(30);
    assert_eq!(house.simulator.deliver_due().await, 1);
    assert_eq!(put(json!({ "drop": 2.0 })).await, 400);
    assert_ne!(put(json!({ "dorp": 0.5 })).await, 200);
    assert_eq!(put(json!({})).await, 200);
}

/// Shows the background loop: an event goes out by itself, and checkout sends the browser on only
/// after the merchant has acknowledged the session's completion.
#[tokio::test]
async fn delivers_in_the_background_before_checkout_returns() {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let house = House::around(simulator);
    let receiver = Receiver::open().await;
    endpoint(&house, &receiver.url, &[]).await;
    let price = house.price("Team", 9_900, "usd").await;
    let customer = house.customer("ada@example.com").await;
    let session = house.session(&customer, &price).await;
    house.pay(&session, "4242424242424242").await.redirect();
    let kinds: Vec<String> = receiver.take().iter().map(super::house::Received::kind).collect();
    assert!(kinds.contains(&"checkout.session.completed".to_owned()), "{kinds:?}");
}
