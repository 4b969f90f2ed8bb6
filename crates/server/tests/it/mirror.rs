//! What the mirror holds, beside what Stripe holds.

use domain::ids::OrganizationId;
use domain::mirror::{
    Charge, Customer, Dispute, FraudWarning, Invoice, Mirrored, Refund, Subscription,
};
use serde_json::Value;
use simulator::Kind;
use store::{MirrorObject, Store};
use testkit::TestApp;

/// Asserts that every subscription, invoice, charge and refund that Stripe has is in the mirror
/// as Stripe has it, read field by field from Stripe's JSON, and that the sweep agrees.
pub(crate) async fn assert_equals_stripe(app: &TestApp) {
    let store = app.store();
    for at_stripe in app.engine().list(Kind::Subscription, None, 1_000) {
        let held = held::<Subscription>(store, &at_stripe).await;
        let item = &at_stripe["items"]["data"][0];
        assert_eq!(held.status.as_str(), text(&at_stripe["status"]), "{at_stripe:#}");
        assert_eq!(held.price.as_deref(), item["price"]["id"].as_str());
        assert_eq!(held.quantity, item["quantity"].as_i64().unwrap_or(1));
        assert_eq!(Some(held.cancel_at_period_end), at_stripe["cancel_at_period_end"].as_bool());
        assert_eq!(seconds(held.ended_at), at_stripe["ended_at"].as_i64());
        assert_eq!(seconds(held.period_end), item["current_period_end"].as_i64());
        assert_eq!(seconds(held.trial_end), at_stripe["trial_end"].as_i64());
        assert_eq!(held.latest_invoice.as_deref(), at_stripe["latest_invoice"].as_str());
    }
    for at_stripe in app.engine().list(Kind::Invoice, None, 1_000) {
        let held = held::<Invoice>(store, &at_stripe).await;
        assert_eq!(held.status.as_str(), text(&at_stripe["status"]), "{at_stripe:#}");
        assert_eq!(Some(held.total.minor), at_stripe["total"].as_i64());
        assert_eq!(Some(held.amount_due), at_stripe["amount_due"].as_i64());
        assert_eq!(Some(held.amount_paid), at_stripe["amount_paid"].as_i64());
        assert_eq!(Some(held.attempt_count), at_stripe["attempt_count"].as_i64());
        assert_eq!(seconds(held.next_payment_attempt), at_stripe["next_payment_attempt"].as_i64());
    }
    for at_stripe in app.engine().list(Kind::Charge, None, 1_000) {
        let held = held::<Charge>(store, &at_stripe).await;
        assert_eq!(held.status, text(&at_stripe["status"]), "{at_stripe:#}");
        assert_eq!(Some(held.amount_refunded), at_stripe["amount_refunded"].as_i64());
        assert_eq!(Some(held.disputed), at_stripe["disputed"].as_bool());
    }
    for at_stripe in app.engine().list(Kind::Refund, None, 1_000) {
        let held = held::<Refund>(store, &at_stripe).await;
        assert_eq!(held.status, text(&at_stripe["status"]));
        assert_eq!(Some(held.amount.minor), at_stripe["amount"].as_i64());
    }
    let report = app.app().apply.sweep().await.unwrap();
    assert!(report.healed.is_empty(), "the sweep found a difference: {report:?}");
}

async fn held<T: MirrorObject>(store: &Store, at_stripe: &Value) -> T {
    let row = store.mirrored::<T>(text(&at_stripe["id"])).await.unwrap();
    row.unwrap_or_else(|| panic!("not in the mirror: {at_stripe:#}")).object
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn seconds(moment: Option<domain::time::Timestamp>) -> Option<i64> {
    moment.map(domain::time::Timestamp::as_seconds)
}

/// Everything the mirror says about an organisation, apart from when it was learnt and how often
/// it was written, one line for each object; and what the organisation may do.
pub(crate) async fn picture(store: &Store, organization: &str) -> Vec<String> {
    let id = OrganizationId::parse(organization).unwrap();
    let mut lines = Vec::new();
    add::<Customer>(store, &id, &mut lines).await;
    add::<Subscription>(store, &id, &mut lines).await;
    add::<Invoice>(store, &id, &mut lines).await;
    add::<Charge>(store, &id, &mut lines).await;
    add::<Refund>(store, &id, &mut lines).await;
    add::<Dispute>(store, &id, &mut lines).await;
    add::<FraudWarning>(store, &id, &mut lines).await;
    let row = store.organization(&id).await.unwrap().unwrap();
    lines.push(format!("customer {:?}", row.stripe_customer_id));
    if let Some(row) = store.entitlement(&id).await.unwrap() {
        lines.push(format!("{:?}", row.entitlement));
    }
    lines
}

async fn add<T: MirrorObject + std::fmt::Debug>(
    store: &Store,
    organization: &OrganizationId,
    lines: &mut Vec<String>,
) {
    let rows: Vec<Mirrored<T>> = store.mirrored_of(organization).await.unwrap();
    lines.extend(rows.into_iter().map(|row| format!("{:?}", row.object)));
}
