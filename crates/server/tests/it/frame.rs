//! What every answer has in common, and who may call which route.

use serde_json::Map;
use testkit::{TestApp, Value, json, scenario};

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
    "/api/v1/auth/verify",
];

fn declared(path: &str) -> For {
    if EVERYBODY.contains(&path) {
        For::Everybody
    } else if path.starts_with("/api/v1/admin/") {
        For::Operators
    } else {
        For::Members
    }
}

async fn statuses(app: &TestApp, method: &str, path: &str) -> (u16, u16) {
    let path =
        path.replace("{id}", "org_00000000000000000000000000").replace("{feature}", "test_runs");
    let body = (method != "get").then(|| Value::Object(Map::new()));
    let method = method.to_uppercase();
    let nobody = app.nobody().send(&method, &path, body.as_ref()).await;
    let member = app.sign_up(&format!("member-{}", app.key().as_str())).await;
    let member = member.send(&method, &path, body.as_ref()).await;
    (nobody.status, member.status)
}

scenario! {
    /// Shows for every documented route whether somebody without a log-in, and a member who is no
    /// operator, gets past the door: exactly as declared, and no route is forgotten.
    scenario_41_the_doors, async |app| {
        let document = app.nobody().get("/api/v1/openapi.json").await.expect(200);
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let who = declared(path);
                let (nobody, member) = statuses(app, method, path).await;
                let say = format!("{method} {path}: nobody {nobody}, member {member}");
                assert_eq!(nobody == 401, who != For::Everybody, "{say}");
                assert_eq!(member == 403, who == For::Operators, "{say}");
                assert_ne!(member, 401, "{say}");
                assert!(nobody < 500 && member < 500, "{say}");
            }
        }
    }
}
