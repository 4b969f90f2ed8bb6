//! Webhooks while Stripe is in trouble, about things we do not know, or lost altogether.

use crate::mirror;
use domain::catalogue::Interval;
use domain::ids::OrganizationId;
use domain::mirror::Customer;
use serde_json::Value;
use std::time::Duration;
use testkit::{Session, Span, TestApp, Weather, cards, json, scenario};

fn of_type<'a>(events: &'a [Value], kind: &str) -> &'a Value {
    let found = events.iter().rfind(|event| event["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} among {} events", events.len()))
}

async fn parked(app: &TestApp, operator: &Session) -> Vec<Value> {
    app.settle().await;
    let list = operator.get("/api/v1/admin/deliveries?state=parked").await.expect(200);
    assert_eq!(list["next"], Value::Null);
    list["data"].as_array().unwrap().clone()
}

scenario! {
    /// Shows that a delivery that needs Stripe while Stripe cannot be asked waits: nothing is
    /// granted or marked done, each bad weather passes, and then it is applied.
    scenario_07_stripe_in_trouble, async |app| {
        let weathers =
            [Weather::Broken, Weather::Answers(500), Weather::Answers(429), Weather::Answers(503)];
        for (number, weather) in weathers.into_iter().enumerate() {
            let session = app.sign_up(&format!("acme{number}")).await;
            app.hold_webhooks().await;
            let before = app.newest_event();
            app.buy(&session, "team", "monthly", cards::GOOD).await;
            let events: Vec<Value> =
                app.events_after(before, None).into_iter().map(|(_, event)| event).collect();
            app.gate.set(weather.clone());
            let completed = of_type(&events, "checkout.session.completed");
            app.post_event(completed).await.expect(200);
            app.work().await;
            let id = completed["id"].as_str().unwrap();
            let row = app.store().delivery(id).await.unwrap().unwrap();
            assert_eq!((row.state.name(), row.attempts), ("pending", 1), "{weather:?}");
            assert_eq!(session.entitlements().await["plan"]["id"], "free");
            app.gate.set(Weather::Clear);
            app.advance(Span::seconds(30)).await;
            let row = app.store().delivery(id).await.unwrap().unwrap();
            assert_eq!((row.state.name(), row.attempts), ("applied", 2), "{weather:?}");
            assert_eq!(session.entitlements().await["plan"]["id"], "team");
            for event in &events {
                app.post_event(event).await.expect(200);
            }
            app.work().await;
            app.release_webhooks();
        }
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that while Stripe takes its time the delivery is in work and nothing else waits for
    /// it: other events are accepted and read calls are answered.
    scenario_07_stripe_is_slow, async |app| {
        let session = app.sign_up("acme").await;
        app.hold_webhooks().await;
        let before = app.newest_event();
        app.buy(&session, "team", "monthly", cards::GOOD).await;
        let events: Vec<Value> =
            app.events_after(before, None).into_iter().map(|(_, event)| event).collect();
        app.gate.set(Weather::Slow(Duration::from_millis(1_500)));
        let completed = of_type(&events, "checkout.session.completed");
        app.post_event(completed).await.expect(200);
        let meanwhile = async {
            // The worker claims before it asks.
            let id = completed["id"].as_str().unwrap();
            while app.store().delivery(id).await.unwrap().unwrap().state.name() != "claimed" {
                tokio::task::yield_now().await;
            }
            app.post_event(of_type(&events, "charge.succeeded")).await.expect(200);
            assert_eq!(session.entitlements().await["plan"]["id"], "free");
            assert_eq!(app.store().delivery(id).await.unwrap().unwrap().state.name(), "claimed");
        };
        futures_util::future::join(app.work(), meanwhile).await;
        app.gate.set(Weather::Clear);
        app.work().await;
        assert_eq!(session.entitlements().await["plan"]["id"], "team");
    }
}

scenario! {
    /// Shows that what belongs to a customer nobody knows is parked with a reason and one alert,
    /// and is applied by a replay once the customer names its organisation.
    scenario_08_unknown_customer, async |app| {
        let session = app.sign_up("acme").await;
        let operator = app.operator().await;
        app.settle().await;
        let customer = app
            .stripe_post("/v1/customers", &[
                ("email", "somebody@example.com"),
                ("payment_method", "pm_card_visa"),
                ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ])
            .await;
        let customer = customer["id"].as_str().unwrap();
        let price = app.price("team", Interval::Monthly);
        app.stripe_post("/v1/subscriptions", &[
            ("customer", customer),
            ("items[0][price]", &price),
        ])
        .await;
        let stuck = parked(app, &operator).await;
        assert!(stuck.len() > 2, "{stuck:#?}");
        for one in &stuck {
            assert_eq!(one["reason"]["code"], "unknown_customer");
            assert_eq!(one["reason"]["detail"], customer);
            assert!(one["reason"]["what_to_do"].as_str().unwrap().contains("metadata"));
        }
        assert_eq!(app.messages("alert.delivery_parked").await.len(), 1);
        assert_eq!(session.entitlements().await["plan"]["id"], "free");

        let path = format!("/v1/customers/{customer}");
        app.stripe_post(&path, &[("metadata[organization_id]", &session.organization)]).await;
        app.settle().await;
        for one in stuck {
            let path = format!("/api/v1/admin/deliveries/{}/replay", one["id"].as_str().unwrap());
            let replayed = operator.post(&path, json!({})).await.expect(200);
            assert_eq!(replayed["state"], "pending");
        }
        assert_eq!(parked(app, &operator).await, Vec::<Value>::new());
        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["plan"]["id"]), (&json!("ACTIVE"), &json!("team")));
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that a switch to a price that nobody sells is parked with one alert and takes no
    /// access away, and that a replay on a node that knows the price grants what it sells.
    scenario_08_unknown_price, async |app| {
        let session = app.sign_up("acme").await;
        let operator = app.operator().await;
        let view = app.buy(&session, "team", "monthly", cards::GOOD).await;
        app.advance(Span::hours(1)).await;
        let id = view["stripe_subscription_id"].as_str().unwrap();
        let path = format!("/v1/subscriptions/{id}");
        let item = app.stripe_get(&path).await["items"]["data"][0]["id"].clone();
        let product = app.stripe_post("/v1/products", &[("name", "Something new")]).await;
        let price = app
            .stripe_post("/v1/prices", &[
                ("product", product["id"].as_str().unwrap()),
                ("currency", "usd"),
                ("unit_amount", "49900"),
                ("recurring[interval]", "month"),
            ])
            .await;
        let price = price["id"].as_str().unwrap().to_owned();
        app.stripe_post(&path, &[
            ("items[0][id]", item.as_str().unwrap()),
            ("items[0][price]", &price),
        ])
        .await;
        let stuck = parked(app, &operator).await;
        assert!(!stuck.is_empty());
        for one in &stuck {
            assert_eq!(one["reason"]["code"], "unknown_price");
            assert_eq!(one["reason"]["detail"].as_str(), Some(price.as_str()));
        }
        assert_eq!(app.messages("alert.delivery_parked").await.len(), 1);
        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["plan"]["id"]), (&json!("ACTIVE"), &json!("team")));

        // A restart with the price in the mapping.
        let node = app
            .another_node(|settings| {
                let plans = settings.catalogue.plans().iter();
                let mut prices: std::collections::BTreeMap<_, _> = plans
                    .flat_map(|plan| {
                        plan.prices.iter().map(|price| (plan.id.clone(), price))
                    })
                    .map(|(plan, price)| {
                        ((plan, price.interval), price.stripe_price.clone().unwrap())
                    })
                    .collect();
                prices.insert(("enterprise".into(), Interval::Monthly), price.clone());
                settings.catalogue = settings.catalogue.with_stripe_prices(&prices).unwrap();
            })
            .await;
        for one in stuck {
            let path = format!("/api/v1/admin/deliveries/{}/replay", one["id"].as_str().unwrap());
            operator.at(&node).post(&path, json!({})).await.expect(200);
        }
        node.work().await;
        let view = session.at(&node).subscription().await;
        assert_eq!((&view["status"], &view["plan"]["id"]), (&json!("ACTIVE"), &json!("enterprise")));
        node.close().await;
    }
}

