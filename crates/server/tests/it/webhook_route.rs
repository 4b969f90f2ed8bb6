//! Stripe's way in, from the outside.

use testkit::{Value, json, scenario};

scenario! {
    /// Shows the answer of the page that tells whether webhooks could arrive.
    the_test_route_says_what_is_configured, async |app| {
        let answer = app.nobody().get("/api/webhooks/test").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.text,
            r#"{"status":"ok","message":"Webhook endpoint is accessible","stripeConfigured":true,"webhookSecretConfigured":true}"#
        );
        let node = app.another_node(|settings| settings.stripe.webhook_secrets.clear()).await;
        let answer = app.nobody().at(&node).get("/api/webhooks/test").await.expect(200);
        assert_eq!(answer["webhookSecretConfigured"], false);
        node.close().await;
    }
}

scenario! {
    /// Shows every refusal with its code, that nothing is stored before a signature holds, and
    /// that an event that comes twice is one row and two times 200.
    only_what_is_signed_is_stored, async |app| {
        let session = app.sign_up("acme").await;
        app.stripe_customer(&session.organization, None).await;
        let event = app.events_after(0, None).pop().unwrap().1;
        app.settle().await;
        let before = app.store().delivery_counts().await.unwrap();
        let mut fresh = event.clone();
        fresh["id"] = json!("evt_fresh");
        let body = serde_json::to_vec(&fresh).unwrap();

        app.send_raw(0, body.clone(), None).await.expect_problem(400, "signature_missing");
        app.send_signed(body.clone(), Some("")).await.expect_problem(400, "signature_missing");
        for wrong in ["nonsense", "t=1,v1=00", "t=,v1=", "v1=abc"] {
            app.send_signed(body.clone(), Some(wrong)).await.expect_problem(400, "signature_invalid");
        }
        let foreign = app.send_raw(0, body.clone(), Some("whsec_somebodyElse")).await;
        foreign.expect_problem(400, "signature_invalid");
        let secret = app.secret.clone();
        let broken = app.send_raw(0, b"{\"id\":\"evt_1\",".to_vec(), Some(&secret)).await;
        broken.expect_problem(400, "invalid_request");
        let no_event = app.send_raw(0, b"[]".to_vec(), Some(&secret)).await;
        no_event.expect_problem(400, "invalid_request");
        assert_eq!(app.store().delivery_counts().await.unwrap(), before);

        for _ in 0..2 {
            let taken = app.send_raw(0, body.clone(), Some(&secret)).await;
            assert_eq!(taken.text, r#"{"received":true}"#);
            assert_eq!(taken.status, 200);
        }
        let after = app.store().delivery_counts().await.unwrap();
        let total = |counts: store::DeliveryCounts| {
            counts.pending + counts.claimed + counts.applied + counts.ignored + counts.parked
        };
        assert_eq!(total(after), total(before) + 1);
        app.settle().await;
    }
}

scenario! {
    /// Shows that a body of exactly 1 MiB is judged by its signature, and one byte more is refused
    /// for its size alone.
    a_body_over_a_mebibyte_is_refused, async |app| {
        let mebibyte = vec![b' '; 1024 * 1024];
        app.send_raw(0, mebibyte.clone(), None).await.expect_problem(400, "signature_missing");
        let mut more = mebibyte;
        more.push(b' ');
        app.send_raw(0, more, None).await.expect_problem(413, "payload_too_large");
    }
}

scenario! {
    /// Shows that the route's older name takes events too, and that other methods are told so.
    the_older_name_works, async |app| {
        let session = app.nobody();
        let unsigned = session.post("/api/subscription/webhook", json!({})).await;
        unsigned.expect_problem(400, "signature_missing");
        let wrong = session.get("/api/webhooks/stripe").await;
        assert_eq!(wrong.header("allow"), Some("POST"));
        wrong.expect_problem(405, "method_not_allowed");
    }
}

scenario! {
    /// Shows that operators see a delivery with its payload but without personal data, and that
    /// others do not see it.
    operators_see_deliveries, async |app| {
        let session = app.sign_up("acme").await;
        app.stripe_customer(&session.organization, None).await;
        app.settle().await;
        let operator = app.operator().await;
        let list = operator.get("/api/v1/admin/deliveries?state=applied").await.expect(200);
        let newest = &list["data"][0];
        assert_eq!(newest["type"], "customer.created");
        assert_eq!(newest["organization_id"], json!(session.organization));
        let path = format!("/api/v1/admin/deliveries/{}", newest["id"].as_str().unwrap());
        let shown = operator.get(&path).await.expect(200);
        assert_eq!(shown["payload"]["data"]["object"]["email"], "[left out]");
        assert_eq!(shown["payload"]["data"]["object"]["metadata"]["organization_id"],
            json!(session.organization));
        session.get(&path).await.expect_problem(403, "forbidden");
        operator.get("/api/v1/admin/deliveries/evt_none").await.expect_problem(404, "not_found");
        let wrong = operator.get("/api/v1/admin/deliveries?state=lost").await;
        wrong.expect_problem(400, "invalid_request");

        let replayed = operator.post(&format!("{path}/replay"), json!({})).await.expect(200);
        assert_eq!(replayed["state"], "pending");
        let twice = operator.post(&format!("{path}/replay"), Value::Null).await;
        twice.expect_problem(409, "conflict");
        app.settle().await;
        let again = operator.get(&path).await.expect(200);
        assert!(["applied", "ignored"].contains(&again["state"].as_str().unwrap()), "{again}");
    }
}
