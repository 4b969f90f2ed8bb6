//! Order-free: whatever the order, the repetitions and the losses, one history leads to one
//! mirror, and it is Stripe's.

use crate::mirror;
use domain::catalogue::Interval;
use domain::ids::OrganizationId;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;
use store::OrganizationRow;
use testkit::{Database, Session, Span, TestApp};

/// A life at Stripe with all that can happen to a subscription, some of it within one second.
async fn live(app: &TestApp, session: &Session) {
    let customer = app.stripe_customer(&session.organization, Some("pm_card_visa")).await;
    let made = app
        .stripe_post(
            "/v1/subscriptions",
            &[("customer", &customer), ("items[0][price]", &app.price("team", Interval::Monthly))],
        )
        .await;
    let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
    let item = made["items"]["data"][0]["id"].as_str().unwrap();
    app.stripe_post(&path, &[("cancel_at_period_end", "true")]).await;
    app.stripe_post(&path, &[("cancel_at_period_end", "false")]).await;
    app.advance(Span::days(2)).await;
    app.stripe_post(
        &path,
        &[
            ("items[0][id]", item),
            ("items[0][price]", &app.price("enterprise", Interval::Monthly)),
            ("proration_behavior", "always_invoice"),
        ],
    )
    .await;
    let charges = app.stripe_get(&format!("/v1/charges?customer={customer}")).await;
    let charge = charges["data"][0]["id"].as_str().unwrap();
    app.stripe_post("/v1/refunds", &[("charge", charge), ("amount", "700")]).await;
    app.advance(Span::seconds(1)).await;
    app.stripe_post("/v1/refunds", &[("charge", charge), ("amount", "300")]).await;
    app.stripe_post(&format!("/v1/customers/{customer}"), &[("email", "new@example.com")]).await;
    app.advance(Span::days(31)).await;
    app.stripe_delete(&path).await;
    app.stripe_post(
        "/v1/subscriptions",
        &[("customer", &customer), ("items[0][price]", &app.price("team", Interval::Yearly))],
    )
    .await;
    app.advance(Span::hours(2)).await;
}

/// Which events a node gets, in which order, by their positions in the history.
fn deliveries(count: usize) -> impl Strategy<Value = Vec<usize>> {
    let everything: Vec<usize> = (0..count).collect();
    let repeats = proptest::collection::vec(0..count, 0..count);
    (Just(everything), repeats).prop_flat_map(|(mut all, repeats)| {
        all.extend(repeats);
        Just(all).prop_shuffle()
    })
}

/// The mirror of a node of its own that gets these events, in this order, and then perhaps looks
/// at Stripe once.
async fn picture_after(
    app: &TestApp,
    organization: &OrganizationRow,
    events: &[Value],
    order: &[usize],
    sweeps: bool,
) -> Vec<String> {
    let scratch = Database::Sqlite.create().await.unwrap();
    let node = app.another_node(|settings| settings.database = scratch.url.clone()).await;
    node.app.store.insert_organizations(vec![organization.clone()]).await.unwrap();
    for (turn, index) in order.iter().enumerate() {
        let answer = app.send_event_to(&node, &events[*index], &app.secret).await;
        answer.expect(200);
        // Now and then the worker is slower than Stripe.
        if turn % 3 != 0 {
            node.work().await;
        }
    }
    node.work().await;
    let counts = node.app.store.delivery_counts().await.unwrap();
    assert_eq!((counts.pending, counts.claimed, counts.parked), (0, 0, 0));
    if sweeps {
        let report = node.app.apply.sweep().await.unwrap();
        assert!(report.refused.is_empty(), "{report:?}");
    }
    node.app.entitlements.current(&organization.id).await.unwrap();
    let picture = mirror::picture(&node.app.store, organization.id.as_str()).await;
    node.close().await;
    scratch.remove().await;
    picture
}

struct History {
    app: TestApp,
    organization: OrganizationRow,
    events: Vec<Value>,
    /// What the mirror says when it is read from Stripe alone.
    truth: Vec<String>,
}

async fn history() -> History {
    let app = TestApp::start(Database::Sqlite).await.unwrap();
    let session = app.sign_up("acme").await;
    let id = OrganizationId::parse(&session.organization).unwrap();
    let organization = app.store().organization(&id).await.unwrap().unwrap();
    app.hold_webhooks().await;
    let before = app.newest_event();
    live(&app, &session).await;
    let events: Vec<Value> =
        app.events_after(before, None).into_iter().map(|(_, one)| one).collect();
    let named = events.iter().position(|event| event["type"] == "customer.created").unwrap();
    let truth = picture_after(&app, &organization, &events, &[named], true).await;
    History { app, organization, events, truth }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_121),
        max_shrink_iters: 20,
        ..Config::default()
    })
}

/// Shows that any permutation of a history, with any repetitions, gives the mirror that a look
/// at Stripe gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_with_repeats_gives_stripes_mirror() {
    let History { app, organization, events, truth } = history().await;
    let here = tokio::runtime::Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        runner(12).run(&deliveries(events.len()), |order| {
            let picture = here.block_on(picture_after(&app, &organization, &events, &order, false));
            prop_assert_eq!(&picture, &truth);
            Ok(())
        })
    });
    app.finish().await;
    outcome.unwrap();
}

/// Shows that when some of the events never arrive, one sweep gives the same mirror.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_is_healed_by_one_sweep() {
    let History { app, organization, events, truth } = history().await;
    let here = tokio::runtime::Handle::current();
    let some = deliveries(events.len()).prop_flat_map(|order| {
        let count = order.len();
        (Just(order), 0..count).prop_map(|(mut order, kept)| {
            order.truncate(kept);
            order
        })
    });
    let outcome = tokio::task::block_in_place(|| {
        runner(12).run(&some, |order| {
            let picture = here.block_on(picture_after(&app, &organization, &events, &order, true));
            prop_assert_eq!(&picture, &truth);
            Ok(())
        })
    });
    app.finish().await;
    outcome.unwrap();
}
