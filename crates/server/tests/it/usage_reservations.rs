//! Reservations: a quantity is held until it is confirmed, released or over.

use crate::usage_limits::{consume, feature};
use testkit::{Response, Session, Span, Value, json, scenario};

async fn reserve(session: &Session, quantity: i64, ttl_seconds: i64) -> Response {
    let body = json!({"feature": "test_runs", "quantity": quantity, "ttl_seconds": ttl_seconds});
    session.post("/api/v1/usage/reservations", body).await
}

async fn end(session: &Session, held: &Value, how: &str, body: Value) -> Response {
    let id = held["id"].as_str().unwrap();
    session.post(&format!("/api/v1/usage/reservations/{id}/{how}"), body).await
}

async fn used_and_left(session: &Session) -> (Value, Value) {
    let runs = feature(session, "test_runs").await;
    (runs["used"].clone(), runs["remaining"].clone())
}

scenario! {
    /// Shows that a reservation whose caller died is over at its time: its quantity can be used at
    /// once, before any periodic task has run, and it can no longer be confirmed.
    scenario_32_an_expired_reservation_returns_its_quantity, async |app| {
        let session = app.sign_up("acme").await;
        let held = reserve(&session, 100, 60).await.expect(201);
        assert_eq!((&held["state"], &held["usage"]["remaining"]), (&json!("held"), &json!(0)));
        consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::seconds(59)).await;
        consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::seconds(1)).await;
        assert_eq!(used_and_left(&session).await, (json!(0), json!(100)));
        let asked = json!({"feature": "test_runs", "quantity": 100});
        let asked = session.post("/api/v1/usage/check", asked).await.expect(200);
        assert_eq!(asked["allowed"], true);
        consume(&session, 100).await.expect(200);
        end(&session, &held, "confirm", json!({})).await.expect_problem(409, "conflict");
        end(&session, &held, "release", json!({})).await.expect_problem(409, "conflict");
        assert_eq!(used_and_left(&session).await, (json!(100), json!(0)));
    }
}

scenario! {
    /// Shows that the periodic task returns what nobody asks about, once.
    scenario_32_the_task_returns_it_too, async |app| {
        let session = app.sign_up("acme").await;
        reserve(&session, 30, 60).await.expect(201);
        reserve(&session, 30, 600).await.expect(201);
        app.advance(Span::seconds(60)).await;
        assert_eq!(app.app().usage.expire_due().await.unwrap(), 1);
        assert_eq!(app.app().usage.expire_due().await.unwrap(), 0);
        assert_eq!(used_and_left(&session).await, (json!(0), json!(70)));
    }
}

scenario! {
    /// Shows that a part is counted and the rest returned, that repeating it changes nothing, that
    /// nothing else can follow, and that nobody else can end it.
    a_reservation_is_confirmed_in_part, async |app| {
        let session = app.sign_up("acme").await;
        let held = reserve(&session, 80, 60).await.expect(201);
        reserve(&session, 21, 60).await.expect_problem(403, "limit_exceeded");
        let too_much = end(&session, &held, "confirm", json!({"quantity": 81})).await;
        let problem = too_much.expect_problem(400, "invalid_request");
        assert!(problem["fields"]["quantity"].is_string(), "{problem}");
        let stranger = app.sign_up("other").await;
        end(&stranger, &held, "confirm", json!({})).await.expect_problem(404, "not_found");
        for _ in 0..2 {
            let done = end(&session, &held, "confirm", json!({"quantity": 60})).await.expect(200);
            assert_eq!((&done["state"], &done["quantity"]), (&json!("confirmed"), &json!(60)));
        }
        assert_eq!(used_and_left(&session).await, (json!(60), json!(40)));
        end(&session, &held, "release", json!({})).await.expect_problem(409, "conflict");
        let alerts = session.get("/api/v1/usage/alerts").await.expect(200);
        assert_eq!(alerts["data"][0]["threshold"], 50, "told when it was confirmed");

        let held = reserve(&session, 40, 60).await.expect(201);
        for _ in 0..2 {
            let done = end(&session, &held, "release", json!({})).await.expect(200);
            assert_eq!(done["state"], "released");
        }
        assert_eq!(used_and_left(&session).await, (json!(60), json!(40)));
    }
}
