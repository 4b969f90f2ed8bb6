//! Accounts, log-ins and who may do what.

use reqwest::header;
use server::identity::SignUp;
use testkit::{Span, TestApp, Value, json, scenario};

const PASSWORD: &str = "correct horse battery staple";

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(10))
        .build()
        .unwrap()
}

fn url(app: &TestApp, path: &str) -> String {
    format!("{}{path}", app.nodes[0].base_url)
}

async fn with_token(app: &TestApp, token: &str) -> u16 {
    let request = http().get(url(app, "/api/v1/auth/me")).bearer_auth(token);
    request.send().await.unwrap().status().as_u16()
}

scenario! {
    /// Shows that a sign-up gives an organisation on the free plan with its limits, an admin who
    /// is no operator, a welcome and a verification mail, and a second one for the same address
    /// is told so whatever its letter case.
    a_sign_up_gives_the_free_plan, async |app| {
        let body = json!({
            "email": " Ada@Example.com ", "password": PASSWORD, "name": "Ada",
            "organization_name": "Engines",
        });
        let opened = app.nobody().post("/api/v1/auth/signup", body.clone()).await.expect(201);
        assert_eq!(opened["user"]["email"], "ada@example.com");
        assert_eq!(opened["user"]["is_operator"], false);
        assert_eq!(opened["user"]["email_verified"], false);
        assert_eq!(opened["organization"]["role"], "admin");

        let token = opened["token"].as_str().unwrap();
        let get = |path: &str| http().get(url(app, path)).bearer_auth(token).send();
        let me: Value = get("/api/v1/auth/me").await.unwrap().json().await.unwrap();
        assert_eq!(me["user"], opened["user"]);
        assert_eq!(me["installation"], json!({"mode": "test"}));
        let may: Value = get("/api/v1/entitlements").await.unwrap().json().await.unwrap();
        assert_eq!((&may["plan"]["id"], &may["status"]), (&json!("free"), &json!("FREE")));
        let runs = may["features"].as_array().unwrap().iter().find(|one| one["id"] == "test_runs");
        assert_eq!(runs.unwrap()["limit"], 100);
        assert_eq!(runs.unwrap()["remaining"], 100);

        assert_eq!(app.messages("email.welcome").await.len(), 1);
        assert_eq!(app.messages("email.verify").await.len(), 1);

        let again = app.nobody().post("/api/v1/auth/signup", body).await;
        let problem = again.expect_problem(400, "invalid_request");
        assert!(problem["fields"]["email"].is_string());
        assert_eq!(app.messages("email.welcome").await.len(), 1);
    }
}

scenario! {
    /// Shows that every fault of a sign-up is told by its field, and that a field nobody knows and
    /// a body that is no JSON are refused.
    a_wrong_sign_up_says_why, async |app| {
        let nobody = app.nobody();
        let wrong = json!({
            "email": "nobody", "password": "short", "name": "", "organization_name": "x",
        });
        let problem = nobody.post("/api/v1/auth/signup", wrong).await;
        let problem = problem.expect_problem(400, "invalid_request");
        let fields: Vec<_> = problem["fields"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["email", "name", "password"]);

        let unknown = nobody.post("/api/v1/auth/login", json!({"email": "a", "passwd": "b"})).await;
        let problem = unknown.expect_problem(400, "invalid_request");
        assert!(problem["fields"]["passwd"].is_string(), "{problem}");

        let send = |kind: &'static str, body: &'static str| {
            let request = http().post(url(app, "/api/v1/auth/login"));
            request.header(header::CONTENT_TYPE, kind).body(body).send()
        };
        assert_eq!(send("application/json", "{\"email\":").await.unwrap().status(), 400);
        // Other sites can send this type without asking the browser's permission first.
        assert_eq!(send("text/plain", "{}").await.unwrap().status(), 400);
        let large = "x".repeat(100_000);
        let large = nobody.post("/api/v1/auth/login", json!({"email": large})).await;
        large.expect_problem(413, "payload_too_large");
    }
}

