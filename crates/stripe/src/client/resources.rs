//! The typed calls, grouped as Stripe groups them: `client.customers().retrieve("cus_1")`.
//!
//! Parameters are [`Params`] under Stripe's own names, so that the reference at
//! <https://docs.stripe.com/api> holds here too. Every write takes an [`IdempotencyKey`].

use super::{Client, Fetched, IdempotencyKey, Pager, StripeError, path};
use crate::{
    Event,
    form::Params,
    objects::{
        Account, Charge, CheckoutSession, Customer, Deleted, Dispute, EarlyFraudWarning, Invoice,
        InvoicePayment, InvoicePreview, Kept, List, MaybeDeleted, PaymentIntent, PaymentMethod,
        PortalConfiguration, PortalSession, Price, Product, Refund, Subscription,
        SubscriptionSchedule, TestClock, WebhookEndpoint,
    },
};

type Answer<T> = Result<Fetched<T>, StripeError>;

/// Defines a group of calls: its accessor on [`Client`] and its struct.
macro_rules! group {
    ($accessor:ident, $name:ident, $what:literal) => {
        impl Client {
            #[doc = concat!("Calls about ", $what, ".")]
            #[must_use]
            pub fn $accessor(&self) -> $name<'_> {
                $name(self)
            }
        }

        #[doc = concat!("Calls about ", $what, ".")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a>(&'a Client);
    };
}

/// Defines the calls that are alike for every kind of object. All return [`StripeError`] as
/// the client's generic calls do.
macro_rules! calls {
    ($name:ident $segments:tt $object:ty => $($call:ident)+) => {
        impl $name<'_> {
            $( calls!(@$call $segments $object); )+
        }
    };
    (@create [$($segment:literal),+] $object:ty) => {
        /// Makes one.
        ///
        /// # Errors
        /// As [`Client::post`].
        pub async fn create(&self, params: &Params, key: &IdempotencyKey) -> Answer<$object> {
            self.0.post(&path(&[$($segment),+]), params, key).await
        }
    };
    (@retrieve [$($segment:literal),+] $object:ty) => {
        /// Reads one. `params` is for `expand`.
        ///
        /// # Errors
        /// As [`Client::get`]; [`StripeError::is_missing`] when there is none.
        pub async fn retrieve(&self, id: &str, params: &Params) -> Answer<$object> {
            self.0.get(&path(&[$($segment,)+ id]), params).await
        }
    };
    (@update [$($segment:literal),+] $object:ty) => {
        /// Changes one.
        ///
        /// # Errors
        /// As [`Client::post`].
        pub async fn update(&self, id: &str, params: &Params, key: &IdempotencyKey) -> Answer<$object> {
            self.0.post(&path(&[$($segment,)+ id]), params, key).await
        }
    };
    (@delete [$($segment:literal),+] $object:ty) => {
        /// Deletes one.
        ///
        /// # Errors
        /// As [`Client::delete`].
        pub async fn delete(&self, id: &str) -> Answer<Deleted> {
            self.0.delete(&path(&[$($segment,)+ id]), &Params::new()).await
        }
    };
    (@list [$($segment:literal),+] $object:ty) => {
        /// One page of them, newest first.
        ///
        /// # Errors
        /// As [`Client::get`].
        pub async fn list(&self, params: &Params) -> Answer<List<Kept<$object>>> {
            self.0.get(&path(&[$($segment),+]), params).await
        }

        /// All of them, page by page.
        #[must_use]
        pub fn pages(&self, params: Params) -> Pager<$object> {
            self.0.pages(&path(&[$($segment),+]), params)
        }
    };
    (@search [$($segment:literal),+] $object:ty) => {
        /// Those that match a query such as `metadata['organization_id']:'org_1'`. What was
        /// made within the last minute may be absent.
        ///
        /// # Errors
        /// As [`Client::get`].
        pub async fn search(&self, query: &str) -> Answer<List<Kept<$object>>> {
            let params = Params::new().set("query", query).set("limit", 100);
            self.0.get(&path(&[$($segment,)+ "search"]), &params).await
        }
    };
}

