//! Every route on one page.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{
    Reply, account, billing_portal, checkout, customers, events, invoices, payment_intents,
    payment_methods, payments, prices, products, risk, schedules, setup_intents, subscriptions,
    test_clocks, webhook_endpoints,
};
use crate::state::{Object, Tx};

/// One request: the ids of its path in order, and its checked parameters.
pub(crate) struct Call<'c> {
    pub(crate) ids: &'c [String],
    pub(crate) args: &'c Object,
}

impl Call<'_> {
    /// The first id of the path.
    pub(crate) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }
}

type Handler = fn(&mut Tx<'_>, &Call<'_>) -> Reply;

/// A route: method and path pattern as in Stripe's OpenAPI document, and its function.
pub(crate) struct Route {
    pub(crate) pattern: &'static str,
    pub(crate) handler: Handler,
}

/// Fixed words come before ids where both would match.
pub(crate) static ROUTES: &[Route] = &[
    r("GET /v1/account", account::retrieve),
    r("GET /v1/balance", account::balance),
    r("GET /v1/balance_transactions", account::transactions),
    r("GET /v1/balance_transactions/{id}", account::transaction),
    r("POST /v1/customers", customers::create),
    r("GET /v1/customers", customers::list),
    r("GET /v1/customers/search", customers::search),
    r("GET /v1/customers/{customer}", customers::retrieve),
    r("POST /v1/customers/{customer}", customers::update),
    r("DELETE /v1/customers/{customer}", customers::delete),
    r("GET /v1/customers/{customer}/payment_methods", customers::payment_methods),
    r("GET /v1/customers/{customer}/payment_methods/{payment_method}", customers::payment_method),
    r("GET /v1/customers/{customer}/balance_transactions", customers::balance_transactions),
    r("POST /v1/customers/{customer}/balance_transactions", customers::adjust_balance),
    r("POST /v1/products", products::create),
    r("GET /v1/products", products::list),
    r("GET /v1/products/search", products::search),
    r("GET /v1/products/{id}", products::retrieve),
    r("POST /v1/products/{id}", products::update),
    r("DELETE /v1/products/{id}", products::delete),
    r("POST /v1/prices", prices::create),
    r("GET /v1/prices", prices::list),
    r("GET /v1/prices/search", prices::search),
    r("GET /v1/prices/{price}", prices::retrieve),
    r("POST /v1/prices/{price}", prices::update),
    r("POST /v1/payment_methods", payment_methods::create),
    r("GET /v1/payment_methods", payment_methods::list),
    r("GET /v1/payment_methods/{payment_method}", payment_methods::retrieve),
    r("POST /v1/payment_methods/{payment_method}", payment_methods::update),
    r("POST /v1/payment_methods/{payment_method}/attach", payment_methods::attach),
    r("POST /v1/payment_methods/{payment_method}/detach", payment_methods::detach),
    r("POST /v1/setup_intents", setup_intents::create),
    r("GET /v1/setup_intents", setup_intents::list),
    r("GET /v1/setup_intents/{intent}", setup_intents::retrieve),
    r("POST /v1/setup_intents/{intent}", setup_intents::update),
    r("POST /v1/setup_intents/{intent}/confirm", setup_intents::confirm),
    r("POST /v1/setup_intents/{intent}/cancel", setup_intents::cancel),
    r("POST /v1/payment_intents", payment_intents::create),
    r("GET /v1/payment_intents", payment_intents::list),
    r("GET /v1/payment_intents/search", payment_intents::search),
    r("GET /v1/payment_intents/{intent}", payment_intents::retrieve),
    r("POST /v1/payment_intents/{intent}", payment_intents::update),
    r("POST /v1/payment_intents/{intent}/confirm", payment_intents::confirm),
    r("POST /v1/payment_intents/{intent}/cancel", payment_intents::cancel),
    r("POST /v1/payment_intents/{intent}/capture", payment_intents::capture),
    r("GET /v1/charges", payments::list_charges),
    r("GET /v1/charges/search", payments::search_charges),
    r("GET /v1/charges/{charge}", payments::retrieve_charge),
    r("POST /v1/charges/{charge}", payments::update_charge),
    r("GET /v1/charges/{charge}/refunds", payments::refunds_of_charge),
    r("POST /v1/refunds", payments::create_refund),
    r("GET /v1/refunds", payments::list_refunds),
    r("GET /v1/refunds/{refund}", payments::retrieve_refund),
    r("POST /v1/refunds/{refund}", payments::update_refund),
    r("POST /v1/subscriptions", subscriptions::create),
    r("GET /v1/subscriptions", subscriptions::list),
    r("GET /v1/subscriptions/search", subscriptions::search),
    r("GET /v1/subscriptions/{subscription_exposed_id}", subscriptions::retrieve),
    r("POST /v1/subscriptions/{subscription_exposed_id}", subscriptions::update),
    r("DELETE /v1/subscriptions/{subscription_exposed_id}", subscriptions::cancel),
    r("POST /v1/subscriptions/{subscription}/resume", subscriptions::resume),
    r("GET /v1/subscription_items", subscriptions::list_items),
    r("POST /v1/subscription_items", subscriptions::create_item),
    r("GET /v1/subscription_items/{item}", subscriptions::retrieve_item),
    r("POST /v1/subscription_items/{item}", subscriptions::update_item),
    r("DELETE /v1/subscription_items/{item}", subscriptions::delete_item),
    r("POST /v1/subscription_schedules", schedules::create),
    r("GET /v1/subscription_schedules", schedules::list),
    r("GET /v1/subscription_schedules/{schedule}", schedules::retrieve),
    r("POST /v1/subscription_schedules/{schedule}", schedules::update),
    r("POST /v1/subscription_schedules/{schedule}/release", schedules::release),
    r("POST /v1/subscription_schedules/{schedule}/cancel", schedules::cancel),
    r("POST /v1/invoices", invoices::create),
    r("GET /v1/invoices", invoices::list),
    r("GET /v1/invoices/search", invoices::search),
    r("POST /v1/invoices/create_preview", invoices::preview),
    r("GET /v1/invoices/{invoice}", invoices::retrieve),
    r("POST /v1/invoices/{invoice}", invoices::update),
    r("DELETE /v1/invoices/{invoice}", invoices::delete),
    r("GET /v1/invoices/{invoice}/lines", invoices::lines),
    r("POST /v1/invoices/{invoice}/finalize", invoices::finalize),
    r("POST /v1/invoices/{invoice}/pay", invoices::pay),
    r("POST /v1/invoices/{invoice}/void", invoices::void),
    r("POST /v1/invoices/{invoice}/mark_uncollectible", invoices::mark_uncollectible),
    r("POST /v1/invoices/{invoice}/send", invoices::send),
    r("GET /v1/invoice_payments", invoices::list_payments),
    r("GET /v1/invoice_payments/{invoice_payment}", invoices::retrieve_payment),
    r("POST /v1/invoiceitems", invoices::create_item),
    r("GET /v1/invoiceitems", invoices::list_items),
    r("GET /v1/invoiceitems/{invoiceitem}", invoices::retrieve_item),
    r("POST /v1/invoiceitems/{invoiceitem}", invoices::update_item),
    r("DELETE /v1/invoiceitems/{invoiceitem}", invoices::delete_item),
    r("POST /v1/checkout/sessions", checkout::create),
    r("GET /v1/checkout/sessions", checkout::list),
    r("GET /v1/checkout/sessions/{session}", checkout::retrieve),
    r("POST /v1/checkout/sessions/{session}", checkout::update),
    r("GET /v1/checkout/sessions/{session}/line_items", checkout::line_items),
    r("POST /v1/checkout/sessions/{session}/expire", checkout::expire),
    r("GET /v1/payment_pages/{session}", checkout::payment_page),
    r("POST /v1/payment_pages/{session}/confirm", checkout::confirm_page),
    r("POST /v1/billing_portal/sessions", billing_portal::create_session),
    r("POST /v1/billing_portal/configurations", billing_portal::create_configuration),
    r("GET /v1/billing_portal/configurations", billing_portal::list_configurations),
    r(
        "GET /v1/billing_portal/configurations/{configuration}",
        billing_portal::retrieve_configuration,
    ),
    r(
        "POST /v1/billing_portal/configurations/{configuration}",
        billing_portal::update_configuration,
    ),
    r("GET /v1/events", events::list),
    r("GET /v1/events/{id}", events::retrieve),
    r("POST /v1/webhook_endpoints", webhook_endpoints::create),
    r("GET /v1/webhook_endpoints", webhook_endpoints::list),
    r("GET /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints::retrieve),
    r("POST /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints::update),
    r("DELETE /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints::delete),
    r("POST /v1/test_helpers/test_clocks", test_clocks::create),
    r("GET /v1/test_helpers/test_clocks", test_clocks::list),
    r("GET /v1/test_helpers/test_clocks/{test_clock}", test_clocks::retrieve),
    r("DELETE /v1/test_helpers/test_clocks/{test_clock}", test_clocks::delete),
    r("POST /v1/test_helpers/test_clocks/{test_clock}/advance", test_clocks::advance),
    r("GET /v1/disputes", risk::list_disputes),
    r("GET /v1/disputes/{dispute}", risk::retrieve_dispute),
    r("POST /v1/disputes/{dispute}", risk::update_dispute),
    r("POST /v1/disputes/{dispute}/close", risk::close_dispute),
    r("GET /v1/radar/early_fraud_warnings", risk::list_warnings),
    r("GET /v1/radar/early_fraud_warnings/{early_fraud_warning}", risk::retrieve_warning),
];

const fn r(pattern: &'static str, handler: Handler) -> Route {
    Route { pattern, handler }
}

/// The route of a request and the ids in its path.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    type Table = HashMap<(String, usize), Vec<(&'static Route, Vec<&'static str>)>>;
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = Table::new();
        for route in ROUTES {
            let (method, path) = route.pattern.split_once(' ').unwrap_or(("GET", route.pattern));
            let parts: Vec<&str> = path.split('/').skip(1).collect();
            let place = (method.to_owned(), parts.len());
            table.entry(place).or_default().push((route, parts));
        }
        table
    });
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
    let candidates = table.get(&(method.to_owned(), parts.len()))?;
    candidates.iter().find_map(|(route, pattern)| {
        let mut ids = Vec::new();
        for (wanted, given) in pattern.iter().zip(&parts) {
            if wanted.starts_with('{') {
                let id = percent_encoding::percent_decode_str(given).decode_utf8_lossy();
                ids.push(id.into_owned());
            } else if wanted != given {
                return None;
            }
        }
        Some((*route, ids))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Fixed words win over ids, and every route has its parameters declared.
    #[test]
    fn routes_are_found_and_declared() {
        let (route, ids) = find("GET", "/v1/customers/search").unwrap();
        assert_eq!((route.pattern, ids.len()), ("GET /v1/customers/search", 0));
        let (route, ids) = find("POST", "/v1/customers/cus_1/").unwrap();
        assert_eq!((route.pattern, ids), ("POST /v1/customers/{customer}", vec!["cus_1".into()]));
        assert!(find("PUT", "/v1/customers").is_none());
        for route in ROUTES {
            assert!(crate::protocol::is_declared(route.pattern), "{}", route.pattern);
        }
    }
}
