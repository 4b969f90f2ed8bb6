//! What every answer has in common, and who may call which route.

use domain::access::Role;
use domain::ids::{OrganizationId, UserId};
use domain::time::Timestamp;
use serde_json::Map;
use testkit::{Session, TestApp, Value, json, scenario};

fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(std::time::Duration::from_secs(10)).build().unwrap()
}

scenario! {
    /// Shows that every answer has a request id of its own, which problems repeat, and the headers
    /// that keep a browser from harm.
    every_answer_has_its_id_and_guards, async |app| {
        let nobody = app.nobody();
        let mut seen = Vec::new();
        for path in ["/livez", "/api/v1/plans", "/api/v1/auth/me", "/api/nothing", "/pricing"] {
            let answer = nobody.get(path).await;
            let id = answer.header("request-id").unwrap().to_owned();
            assert!(id.starts_with("bhr_"), "{id}");
            if answer.status >= 400 {
                assert_eq!(answer.json["request_id"], json!(id));
            }
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert!(answer.header("referrer-policy").is_some());
            seen.push(id);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }
}

scenario! {
    /// Shows that an unknown API route is a 404 problem, a page of the application is HTML, and a
    /// missing asset is not answered with a page.
    unknown_paths, async |app| {
        let nobody = app.nobody();
        nobody.get("/api/v1/nothing").await.expect_problem(404, "not_found");
        nobody.post("/pricing", json!({})).await.expect_problem(404, "not_found");
        let page = nobody.get("/settings?tab=billing").await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
    }
}

scenario! {
    /// Shows that browsers may call from exactly the allowed origins.
    origins_are_exact, async |app| {
        let node = app.another_node(|settings| {
            settings.allowed_origins = vec!["https://app.example.com".to_owned()];
        }).await;
        let preflight = async |origin: &str| {
            let request = http()
                .request(reqwest::Method::OPTIONS, format!("{}/api/v1/organization", node.base_url))
                .header("origin", origin)
                .header("access-control-request-method", "PATCH");
            let answer = request.send().await.unwrap();
            let allowed = answer.headers().get("access-control-allow-origin");
            allowed.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(preflight("https://app.example.com").await.as_deref(), Some("https://app.example.com"));
        let frontend = app.nodes[0].base_url.as_str();
        assert_eq!(preflight(frontend).await.as_deref(), Some(frontend));
        for foreign in ["https://evil.example", "https://app.example.com.evil.example", "null"] {
            assert_eq!(preflight(foreign).await, None, "{foreign}");
        }
        node.close().await;
    }
}

scenario! {
    /// Shows that liveness needs nothing, that readiness looks at database, schema and worker, and
    /// that figures are for this machine or for whoever has the token.
    health_is_told, async |app| {
        let nobody = app.nobody();
        assert_eq!(nobody.get("/livez").await.expect(200), json!({"status": "ok"}));
        let ready = nobody.get("/readyz").await.expect(200);
        assert_eq!((&ready["database"], &ready["migrations"]), (&json!(true), &json!(true)));
        assert_eq!(ready["deliveries"], json!({"pending": 0, "claimed": 0, "parked": 0}));

        let figures = nobody.get("/metrics").await;
        assert_eq!(figures.status, 200);
        assert!(figures.text.contains("billhook_deliveries{state=\"parked\"} 0"), "{}", figures.text);
        let node = app.another_node(|settings| {
            settings.metrics_token = Some("figures".to_owned().into());
        }).await;
        app.nobody().at(&node).get("/metrics").await.expect_problem(401, "unauthenticated");
        let with_token = http().get(format!("{}/metrics", node.base_url)).bearer_auth("figures");
        assert_eq!(with_token.send().await.unwrap().status(), 200);
        let forwarded = http().get(format!("{}/metrics", app.nodes[0].base_url));
        let forwarded = forwarded.header("x-forwarded-for", "203.0.113.9");
        assert_eq!(forwarded.send().await.unwrap().status(), 401);
        node.close().await;
    }
}

/// Who may call a route: what it answers to somebody who may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Everybody,
    Members,
    Operators,
}

/// The declared table. A route that is not in it is for members: see [`declared`].
const EVERYBODY: &[&str] = &[
    "/livez",
    "/readyz",
    "/metrics",
    "/api/webhooks/stripe",
    "/api/webhooks/test",
    "/api/v1/plans",
    "/api/v1/announcements",
    "/api/v1/auth/signup",
    "/api/v1/auth/login",
    "/api/v1/auth/logout",
];

fn declared(method: &str, path: &str) -> For {
    // The link of a mail is followed by a browser, which is led to the log-in page first.
    let is_link = (method, path) == ("get", "/api/v1/auth/verify");
    if is_link || EVERYBODY.contains(&path) {
        For::Everybody
    } else if path.starts_with("/api/v1/admin/") {
        For::Operators
    } else {
        For::Members
    }
}

async fn knock(who: &Session, method: &str, path: &str) -> u16 {
    let path =
        path.replace("{id}", "org_00000000000000000000000000").replace("{feature}", "test_runs");
    let body = (method != "get").then(|| Value::Object(Map::new()));
    who.send(&method.to_uppercase(), &path, body.as_ref()).await.status
}

/// Every documented route, as method and path.
async fn routes(app: &TestApp) -> Vec<(String, String)> {
    let document = app.nobody().get("/api/v1/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))
        })
        .collect()
}

