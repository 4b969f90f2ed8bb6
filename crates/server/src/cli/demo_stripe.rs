//! What a company would set up in its Stripe account, done in the simulator through its API:
//! products and prices of the catalogue, the customer portal, and our webhook endpoint.

use anyhow::{Context, Result};
use domain::catalogue::{Catalogue, Interval, PlanId};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use stripe::client::{Client, IdempotencyKey};
use stripe::form::Params;

/// What was set up.
pub(super) struct Shop {
    /// The catalogue with its prices at Stripe.
    pub(super) catalogue: Catalogue,
    /// The secret of the webhook endpoint.
    pub(super) webhook_secret: String,
}

/// Sets the account up. It has to be empty.
pub(super) async fn open(stripe: &Client, catalogue: &Catalogue, webhooks: &str) -> Result<Shop> {
    let mut prices: BTreeMap<(PlanId, Interval), String> = BTreeMap::new();
    let mut in_portal = Vec::new();
    for plan in catalogue.plans().iter().filter(|plan| !plan.is_free()) {
        let id = plan.id.as_str();
        let product = Params::new()
            .set("name", plan.name.as_str())
            .set("description", plan.description.as_str())
            .metadata("plan", id);
        let product = stripe.products().create(&product, &key(id)?).await?;
        let product = product.object.id.to_string();
        let mut of_plan = Vec::new();
        for price in &plan.prices {
            let name = format!("{id}_{}", price.interval.name());
            let params = Params::new()
                .set("product", product.as_str())
                .set("currency", price.amount.currency.code())
                .set("unit_amount", price.amount.minor)
                .set("recurring[interval]", price.interval.stripe_name())
                .set("lookup_key", name.as_str());
            let made = stripe.prices().create(&params, &key(&name)?).await?.object.id.to_string();
            prices.insert((plan.id.clone(), price.interval), made.clone());
            of_plan.push(made);
        }
        in_portal.push(Params::new().set("product", product).values("prices", of_plan));
    }
    let features = Params::new()
        .set("customer_update[enabled]", true)
        .values("customer_update[allowed_updates]", ["email", "name", "address"])
        .set("invoice_history[enabled]", true)
        .set("payment_method_update[enabled]", true)
        .set("subscription_cancel[enabled]", true)
        .set("subscription_cancel[mode]", "at_period_end")
        .set("subscription_update[enabled]", true)
        .values("subscription_update[default_allowed_updates]", ["price"])
        .set("subscription_update[proration_behavior]", "always_invoice")
        .list("subscription_update[products]", in_portal);
    let portal =
        Params::new().set("business_profile[headline]", "Billhook demo").nest("features", features);
    stripe.portal_configurations().create(&portal, &key("portal")?).await?;

    let endpoint = Params::new().set("url", webhooks).values("enabled_events", ["*"]);
    let endpoint = stripe.webhook_endpoints().create(&endpoint, &key("endpoint")?).await?;
    let secret = endpoint.object.secret.context("a new webhook endpoint has a secret")?;
    let catalogue = catalogue
        .with_stripe_prices(&prices)
        .map_err(|faults| anyhow::anyhow!("the catalogue: {}", faults.join(", ")))?;
    Ok(Shop { catalogue, webhook_secret: secret.expose_secret().to_owned() })
}

fn key(name: &str) -> Result<IdempotencyKey> {
    IdempotencyKey::new(format!("demo-{name}")).context("an idempotency key")
}
