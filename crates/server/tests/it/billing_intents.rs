//! Crashes: whatever is cut off between us and Stripe, one effect remains. A broken connection
//! stands for a crash before the write, a lost answer for one after it: in both the intent stays
//! open in the database, as it would after a kill.

use crate::billing_at_stripe::{charged, customers, open_sessions, price, refunds, text};
use stripe::form::Params;
use testkit::{Session, Span, TestApp, Value, Weather, cards, json, scenario};

fn only(method: &'static str, path: &str, weather: Weather) -> Weather {
    Weather::Only { method, path: path.to_owned(), weather: Box::new(weather) }
}

async fn wish(session: &Session, plan: &str) -> testkit::Response {
    let body = json!({"plan": plan, "interval": "monthly"});
    session.post("/api/v1/billing/checkout", body).await
}

async fn open_intents(app: &TestApp) -> Vec<String> {
    let later = app.now().plus(Span::days(1_000));
    let open = app.store().stale_intents(later, 100).await.expect("the database is there");
    open.into_iter().map(|intent| intent.kind).collect()
}

async fn finish(app: &TestApp) -> usize {
    app.app().billing.finish_stale_intents().await.expect("the database is there")
}

scenario! {
    /// Shows that a customer that was meant but never made, and one that was made but never
    /// recorded, both end as one customer when somebody tries again.
    a_crash_around_the_customer_leaves_one, async |app| {
        for weather in [Weather::Broken, Weather::AnswerLost] {
            let session = app.sign_up(&format!("{weather:?}").to_lowercase()).await;
            app.gate.set(only("POST", "/v1/customers", weather));
            drop(wish(&session, "team").await.expect_problem(503, "stripe_unavailable"));
            assert_eq!(open_intents(app).await, ["create_customer"]);
            app.gate.set(Weather::Clear);
            drop(wish(&session, "team").await.expect(201));
            assert_eq!(customers(app, &session).len(), 1);
            assert!(open_intents(app).await.is_empty());
        }
    }
}

scenario! {
    /// Shows that a customer made at Stripe is found by its metadata when Stripe has forgotten
    /// the idempotency key.
    a_customer_is_found_after_the_key_is_forgotten, async |app| {
        let session = app.sign_up("acme").await;
        app.gate.set(only("POST", "/v1/customers", Weather::AnswerLost));
        drop(wish(&session, "team").await.expect_problem(503, "stripe_unavailable"));
        app.gate.set(Weather::Clear);
        app.advance(Span::hours(30)).await;
        drop(wish(&session, "team").await.expect(201));
        assert_eq!(customers(app, &session).len(), 1);
    }
}

scenario! {
    /// Shows that a session that was opened but not recorded is the one that the next call gives,
    /// and that a call for another plan makes it unusable first.
    a_crash_around_the_session_leaves_one, async |app| {
        for (weather, next) in [
            (Weather::Broken, "team"),
            (Weather::AnswerLost, "team"),
            (Weather::AnswerLost, "enterprise"),
        ] {
            let name = format!("{weather:?}{next}").to_lowercase();
            let session = app.sign_up(&name).await;
            app.gate.set(only("POST", "/v1/checkout/sessions", weather));
            drop(wish(&session, "team").await.expect_problem(503, "stripe_unavailable"));
            assert_eq!(open_intents(app).await, ["create_checkout"]);
            app.gate.set(Weather::Clear);
            let opened = wish(&session, next).await.expect(201);
            let customer = customers(app, &session).remove(0);
            assert_eq!(open_sessions(app, &customer), [text(&opened["id"])], "{name}");
            assert!(open_intents(app).await.is_empty());
        }
    }
}

scenario! {
    /// Shows what becomes of a session nobody comes back for: one that was opened is recorded, one
    /// that was not is dropped; in both cases nothing new is made at Stripe.
    an_interrupted_session_is_looked_for, async |app| {
        for (weather, sessions) in [(Weather::Broken, 0), (Weather::AnswerLost, 1)] {
            let session = app.sign_up(&format!("{weather:?}").to_lowercase()).await;
            app.gate.set(only("POST", "/v1/checkout/sessions", weather));
            drop(wish(&session, "team").await.expect_problem(503, "stripe_unavailable"));
            app.gate.set(Weather::Clear);
            assert_eq!(finish(app).await, 0, "it is left alone while somebody may wait for it");
            app.advance(Span::minutes(6)).await;
            assert_eq!(finish(app).await, 1);
            assert!(open_intents(app).await.is_empty());
            let customer = customers(app, &session).remove(0);
            let open = open_sessions(app, &customer);
            assert_eq!(open.len(), sessions);
            let next = wish(&session, "team").await.expect(201);
            if let Some(open) = open.first() {
                assert_eq!(next["id"], json!(open));
            }
        }
    }
}

