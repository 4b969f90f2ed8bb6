//! From Stripe's wire types to the domain's facts. The only place where both meet.

use domain::catalogue::Catalogue;
use domain::ids::OrganizationId;
use domain::mirror::{
    Charge, Customer, Dispute, FraudWarning, Invoice, InvoiceStatus, Refund, Subscription,
    SubscriptionStatus,
};
use domain::money::{Currency, Money};
use domain::time::Timestamp;
use stripe::objects as wire;

/// An object that lacks what every object of its kind has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untranslatable(pub String);

/// The key under which each customer and subscription of ours names its organisation.
pub const ORGANIZATION_KEY: &str = "organization_id";

fn time(seconds: Option<i64>) -> Option<Timestamp> {
    seconds.map(Timestamp::from_seconds)
}

fn money(minor: i64, currency: &str) -> Result<Money, Untranslatable> {
    let currency = Currency::parse(currency).map_err(|error| Untranslatable(error.to_string()))?;
    Ok(Money::new(minor, currency))
}

fn missing(what: &str) -> Untranslatable {
    Untranslatable(format!("the object has no `{what}`"))
}

/// A customer, or what is left of a deleted one.
pub(super) fn customer(
    one: wire::MaybeDeleted<wire::Customer>,
) -> Result<Customer, Untranslatable> {
    Ok(match one {
        wire::MaybeDeleted::Deleted(gone) => Customer {
            id: gone.id,
            email: None,
            name: None,
            deleted: true,
            organization: None,
            default_payment_method: None,
        },
        wire::MaybeDeleted::Live(one) => Customer {
            organization: one
                .metadata
                .get(ORGANIZATION_KEY)
                .and_then(|text| OrganizationId::parse(text).ok()),
            default_payment_method: one.default_payment_method_id().map(ToOwned::to_owned),
            id: one.id,
            email: one.email,
            name: one.name,
            deleted: one.deleted,
        },
    })
}

/// A subscription. The plan is carried by the item whose price the catalogue sells; others are
/// add-ons that somebody made at Stripe. When none is sold, the first one is named.
pub(super) fn subscription(
    one: wire::Subscription,
    catalogue: &Catalogue,
) -> Result<Subscription, Untranslatable> {
    let items = &one.items.data;
    let item = items
        .iter()
        .find(|item| catalogue.sold_by(&item.price.id).is_some())
        .or_else(|| items.first());
    Ok(Subscription {
        customer: one.customer_id().to_owned(),
        status: SubscriptionStatus::parse(one.status.as_str()),
        item: item.map(|item| item.id.clone()),
        price: item.map(|item| item.price.id.clone()),
        quantity: item.and_then(|item| item.quantity).unwrap_or(1),
        created: Timestamp::from_seconds(one.created),
        period_start: time(one.current_period_start()),
        period_end: time(one.current_period_end()),
        start_date: time(one.start_date),
        cancel_at_period_end: one.cancel_at_period_end,
        cancel_at: time(one.cancel_at),
        ended_at: time(one.ended_at),
        trial_end: time(one.trial_end),
        latest_invoice: one.latest_invoice.as_ref().map(|one| one.id().to_owned()),
        default_payment_method: one.default_payment_method.as_ref().map(|one| one.id().to_owned()),
        schedule: one.schedule.as_ref().map(|one| one.id().to_owned()),
        id: one.id,
    })
}

/// An invoice.
pub(super) fn invoice(one: wire::Invoice) -> Result<Invoice, Untranslatable> {
    let customer = one.customer_id().ok_or_else(|| missing("customer"))?.to_owned();
    let status = one.status.as_ref().ok_or_else(|| missing("status"))?;
    Ok(Invoice {
        customer,
        subscription: one.subscription_id().map(ToOwned::to_owned),
        status: InvoiceStatus::parse(status.as_str()),
        billing_reason: one.billing_reason.as_ref().map(|reason| reason.as_str().to_owned()),
        total: money(one.total, &one.currency)?,
        amount_due: one.amount_due,
        amount_paid: one.amount_paid,
        attempt_count: one.attempt_count,
        next_payment_attempt: time(one.next_payment_attempt),
        created: Timestamp::from_seconds(one.created),
        period_start: time(one.period_start),
        period_end: time(one.period_end),
        paid_at: time(one.status_transitions.paid_at),
        number: one.number,
        hosted_invoice_url: one.hosted_invoice_url,
        invoice_pdf: one.invoice_pdf,
        id: one.id,
    })
}

/// A charge.
pub(super) fn charge(one: wire::Charge) -> Result<Charge, Untranslatable> {
    let card = one.card();
    Ok(Charge {
        customer: one.customer.as_ref().map(|one| one.id().to_owned()),
        payment_intent: one.payment_intent.as_ref().map(|one| one.id().to_owned()),
        status: one.status.as_str().to_owned(),
        amount: money(one.amount, &one.currency)?,
        amount_refunded: one.amount_refunded,
        disputed: one.disputed,
        card_brand: card.and_then(|card| card.brand.clone()),
        card_last4: card.and_then(|card| card.last4.clone()),
        card_fingerprint: card.and_then(|card| card.fingerprint.clone()),
        created: Timestamp::from_seconds(one.created),
        failure_code: one.failure_code,
        id: one.id,
    })
}

/// A refund.
pub(super) fn refund(one: wire::Refund) -> Result<Refund, Untranslatable> {
    Ok(Refund {
        charge: one.charge.as_ref().map(|one| one.id().to_owned()),
        status: one.status.as_ref().map_or("succeeded", |status| status.as_str()).to_owned(),
        reason: one.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        amount: money(one.amount, &one.currency)?,
        created: Timestamp::from_seconds(one.created),
        id: one.id,
    })
}

/// A dispute.
pub(super) fn dispute(one: wire::Dispute) -> Result<Dispute, Untranslatable> {
    Ok(Dispute {
        charge: one.charge.id().to_owned(),
        status: one.status.as_str().to_owned(),
        reason: one.reason,
        amount: money(one.amount, &one.currency)?,
        due_by: time(one.evidence_details.due_by),
        submission_count: one.evidence_details.submission_count,
        created: Timestamp::from_seconds(one.created),
        id: one.id,
    })
}

/// An early fraud warning.
pub(super) fn fraud_warning(one: wire::EarlyFraudWarning) -> Result<FraudWarning, Untranslatable> {
    Ok(FraudWarning {
        charge: one.charge.id().to_owned(),
        fraud_type: one.fraud_type.as_str().to_owned(),
        actionable: one.actionable,
        created: Timestamp::from_seconds(one.created),
        id: one.id,
    })
}
