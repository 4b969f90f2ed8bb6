//! The client: what it sends, when it repeats, how it explains failures.

use std::{sync::Arc, time::Duration};

use stripe::{
    ClientConfig, ErrorKind, IdempotencyKey, Params, ReadAt,
    client::{Client, InvalidConfig, KeyMode, path},
    objects::SubscriptionStatus,
};

use crate::script::{FakeTiming, KEY, Reply, Script, client_of, config, reply};

const CUSTOMER: &str =
    r#"{"id":"cus_1","object":"customer","created":1700000000,"livemode":false,"new":[1]}"#;

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

/// Shows that a write carries the key, the pinned version, the idempotency key and a form body.
#[tokio::test]
async fn a_write_is_a_form_with_its_headers() {
    let script = Script::start([reply(200, CUSTOMER).with("request-id", "req_1")]).await;
    let (client, timing) = client_of(&script);
    let params = Params::new().set("email", "a+b@example.com").metadata("organization_id", "org_1");
    let made = client.customers().create(&params, &key("intent_1")).await.unwrap();
    assert_eq!(made.object.id, "cus_1");
    assert_eq!(made.raw.get(), CUSTOMER);
    assert_eq!(made.request_id.as_deref(), Some("req_1"));
    assert!(!made.replayed);

    let asked = &script.asked()[0];
    assert_eq!((asked.method.as_str(), asked.uri.as_str()), ("POST", "/v1/customers"));
    assert_eq!(asked.header("authorization"), Some("Bearer sk_test_scripted_secret"));
    assert_eq!(asked.header("stripe-version"), Some("2026-08-26.dahlia"));
    assert_eq!(asked.header("idempotency-key"), Some("intent_1"));
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.body, "email=a%2Bb%40example.com&metadata[organization_id]=org_1");
    assert!(timing.waits_ms().is_empty());
}

/// Shows that a read has its parameters in the query and no idempotency key, and that an id
/// cannot lead to another route.
#[tokio::test]
async fn a_read_has_a_query_and_escaped_ids() {
    let gone = r#"{"id":"cus_1","object":"customer","deleted":true}"#;
    let script = Script::start([reply(200, CUSTOMER), reply(200, gone)]).await;
    let (client, _) = client_of(&script);
    let customers = client.customers();
    let expand = Params::new().expand("invoice_settings.default_payment_method");
    let live = customers.retrieve("../prices?x=1", &expand).await.unwrap();
    assert!(live.object.live().is_some());
    let gone = customers.retrieve("cus_1", &Params::new()).await.unwrap();
    assert!(gone.object.live().is_none());
    let asked = script.asked();
    assert_eq!(
        asked[0].uri,
        "/v1/customers/..%2Fprices%3Fx%3D1?expand[0]=invoice_settings.default_payment_method"
    );
    assert_eq!(asked[0].header("idempotency-key"), None);
    assert_eq!(asked[1].uri, "/v1/customers/cus_1");
    assert_eq!(path(&["customers", ".."]), "/v1/customers/%2E%2E_");
}

/// Shows that lock time-outs, key clashes, rate limits and server failures are asked again, with
/// one and the same idempotency key, after doubling waits.
#[tokio::test]
async fn passing_failures_are_repeated_with_one_key() {
    for status in [409, 429, 500, 503] {
        let script =
            Script::start([reply(status, "{}"), reply(status, "oops"), reply(200, CUSTOMER)]).await;
        let (client, timing) = client_of(&script);
        let params = Params::new().set("name", "x");
        client.customers().create(&params, &key("intent_2")).await.unwrap();
        let asked = script.asked();
        assert_eq!(asked.len(), 3, "{status}");
        assert!(asked.iter().all(|a| a.header("idempotency-key") == Some("intent_2")));
        assert!(asked.iter().all(|a| a.body == "name=x"));
        assert_eq!(timing.waits_ms(), [250, 500], "{status}");
    }
}

/// Shows that repeating ends, and that the error then says how often it was tried.
#[tokio::test]
async fn repeating_ends() {
    let script = Script::start((0..9).map(|_| reply(503, "{}").with("request-id", "req_9"))).await;
    let (client, _) = client_of(&script);
    let error = client.customers().create(&Params::new(), &key("k")).await.unwrap_err();
    assert_eq!(script.asked().len(), 3);
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Server, 3));
    assert!(error.is_transient() && error.may_have_happened());
    assert_eq!(
        error.to_string(),
        "Stripe failed: POST /v1/customers (status 503, request req_9, 3 attempts)"
    );
}