scenario! {
    /// Shows that an unknown address and a wrong password get the same answer, and that the
    /// eleventh attempt for one address waits while others are let in, until time has passed.
    wrong_passwords_run_out, async |app| {
        app.sign_up("acme").await;
        let attempt = async |email: &str, password: &str| {
            let body = json!({"email": email, "password": password});
            app.nobody().post("/api/v1/auth/login", body).await
        };
        let mut unknown = attempt("nobody@example.com", "whatever it is").await.json;
        let mut wrong = attempt("acme@example.com", "whatever it is").await.json;
        unknown["request_id"] = Value::Null;
        wrong["request_id"] = Value::Null;
        assert_eq!(unknown, wrong);
        assert_eq!(wrong["code"], "unauthenticated");

        for _ in 0..9 {
            attempt("acme@example.com", "wrong again").await.expect_problem(401, "unauthenticated");
        }
        let limited = attempt("acme@example.com", PASSWORD).await;
        let seconds: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        let problem = limited.expect_problem(429, "rate_limited");
        assert_eq!(problem["retry_after_seconds"], seconds);
        attempt("nobody@example.com", "x").await.expect_problem(401, "unauthenticated");

        app.advance(Span::seconds(u32::try_from(seconds).unwrap())).await;
        attempt("acme@example.com", PASSWORD).await.expect(200);
    }
}

scenario! {
    /// Shows that a token counts until it is logged out or over, and that tokens nobody here
    /// signed are refused: no algorithm, another key, another issuer, cut off.
    scenario_40_only_our_living_tokens_count,
    with |builder| builder,
    async |app| {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        use jsonwebtoken::{EncodingKey, Header};

        let session = app.sign_up("acme").await;
        let token = session.token.clone();
        assert_eq!(with_token(app, &token).await, 200);
        let claims = token.split('.').nth(1).unwrap();
        let mut claims: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
        let signed = |claims: &Value, key: &[u8]| {
            jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(key)).unwrap()
        };
        let ours = b"0123456789abcdef0123456789abcdef";
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 200);
        let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let none = format!("{none}.{}.", BASE64.encode(claims.to_string()));
        assert_eq!(with_token(app, &none).await, 401, "alg none");
        assert_eq!(with_token(app, &signed(&claims, b"another")).await, 401, "wrong key");
        assert_eq!(with_token(app, &token[..token.len() - 4]).await, 401, "cut off");
        let issuer = std::mem::replace(&mut claims["iss"], json!("https://elsewhere.example"));
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 401, "foreign issuer");
        claims["iss"] = issuer;
        let other = app.sign_up("other").await;
        let user = std::mem::replace(&mut claims["sub"], json!(other.user));
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 401, "another user's session");
        claims["sub"] = user;
        claims["exp"] = json!(app.now().as_seconds());
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 401, "expired");
        claims["exp"] = json!(app.now().as_seconds() + 60);
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 200);

        session.post("/api/v1/auth/logout", json!({})).await.expect(204);
        assert_eq!(with_token(app, &token).await, 401, "logged out");
        assert_eq!(with_token(app, &signed(&claims, ours)).await, 401, "logged out, signed anew");
        session.post("/api/v1/auth/logout", json!({})).await.expect(204);
    }
}

testkit::scenario_on_two_nodes! {
    /// Shows that a log-out counts at once on the other node too.
    scenario_40_logged_out_everywhere, async |app| {
        let session = app.sign_up("acme").await;
        let elsewhere = session.at(&app.nodes[1]);
        elsewhere.get("/api/v1/auth/me").await.expect(200);
        session.post("/api/v1/auth/logout", json!({})).await.expect(204);
        elsewhere.get("/api/v1/auth/me").await.expect_problem(401, "unauthenticated");
    }
}

scenario! {
    /// Shows that a session ends by itself when its time is over.
    scenario_40_a_session_ends, async |app| {
        let node = app.another_node(|settings| {
            settings.access.jwt_expiry = Span::hours(1);
        }).await;
        let session = app.sign_up("acme").await.at(&node);
        let body = json!({"email": session.email, "password": PASSWORD});
        let opened = session.post("/api/v1/auth/login", body).await.expect(200);
        let token = opened["token"].as_str().unwrap().to_owned();
        app.advance(Span::minutes(59)).await;
        assert_eq!(with_token(app, &token).await, 200);
        app.advance(Span::minutes(1)).await;
        assert_eq!(with_token(app, &token).await, 401);
        node.close().await;
    }
}

