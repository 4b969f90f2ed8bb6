//! People with a log-in, their memberships, and the proof that an e-mail address is theirs.

use crate::Store;
use crate::entitlements::{EntitlementRow, write_entitlement};
use crate::error::StoreResult;
use crate::organizations::OrganizationRow;
use crate::outbox::{self, NewMessage};
use crate::sessions::{self, SessionRow};
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::access::Role;
use domain::ids::{OrganizationId, UserId};
use domain::time::Timestamp;

/// A person with a log-in.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Their id.
    pub id: UserId,
    /// Their address, in lower case; unique.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// The password's hash in PHC form; none for those who log in elsewhere.
    pub password_hash: Option<String>,
    /// When they proved that the address is theirs.
    pub email_verified_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// Leaves the hash out: it has no business in a log.
impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserRow").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A token that proves an e-mail address to whoever can read the mail.
#[derive(Debug, Clone)]
pub struct NewVerification {
    /// SHA-256 of the token, as hex. The token itself is only in the mail.
    pub token_hash: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// Everything that a sign-up writes.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Who signs up.
    pub user: UserRow,
    /// What is billed.
    pub organization: OrganizationRow,
    /// The user's role in it.
    pub role: Role,
    /// What the organisation may do from now on; its version is 0.
    pub entitlement: EntitlementRow,
    /// The log-in that comes with it.
    pub session: Option<SessionRow>,
    /// The proof to ask for.
    pub verification: Option<NewVerification>,
    /// Welcome, please verify.
    pub messages: Vec<NewMessage>,
    /// Who did it, when it was not the user.
    pub audit: Option<crate::AuditEntry>,
}

const BY_EMAIL: &str = "select id, email, name, password_hash, email_verified_at, created_at
    from users where email = $1";
const VERIFIED: &str = "select id, email, name, password_hash, email_verified_at, created_at
    from users where email_verified_at is not null and id > $1 order by id limit $2";

const FIRST_ADMIN: &str = "select email from memberships join users on users.id = user_id
    where organization_id = $1 and role = 'admin' order by memberships.created_at, user_id limit 1";

pub(crate) fn user_columns(row: &mut Row) -> StoreResult<UserRow> {
    Ok(UserRow {
        id: UserId::trusted(row.text("id")?),
        email: row.text("email")?,
        name: row.text("name")?,
        password_hash: row.opt_text("password_hash")?,
        email_verified_at: row.opt_time("email_verified_at")?,
        created_at: row.time("created_at")?,
    })
}

async fn insert(tx: &mut Tx, user: &UserRow) -> StoreResult<()> {
    tx.execute(
        "insert into users (id, email, name, password_hash, email_verified_at, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        values![
            user.id.as_str(),
            &user.email,
            &user.name,
            user.password_hash.clone(),
            user.email_verified_at,
            user.created_at,
        ],
    )
    .await
    .map(|_| ())
}

