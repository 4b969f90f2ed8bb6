//! What a customer does in Stripe's portal arrives in the mirror.

use crate::mirror;
use domain::catalogue::Interval;
use testkit::{Span, cards, json, scenario};

scenario! {
    /// Shows that a switch of plan, a cancellation at the period's end, its withdrawal and a new
    /// card, all made in the portal, are told by the API as Stripe has them.
    scenario_17_portal_changes, async |app| {
        let session = app.sign_up("acme").await;
        let view = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let subscription = view["stripe_subscription_id"].as_str().unwrap().to_owned();
        assert_eq!(view["payment_method"]["last4"], "4242");
        let opened = session.post("/api/v1/billing/portal", json!({})).await.expect(201);
        let url = opened["url"].as_str().unwrap();
        assert!(url.starts_with(app.simulator().base_url()), "{url}");
        let token = url.rsplit('/').next().unwrap().split('?').next().unwrap();
        let portal = app.engine();

        app.advance(Span::days(3)).await;
        let price = app.price("enterprise", Interval::Monthly);
        portal.portal_switch(token, &subscription, &price, None).unwrap();
        app.settle().await;
        let view = session.subscription().await;
        assert_eq!(view["plan"]["id"], "enterprise");
        assert_eq!(view["price"]["amount"], json!({"amount": 49900, "currency": "usd"}));
        assert_eq!(session.entitlements().await["plan"]["id"], "enterprise");

        app.advance(Span::days(1)).await;
        portal.portal_cancel(token, &subscription, Some("too_expensive")).unwrap();
        app.settle().await;
        let view = session.subscription().await;
        assert_eq!((&view["cancel_at_period_end"], &view["status"]), (&json!(true), &json!("ACTIVE")));

        app.advance(Span::days(1)).await;
        portal.portal_resume(token, &subscription).unwrap();
        app.settle().await;
        let view = session.subscription().await;
        assert_eq!(view["cancel_at_period_end"], json!(false));

        app.advance(Span::days(1)).await;
        portal.portal_update_card(token, cards::card(cards::OTHER)).unwrap();
        app.settle().await;
        let view = session.subscription().await;
        assert_eq!(view["payment_method"]["last4"], "4444", "{view:#}");
        mirror::assert_equals_stripe(app).await;

        app.advance(Span::days(1)).await;
        portal.portal_cancel(token, &subscription, None).unwrap();
        app.advance(Span::days(40)).await;
        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["is_active"]), (&json!("CANCELLED"), &json!(false)));
        assert_eq!(session.entitlements().await["plan"]["id"], "free");
        mirror::assert_equals_stripe(app).await;
    }
}
