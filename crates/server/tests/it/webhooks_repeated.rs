//! Webhooks that come twice, at once, late or in another order.

use crate::mirror;
use domain::mirror::Subscription;
use serde_json::Value;
use testkit::{Span, cards, json, scenario, scenario_on_two_nodes};

/// The events of a purchase that were held back, as Stripe would have sent them.
async fn held_purchase(app: &testkit::TestApp, name: &str) -> (testkit::Session, Vec<Value>) {
    let session = app.sign_up(name).await;
    app.hold_webhooks().await;
    let before = app.newest_event();
    app.buy(&session, "team", "monthly", cards::GOOD).await;
    let events = app.events_after(before, None).into_iter().map(|(_, event)| event).collect();
    (session, events)
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().rfind(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} among {} events", events.len()))
}

async fn subscription_of(app: &testkit::TestApp, session: &testkit::Session) -> String {
    let view = session.subscription().await;
    let known = view["stripe_subscription_id"].as_str().map(ToOwned::to_owned);
    known.unwrap_or_else(|| {
        let newest = app.engine().list(simulator::Kind::Subscription, None, 1);
        newest[0]["id"].as_str().unwrap().to_owned()
    })
}

/// Posts each event ten times at once, to the nodes in turn, while all of them work.
async fn post_ten_times_each(app: &testkit::TestApp, events: &[Value]) {
    let body = |event: &Value| serde_json::to_vec_pretty(event).unwrap();
    let posts = events.iter().flat_map(|event| {
        (0..10).map(move |turn| async move {
            let node = turn % app.nodes.len();
            let answer = app.send_raw(node, body(event), Some(&app.secret)).await;
            assert_eq!(answer.expect(200), json!({"received": true}));
        })
    });
    let work = async {
        for _ in 0..20 {
            let nodes = app.nodes.iter().map(testkit::Node::work);
            futures_util::future::join_all(nodes).await;
            tokio::task::yield_now().await;
        }
    };
    futures_util::future::join(futures_util::future::join_all(posts), work).await;
    app.work().await;
}

async fn each_event_has_one_effect(app: &testkit::TestApp) {
    let (session, events) = held_purchase(app, "acme").await;
    let count = |counts: store::DeliveryCounts| counts.applied + counts.ignored;
    let before = count(app.store().delivery_counts().await.unwrap());
    post_ten_times_each(app, &events).await;
    let after = count(app.store().delivery_counts().await.unwrap());
    assert_eq!(usize::try_from(after - before).unwrap(), events.len());
    assert_eq!(session.subscription().await["status"], "ACTIVE");
    assert_eq!(app.messages("email.payment_succeeded").await.len(), 1);
    assert_eq!(app.messages("webhook.entitlement_changed").await.len(), 1);
    // Once more, after all is done.
    post_ten_times_each(app, &events).await;
    assert_eq!(app.messages("email.payment_succeeded").await.len(), 1);
    assert_eq!(count(app.store().delivery_counts().await.unwrap()), after);
    mirror::assert_equals_stripe(app).await;
}

scenario! {
    /// Shows that each event of a purchase that comes ten times at once is one row, one effect
    /// and one e-mail.
    scenario_03_ten_at_once, async |app| each_event_has_one_effect(app).await
}

scenario_on_two_nodes! {
    /// Shows the same when the ten go to two nodes that both work.
    scenario_03_ten_at_once_on_two_nodes, async |app| each_event_has_one_effect(app).await
}

