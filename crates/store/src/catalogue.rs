//! The catalogue's copy in the database: for reports and for people who query it with SQL.
//! The program itself sells from the catalogue it was started with.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::values;
use crate::value::Val;
use domain::catalogue::{Catalogue, Limit};

impl Store {
    /// Writes the catalogue in force. A plan that is no longer sold stays, inactive.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sync_catalogue(&self, catalogue: &Catalogue) -> StoreResult<()> {
        let catalogue = catalogue.clone();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute("update subscription_plans set active = 0 where active = 1", &[]).await?;
                for plan in catalogue.plans() {
                    let id = plan.id.as_str();
                    tx.execute(
                        "insert into subscription_plans (id, name, description, rank, active)
                         values ($1, $2, $3, $4, 1)
                         on conflict (id) do update set
                             name = excluded.name, description = excluded.description,
                             rank = excluded.rank, active = 1",
                        values![id, &plan.name, &plan.description, plan.rank],
                    )
                    .await?;
                    tx.execute("delete from plan_limits where plan_id = $1", values![id]).await?;
                    tx.execute("delete from plan_prices where plan_id = $1", values![id]).await?;
                    for feature in catalogue.features() {
                        let (kind, value) = match plan.limit(&feature.id) {
                            Limit::Number(n) => ("number", Val::Int(n)),
                            Limit::Unlimited => ("unlimited", Val::Null),
                            Limit::Disabled => ("disabled", Val::Null),
                        };
                        tx.execute(
                            "insert into plan_limits (plan_id, feature_id, kind, value)
                             values ($1, $2, $3, $4)",
                            values![id, feature.id.as_str(), kind, value],
                        )
                        .await?;
                    }
                    for price in &plan.prices {
                        tx.execute(
                            "insert into plan_prices
                                 (plan_id, billing_interval, currency, amount_minor, stripe_price_id)
                             values ($1, $2, $3, $4, $5)",
                            values![
                                id,
                                price.interval.name(),
                                price.amount.currency.code(),
                                price.amount.minor,
                                price.stripe_price.clone(),
                            ],
                        )
                        .await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}
