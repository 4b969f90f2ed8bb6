//! What each state of a subscription grants.

use crate::mirror;
use domain::catalogue::Interval;
use serde_json::Value;
use simulator::AfterRetries;
use testkit::{Session, Span, TestApp, json, scenario};

/// Subscribes an organisation at Stripe, as a person at its dashboard would.
async fn subscribe(
    app: &TestApp,
    session: &Session,
    card: Option<&str>,
    more: &[(&str, &str)],
) -> Value {
    let customer = app.stripe_customer(&session.organization, card).await;
    let price = app.price("team", Interval::Monthly);
    let mut params = vec![("customer", customer.as_str()), ("items[0][price]", price.as_str())];
    params.extend(more);
    let made = app.stripe_post("/v1/subscriptions", &params).await;
    app.settle().await;
    made
}

/// Asserts status and access, as both the billing page and the entitlements tell them.
async fn assert_access(session: &Session, status: &str, plan: &str) {
    let view = session.subscription().await;
    assert_eq!(view["status"], status, "{view:#}");
    let granted = session.entitlements().await;
    assert_eq!(granted["status"], status);
    assert_eq!(granted["plan"]["id"], plan, "{granted:#}");
    assert_eq!(granted["is_active"], plan != "free", "{granted:#}");
    assert_eq!(view["is_active"], plan != "free");
    assert!(!granted["because"]["detail"].as_str().unwrap().is_empty());
}