scenario! {
    /// Shows that a late `updated` and a late `payment_succeeded` do not bring a subscription back
    /// that was deleted.
    scenario_04_deleted_then_late_updates, async |app| {
        let session = app.sign_up("acme").await;
        app.buy(&session, "team", "monthly", cards::GOOD).await;
        let id = subscription_of(app, &session).await;
        app.advance(Span::hours(1)).await;
        app.hold_webhooks().await;
        let before = app.newest_event();
        let path = format!("/v1/subscriptions/{id}");
        app.stripe_post(&path, &[("metadata[note]", "changed before its end")]).await;
        app.advance(Span::minutes(1)).await;
        app.stripe_delete(&path).await;
        let events: Vec<Value> =
            app.events_after(before, None).into_iter().map(|(_, event)| event).collect();
        app.advance(Span::minutes(1)).await;

        let deleted = of_type(&events, "customer.subscription.deleted");
        app.post_event(deleted).await.expect(200);
        app.work().await;
        assert_eq!(session.subscription().await["status"], "CANCELLED");

        let updated = of_type(&events, "customer.subscription.updated");
        assert_eq!(updated["data"]["object"]["status"], "active");
        app.post_event(updated).await.expect(200);
        let all: Vec<Value> = app.events_after(0, None).into_iter().map(|(_, one)| one).collect();
        let mut paid = of_type(&all, "invoice.payment_succeeded").clone();
        paid["id"] = "evt_late_payment_succeeded".into();
        app.post_event(&paid).await.expect(200);
        app.work().await;

        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["is_active"]), (&json!("CANCELLED"), &json!(false)));
        assert_eq!(session.entitlements().await["plan"]["id"], "free");
        assert_eq!(app.messages("email.subscription_cancelled").await.len(), 1);
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that the plan is granted by whichever event comes first, here an update that
    /// overtakes the creation and the completion of the checkout.
    scenario_05_updated_before_completed, async |app| {
        let (session, mut events) = held_purchase(app, "acme").await;
        let id = subscription_of(app, &session).await;
        assert_eq!(session.subscription().await["status"], "FREE");
        let before = app.newest_event();
        app.advance(Span::seconds(2)).await;
        app.stripe_post(&format!("/v1/subscriptions/{id}"), &[("metadata[note]", "x")]).await;
        let update = app.events_after(before, None).remove(0).1;
        assert_eq!(update["type"], "customer.subscription.updated");
        app.post_event(&update).await.expect(200);
        app.work().await;
        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["plan"]["id"]), (&json!("ACTIVE"), &json!("team")));
        events.reverse();
        for event in &events {
            app.post_event(event).await.expect(200);
        }
        app.work().await;
        assert_eq!(session.subscription().await["status"], "ACTIVE");
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that updates of one second lead to the same mirror in both orders, and that it is
    /// Stripe's state.
    scenario_06_two_updates_in_one_second, async |app| {
        let mut updates = Vec::new();
        let mut sessions = Vec::new();
        for name in ["first-last", "last-first"] {
            let session = app.sign_up(name).await;
            app.buy(&session, "team", "monthly", cards::GOOD).await;
            sessions.push(session);
        }
        app.advance(Span::hours(1)).await;
        app.hold_webhooks().await;
        for session in &sessions {
            let path = format!("/v1/subscriptions/{}", subscription_of(app, session).await);
            let before = app.newest_event();
            app.stripe_post(&path, &[("cancel_at_period_end", "true")]).await;
            app.stripe_post(&path, &[("cancel_at_period_end", "false")]).await;
            app.stripe_post(&path, &[("metadata[note]", "the last word")]).await;
            let mut events: Vec<Value> =
                app.events_after(before, None).into_iter().map(|(_, event)| event).collect();
            events.retain(|event| event["type"] == "customer.subscription.updated");
            assert_eq!(events.len(), 3);
            assert_eq!(events[0]["created"], events[2]["created"]);
            updates.push(events);
        }
        updates[1].reverse();
        for (session, events) in sessions.iter().zip(&updates) {
            for event in events {
                app.post_event(event).await.expect(200);
                app.work().await;
            }
            let id = subscription_of(app, session).await;
            let held = app.store().mirrored::<Subscription>(&id).await.unwrap().unwrap();
            assert!(!held.object.cancel_at_period_end, "{}", session.email);
        }
        mirror::assert_equals_stripe(app).await;
    }
}
