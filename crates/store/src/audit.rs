//! The audit log: who did what, when and why, in the commit of the deed.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::{Tx, values};
use domain::ids::AuditId;
use domain::time::Timestamp;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: a user id, or the name of a command.
    pub actor: String,
    /// What, such as `delivery.replay`.
    pub action: String,
    /// To what.
    pub target: String,
    /// Whose it is, where it is one organisation's.
    pub organization: Option<String>,
    /// How it was, as JSON.
    pub before: Option<String>,
    /// How it is now, as JSON.
    pub after: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

pub(crate) async fn insert(tx: &mut Tx, entry: AuditEntry) -> StoreResult<()> {
    tx.execute(
        "insert into audit_log
             (id, at, actor, action, target, organization_id, before, after, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            entry.id.as_str(),
            entry.at,
            entry.actor,
            entry.action,
            entry.target,
            entry.organization,
            entry.before,
            entry.after,
            entry.reason,
        ],
    )
    .await
    .map(|_| ())
}

impl Store {
    /// Writes one line for a deed that has no commit of its own.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn record_audit(&self, entry: AuditEntry) -> StoreResult<()> {
        self.write(move |tx| Box::pin(async move { insert(tx, entry).await })).await
    }

    /// The newest lines.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_log(&self, limit: u32) -> StoreResult<Vec<AuditEntry>> {
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select id, at, actor, action, target, organization_id, before, after, reason
                         from audit_log order by at desc, id desc limit $1",
                        values![limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("audit_log");
                        Ok(AuditEntry {
                            id: AuditId::trusted(row.text("id")?),
                            at: row.time("at")?,
                            actor: row.text("actor")?,
                            action: row.text("action")?,
                            target: row.text("target")?,
                            organization: row.opt_text("organization_id")?,
                            before: row.opt_text("before")?,
                            after: row.opt_text("after")?,
                            reason: row.opt_text("reason")?,
                        })
                    })
                    .collect()
            })
        })
        .await
    }
}