scenario! {
    /// Shows that a subscription whose first payment has not succeeded grants nothing, neither
    /// while it waits nor when Stripe has given up.
    scenario_16_incomplete_grants_nothing, async |app| {
        let session = app.sign_up("acme").await;
        let more = [("payment_behavior", "default_incomplete")];
        let made = subscribe(app, &session, None, &more).await;
        assert_eq!(made["status"], "incomplete");
        assert_access(&session, "INCOMPLETE", "free").await;
        app.advance(Span::hours(24)).await;
        let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
        assert_eq!(app.stripe_get(&path).await["status"], "incomplete_expired");
        assert_access(&session, "CANCELLED", "free").await;
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that a trial grants its plan, and that one that ends without a card, and is paused,
    /// does not.
    scenario_16_trial_then_paused, async |app| {
        let session = app.sign_up("acme").await;
        let more = [
            ("trial_period_days", "14"),
            ("trial_settings[end_behavior][missing_payment_method]", "pause"),
        ];
        subscribe(app, &session, None, &more).await;
        assert_access(&session, "TRIALING", "team").await;
        app.advance(Span::days(13)).await;
        assert_access(&session, "TRIALING", "team").await;
        app.advance(Span::days(2)).await;
        assert_access(&session, "PAUSED", "free").await;
        mirror::assert_equals_stripe(app).await;
    }
}

/// Subscribes with a good card, then puts one in its place that fails at each renewal.
async fn subscribe_with_failing_renewals(app: &TestApp, session: &Session) -> (String, String) {
    let made = subscribe(app, session, Some("pm_card_visa"), &[]).await;
    let customer = made["customer"].as_str().unwrap().to_owned();
    use_card(app, &customer, "pm_card_chargeCustomerFail").await;
    app.settle().await;
    assert_access(session, "ACTIVE", "team").await;
    (made["id"].as_str().unwrap().to_owned(), customer)
}

async fn use_card(app: &TestApp, customer: &str, card: &str) {
    let path = format!("/v1/payment_methods/{card}/attach");
    let attached = app.stripe_post(&path, &[("customer", customer)]).await;
    let path = format!("/v1/customers/{customer}");
    let default = ("invoice_settings[default_payment_method]", attached["id"].as_str().unwrap());
    app.stripe_post(&path, &[default]).await;
}

scenario! {
    /// Shows that a failed renewal takes access at once by the default policy, that retries that
    /// are used up leave it unpaid without access, and that each failure is told once.
    scenario_16_past_due_then_unpaid,
    with |builder| builder.stripe_policy(|policy| policy.after_retries = AfterRetries::MarkUnpaid),
    async |app| {
        let session = app.sign_up("acme").await;
        subscribe_with_failing_renewals(app, &session).await;
        app.advance(Span::days(30)).await;
        app.advance(Span::hours(3)).await;
        assert_access(&session, "PAST_DUE", "free").await;
        let view = session.subscription().await;
        assert_eq!(view["payment_problem"]["amount"], json!({"amount": 9900, "currency": "usd"}));
        assert_eq!(view["subscribed_plan"]["id"], "team", "what is owed for has a name");
        assert_eq!(app.messages("email.payment_failed").await.len(), 1);
        app.advance(Span::days(20)).await;
        assert_access(&session, "UNPAID", "free").await;
        assert!(app.messages("email.payment_failed").await.len() > 1);
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that the policy's days of grace keep the plan after a failed renewal, and not a
    /// moment longer, without any event at their end.
    scenario_16_days_of_grace,
    with |builder| builder.grace_days(5)
        .stripe_policy(|policy| policy.after_retries = AfterRetries::LeavePastDue),
    async |app| {
        let session = app.sign_up("acme").await;
        subscribe_with_failing_renewals(app, &session).await;
        app.advance(Span::days(30)).await;
        app.advance(Span::hours(3)).await;
        assert_access(&session, "PAST_DUE", "team").await;
        assert_eq!(session.entitlements().await["because"]["fact"], "grace_period");
        app.hold_webhooks().await;
        app.advance(Span::days(4)).await;
        assert_access(&session, "PAST_DUE", "team").await;
        app.advance(Span::days(1)).await;
        assert_access(&session, "PAST_DUE", "free").await;
        app.release_webhooks();
    }
}

scenario! {
    /// Shows status, access and messages through a renewal, a failed one, its retry and recovery
    /// with a new card, and a failed one that ends the subscription.
    scenario_23_renewals_and_failures, async |app| {
        let session = app.sign_up("acme").await;
        let (_, customer) = subscribe_with_failing_renewals(app, &session).await;
        use_card(app, &customer, "pm_card_visa").await;
        app.settle().await;
        let first_end = session.subscription().await["current_period_end"].clone();
        app.advance(Span::days(30)).await;
        app.advance(Span::hours(3)).await;
        let view = session.subscription().await;
        assert_ne!(view["current_period_end"], first_end, "the period has rolled");
        assert_access(&session, "ACTIVE", "team").await;
        let paid = app.messages("email.payment_succeeded").await.len();
        assert_eq!(paid, 2);

        use_card(app, &customer, "pm_card_chargeCustomerFail").await;
        app.advance(Span::days(31)).await;
        app.advance(Span::hours(3)).await;
        assert_access(&session, "PAST_DUE", "free").await;
        use_card(app, &customer, "pm_card_visa").await;
        app.advance(Span::days(4)).await;
        assert_access(&session, "ACTIVE", "team").await;
        assert_eq!(session.subscription().await["payment_problem"], Value::Null);
        assert_eq!(app.messages("email.payment_succeeded").await.len(), 3);

        use_card(app, &customer, "pm_card_chargeCustomerFail").await;
        // In short steps: what ended long before it is heard of is no news, and not told.
        for _ in 0..25 {
            app.advance(Span::days(2)).await;
        }
        assert_access(&session, "CANCELLED", "free").await;
        assert_eq!(app.messages("email.subscription_cancelled").await.len(), 1);
        mirror::assert_equals_stripe(app).await;
    }
}

scenario! {
    /// Shows that a customer on a test clock, whose time runs ahead of everybody's, has the
    /// states that its own time brings.
    scenario_23_on_a_test_clock, async |app| {
        let session = app.sign_up("acme").await;
        let now = app.now().as_seconds().to_string();
        let clock = app.stripe_post("/v1/test_helpers/test_clocks", &[("frozen_time", &now)]).await;
        let clock = clock["id"].as_str().unwrap();
        let customer = app
            .stripe_post("/v1/customers", &[
                ("test_clock", clock),
                ("metadata[organization_id]", &session.organization),
                ("payment_method", "pm_card_visa"),
                ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ])
            .await;
        let customer = customer["id"].as_str().unwrap();
        let made = app
            .stripe_post("/v1/subscriptions", &[
                ("customer", customer),
                ("items[0][price]", &app.price("team", Interval::Monthly)),
            ])
            .await;
        use_card(app, customer, "pm_card_chargeCustomerFail").await;
        app.settle().await;
        assert_eq!(session.subscription().await["status"], "ACTIVE");
        let mut time = app.now().as_seconds();
        let mut seen = Vec::new();
        for _ in 0..4 {
            time += 16 * 86_400;
            let path = format!("/v1/test_helpers/test_clocks/{clock}/advance");
            app.stripe_post(&path, &[("frozen_time", &time.to_string())]).await;
            app.settle().await;
            let status = session.subscription().await["status"].clone();
            if seen.last() != Some(&status) {
                seen.push(status);
            }
        }
        assert_eq!(seen, [json!("ACTIVE"), json!("PAST_DUE"), json!("CANCELLED")]);
        let path = format!("/v1/subscriptions/{}", made["id"].as_str().unwrap());
        assert_eq!(app.stripe_get(&path).await["status"], "canceled");
        mirror::assert_equals_stripe(app).await;
    }
}
