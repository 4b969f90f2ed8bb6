//! Changing plans, leaving and coming back: what is shown is what is charged, and what fails
//! changes nothing.

use crate::billing_at_stripe::{change_card, charged, price, text};
use simulator::Kind;
use stripe::form::Params;
use testkit::{Response, Session, Span, TestApp, Value, cards, json, scenario};

async fn preview(session: &Session, plan: &str, interval: &str) -> Value {
    let body = json!({"plan": plan, "interval": interval});
    session.post("/api/v1/billing/plan-change/preview", body).await.expect(200)
}

async fn change(session: &Session, body: Value) -> Response {
    session.post("/api/v1/billing/plan-change", body).await
}

fn agreed(preview: &Value) -> Value {
    json!({
        "plan": preview["plan"]["id"],
        "interval": preview["interval"],
        "when": preview["when"],
        "proration_date": preview["proration_date"],
        "expected_amount_due": preview["amount_due"]["amount"],
    })
}

fn at_stripe(app: &TestApp, subscription: &Value) -> Value {
    let id = text(&subscription["stripe_subscription_id"]);
    app.engine().object(&id).expect("Stripe has it")
}

scenario! {
    /// Shows that an upgrade charges to the cent what its preview said, although time passed in
    /// between, and that the plan changes at once.
    scenario_22_an_upgrade_charges_what_was_previewed, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "monthly", cards::GOOD).await;
        app.advance(Span::days(10)).await;
        let shown = preview(&session, "enterprise", "monthly").await;
        assert_eq!(shown["when"], "now");
        let due = shown["amount_due"]["amount"].as_i64().expect("an amount");
        let lines = shown["lines"].as_array().expect("lines");
        let sum: i64 = lines.iter().filter_map(|line| line["amount"]["amount"].as_i64()).sum();
        assert_eq!((due, shown["credit"]["amount"].as_i64()), (sum, Some(0)));
        assert!((1..40_000).contains(&due), "{shown}");
        assert_eq!(shown["renewal_amount"], json!({"amount": 49_900, "currency": "usd"}));
        assert_eq!(shown["renews_at"], before["current_period_end"]);
        app.advance(Span::minutes(3)).await;
        let after = change(&session, agreed(&shown)).await.expect(200);
        assert_eq!((&after["plan"]["id"], &after["status"]), (&json!("enterprise"), &json!("ACTIVE")));
        let customer = text(&before["stripe_customer_id"]);
        assert_eq!(charged(app, &customer), [due, 9_900]);
        let invoices = session.get("/api/v1/billing/invoices").await.expect(200);
        assert_eq!(invoices["data"][0]["amount_paid"]["amount"], due);
        assert_eq!(session.entitlements().await["plan"]["id"], "enterprise");
        // Sent again, because the answer was lost: nothing more is charged.
        drop(change(&session, agreed(&shown)).await.expect(200));
        assert_eq!(charged(app, &customer).len(), 2);
        app.settle().await;
        assert_eq!(session.subscription().await["plan"]["id"], "enterprise");
    }
}

scenario! {
    /// Shows that paying by the year is an upgrade too, charged now and counted from now.
    scenario_22_monthly_to_yearly, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "monthly", cards::GOOD).await;
        app.advance(Span::days(5)).await;
        let shown = preview(&session, "team", "yearly").await;
        let due = shown["amount_due"]["amount"].as_i64().expect("an amount");
        assert!((90_000..99_000).contains(&due), "{shown}");
        let after = change(&session, agreed(&shown)).await.expect(200);
        assert_eq!(after["price"]["interval"], "yearly");
        assert_eq!(after["current_period_end"], shown["renews_at"]);
        assert_eq!(charged(app, &text(&before["stripe_customer_id"])), [due, 9_900]);
    }
}

