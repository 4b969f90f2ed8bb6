//! Stripe's own resource examples and description, read from the folder `shared` beside the
//! repository.

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stripe::{
    Event, EventEnvelope,
    objects::{
        Account, BillingReason, Charge, ChargeStatus, CheckoutMode, CheckoutPaymentStatus,
        CheckoutSession, CheckoutStatus, CollectionMethod, Customer, Dispute, DisputeStatus,
        EarlyFraudWarning, Interval, Invoice, InvoicePayment, InvoicePreview, InvoiceStatus,
        MaybeDeleted, PauseBehavior, PaymentIntent, PaymentIntentStatus, PaymentMethod,
        PortalConfiguration, PortalSession, Price, PriceType, Product, Refund, RefundReason,
        ScheduleStatus, Subscription, SubscriptionItem, SubscriptionSchedule, SubscriptionStatus,
        TestClock, TestClockStatus, WebhookEndpoint, schedule::EndBehavior,
    },
};

fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/stripe").join(file);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("SKIPPED: because ../shared/stripe/{file} is not beside the repository");
    }
    None
}

fn resources() -> Option<Value> {
    let text = std::fs::read_to_string(shared("fixtures3.json")?).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    Some(all["resources"].clone())
}

fn read<T: DeserializeOwned>(resources: &Value, name: &str) -> T {
    let resource = &resources[name];
    assert!(resource.is_object(), "no example `{name}`");
    match serde_json::from_str(&resource.to_string()) {
        Ok(object) => object,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Shows that each of Stripe's examples is read as the type that stands for it.
#[test]
fn every_example_is_read() {
    let Some(all) = resources() else { return };
    let subscription: Subscription = read(&all, "subscription");
    assert_eq!(subscription.status, SubscriptionStatus::Active);
    assert_eq!(subscription.customer_id(), "cus_QXg1o8vcGmoR32");
    assert_eq!(subscription.current_period_end(), Some(976_287_773));
    let _: SubscriptionItem = read(&all, "subscription_item");
    let invoice: Invoice = read(&all, "invoice");
    assert_eq!(invoice.status, Some(InvoiceStatus::Draft));
    assert_eq!(invoice.lines.data.len(), 1);
    let _: InvoicePreview = read(&all, "invoice");
    let _: InvoicePayment = read(&all, "invoice_payment");
    let _: Customer = read(&all, "customer");
    let gone: MaybeDeleted<Customer> = read(&all, "deleted_customer");
    assert!(gone.live().is_none());
    let _: PaymentMethod = read(&all, "payment_method");
    let session: CheckoutSession = read(&all, "checkout.session");
    assert!(session.is_open());
    let _: PortalSession = read(&all, "billing_portal.session");
    let portal: PortalConfiguration = read(&all, "billing_portal.configuration");
    assert!(portal.features.is_object());
    let _: PaymentIntent = read(&all, "payment_intent");
    let _: Charge = read(&all, "charge");
    let _: Refund = read(&all, "refund");
    let _: Dispute = read(&all, "dispute");
    let warning: EarlyFraudWarning = read(&all, "radar.early_fraud_warning");
    assert!(warning.actionable);
    let _: Price = read(&all, "price");
    let _: Product = read(&all, "product");
    let _: SubscriptionSchedule = read(&all, "subscription_schedule");
    let _: Account = read(&all, "account");
    let endpoint: WebhookEndpoint = read(&all, "webhook_endpoint");
    assert!(endpoint.secret.is_none());
    let _: TestClock = read(&all, "test_helpers.test_clock");
    let event: Event = read(&all, "event");
    assert_eq!(event.object_kind().as_deref(), Some("plan"));
}

/// Shows that an event about any object Stripe has an example of can be accepted.
#[test]
fn an_event_about_anything_is_accepted() {
    let Some(all) = resources() else { return };
    for (name, object) in all.as_object().unwrap() {
        if !object["object"].is_string() {
            continue;
        }
        let body = json!({
            "id": "evt_1", "object": "event", "type": format!("{name}.happened"), "created": 1,
            "livemode": false, "api_version": null, "data": {"object": object},
        })
        .to_string();
        let event = EventEnvelope::parse(body.as_bytes()).unwrap();
        assert_eq!(Some(event.object_kind.as_ref()), object["object"].as_str(), "{name}");
        assert_eq!(event.object_id.as_deref(), object["id"].as_str(), "{name}");
    }
}

/// Shows that every word that Stripe's description allows in a field is a word we know.
#[test]
fn every_described_word_is_known() {
    let Some(file) = shared("openapi-2026-08-26.dahlia.json.gz") else { return };
    let mut text = String::new();
    let packed = std::fs::File::open(file).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let schemas = &document["components"]["schemas"];

    macro_rules! covered {
        ($($schema:literal . $field:literal is $word:ty;)+) => {$(
            let words = &schemas[$schema]["properties"][$field]["enum"];
            let described: BTreeSet<&str> =
                words.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            assert!(!described.is_empty(), concat!($schema, ".", $field, " lists no words"));
            for word in described.into_iter().filter(|word| !word.is_empty()) {
                assert!(<$word>::from(word).is_known(), "{}.{}: {word}", $schema, $field);
            }
        )+};
    }
    covered! {
        "subscription"."status" is SubscriptionStatus;
        "subscription"."collection_method" is CollectionMethod;
        "subscriptions_resource_pause_collection"."behavior" is PauseBehavior;
        "subscription_schedule"."status" is ScheduleStatus;
        "subscription_schedule"."end_behavior" is EndBehavior;
        "invoice"."status" is InvoiceStatus;
        "invoice"."billing_reason" is BillingReason;
        "checkout.session"."mode" is CheckoutMode;
        "checkout.session"."status" is CheckoutStatus;
        "checkout.session"."payment_status" is CheckoutPaymentStatus;
        "payment_intent"."status" is PaymentIntentStatus;
        "charge"."status" is ChargeStatus;
        "refund"."reason" is RefundReason;
        "dispute"."status" is DisputeStatus;
        "price"."type" is PriceType;
        "recurring"."interval" is Interval;
        "test_helpers.test_clock"."status" is TestClockStatus;
    }
}
