//! One subscription and one invoice as acacia, basil and dahlia write them.

use serde_json::{Value, json};
use stripe::objects::{BillingReason, Invoice, InvoiceStatus, Subscription};

fn price() -> Value {
    json!({
        "id": "price_team", "object": "price", "currency": "usd", "unit_amount": 9900,
        "unit_amount_decimal": "9900", "product": "prod_team", "active": true, "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "lookup_key": "team_monthly", "metadata": {}, "created": 1, "livemode": false,
    })
}

fn subscription(version: &str) -> Value {
    let mut item = json!({
        "id": "si_1", "object": "subscription_item", "price": price(), "quantity": 3,
        "subscription": "sub_1", "metadata": {}, "created": 1_700_000_000,
    });
    let mut subscription = json!({
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active",
        "created": 1_700_000_000, "start_date": 1_700_000_000, "currency": "usd",
        "cancel_at": 1_702_592_000, "cancel_at_period_end": true, "canceled_at": 1_700_001_000,
        "ended_at": null, "trial_end": null, "schedule": "sub_sched_1",
        "latest_invoice": "in_1", "default_payment_method": "pm_1", "pause_collection": null,
        "collection_method": "charge_automatically", "livemode": false,
        "metadata": {"organization_id": "org_1"}, "test_clock": null,
        "cancellation_details": {"reason": "cancellation_requested"},
    });
    let period = json!({
        "current_period_start": 1_700_000_000, "current_period_end": 1_702_592_000,
    });
    let home = if version == "acacia" { &mut subscription } else { &mut item };
    merge(home, period);
    if version == "dahlia" {
        merge(&mut subscription, json!({"billing_mode": {"type": "flexible"}, "plan": null}));
        // Expanded, as after a request of ours.
        subscription["customer"] =
            json!({"id": "cus_1", "object": "customer", "created": 1, "livemode": false});
    }
    subscription["items"] = json!({
        "object": "list", "data": [item], "has_more": false, "total_count": 1, "url": "/v1/x",
    });
    subscription
}

fn invoice(version: &str) -> Value {
    let mut line = json!({
        "id": "il_1", "object": "line_item", "amount": 9900, "currency": "usd", "quantity": 1,
        "description": "1 × Team", "period": {"start": 1_700_000_000, "end": 1_702_592_000},
    });
    let mut invoice = json!({
        "id": "in_1", "object": "invoice", "customer": "cus_1", "status": "paid",
        "currency": "usd", "amount_due": 9900, "amount_paid": 9900, "amount_remaining": 0,
        "subtotal": 9000, "total": 9900, "number": "ABC-0001", "created": 1_700_000_000,
        "billing_reason": "subscription_update", "attempted": true, "attempt_count": 1,
        "next_payment_attempt": null, "period_start": 1_700_000_000,
        "period_end": 1_702_592_000, "hosted_invoice_url": "https://x", "invoice_pdf": null,
        "status_transitions": {"finalized_at": 1_700_000_001, "paid_at": 1_700_000_002},
    });
    let error = json!({"type": "card_error", "code": "card_declined",
        "decline_code": "insufficient_funds", "payment_method": {"id": "pm_0"}});
    let intent = json!({"id": "pi_1", "object": "payment_intent", "status": "succeeded",
        "latest_charge": "ch_1", "last_payment_error": error});
    if version == "acacia" {
        merge(
            &mut line,
            json!({
                "price": price(), "proration": true, "subscription": "sub_1",
                "subscription_item": "si_1", "type": "subscription",
            }),
        );
        merge(
            &mut invoice,
            json!({
                "paid": true, "subscription": "sub_1", "tax": 900, "payment_intent": intent,
                "charge": "ch_1", "subscription_proration_date": 1_700_000_500,
                "subscription_details": {"metadata": {"organization_id": "org_1"}},
            }),
        );
    } else {
        merge(
            &mut line,
            json!({
                "pricing": {"type": "price_details", "unit_amount_decimal": "9900",
                    "price_details": {"price": "price_team", "product": "prod_team"}},
                "parent": {"type": "subscription_item_details", "invoice_item_details": null,
                    "subscription_item_details": {"proration": true, "subscription": "sub_1",
                        "subscription_item": "si_1", "invoice_item": null}},
            }),
        );
        merge(
            &mut invoice,
            json!({
                "total_taxes": [{"amount": 600}, {"amount": 300}],
                "parent": {"type": "subscription_details", "quote_details": null,
                    "subscription_details": {"subscription": "sub_1",
                        "metadata": {"organization_id": "org_1"},
                        "subscription_proration_date": 1_700_000_500}},
                "payments": {"object": "list", "has_more": false, "data": [
                    {"id": "inpay_0", "object": "invoice_payment", "invoice": "in_1",
                        "status": "canceled", "is_default": false,
                        "payment": {"type": "payment_intent", "payment_intent": "pi_0"}},
                    {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1",
                        "status": "paid", "is_default": true, "amount_paid": 9900,
                        "payment": {"type": "payment_intent", "payment_intent": intent}},
                ]},
            }),
        );
    }
    invoice["lines"] = json!({"object": "list", "data": [line], "has_more": false});
    invoice
}

fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { panic!("an object") };
    into.as_object_mut().unwrap().extend(from);
}

/// Shows that a subscription says the same in each version.
#[test]
fn a_subscription_reads_the_same_in_every_version() {
    for version in ["acacia", "basil", "dahlia"] {
        let read: Subscription = serde_json::from_str(&subscription(version).to_string()).unwrap();
        assert_eq!(read.current_period_start(), Some(1_700_000_000), "{version}");
        assert_eq!(read.current_period_end(), Some(1_702_592_000), "{version}");
        assert_eq!(read.customer_id(), "cus_1");
        assert_eq!(read.schedule_id(), Some("sub_sched_1"));
        assert_eq!(read.latest_invoice_id(), Some("in_1"));
        assert_eq!(read.default_payment_method_id(), Some("pm_1"));
        assert_eq!(read.test_clock_id(), None);
        assert_eq!(read.price_ids().collect::<Vec<_>>(), ["price_team"]);
        assert_eq!(read.items.data[0].price.product_id(), "prod_team");
        assert_eq!(read.items.data[0].quantity, Some(3));
        assert_eq!(read.metadata["organization_id"], "org_1");
        assert!(read.is_ending() && read.status.is_live());
    }
}

/// Shows that with items of different periods the latest start and the earliest end count.
#[test]
fn mixed_periods_give_the_narrowest_one() {
    let mut value = subscription("basil");
    let mut yearly = value["items"]["data"][0].clone();
    yearly["id"] = json!("si_2");
    yearly["current_period_start"] = json!(1_690_000_000);
    yearly["current_period_end"] = json!(1_721_536_000);
    value["items"]["data"].as_array_mut().unwrap().insert(0, yearly);
    let read: Subscription = serde_json::from_str(&value.to_string()).unwrap();
    assert_eq!(read.current_period_start(), Some(1_700_000_000));
    assert_eq!(read.current_period_end(), Some(1_702_592_000));
}

/// Shows that an invoice says the same in each version.
#[test]
fn an_invoice_reads_the_same_in_every_version() {
    for version in ["acacia", "basil", "dahlia"] {
        let read: Invoice = serde_json::from_str(&invoice(version).to_string()).unwrap();
        assert_eq!(read.subscription_id(), Some("sub_1"), "{version}");
        assert_eq!(read.customer_id(), Some("cus_1"));
        assert_eq!(read.subscription_metadata().unwrap()["organization_id"], "org_1");
        assert_eq!(read.subscription_proration_date(), Some(1_700_000_500));
        assert!(read.is_paid());
        assert_eq!(read.status, Some(InvoiceStatus::Paid));
        assert_eq!(read.billing_reason, Some(BillingReason::SubscriptionUpdate));
        assert_eq!(read.tax(), Some(900), "{version}");
        assert_eq!(read.payment_intent_id(), Some("pi_1"), "{version}");
        assert_eq!(read.charge_id(), Some("ch_1"), "{version}");
        let error = read.last_payment_error().unwrap();
        assert_eq!(error.decline_code.as_deref(), Some("insufficient_funds"));
        assert_eq!(error.payment_method_id.as_deref(), Some("pm_0"));
        let line = &read.lines.data[0];
        assert_eq!(line.price_id(), Some("price_team"), "{version}");
        assert_eq!(line.product_id(), Some("prod_team"), "{version}");
        assert_eq!(line.subscription_id(), Some("sub_1"), "{version}");
        assert_eq!(line.subscription_item_id(), Some("si_1"), "{version}");
        assert!(line.is_proration(), "{version}");
    }
}

/// Shows that the required parts are required and that nulls in the rest do no harm.
#[test]
fn what_must_be_there_is_required() {
    for field in ["id", "customer", "status", "items", "created"] {
        let mut value = subscription("dahlia");
        value.as_object_mut().unwrap().remove(field);
        let error = serde_json::from_str::<Subscription>(&value.to_string()).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
    let mut value = subscription("dahlia");
    for field in ["metadata", "currency", "cancel_at_period_end", "collection_method"] {
        value[field] = Value::Null;
    }
    let read: Subscription = serde_json::from_str(&value.to_string()).unwrap();
    assert!(read.metadata.is_empty());
}