scenario! {
    /// Shows that nobody is charged another amount than was shown, nor for a moment of the
    /// caller's choice.
    scenario_22_another_amount_is_refused, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "monthly", cards::GOOD).await;
        app.advance(Span::days(10)).await;
        let shown = preview(&session, "enterprise", "monthly").await;
        let mut cheaper = agreed(&shown);
        cheaper["expected_amount_due"] = json!(1);
        drop(change(&session, cheaper).await.expect_problem(409, "conflict"));
        let now = shown["proration_date"].as_i64().expect("a second");
        for moment in [now + 20 * 86_400, now + 60, now - 3_600, 0, -1] {
            let mut other = agreed(&shown);
            other["proration_date"] = json!(moment);
            other["expected_amount_due"] = json!(null);
            let refused = change(&session, other).await;
            assert!([400, 409].contains(&refused.status), "{moment}: {}", refused.text);
        }
        let customer = text(&before["stripe_customer_id"]);
        assert_eq!(charged(app, &customer), [9_900]);
        assert_eq!(session.subscription().await["plan"]["id"], "team");
    }
}

scenario! {
    /// Shows that a failed payment leaves the old plan at Stripe and here, says why, leaves
    /// nothing that could be charged later, and that another card then pays.
    scenario_22_a_failed_upgrade_leaves_the_old_plan, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "monthly", cards::GOOD).await;
        change_card(app, &before, "pm_card_chargeCustomerFail").await;
        app.advance(Span::days(3)).await;
        let shown = preview(&session, "enterprise", "monthly").await;
        let failed = change(&session, agreed(&shown)).await.expect_problem(402, "payment_failed");
        assert_eq!(failed["decline_code"], "generic_decline");
        assert_eq!(failed["reason"], "The bank declined the payment.");
        app.settle().await;
        let after = session.subscription().await;
        assert_eq!((&after["plan"]["id"], &after["status"]), (&json!("team"), &json!("ACTIVE")));
        assert_eq!(after["payment_problem"], json!(null));
        let there = at_stripe(app, &before);
        assert_eq!(there["pending_update"], json!(null));
        let customer = text(&before["stripe_customer_id"]);
        let invoices = app.engine().customer_invoices(&customer);
        assert!(invoices.iter().all(|one| one["status"] != "open"), "{invoices:?}");
        change_card(app, &before, "pm_card_mastercard").await;
        let after = change(&session, agreed(&shown)).await.expect(200);
        assert_eq!(after["plan"]["id"], "enterprise");
        assert_eq!(charged(app, &customer).len(), 2);
    }
}

scenario! {
    /// Shows that a downgrade waits for the period's end, is shown, can be withdrawn, and then
    /// happens by itself when it is scheduled again.
    scenario_22_a_downgrade_waits_and_can_be_withdrawn, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "enterprise", "monthly", cards::GOOD).await;
        let shown = preview(&session, "team", "monthly").await;
        assert_eq!(shown["when"], "period_end");
        assert_eq!(shown["amount_due"]["amount"], 0);
        assert_eq!(shown["proration_date"], json!(null));
        assert_eq!(shown["effective_at"], before["current_period_end"]);
        assert_eq!(shown["renewal_amount"]["amount"], 9_900);
        let body = json!({"plan": "team", "interval": "monthly"});
        let waiting = change(&session, body.clone()).await.expect(200);
        let scheduled = json!({
            "plan": {"id": "team", "name": "Team"},
            "interval": "monthly",
            "at": before["current_period_end"],
        });
        assert_eq!(waiting["scheduled_change"], scheduled);
        assert_eq!(waiting["plan"]["id"], "enterprise");
        app.settle().await;
        assert_eq!(session.subscription().await["scheduled_change"], scheduled);
        let withdrawn = session.post("/api/v1/billing/plan-change/withdraw", json!({})).await;
        assert_eq!(withdrawn.expect(200)["scheduled_change"], json!(null));
        let again = session.post("/api/v1/billing/plan-change/withdraw", json!({})).await;
        drop(again.expect_problem(409, "conflict"));
        app.settle().await;
        drop(change(&session, body).await.expect(200));
        app.advance(Span::days(32)).await;
        let after = session.subscription().await;
        assert_eq!((&after["plan"]["id"], &after["status"]), (&json!("team"), &json!("ACTIVE")));
        assert_eq!(after["scheduled_change"], json!(null));
        let customer = text(&before["stripe_customer_id"]);
        assert_eq!(charged(app, &customer), [9_900, 49_900]);
    }
}

