//! Customers and their payment methods.

use serde::Deserialize;

use super::{
    Expandable, Metadata, TestClock,
    envelope::{id_of, identified, lenient},
};
use crate::{StripeId, UnixSeconds};

/// A customer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Customer {
    /// `cus_…`.
    pub id: StripeId,
    /// Set on the last state that a `customer.deleted` event carries.
    #[serde(default, deserialize_with = "lenient")]
    pub deleted: bool,
    /// Where invoices are sent.
    #[serde(default)]
    pub email: Option<String>,
    /// Name of the person or company.
    #[serde(default)]
    pub name: Option<String>,
    /// Negative is credit that lowers the next invoice.
    #[serde(default, deserialize_with = "lenient")]
    pub balance: i64,
    /// Whether the latest invoice went unpaid.
    #[serde(default)]
    pub delinquent: Option<bool>,
    /// Lower-case ISO code; none until the first charge or subscription.
    #[serde(default)]
    pub currency: Option<String>,
    /// When it was made.
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    #[serde(default)]
    invoice_settings: Option<InvoiceSettings>,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
    /// The test clock it lives by.
    #[serde(default)]
    pub test_clock: Option<Expandable<TestClock>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Expandable<PaymentMethod>>,
}

/// A means of payment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PaymentMethod {
    /// `pm_…`.
    pub id: StripeId,
    /// `card`, `sepa_debit`, …
    #[serde(rename = "type")]
    pub method_type: String,
    /// Its owner, once attached.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// What is known of the card, if it is one.
    #[serde(default)]
    pub card: Option<Card>,
    /// When it was made.
    #[serde(default)]
    pub created: UnixSeconds,
    /// Whether it moves real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

/// What may be shown of a card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Card {
    /// `visa`, `mastercard`, …
    #[serde(default)]
    pub brand: Option<String>,
    /// The last four digits.
    #[serde(default)]
    pub last4: Option<String>,
    /// Month of expiry, from 1.
    #[serde(default)]
    pub exp_month: Option<i64>,
    /// Year of expiry.
    #[serde(default)]
    pub exp_year: Option<i64>,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    #[serde(default)]
    pub funding: Option<String>,
    /// Two-letter code of the issuing country.
    #[serde(default)]
    pub country: Option<String>,
    /// The same for the same card number, whoever uses it.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

identified!(Customer, PaymentMethod);

impl Customer {
    /// The payment method invoices are charged to unless a subscription names its own.
    #[must_use]
    pub fn default_payment_method_id(&self) -> Option<&str> {
        self.default_payment_method().map(Expandable::id)
    }

    /// As [`Self::default_payment_method_id`], with the object where it is expanded.
    #[must_use]
    pub fn default_payment_method(&self) -> Option<&Expandable<PaymentMethod>> {
        self.invoice_settings.as_ref()?.default_payment_method.as_ref()
    }

    /// The id of the test clock it lives by.
    #[must_use]
    pub fn test_clock_id(&self) -> Option<&str> {
        id_of(&self.test_clock)
    }
}

impl PaymentMethod {
    /// Its owner's id.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        id_of(&self.customer)
    }
}
