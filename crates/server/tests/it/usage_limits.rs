//! Limits hold, whoever calls at once, on whichever node, in whichever period and plan; and
//! nobody gets a plan without a Stripe fact or an operator.

use domain::catalogue::Interval;
use std::collections::BTreeMap;
use testkit::{
    Response, Session, Span, TestApp, Value, cards, json, scenario, scenario_on_two_nodes,
};

pub(crate) async fn consume(session: &Session, quantity: i64) -> Response {
    let body = json!({"feature": "test_runs", "quantity": quantity});
    session.post("/api/v1/usage/consume", body).await
}

pub(crate) async fn record(session: &Session, quantity: i64) -> Value {
    let body = json!({"feature": "test_runs", "quantity": quantity});
    session.post("/api/v1/usage/record", body).await.expect(200)
}

/// A feature as the entitlements tell it.
pub(crate) async fn feature(session: &Session, id: &str) -> Value {
    let told = session.entitlements().await;
    let features = told["features"].as_array().unwrap();
    features.iter().find(|one| one["id"] == id).unwrap().clone()
}

async fn used(session: &Session) -> i64 {
    feature(session, "test_runs").await["used"].as_i64().unwrap()
}

/// The same call by so many callers at once, spread over the nodes.
async fn at_once(app: &TestApp, session: &Session, callers: usize, body: &Value) -> Vec<Response> {
    let tasks: Vec<_> = (0..callers)
        .map(|n| {
            let (session, body) = (session.at(&app.nodes[n % app.nodes.len()]), body.clone());
            tokio::spawn(async move { session.post("/api/v1/usage/consume", body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn exactly_one_is_allowed(app: &TestApp) {
    let session = app.sign_up("acme").await;
    record(&session, 99).await;
    let answers = at_once(app, &session, 100, &json!({"feature": "test_runs"})).await;
    let (allowed, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0].json["allowed"], true);
    assert_eq!(allowed[0].json["remaining"], 0);
    for answer in refused {
        let problem = answer.expect_problem(403, "limit_exceeded");
        assert_eq!(problem["allowed"], false);
        assert_eq!((&problem["used"], &problem["limit"]), (&json!(100), &json!(100)));
        assert_eq!(problem["remaining"], 0);
        assert_eq!(problem["resets_at"], "2026-10-01T10:00:00Z");
        assert!(problem["upgrade_url"].as_str().unwrap().ends_with("/pricing"));
    }
    assert_eq!(used(&session).await, 100);
}

scenario! {
    /// Shows that of 100 callers at once for the last unit exactly one gets it, and that each
    /// refusal says which limit, how much is left and when it resets.
    scenario_26_the_last_unit_goes_to_one, async |app| exactly_one_is_allowed(app).await
}

scenario_on_two_nodes! {
    /// Shows the same with the callers on two nodes.
    scenario_26_the_last_unit_goes_to_one_node, async |app| exactly_one_is_allowed(app).await
}

async fn a_key_counts_once(app: &TestApp) {
    let session = app.sign_up("acme").await;
    let body = json!({"feature": "test_runs", "quantity": 7, "idempotency_key": "run-1"});
    let answers = at_once(app, &session, 50, &body).await;
    let first = answers[0].clone().expect(200);
    assert_eq!((&first["used"], &first["remaining"]), (&json!(7), &json!(93)));
    assert!(answers.iter().all(|answer| answer.json == first), "all get the same answer");
    record(&session, 1).await;
    let late = session.post("/api/v1/usage/consume", body).await.expect(200);
    assert_eq!(late, first);
    assert_eq!(used(&session).await, 8);
}

scenario! {
    /// Shows that 50 calls at once with one key count once and get one answer, and so does a late
    /// repetition.
    scenario_29_one_key_counts_once, async |app| a_key_counts_once(app).await
}

scenario_on_two_nodes! {
    /// Shows the same with the callers on two nodes.
    scenario_29_one_key_counts_once_on_two_nodes, async |app| a_key_counts_once(app).await
}

scenario! {
    /// Shows that the first call of a new month finds a fresh counter, that each month keeps the
    /// day of the organisation's creation, and that the old month's use is gone from the answer.
    scenario_27_a_new_period_starts_fresh, async |app| {
        let session = app.sign_up("acme").await;
        consume(&session, 100).await.expect(200);
        consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::days(30)).await;
        let first = consume(&session, 1).await.expect(200);
        assert_eq!((&first["used"], &first["remaining"]), (&json!(1), &json!(99)));
        assert_eq!(first["resets_at"], "2026-11-01T10:00:00Z");
        assert_eq!(used(&session).await, 1);
        // Nobody asked in between: the month is found all the same.
        app.advance(Span::days(100)).await;
        let body = json!({"feature": "test_runs"});
        let asked = session.post("/api/v1/usage/check", body).await.expect(200);
        assert_eq!((&asked["used"], &asked["allowed"]), (&json!(0), &json!(true)));
        assert_eq!(asked["resets_at"], "2027-02-01T10:00:00Z");
    }
}

scenario! {
    /// Shows that while a month ends under load each month admits its limit and no more.
    scenario_27_a_period_ends_under_load, async |app| {
        let session = app.sign_up("acme").await;
        app.advance(Span::days(30)).await;
        // One second before the next month, which begins on 31 October, 10:00 + 24 h.
        let end = "2026-11-01T10:00:00Z";
        let end = domain::time::Timestamp::parse_rfc3339(end).unwrap();
        app.advance(Span::seconds(u32::try_from(end.as_seconds() - app.now().as_seconds() - 1).unwrap())).await;
        let body = json!({"feature": "test_runs", "quantity": 2});
        let (before, across) = tokio::join!(at_once(app, &session, 120, &body), async {
            app.advance(Span::seconds(2)).await;
            at_once(app, &session, 120, &body).await
        });
        let mut counts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for answer in before.into_iter().chain(across) {
            if answer.status == 403 {
                assert_eq!(answer.code(), "limit_exceeded");
                continue;
            }
            let body = answer.expect(200);
            let period = body["resets_at"].as_str().unwrap().to_owned();
            counts.entry(period).or_default().push(body["used"].as_i64().unwrap());
        }
        for (period, counts) in &mut counts {
            counts.sort_unstable();
            let steps: Vec<i64> = (1..=i64::try_from(counts.len()).unwrap()).map(|n| n * 2).collect();
            assert_eq!(*counts, steps, "{period}");
            assert!(counts.len() <= 50, "{period}");
        }
        assert_eq!(counts["2026-12-01T10:00:00Z"].len(), 50);
    }
}

scenario! {
    /// Shows that an upgrade raises the limit at once and what was used stays used; that a
    /// downgrade, at once at Stripe, refuses at once; that one at the period's end waits for it;
    /// and that after the end of the subscription the free plan's limits apply.
    scenario_27_plans_change_in_mid_period, async |app| {
        let session = app.sign_up("acme").await;
        consume(&session, 100).await.expect(200);
        consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::days(1)).await;
        let bought = app.buy(&session, "team", "monthly", cards::GOOD).await;
        let first = consume(&session, 900).await.expect(200);
        assert_eq!((&first["limit"], &first["used"]), (&json!(1_000), &json!(900)));
        consume(&session, 101).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::days(3)).await;

        let change = json!({"plan": "enterprise", "interval": "monthly", "when": "now"});
        session.post("/api/v1/billing/plan-change", change).await.expect(200);
        let more = consume(&session, 600).await.expect(200);
        assert_eq!((&more["limit"], &more["used"]), (&json!("unlimited"), &json!(1_500)));
        assert_eq!(more["remaining"], Value::Null);
        assert_eq!(more["resets_at"], first["resets_at"], "the period runs on");
        app.settle().await;

        // Somebody at Stripe's dashboard moves the subscription back.
        let id = bought["stripe_subscription_id"].as_str().unwrap();
        let path = format!("/v1/subscriptions/{id}");
        let item = app.stripe_get(&path).await["items"]["data"][0]["id"].clone();
        let price = app.price("team", Interval::Monthly);
        let params = [("items[0][id]", item.as_str().unwrap()), ("items[0][price]", &price)];
        app.stripe_post(&path, &params).await;
        app.settle().await;
        let refused = consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        assert_eq!((&refused["limit"], &refused["used"]), (&json!(1_000), &json!(1_500)));
        assert_eq!(refused["remaining"], 0);

        session.post("/api/v1/billing/cancel", json!({"when": "now"})).await.expect(200);
        app.settle().await;
        assert_eq!(session.entitlements().await["plan"]["id"], "free");
        let refused = consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        assert_eq!((&refused["limit"], &refused["used"]), (&json!(100), &json!(100)));
    }
}

scenario! {
    /// Shows that a downgrade at the period's end leaves the higher limit until then, and that a
    /// renewed month starts fresh with the lower one; and that a yearly plan resets each month.
    scenario_27_downgrade_waits_and_years_have_months, async |app| {
        let session = app.sign_up("acme").await;
        app.buy(&session, "enterprise", "monthly", cards::GOOD).await;
        record(&session, 5_000).await;
        let change = json!({"plan": "team", "interval": "monthly", "when": "period_end"});
        session.post("/api/v1/billing/plan-change", change).await.expect(200);
        consume(&session, 1).await.expect(200);
        app.advance(Span::days(31)).await;
        let fresh = consume(&session, 1_000).await.expect(200);
        assert_eq!((&fresh["limit"], &fresh["used"]), (&json!(1_000), &json!(1_000)));
        consume(&session, 1).await.expect_problem(403, "limit_exceeded");

        let yearly = app.sign_up("yearly").await;
        app.buy(&yearly, "team", "yearly", cards::GOOD).await;
        let now = app.now();
        consume(&yearly, 1_000).await.expect(200);
        let refused = consume(&yearly, 1).await.expect_problem(403, "limit_exceeded");
        let resets_at = refused["resets_at"].as_str().unwrap();
        let resets_at = domain::time::Timestamp::parse_rfc3339(resets_at).unwrap();
        assert!(resets_at.since(now).as_millis() <= Span::days(31).as_millis());
        app.advance(Span::days(31)).await;
        consume(&yearly, 1_000).await.expect(200);
    }
}

async fn give_limit(app: &TestApp, session: &Session, feature: &str, limit: Value) -> Response {
    let path = format!("/api/v1/admin/organizations/{}/limits/{feature}", session.organization);
    let expires_at = app.now().plus(Span::days(1)).to_string();
    let body = json!({"limit": limit, "reason": "a test", "expires_at": expires_at});
    app.operator().await.post(&path, body).await
}

scenario! {
    /// Shows that `disabled` refuses even a question, `unlimited` never refuses, 0 is 0, and a
    /// switch has no count.
    scenario_28_limits_mean_what_they_say, async |app| {
        let session = app.sign_up("acme").await;
        give_limit(app, &session, "test_runs", json!("disabled")).await.expect(200);
        let refused = consume(&session, 1).await.expect_problem(403, "limit_exceeded");
        assert_eq!((&refused["limit"], &refused["remaining"]), (&json!("disabled"), &json!(0)));
        give_limit(app, &session, "test_runs", json!("unlimited")).await.expect(200);
        for _ in 0..3 {
            let allowed = consume(&session, 1 << 52).await.expect(200);
            assert_eq!((&allowed["limit"], &allowed["remaining"]), (&json!("unlimited"), &Value::Null));
        }
        let other = app.sign_up("other").await;
        give_limit(app, &other, "test_runs", json!(0)).await.expect(200);
        let refused = consume(&other, 1).await.expect_problem(403, "limit_exceeded");
        assert_eq!((&refused["limit"], &refused["used"]), (&json!(0), &json!(0)));

        let switch = json!({"feature": "sso"});
        let refused = other.post("/api/v1/usage/consume", switch.clone()).await;
        refused.expect_problem(403, "limit_exceeded");
        let asked = other.post("/api/v1/usage/check", switch.clone()).await.expect(200);
        assert_eq!(asked["allowed"], false);
        give_limit(app, &other, "sso", json!("unlimited")).await.expect(200);
        other.post("/api/v1/usage/consume", switch.clone()).await.expect(200);
        let counted = other.post("/api/v1/usage/record", switch).await;
        counted.expect_problem(400, "invalid_request");
        give_limit(app, &other, "sso", json!(5)).await.expect_problem(400, "invalid_request");
        give_limit(app, &other, "test_runs", json!(-1)).await.expect_problem(400, "invalid_request");
        give_limit(app, &other, "unheard_of", json!(1)).await.expect_problem(404, "not_found");
    }
}

scenario! {
    /// Shows that another limit ends by itself and by an operator's hand, and is audited with its
    /// reason.
    another_limit_ends_and_is_audited, async |app| {
        let session = app.sign_up("acme").await;
        let given = give_limit(app, &session, "test_runs", json!(2)).await.expect(200);
        assert_eq!(given["features"][0]["limit"], 2);
        consume(&session, 3).await.expect_problem(403, "limit_exceeded");
        app.advance(Span::hours(25)).await;
        consume(&session, 3).await.expect(200);
        give_limit(app, &session, "projects", json!(9)).await.expect(200);
        let operator = app.operator().await;
        let path = format!("/api/v1/admin/organizations/{}/limits/projects", session.organization);
        app.advance(Span::seconds(1)).await;
        operator.delete(&path).await.expect(204);
        operator.delete(&path).await.expect_problem(404, "not_found");
        assert_eq!(feature(&session, "projects").await["limit"], 1);
        let log = app.store().audit_log(50).await.unwrap();
        let lines = log.iter().filter(|line| line.action.starts_with("limit_override."));
        let lines: Vec<_> = lines.map(|line| (line.action.as_str(), line.reason.as_deref())).collect();
        let expected = [
            ("limit_override.remove", None),
            ("limit_override.set", Some("a test")),
            ("limit_override.set", Some("a test")),
        ];
        assert_eq!(lines, expected);
    }
}

scenario! {
    /// Shows what `record` takes: one event, or a thousand with long keys; and that one wrong
    /// event counts none of them.
    record_takes_a_thousand, async |app| {
        let session = app.sign_up("acme").await;
        record(&session, 150).await;
        let event = |n: usize| {
            let key = format!("{n:0>100}");
            json!({"feature": "test_runs", "quantity": 1, "idempotency_key": key})
        };
        let mut events: Vec<Value> = (0..1_000).map(event).collect();
        events[999] = event(0);
        let body = json!({"events": events});
        for _ in 0..2 {
            let told = session.post("/api/v1/usage/record", body.clone()).await.expect(200);
            let told = told["data"].as_array().unwrap();
            assert_eq!((told.len(), &told[0]["used"], &told[998]["used"]), (1_000, &json!(151), &json!(1_149)));
            assert_eq!(told[999]["used"], told[0]["used"]);
        }
        assert_eq!(used(&session).await, 1_149);
        events.push(event(2_000));
        let too_many = session.post("/api/v1/usage/record", json!({"events": events})).await;
        too_many.expect_problem(400, "invalid_request");
        let wrong = [
            json!({"feature": "unheard_of"}),
            json!({"feature": "test_runs", "quantity": 0}),
            json!({"feature": "test_runs", "quantity": -5}),
            json!({"feature": "test_runs", "idempotency_key": ""}),
            json!({"feature": "test_runs", "idempotency_key": "a\u{0}b"}),
            json!({"feature": "test_runs", "idempotency_key": "k".repeat(201)}),
            json!({"feature": "sso"}),
        ];
        for one in wrong {
            let body = json!({"events": [event(3_000), one]});
            let refused = session.post("/api/v1/usage/record", body).await;
            refused.expect_problem(400, "invalid_request");
        }
        assert_eq!(used(&session).await, 1_149);
    }
}

scenario! {
    /// Shows that a level is set, told when it is above its limit, and refuses more; that only
    /// levels can be set; and that the summary says where each feature is heading.
    levels_and_the_summary, async |app| {
        let session = app.sign_up("acme").await;
        let set = async |feature: &str, used: i64| {
            session.send("PUT", &format!("/api/v1/usage/levels/{feature}"), Some(&json!({"used": used}))).await
        };
        let above = set("projects", 3).await.expect(200);
        assert_eq!((&above["used"], &above["limit"], &above["remaining"]), (&json!(3), &json!(1), &json!(0)));
        set("projects", 0).await.expect(200);
        let body = json!({"feature": "projects"});
        session.post("/api/v1/usage/consume", body.clone()).await.expect(200);
        session.post("/api/v1/usage/consume", body).await.expect_problem(403, "limit_exceeded");
        set("test_runs", 1).await.expect_problem(400, "invalid_request");
        set("projects", -1).await.expect_problem(400, "invalid_request");

        app.advance(Span::days(10)).await;
        record(&session, 60).await;
        let summary = session.get("/api/v1/usage").await.expect(200);
        assert_eq!(summary["plan"]["id"], "free");
        assert_eq!(summary["period_start"], "2026-09-01T10:00:00Z");
        assert_eq!(summary["period_end"], "2026-10-01T10:00:00Z");
        let runs = &summary["features"][0];
        assert_eq!((&runs["id"], &runs["used"], &runs["severity"]), (&json!("test_runs"), &json!(60), &json!("info")));
        // 60 in ten days are 100 in sixteen and two thirds.
        assert_eq!(runs["limit_reached_at"], "2026-09-18T02:00:00Z");
        let projects = &summary["features"][1];
        assert_eq!((&projects["severity"], &projects["limit_reached_at"]), (&json!("exceeded"), &Value::Null));
        let history = session.get("/api/v1/usage/history").await.expect(200);
        let days = &history["data"]["test_runs"];
        assert_eq!(*days, json!([{"day": "2026-09-11T00:00:00Z", "used": 60}]));
    }
}

/// What somebody would send who wants a plan for nothing.
fn greedy(document: &Value, schema: &Value, expires_at: &str) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return greedy(document, &document["components"]["schemas"][name], expires_at);
    }
    for many in ["oneOf", "allOf", "anyOf"] {
        if let Some(first) = schema[many].as_array().and_then(|all| all.last()) {
            return greedy(document, first, expires_at);
        }
    }
    let mut body = serde_json::Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "plan" | "tier" => json!("enterprise"),
            "interval" | "billing_cycle" => json!("monthly"),
            "limit" => json!("unlimited"),
            "when" => json!("now"),
            "feature" => json!("test_runs"),
            "expires_at" => json!(expires_at),
            "scopes" => json!(["usage", "entitlements", "billing"]),
            "proration_date" | "expected_amount_due" | "ttl_seconds" => continue,
            "success_url" | "cancel_url" | "return_url" => continue,
            _ if property["type"] == "integer" => json!(1),
            _ if property["$ref"].is_string() => greedy(document, property, expires_at),
            _ => json!("enterprise"),
        };
        body.insert(name.clone(), value);
    }
    Value::Object(body)
}

