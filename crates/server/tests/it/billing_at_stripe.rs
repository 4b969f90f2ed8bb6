//! What Stripe has of an organisation, seen from outside the server, and what a person can do
//! there by hand.

use serde_json::Value;
use simulator::Kind;
use stripe::client::path;
use stripe::form::Params;
use testkit::{Session, TestApp};

/// Stripe's objects of one kind that belong to the organisation's customer.
pub(crate) fn objects(app: &TestApp, kind: Kind, customer: &str) -> Vec<Value> {
    app.engine().list(kind, Some(("customer", customer)), 1_000)
}

/// The customers at Stripe that stand for an organisation.
pub(crate) fn customers(app: &TestApp, session: &Session) -> Vec<String> {
    app.engine()
        .list(Kind::Customer, None, 1_000)
        .iter()
        .filter(|one| one["metadata"]["organization_id"] == session.organization.as_str())
        .map(|one| text(&one["id"]))
        .collect()
}

/// The checkout sessions at Stripe that can still be paid.
pub(crate) fn open_sessions(app: &TestApp, customer: &str) -> Vec<String> {
    objects(app, Kind::CheckoutSession, customer)
        .iter()
        .filter(|one| one["status"] == "open")
        .map(|one| text(&one["id"]))
        .collect()
}

/// The successful charges of a customer, newest first: amounts in minor units.
pub(crate) fn charged(app: &TestApp, customer: &str) -> Vec<i64> {
    objects(app, Kind::Charge, customer)
        .iter()
        .filter(|one| one["status"] == "succeeded")
        .filter_map(|one| one["amount"].as_i64())
        .collect()
}

/// The refunds of an account.
pub(crate) fn refunds(app: &TestApp) -> Vec<Value> {
    app.engine().list(Kind::Refund, None, 1_000)
}

/// Puts one of Stripe's test cards onto a subscription, as the portal does.
pub(crate) async fn change_card(app: &TestApp, subscription: &Value, card: &str) {
    let customer = text(&subscription["stripe_customer_id"]);
    let id = text(&subscription["stripe_subscription_id"]);
    let attach = path(&["payment_methods", card, "attach"]);
    let attached: Value = app
        .stripe()
        .post(&attach, &Params::new().set("customer", customer), &app.key())
        .await
        .expect("the card can be attached")
        .object;
    let update = Params::new().set("default_payment_method", text(&attached["id"]));
    let updated = app.stripe().subscriptions().update(&id, &update, &app.key()).await;
    updated.expect("the subscription takes the card");
    app.settle().await;
}

/// A JSON text as a plain one.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The Stripe price of a plan, as the server's catalogue has it.
pub(crate) fn price(app: &TestApp, plan: &str, interval: &str) -> String {
    let interval = domain::catalogue::Interval::from_name(interval).expect("an interval");
    let plan = app.app().catalogue.plan(&plan.into()).expect("a plan");
    plan.price(interval).and_then(|one| one.stripe_price.clone()).expect("it is sold")
}