group!(customers, Customers, "customers");
calls!(Customers["customers"] Customer => create update delete list search);

impl Customers<'_> {
    /// Reads one. A deleted customer is an answer, not an error.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn retrieve(&self, id: &str, params: &Params) -> Answer<MaybeDeleted<Customer>> {
        self.0.get(&path(&["customers", id]), params).await
    }
}

group!(checkout_sessions, CheckoutSessions, "checkout sessions");
calls!(CheckoutSessions["checkout", "sessions"] CheckoutSession => create retrieve update list);

impl CheckoutSessions<'_> {
    /// Makes an open session unusable.
    ///
    /// # Errors
    /// As [`Client::post`]; refused unless it is open.
    pub async fn expire(&self, id: &str, key: &IdempotencyKey) -> Answer<CheckoutSession> {
        self.0.post(&path(&["checkout", "sessions", id, "expire"]), &Params::new(), key).await
    }
}

group!(portal_sessions, PortalSessions, "customer portal sessions");
calls!(PortalSessions["billing_portal", "sessions"] PortalSession => create);

group!(portal_configurations, PortalConfigurations, "customer portal configurations");
calls!(PortalConfigurations["billing_portal", "configurations"] PortalConfiguration =>
    create retrieve update list);

group!(subscriptions, Subscriptions, "subscriptions");
calls!(Subscriptions["subscriptions"] Subscription => create retrieve update list search);

impl Subscriptions<'_> {
    /// All subscriptions of a customer, the ended ones too.
    #[must_use]
    pub fn of_customer(&self, customer: &str) -> Pager<Subscription> {
        self.pages(Params::new().set("customer", customer).set("status", "all"))
    }

    /// Ends one at once. A second time it is [`StripeError::is_missing`].
    ///
    /// # Errors
    /// As [`Client::delete`].
    pub async fn cancel(&self, id: &str, params: &Params) -> Answer<Subscription> {
        self.0.delete(&path(&["subscriptions", id]), params).await
    }

    /// Lets one end with its period, or takes that back.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn set_cancel_at_period_end(
        &self,
        id: &str,
        ends: bool,
        key: &IdempotencyKey,
    ) -> Answer<Subscription> {
        self.update(id, &Params::new().set("cancel_at_period_end", ends), key).await
    }

    /// Starts a paused one again.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn resume(
        &self,
        id: &str,
        params: &Params,
        key: &IdempotencyKey,
    ) -> Answer<Subscription> {
        self.0.post(&path(&["subscriptions", id, "resume"]), params, key).await
    }
}

group!(subscription_schedules, SubscriptionSchedules, "subscription schedules");
calls!(SubscriptionSchedules["subscription_schedules"] SubscriptionSchedule =>
    create retrieve update list);

impl SubscriptionSchedules<'_> {
    /// Makes one whose first phase is what the subscription is now.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn create_from_subscription(
        &self,
        subscription: &str,
        key: &IdempotencyKey,
    ) -> Answer<SubscriptionSchedule> {
        self.create(&Params::new().set("from_subscription", subscription), key).await
    }

    /// Lets the subscription go on without it.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn release(&self, id: &str, key: &IdempotencyKey) -> Answer<SubscriptionSchedule> {
        self.0.post(&path(&["subscription_schedules", id, "release"]), &Params::new(), key).await
    }

    /// Ends it together with its subscription.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn cancel(
        &self,
        id: &str,
        params: &Params,
        key: &IdempotencyKey,
    ) -> Answer<SubscriptionSchedule> {
        self.0.post(&path(&["subscription_schedules", id, "cancel"]), params, key).await
    }
}

group!(invoices, Invoices, "invoices");
calls!(Invoices["invoices"] Invoice => retrieve list search);

impl Invoices<'_> {
    /// Reckons what a change would cost. Nothing is stored at Stripe.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn create_preview(
        &self,
        params: &Params,
        key: &IdempotencyKey,
    ) -> Answer<InvoicePreview> {
        self.0.post(&path(&["invoices", "create_preview"]), params, key).await
    }

    /// Tries to collect one now. A decline is [`StripeError::is_card_error`].
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn pay(&self, id: &str, params: &Params, key: &IdempotencyKey) -> Answer<Invoice> {
        self.0.post(&path(&["invoices", id, "pay"]), params, key).await
    }

    /// Declares one a mistake.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn void(&self, id: &str, key: &IdempotencyKey) -> Answer<Invoice> {
        self.0.post(&path(&["invoices", id, "void"]), &Params::new(), key).await
    }
}

