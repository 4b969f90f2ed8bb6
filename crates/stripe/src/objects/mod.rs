//! Stripe's objects, as far as Billhook reads them.
//!
//! It owns the shapes: every field that differs between API versions is read from each place
//! where it ever was and answered by one method. It never refuses a value it does not know:
//! enums are open ([`open`]), unknown fields are passed over, and only what no version leaves
//! out is required. Start reading at [`subscription`].
//!
//! Amounts are whole numbers in the currency's smallest unit, currencies lower-case ISO codes,
//! times whole seconds ([`crate::UnixSeconds`]).

#[macro_use]
pub mod open;

pub mod envelope;

pub mod subscription;

pub mod schedule;

pub mod invoice;

pub mod customer;

pub mod checkout;

pub mod payment;

pub mod risk;

pub mod catalog;

pub mod account;

pub use account::{Account, AccountRequirements, TestClock, TestClockStatus, WebhookEndpoint};
pub use catalog::{Interval, Price, PriceType, Product, Recurring};
pub use checkout::{
    CheckoutMode, CheckoutPaymentStatus, CheckoutSession, CheckoutStatus, PortalConfiguration,
    PortalSession,
};
pub use customer::{Card, Customer, PaymentMethod};
pub use envelope::{Deleted, Expandable, Identified, Kept, List, MaybeDeleted, Metadata};
pub use invoice::{
    BillingReason, Invoice, InvoiceLine, InvoicePayment, InvoicePreview, InvoiceStatus,
};
pub use payment::{
    Charge, ChargeStatus, PaymentError, PaymentIntent, PaymentIntentStatus, Refund, RefundReason,
    RefundStatus,
};
pub use risk::{Dispute, DisputeStatus, EarlyFraudWarning, FraudType};
pub use schedule::{ScheduleStatus, SubscriptionSchedule};
pub use subscription::{
    CollectionMethod, PauseBehavior, Subscription, SubscriptionItem, SubscriptionStatus,
};
