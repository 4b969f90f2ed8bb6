//! What time does: renewals, failures, retries, trials, schedules, test clocks.

use serde_json::{Value, json};

use super::{DAY, START, Stripe, id};
use crate::{AfterRetries, Policy};

async fn subscribed(stripe: &Stripe) -> (String, Value) {
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    (customer, subscription)
}

async fn use_card(stripe: &Stripe, customer: &str, card: &str) {
    let path = format!("/v1/payment_methods/{card}/attach");
    let method = id(&stripe.post(&path, &[("customer", customer)]).await);
    let form = [("invoice_settings[default_payment_method]", method.as_str())];
    stripe.post(&format!("/v1/customers/{customer}"), &form).await;
}

async fn status(stripe: &Stripe, subscription: &Value) -> String {
    let now = stripe.get(&format!("/v1/subscriptions/{}", id(subscription)), &[]).await;
    now["status"].as_str().unwrap().to_owned()
}

/// A renewal: period first, its draft, an hour later the payment.
#[tokio::test]
async fn renewal() {
    let stripe = Stripe::new();
    let (customer, subscription) = subscribed(&stripe).await;
    let mark = stripe.mark();
    stripe.engine.advance_clock(START + 31 * DAY).unwrap();
    assert_eq!(stripe.types(mark), ["customer.subscription.updated", "invoice.created"]);
    let draft = stripe.last("invoice.created")["data"]["object"].clone();
    assert_eq!(draft["status"], "draft");
    assert_eq!(draft["created"], START + 31 * DAY);
    let updated = stripe.last("customer.subscription.updated");
    assert_eq!(updated["created"], START + 31 * DAY);
    assert_eq!(
        updated["data"]["previous_attributes"]["items"]["data"][0]["current_period_end"],
        START + 31 * DAY
    );
    assert_eq!(updated["request"]["id"], json!(null));
    let mark = stripe.mark();
    stripe.hours(1);
    assert_eq!(
        stripe.types(mark),
        [
            "invoice.finalized",
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
        ]
    );
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let now = stripe.get(&path, &[("expand[]", "latest_invoice")]).await;
    assert_eq!(now["items"]["data"][0]["current_period_start"], START + 31 * DAY);
    assert_eq!(now["items"]["data"][0]["current_period_end"], START + 61 * DAY);
    assert_eq!(now["latest_invoice"]["number"].as_str().unwrap().split('-').nth(1), Some("0002"));
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
    assert_eq!(invoices["data"].as_array().unwrap().len(), 2);
}

/// A failed renewal is retried after 3, 5 and 7 days, then the subscription is cancelled.
#[tokio::test]
async fn failed_renewal_until_the_end() {
    let stripe = Stripe::new();
    let (customer, subscription) = subscribed(&stripe).await;
    use_card(&stripe, &customer, "pm_card_chargeCustomerFail").await;
    stripe.engine.advance_clock(START + 31 * DAY).unwrap();
    let mark = stripe.mark();
    stripe.hours(1);
    assert_eq!(
        stripe.types(mark),
        [
            "invoice.finalized",
            "payment_intent.created",
            "charge.failed",
            "payment_intent.payment_failed",
            "invoice.payment_failed",
            "customer.subscription.updated",
        ]
    );
    let failed = stripe.last("invoice.payment_failed")["data"]["object"].clone();
    let first = START + 31 * DAY + 3_600;
    assert_eq!(failed["attempt_count"], 1);
    assert_eq!(failed["next_payment_attempt"], first + 3 * DAY);
    assert_eq!(status(&stripe, &subscription).await, "past_due");
    let retry = [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.payment_failed",
        "invoice.updated",
    ];
    for (days, count) in [(3, 2), (5, 3)] {
        let mark = stripe.mark();
        stripe.days(days);
        assert_eq!(stripe.types(mark), retry);
        let failed = stripe.last("invoice.payment_failed")["data"]["object"].clone();
        assert_eq!(failed["attempt_count"], count);
    }
    let mark = stripe.mark();
    stripe.days(7);
    let types = stripe.types(mark);
    assert_eq!(types[..4], retry);
    assert_eq!(types[4], "customer.subscription.deleted");
    let ended = stripe.last("customer.subscription.deleted")["data"]["object"].clone();
    assert_eq!(ended["cancellation_details"]["reason"], "payment_failed");
    let failed = stripe.last("invoice.payment_failed")["data"]["object"].clone();
    assert_eq!(
        (failed["attempt_count"].as_i64(), failed["status"].as_str()),
        (Some(4), Some("open"))
    );
    assert_eq!(failed["next_payment_attempt"], json!(null));
}

