//! Intents: every lasting write to Stripe is written here first, with its idempotency key.
//!
//! There is at most one open intent for a kind and a target. Whoever finds one open, after a
//! crash or beside another request, repeats it with the same key and the same parameters; Stripe
//! then answers as it did the first time, and the effect happens once.

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::ids::{IntentId, OrganizationId};
use domain::time::Timestamp;

/// What came of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentState {
    /// Not known to be done: repeat it.
    Open,
    /// Done at Stripe.
    Done {
        /// The id of what it made or changed.
        result: String,
    },
    /// Refused by Stripe; nothing was done.
    Failed {
        /// Stripe's error code.
        code: String,
    },
}

/// A lasting write to Stripe that we mean to make.
#[derive(Debug, Clone)]
pub struct NewIntent {
    /// Its id.
    pub id: IntentId,
    /// For whom.
    pub organization: OrganizationId,
    /// What kind of write, such as `create_customer`.
    pub kind: &'static str,
    /// What it is about; together with `kind` unique among open intents.
    pub target: String,
    /// The key Stripe knows it by.
    pub idempotency_key: String,
    /// The parameters as they are sent, so that a repetition sends the same.
    pub params: String,
}

/// An intent as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// For whom.
    pub organization: OrganizationId,
    /// What kind of write.
    pub kind: String,
    /// What it is about.
    pub target: String,
    /// The key Stripe knows it by.
    pub idempotency_key: String,
    /// The parameters as they are sent.
    pub params: String,
    /// What came of it.
    pub state: IntentState,
    /// When it was first meant.
    pub created_at: Timestamp,
}

fn intent_row(row: Row) -> StoreResult<Intent> {
    let mut row = row.of("stripe_intents");
    let id = IntentId::trusted(row.text("id")?);
    let organization = OrganizationId::trusted(row.text("organization_id")?);
    let kind = row.text("kind")?;
    let target = row.text("target")?;
    let idempotency_key = row.text("idempotency_key")?;
    let params = row.text("params")?;
    let state = row.text("state")?;
    let result = row.opt_text("result_id")?;
    let code = row.opt_text("error_code")?;
    let state = match state.as_str() {
        "open" => IntentState::Open,
        "done" => IntentState::Done { result: result.unwrap_or_default() },
        "failed" => IntentState::Failed { code: code.unwrap_or_default() },
        _ => return Err(row.corrupt("state")),
    };
    let created_at = row.time("created_at")?;
    Ok(Intent { id, organization, kind, target, idempotency_key, params, state, created_at })
}

/// What an organisation that needs a Stripe customer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerSlot {
    /// The write that makes one, to be carried out or repeated.
    Intent(Intent),
    /// It has one by now.
    Known(String),
}

async fn load_open(tx: &mut Tx, kind: &str, target: &str) -> StoreResult<Option<Intent>> {
    tx.row(
        "select id, organization_id, kind, target, idempotency_key, params, state, result_id,
                error_code, created_at
         from stripe_intents where kind = $1 and target = $2 and state = 'open'",
        values![kind, target],
    )
    .await?
    .map(intent_row)
    .transpose()
}

/// How often an intent is inserted again when the one in its way was closed at that moment.
const TURNS: u32 = 8;

pub(crate) async fn insert_or_find(
    tx: &mut Tx,
    new: &NewIntent,
    now: Timestamp,
) -> StoreResult<Intent> {
    // Under PostgreSQL's read committed level each statement sees what was committed before it: a
    // concurrent insert that won is found by the look, and if it was even finished by then, there
    // is room for the next insert.
    for _ in 0..TURNS {
        tx.execute(
            "insert into stripe_intents
                 (id, organization_id, kind, target, idempotency_key, params, state, created_at)
             values ($1, $2, $3, $4, $5, $6, 'open', $7)
             on conflict (kind, target) where state = 'open' do nothing",
            values![
                new.id.as_str(),
                new.organization.as_str(),
                new.kind,
                &new.target,
                &new.idempotency_key,
                &new.params,
                now,
            ],
        )
        .await?;
        if let Some(open) = load_open(tx, new.kind, &new.target).await? {
            return Ok(open);
        }
    }
    Err(StoreError::Stale)
}

/// Removes an intent that was stored in this very transaction and never sent.
pub(crate) async fn take_back(tx: &mut Tx, id: &IntentId) -> StoreResult<()> {
    tx.execute("delete from stripe_intents where id = $1 and state = 'open'", values![id.as_str()])
        .await
        .map(|_| ())
}

/// Says whether the intent was open until now.
pub(crate) async fn close(
    tx: &mut Tx,
    id: &IntentId,
    state: &IntentState,
    now: Timestamp,
) -> StoreResult<bool> {
    let (name, result, code) = match state {
        IntentState::Open => return Err(StoreError::bug("an intent cannot be closed as open")),
        IntentState::Done { result } => ("done", Some(result.clone()), None),
        IntentState::Failed { code } => ("failed", None, Some(code.clone())),
    };
    tx.execute(
        "update stripe_intents
         set state = $2, result_id = $3, error_code = $4, finished_at = $5
         where id = $1 and state = 'open'",
        values![id.as_str(), name, result, code, now],
    )
    .await
    .map(|touched| touched == 1)
}

