//! Thresholds are told once, in order, with one number everywhere.

use crate::usage_limits::{consume, record};
use testkit::{Session, Span, TestApp, Value, cards, json, scenario, scenario_on_two_nodes};

/// The alerts of the API, oldest first: threshold, severity, used, limit.
async fn alerts(session: &Session) -> Vec<(i64, String, i64, i64)> {
    let told = session.get("/api/v1/usage/alerts").await.expect(200);
    let rows = told["data"].as_array().unwrap().iter().rev();
    rows.map(|one| {
        let number = |field: &str| one[field].as_i64().unwrap();
        let severity = one["severity"].as_str().unwrap().to_owned();
        assert!(one["action_url"].as_str().unwrap().ends_with("/pricing"));
        (number("threshold"), severity, number("used"), number("limit"))
    })
    .collect()
}

/// What the outbox holds for the e-mails, oldest first: threshold, used, limit.
async fn messages(app: &TestApp) -> Vec<(i64, i64, i64)> {
    let rows = app.messages("usage.threshold_reached").await;
    let rows = rows.iter().rev().map(|row| {
        let body: Value = serde_json::from_str(&row.body).unwrap();
        let number = |field: &str| body[field].as_i64().unwrap();
        (number("threshold"), number("used"), number("limit"))
    });
    rows.collect()
}

fn of(rows: &[(i64, String, i64, i64)]) -> Vec<(i64, i64, i64)> {
    rows.iter().map(|(threshold, _, used, limit)| (*threshold, *used, *limit)).collect()
}

scenario! {
    /// Shows that usage of 40 %, 65 %, 120 % and three more calls tells 50, 80, 90 and 100 once
    /// each and in order, that alerts, messages and summary show the same numbers, and that they
    /// can be dismissed.
    scenario_30_thresholds_are_told_once_and_in_order, async |app| {
        let session = app.sign_up("acme").await;
        record(&session, 40).await;
        assert!(alerts(&session).await.is_empty());
        record(&session, 25).await;
        assert_eq!(of(&alerts(&session).await), [(50, 65, 100)]);
        app.advance(Span::seconds(1)).await;
        record(&session, 55).await;
        for _ in 0..3 {
            record(&session, 1).await;
            consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        }
        let told = alerts(&session).await;
        let severities: Vec<_> = told.iter().map(|one| one.1.as_str()).collect();
        assert_eq!(severities, ["info", "warning", "critical", "exceeded"]);
        assert_eq!(of(&told), [(50, 65, 100), (80, 120, 100), (90, 120, 100), (100, 120, 100)]);
        assert_eq!(messages(app).await, of(&told));
        let summary = session.get("/api/v1/usage").await.expect(200);
        let runs = &summary["features"][0];
        assert_eq!((&runs["used"], &runs["severity"]), (&json!(123), &json!("exceeded")));

        let path = "/api/v1/usage/alerts/test_runs/90/dismiss";
        let theirs = app.sign_up("other").await;
        theirs.post(path, json!({})).await.expect_problem(404, "not_found");
        session.post(path, json!({})).await.expect(204);
        session.post(path, json!({})).await.expect(204);
        let unknown = session.post("/api/v1/usage/alerts/test_runs/70/dismiss", json!({})).await;
        unknown.expect_problem(404, "not_found");
        let listed = session.get("/api/v1/usage/alerts").await.expect(200);
        let dismissed = listed["data"].as_array().unwrap().iter();
        let dismissed: Vec<_> = dismissed.map(|one| !one["dismissed_at"].is_null()).collect();
        assert_eq!(dismissed, [false, true, false, false]);
    }
}

scenario! {
    /// Shows that the next month tells again, and an upgrade within the month does not repeat what
    /// was told.
    thresholds_are_told_again_in_the_next_period, async |app| {
        let session = app.sign_up("acme").await;
        record(&session, 85).await;
        app.advance(Span::days(30)).await;
        record(&session, 10).await;
        assert_eq!(of(&alerts(&session).await), [(50, 85, 100), (80, 85, 100)]);
        record(&session, 45).await;
        assert_eq!(of(&alerts(&session).await)[2..], [(50, 55, 100)]);

        let paying = app.sign_up("paying").await;
        app.buy(&paying, "team", "monthly", cards::GOOD).await;
        record(&paying, 850).await;
        let change = json!({"plan": "enterprise", "interval": "monthly", "when": "now"});
        paying.post("/api/v1/billing/plan-change", change).await.expect(200);
        app.settle().await;
        record(&paying, 5_000).await;
        assert_eq!(of(&alerts(&paying).await), [(50, 850, 1_000), (80, 850, 1_000)]);
    }
}

scenario_on_two_nodes! {
    /// Shows that two nodes that count at once tell each threshold once.
    scenario_30_two_nodes_tell_once, async |app| {
        let session = app.sign_up("acme").await;
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let session = session.at(&app.nodes[n % 2]);
                tokio::spawn(async move { consume(&session, 1).await.expect(200) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let told = alerts(&session).await;
        let thresholds: Vec<_> = told.iter().map(|one| one.0).collect();
        assert_eq!(thresholds, [50, 80, 90, 100]);
        assert_eq!(messages(app).await, of(&told));
    }
}
