//! Log-ins. A token is only as good as its row here, which each request reads.

use crate::Store;
use crate::error::StoreResult;
use crate::organizations::OrganizationRow;
use crate::tx::{Tx, values};
use crate::users::{UserRow, user_columns};
use domain::access::Role;
use domain::ids::{OrganizationId, SessionId, UserId};
use domain::time::Timestamp;

/// One log-in of a user in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id; the `jti` of its token.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// In which organisation.
    pub organization: OrganizationId,
    /// When.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Who a session stands for now: role and names are read each time, so that a change counts at
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The person.
    pub user: UserRow,
    /// The organisation they act in.
    pub organization: OrganizationRow,
    /// Their role in it.
    pub role: Role,
}

pub(crate) async fn insert(tx: &mut Tx, session: &SessionRow) -> StoreResult<()> {
    tx.execute(
        "insert into sessions (id, user_id, organization_id, created_at, expires_at, revoked_at)
         values ($1, $2, $3, $4, $5, null)",
        values![
            session.id.as_str(),
            session.user.as_str(),
            session.organization.as_str(),
            session.created_at,
            session.expires_at,
        ],
    )
    .await
    .map(|_| ())
}

impl Store {
    /// Records a log-in.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn open_session(&self, session: SessionRow) -> StoreResult<()> {
        self.write(move |tx| Box::pin(async move { insert(tx, &session).await })).await
    }

    /// Who a session stands for; none when it is unknown, revoked or over, or when the user is no
    /// longer a member of its organisation.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn signed_in(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> StoreResult<Option<SignedIn>> {
        let session = session.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "select u.id, u.email, u.name, u.password_hash, u.email_verified_at,
                                u.created_at, o.id, o.name, o.external_id, o.stripe_customer_id,
                                o.created_at, m.role
                         from sessions s
                         join users u on u.id = s.user_id
                         join organizations o on o.id = s.organization_id
                         join memberships m
                             on m.organization_id = s.organization_id and m.user_id = s.user_id
                         where s.id = $1 and s.revoked_at is null and s.expires_at > $2",
                        values![session, now],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let mut row = row.of("sessions");
                let user = user_columns(&mut row)?;
                let organization = OrganizationRow {
                    id: OrganizationId::trusted(row.text("organization_id")?),
                    name: row.text("name")?,
                    external_id: row.opt_text("external_id")?,
                    stripe_customer_id: row.opt_text("stripe_customer_id")?,
                    created_at: row.time("created_at")?,
                };
                let role = Role::from_name(&row.text("role")?);
                let role = role.ok_or_else(|| row.corrupt("role"))?;
                Ok(Some(SignedIn { user, organization, role }))
            })
        })
        .await
    }

    /// Ends a log-in now; its token is worth nothing from here on.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn revoke_session(&self, session: &SessionId, now: Timestamp) -> StoreResult<()> {
        let session = session.as_str().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "update sessions set revoked_at = $2 where id = $1 and revoked_at is null",
                    values![session, now],
                )
                .await
                .map(|_| ())
            })
        })
        .await
    }

    /// Deletes at most `limit` log-ins whose time is over, revoked or not, and says how many.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn prune_sessions(&self, now: Timestamp, limit: u32) -> StoreResult<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "delete from sessions where id in (
                         select id from sessions where expires_at <= $1 limit $2)",
                    values![now, limit],
                )
                .await
            })
        })
        .await
    }
}
