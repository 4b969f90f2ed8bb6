//! Two live subscriptions at Stripe: access follows the better one, and an operator can end and
//! refund the other with one action.

use crate::billing_at_stripe::{price, refunds, text};
use futures_util::future::join_all;
use stripe::form::Params;
use testkit::{Session, TestApp, Value, cards, json, scenario};

/// Makes a subscription in Stripe's dashboard for a customer who has one already.
async fn made_by_hand(app: &TestApp, bought: &Value, plan: &str) -> String {
    let customer = text(&bought["stripe_customer_id"]);
    let methods = app.engine().customer_payment_methods(&customer);
    let params = Params::new()
        .set("customer", customer)
        .set("items[0][price]", price(app, plan, "monthly"))
        .set("default_payment_method", text(&methods[0]["id"]));
    let made = app.stripe().subscriptions().create(&params, &app.key()).await;
    let made = made.expect("a second subscription").object.id;
    app.settle().await;
    made
}

async fn end_surplus(operator: &Session, organization: &str, body: &Value) -> testkit::Response {
    let path = format!("/api/v1/admin/organizations/{organization}/cancel-surplus");
    operator.post(&path, body.clone()).await
}

scenario! {
    /// Shows that of two live subscriptions the better one decides, and that ending the old one
    /// at Stripe takes nothing away.
    scenario_19_the_end_of_the_old_one_takes_nothing, async |app| {
        let session = app.sign_up("acme").await;
        let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let old = text(&bought["stripe_subscription_id"]);
        let better = made_by_hand(app, &bought, "enterprise").await;
        let both = session.subscription().await;
        assert_eq!(both["stripe_subscription_id"], json!(better));
        assert_eq!(both["plan"]["id"], "enterprise");
        assert_eq!(both["surplus_subscriptions"], json!([old]));
        app.stripe().subscriptions().cancel(&old, &Params::new()).await.expect("it can end");
        app.settle().await;
        let after = session.subscription().await;
        assert_eq!((&after["plan"]["id"], &after["status"]), (&json!("enterprise"), &json!("ACTIVE")));
        assert_eq!(after["surplus_subscriptions"], json!([]));
        assert_eq!(session.entitlements().await["plan"]["id"], "enterprise");
    }
}

scenario! {
    /// Shows that an operator ends and refunds the surplus subscription once, however many press
    /// the button; that it is audited; and that nothing else can be ended this way.
    scenario_19_an_operator_ends_and_refunds_the_surplus_one, async |app| {
        let session = app.sign_up("acme").await;
        let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let old = text(&bought["stripe_subscription_id"]);
        let better = made_by_hand(app, &bought, "enterprise").await;
        let organization = session.organization.as_str();
        let wanted = json!({"subscription_id": old, "refund": true});
        let refused = end_surplus(&session, organization, &wanted).await;
        assert!([403, 404].contains(&refused.status), "{}", refused.text);
        let operator = app.operator().await;
        let counted = json!({"subscription_id": better, "refund": true});
        drop(end_surplus(&operator, organization, &counted).await.expect_problem(409, "conflict"));
        let other = app.sign_up("other").await;
        let foreign = end_surplus(&operator, &other.organization, &wanted).await;
        drop(foreign.expect_problem(404, "not_found"));
        let presses = (0..4).map(|_| end_surplus(&operator, organization, &wanted));
        for answer in join_all(presses).await {
            drop(answer.expect(200));
        }
        app.settle().await;
        let given_back = refunds(app);
        assert_eq!(given_back.len(), 1, "{given_back:?}");
        assert_eq!(given_back[0]["amount"], 9_900);
        let after = session.subscription().await;
        assert_eq!(after["stripe_subscription_id"], json!(better));
        assert_eq!(after["status"], "ACTIVE");
        assert_eq!(after["surplus_subscriptions"], json!([]));
        let log = app.store().audit_log(100).await.expect("the database is there");
        let lines = |action: &str| log.iter().filter(|line| line.action == action).count();
        assert_eq!((lines("subscription.cancel_surplus"), lines("refund.create")), (1, 1));
        assert!(log.iter().any(|line| line.actor == operator.user));
    }
}
