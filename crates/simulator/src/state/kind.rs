//! Which kinds of object exist, their id prefixes and names.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $prefix:literal $object:literal $noun:literal $path:literal;)*) => {
        /// A kind of Stripe object that the simulator keeps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of this list.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The id prefix without the underscore.
            pub fn prefix(self) -> &'static str { match self { $(Kind::$kind => $prefix),* } }

            /// The value of the object's `object` field.
            pub fn object(self) -> &'static str { match self { $(Kind::$kind => $object),* } }

            /// The word in "No such …".
            pub fn noun(self) -> &'static str { match self { $(Kind::$kind => $noun),* } }

            /// The path of its list, also the `url` of list answers.
            pub fn path(self) -> &'static str { match self { $(Kind::$kind => $path),* } }
        }
    };
}

kinds! {
    /// `cus_…`
    Customer "cus" "customer" "customer" "/v1/customers";
    /// `prod_…`
    Product "prod" "product" "product" "/v1/products";
    /// `price_…`
    Price "price" "price" "price" "/v1/prices";
    /// `pm_…`
    PaymentMethod "pm" "payment_method" "PaymentMethod" "/v1/payment_methods";
    /// `seti_…`
    SetupIntent "seti" "setup_intent" "setupintent" "/v1/setup_intents";
    /// `pi_…`
    PaymentIntent "pi" "payment_intent" "payment_intent" "/v1/payment_intents";
    /// `ch_…`
    Charge "ch" "charge" "charge" "/v1/charges";
    /// `re_…`
    Refund "re" "refund" "refund" "/v1/refunds";
    /// `txn_…`
    BalanceTransaction "txn" "balance_transaction" "balance transaction" "/v1/balance_transactions";
    /// `cbtxn_…`
    CustomerBalanceTransaction "cbtxn" "customer_balance_transaction" "customer balance transaction" "/v1/customers";
    /// `sub_…`
    Subscription "sub" "subscription" "subscription" "/v1/subscriptions";
    /// `sub_sched_…`
    Schedule "sub_sched" "subscription_schedule" "subscription_schedule" "/v1/subscription_schedules";
    /// `in_…`
    Invoice "in" "invoice" "invoice" "/v1/invoices";
    /// `inpay_…`
    InvoicePayment "inpay" "invoice_payment" "invoice_payment" "/v1/invoice_payments";
    /// `ii_…`
    InvoiceItem "ii" "invoiceitem" "invoiceitem" "/v1/invoiceitems";
    /// `cs_test_…` and `cs_live_…`
    CheckoutSession "cs" "checkout.session" "checkout.session" "/v1/checkout/sessions";
    /// `bps_…`
    PortalSession "bps" "billing_portal.session" "billing_portal.session" "/v1/billing_portal/sessions";
    /// `bpc_…`
    PortalConfiguration "bpc" "billing_portal.configuration" "configuration" "/v1/billing_portal/configurations";
    /// `we_…`
    WebhookEndpoint "we" "webhook_endpoint" "webhook endpoint" "/v1/webhook_endpoints";
    /// `clock_…`
    TestClock "clock" "test_helpers.test_clock" "test_clock" "/v1/test_helpers/test_clocks";
    /// `du_…`
    Dispute "du" "dispute" "dispute" "/v1/disputes";
    /// `issfr_…`
    FraudWarning "issfr" "radar.early_fraud_warning" "early fraud warning" "/v1/radar/early_fraud_warnings";
}

impl Kind {
    /// The kind that an id's prefix names; the longest prefix wins (`sub_sched_` before `sub_`).
    pub fn of_id(id: &str) -> Option<Kind> {
        Kind::ALL
            .iter()
            .copied()
            .filter(|kind| id.strip_prefix(kind.prefix()).is_some_and(|rest| rest.starts_with('_')))
            .max_by_key(|kind| kind.prefix().len())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    /// An id's prefix alone says its kind, also where one prefix begins another.
    #[test]
    fn prefix_names_the_kind() {
        assert_eq!(Kind::of_id("sub_sched_1"), Some(Kind::Schedule));
        assert_eq!(Kind::of_id("sub_1"), Some(Kind::Subscription));
        assert_eq!(Kind::of_id("cs_test_1"), Some(Kind::CheckoutSession));
        assert_eq!(Kind::of_id("nope_1"), None);
    }
}