/// Signs somebody up and makes them a member of another organisation, which their log-in opens.
async fn join(app: &TestApp, admin: &Session, name: &str, role: Role) -> Session {
    let mut session = app.sign_up(name).await;
    let organization = OrganizationId::parse(&admin.organization).unwrap();
    let (user, long_ago) = (UserId::parse(&session.user).unwrap(), Timestamp::from_seconds(0));
    app.store().put_membership(&organization, &user, role, long_ago).await.unwrap();
    let body = json!({"email": session.email, "password": "correct horse battery staple"});
    let opened = app.nobody().post("/api/v1/auth/login", body).await.expect(200);
    assert_eq!(opened["organization"]["id"], admin.organization.as_str());
    assert_eq!(opened["organization"]["role"], role.name());
    session.token = opened["token"].as_str().unwrap().to_owned();
    session.organization.clone_from(&admin.organization);
    session
}

scenario! {
    /// Shows for every documented route whether somebody without a log-in, and a member who is no
    /// operator, gets past the door: exactly as declared, and no route is forgotten.
    scenario_41_the_doors, async |app| {
        let session = app.sign_up("acme").await;
        let leaving = app.sign_up("leaving").await;
        for (method, path) in routes(app).await {
            let who = declared(&method, &path);
            let nobody = knock(&app.nobody(), &method, &path).await;
            let session = if path.ends_with("/logout") { &leaving } else { &session };
            let member = knock(session, &method, &path).await;
            let say = format!("{method} {path}: nobody {nobody}, member {member}");
            assert_eq!(nobody == 401, who != For::Everybody, "{say}");
            assert_eq!(member == 403, who == For::Operators, "{say}");
            assert_ne!(member, 401, "{say}");
            assert!(nobody < 500 && member < 500, "{say}");
        }
    }
}

scenario! {
    /// Shows for every route of billing, of keys and of operators that a member and a viewer do
    /// not get past the door, that a member uses what is counted and a viewer does not, and that
    /// both may look.
    scenario_41_members_and_viewers, async |app| {
        let admin = app.sign_up("acme").await;
        let member = join(app, &admin, "mia", Role::Member).await;
        let viewer = join(app, &admin, "vic", Role::Viewer).await;
        let closed =
            ["/api/v1/billing/", "/api/subscription/", "/api/v1/api-keys", "/api/v1/admin/"];
        let mut seen = 0;
        for (method, path) in routes(app).await {
            if closed.iter().any(|one| path.starts_with(one)) {
                seen += 1;
                for who in [&member, &viewer] {
                    let status = knock(who, &method, &path).await;
                    assert_eq!(status, 403, "{method} {path} for {}", who.email);
                }
            }
        }
        assert!(seen > 20, "{seen} routes");
        for who in [&member, &viewer] {
            let rename = who.patch("/api/v1/organization", json!({"name": "Mine"})).await;
            rename.expect_problem(403, "forbidden");
            who.get("/api/v1/entitlements").await.expect(200);
            who.get("/api/v1/usage").await.expect(200);
        }

        let run = json!({"feature": "test_runs"});
        member.post("/api/v1/usage/consume", run.clone()).await.expect(200);
        let hold = json!({"feature": "test_runs", "quantity": 2});
        let held = member.post("/api/v1/usage/reservations", hold.clone()).await.expect(201);
        viewer.post("/api/v1/usage/consume", run).await.expect_problem(403, "forbidden");
        viewer.post("/api/v1/usage/reservations", hold).await.expect_problem(403, "forbidden");
        let release = format!("/api/v1/usage/reservations/{}/release", held["id"].as_str().unwrap());
        viewer.post(&release, json!({})).await.expect_problem(403, "forbidden");
        member.post(&release, json!({})).await.expect(200);
        assert_eq!(admin.entitlements().await["features"][0]["used"], 1);
    }
}

scenario! {
    /// Shows that an organisation's admin finds nothing under the ids of another's checkout,
    /// reservation and key, and that these stay as they were.
    scenario_41_objects_of_others_are_not_there, async |app| {
        let (owner, other) = (app.sign_up("acme").await, app.sign_up("other").await);
        let checkout = app.start_checkout(&owner, "team", "monthly").await;
        let checkout = format!("/api/v1/billing/checkout/{checkout}");
        let hold = json!({"feature": "test_runs", "quantity": 1});
        let held = owner.post("/api/v1/usage/reservations", hold).await.expect(201);
        let held = format!("/api/v1/usage/reservations/{}", held["id"].as_str().unwrap());
        let key = json!({"name": "worker", "scopes": ["usage"]});
        let key = owner.post("/api/v1/api-keys", key).await.expect(201);
        let path = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());

        other.get(&checkout).await.expect_problem(404, "not_found");
        for end in ["confirm", "release"] {
            let end = format!("{held}/{end}");
            other.post(&end, json!({})).await.expect_problem(404, "not_found");
        }
        other.delete(&path).await.expect_problem(404, "not_found");

        owner.get(&checkout).await.expect(200);
        let program = owner.program(key["secret"].as_str().unwrap(), "");
        program.post("/api/v1/usage/consume", json!({"feature": "test_runs"})).await.expect(200);
        owner.post(&format!("{held}/release"), json!({})).await.expect(200);
        owner.delete(&path).await.expect(204);
    }
}
