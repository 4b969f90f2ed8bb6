//! Buying: one customer, one open session, one subscription, and nothing for nothing.

use crate::billing_at_stripe::{charged, customers, open_sessions, price, text};
use futures_util::future::{join, join_all};
use simulator::{ConfirmOutcome, Kind};
use testkit::{
    Response, Session, Span, TestApp, Weather, cards, json, scenario, scenario_on_two_nodes,
};

async fn wish(session: &Session, plan: &str) -> Response {
    let body = json!({"plan": plan, "interval": "monthly"});
    session.post("/api/v1/billing/checkout", body).await
}

fn customer(app: &TestApp, session: &Session) -> String {
    let mut all = customers(app, session);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn one_of_many(app: &TestApp, callers: Vec<Session>) {
    let answers = join_all(callers.iter().map(|caller| wish(caller, "team"))).await;
    let mut ids: Vec<String> =
        answers.into_iter().map(|answer| text(&answer.expect(201)["id"])).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let session = &callers[0];
    let customer = customer(app, session);
    assert_eq!(open_sessions(app, &customer), ids);
    app.pay(&ids[0], cards::card(cards::GOOD));
    app.settle().await;
    assert_eq!(session.subscription().await["status"], "ACTIVE");
    let refused = wish(session, "enterprise").await.expect_problem(409, "already_subscribed");
    assert_eq!(refused["subscription"], json!({"plan": "team", "status": "ACTIVE"}));
    assert_eq!(charged(app, &customer), [9_900]);
}

scenario! {
    /// Shows that a double click, and many of them at once, end with one customer, one open
    /// session and one subscription, and that a paying organisation is sent to the plan change.
    scenario_18_one_checkout_however_many_ask, async |app| {
        let session = app.sign_up("acme").await;
        one_of_many(app, vec![session; 8]).await;
    }
}

scenario_on_two_nodes! {
    /// Shows the same when the callers reach two nodes.
    scenario_18_one_checkout_on_two_nodes, async |app| {
        let session = app.sign_up("acme").await;
        let callers = (0..8).map(|n| session.at(&app.nodes[n % 2])).collect();
        one_of_many(app, callers).await;
    }
}

async fn different_wishes(app: &TestApp, callers: Vec<Session>) {
    let wishes = callers.iter().enumerate();
    let wishes = wishes.map(|(n, one)| wish(one, if n % 2 == 0 { "team" } else { "enterprise" }));
    for answer in join_all(wishes).await {
        drop(answer.expect(201));
    }
    let customer = customer(app, &callers[0]);
    let open = open_sessions(app, &customer);
    assert_eq!(open.len(), 1, "{open:?}");
    app.pay(&open[0], cards::card(cards::GOOD));
    app.settle().await;
    assert_eq!(callers[0].subscription().await["status"], "ACTIVE");
    assert_eq!(app.engine().customer_subscriptions(&customer).len(), 1);
}

scenario! {
    /// Shows that two tabs that want different plans leave one session that can be paid.
    scenario_18_two_tabs_with_different_plans, async |app| {
        let session = app.sign_up("acme").await;
        different_wishes(app, vec![session; 6]).await;
    }
}

scenario_on_two_nodes! {
    /// Shows the same when the tabs reach two nodes.
    scenario_18_different_plans_on_two_nodes, async |app| {
        let session = app.sign_up("acme").await;
        let callers = (0..6).map(|n| session.at(&app.nodes[n % 2])).collect();
        different_wishes(app, callers).await;
    }
}

scenario! {
    /// Shows that a change of mind makes the first session unusable at Stripe, so that only the
    /// second can be paid.
    scenario_18_a_change_of_mind_expires_the_first_session, async |app| {
        let session = app.sign_up("acme").await;
        let first = app.start_checkout(&session, "team", "monthly").await;
        let second = app.start_checkout(&session, "team", "yearly").await;
        assert_ne!(first, second);
        let paid = app.engine().checkout_confirm(&first, cards::card(cards::GOOD), None);
        assert!(!matches!(paid, Ok(ConfirmOutcome::Completed { .. })), "{paid:?}");
        app.pay(&second, cards::card(cards::GOOD));
        app.settle().await;
        assert_eq!(session.subscription().await["price"]["interval"], "yearly");
    }
}

scenario! {
    /// Shows that a second checkout is refused although no webhook of the first has arrived:
    /// Stripe is asked.
    scenario_18_a_late_webhook_does_not_open_the_door, async |app| {
        let session = app.sign_up("acme").await;
        app.hold_webhooks().await;
        let first = app.start_checkout(&session, "team", "monthly").await;
        app.pay(&first, cards::card(cards::GOOD));
        drop(wish(&session, "enterprise").await.expect_problem(409, "already_subscribed"));
        drop(wish(&session, "team").await.expect_problem(409, "already_subscribed"));
        assert_eq!(session.subscription().await["status"], "ACTIVE");
    }
}

scenario! {
    /// Shows that the page the browser returns to tells ACTIVE before any webhook arrived.
    scenario_20_returning_before_the_webhook, async |app| {
        let session = app.sign_up("acme").await;
        app.hold_webhooks().await;
        let checkout = app.start_checkout(&session, "team", "monthly").await;
        let page = format!("/api/v1/billing/checkout/{checkout}");
        let open = session.get(&page).await.expect(200);
        assert_eq!((&open["status"], &open["subscription"]), (&json!("open"), &json!(null)));
        assert!(open["url"].is_string());
        app.pay(&checkout, cards::card(cards::GOOD));
        let complete = session.get(&page).await.expect(200);
        assert_eq!(complete["status"], "complete");
        let subscription = &complete["subscription"];
        assert_eq!(subscription["status"], "ACTIVE");
        assert_eq!(subscription["plan"]["id"], "team");
        assert_eq!(subscription["price"]["amount"], json!({"amount": 9_900, "currency": "usd"}));
        assert_eq!(session.entitlements().await["plan"]["id"], "team");
        // Another organisation does not even learn that it exists.
        let other = app.sign_up("other").await;
        drop(other.get(&page).await.expect_problem(404, "not_found"));
        drop(session.get("/api/v1/billing/checkout/cs_test_x").await.expect_problem(404, "not_found"));
    }
}

scenario! {
    /// Shows that a checkout that was left alone changes nothing and makes room for a new one
    /// once it expired, with and without its webhook.
    scenario_21_an_abandoned_checkout_expires, async |app| {
        let session = app.sign_up("acme").await;
        let first = app.start_checkout(&session, "team", "monthly").await;
        app.advance(Span::hours(25)).await;
        assert_eq!(session.subscription().await["status"], "FREE");
        let page = format!("/api/v1/billing/checkout/{first}");
        assert_eq!(session.get(&page).await.expect(200)["status"], "expired");
        app.hold_webhooks().await;
        let second = app.start_checkout(&session, "team", "monthly").await;
        assert_ne!(first, second);
        app.advance(Span::hours(25)).await;
        let third = app.start_checkout(&session, "team", "monthly").await;
        assert_ne!(second, third);
        let customer = customer(app, &session);
        assert_eq!(open_sessions(app, &customer), [third]);
        assert!(charged(app, &customer).is_empty());
    }
}

scenario! {
    /// Shows that nothing short of a payment at Stripe gives a plan: not opening a checkout, not
    /// a declined card, not a field in a body.
    scenario_24_nobody_gives_themselves_a_plan, async |app| {
        let session = app.sign_up("acme").await;
        let checkout = app.start_checkout(&session, "enterprise", "monthly").await;
        drop(session.get(&format!("/api/v1/billing/checkout/{checkout}")).await.expect(200));
        let paid = app.engine().checkout_confirm(&checkout, cards::card(cards::DECLINED), None);
        assert!(!matches!(paid, Ok(ConfirmOutcome::Completed { .. })), "{paid:?}");
        app.settle().await;
        let plan = json!({"plan": "enterprise", "interval": "monthly", "status": "ACTIVE"});
        for (method, path) in [
            ("PATCH", "/api/v1/organization"),
            ("POST", "/api/v1/billing/plan-change"),
            ("PUT", "/api/v1/billing/subscription"),
            ("POST", "/api/v1/billing/subscription"),
            ("POST", "/api/v1/billing/resume"),
        ] {
            let answer = session.send(method, path, Some(&plan)).await;
            assert_ne!(answer.status, 500, "{method} {path}: {}", answer.text);
        }
        let entitled = session.entitlements().await;
        assert_eq!(entitled["plan"]["id"], "free");
        assert_eq!(entitled["is_active"], false);
        assert_eq!(app.engine().list(Kind::Subscription, None, 10).len(), 0);
    }
}

scenario! {
    /// Shows that a caller cannot have the browser sent to a foreign origin, and may name ours.
    scenario_25_foreign_addresses_are_refused, async |app| {
        let session = app.sign_up("acme").await;
        let own = app.app().settings.frontend_url.clone();
        for (field, address) in [
            ("success_url", "https://evil.example/thanks".to_owned()),
            ("cancel_url", "https://evil.example/back".to_owned()),
            ("success_url", format!("{own}.evil.example/")),
            ("success_url", format!("{}@evil.example/", own)),
            ("success_url", "javascript:alert(1)".to_owned()),
        ] {
            let mut body = json!({"plan": "team", "interval": "monthly"});
            body[field] = json!(address);
            let refused = session.post("/api/v1/billing/checkout", body).await;
            let refused = refused.expect_problem(400, "invalid_request");
            assert!(refused["fields"][field].is_string(), "{refused}");
        }
        let portal = json!({"return_url": "https://evil.example/"});
        drop(session.post("/api/v1/billing/portal", portal).await.expect_problem(400, "invalid_request"));
        assert_eq!(app.gate.count("POST", "/v1/checkout/sessions"), 0);
        let wanted = format!("{own}/welcome?session={{CHECKOUT_SESSION_ID}}");
        let body = json!({"plan": "team", "interval": "monthly", "success_url": wanted});
        let opened = session.post("/api/v1/billing/checkout", body).await.expect(201);
        let made = app.engine().object(&text(&opened["id"])).expect("Stripe has it");
        assert_eq!(made["success_url"], json!(wanted));
    }
}

scenario! {
    /// Shows that the eleventh checkout of a user within a minute is refused with the seconds to
    /// wait, that waiting them is enough, and that another organisation is not held back
    /// (scenario 38).
    the_eleventh_checkout_in_a_minute_waits, async |app| {
        let session = app.sign_up("acme").await;
        for _ in 0..10 {
            drop(wish(&session, "team").await.expect(201));
        }
        let refused = wish(&session, "team").await;
        assert_eq!(refused.header("retry-after"), Some("60"));
        let refused = refused.expect_problem(429, "rate_limited");
        assert_eq!(refused["retry_after_seconds"], 60);
        let other = app.sign_up("other").await;
        drop(wish(&other, "team").await.expect(201));
        app.advance(Span::seconds(60)).await;
        drop(wish(&session, "team").await.expect(201));
    }
}

scenario! {
    /// Shows that what is not sold is refused with the field at fault, and reaches Stripe never.
    what_is_not_sold_is_refused, async |app| {
        let session = app.sign_up("acme").await;
        for (plan, interval) in [("gold", "monthly"), ("free", "monthly"), ("team", "weekly")] {
            let body = json!({"plan": plan, "interval": interval});
            let refused = session.post("/api/v1/billing/checkout", body).await;
            drop(refused.expect_problem(400, "invalid_request"));
        }
        assert!(customers(app, &session).is_empty());
    }
}

scenario! {
    /// Shows that a customer who was deleted in Stripe's dashboard is replaced, whether or not
    /// the mirror has heard of it.
    a_deleted_customer_is_replaced, async |app| {
        let session = app.sign_up("acme").await;
        let first = app.start_checkout(&session, "team", "monthly").await;
        let gone = customer(app, &session);
        app.stripe().customers().delete(&gone).await.expect("it can be deleted");
        app.settle().await;
        let second = app.start_checkout(&session, "team", "monthly").await;
        assert_ne!(first, second);
        let made = app.engine().object(&second).expect("Stripe has it");
        assert_ne!(made["customer"], json!(gone));
        app.hold_webhooks().await;
        app.stripe().customers().delete(&text(&made["customer"])).await.expect("it can be deleted");
        let third = app.start_checkout(&session, "team", "monthly").await;
        assert!(![first, second].contains(&third));
        app.pay(&third, cards::card(cards::GOOD));
        let page = session.get(&format!("/api/v1/billing/checkout/{third}")).await.expect(200);
        assert_eq!(page["subscription"]["status"], "ACTIVE");
    }
}

scenario! {
    /// Shows that a subscription that begins while a session is being opened is seen: the session
    /// is made unusable and its address is not given out.
    a_session_that_was_overtaken_is_expired, async |app| {
        let session = app.sign_up("acme").await;
        drop(session.post("/api/v1/billing/portal", json!({})).await.expect(201));
        let customer = customer(app, &session);
        let attach = format!("/v1/payment_methods/{}/attach", "pm_card_visa");
        let card = app.stripe_post(&attach, &[("customer", &customer)]).await;
        let sessions = "/v1/checkout/sessions";
        app.gate.set(Weather::Only {
            method: "POST",
            path: sessions.to_owned(),
            weather: Box::new(Weather::Held),
        });
        let meanwhile = async {
            let intent = || app.store().find_open_intent("create_checkout", &session.organization);
            while intent().await.expect("the database is there").is_none() {
                tokio::task::yield_now().await;
            }
            let params = [
                ("customer", customer.as_str()),
                ("items[0][price]", &price(app, "team", "monthly")),
                ("default_payment_method", &text(&card["id"])),
            ];
            drop(app.stripe_post("/v1/subscriptions", &params).await);
            app.settle().await;
            app.gate.set(Weather::Clear);
        };
        let (refused, ()) = join(wish(&session, "enterprise"), meanwhile).await;
        let refused = refused.expect_problem(409, "already_subscribed");
        assert_eq!(refused["subscription"], json!({"plan": "team", "status": "ACTIVE"}));
        assert_eq!(app.gate.count("POST", sessions), 1);
        assert!(open_sessions(app, &customer).is_empty());
        assert_eq!(charged(app, &customer), [9_900]);
    }
}

scenario! {
    /// Shows that the page the browser returns to tells ACTIVE although the mirror has only heard
    /// that the subscription was made, incomplete, and not yet that it was paid.
    scenario_20_returning_between_two_webhooks, async |app| {
        let session = app.sign_up("acme").await;
        let checkout = app.start_checkout(&session, "team", "monthly").await;
        app.hold_webhooks().await;
        let before = app.newest_event();
        app.pay(&checkout, cards::card(cards::GOOD));
        for (_, mut event) in app.events_after(before, None) {
            if event["type"] == "customer.subscription.created" {
                // Stripe may tell either state here.
                event["data"]["object"]["status"] = json!("incomplete");
                drop(app.post_event(&event).await.expect(200));
            }
        }
        app.work().await;
        assert_ne!(session.subscription().await["status"], "ACTIVE");
        let page = format!("/api/v1/billing/checkout/{checkout}");
        let complete = session.get(&page).await.expect(200);
        assert_eq!(complete["subscription"]["status"], "ACTIVE");
        assert_eq!(complete["subscription"]["plan"]["id"], "team");
    }
}

scenario! {
    /// Shows that the portal opens for a new customer when the old one was deleted at Stripe and
    /// no webhook said so.
    the_portal_replaces_a_deleted_customer, async |app| {
        let session = app.sign_up("acme").await;
        drop(session.post("/api/v1/billing/portal", json!({})).await.expect(201));
        let gone = customer(app, &session);
        app.hold_webhooks().await;
        app.stripe().customers().delete(&gone).await.expect("it can be deleted");
        drop(session.post("/api/v1/billing/portal", json!({})).await.expect(201));
        let customer = text(&session.subscription().await["stripe_customer_id"]);
        assert_ne!(customer, gone);
    }
}
