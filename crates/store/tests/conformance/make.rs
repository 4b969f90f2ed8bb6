//! Rows to work with.

use domain::catalogue::{Interval, PlanId};
use domain::entitlement::{Because, BillingStatus, Entitlement};
use domain::ids::{AuditId, IntentId, OrganizationId, OutboxId};
use domain::mirror::{Invoice, InvoiceStatus, Subscription, SubscriptionStatus};
use domain::money::{Currency, Money};
use domain::period::Period;
use domain::time::{Span, Timestamp};
use std::sync::atomic::{AtomicU32, Ordering};
use store::{
    ApplyCommit, AuditEntry, CheckoutRow, CheckoutState, EntitlementRow, NewDelivery, NewIntent,
    NewMessage, OrganizationRow, Store,
};

/// The moment all cases start at.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_772_000_000_000);

/// So many seconds after [`NOW`].
pub(crate) fn after(seconds: u32) -> Timestamp {
    NOW.plus(Span::seconds(seconds))
}

/// An id that sorts by when it was made.
fn body() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{:026}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn event(id: &str) -> NewDelivery {
    event_with(id, format!(r#"{{"id":"{id}"}}"#).as_bytes())
}

pub(crate) fn event_with(id: &str, body: &[u8]) -> NewDelivery {
    NewDelivery {
        id: id.to_owned(),
        kind: "customer.subscription.updated".to_owned(),
        api_version: Some("2026-08-26.dahlia".to_owned()),
        created: NOW.as_seconds(),
        livemode: false,
        object_type: "subscription".to_owned(),
        object_id: Some("sub_1".to_owned()),
        body: NewDelivery::compress(body),
        claimed_until: None,
    }
}

pub(crate) fn organization_row(name: &str) -> OrganizationRow {
    OrganizationRow {
        id: OrganizationId::trusted(format!("org_{}", body())),
        name: name.to_owned(),
        external_id: None,
        stripe_customer_id: None,
        created_at: NOW,
    }
}

/// An organisation that is in the database.
pub(crate) async fn organization(store: &Store) -> OrganizationId {
    let row = organization_row("Acme");
    let id = row.id.clone();
    store.insert_organizations(vec![row]).await.unwrap();
    id
}

pub(crate) fn audit(action: &str) -> AuditEntry {
    AuditEntry {
        id: AuditId::trusted(format!("aud_{}", body())),
        at: NOW,
        actor: "usr_operator".to_owned(),
        action: action.to_owned(),
        target: "evt_1".to_owned(),
        organization: None,
        before: None,
        after: Some(r#"{"state":"pending"}"#.to_owned()),
        reason: Some("because".to_owned()),
    }
}

pub(crate) fn message(dedupe_key: &str) -> NewMessage {
    NewMessage {
        id: OutboxId::trusted(format!("out_{}", body())),
        organization: None,
        kind: "email.payment_failed",
        dedupe_key: dedupe_key.to_owned(),
        body: r#"{"amount":9900}"#.to_owned(),
        due_at: NOW,
    }
}

pub(crate) fn intent(organization: &OrganizationId, kind: &'static str, target: &str) -> NewIntent {
    let body = body();
    NewIntent {
        id: IntentId::trusted(format!("int_{body}")),
        organization: organization.clone(),
        kind,
        target: target.to_owned(),
        idempotency_key: format!("bhk-{body}"),
        params: "{}".to_owned(),
    }
}

pub(crate) fn checkout(id: &str, organization: &OrganizationId, intent: &IntentId) -> CheckoutRow {
    CheckoutRow {
        id: id.to_owned(),
        organization: organization.clone(),
        user: Some("usr_1".to_owned()),
        intent: intent.clone(),
        plan: PlanId("team".to_owned()),
        interval: Interval::Monthly,
        url: Some("https://checkout.example.com/1".to_owned()),
        state: CheckoutState::Open,
        subscription: None,
        created_at: NOW,
        expires_at: after(3_600),
    }
}

pub(crate) fn subscription(id: &str, status: SubscriptionStatus) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "cus_1".to_owned(),
        status,
        item: Some("si_1".to_owned()),
        price: Some("price_1".to_owned()),
        quantity: 1,
        created: NOW,
        period_start: Some(NOW),
        period_end: Some(after(86_400)),
        start_date: Some(NOW),
        cancel_at_period_end: true,
        cancel_at: None,
        ended_at: None,
        trial_end: None,
        latest_invoice: Some("in_1".to_owned()),
        default_payment_method: None,
        schedule: None,
    }
}

pub(crate) fn invoice(id: &str, created: Timestamp) -> Invoice {
    Invoice {
        id: id.to_owned(),
        customer: "cus_1".to_owned(),
        subscription: Some("sub_1".to_owned()),
        number: None,
        status: InvoiceStatus::Open,
        billing_reason: Some("subscription_cycle".to_owned()),
        total: Money::new(9_900, Currency::parse("usd").unwrap()),
        amount_due: 9_900,
        amount_paid: 0,
        attempt_count: 1,
        next_payment_attempt: Some(after(3_600)),
        created,
        period_start: Some(NOW),
        period_end: Some(NOW),
        paid_at: None,
        hosted_invoice_url: None,
        invoice_pdf: None,
    }
}

/// An entitlement that replaces `version`.
pub(crate) fn entitlement(
    organization: &OrganizationId,
    plan: &str,
    version: i64,
) -> EntitlementRow {
    EntitlementRow {
        organization: organization.clone(),
        entitlement: Entitlement {
            plan: PlanId(plan.to_owned()),
            status: BillingStatus::Active,
            is_active: true,
            interval: Some(Interval::Monthly),
            subscription: Some("sub_1".to_owned()),
            surplus: Vec::new(),
            period: Period { start: NOW, end: after(86_400) },
            because: Because {
                fact: "subscription_active",
                detail: "Subscription sub_1 is active.".to_owned(),
            },
            valid_until: None,
        },
        changed_at: NOW,
        version,
    }
}

/// A commit that does nothing yet.
pub(crate) fn commit(organization: &OrganizationId) -> ApplyCommit {
    ApplyCommit {
        organization: organization.clone(),
        mirror: Vec::new(),
        entitlement: None,
        entitlement_stays: None,
        messages: Vec::new(),
        checkout: None,
        customer: None,
        delivery: None,
    }
}