scenario! {
    /// Shows that an upgrade whose answer was lost is charged once when it is asked for again,
    /// and that the mirror then has it.
    a_crash_around_an_upgrade_charges_once, async |app| {
        for weather in [Weather::Broken, Weather::AnswerLost] {
            let session = app.sign_up(&format!("{weather:?}").to_lowercase()).await;
            let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
            let id = text(&bought["stripe_subscription_id"]);
            let wanted = json!({"plan": "enterprise", "interval": "monthly"});
            let path = format!("/v1/subscriptions/{id}");
            app.gate.set(only("POST", &path, weather));
            let lost = session.post("/api/v1/billing/plan-change", wanted.clone()).await;
            drop(lost.expect_problem(503, "stripe_unavailable"));
            assert_eq!(open_intents(app).await, ["change_plan"]);
            app.gate.set(Weather::Clear);
            let after = session.post("/api/v1/billing/plan-change", wanted).await.expect(200);
            assert_eq!(after["plan"]["id"], "enterprise");
            let customer = text(&bought["stripe_customer_id"]);
            assert_eq!(charged(app, &customer).len(), 2);
            assert!(open_intents(app).await.is_empty());
            app.settle().await;
        }
    }
}

scenario! {
    /// Shows that nobody is charged for an interrupted upgrade that nobody asks for again: one
    /// that happened is recorded, one that did not is dropped.
    an_interrupted_upgrade_is_looked_for, async |app| {
        for (weather, plan, charges) in
            [(Weather::Broken, "team", 1), (Weather::AnswerLost, "enterprise", 2)]
        {
            let session = app.sign_up(&format!("{weather:?}").to_lowercase()).await;
            let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
            app.hold_webhooks().await;
            let id = text(&bought["stripe_subscription_id"]);
            app.gate.set(only("POST", &format!("/v1/subscriptions/{id}"), weather));
            let wanted = json!({"plan": "enterprise", "interval": "monthly"});
            let lost = session.post("/api/v1/billing/plan-change", wanted).await;
            drop(lost.expect_problem(503, "stripe_unavailable"));
            app.gate.set(Weather::Clear);
            app.advance(Span::minutes(6)).await;
            assert_eq!(finish(app).await, 1);
            assert_eq!(session.subscription().await["plan"]["id"], plan);
            let customer = text(&bought["stripe_customer_id"]);
            assert_eq!(charged(app, &customer).len(), charges);
            app.release_webhooks();
        }
    }
}

scenario! {
    /// Shows that a cancellation that was cut off is carried out by itself, whether or not it
    /// reached Stripe.
    an_interrupted_cancellation_is_carried_out, async |app| {
        for weather in [Weather::Broken, Weather::AnswerLost] {
            let session = app.sign_up(&format!("{weather:?}").to_lowercase()).await;
            let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
            let id = text(&bought["stripe_subscription_id"]);
            let path = format!("/v1/subscriptions/{id}");
            for (method, when) in [("POST", "period_end"), ("DELETE", "now")] {
                app.gate.set(only(method, &path, weather.clone()));
                let lost = session.post("/api/v1/billing/cancel", json!({"when": when})).await;
                drop(lost.expect_problem(503, "stripe_unavailable"));
                app.gate.set(Weather::Clear);
                app.advance(Span::minutes(6)).await;
                assert_eq!(finish(app).await, 1);
                let after = session.subscription().await;
                if when == "now" {
                    assert_eq!(after["status"], "CANCELLED");
                } else {
                    assert_eq!(after["status"], "ACTIVE");
                    assert_eq!(after["cancel_at_period_end"], true);
                }
            }
        }
    }
}

