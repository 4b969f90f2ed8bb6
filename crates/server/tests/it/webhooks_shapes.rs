//! Webhooks of all types, versions, modes and secrets.

use crate::mirror;
use domain::catalogue::Interval;
use flate2::read::GzDecoder;
use serde_json::Value;
use server::config::Mode;
use std::fs::File;
use testkit::{Database, Span, TestApp, Weather, cards, json, scenario};

/// Every event type in Stripe's published API; none when it is not beside this repository.
fn known_types() -> Option<Vec<String>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/stripe/openapi-2026-08-26.dahlia.json.gz"
    );
    let api: Value = serde_json::from_reader(GzDecoder::new(File::open(path).ok()?)).unwrap();
    let body = &api["paths"]["/v1/webhook_endpoints"]["post"]["requestBody"]["content"];
    let types = &body["application/x-www-form-urlencoded"]["schema"]["properties"];
    let types = types["enabled_events"]["items"]["enum"].as_array().unwrap();
    Some(
        types
            .iter()
            .filter_map(|one| one.as_str())
            .filter(|one| *one != "*")
            .map(Into::into)
            .collect(),
    )
}

#[expect(clippy::print_stderr, reason = "the test runner counts what was skipped from this line")]
fn types_to_try() -> Vec<String> {
    known_types().unwrap_or_else(|| {
        eprintln!("SKIPPED: only some event types, because ../shared/stripe is not there");
        ["account.updated", "invoice.paid", "payment_intent.created", "price.created"]
            .map(ToOwned::to_owned)
            .to_vec()
    })
}

scenario! {
    /// Shows that an event of any type that Stripe knows, and of one it may have next year, is
    /// answered 200 and stored; those we do not handle end ignored, and none is lost or refused.
    scenario_09_every_type, async |app| {
        let mut types = types_to_try();
        types.push("quantum.entanglement.created".to_owned());
        let handled = server::apply::HANDLED;
        let now = app.now().as_seconds();
        for kind in &types {
            // An object of another account: nothing here knows it, and neither does Stripe.
            let event = json!({
                "id": format!("evt_{}", kind.replace('.', "_")),
                "object": "event",
                "api_version": "2026-08-26.dahlia",
                "created": now,
                "livemode": false,
                "type": kind,
                "data": {"object": {"id": "unknown_1", "object": "something"}},
            });
            app.post_event(&event).await.expect(200);
        }
        app.work().await;
        for kind in &types {
            let id = format!("evt_{}", kind.replace('.', "_"));
            let row = app.store().delivery(&id).await.unwrap();
            let state = row.unwrap_or_else(|| panic!("{kind} was not stored")).state;
            if handled.iter().all(|(name, _)| name != kind) {
                assert_eq!(state.name(), "ignored", "{kind}");
            } else {
                assert!(["ignored", "parked"].contains(&state.name()), "{kind}: {state:?}");
            }
        }
        let counts = app.store().delivery_counts().await.unwrap();
        app.expect_parked(counts.parked);
    }
}

/// Buys, upgrades and is refunded with webhooks in one version, from the payloads alone, and
/// gives what the mirror then says.
async fn picture_from_payloads(database: Database, version: &str) -> Option<Vec<String>> {
    let app = TestApp::on(database).events_in(version).start().await?;
    let session = app.sign_up("acme").await;
    app.hold_webhooks().await;
    let before = app.newest_event();
    let customer = app.stripe_customer(&session.organization, Some("pm_card_visa")).await;
    app.advance(Span::seconds(5)).await;
    let subscription = app
        .stripe_post(
            "/v1/subscriptions",
            &[("customer", &customer), ("items[0][price]", &app.price("team", Interval::Monthly))],
        )
        .await;
    app.advance(Span::hours(2)).await;
    let path = format!("/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
    app.stripe_post(&path, &[("cancel_at_period_end", "true")]).await;
    app.stripe_post(&format!("/v1/customers/{customer}"), &[("name", "Acme Ltd")]).await;
    let events: Vec<Value> =
        app.events_after(before, Some(version)).into_iter().map(|(_, event)| event).collect();
    // The last word about each object, and no way to ask Stripe for a better one.
    app.gate.set(Weather::Answers(500));
    for kind in [
        "customer.updated",
        "customer.subscription.created",
        "invoice.paid",
        "charge.succeeded",
        "customer.subscription.updated",
    ] {
        let event = events.iter().rfind(|event| event["type"] == kind);
        let event = event.unwrap_or_else(|| panic!("no {kind} in {version}"));
        assert_eq!(event["api_version"], version);
        app.post_event(event).await.expect(200);
        app.work().await;
        let row = app.store().delivery(event["id"].as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!(row.state.name(), "applied", "{kind} in {version}: {:?}", row.state);
    }
    app.gate.set(Weather::Clear);
    mirror::assert_equals_stripe(&app).await;
    let mut picture = mirror::picture(app.store(), &session.organization).await;
    for line in &mut picture {
        // Each run has a port of its own.
        *line = line.replace(app.simulator().base_url(), "https://stripe.test");
    }
    app.finish().await;
    Some(picture)
}

async fn all_versions_give_one_picture(database: Database) {
    let Some(newest) = picture_from_payloads(database, "2026-08-26.dahlia").await else { return };
    assert!(newest.len() >= 5, "{newest:#?}");
    for version in ["2024-11-20.acacia", "2025-03-31.basil"] {
        assert_eq!(picture_from_payloads(database, version).await.unwrap(), newest, "{version}");
    }
}

/// Shows that events in each version that we understand lead to the same mirror, down to the
/// last field.
mod scenario_10_api_versions {
    use super::*;
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        all_versions_give_one_picture(Database::Sqlite).await;
    }
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        all_versions_give_one_picture(Database::Postgres).await;
    }
}

