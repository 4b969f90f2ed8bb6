//! Switches an operator turns at run time, the same for all nodes.

use crate::Store;
use crate::error::StoreResult;
use crate::tx::values;
use domain::time::Timestamp;

/// A switch that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchOn {
    /// What it was set to, in the operator's words.
    pub value: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl Store {
    /// Whether a switch is on, and since when.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn switch(&self, name: &'static str) -> StoreResult<Option<SwitchOn>> {
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "select name, value, set_by, set_at from switches where name = $1",
                        values![name],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let mut row = row.of("switches");
                row.text("name")?;
                Ok(Some(SwitchOn {
                    value: row.text("value")?,
                    set_by: row.text("set_by")?,
                    set_at: row.time("set_at")?,
                }))
            })
        })
        .await
    }

    /// Turns a switch on, or off when `value` is none, with its audit line in the same commit.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn set_switch(
        &self,
        name: &'static str,
        value: Option<String>,
        audit: crate::AuditEntry,
    ) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                match value {
                    Some(value) => {
                        tx.execute(
                            "insert into switches (name, value, set_by, set_at)
                             values ($1, $2, $3, $4)
                             on conflict (name) do nothing",
                            values![name, value, &audit.actor, audit.at],
                        )
                        .await?
                    }
                    None => {
                        tx.execute("delete from switches where name = $1", values![name]).await?
                    }
                };
                crate::audit::insert(tx, audit).await
            })
        })
        .await
    }
}