/// A better card pays at the next retry and the subscription is active again.
#[tokio::test]
async fn failed_renewal_recovers() {
    let stripe = Stripe::new();
    let (customer, subscription) = subscribed(&stripe).await;
    use_card(&stripe, &customer, "pm_card_chargeCustomerFail").await;
    stripe.engine.advance_clock(START + 31 * DAY + 3_600).unwrap();
    assert_eq!(status(&stripe, &subscription).await, "past_due");
    use_card(&stripe, &customer, "pm_card_visa").await;
    let mark = stripe.mark();
    stripe.days(3);
    assert_eq!(
        stripe.types(mark),
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.updated",
        ]
    );
    assert_eq!(status(&stripe, &subscription).await, "active");
    let previous = &stripe.last("customer.subscription.updated")["data"]["previous_attributes"];
    assert_eq!(previous["status"], "past_due");
}

/// The other two ends of the retries: unpaid, whose later invoices stay drafts, and `past_due`.
#[tokio::test]
async fn other_ends_of_the_retries() {
    for (after, end) in
        [(AfterRetries::MarkUnpaid, "unpaid"), (AfterRetries::LeavePastDue, "past_due")]
    {
        let policy = Policy { after_retries: after, upcoming_days: 0, ..Policy::default() };
        let stripe = Stripe::with(policy);
        let (customer, subscription) = subscribed(&stripe).await;
        use_card(&stripe, &customer, "pm_card_chargeCustomerFail").await;
        stripe.days(31 + 17);
        assert_eq!(status(&stripe, &subscription).await, end);
        stripe.days(14);
        let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
        let newest = invoices["data"][0]["status"].as_str().unwrap();
        assert_eq!(newest, if end == "unpaid" { "draft" } else { "open" });
    }
}

/// A renewal that needs its customer: the invoice says so, and the challenge settles it.
#[tokio::test]
async fn renewal_needs_a_challenge() {
    let stripe = Stripe::new();
    let (customer, subscription) = subscribed(&stripe).await;
    use_card(&stripe, &customer, "pm_card_authenticationRequired").await;
    stripe.engine.advance_clock(START + 31 * DAY).unwrap();
    let mark = stripe.mark();
    stripe.hours(1);
    assert_eq!(
        stripe.types(mark),
        [
            "invoice.finalized",
            "payment_intent.created",
            "payment_intent.requires_action",
            "invoice.payment_failed",
            "invoice.payment_action_required",
            "customer.subscription.updated",
        ]
    );
    let intent = stripe.last("payment_intent.requires_action")["data"]["object"].clone();
    let challenge = stripe.engine.challenge(&id(&intent)).unwrap();
    assert_eq!((challenge.amount, challenge.last4.as_str()), (9_900, "3184"));
    stripe.engine.challenge_resolve(&challenge.id, true).unwrap();
    assert_eq!(status(&stripe, &subscription).await, "active");
    assert!(stripe.engine.challenge(&challenge.id).is_none());
}