scenario! {
    /// Shows that a scheduled downgrade can be changed into another one, and that an upgrade
    /// takes its place.
    a_later_wish_replaces_a_scheduled_change, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "yearly", cards::GOOD).await;
        let body = json!({"plan": "team", "interval": "monthly"});
        let waiting = change(&session, body).await.expect(200);
        assert_eq!(waiting["scheduled_change"]["interval"], "monthly");
        let shown = preview(&session, "enterprise", "yearly").await;
        let after = change(&session, agreed(&shown)).await.expect(200);
        assert_eq!(after["plan"]["id"], "enterprise");
        assert_eq!(after["scheduled_change"], json!(null));
        assert_eq!(at_stripe(app, &before)["schedule"], json!(null));
        // Scheduled twice: one schedule, the later wish.
        drop(change(&session, json!({"plan": "team", "interval": "yearly"})).await.expect(200));
        let second = change(&session, json!({"plan": "team", "interval": "monthly"})).await;
        assert_eq!(second.expect(200)["scheduled_change"]["interval"], "monthly");
        let active = app.engine().list(Kind::Schedule, None, 10);
        let active = active.iter().filter(|one| one["status"] == "active").count();
        assert_eq!(active, 1);
        // Asking for the present plan takes it back.
        let present = change(&session, json!({"plan": "enterprise", "interval": "yearly"})).await;
        assert_eq!(present.expect(200)["scheduled_change"], json!(null));
        app.settle().await;
    }
}

scenario! {
    /// Shows that a change scheduled in Stripe's dashboard, and each change of it, is told as well
    /// as one of ours, and can be withdrawn here.
    a_change_scheduled_at_stripe_is_told, async |app| {
        let session = app.sign_up("acme").await;
        let bought = app.buy(&session, "enterprise", "monthly", cards::GOOD).await;
        let from = Params::new().set("from_subscription", text(&bought["stripe_subscription_id"]));
        let schedules = app.stripe().subscription_schedules();
        let made = schedules.create(&from, &app.key()).await.expect("a schedule").object;
        let phase = &made.phases[0];
        for interval in ["monthly", "yearly"] {
            let first = Params::new()
                .set("items[0][price]", price(app, "enterprise", "monthly"))
                .set("start_date", phase.start_date)
                .set("end_date", phase.end_date);
            let second = Params::new().set("items[0][price]", price(app, "team", interval));
            let phases = Params::new().list("phases", [first, second]);
            schedules.update(&made.id, &phases, &app.key()).await.expect("two phases");
            app.settle().await;
            let told = session.subscription().await;
            assert_eq!(told["scheduled_change"]["plan"]["id"], "team");
            assert_eq!(told["scheduled_change"]["interval"], interval);
            assert_eq!(told["scheduled_change"]["at"], bought["current_period_end"]);
        }
        let withdrawn = session.post("/api/v1/billing/plan-change/withdraw", json!({})).await;
        assert_eq!(withdrawn.expect(200)["scheduled_change"], json!(null));
        app.settle().await;
        assert_eq!(session.subscription().await["scheduled_change"], json!(null));
    }
}