scenario! {
    /// Shows that a browser's cookie is HttpOnly and SameSite, signs in, and changes something only
    /// when the request comes from a page of ours; and that a log-out takes it back.
    a_cookie_changes_things_only_from_our_pages, async |app| {
        let body = json!({
            "email": "ada@example.com", "password": PASSWORD, "name": "Ada",
            "organization_name": "Engines",
        });
        let opened = app.nobody().post("/api/v1/auth/signup", body).await;
        let cookie = opened.header("set-cookie").unwrap().to_owned();
        assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();

        let me = http().get(url(app, "/api/v1/auth/me")).header(header::COOKIE, &cookie);
        assert_eq!(me.send().await.unwrap().status(), 200);
        let rename = async |headers: &[(&str, &str)]| {
            let request = http().patch(url(app, "/api/v1/organization"));
            let request = request.header(header::COOKIE, &cookie).json(&json!({"name": "New"}));
            let request =
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.send().await.unwrap().status().as_u16()
        };
        let own = app.nodes[0].base_url.clone();
        assert_eq!(rename(&[("origin", &own)]).await, 200);
        assert_eq!(rename(&[("sec-fetch-site", "same-origin")]).await, 200);
        for foreign in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "same-site")],
        ] {
            assert_eq!(rename(foreign).await, 403, "{foreign:?}");
        }
        let request = http().post(url(app, "/api/v1/auth/logout"));
        let out = request.header(header::COOKIE, &cookie).send().await.unwrap();
        assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        let me = http().get(url(app, "/api/v1/auth/me")).header(header::COOKIE, &cookie);
        assert_eq!(me.send().await.unwrap().status(), 401);
    }
}

/// The link in the newest verification mail to somebody, as it is made when the mail is sent.
async fn verification_link(app: &TestApp, email: &str) -> String {
    let mails = app.messages("email.verify").await;
    let mut mails = mails.iter().map(|mail| serde_json::from_str::<Value>(&mail.body).unwrap());
    let mail = mails.rfind(|mail| mail["to"] == email).unwrap();
    app.app().identity.verification_link(mail["verification"].as_str().unwrap())
}