impl Store {
    /// Writes a sign-up in one commit.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] when the e-mail address has an account; nothing is written.
    pub async fn create_account(&self, new: NewAccount) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                insert(tx, &new.user).await?;
                crate::organizations::insert(tx, &new.organization).await?;
                tx.execute(
                    "insert into memberships (organization_id, user_id, role, created_at)
                     values ($1, $2, $3, $4)",
                    values![
                        new.organization.id.as_str(),
                        new.user.id.as_str(),
                        new.role.name(),
                        new.user.created_at,
                    ],
                )
                .await?;
                write_entitlement(tx, &new.entitlement).await?;
                if let Some(session) = &new.session {
                    sessions::insert(tx, session).await?;
                }
                if let Some(verification) = &new.verification {
                    tx.execute(
                        "insert into email_verifications
                             (token_hash, user_id, email, expires_at, used_at)
                         values ($1, $2, $3, $4, null)",
                        values![
                            &verification.token_hash,
                            new.user.id.as_str(),
                            &new.user.email,
                            verification.expires_at,
                        ],
                    )
                    .await?;
                }
                for message in &new.messages {
                    outbox::enqueue(tx, message).await?;
                }
                if let Some(audit) = new.audit {
                    crate::audit::insert(tx, audit).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The account of an e-mail address in lower case.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_by_email(&self, email: &str) -> StoreResult<Option<UserRow>> {
        let email = email.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx.row(BY_EMAIL, values![email]).await?;
                row.map(|row| user_columns(&mut row.of("users"))).transpose()
            })
        })
        .await
    }

    /// The organisation a user joined first: the one a log-in opens.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn first_organization_of(
        &self,
        user: &UserId,
    ) -> StoreResult<Option<OrganizationId>> {
        let user = user.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "select organization_id from memberships where user_id = $1
                         order by created_at, organization_id limit 1",
                        values![user],
                    )
                    .await?;
                row.map(|mut row| row.text("organization_id").map(OrganizationId::trusted))
                    .transpose()
            })
        })
        .await
    }

    /// Where an organisation's bills go: the address of its first admin.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn billing_address_of(
        &self,
        organization: &OrganizationId,
    ) -> StoreResult<Option<String>> {
        let organization = organization.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx.row(FIRST_ADMIN, values![organization]).await?;
                row.map(|mut row| row.text("email")).transpose()
            })
        })
        .await
    }

    /// Users whose address is proven, in the order of their ids, after `after`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn verified_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> StoreResult<Vec<UserRow>> {
        let after = after.map(|id| id.as_str().to_owned()).unwrap_or_default();
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx.rows(VERIFIED, values![after, limit]).await?;
                rows.into_iter().map(|row| user_columns(&mut row.of("users"))).collect()
            })
        })
        .await
    }

    /// Takes a verification token of this user: marks the address as proven and says whether it
    /// did. A token counts once, until it expires, only for the address it was sent to, and only
    /// when the account's own user brings it: whoever reads a mail about an account that somebody
    /// else made proves nothing for that account.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn verify_email(
        &self,
        user: &UserId,
        token_hash: &str,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let user = user.as_str().to_owned();
        let token_hash = token_hash.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "update email_verifications set used_at = $3
                         where token_hash = $1 and user_id = $2
                           and used_at is null and expires_at > $3
                         returning email",
                        values![token_hash, &user, now],
                    )
                    .await?;
                let Some(row) = row else { return Ok(false) };
                let email = row.of("email_verifications").text("email")?;
                let touched = tx
                    .execute(
                        "update users set email_verified_at = coalesce(email_verified_at, $3)
                         where id = $1 and email = $2",
                        values![user, email, now],
                    )
                    .await?;
                Ok(touched == 1)
            })
        })
        .await
    }

    /// Gives an account to whoever it is meant for: a new name and password, a proven address,
    /// no log-in and no verification link of before, and an audit line, all in one commit. Says
    /// whether there is such an account.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn take_over_account(
        &self,
        user: &UserId,
        name: String,
        password_hash: String,
        now: Timestamp,
        audit: crate::AuditEntry,
    ) -> StoreResult<bool> {
        let user = user.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let touched = tx
                    .execute(
                        "update users set name = $2, password_hash = $3,
                             email_verified_at = coalesce(email_verified_at, $4)
                         where id = $1",
                        values![&user, name, password_hash, now],
                    )
                    .await?;
                if touched == 0 {
                    return Ok(false);
                }
                tx.execute(
                    "update sessions set revoked_at = $2 where user_id = $1 and revoked_at is null",
                    values![&user, now],
                )
                .await?;
                tx.execute(
                    "update email_verifications set used_at = $2
                     where user_id = $1 and used_at is null",
                    values![user, now],
                )
                .await?;
                crate::audit::insert(tx, audit).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Makes a user a member of an organisation since `since`, or gives a member another role.
    /// It counts from the next request on.
    ///
    /// # Errors
    /// When there is no such user or organisation, or the database is not available.
    pub async fn put_membership(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        role: Role,
        since: Timestamp,
    ) -> StoreResult<()> {
        let organization = organization.as_str().to_owned();
        let user = user.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "insert into memberships (organization_id, user_id, role, created_at)
                     values ($1, $2, $3, $4)
                     on conflict (organization_id, user_id) do update set role = excluded.role",
                    values![organization, user, role.name(), since],
                )
                .await
                .map(|_| ())
            })
        })
        .await
    }

    /// Deletes at most `limit` verification tokens that are used or over, and says how many.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn prune_verifications(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "delete from email_verifications where token_hash in (
                         select token_hash from email_verifications
                         where used_at is not null or expires_at <= $1 limit $2)",
                    values![now, limit],
                )
                .await
            })
        })
        .await
    }
}