group!(invoice_payments, InvoicePayments, "payments of invoices");
calls!(InvoicePayments["invoice_payments"] InvoicePayment => retrieve list);

impl InvoicePayments<'_> {
    /// The payment an intent made: since basil the way from a charge to its invoice.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn by_payment_intent(&self, intent: &str) -> Answer<List<Kept<InvoicePayment>>> {
        let params = Params::new()
            .set("payment[type]", "payment_intent")
            .set("payment[payment_intent]", intent);
        self.list(&params).await
    }
}

group!(products, Products, "products");
calls!(Products["products"] Product => create retrieve update list);

group!(prices, Prices, "prices");
calls!(Prices["prices"] Price => create retrieve update list);

impl Prices<'_> {
    /// The active prices with these lookup keys, in no special order, with their products
    /// expanded. Stripe takes at most ten keys.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn by_lookup_keys(&self, keys: &[&str]) -> Answer<List<Kept<Price>>> {
        let params = Params::new()
            .set("active", true)
            .set("limit", 100)
            .values("lookup_keys", keys.iter().copied())
            .expand("data.product");
        self.list(&params).await
    }
}

group!(payment_methods, PaymentMethods, "payment methods");
calls!(PaymentMethods["payment_methods"] PaymentMethod => retrieve list);

group!(payment_intents, PaymentIntents, "payment intents");
calls!(PaymentIntents["payment_intents"] PaymentIntent => retrieve list);

group!(charges, Charges, "charges");
calls!(Charges["charges"] Charge => retrieve list);

group!(refunds, Refunds, "refunds");
calls!(Refunds["refunds"] Refund => create retrieve list);

group!(disputes, Disputes, "disputes");
calls!(Disputes["disputes"] Dispute => retrieve list);

impl Disputes<'_> {
    /// Saves evidence, and sends it to the bank if `submit` says so. Sending cannot be undone.
    /// The choice is always spelt out: left out, Stripe would send.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn update(
        &self,
        id: &str,
        params: Params,
        submit: bool,
        key: &IdempotencyKey,
    ) -> Answer<Dispute> {
        self.0.post(&path(&["disputes", id]), &params.set("submit", submit), key).await
    }

    /// Gives in: the dispute is lost at once. This cannot be undone.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn close(&self, id: &str, key: &IdempotencyKey) -> Answer<Dispute> {
        self.0.post(&path(&["disputes", id, "close"]), &Params::new(), key).await
    }
}

group!(early_fraud_warnings, EarlyFraudWarnings, "early fraud warnings");
calls!(EarlyFraudWarnings["radar", "early_fraud_warnings"] EarlyFraudWarning => retrieve list);

group!(events, Events, "events; Stripe keeps them for 30 days");
calls!(Events["events"] Event => retrieve list);

group!(webhook_endpoints, WebhookEndpoints, "webhook endpoints");
calls!(WebhookEndpoints["webhook_endpoints"] WebhookEndpoint => create retrieve update delete list);

group!(test_clocks, TestClocks, "test clocks");
calls!(TestClocks["test_helpers", "test_clocks"] TestClock => create retrieve delete list);

impl TestClocks<'_> {
    /// Moves one forward. It is done when the status is `ready` again.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn advance(
        &self,
        id: &str,
        frozen_time: crate::UnixSeconds,
        key: &IdempotencyKey,
    ) -> Answer<TestClock> {
        let params = Params::new().set("frozen_time", frozen_time);
        self.0.post(&path(&["test_helpers", "test_clocks", id, "advance"]), &params, key).await
    }
}

impl Client {
    /// The account the key belongs to. A restricted key is often refused
    /// ([`super::ErrorKind::Permission`]).
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn account(&self) -> Answer<Account> {
        self.get("/v1/account", &Params::new()).await
    }
}