/// A trial: free invoice, notice three days before, then the first payment.
#[tokio::test]
async fn trial_and_its_end() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let form = [("trial_period_days", "14"), ("expand[]", "latest_invoice")];
    let subscription = stripe.subscribe(&customer, &price, &form).await;
    assert_eq!(subscription["status"], "trialing");
    assert_eq!(subscription["latest_invoice"]["status"], "paid");
    let line = &subscription["latest_invoice"]["lines"]["data"][0];
    assert_eq!(line["description"], "Free trial for 1 × Team");
    let mark = stripe.mark();
    stripe.days(11);
    assert_eq!(stripe.types(mark), ["customer.subscription.trial_will_end"]);
    stripe.days(4);
    assert_eq!(status(&stripe, &subscription).await, "active");
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer)]).await;
    assert_eq!(invoices["data"][0]["amount_paid"], 9_900);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let now = stripe.get(&path, &[]).await;
    assert_eq!(now["billing_cycle_anchor"], START + 14 * DAY);
}

/// A trial that ends without a card, by what the subscription says.
#[tokio::test]
async fn trial_ends_without_a_card() {
    for (behavior, end) in
        [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
    {
        let stripe = Stripe::new();
        let customer = id(&stripe.post("/v1/customers", &[]).await);
        let price = stripe.price("Team", 9_900, "month").await;
        let form = [
            ("trial_period_days", "2"),
            ("trial_settings[end_behavior][missing_payment_method]", behavior),
        ];
        let mark = stripe.mark();
        let subscription = stripe.subscribe(&customer, &price, &form).await;
        let last = stripe.types(mark).pop();
        assert_eq!(last.as_deref(), Some("customer.subscription.trial_will_end"));
        stripe.days(3);
        assert_eq!(status(&stripe, &subscription).await, end);
        if end == "paused" {
            use_card(&stripe, &customer, "pm_card_visa").await;
            let path = format!("/v1/subscriptions/{}/resume", id(&subscription));
            stripe.post(&path, &[("billing_cycle_anchor", "now")]).await;
            assert_eq!(status(&stripe, &subscription).await, "active");
        }
    }
}

/// A trial ended by request starts its first paid period at once.
#[tokio::test]
async fn trial_end_now() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[("trial_period_days", "14")]).await;
    stripe.days(2);
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    let form = [("trial_end", "now"), ("expand[]", "latest_invoice")];
    let now = stripe.post(&path, &form).await;
    assert_eq!(now["status"], "active");
    assert_eq!(now["billing_cycle_anchor"], START + 2 * DAY);
    assert_eq!(now["latest_invoice"]["amount_paid"], 9_900);
}

/// A schedule of two phases downgrades at the period's end, without proration.
#[tokio::test]
async fn schedule_downgrades_at_period_end() {
    let stripe = Stripe::new();
    let customer = stripe.customer("pm_card_visa").await;
    let (big, team) =
        (stripe.price("Big", 49_900, "month").await, stripe.price("Team", 9_900, "month").await);
    let subscription = stripe.subscribe(&customer, &big, &[]).await;
    let form = [("from_subscription", id(&subscription))];
    let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let schedule = stripe.post("/v1/subscription_schedules", &form).await;
    assert_eq!(schedule["status"], "active");
    let (start, end) = (
        schedule["phases"][0]["start_date"].to_string(),
        schedule["phases"][0]["end_date"].to_string(),
    );
    let path = format!("/v1/subscription_schedules/{}", id(&schedule));
    let updated = stripe
        .post(
            &path,
            &[
                ("end_behavior", "release"),
                ("phases[0][items][0][price]", &big),
                ("phases[0][start_date]", &start),
                ("phases[0][end_date]", &end),
                ("phases[1][items][0][price]", &team),
                ("phases[1][duration][interval]", "month"),
                ("phases[1][proration_behavior]", "none"),
            ],
        )
        .await;
    assert_eq!(updated["phases"][1]["start_date"], START + 31 * DAY);
    let sub_path = format!("/v1/subscriptions/{}", id(&subscription));
    let held = stripe.call("POST", &sub_path, &[("cancel_at_period_end", "true")]).await;
    assert_eq!(held.status, 400, "{}", held.body);
    stripe.days(32);
    let now = stripe.get(&sub_path, &[("expand[]", "latest_invoice")]).await;
    assert_eq!(now["items"]["data"][0]["price"]["id"], team);
    assert_eq!(now["latest_invoice"]["amount_paid"], 9_900);
    assert_eq!(stripe.get(&path, &[]).await["current_phase"]["start_date"], START + 31 * DAY);
    stripe.days(31);
    assert_eq!(stripe.get(&path, &[]).await["status"], "released");
    assert_eq!(stripe.get(&sub_path, &[]).await["schedule"], json!(null));

    let again = stripe.post("/v1/subscription_schedules", &form).await;
    let path = format!("/v1/subscription_schedules/{}/release", id(&again));
    let released = stripe.post(&path, &[]).await;
    assert_eq!(released["released_subscription"], id(&subscription));
}

