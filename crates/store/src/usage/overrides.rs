//! Limits that operators gave one organisation for a while.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::{Tx, values};
use domain::catalogue::{FeatureId, Limit};
use domain::ids::OrganizationId;
use domain::time::Timestamp;
use domain::usage::LimitOverride;

/// The overrides of several organisations, expired ones included.
pub(super) async fn load(
    tx: &mut Tx,
    organizations: Vec<String>,
) -> StoreResult<Vec<(String, LimitOverride)>> {
    let rows = tx
        .rows(
            "select organization_id, feature_id, kind, value, reason, expires_at
             from limit_overrides where organization_id in list($1)
             order by organization_id, feature_id",
            values![organizations],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("limit_overrides");
            let organization = row.text("organization_id")?;
            let feature = FeatureId(row.text("feature_id")?);
            let kind = row.text("kind")?;
            let value = row.opt_int("value")?;
            let limit = match (kind.as_str(), value) {
                ("number", Some(n)) => Limit::Number(n),
                ("unlimited", None) => Limit::Unlimited,
                ("disabled", None) => Limit::Disabled,
                _ => return Err(row.corrupt("kind")),
            };
            let reason = row.text("reason")?;
            let expires_at = row.time("expires_at")?;
            Ok((organization, LimitOverride { feature, limit, reason, expires_at }))
        })
        .collect()
}

impl Store {
    /// Gives an organisation another limit for a while, in place of an earlier one, with its audit
    /// line in the same commit. It counts from the next decision on, on every node.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn set_limit_override(
        &self,
        organization: &OrganizationId,
        given: LimitOverride,
        by: &str,
        now: Timestamp,
        audit: crate::AuditEntry,
    ) -> StoreResult<()> {
        let (organization, by) = (organization.as_str().to_owned(), by.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let (kind, value) = match given.limit {
                    Limit::Number(n) => ("number", Some(n)),
                    Limit::Unlimited => ("unlimited", None),
                    Limit::Disabled => ("disabled", None),
                };
                tx.execute(
                    "insert into limit_overrides
                         (organization_id, feature_id, kind, value, reason, expires_at,
                          created_by, created_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $8)
                     on conflict (organization_id, feature_id) do update set
                         kind = excluded.kind, value = excluded.value,
                         reason = excluded.reason, expires_at = excluded.expires_at,
                         created_by = excluded.created_by, created_at = excluded.created_at",
                    values![
                        organization,
                        given.feature.as_str(),
                        kind,
                        value,
                        given.reason,
                        given.expires_at,
                        by,
                        now
                    ],
                )
                .await?;
                crate::audit::insert(tx, audit).await
            })
        })
        .await
    }

    /// Takes another limit back, with its audit line in the same commit. Says whether there was
    /// one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn remove_limit_override(
        &self,
        organization: &OrganizationId,
        feature: &FeatureId,
        audit: crate::AuditEntry,
    ) -> StoreResult<bool> {
        let organization = organization.as_str().to_owned();
        let feature = feature.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let touched = tx
                    .execute(
                        "delete from limit_overrides
                         where organization_id = $1 and feature_id = $2",
                        values![organization, feature],
                    )
                    .await?;
                if touched == 1 {
                    crate::audit::insert(tx, audit).await?;
                }
                Ok(touched == 1)
            })
        })
        .await
    }
}
