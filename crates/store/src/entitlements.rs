//! Entitlements, one row per organisation, and the facts they are computed from.

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::mirror::load_all;
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::catalogue::{Interval, PlanId};
use domain::entitlement::{
    Because, BillingStatus, Entitlement, Facts, PlanOverride, SubscriptionFacts,
};
use domain::ids::OrganizationId;
use domain::mirror::{Invoice, Mirrored, Subscription};
use domain::period::Period;
use domain::time::Timestamp;

/// An entitlement as it stands, or as it is to be written.
#[derive(Debug, Clone)]
pub struct EntitlementRow {
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it says.
    pub entitlement: Entitlement,
    /// When it last said something else.
    pub changed_at: Timestamp,
    /// The version it has; when written, the version it replaces (0 for none).
    pub version: i64,
}

/// Everything the mirror knows about an organisation, on one consistent state of the database.
#[derive(Debug, Clone)]
pub struct OrganizationState {
    /// The organisation.
    pub organization: crate::OrganizationRow,
    /// Its subscriptions, ended ones included.
    pub subscriptions: Vec<Mirrored<Subscription>>,
    /// Its open invoices.
    pub open_invoices: Vec<Mirrored<Invoice>>,
    /// An operator's override, expired or not.
    pub plan_override: Option<PlanOverride>,
    /// The entitlement as last computed.
    pub entitlement: Option<EntitlementRow>,
}

impl OrganizationState {
    /// The facts that its entitlement follows from.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let subscriptions = self.subscriptions.iter().map(|row| {
            let failing = self.open_invoices.iter().map(|invoice| &invoice.object).filter(|one| {
                one.is_failing() && one.subscription.as_ref() == Some(&row.object.id)
            });
            SubscriptionFacts {
                failing_since: failing.map(|invoice| invoice.created).min(),
                subscription: row.object.clone(),
            }
        });
        Facts {
            organization_created: self.organization.created_at,
            subscriptions: subscriptions.collect(),
            plan_override: self.plan_override.clone(),
        }
    }

    /// The version of the entitlement that a plan made from this state replaces.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.entitlement.as_ref().map_or(0, |row| row.version)
    }
}

const COLUMNS: &str = "organization_id, plan_id, status, is_active, billing_interval, \
     subscription_id, surplus, because_fact, because_detail, period_start, period_end, \
     valid_until, changed_at, version";

/// The stable codes of [`Because::fact`], so that a row can be read back into `&'static str`.
const FACTS: &[&str] = &[
    "no_subscription",
    "subscription_active",
    "subscription_trialing",
    "grace_period",
    "operator_override",
    "payment_failed",
    "payment_incomplete",
    "subscription_paused",
    "subscription_ended",
    "price_unknown",
    "status_unknown",
];

fn entitlement_row(row: Row) -> StoreResult<EntitlementRow> {
    let mut row = row.of("entitlements");
    let organization = OrganizationId::trusted(row.text("organization_id")?);
    let plan = PlanId(row.text("plan_id")?);
    let status = BillingStatus::from_name(&row.text("status")?);
    let status = status.ok_or_else(|| row.corrupt("status"))?;
    let is_active = row.flag("is_active")?;
    let interval = match row.opt_text("billing_interval")? {
        None => None,
        Some(name) => {
            Some(Interval::from_name(&name).ok_or_else(|| row.corrupt("billing_interval"))?)
        }
    };
    let subscription = row.opt_text("subscription_id")?;
    let surplus = row.text("surplus")?;
    let fact = row.text("because_fact")?;
    let fact = FACTS.iter().find(|known| **known == fact).copied();
    let because = Because {
        fact: fact.ok_or_else(|| row.corrupt("because_fact"))?,
        detail: row.text("because_detail")?,
    };
    let period = Period { start: row.time("period_start")?, end: row.time("period_end")? };
    let valid_until = row.opt_time("valid_until")?;
    let changed_at = row.time("changed_at")?;
    let version = row.int("version")?;
    let entitlement = Entitlement {
        plan,
        status,
        is_active,
        interval,
        subscription,
        surplus: surplus.split_whitespace().map(ToOwned::to_owned).collect(),
        period,
        because,
        valid_until,
    };
    Ok(EntitlementRow { organization, entitlement, changed_at, version })
}