scenario! {
    /// Shows that after a day on which every webhook was lost, one sweep brings the mirror and
    /// the access of all organisations to Stripe's state, and a second one finds nothing.
    scenario_14_a_day_of_lost_events, async |app| {
        let mut sessions = Vec::new();
        let mut ids = Vec::new();
        for name in ["upgrades", "leaves", "gets-money-back", "stays", "comes"] {
            let session = app.sign_up(name).await;
            if name != "comes" {
                let view = app.buy(&session, "team", "monthly", cards::GOOD).await;
                ids.push(view["stripe_subscription_id"].as_str().unwrap().to_owned());
            }
            sessions.push(session);
        }
        app.hold_webhooks().await;
        app.advance(Span::hours(3)).await;

        let path = format!("/v1/subscriptions/{}", ids[0]);
        let item = app.stripe_get(&path).await["items"]["data"][0]["id"].clone();
        app.stripe_post(&path, &[
            ("items[0][id]", item.as_str().unwrap()),
            ("items[0][price]", &app.price("enterprise", Interval::Monthly)),
            ("proration_behavior", "always_invoice"),
        ])
        .await;
        app.stripe_delete(&format!("/v1/subscriptions/{}", ids[1])).await;
        let customer = app.stripe_get(&format!("/v1/subscriptions/{}", ids[2])).await;
        let customer = customer["customer"].as_str().unwrap().to_owned();
        let charges = app.stripe_get(&format!("/v1/charges?customer={customer}")).await;
        let charge = charges["data"][0]["id"].as_str().unwrap();
        app.stripe_post("/v1/refunds", &[("charge", charge), ("amount", "5000")]).await;
        let customer = app.stripe_customer(&sessions[4].organization, Some("pm_card_visa")).await;
        app.stripe_post("/v1/subscriptions", &[
            ("customer", &customer),
            ("items[0][price]", &app.price("enterprise", Interval::Yearly)),
        ])
        .await;
        app.advance(Span::hours(24)).await;
        app.release_webhooks();
        assert_eq!(sessions[0].subscription().await["plan"]["id"], "team");

        let report = app.app().apply.sweep().await.unwrap();
        assert!(report.healed.len() >= 6, "{report:?}");
        assert!(report.refused.is_empty(), "{report:?}");
        mirror::assert_equals_stripe(app).await;
        let mut found = Vec::new();
        for session in &sessions {
            let view = session.subscription().await;
            found.push((view["plan"]["id"].clone(), view["status"].clone()));
        }
        assert_eq!(found, [
            (json!("enterprise"), json!("ACTIVE")),
            (json!("free"), json!("CANCELLED")),
            (json!("team"), json!("ACTIVE")),
            (json!("team"), json!("ACTIVE")),
            (json!("enterprise"), json!("ACTIVE")),
        ]);
    }
}

