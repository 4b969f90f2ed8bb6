//! Keys: whose they are, what they open, and that they are over at once.

use crate::usage_limits::feature;
use server::config::Mode;
use testkit::{Response, Session, Span, TestApp, Value, json, scenario, scenario_on_two_nodes};

async fn make(session: &Session, path: &str, scopes: Value) -> Value {
    let body = json!({"name": "worker", "scopes": scopes});
    session.post(path, body).await.expect(201)
}

async fn product_key(app: &TestApp, scopes: Value) -> Value {
    make(&app.operator().await, "/api/v1/admin/api-keys", scopes).await
}

fn secret(key: &Value) -> &str {
    key["secret"].as_str().unwrap()
}

async fn consume(program: &Session) -> Response {
    program.post("/api/v1/usage/consume", json!({"feature": "test_runs"})).await
}

scenario! {
    /// Shows that a product key acts for the organisation it names, by our id and by the product's
    /// own, which is made on first sight and once; and for no one without a name or for an
    /// unknown id of ours.
    a_product_key_acts_for_organisations, async |app| {
        let session = app.sign_up("acme").await;
        let key = product_key(app, json!(["usage"])).await;
        let by_id = session.program(secret(&key), &session.organization);
        consume(&by_id).await.expect(200);
        assert_eq!(feature(&session, "test_runs").await["used"], 1);
        assert_eq!(by_id.entitlements().await["organization_id"], session.organization);

        let by_name = session.program(secret(&key), "customer-42");
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let by_name = by_name.clone();
                tokio::spawn(async move { consume(&by_name).await.expect(200) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let told = by_name.entitlements().await;
        assert_eq!(told["features"][0]["used"], 10);
        assert_ne!(told["organization_id"], session.organization);
        let ours = session.program(secret(&key), told["organization_id"].as_str().unwrap());
        assert_eq!(consume(&ours).await.expect(200)["used"], 11);

        consume(&session.program(secret(&key), "")).await.expect_problem(400, "invalid_request");
        let unknown = "org_00000000000000000000000000";
        let unknown = session.program(secret(&key), unknown);
        consume(&unknown).await.expect_problem(404, "not_found");
        let long = session.program(secret(&key), &"x".repeat(201));
        consume(&long).await.expect_problem(400, "invalid_request");
    }
}

scenario! {
    /// Shows that an organisation's key acts for it alone, whatever the header says; that its
    /// secret is shown once; and that other organisations neither see nor end it.
    an_organisation_key_acts_for_its_own, async |app| {
        let session = app.sign_up("acme").await;
        let other = app.sign_up("other").await;
        let key = make(&session, "/api/v1/api-keys", json!(["usage", "usage"])).await;
        assert_eq!(key["scopes"], json!(["usage"]));
        assert!(secret(&key).starts_with("bhk_org_test_"));
        let program = session.program(secret(&key), &other.organization);
        consume(&program).await.expect(200);
        assert_eq!(feature(&session, "test_runs").await["used"], 1);
        assert_eq!(feature(&other, "test_runs").await["used"], 0);

        let listed = session.get("/api/v1/api-keys").await;
        assert!(!listed.text.contains(secret(&key)));
        let listed = listed.expect(200);
        assert_eq!(listed["data"][0]["id"], key["id"]);
        assert!(listed["data"][0]["last_used_at"].is_string());
        let theirs = other.get("/api/v1/api-keys").await.expect(200);
        assert_eq!(theirs["data"], json!([]));
        let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
        other.delete(&path).await.expect_problem(404, "not_found");
        let operator = app.operator().await;
        let as_product = format!("/api/v1/admin/api-keys/{}", key["id"].as_str().unwrap());
        operator.delete(&as_product).await.expect_problem(404, "not_found");
        consume(&program).await.expect(200);

        // A key makes no keys, and is no operator.
        let body = json!({"name": "more", "scopes": ["usage"]});
        for path in ["/api/v1/api-keys", "/api/v1/admin/api-keys"] {
            program.post(path, body.clone()).await.expect_problem(401, "unauthenticated");
        }
        session.post("/api/v1/admin/api-keys", body).await.expect_problem(403, "forbidden");
        let log = app.store().audit_log(50).await.unwrap();
        let made: Vec<_> = log.iter().filter(|line| line.action == "key.create").collect();
        assert_eq!((made.len(), made[0].actor.as_str()), (1, session.user.as_str()));
    }
}

scenario_on_two_nodes! {
    /// Shows that a revoked key is refused at once on both nodes, and that it is audited once.
    scenario_40_a_revoked_key_is_refused_on_every_node, async |app| {
        let session = app.sign_up("acme").await;
        let own = make(&session, "/api/v1/api-keys", json!(["usage"])).await;
        let product = product_key(app, json!(["usage"])).await;
        let operator = app.operator().await;
        let programs = [
            (session.program(secret(&own), ""), &session, "/api/v1/api-keys", &own),
            (session.program(secret(&product), "p-1"), &operator, "/api/v1/admin/api-keys", &product),
        ];
        for (program, owner, path, key) in programs {
            for node in &app.nodes {
                consume(&program.at(node)).await.expect(200);
            }
            let path = format!("{path}/{}", key["id"].as_str().unwrap());
            owner.at(&app.nodes[1]).delete(&path).await.expect(204);
            for node in &app.nodes {
                consume(&program.at(node)).await.expect_problem(401, "unauthenticated");
            }
            owner.delete(&path).await.expect_problem(404, "not_found");
        }
        let log = app.store().audit_log(50).await.unwrap();
        assert_eq!(log.iter().filter(|line| line.action == "key.revoke").count(), 2);
    }
}

scenario! {
    /// Shows that a key opens only what its scopes name, and nothing after its end.
    keys_have_scopes_and_an_end, async |app| {
        let session = app.sign_up("acme").await;
        let reads = make(&session, "/api/v1/api-keys", json!(["entitlements"])).await;
        let reads = session.program(secret(&reads), "");
        assert_eq!(reads.entitlements().await["plan"]["id"], "free");
        reads.post("/api/v1/usage/check", json!({"feature": "sso"})).await.expect(200);
        consume(&reads).await.expect_problem(403, "forbidden");
        let bills = make(&session, "/api/v1/api-keys", json!(["billing"])).await;
        let bills = session.program(secret(&bills), "");
        bills.get("/api/v1/entitlements").await.expect_problem(403, "forbidden");

        let ends = app.now().plus(Span::hours(1)).to_string();
        let body = json!({"name": "short", "scopes": ["usage"], "expires_at": ends});
        let short = session.post("/api/v1/api-keys", body).await.expect(201);
        let short = session.program(secret(&short), "");
        consume(&short).await.expect(200);
        app.advance(Span::hours(1)).await;
        consume(&short).await.expect_problem(401, "unauthenticated");

        let wrong = [
            json!({"name": "x", "scopes": []}),
            json!({"name": "x", "scopes": ["everything"]}),
            json!({"name": " ", "scopes": ["usage"]}),
            json!({"name": "x", "scopes": ["usage"], "expires_at": ends}),
        ];
        for body in wrong {
            session.post("/api/v1/api-keys", body).await.expect_problem(400, "invalid_request");
        }
    }
}

scenario! {
    /// Shows that a mistyped key, one of another secret and one of the other mode open nothing.
    wrong_keys_open_nothing, async |app| {
        let session = app.sign_up("acme").await;
        let key = make(&session, "/api/v1/api-keys", json!(["usage"])).await;
        let good = secret(&key);
        let second = make(&session, "/api/v1/api-keys", json!(["usage"])).await;
        // The id of one with the secret of the other, and a checksum that fits neither.
        let at = "bhk_org_test_".len() + 26;
        let mixed = format!("{}{}", &good[..at], &secret(&second)[at..]);
        let live = app.another_node(|settings| settings.stripe.mode = Mode::Live).await;
        let keys = &live.app.keys;
        let scopes = vec!["usage".to_owned()];
        let organization = domain::ids::OrganizationId::trusted(session.organization.clone());
        let kind = store::KeyKind::Organization(organization);
        let live_key = keys.make(kind, "live", scopes, None, "test").await.unwrap().text;
        assert!(live_key.starts_with("bhk_org_live_"));
        for text in [&good[..good.len() - 1], &format!("{good}0"), &mixed, &live_key, "bhk_"] {
            let program = session.program(text, "");
            consume(&program).await.expect_problem(401, "unauthenticated");
        }
        consume(&session.program(good, "").at(&live)).await.expect_problem(401, "unauthenticated");
        consume(&session.program(good, "")).await.expect(200);
        live.close().await;
    }
}
