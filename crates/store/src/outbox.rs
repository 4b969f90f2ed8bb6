//! The outbox: messages to send, written in the commit of their cause.
//!
//! A message has a key that names its cause. A second one with the same key is dropped, so that
//! whatever is repeated, raced or replayed is told once.

use crate::error::StoreResult;
use crate::tx::{Tx, values};
use domain::ids::OutboxId;
use domain::time::Timestamp;

/// A message to send.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Its id.
    pub id: OutboxId,
    /// Whose it is about.
    pub organization: Option<String>,
    /// What is to be sent, such as `email.payment_failed`.
    pub kind: &'static str,
    /// Names the cause, such as `payment_failed:in_1:2`.
    pub dedupe_key: String,
    /// What the template needs, as JSON.
    pub body: String,
    /// When it may be sent.
    pub due_at: Timestamp,
}

pub(crate) async fn enqueue(tx: &mut Tx, message: &NewMessage) -> StoreResult<()> {
    tx.execute(
        "insert into outbox
             (id, organization_id, kind, dedupe_key, body, state, attempts, due_at, created_at)
         values ($1, $2, $3, $4, $5, 'pending', 0, $6, $6)
         on conflict (dedupe_key) do nothing",
        values![
            message.id.as_str(),
            message.organization.clone(),
            message.kind,
            &message.dedupe_key,
            &message.body,
            message.due_at,
        ],
    )
    .await
    .map(|_| ())
}

/// A message as it stands in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// What is to be sent.
    pub kind: String,
    /// Names the cause.
    pub dedupe_key: String,
    /// What the template needs, as JSON.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
}

impl crate::Store {
    /// Writes one message whose cause has no commit of its own, such as an alert.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn enqueue_message(&self, message: NewMessage) -> StoreResult<()> {
        self.write(move |tx| Box::pin(async move { enqueue(tx, &message).await })).await
    }

    /// The newest messages, of one kind or of all (an empty `kind`).
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn messages(&self, kind: &str, limit: u32) -> StoreResult<Vec<OutboxRow>> {
        let kind = kind.to_owned();
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select id, kind, dedupe_key, body, created_at from outbox
                         where $1 = '' or kind = $1
                         order by created_at desc, id desc limit $2",
                        values![kind, limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("outbox");
                        row.text("id")?;
                        Ok(OutboxRow {
                            kind: row.text("kind")?,
                            dedupe_key: row.text("dedupe_key")?,
                            body: row.text("body")?,
                            created_at: row.time("created_at")?,
                        })
                    })
                    .collect()
            })
        })
        .await
    }
}