scenario! {
    /// Shows that a customer deleted at Stripe is mirrored as deleted, although the event carries
    /// it as it was, and that its subscription ends with it.
    a_deleted_customer_is_mirrored_as_deleted, async |app| {
        let session = app.sign_up("acme").await;
        let view = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let customer = view["stripe_customer_id"].as_str().unwrap();
        app.stripe_delete(&format!("/v1/customers/{customer}")).await;
        app.settle().await;
        let row = app.app().store.mirrored::<Customer>(customer).await.unwrap().unwrap();
        assert!(row.object.deleted);
        assert_eq!(session.entitlements().await["plan"]["id"], "free");
    }
}

scenario! {
    /// Shows that a price which left the mapping keeps what it granted, and that operators are
    /// told: paying customers never fall to the free plan by a setting.
    a_price_that_left_the_mapping_keeps_its_plan, async |app| {
        let session = app.sign_up("acme").await;
        app.buy(&session, "team", "monthly", cards::GOOD).await;
        let node = app
            .another_node(|settings| {
                let none = std::collections::BTreeMap::new();
                settings.catalogue = settings.catalogue.with_stripe_prices(&none).unwrap();
            })
            .await;
        let organization = OrganizationId::parse(&session.organization).unwrap();
        for _ in 0..2 {
            let row = node.app.entitlements.recompute(&organization).await.unwrap();
            assert_eq!(row.entitlement.plan.as_str(), "team");
            assert!(row.entitlement.is_active);
        }
        assert_eq!(app.messages("alert.price_not_sold").await.len(), 1);
        node.close().await;
    }
}
