//! Keys for programs. Only a hash of the secret is kept.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::values;
use crate::value::Row;
use domain::ids::{KeyId, OrganizationId};
use domain::time::Timestamp;

/// For whom a key acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// For one organisation.
    Organization(OrganizationId),
    /// For a product's back end: for whichever organisation its call names.
    Product,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id, which is part of the key itself.
    pub id: KeyId,
    /// For whom it acts.
    pub kind: KeyKind,
    /// What people call it.
    pub name: String,
    /// SHA-256 of the secret part, as hex digits.
    pub secret_hash: String,
    /// What it may do, in the words of the API.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
    /// The day it was last used, to the day, so that using it costs no write.
    pub last_used_day: Option<Timestamp>,
}

impl KeyRow {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

fn key_row(row: Row) -> StoreResult<KeyRow> {
    let mut row = row.of("api_keys");
    let id = KeyId::trusted(row.text("id")?);
    let kind = row.text("kind")?;
    let organization = row.opt_text("organization_id")?.map(OrganizationId::trusted);
    let kind = match (kind.as_str(), organization) {
        ("product", None) => KeyKind::Product,
        ("organization", Some(organization)) => KeyKind::Organization(organization),
        _ => return Err(row.corrupt("kind")),
    };
    Ok(KeyRow {
        id,
        kind,
        name: row.text("name")?,
        secret_hash: row.text("secret_hash")?,
        scopes: row.text("scopes")?.split_whitespace().map(ToOwned::to_owned).collect(),
        created_by: row.text("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.opt_time("expires_at")?,
        revoked_at: row.opt_time("revoked_at")?,
        last_used_day: row.opt_time("last_used_day")?,
    })
}

impl Store {
    /// Keeps a new key, with its audit line in the same commit.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn insert_key(&self, key: KeyRow, audit: crate::AuditEntry) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                let (kind, organization) = match &key.kind {
                    KeyKind::Organization(id) => ("organization", Some(id.as_str().to_owned())),
                    KeyKind::Product => ("product", None),
                };
                tx.execute(
                    "insert into api_keys
                         (id, kind, organization_id, name, secret_hash, scopes, created_by,
                          created_at, expires_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    values![
                        key.id.as_str(),
                        kind,
                        organization,
                        &key.name,
                        &key.secret_hash,
                        key.scopes.join(" "),
                        &key.created_by,
                        key.created_at,
                        key.expires_at,
                    ],
                )
                .await?;
                crate::audit::insert(tx, audit).await
            })
        })
        .await
    }

    /// One key by its id, whether it is still good or not.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn key(&self, id: &str) -> StoreResult<Option<KeyRow>> {
        let id = id.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                tx.row(
                    "select id, kind, organization_id, name, secret_hash, scopes, created_by,
                            created_at, expires_at, revoked_at, last_used_day
                     from api_keys where id = $1",
                    values![id],
                )
                .await?
                .map(key_row)
                .transpose()
            })
        })
        .await
    }

    /// The keys of an organisation, or the product keys when none is named, newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn keys(&self, organization: Option<&OrganizationId>) -> StoreResult<Vec<KeyRow>> {
        let organization = organization.map_or("", OrganizationId::as_str).to_owned();
        self.scan(move |tx| {
            Box::pin(async move {
                tx.rows(
                    "select id, kind, organization_id, name, secret_hash, scopes, created_by,
                            created_at, expires_at, revoked_at, last_used_day
                     from api_keys where coalesce(organization_id, '') = $1
                     order by created_at desc, id desc",
                    values![organization],
                )
                .await?
                .into_iter()
                .map(key_row)
                .collect()
            })
        })
        .await
    }

    /// Ends a key of an organisation, or a product key when none is named. Says whether there was
    /// one to end.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn revoke_key(
        &self,
        organization: Option<&OrganizationId>,
        id: &str,
        audit: crate::AuditEntry,
    ) -> StoreResult<bool> {
        let organization = organization.map_or("", OrganizationId::as_str).to_owned();
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let touched = tx
                    .execute(
                        "update api_keys set revoked_at = $3
                         where id = $1 and coalesce(organization_id, '') = $2
                           and revoked_at is null",
                        values![id, organization, audit.at],
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

    /// Notes that a key was used on the day that begins at `day`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn note_key_used(&self, id: &KeyId, day: Timestamp) -> StoreResult<()> {
        let id = id.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute("update api_keys set last_used_day = $2 where id = $1", values![id, day])
                    .await
                    .map(|_| ())
            })
        })
        .await
    }

    /// The organisation that a product names by our id or by its own, made when it is new. Two
    /// calls at once make one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization_named(
        &self,
        external_id: &str,
        new: crate::OrganizationRow,
    ) -> StoreResult<crate::OrganizationRow> {
        let external_id = external_id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "insert into organizations (id, name, external_id, created_at)
                     values ($1, $2, $3, $4)
                     on conflict (external_id) do nothing",
                    values![new.id.as_str(), new.name, &external_id, new.created_at],
                )
                .await?;
                crate::organizations::by_external_id(tx, &external_id)
                    .await?
                    .ok_or(crate::StoreError::Stale)
            })
        })
        .await
    }

    /// The organisation with an external id, if there is one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn organization_by_external_id(
        &self,
        external_id: &str,
    ) -> StoreResult<Option<crate::OrganizationRow>> {
        let external_id = external_id.to_owned();
        self.read(move |tx| {
            Box::pin(async move { crate::organizations::by_external_id(tx, &external_id).await })
        })
        .await
    }
}
