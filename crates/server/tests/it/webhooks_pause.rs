//! The pause switch.

use crate::mirror;
use testkit::{Span, cards, json, scenario};

scenario! {
    /// Shows that while paused every webhook is answered 503 with Retry-After and none is
    /// stored, that everybody sees who paused and why, and that nothing is lost after resuming.
    scenario_15_paused_and_resumed, async |app| {
        let session = app.sign_up("acme").await;
        let operator = app.operator().await;
        app.settle().await;
        let paused =
            operator.post("/api/v1/admin/webhooks/pause", json!({"reason": "maintenance"})).await;
        let paused = paused.expect(200);
        assert_eq!(paused["paused"], true);
        assert_eq!(paused["paused_by"].as_str(), Some(operator.user.as_str()));

        let stored = app.store().delivery_counts().await.unwrap();
        let before = app.newest_event();
        app.buy(&session, "team", "monthly", cards::GOOD).await;
        assert_eq!(app.store().delivery_counts().await.unwrap(), stored);
        let event = app.events_after(0, None).pop().unwrap().1;
        let refused = app.post_event(&event).await;
        assert_eq!(refused.status, 503);
        let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(wait > 0);

        let resumed = operator.post("/api/v1/admin/webhooks/resume", json!({})).await.expect(200);
        assert_eq!((&resumed["paused"], &resumed["paused_by"]), (&json!(false), &json!(null)));
        // Stripe repeats what was refused within days.
        for _ in 0..8 {
            app.advance(Span::hours(12)).await;
        }
        for (_, event) in app.events_after(before, None) {
            let row = app.store().delivery(event["id"].as_str().unwrap()).await.unwrap();
            assert!(row.is_some(), "lost: {event:#}");
        }
        assert_eq!(session.subscription().await["status"], "ACTIVE");
        mirror::assert_equals_stripe(app).await;
    }
}
