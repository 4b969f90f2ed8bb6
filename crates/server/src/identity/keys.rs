//! Keys for programs: how one is made, read and checked.
//!
//! A key is `bhk_<kind>_<mode>_<id>_<secret><check>`. The prefix lets secret scanners recognise
//! it, the id finds its row, and the last six characters are a checksum over the rest, so that a
//! mistyped key is told apart from a revoked one without a look-up. The secret is 256 random bits,
//! so a plain hash of it is enough; only the hash is kept.

use crate::config::Mode;
use crate::world::World;
use aws_lc_rs::{constant_time, digest};
use domain::ids::{AuditId, KeyId, OrganizationId};
use domain::time::Timestamp;
use store::{AuditEntry, KeyKind, KeyRow, OrganizationRow, Store, StoreResult};

/// What a key may be used for.
pub const SCOPES: [&str; 3] = ["usage", "entitlements", "billing"];

const CHECK_LENGTH: usize = 6;

/// Makes and checks keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    world: World,
    mode: Mode,
}

/// A key that was just made. The text is shown once and kept nowhere.
pub struct NewKey {
    /// The whole key.
    pub text: String,
    /// What is kept of it.
    pub row: KeyRow,
}

/// Why a key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRefusal {
    /// It is no key of ours, or it is mistyped.
    Malformed,
    /// It is unknown, revoked, over, or of the other mode.
    NotGood,
}

impl Keys {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, mode: Mode, world: World) -> Self {
        Self { store, world, mode }
    }

    /// Makes a key. `by` is for the audit log.
    ///
    /// # Errors
    /// The database's.
    pub async fn make(
        &self,
        kind: KeyKind,
        name: &str,
        scopes: Vec<String>,
        expires_at: Option<Timestamp>,
        by: &str,
    ) -> StoreResult<NewKey> {
        let now = self.world.now();
        let mut secret = [0_u8; 32];
        self.world.entropy.fill(&mut secret);
        let secret = hex::encode(secret);
        let id = KeyId::new(now, &*self.world.entropy);
        let word = match &kind {
            KeyKind::Organization(_) => "org",
            KeyKind::Product => "prd",
        };
        let body = id.as_str().strip_prefix(KeyId::PREFIX).unwrap_or_default().to_owned();
        let head = format!("bhk_{word}_{}_{body}_{secret}", self.mode.name());
        let text = format!("{head}{}", check_of(&head));
        let row = KeyRow {
            secret_hash: hash_of(&secret),
            id,
            kind,
            name: name.to_owned(),
            scopes,
            created_by: by.to_owned(),
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_day: None,
        };
        let audit = self.audit(by, "key.create", &row);
        self.store.insert_key(row.clone(), audit).await?;
        Ok(NewKey { text, row })
    }

    /// The key behind a text, if it is good now.
    ///
    /// # Errors
    /// The database's; a [`KeyRefusal`] is an answer.
    pub async fn resolve(&self, text: &str) -> StoreResult<Result<KeyRow, KeyRefusal>> {
        const DAY_MS: i64 = 86_400_000;
        let Some((id, secret)) = self.parse(text) else { return Ok(Err(KeyRefusal::Malformed)) };
        let Some(row) = self.store.key(&id).await? else { return Ok(Err(KeyRefusal::NotGood)) };
        let ours = hash_of(secret);
        let same =
            constant_time::verify_slices_are_equal(ours.as_bytes(), row.secret_hash.as_bytes());
        let now = self.world.now();
        if same.is_err() || !row.is_good(now) {
            return Ok(Err(KeyRefusal::NotGood));
        }
        let day = Timestamp::from_millis(now.as_millis().div_euclid(DAY_MS) * DAY_MS);
        if row.last_used_day != Some(day) {
            self.store.note_key_used(&row.id, day).await?;
        }
        Ok(Ok(row))
    }

    /// The organisation a product's call names, by our id or by the product's own; the latter is
    /// made when it is new.
    ///
    /// # Errors
    /// The database's.
    pub async fn organization_for_product(
        &self,
        named: &str,
    ) -> StoreResult<Option<OrganizationRow>> {
        if let Ok(id) = OrganizationId::parse(named) {
            return self.store.organization(&id).await;
        }
        if let Some(row) = self.store.organization_by_external_id(named).await? {
            return Ok(Some(row));
        }
        let now = self.world.now();
        let new = OrganizationRow {
            id: OrganizationId::new(now, &*self.world.entropy),
            name: named.to_owned(),
            external_id: Some(named.to_owned()),
            stripe_customer_id: None,
            created_at: now,
        };
        self.store.organization_named(named, new).await.map(Some)
    }

    /// The keys of an organisation, or the product keys.
    ///
    /// # Errors
    /// The database's.
    pub async fn list(&self, organization: Option<&OrganizationId>) -> StoreResult<Vec<KeyRow>> {
        self.store.keys(organization).await
    }

    /// Ends a key at once, on every node. Says whether there was one.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke(
        &self,
        organization: Option<&OrganizationId>,
        id: &str,
        by: &str,
    ) -> StoreResult<bool> {
        let now = self.world.now();
        let audit = AuditEntry {
            id: AuditId::new(now, &*self.world.entropy),
            at: now,
            actor: by.to_owned(),
            action: "key.revoke".to_owned(),
            target: id.to_owned(),
            organization: organization.map(|id| id.as_str().to_owned()),
            before: None,
            after: None,
            reason: None,
        };
        self.store.revoke_key(organization, id, audit).await
    }

    fn audit(&self, by: &str, action: &str, row: &KeyRow) -> AuditEntry {
        let organization = match &row.kind {
            KeyKind::Organization(id) => Some(id.as_str().to_owned()),
            KeyKind::Product => None,
        };
        AuditEntry {
            id: AuditId::new(self.world.now(), &*self.world.entropy),
            at: self.world.now(),
            actor: by.to_owned(),
            action: action.to_owned(),
            target: row.id.as_str().to_owned(),
            organization,
            before: None,
            after: Some(serde_json::json!({"name": row.name, "scopes": row.scopes}).to_string()),
            reason: None,
        }
    }

    /// The id and the secret of a well-formed key of this mode.
    fn parse<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let at = text.len().checked_sub(CHECK_LENGTH)?;
        let (head, check) = (text.get(..at)?, text.get(at..)?);
        if check_of(head) != check {
            return None;
        }
        let mut parts = head.strip_prefix("bhk_")?.splitn(4, '_');
        let (_kind, mode, id, secret) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (mode == self.mode.name()).then(|| (format!("{}{id}", KeyId::PREFIX), secret))
    }
}

/// Whether a text looks like one of our keys, good or not: to tell it from a log-in's token.
#[must_use]
pub fn looks_like_a_key(text: &str) -> bool {
    text.starts_with("bhk_")
}

fn hash_of(secret: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, secret.as_bytes()))
}

fn check_of(head: &str) -> String {
    let digest = digest::digest(&digest::SHA256, head.as_bytes());
    let mut check = hex::encode(digest);
    check.truncate(CHECK_LENGTH);
    check
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("row", &self.row.id).finish_non_exhaustive()
    }
}
