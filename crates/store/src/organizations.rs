//! Organisations: who is billed.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::ids::OrganizationId;
use domain::time::Timestamp;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRow {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// The id by which a product's back end names it.
    pub external_id: Option<String>,
    /// The Stripe customer that pays for it.
    pub stripe_customer_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

const BY_ID: &str = "select id, name, external_id, stripe_customer_id, created_at
    from organizations where id = $1";
const BY_CUSTOMER: &str = "select id, name, external_id, stripe_customer_id, created_at
    from organizations where stripe_customer_id = $1";
const WITH_CUSTOMER: &str = "select id, name, external_id, stripe_customer_id, created_at
    from organizations where stripe_customer_id is not null and id > $1 order by id limit $2";

fn organization_row(row: Row) -> StoreResult<OrganizationRow> {
    let mut row = row.of("organizations");
    Ok(OrganizationRow {
        id: OrganizationId::trusted(row.text("id")?),
        name: row.text("name")?,
        external_id: row.opt_text("external_id")?,
        stripe_customer_id: row.opt_text("stripe_customer_id")?,
        created_at: row.time("created_at")?,
    })
}

pub(crate) async fn by_external_id(
    tx: &mut Tx,
    external_id: &str,
) -> StoreResult<Option<OrganizationRow>> {
    tx.row(
        "select id, name, external_id, stripe_customer_id, created_at
         from organizations where external_id = $1",
        values![external_id],
    )
    .await?
    .map(organization_row)
    .transpose()
}

pub(crate) async fn load(tx: &mut Tx, id: &str) -> StoreResult<Option<OrganizationRow>> {
    tx.row(BY_ID, values![id]).await?.map(organization_row).transpose()
}

pub(crate) async fn insert(tx: &mut Tx, row: &OrganizationRow) -> StoreResult<()> {
    tx.execute(
        "insert into organizations (id, name, external_id, stripe_customer_id, created_at)
         values ($1, $2, $3, $4, $5)",
        values![
            row.id.as_str(),
            &row.name,
            row.external_id.clone(),
            row.stripe_customer_id.clone(),
            row.created_at,
        ],
    )
    .await
    .map(|_| ())
}

impl Store {
    /// One organisation.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization(&self, id: &OrganizationId) -> StoreResult<Option<OrganizationRow>> {
        let id = id.as_str().to_owned();
        self.read(move |tx| Box::pin(async move { load(tx, &id).await })).await
    }

    /// The organisation that a Stripe customer pays for: the one that names it, or the one its
    /// mirrored customer belongs to.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization_of_customer(
        &self,
        customer: &str,
    ) -> StoreResult<Option<OrganizationRow>> {
        let customer = customer.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                if let Some(row) = tx.row(BY_CUSTOMER, values![&customer]).await? {
                    return organization_row(row).map(Some);
                }
                let mirrored =
                    crate::mirror::load::<domain::mirror::Customer>(tx, &customer).await?;
                match mirrored {
                    Some(row) => load(tx, row.organization.as_str()).await,
                    None => Ok(None),
                }
            })
        })
        .await
    }

    /// Makes several organisations in one commit: for seeds and imports.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] when one exists; then none is made.
    pub async fn insert_organizations(&self, rows: Vec<OrganizationRow>) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for row in &rows {
                    insert(tx, row).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Gives an organisation another name, with its audit line in the same commit.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn rename_organization(
        &self,
        id: &OrganizationId,
        name: &str,
        audit: crate::AuditEntry,
    ) -> StoreResult<Option<OrganizationRow>> {
        let (id, name) = (id.as_str().to_owned(), name.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute("update organizations set name = $2 where id = $1", values![&id, name])
                    .await?;
                crate::audit::insert(tx, audit).await?;
                load(tx, &id).await
            })
        })
        .await
    }

    /// Remembers the Stripe customer that pays for an organisation, unless it has one, and gives
    /// the one it has afterwards.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn link_customer(
        &self,
        id: &OrganizationId,
        customer: &str,
    ) -> StoreResult<Option<String>> {
        let (id, customer) = (id.as_str().to_owned(), customer.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "update organizations set stripe_customer_id = $2
                     where id = $1 and stripe_customer_id is null",
                    values![&id, customer],
                )
                .await?;
                Ok(load(tx, &id).await?.and_then(|row| row.stripe_customer_id))
            })
        })
        .await
    }

    /// Organisations that have a Stripe customer, in the order of their ids, after `after`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organizations_with_customer(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationRow>> {
        let after = after.map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx.rows(WITH_CUSTOMER, values![after, limit]).await?;
                rows.into_iter().map(organization_row).collect()
            })
        })
        .await
    }

    /// How many organisations there are.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization_count(&self) -> StoreResult<i64> {
        self.scan(|tx| {
            Box::pin(async move {
                let row = tx.row("select count(*) from organizations", &[]).await?;
                row.map_or(Ok(0), |mut row| row.int("count"))
            })
        })
        .await
    }
}
