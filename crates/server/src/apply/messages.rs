//! What people are told when an object of the mirror changes: pure rules.
//!
//! A message is keyed by the fact it tells and not by the event that brought it, so that a
//! repeated, reordered or healed delivery tells nothing twice.

use super::subject::Subject;
use crate::world::World;
use domain::ids::{OrganizationId, OutboxId};
use domain::mirror::{
    Charge, Customer, Dispute, FraudWarning, Invoice, InvoiceStatus, Refund, Subscription,
    SubscriptionStatus,
};
use domain::money::Money;
use domain::time::{Span, Timestamp};
use serde_json::{Value, json};
use store::NewMessage;

/// A fact worth telling: the kind of message, what names the cause, and what the text needs.
pub(super) struct Tiding {
    kind: &'static str,
    cause: String,
    body: Value,
}

/// A mirrored kind with its rule of what to tell.
pub(super) trait Told: Subject {
    /// What follows from `self` taking the place of `held`.
    fn tidings(&self, held: Option<&Self>, now: Timestamp) -> Vec<Tiding>;
}

/// For how long something that happened is still worth telling. A sweep of an account with a past
/// would otherwise write to every customer who ever left. Stripe repeats an event for three days.
const NEWS_FOR: Span = Span::days(4);

fn is_news(happened: Timestamp, now: Timestamp) -> bool {
    now < happened.plus(NEWS_FOR)
}

fn time(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, |moment| Value::from(moment.to_string()))
}

impl Told for Invoice {
    fn tidings(&self, held: Option<&Self>, now: Timestamp) -> Vec<Tiding> {
        if self.is_failing() {
            return vec![Tiding {
                kind: "email.payment_failed",
                cause: format!("{}:{}", self.id, self.attempt_count),
                body: json!({
                    "invoice": self.id,
                    "amount": Money::new(self.amount_due, self.total.currency).to_string(),
                    "attempt": self.attempt_count,
                    "next_attempt": time(self.next_payment_attempt),
                    "pay_url": self.hosted_invoice_url,
                }),
            }];
        }
        let was_paid = held.is_some_and(|held| held.status == InvoiceStatus::Paid);
        let is_news = is_news(self.paid_at.unwrap_or(self.created), now);
        if self.status == InvoiceStatus::Paid && self.amount_paid > 0 && !was_paid && is_news {
            return vec![Tiding {
                kind: "email.payment_succeeded",
                cause: self.id.clone(),
                body: json!({
                    "invoice": self.id,
                    "number": self.number,
                    "amount": Money::new(self.amount_paid, self.total.currency).to_string(),
                    "invoice_url": self.hosted_invoice_url,
                }),
            }];
        }
        Vec::new()
    }
}

impl Told for Subscription {
    fn tidings(&self, held: Option<&Self>, now: Timestamp) -> Vec<Tiding> {
        let had_ended = held.is_some_and(|held| held.status == SubscriptionStatus::Canceled);
        let is_news = is_news(self.ended_at.unwrap_or(self.created), now);
        if self.status == SubscriptionStatus::Canceled && !had_ended && is_news {
            return vec![Tiding {
                kind: "email.subscription_cancelled",
                cause: self.id.clone(),
                body: json!({"subscription": self.id, "ended_at": time(self.ended_at)}),
            }];
        }
        Vec::new()
    }
}

impl Told for Dispute {
    fn tidings(&self, held: Option<&Self>, _: Timestamp) -> Vec<Tiding> {
        if held.is_some() {
            return Vec::new();
        }
        vec![Tiding {
            kind: "alert.dispute_opened",
            cause: self.id.clone(),
            body: json!({
                "dispute": self.id,
                "charge": self.charge,
                "amount": self.amount.to_string(),
                "reason": self.reason,
                "due_by": time(self.due_by),
            }),
        }]
    }
}

impl Told for FraudWarning {
    fn tidings(&self, held: Option<&Self>, _: Timestamp) -> Vec<Tiding> {
        if held.is_some() {
            return Vec::new();
        }
        vec![Tiding {
            kind: "alert.fraud_warning",
            cause: self.id.clone(),
            body: json!({
                "warning": self.id,
                "charge": self.charge,
                "fraud_type": self.fraud_type,
                "actionable": self.actionable,
            }),
        }]
    }
}

macro_rules! nothing_told {
    ($($kind:ty),*) => {$(
        impl Told for $kind {
            fn tidings(&self, _: Option<&Self>, _: Timestamp) -> Vec<Tiding> { Vec::new() }
        }
    )*};
}
nothing_told!(Customer, Charge, Refund);

/// The messages for the outbox.
pub(super) fn messages<T: Told>(
    object: &T,
    held: Option<&T>,
    organization: &OrganizationId,
    world: &World,
    now: Timestamp,
) -> Vec<NewMessage> {
    let tidings = object.tidings(held, now).into_iter();
    tidings
        .map(|tiding| NewMessage {
            id: OutboxId::new(now, &*world.entropy),
            organization: Some(organization.as_str().to_owned()),
            kind: tiding.kind,
            dedupe_key: format!("{}:{}", tiding.kind, tiding.cause),
            body: tiding.body.to_string(),
            due_at: now,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Currency;

    fn invoice(status: &str, attempts: i64) -> Invoice {
        Invoice {
            id: "in_1".to_owned(),
            customer: "cus_1".to_owned(),
            subscription: Some("sub_1".to_owned()),
            number: None,
            status: InvoiceStatus::parse(status),
            billing_reason: None,
            total: Money::new(9_900, Currency::USD),
            amount_due: 9_900,
            amount_paid: if status == "paid" { 9_900 } else { 0 },
            attempt_count: attempts,
            next_payment_attempt: None,
            created: Timestamp::from_seconds(1),
            period_start: None,
            period_end: None,
            paid_at: None,
            hosted_invoice_url: None,
            invoice_pdf: None,
        }
    }

    /// Shows that each failed attempt and the payment are told, each under a key of its own, and
    /// that a draft or an untried invoice tells nothing.
    #[test]
    fn an_invoice_tells_each_attempt_and_its_payment() {
        let keys = |one: &Invoice, held: Option<&Invoice>| -> Vec<String> {
            let tidings = one.tidings(held, Timestamp::from_seconds(2)).into_iter();
            tidings.map(|tiding| format!("{}:{}", tiding.kind, tiding.cause)).collect()
        };
        let nothing: [String; 0] = [];
        assert_eq!(keys(&invoice("open", 0), None), nothing);
        assert_eq!(keys(&invoice("draft", 0), None), nothing);
        assert_eq!(keys(&invoice("open", 1), None), ["email.payment_failed:in_1:1"]);
        let failing = invoice("open", 1);
        assert_eq!(keys(&invoice("open", 2), Some(&failing)), ["email.payment_failed:in_1:2"]);
        let paid = invoice("paid", 2);
        assert_eq!(keys(&paid, Some(&failing)), ["email.payment_succeeded:in_1"]);
        assert_eq!(keys(&paid, Some(&paid)), nothing);
    }
}
