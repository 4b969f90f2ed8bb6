//! Which object an event is about: one table.

/// The objects that the mirror follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `customer`.
    Customer,
    /// A `customer` that is gone. The event carries it as it was, so Stripe is asked.
    DeletedCustomer,
    /// `subscription`.
    Subscription,
    /// The subscription that a `subscription_schedule` steers.
    SubscriptionOfSchedule,
    /// `invoice`.
    Invoice,
    /// The invoice that an `invoice_payment` pays.
    InvoiceOfPayment,
    /// `checkout.session`.
    CheckoutSession,
    /// `charge`.
    Charge,
    /// `refund`.
    Refund,
    /// `dispute`.
    Dispute,
    /// `radar.early_fraud_warning`.
    FraudWarning,
}

/// Every event type we handle. All others are stored and ignored: what they tell is either told
/// by one of these too, or is nothing we keep.
pub const HANDLED: &[(&str, Kind)] = &[
    ("customer.created", Kind::Customer),
    ("customer.updated", Kind::Customer),
    ("customer.deleted", Kind::DeletedCustomer),
    ("customer.subscription.created", Kind::Subscription),
    ("customer.subscription.updated", Kind::Subscription),
    ("customer.subscription.deleted", Kind::Subscription),
    ("customer.subscription.paused", Kind::Subscription),
    ("customer.subscription.resumed", Kind::Subscription),
    ("customer.subscription.pending_update_applied", Kind::Subscription),
    ("customer.subscription.pending_update_expired", Kind::Subscription),
    ("customer.subscription.trial_will_end", Kind::Subscription),
    ("subscription_schedule.created", Kind::SubscriptionOfSchedule),
    ("subscription_schedule.updated", Kind::SubscriptionOfSchedule),
    ("subscription_schedule.released", Kind::SubscriptionOfSchedule),
    ("subscription_schedule.completed", Kind::SubscriptionOfSchedule),
    ("subscription_schedule.canceled", Kind::SubscriptionOfSchedule),
    ("subscription_schedule.aborted", Kind::SubscriptionOfSchedule),
    ("invoice.created", Kind::Invoice),
    ("invoice.updated", Kind::Invoice),
    ("invoice.finalized", Kind::Invoice),
    ("invoice.finalization_failed", Kind::Invoice),
    ("invoice.paid", Kind::Invoice),
    ("invoice.payment_succeeded", Kind::Invoice),
    ("invoice.payment_failed", Kind::Invoice),
    ("invoice.payment_action_required", Kind::Invoice),
    ("invoice.voided", Kind::Invoice),
    ("invoice.marked_uncollectible", Kind::Invoice),
    ("invoice_payment.paid", Kind::InvoiceOfPayment),
    ("checkout.session.completed", Kind::CheckoutSession),
    ("checkout.session.expired", Kind::CheckoutSession),
    ("checkout.session.async_payment_succeeded", Kind::CheckoutSession),
    ("checkout.session.async_payment_failed", Kind::CheckoutSession),
    ("charge.succeeded", Kind::Charge),
    ("charge.failed", Kind::Charge),
    ("charge.pending", Kind::Charge),
    ("charge.updated", Kind::Charge),
    ("charge.captured", Kind::Charge),
    ("charge.expired", Kind::Charge),
    ("charge.refunded", Kind::Charge),
    ("refund.created", Kind::Refund),
    ("refund.updated", Kind::Refund),
    ("refund.failed", Kind::Refund),
    ("charge.refund.updated", Kind::Refund),
    ("charge.dispute.created", Kind::Dispute),
    ("charge.dispute.updated", Kind::Dispute),
    ("charge.dispute.closed", Kind::Dispute),
    ("charge.dispute.funds_withdrawn", Kind::Dispute),
    ("charge.dispute.funds_reinstated", Kind::Dispute),
    ("radar.early_fraud_warning.created", Kind::FraudWarning),
    ("radar.early_fraud_warning.updated", Kind::FraudWarning),
];

/// The kind of object an event of this type is about; none when we do not handle it.
#[must_use]
pub fn kind_of(event_type: &str) -> Option<Kind> {
    HANDLED.iter().find(|(name, _)| *name == event_type).map(|(_, kind)| *kind)
}