/// Follows a link as a browser does that is signed in with this token, or not at all, and says
/// where it leads.
async fn follow(link: &str, token: &str) -> String {
    let mut request = http().get(link);
    if !token.is_empty() {
        request = request.header(header::COOKIE, format!("billhook_session={token}"));
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

const OPERATOR: &str = "operator@billhook.test";

async fn sign_up_as_operator(app: &TestApp) -> String {
    let body = json!({
        "email": OPERATOR, "password": PASSWORD, "name": "Olga", "organization_name": "Operators",
    });
    let opened = app.nobody().post("/api/v1/auth/signup", body).await.expect(201);
    assert_eq!(opened["user"]["is_operator"], false);
    opened["token"].as_str().unwrap().to_owned()
}

async fn may_operate(app: &TestApp, token: &str) -> bool {
    let summary = http().get(url(app, "/api/v1/admin/summary")).bearer_auth(token);
    let status = summary.send().await.unwrap().status();
    assert!(status == 200 || status == 403, "{status}");
    status == 200
}

scenario! {
    /// Shows that an address in ADMIN_EMAILS makes no operator before it is verified, that the
    /// link of the mail verifies it once for whoever made the account, and that the page says how
    /// it went.
    scenario_42_an_operator_has_a_verified_address, async |app| {
        let token = sign_up_as_operator(app).await;
        assert!(!may_operate(app, &token).await);

        let link = verification_link(app, OPERATOR).await;
        assert!(follow(&format!("{link}0"), &token).await.ends_with("/login?verified=0"));
        assert!(!may_operate(app, &token).await);
        assert!(follow(&link, &token).await.ends_with("/login?verified=1"));
        assert!(may_operate(app, &token).await);

        let secret = link.rsplit_once('=').unwrap().1;
        let again = http().post(url(app, "/api/v1/auth/verify")).bearer_auth(&token);
        let again = again.json(&json!({"token": secret})).send().await.unwrap();
        assert_eq!(again.status(), 400);
    }
}

scenario! {
    /// Shows that an account made with somebody else's address stays unverified when they open its
    /// link: without a log-in it leads to the log-in page and back, and with a log-in of their
    /// own, by link or by API, it does not count either.
    scenario_42_a_squatter_stays_unverified, async |app| {
        let squatter = sign_up_as_operator(app).await;
        let link = verification_link(app, OPERATOR).await;
        let secret = link.rsplit_once('=').unwrap().1.to_owned();

        let led = follow(&link, "").await;
        let path = format!("/api/v1/auth/verify?token={secret}");
        let led = reqwest::Url::parse(&led).unwrap();
        assert_eq!(led.path(), "/login");
        let query: Vec<_> = led.query_pairs().into_owned().collect();
        assert_eq!(query, [("next".to_owned(), path)]);
        assert!(follow(&link, "no token at all").await.contains("/login?next="));

        let owner = app.sign_up("owner").await;
        assert!(follow(&link, &owner.token).await.ends_with("/login?verified=0"));
        let body = json!({"token": secret});
        let post = app.nobody().post("/api/v1/auth/verify", body.clone()).await;
        post.expect_problem(401, "unauthenticated");
        let post = owner.post("/api/v1/auth/verify", body).await;
        post.expect_problem(400, "invalid_request");

        let user = app.store().user_by_email(OPERATOR).await.unwrap().unwrap();
        assert_eq!(user.email_verified_at, None);
        assert!(!may_operate(app, &squatter).await);
    }
}

scenario! {
    /// Shows that a verification link is over after three days.
    a_verification_link_ends, async |app| {
        let session = app.sign_up("acme").await;
        let link = verification_link(app, &session.email).await;
        let token = link.rsplit_once('=').unwrap().1.to_owned();
        app.advance(Span::days(3)).await;
        let late = session.post("/api/v1/auth/verify", json!({"token": token})).await;
        late.expect_problem(400, "invalid_request");
    }
}

scenario! {
    /// Shows that the database does not hold what a verification link needs: the message names
    /// the verification, and the token follows from that only with our secret.
    a_verification_token_is_not_stored, async |app| {
        let session = app.sign_up("acme").await;
        let link = verification_link(app, &session.email).await;
        let token = link.rsplit_once('=').unwrap().1;
        let mail = app.messages("email.verify").await.remove(0);
        assert!(!mail.body.contains(token) && !mail.body.contains("link"), "{}", mail.body);
        let body: Value = serde_json::from_str(&mail.body).unwrap();
        let id = json!({"token": body["verification"]});
        session.post("/api/v1/auth/verify", id).await.expect_problem(400, "invalid_request");
        session.post("/api/v1/auth/verify", json!({"token": token})).await.expect(204);
    }
}

scenario! {
    /// Shows that ten people may sign up at once, and that a place that goes on making accounts
    /// is told to wait, until time has passed.
    sign_ups_run_out, async |app| {
        let sign_up = async |name: String| {
            let body = json!({
                "email": format!("{name}@example.com"), "password": PASSWORD, "name": "n",
                "organization_name": "o",
            });
            app.nobody().post("/api/v1/auth/signup", body).await
        };
        let ten = (0..10).map(|n| sign_up(format!("one-of-ten-{n}")));
        for answer in futures_util::future::join_all(ten).await {
            answer.expect(201);
        }
        let refused = loop {
            let n = app.store().organization_count().await.unwrap();
            assert!(n < 100, "nobody was told to wait");
            let answer = sign_up(format!("next-{n}")).await;
            if answer.status != 201 {
                break answer;
            }
        };
        let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        refused.expect_problem(429, "rate_limited");
        app.advance(Span::seconds(seconds)).await;
        sign_up("late".to_owned()).await.expect(201);
    }
}

scenario! {
    /// Shows that pruning deletes log-ins that are over, and that living ones go on.
    old_log_ins_are_deleted, async |app| {
        let node = app.another_node(|settings| {
            settings.access.jwt_expiry = Span::hours(1);
        }).await;
        let session = app.sign_up("acme").await;
        let body = json!({"email": session.email, "password": PASSWORD});
        session.at(&node).post("/api/v1/auth/login", body).await.expect(200);
        assert_eq!(app.app().identity.prune().await.unwrap(), 0);
        app.advance(Span::hours(1)).await;
        assert_eq!(app.app().identity.prune().await.unwrap(), 1);
        session.get("/api/v1/auth/me").await.expect(200);
        node.close().await;
    }
}

scenario! {
    /// Shows that with DISABLE_AUTH a request without a log-in acts as an operator of a
    /// development organisation, always the same one, and that other sites' pages cannot use it.
    without_auth_everybody_is_the_developer, async |app| {
        let node = app.another_node(|settings| settings.access.disable_auth = true).await;
        let developer = app.nobody().at(&node);
        let me = developer.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(me["user"]["is_operator"], true);
        assert_eq!(me["organization"]["role"], "admin");
        developer.get("/api/v1/admin/summary").await.expect(200);
        let again = developer.get("/api/v1/auth/me").await.expect(200);
        assert_eq!(me, again);
        developer.patch("/api/v1/organization", json!({"name": "Mine"})).await.expect(200);
        let foreign = http()
            .patch(format!("{}/api/v1/organization", node.base_url))
            .header(header::ORIGIN, "https://evil.example")
            .json(&json!({"name": "Theirs"}));
        assert_eq!(foreign.send().await.unwrap().status(), 403);
        node.close().await;
    }
}

scenario! {
    /// Shows that an account made by `admin create` may operate when the settings name it, and
    /// that its making is in the audit log.
    a_made_operator_may_operate, async |app| {
        let operator = app.operator().await;
        operator.get("/api/v1/admin/summary").await.expect(200);
        let sign_up = SignUp {
            email: "someone@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            name: "Someone".to_owned(),
            organization_name: "Somewhere".to_owned(),
        };
        app.app().identity.create_verified(sign_up, "billhook admin create").await.unwrap();
        let body = json!({"email": "someone@example.com", "password": PASSWORD});
        let opened = app.nobody().post("/api/v1/auth/login", body).await.expect(200);
        assert_eq!(opened["user"]["email_verified"], true);
        assert_eq!(opened["user"]["is_operator"], false);
        let audit = app.store().audit_log(10).await.unwrap();
        assert!(audit.iter().any(|line| {
            line.action == "user.create" && line.actor == "billhook admin create"
        }));
    }
}

scenario! {
    /// Shows that an account that is taken over belongs to whoever has the new password: the old
    /// one and all log-ins of before are over, the link of before too, and the log says so.
    an_account_is_taken_over, async |app| {
        let squatter = sign_up_as_operator(app).await;
        let link = verification_link(app, OPERATOR).await;
        let user = app.store().user_by_email(OPERATOR).await.unwrap().unwrap();
        let sign_up = SignUp {
            email: OPERATOR.to_owned(),
            password: "a new password".to_owned(),
            name: "The operator".to_owned(),
            organization_name: "Operators".to_owned(),
        };
        app.app().identity.take_over(&user, sign_up, "test").await.unwrap();
        assert_eq!(with_token(app, &squatter).await, 401);
        assert!(follow(&link, &squatter).await.contains("/login?next="));
        let log_in = async |password: &str| {
            let body = json!({"email": OPERATOR, "password": password});
            app.nobody().post("/api/v1/auth/login", body).await
        };
        log_in(PASSWORD).await.expect_problem(401, "unauthenticated");
        let opened = log_in("a new password").await.expect(200);
        assert_eq!(opened["user"]["is_operator"], true);
        assert_eq!(opened["user"]["name"], "The operator");
        let log = app.store().audit_log(10).await.unwrap();
        assert!(log.iter().any(|line| line.action == "user.take_over" && line.actor == "test"));
    }
}

scenario! {
    /// Shows that the organisation can be renamed by its admin, with an audit line that says how
    /// it was, and that a name has to be one.
    an_organisation_is_renamed, async |app| {
        let session = app.sign_up("acme").await;
        let renamed = session.patch("/api/v1/organization", json!({"name": " Acme Corp "})).await;
        assert_eq!(renamed.expect(200)["name"], "Acme Corp");
        let shown = session.get("/api/v1/organization").await.expect(200);
        assert_eq!((&shown["name"], &shown["id"]), (&json!("Acme Corp"), &json!(session.organization)));
        let empty = session.patch("/api/v1/organization", json!({"name": "  "})).await;
        empty.expect_problem(400, "invalid_request");
        let line = app.store().audit_log(10).await.unwrap().remove(0);
        assert_eq!(line.action, "organization.rename");
        assert_eq!(line.before.as_deref(), Some(r#"{"name":"acme"}"#));
    }
}