/// An event of this mode that is otherwise in order.
fn event(id: &str, livemode: bool, now: i64) -> Value {
    json!({
        "id": id,
        "object": "event",
        "api_version": "2026-08-26.dahlia",
        "created": now,
        "livemode": livemode,
        "type": "customer.updated",
        "data": {"object": {"id": "cus_1", "object": "customer"}},
    })
}

/// Shows that rightly signed events of the other mode are refused, not stored, and told to
/// operators once.
async fn the_other_mode_is_refused(app: &TestApp) {
    let ours = app.app().settings.stripe.mode.livemode();
    let before = app.store().delivery_counts().await.unwrap();
    app.store().messages("alert.wrong_mode", 10).await.unwrap();
    for id in ["evt_a", "evt_b", "evt_a"] {
        let wrong = event(id, !ours, app.now().as_seconds());
        app.post_event(&wrong).await.expect_problem(400, "wrong_mode");
    }
    assert_eq!(app.store().delivery_counts().await.unwrap(), before);
    assert_eq!(app.messages("alert.wrong_mode").await.len(), 1);
}

scenario! {
    /// Shows it for a live event at a test installation.
    scenario_11_live_event_at_test, async |app| the_other_mode_is_refused(app).await
}

scenario! {
    /// Shows it for a test event at a live installation.
    scenario_11_test_event_at_live, with |builder| builder.mode(Mode::Live),
    async |app| the_other_mode_is_refused(app).await
}

scenario! {
    /// Shows that while a secret is rotated events signed with either are taken, and that after
    /// the old one is taken out of the settings only the new one counts.
    scenario_12_secret_rotation, with |builder| builder.also_accepts("whsec_theOldOne"),
    async |app| {
        let now = app.now().as_seconds();
        for (id, secret) in [("evt_old", "whsec_theOldOne"), ("evt_new", app.secret.as_str())] {
            app.send_event(&event(id, false, now), secret).await.expect(200);
            assert!(app.store().delivery(id).await.unwrap().is_some());
        }
        let stranger = app.send_event(&event("evt_x", false, now), "whsec_aStrangers").await;
        stranger.expect_problem(400, "signature_invalid");

        let secret = app.secret.clone();
        let node = app
            .another_node(|settings| {
                settings.stripe.webhook_secrets = stripe::signature::Secret::list(&secret);
            })
            .await;
        let late = event("evt_old_2", false, now);
        let old = app.send_event_to(&node, &late, "whsec_theOldOne").await;
        old.expect_problem(400, "signature_invalid");
        let next = event("evt_new_2", false, now);
        let new = app.send_event_to(&node, &next, &app.secret).await;
        new.expect(200);
        assert!(app.store().delivery("evt_old_2").await.unwrap().is_none());
        node.close().await;
        app.work().await;
        app.expect_parked(app.store().delivery_counts().await.unwrap().parked);
    }
}

scenario! {
    /// Shows that a body is proven byte for byte, whatever its white space, order of keys and
    /// letters, up to 900 KiB; that one byte more or less is refused; and that the route wants
    /// neither log-in nor token.
    scenario_02_byte_for_byte, async |app| {
        let now = app.now().as_seconds();
        let mut odd = event("evt_odd", false, now);
        odd["data"]["object"]["name"] = "Ünïcödé 🦀 \u{2028} \"quoted\"".into();
        odd["padding"] = "x".repeat(900 * 1_024).into();
        let mut body = b" \r\n\t".to_vec();
        body.extend(serde_json::to_vec_pretty(&odd).unwrap());
        body.extend(b"\n\n ");
        let mut changed = body.clone();
        changed.pop();
        let header = stripe::signature::sign(
            &body,
            &stripe::signature::Secret::new(&app.secret).unwrap(),
            now,
        );
        app.send_signed(changed, Some(&header)).await.expect_problem(400, "signature_invalid");
        app.send_signed(body.clone(), None).await.expect_problem(400, "signature_missing");
        assert!(app.store().delivery("evt_odd").await.unwrap().is_none());
        app.send_signed(body.clone(), Some(&header)).await.expect(200);
        assert_eq!(app.store().delivery_body("evt_odd").await.unwrap().unwrap(), body);
        app.work().await;
        app.expect_parked(app.store().delivery_counts().await.unwrap().parked);
    }
}

scenario! {
    /// Shows that a signed event without any token is accepted, with cookies of nobody and
    /// without an Origin.
    scenario_01_no_login_needed, async |app| {
        let session = app.sign_up("acme").await;
        app.buy(&session, "team", "monthly", cards::GOOD).await;
        assert_eq!(session.subscription().await["status"], "ACTIVE");
        let counts = app.store().delivery_counts().await.unwrap();
        assert!(counts.applied > 5, "{counts:?}");
    }
}