pub(crate) async fn load_entitlement(
    tx: &mut Tx,
    organization: &str,
) -> StoreResult<Option<EntitlementRow>> {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let sql = SQL
        .get_or_init(|| format!("select {COLUMNS} from entitlements where organization_id = $1"));
    tx.row(sql, values![organization]).await?.map(entitlement_row).transpose()
}

/// The stored entitlements of several organisations, in any order.
pub(crate) async fn load_entitlements(
    tx: &mut Tx,
    organizations: Vec<String>,
) -> StoreResult<Vec<EntitlementRow>> {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let sql = SQL.get_or_init(|| {
        format!("select {COLUMNS} from entitlements where organization_id in list($1)")
    });
    tx.rows(sql, values![organizations]).await?.into_iter().map(entitlement_row).collect()
}

/// Replaces version `row.version`; [`StoreError::Stale`] when another was written meanwhile.
pub(crate) async fn write_entitlement(tx: &mut Tx, row: &EntitlementRow) -> StoreResult<()> {
    let one = &row.entitlement;
    let touched = tx
        .execute(
            "insert into entitlements
                 (organization_id, plan_id, status, is_active, billing_interval, subscription_id,
                  surplus, because_fact, because_detail, period_start, period_end, valid_until,
                  changed_at, version)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 + 1)
             on conflict (organization_id) do update set
                 plan_id = excluded.plan_id, status = excluded.status,
                 is_active = excluded.is_active, billing_interval = excluded.billing_interval,
                 subscription_id = excluded.subscription_id, surplus = excluded.surplus,
                 because_fact = excluded.because_fact, because_detail = excluded.because_detail,
                 period_start = excluded.period_start, period_end = excluded.period_end,
                 valid_until = excluded.valid_until, changed_at = excluded.changed_at,
                 version = $14 + 1
             where entitlements.version = $14",
            values![
                row.organization.as_str(),
                one.plan.as_str(),
                one.status.name(),
                one.is_active,
                one.interval.map(Interval::name),
                one.subscription.clone(),
                one.surplus.join(" "),
                one.because.fact,
                &one.because.detail,
                one.period.start,
                one.period.end,
                one.valid_until,
                row.changed_at,
                row.version,
            ],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Makes the stored entitlement count no longer, in the commit of what it did not know: whoever
/// asks next, or the periodic task, computes it again. Plans under way that started from it are
/// made again too.
async fn outdate(tx: &mut Tx, organization: &str, now: Timestamp) -> StoreResult<()> {
    tx.execute(
        "update entitlements set valid_until = $2, version = version + 1
         where organization_id = $1",
        values![organization, now],
    )
    .await
    .map(|_| ())
}

/// Raises the version of an entitlement that stays as it is, for plans that were made from it.
/// Concurrent plans for one organisation so take turns, and none decides from half of the facts.
pub(crate) async fn confirm_entitlement(
    tx: &mut Tx,
    organization: &str,
    version: i64,
) -> StoreResult<()> {
    let touched = tx
        .execute(
            "update entitlements set version = version + 1
             where organization_id = $1 and version = $2",
            values![organization, version],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

async fn load_override(tx: &mut Tx, organization: &str) -> StoreResult<Option<PlanOverride>> {
    let row = tx
        .row(
            "select organization_id, plan_id, reason, expires_at from plan_overrides
             where organization_id = $1",
            values![organization],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut row = row.of("plan_overrides");
    row.text("organization_id")?;
    Ok(Some(PlanOverride {
        plan: PlanId(row.text("plan_id")?),
        reason: row.text("reason")?,
        expires_at: row.time("expires_at")?,
    }))
}

pub(crate) async fn load_state(
    tx: &mut Tx,
    organization: &str,
) -> StoreResult<Option<OrganizationState>> {
    let Some(row) = crate::organizations::load(tx, organization).await? else { return Ok(None) };
    let open_invoices = tx
        .rows(crate::mirror::open_invoices_statement(), values![organization])
        .await?
        .into_iter()
        .map(crate::mirror::read_invoice)
        .collect::<StoreResult<_>>()?;
    Ok(Some(OrganizationState {
        organization: row,
        subscriptions: load_all::<Subscription>(tx, organization).await?,
        open_invoices,
        plan_override: load_override(tx, organization).await?,
        entitlement: load_entitlement(tx, organization).await?,
    }))
}

impl Store {
    /// Everything the mirror knows about an organisation; none when there is no such one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization_state(
        &self,
        organization: &OrganizationId,
    ) -> StoreResult<Option<OrganizationState>> {
        let id = organization.as_str().to_owned();
        self.read(move |tx| Box::pin(async move { load_state(tx, &id).await })).await
    }

    /// The entitlement as last computed.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn entitlement(
        &self,
        organization: &OrganizationId,
    ) -> StoreResult<Option<EntitlementRow>> {
        let id = organization.as_str().to_owned();
        self.read(move |tx| Box::pin(async move { load_entitlement(tx, &id).await })).await
    }

    /// Organisations whose entitlement changes by itself until `now`, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn entitlements_expired(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationId>> {
        self.read(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select organization_id from entitlements
                         where valid_until is not null and valid_until <= $1
                         order by valid_until limit $2",
                        values![now, limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|mut row| row.text("organization_id").map(OrganizationId::trusted))
                    .collect()
            })
        })
        .await
    }

    /// Organisations that pay for more than one subscription.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organizations_with_surplus(&self) -> StoreResult<Vec<EntitlementRow>> {
        static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let sql = SQL.get_or_init(|| {
            format!(
                "select {COLUMNS} from entitlements where surplus <> ''
                 order by organization_id limit 100"
            )
        });
        self.scan(move |tx| {
            Box::pin(
                async move { tx.rows(sql, &[]).await?.into_iter().map(entitlement_row).collect() },
            )
        })
        .await
    }

    /// How many organisations have which plan, interval and state.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn entitlement_counts(
        &self,
    ) -> StoreResult<Vec<(PlanId, Option<Interval>, BillingStatus, i64)>> {
        self.scan(|tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select plan_id, billing_interval, status, count(*) from entitlements
                         group by plan_id, billing_interval, status order by plan_id, status",
                        &[],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("entitlements");
                        let plan = PlanId(row.text("plan_id")?);
                        let interval = row.opt_text("billing_interval")?;
                        let interval = interval.as_deref().and_then(Interval::from_name);
                        let status = BillingStatus::from_name(&row.text("status")?);
                        let status = status.ok_or_else(|| row.corrupt("status"))?;
                        Ok((plan, interval, status, row.int("count")?))
                    })
                    .collect()
            })
        })
        .await
    }

    /// Gives an organisation a plan for a while, with its audit line in the same commit.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn set_plan_override(
        &self,
        organization: &OrganizationId,
        given: PlanOverride,
        by: &str,
        now: Timestamp,
        audit: crate::AuditEntry,
    ) -> StoreResult<()> {
        let organization = organization.as_str().to_owned();
        let by = by.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "insert into plan_overrides
                         (organization_id, plan_id, reason, expires_at, created_by, created_at)
                     values ($1, $2, $3, $4, $5, $6)
                     on conflict (organization_id) do update set
                         plan_id = excluded.plan_id, reason = excluded.reason,
                         expires_at = excluded.expires_at, created_by = excluded.created_by,
                         created_at = excluded.created_at",
                    values![
                        &organization,
                        given.plan.as_str(),
                        given.reason,
                        given.expires_at,
                        by,
                        now
                    ],
                )
                .await?;
                outdate(tx, &organization, now).await?;
                crate::audit::insert(tx, audit).await
            })
        })
        .await
    }

    /// Takes an override back, with its audit line in the same commit.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn remove_plan_override(
        &self,
        organization: &OrganizationId,
        audit: crate::AuditEntry,
    ) -> StoreResult<bool> {
        let organization = organization.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "delete from plan_overrides where organization_id = $1";
                let touched = tx.execute(sql, values![&organization]).await?;
                if touched == 1 {
                    outdate(tx, &organization, audit.at).await?;
                    crate::audit::insert(tx, audit).await?;
                }
                Ok(touched == 1)
            })
        })
        .await
    }
}