/// Shows that Stripe's own word on repeating goes before the status, and `Retry-After` before
/// the lot.
#[tokio::test]
async fn stripes_advice_is_obeyed() {
    let script = Script::start([
        reply(400, "{}").with("stripe-should-retry", "true"),
        reply(429, "{}").with("retry-after", "7"),
        reply(500, "{}").with("stripe-should-retry", "false"),
        reply(429, "{}").with("retry-after", "3600"),
    ])
    .await;
    let (client, timing) = client_of(&script);
    let error = client.account().await.unwrap_err();
    assert_eq!((error.kind(), script.asked().len()), (ErrorKind::Server, 3));
    assert_eq!(timing.waits_ms(), [250, 7000]);
    // An hour is nothing to wait for inside a request.
    let error = client.account().await.unwrap_err();
    assert_eq!((error.kind(), script.asked().len()), (ErrorKind::RateLimited, 4));
}

/// Shows that refusals are not repeated and that every part of Stripe's explanation is kept,
/// but that its words are not printed.
#[tokio::test]
async fn refusals_are_explained() {
    let declined = r#"{"error":{"type":"card_error","code":"card_declined",
        "decline_code":"insufficient_funds","message":"Your card has insufficient funds.",
        "charge":"ch_1","advice_code":"try_again_later","doc_url":"https://stripe.com/docs/x",
        "payment_intent":{"id":"pi_1","object":"payment_intent","status":"requires_payment_method"},
        "payment_method":{"id":"pm_1","object":"payment_method"},"unknown":{}}}"#;
    let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing",
        "param":"id","message":"No such customer: 'cus_x'"}}"#;
    let body_missing = missing.replace("\"id\"", "\"customer\"");
    let clash = r#"{"error":{"type":"idempotency_error","message":"Keys for idempotent …"}}"#;
    let script = Script::start([
        reply(402, declined).with("request-id", "req_2"),
        reply(404, missing),
        reply(400, &body_missing),
        reply(400, clash),
        reply(401, r#"{"error":{"type":"invalid_request_error","message":"Invalid API Key"}}"#),
        reply(403, r#"{"error":{"type":"invalid_request_error","message":"rk_ … lacks"}}"#),
        reply(302, "").with("location", "https://example.com/"),
    ])
    .await;
    let (client, timing) = client_of(&script);

    let error = client.invoices().pay("in_1", &Params::new(), &key("k")).await.unwrap_err();
    assert!(error.is_card_error() && !error.is_transient() && !error.may_have_happened());
    let problem = error.api().unwrap();
    assert_eq!(problem.status, 402);
    assert_eq!(problem.error_type.as_deref(), Some("card_error"));
    assert_eq!(problem.message.as_deref(), Some("Your card has insufficient funds."));
    assert_eq!(problem.advice_code.as_deref(), Some("try_again_later"));
    assert_eq!(problem.charge_id.as_deref(), Some("ch_1"));
    assert_eq!(problem.payment_intent_id.as_deref(), Some("pi_1"));
    assert_eq!(problem.payment_intent_status.as_deref(), Some("requires_payment_method"));
    assert_eq!(problem.payment_method_id.as_deref(), Some("pm_1"));
    assert_eq!(
        error.to_string(),
        "the payment was declined: POST /v1/invoices/in_1/pay (status 402, code card_declined, \
         decline code insufficient_funds, request req_2)"
    );

    let none = Params::new();
    let error = client.customers().retrieve("cus_x", &none).await.unwrap_err();
    assert!(error.is_missing());
    let error = client.subscriptions().create(&none, &key("k")).await.unwrap_err();
    assert!(!error.is_missing(), "a missing reference is not a missing object");
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidRequest, Some("resource_missing")));
    let error = client.customers().create(&none, &key("k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Idempotency);
    let kinds = [ErrorKind::Authentication, ErrorKind::Permission, ErrorKind::InvalidRequest];
    for expected in kinds {
        assert_eq!(client.account().await.unwrap_err().kind(), expected);
    }
    assert_eq!(script.asked().len(), 7, "nothing was repeated, no redirect was followed");
    assert!(timing.waits_ms().is_empty());
}

/// Shows that silence ends as a time-out, which is repeated, and that a caller can tell that a
/// write may have happened.
#[tokio::test]
async fn silence_is_a_timeout() {
    let script = Script::start([Reply::hanging(), Reply::hanging(), Reply::hanging()]).await;
    let settings = ClientConfig { timeout: Duration::from_millis(60), ..config(&script.base_url) };
    let client = Client::with_timing(settings, Arc::new(FakeTiming::default())).unwrap();
    let error = client.customers().create(&Params::new(), &key("k")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert!(error.is_transient() && error.may_have_happened());
    assert!(script.asked().iter().all(|a| a.header("idempotency-key") == Some("k")));
}

/// Shows that a turning away after a lost attempt leaves open what that attempt did, while a
/// refusal under the same key settles it.
#[tokio::test]
async fn a_lost_attempt_is_not_forgotten() {
    let refusal = r#"{"error":{"type":"invalid_request_error","code":"parameter_missing"}}"#;
    let gone = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
    let script = Script::start([
        reply(429, "{}").with("stripe-should-retry", "false"),
        reply(500, "{}"),
        reply(429, "{}").with("stripe-should-retry", "false"),
        reply(500, "{}"),
        reply(400, refusal),
        reply(500, "{}"),
        reply(404, gone),
    ])
    .await;
    let (client, _) = client_of(&script);
    let none = Params::new();
    let mut answers = Vec::new();
    for _ in 0..3 {
        let error = client.refunds().create(&none, &key("k")).await.unwrap_err();
        answers.push((error.attempts(), error.may_have_happened()));
    }
    let error = client.subscriptions().cancel("sub_1", &none).await.unwrap_err();
    answers.push((error.attempts(), error.may_have_happened()));
    assert_eq!(answers, [(1, false), (2, true), (2, false), (2, true)]);
    assert!(error.is_missing());
}

/// Shows that a closed port and a connection that breaks are both lost connections, repeated,
/// and that nothing of the key is in the error.
#[tokio::test]
async fn lost_connections_are_repeated() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = tokio::spawn(async move {
        for _ in 0..3 {
            drop(listener.accept().await.unwrap());
        }
        // The listener is dropped here: from now on the port is closed.
    });
    let client = Client::with_timing(config(&base_url), Arc::new(FakeTiming::default())).unwrap();
    let broken = client.account().await.unwrap_err();
    assert_eq!((broken.kind(), broken.attempts()), (ErrorKind::Connection, 3));
    assert!(!broken.may_have_happened(), "a read has no effect");
    accepted.await.unwrap();
    let refused = client.account().await.unwrap_err();
    assert_eq!((refused.kind(), refused.attempts()), (ErrorKind::Connection, 3));
    let unsent = client.refunds().create(&Params::new(), &key("k")).await.unwrap_err();
    assert_eq!(unsent.kind(), ErrorKind::Connection);
    assert!(!unsent.may_have_happened(), "nothing was sent through a closed port");
    for error in [broken, refused] {
        assert!(!format!("{error} {error:?}").contains(KEY));
    }
}

/// Shows that the time of reading is told by Stripe's clock and covers the time in flight, and
/// that a replayed answer claims nothing about the present.
#[tokio::test]
async fn the_time_of_reading_is_stripes() {
    let date = "Thu, 29 Feb 2024 23:59:59 GMT";
    let script = Script::start([
        reply(200, CUSTOMER).with("date", date),
        reply(200, CUSTOMER).with("date", date).with("idempotent-replayed", "true"),
        reply(200, CUSTOMER).with("date", "yesterday"),
    ])
    .await;
    let timing = Arc::new(FakeTiming::stepping(Duration::from_millis(1_500)));
    let client = Client::with_timing(config(&script.base_url), timing).unwrap();
    let to = 1_709_251_199;
    let read = client.customers().retrieve("cus_1", &Params::new()).await.unwrap();
    assert_eq!(read.read_at, ReadAt { from: to - 3, to });
    let replayed = client.customers().create(&Params::new(), &key("k")).await.unwrap();
    assert!(replayed.replayed);
    assert_eq!(replayed.read_at, ReadAt { from: 0, to });
    let error = client.customers().retrieve("cus_1", &Params::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

/// Shows that answers of another shape are an error that names the field and no value.
#[tokio::test]
async fn unreadable_answers_are_explained() {
    let script = Script::start([
        reply(200, r#"{"id":"sub_1","object":"subscription"}"#).with("request-id", "req_3"),
        reply(200, r#"{"id":"sub_1","customer":"cus_1","status":{"hush":"hush"}}"#),
        reply(200, "<html>"),
    ])
    .await;
    let (client, _) = client_of(&script);
    let mut texts = Vec::new();
    for _ in 0..3 {
        let error = client.subscriptions().retrieve("sub_1", &Params::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!error.is_transient());
        texts.push(error.to_string());
    }
    assert_eq!(
        texts[0],
        "Stripe's answer could not be read: GET /v1/subscriptions/sub_1: the answer is no \
         Subscription: field `customer` is missing (request req_3)"
    );
    assert!(!texts.concat().contains("hush"));
}

/// Shows that lists are followed to their end by the last id, with the filters kept, and that
/// each object keeps its text.
#[tokio::test]
async fn lists_are_followed_to_their_end() {
    let page = |ids: &[&str], more: bool| {
        let items: Vec<String> = ids
            .iter()
            .map(|id| {
                format!(
                    r#"{{"id":"{id}","object":"subscription","customer":"cus_1","created":1,
                    "status":"hibernating","items":{{"object":"list","data":[]}}}}"#
                )
            })
            .collect();
        reply(
            200,
            &format!(r#"{{"object":"list","data":[{}],"has_more":{more}}}"#, items.join(",")),
        )
    };
    let pages = || [page(&["sub_3", "sub_2"], true), page(&["sub_1"], false)];
    let script = Script::start(pages().into_iter().chain(pages())).await;
    let (client, _) = client_of(&script);

    let mut pager = client.subscriptions().of_customer("cus_1");
    let first = pager.next_page().await.unwrap().unwrap();
    assert_eq!(first.object.data.len(), 2);
    assert!(first.object.data[0].raw.get().contains("hibernating"));
    assert_eq!(first.object.data[0].status, SubscriptionStatus::from("hibernating"));
    assert!(pager.next_page().await.unwrap().is_some());
    assert!(pager.next_page().await.unwrap().is_none());
    let uris: Vec<String> = script.asked().into_iter().map(|a| a.uri).collect();
    assert_eq!(
        uris,
        [
            "/v1/subscriptions?customer=cus_1&status=all&limit=100",
            "/v1/subscriptions?customer=cus_1&status=all&limit=100&starting_after=sub_2"
        ]
    );
    let all = client.subscriptions().of_customer("cus_1").collect(100).await.unwrap();
    assert_eq!(all.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["sub_3", "sub_2", "sub_1"]);
}

/// Shows that evidence is never sent by leaving a parameter out.
#[tokio::test]
async fn evidence_is_submitted_only_when_said() {
    let dispute = r#"{"id":"du_1","object":"dispute","amount":1,"currency":"usd","charge":"ch_1",
        "reason":"fraudulent","status":"needs_response","created":1}"#;
    let script = Script::start([reply(200, dispute), reply(200, dispute)]).await;
    let (client, _) = client_of(&script);
    let evidence = || Params::new().set("evidence[customer_name]", "A");
    client.disputes().update("du_1", evidence(), false, &key("a")).await.unwrap();
    client.disputes().update("du_1", evidence(), true, &key("b")).await.unwrap();
    let bodies: Vec<String> = script.asked().into_iter().map(|a| a.body).collect();
    assert_eq!(
        bodies,
        ["evidence[customer_name]=A&submit=false", "evidence[customer_name]=A&submit=true"]
    );
}

/// Shows which configurations are refused, and that no text shows the key.
#[test]
fn bad_configurations_are_refused() {
    let with = |secret: &str, base: &str, version: &str| {
        let mut config = ClientConfig::new(secret.to_owned().into()).with_base_url(base);
        config.api_version = version.to_owned();
        Client::new(config).map(|client| format!("{client:?}"))
    };
    let (key, base, version) = ("sk_test_hush", "https://api.stripe.com", "2026-08-26.dahlia");
    assert!(!with(key, base, version).unwrap().contains("hush"));
    assert!(with("sk_live_hush", base, version).is_ok());
    assert_eq!(with("", base, version), Err(InvalidConfig::SecretKey));
    assert_eq!(with("sk_test_a b", base, version), Err(InvalidConfig::SecretKey));
    assert_eq!(with("sk_test_a\n", base, version), Err(InvalidConfig::SecretKey));
    assert_eq!(with(key, "ftp://x", version), Err(InvalidConfig::BaseUrl));
    assert_eq!(with(key, "api.stripe.com", version), Err(InvalidConfig::BaseUrl));
    assert_eq!(with(key, base, "newest"), Err(InvalidConfig::ApiVersion));
    assert_eq!(with("rk_live_hush", "http://x", version), Err(InvalidConfig::LiveKeyOverHttp));
    let config = ClientConfig::new("sk_test_hush".to_owned().into());
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(config.key_mode(), KeyMode::Test);
    assert!(IdempotencyKey::new("").is_err() && IdempotencyKey::new("a b").is_err());
    assert!(IdempotencyKey::new("x".repeat(255)).is_ok());
    assert!(IdempotencyKey::new("x".repeat(256)).is_err());
}