scenario! {
    /// Shows that a refund whose answer was lost is given once when the operator tries again,
    /// also when Stripe has forgotten the key by then.
    a_crash_around_a_refund_refunds_once, async |app| {
        let operator = app.operator().await;
        for hours in [0, 30] {
            let session = app.sign_up(&format!("after{hours}")).await;
            let before = refunds(app).len();
            let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
            let surplus = text(&bought["stripe_subscription_id"]);
            make_better(app, &bought).await;
            let path =
                format!("/api/v1/admin/organizations/{}/cancel-surplus", session.organization);
            let wanted = json!({"subscription_id": surplus, "refund": true});
            app.gate.set(only("POST", "/v1/refunds", Weather::AnswerLost));
            let lost = operator.post(&path, wanted.clone()).await;
            drop(lost.expect_problem(503, "stripe_unavailable"));
            assert_eq!(open_intents(app).await, ["refund"]);
            app.gate.set(Weather::Clear);
            app.advance(Span::hours(hours)).await;
            drop(operator.post(&path, wanted).await.expect(200));
            assert_eq!(refunds(app).len(), before + 1);
            assert!(open_intents(app).await.is_empty());
            app.settle().await;
        }
    }
}

async fn make_better(app: &TestApp, bought: &Value) {
    let customer = text(&bought["stripe_customer_id"]);
    let methods = app.engine().customer_payment_methods(&customer);
    let params = Params::new()
        .set("customer", customer)
        .set("items[0][price]", price(app, "enterprise", "monthly"))
        .set("default_payment_method", text(&methods[0]["id"]));
    let made = app.stripe().subscriptions().create(&params, &app.key()).await;
    drop(made.expect("a second subscription"));
    app.settle().await;
}

scenario! {
    /// Shows that Stripe's refusal closes the intent, so that the next try is a new one with a
    /// new key rather than the same refusal again.
    a_refusal_makes_room_for_the_next_try, async |app| {
        let session = app.sign_up("acme").await;
        app.gate.set(only("POST", "/v1/customers", Weather::Answers(400)));
        drop(wish(&session, "team").await.expect_problem(502, "stripe_refused"));
        assert!(open_intents(app).await.is_empty());
        app.gate.set(Weather::Clear);
        drop(wish(&session, "team").await.expect(201));
        assert_eq!(customers(app, &session).len(), 1);
    }
}

scenario! {
    /// Shows that a preview finishes nothing that was begun: beside an interrupted upgrade or
    /// cancellation it is refused, and only the next change carries it out.
    a_preview_changes_nothing, async |app| {
        let session = app.sign_up("acme").await;
        let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let id = text(&bought["stripe_subscription_id"]);
        let customer = text(&bought["stripe_customer_id"]);
        let (path, wanted) =
            (format!("/v1/subscriptions/{id}"), json!({"plan": "enterprise", "interval": "monthly"}));
        for (method, to, body, kind) in [
            ("POST", "plan-change", wanted.clone(), "change_plan"),
            ("DELETE", "cancel", json!({"when": "now"}), "cancel_now"),
        ] {
            app.gate.set(only(method, &path, Weather::Broken));
            let lost = session.post(&format!("/api/v1/billing/{to}"), body.clone()).await;
            drop(lost.expect_problem(503, "stripe_unavailable"));
            app.gate.set(Weather::Clear);
            let seen = app.gate.count(method, &path);
            let yearly = json!({"plan": "enterprise", "interval": "yearly"});
            let refused = session.post("/api/v1/billing/plan-change/preview", yearly).await;
            drop(refused.expect_problem(409, "conflict"));
            assert_eq!(app.gate.count(method, &path), seen);
            assert_eq!(open_intents(app).await, [kind]);
            let status = &app.engine().object(&id).expect("Stripe has it")["status"];
            assert_eq!(*status, json!("active"));
            if kind == "change_plan" {
                assert_eq!(charged(app, &customer), [9_900]);
                drop(session.post("/api/v1/billing/plan-change", body).await.expect(200));
                assert_eq!(charged(app, &customer).len(), 2);
            }
        }
    }
}

scenario! {
    /// Shows that an interrupted write is closed when Stripe does not know what it was about, and
    /// waits while Stripe refuses our key, which says nothing about what happened.
    a_look_that_is_refused_closes_the_intent, async |app| {
        let session = app.sign_up("acme").await;
        app.gate.set(only("POST", "/v1/checkout/sessions", Weather::Broken));
        drop(wish(&session, "team").await.expect_problem(503, "stripe_unavailable"));
        app.advance(Span::minutes(6)).await;
        for (status, closed, left) in [(401, 0, 1), (500, 0, 1), (400, 1, 0)] {
            app.gate.set(only("GET", "/v1/checkout/sessions", Weather::Answers(status)));
            assert_eq!(finish(app).await, closed, "{status}");
            assert_eq!(open_intents(app).await.len(), left, "{status}");
        }
    }
}