scenario! {
    /// Shows leaving with the period, coming back, leaving for good, and buying again; and that a
    /// scheduled change does not stand in the way of leaving.
    leaving_and_coming_back, async |app| {
        let session = app.sign_up("acme").await;
        let nothing = session.post("/api/v1/billing/cancel", json!({})).await;
        drop(nothing.expect_problem(409, "conflict"));
        let before = app.buy(&session, "enterprise", "monthly", cards::GOOD).await;
        drop(change(&session, json!({"plan": "team", "interval": "monthly"})).await.expect(200));
        let leaving = session.post("/api/v1/billing/cancel", json!({})).await.expect(200);
        assert_eq!(leaving["cancel_at_period_end"], true);
        assert_eq!(leaving["cancel_at"], before["current_period_end"]);
        assert_eq!(leaving["scheduled_change"], json!(null));
        assert_eq!((&leaving["status"], &leaving["is_active"]), (&json!("ACTIVE"), &json!(true)));
        // Twice is once; and no plan change meanwhile.
        drop(session.post("/api/v1/billing/cancel", json!({})).await.expect(200));
        let refused = change(&session, json!({"plan": "team", "interval": "monthly"})).await;
        drop(refused.expect_problem(409, "conflict"));
        let back = session.post("/api/v1/billing/resume", json!({})).await.expect(200);
        assert_eq!((&back["cancel_at_period_end"], &back["cancel_at"]), (&json!(false), &json!(null)));
        let again = session.post("/api/v1/billing/resume", json!({})).await;
        drop(again.expect_problem(409, "conflict"));
        let over = session.post("/api/v1/billing/cancel", json!({"when": "now"})).await.expect(200);
        assert_eq!((&over["status"], &over["plan"]["id"]), (&json!("CANCELLED"), &json!("free")));
        app.settle().await;
        let bought = app.buy(&session, "team", "monthly", cards::OTHER).await;
        assert_eq!(bought["status"], "ACTIVE");
        assert_eq!(bought["stripe_customer_id"], before["stripe_customer_id"]);
        assert_eq!(bought["payment_method"]["last4"], "4444");
    }
}

scenario! {
    /// Shows that the portal opens for one customer, also before anything was bought, and that
    /// what is done there is told: another plan at the period's end, a cancellation.
    the_portal_opens_for_one_customer, async |app| {
        let session = app.sign_up("acme").await;
        for _ in 0..2 {
            let opened = session.post("/api/v1/billing/portal", json!({})).await.expect(201);
            assert!(text(&opened["url"]).starts_with("http"), "{opened}");
        }
        assert_eq!(crate::billing_at_stripe::customers(app, &session).len(), 1);
        let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
        assert_eq!(bought["status"], "ACTIVE");
        assert_eq!(bought["payment_method"]["brand"], "visa");
    }
}

scenario! {
    /// Shows that a declined upgrade leaves the downgrade that was scheduled before, here and at
    /// Stripe, and that it then happens.
    a_declined_upgrade_leaves_the_scheduled_downgrade, async |app| {
        let session = app.sign_up("acme").await;
        let before = app.buy(&session, "team", "yearly", cards::GOOD).await;
        let body = json!({"plan": "team", "interval": "monthly"});
        let waiting = change(&session, body).await.expect(200);
        let scheduled = waiting["scheduled_change"].clone();
        assert_eq!(scheduled["interval"], "monthly");
        change_card(app, &before, "pm_card_chargeCustomerFail").await;
        let shown = preview(&session, "enterprise", "yearly").await;
        drop(change(&session, agreed(&shown)).await.expect_problem(402, "payment_failed"));
        assert_eq!(session.subscription().await["scheduled_change"], scheduled);
        app.settle().await;
        let after = session.subscription().await;
        assert_eq!(after["scheduled_change"], scheduled);
        assert_eq!(after["plan"]["id"], "team");
        let active = app.engine().list(Kind::Schedule, None, 10);
        let active: Vec<_> = active.iter().filter(|one| one["status"] == "active").collect();
        assert_eq!(active.len(), 1, "{active:?}");
        assert_eq!(at_stripe(app, &before)["schedule"], active[0]["id"]);
        let next = &active[0]["phases"][1]["items"][0]["price"];
        assert_eq!(*next, json!(price(app, "team", "monthly")));
        change_card(app, &before, "pm_card_visa").await;
        app.advance(Span::days(367)).await;
        let after = session.subscription().await;
        assert_eq!(after["price"]["interval"], "monthly");
        assert_eq!(after["scheduled_change"], json!(null));
    }
}