scenario! {
    /// Shows that of all documented routes none gives a plan or a limit: not to nobody, not to an
    /// organisation's own admin, not to its key or a product's; and that an operator's override
    /// needs a reason and an end, and is audited.
    scenario_24_no_route_gives_a_plan, async |app| {
        let session = app.sign_up("acme").await;
        let keys = &app.app().keys;
        let scopes = || server::identity::keys::SCOPES.map(ToOwned::to_owned).to_vec();
        let organization = domain::ids::OrganizationId::trusted(session.organization.clone());
        let own = store::KeyKind::Organization(organization);
        let own = keys.make(own, "own", scopes(), None, "test").await.unwrap().text;
        let product = keys.make(store::KeyKind::Product, "p", scopes(), None, "test").await.unwrap();
        let callers = [
            app.nobody(),
            session.clone(),
            session.program(&own, ""),
            session.program(&product.text, &session.organization),
        ];
        let document = app.nobody().get("/api/v1/openapi.json").await.expect(200);
        let expires_at = app.now().plus(Span::days(365)).to_string();
        let mut tried = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            // Ends the sessions that the test needs.
            if path.ends_with("/auth/logout") {
                continue;
            }
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase();
                if !["POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                    continue;
                }
                let path = path
                    .replace("{feature}", "test_runs")
                    .replace("{threshold}", "50")
                    .replace("{id}", &session.organization);
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let body = greedy(&document, schema, &expires_at);
                for caller in &callers {
                    let answer = caller.send(&method, &path, Some(&body)).await;
                    tried += 1;
                    let is_admin = path.starts_with("/api/v1/admin/");
                    assert!(!is_admin || matches!(answer.status, 401 | 403), "{method} {path}: {}", answer.text);
                    assert!(answer.status < 500, "{method} {path}: {}", answer.text);
                }
            }
        }
        assert!(tried > 100, "{tried}");
        app.settle().await;
        let view = session.subscription().await;
        assert_eq!((&view["status"], &view["is_active"]), (&json!("FREE"), &json!(false)));
        let told = session.entitlements().await;
        assert_eq!(told["plan"]["id"], "free");
        assert_eq!(told["features"][0]["limit"], 100);
        let log = app.store().audit_log(1_000).await.unwrap();
        assert!(log.iter().all(|line| !line.action.contains("override")), "{log:#?}");

        let operator = app.operator().await;
        let path = format!("/api/v1/admin/organizations/{}/override", session.organization);
        let wrong = [
            json!({"plan": "team", "expires_at": expires_at}),
            json!({"plan": "team", "reason": " ", "expires_at": expires_at}),
            json!({"plan": "team", "reason": "a gift"}),
            json!({"plan": "team", "reason": "a gift", "expires_at": "2026-09-01T10:00:00Z"}),
            json!({"plan": "gold", "reason": "a gift", "expires_at": expires_at}),
        ];
        for body in wrong {
            operator.post(&path, body).await.expect_problem(400, "invalid_request");
        }
        app.advance(Span::seconds(1)).await;
        let body = json!({"plan": "team", "reason": "a gift", "expires_at": expires_at});
        operator.post(&path, body).await.expect(200);
        assert_eq!(session.entitlements().await["because"]["fact"], "operator_override");
        consume(&session, 900).await.expect(200);
        let log = app.store().audit_log(1).await.unwrap();
        assert_eq!((log[0].action.as_str(), log[0].reason.as_deref()), ("plan_override.set", Some("a gift")));
        assert_eq!(log[0].actor, operator.user);
        app.advance(Span::days(366)).await;
        assert_eq!(session.entitlements().await["plan"]["id"], "free");
    }
}