impl Store {
    /// Stores what we mean to write, or gives the open intent of the same kind and target that is
    /// there already; the caller then repeats that one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn open_intent(&self, new: NewIntent, now: Timestamp) -> StoreResult<Intent> {
        self.write(move |tx| Box::pin(async move { insert_or_find(tx, &new, now).await })).await
    }

    /// As [`Store::open_intent`], unless the organisation has a customer by now other than
    /// `replaces`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn open_customer_intent(
        &self,
        new: NewIntent,
        replaces: Option<String>,
        now: Timestamp,
    ) -> StoreResult<CustomerSlot> {
        self.write(move |tx| {
            Box::pin(async move {
                // First the intent, then the look at what it would make: whoever recorded a
                // customer and closed its intent before our insert is seen by the look.
                let intent = insert_or_find(tx, &new, now).await?;
                let row = crate::organizations::load(tx, new.organization.as_str()).await?;
                match row.and_then(|row| row.stripe_customer_id) {
                    Some(customer) if Some(&customer) != replaces.as_ref() => {
                        take_back(tx, &new.id).await?;
                        Ok(CustomerSlot::Known(customer))
                    }
                    _ => Ok(CustomerSlot::Intent(intent)),
                }
            })
        })
        .await
    }

    /// Links the customer that an intent made and closes the intent, in one commit. Gives the
    /// customer the organisation has afterwards: another one if it was linked before.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn record_customer(
        &self,
        intent: &Intent,
        customer: &str,
        replaces: Option<String>,
        now: Timestamp,
    ) -> StoreResult<Option<String>> {
        let (intent, customer) = (intent.clone(), customer.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "update organizations set stripe_customer_id = $2
                     where id = $1 and (stripe_customer_id is null or stripe_customer_id = $3)",
                    values![intent.organization.as_str(), &customer, replaces],
                )
                .await?;
                close(tx, &intent.id, &IntentState::Done { result: customer }, now).await?;
                let row = crate::organizations::load(tx, intent.organization.as_str()).await?;
                Ok(row.and_then(|row| row.stripe_customer_id))
            })
        })
        .await
    }

    /// One intent.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn intent(&self, id: &IntentId) -> StoreResult<Option<Intent>> {
        let id = id.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                tx.row(
                    "select id, organization_id, kind, target, idempotency_key, params, state,
                            result_id, error_code, created_at
                     from stripe_intents where id = $1",
                    values![id],
                )
                .await?
                .map(intent_row)
                .transpose()
            })
        })
        .await
    }

    /// The newest intent of a kind and target that was done.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn done_intent(
        &self,
        kind: &'static str,
        target: &str,
    ) -> StoreResult<Option<Intent>> {
        let target = target.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                tx.row(
                    "select id, organization_id, kind, target, idempotency_key, params, state,
                            result_id, error_code, created_at
                     from stripe_intents where kind = $1 and target = $2 and state = 'done'
                     order by created_at desc, id desc limit 1",
                    values![kind, target],
                )
                .await?
                .map(intent_row)
                .transpose()
            })
        })
        .await
    }

    /// The open intent of a kind and target, if there is one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn find_open_intent(
        &self,
        kind: &'static str,
        target: &str,
    ) -> StoreResult<Option<Intent>> {
        let target = target.to_owned();
        self.read(move |tx| Box::pin(async move { load_open(tx, kind, &target).await })).await
    }

    /// Records what came of an intent. A second answer changes nothing.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn close_intent(
        &self,
        id: &IntentId,
        state: IntentState,
        now: Timestamp,
    ) -> StoreResult<()> {
        let id = id.clone();
        self.write(move |tx| Box::pin(async move { close(tx, &id, &state, now).await.map(|_| ()) }))
            .await
    }

    /// As [`Store::close_intent`], with an audit line in the same commit. A second answer writes
    /// no second line.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn close_intent_audited(
        &self,
        id: &IntentId,
        state: IntentState,
        now: Timestamp,
        audit: crate::AuditEntry,
    ) -> StoreResult<()> {
        let id = id.clone();
        self.write(move |tx| {
            Box::pin(async move {
                if close(tx, &id, &state, now).await? {
                    crate::audit::insert(tx, audit).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Intents that have been open since before `before`, oldest first: a crash left them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn stale_intents(&self, before: Timestamp, limit: u32) -> StoreResult<Vec<Intent>> {
        self.scan(move |tx| {
            Box::pin(async move {
                tx.rows(
                    "select id, organization_id, kind, target, idempotency_key, params, state,
                            result_id, error_code, created_at
                     from stripe_intents where state = 'open' and created_at < $1
                     order by created_at limit $2",
                    values![before, limit],
                )
                .await?
                .into_iter()
                .map(intent_row)
                .collect()
            })
        })
        .await
    }
}