/// A test clock has a time of its own: objects carry it, events carry the simulator's.
#[tokio::test]
async fn test_clock_through_many_renewals() {
    let stripe = Stripe::new();
    let frozen = (START - 100 * DAY).to_string();
    let clock = stripe
        .post("/v1/test_helpers/test_clocks", &[("frozen_time", &frozen), ("name", "trip")])
        .await;
    let clock_path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let customer = stripe
        .post(
            "/v1/customers",
            &[
                ("test_clock", &id(&clock)),
                ("payment_method", "pm_card_visa"),
                ("invoice_settings[default_payment_method]", "pm_card_visa"),
            ],
        )
        .await;
    let customer = id(&customer);
    let price = stripe.price("Team", 9_900, "month").await;
    let subscription = stripe.subscribe(&customer, &price, &[]).await;
    assert_eq!(subscription["created"], START - 100 * DAY);
    assert_eq!(subscription["test_clock"], id(&clock));
    let advance = format!("{clock_path}/advance");
    let too_far = (START + 30 * DAY).to_string();
    let refused = stripe.call("POST", &advance, &[("frozen_time", &too_far)]).await;
    assert_eq!(refused.status, 400);
    let mut to = START - 100 * DAY;
    for _ in 0..6 {
        to += 31 * DAY;
        let moving = stripe.post(&advance, &[("frozen_time", &to.to_string())]).await;
        assert_eq!(moving["status"], "advancing");
        assert_eq!(stripe.get(&clock_path, &[]).await["status"], "ready");
    }
    let invoices = stripe.get("/v1/invoices", &[("customer", &customer), ("limit", "100")]).await;
    let invoices = invoices["data"].as_array().unwrap();
    assert_eq!(invoices.len(), 7);
    assert!(invoices.iter().skip(1).all(|invoice| invoice["status"] == "paid"));
    assert_eq!(stripe.last("invoice.paid")["created"], START);
    let mut more = Vec::new();
    for _ in 0..2 {
        more.push(stripe.post("/v1/customers", &[("test_clock", &id(&clock))]).await);
    }
    let fourth = stripe.call("POST", "/v1/customers", &[("test_clock", &id(&clock))]).await;
    assert_eq!(fourth.status, 400);
    stripe.delete(&clock_path, &[]).await;
    let gone = stripe.get(&format!("/v1/customers/{customer}"), &[]).await;
    assert_eq!(gone["deleted"], true);
}

/// A year for a hundred subscriptions on the simulator's clock: every renewal is made.
#[tokio::test]
async fn a_year_for_a_hundred() {
    let stripe = Stripe::new();
    let price = stripe.price("Team", 9_900, "month").await;
    for _ in 0..100 {
        let customer = stripe.customer("pm_card_visa").await;
        stripe.subscribe(&customer, &price, &[]).await;
    }
    let mark = stripe.mark();
    stripe.days(366);
    let paid = stripe
        .engine
        .events_after(mark, usize::MAX)
        .iter()
        .filter(|event| event.event_type == "invoice.paid")
        .count();
    assert_eq!(paid, 1_200);
}
