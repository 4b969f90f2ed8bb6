//! The sample catalogue at Stripe: what `billhook provision` would have made there.

use domain::catalogue::{Catalogue, Interval, PlanId, sample};
use std::collections::BTreeMap;
use stripe::client::IdempotencyKey;
use stripe::form::Params;

fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey::new(format!("shop-{name}")).expect("a short plain text is a key")
}

/// Makes products, prices and the portal's configuration, and gives the catalogue with the
/// prices' ids.
///
/// # Panics
/// When Stripe refuses one of them.
pub(crate) async fn open(stripe: &stripe::Client) -> Catalogue {
    let catalogue = sample::test_automation().expect("the sample is sound");
    let mut prices = BTreeMap::new();
    let mut portal_products = Vec::new();
    for plan in catalogue.plans().iter().filter(|plan| !plan.prices.is_empty()) {
        let id = plan.id.as_str();
        let product = Params::new().set("name", plan.name.as_str()).metadata("plan", id);
        let product = stripe.products().create(&product, &key(id)).await.expect("a product");
        let product = product.object.id.to_string();
        let mut ids = Vec::new();
        for price in &plan.prices {
            let every = match price.interval {
                Interval::Monthly => "month",
                Interval::Yearly => "year",
            };
            let name = format!("{id}_{}", price.interval.name());
            let params = Params::new()
                .set("product", product.as_str())
                .set("currency", price.amount.currency.code().to_lowercase())
                .set("unit_amount", price.amount.minor)
                .set("recurring[interval]", every)
                .set("lookup_key", name.as_str());
            let made = stripe.prices().create(&params, &key(&name)).await.expect("a price");
            let made = made.object.id.to_string();
            prices.insert((PlanId::from(id), price.interval), made.clone());
            ids.push(made);
        }
        portal_products.push(Params::new().set("product", product).values("prices", ids));
    }
    let features = Params::new()
        .set("customer_update[enabled]", true)
        .values("customer_update[allowed_updates]", ["email", "address"])
        .set("invoice_history[enabled]", true)
        .set("payment_method_update[enabled]", true)
        .set("subscription_cancel[enabled]", true)
        .set("subscription_cancel[mode]", "at_period_end")
        .set("subscription_update[enabled]", true)
        .values("subscription_update[default_allowed_updates]", ["price"])
        .set("subscription_update[proration_behavior]", "always_invoice")
        .list("subscription_update[products]", portal_products);
    let portal = Params::new().set("business_profile[headline]", "Acme").nest("features", features);
    stripe.portal_configurations().create(&portal, &key("portal")).await.expect("a portal");
    catalogue.with_stripe_prices(&prices).expect("each price is used once")
}
