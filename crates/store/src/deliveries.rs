//! The inbox: one row per Stripe event, its payload beside it.
//!
//! The payload has a table of its own, so that a change of state rewrites a small row.

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::tx::{Tx, values};
use crate::value::{Row, Val};
use domain::delivery::{Delivery, ParkReason};
use domain::time::{Span, Timestamp};
use std::cell::RefCell;

/// A verified event on its way into the inbox.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// `evt_…`.
    pub id: String,
    /// Stripe's type.
    pub kind: String,
    /// The API version it is written in.
    pub api_version: Option<String>,
    /// When Stripe made it, in seconds.
    pub created: i64,
    /// Live or test.
    pub livemode: bool,
    /// `data.object.object`.
    pub object_type: String,
    /// `data.object.id`; some objects have none.
    pub object_id: Option<String>,
    /// The body as it came, compressed by [`NewDelivery::compress`].
    pub body: Vec<u8>,
    /// Until when a worker has it already, which gets it from the caller's hands rather than from
    /// the queue; none to leave it pending, due at once.
    pub claimed_until: Option<Timestamp>,
}

impl NewDelivery {
    /// Compresses a body. It is done by the caller, outside the transaction and in parallel.
    #[must_use]
    pub fn compress(body: &[u8]) -> Vec<u8> {
        compress(body)
    }
}

/// A delivery in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// `evt_…`.
    pub id: String,
    /// Stripe's type.
    pub kind: String,
    /// When Stripe made it, in seconds.
    pub created: i64,
    /// `data.object.id`, which deliveries about one object share.
    pub object_id: Option<String>,
    /// Which attempt this is; also the token that fences off a worker whose lease is over.
    pub attempt: u32,
    /// When the lease is over.
    pub lease_until: Timestamp,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Claimed {
    /// The state the delivery is in.
    #[must_use]
    pub fn state(&self) -> Delivery {
        Delivery::Claimed { attempt: self.attempt, lease_until: self.lease_until }
    }
}

/// How a worker leaves a delivery.
#[derive(Debug, Clone)]
pub struct Finish {
    /// `evt_…`.
    pub id: String,
    /// The attempt that is finished. When another worker has it by now, nothing is written.
    pub attempt: u32,
    /// The state to leave it in.
    pub state: Delivery,
    /// Whose object it was about, once known.
    pub organization: Option<String>,
}

/// A delivery as operators see it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// `evt_…`.
    pub id: String,
    /// Stripe's type.
    pub kind: String,
    /// The API version it is written in.
    pub api_version: Option<String>,
    /// `data.object.id`.
    pub object_id: Option<String>,
    /// Its state.
    pub state: Delivery,
    /// Attempts made so far.
    pub attempts: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// Whose object it was about, once known.
    pub organization_id: Option<String>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only this state.
    pub state: Option<String>,
    /// Only this type.
    pub kind: Option<String>,
}

/// A page of a list, newest first.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts; none on the last one.
    pub next: Option<String>,
}

/// How many deliveries are in which state, and how long the oldest has been waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// Waiting.
    pub pending: i64,
    /// In work.
    pub claimed: i64,
    /// In the mirror.
    pub applied: i64,
    /// Nothing followed.
    pub ignored: i64,
    /// Waiting for an operator.
    pub parked: i64,
    /// When the oldest one that is due or in work was received.
    pub oldest_waiting: Option<Timestamp>,
}

/// Zstandard level 1: on event payloads it comes within a few percent of the default level in a
/// third of the time.
const LEVEL: i32 = 1;

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
            const { RefCell::new(None) };
    }
    let fast = COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        slot.as_mut().and_then(|compressor| compressor.compress(bytes).ok())
    });
    // An empty frame would be lost data; a stored one is only larger.
    fast.unwrap_or_else(|| bytes.to_vec())
}

/// Undoes [`compress`]; the limit is above any body the inbox takes.
pub(crate) fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    const LIMIT: usize = 4 << 20;
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if !bytes.starts_with(&MAGIC) {
        return Some(bytes.to_vec());
    }
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(LIMIT).min(LIMIT);
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = zstd::bulk::Decompressor::new().ok();
        }
        slot.as_mut()?.decompress(bytes, size).ok()
    })
}

/// The state's columns in this order: state, attempts, `due_at`, `lease_until`, `finished_at`,
/// `reason_code`, `reason_detail`. `attempts` is kept where the state does not carry it.
fn state_values(state: &Delivery, attempts: u32) -> [Val; 7] {
    let name = Val::from(state.name());
    let null = || Val::Null;
    match state {
        Delivery::Pending { due, attempts } => {
            [name, (*attempts).into(), (*due).into(), null(), null(), null(), null()]
        }
        Delivery::Claimed { attempt, lease_until } => {
            [name, (*attempt).into(), null(), (*lease_until).into(), null(), null(), null()]
        }
        Delivery::Applied { at } | Delivery::Ignored { at } => {
            [name, attempts.into(), null(), null(), (*at).into(), null(), null()]
        }
        Delivery::Parked { at, reason } => [
            name,
            attempts.into(),
            null(),
            null(),
            (*at).into(),
            reason.code().into(),
            reason.detail().into(),
        ],
    }
}

const COLUMNS: &str = "id, type, api_version, object_id, state, attempts, due_at, lease_until, \
     finished_at, reason_code, reason_detail, received_at, organization_id";

fn delivery_row(row: Row) -> StoreResult<DeliveryRow> {
    let mut row = row.of("webhook_events");
    let id = row.text("id")?;
    let kind = row.text("type")?;
    let api_version = row.opt_text("api_version")?;
    let object_id = row.opt_text("object_id")?;
    let name = row.text("state")?;
    let attempts = u32::try_from(row.int("attempts")?).map_err(|_| row.corrupt("attempts"))?;
    let due = row.opt_time("due_at")?;
    let lease_until = row.opt_time("lease_until")?;
    let finished = row.opt_time("finished_at")?;
    let code = row.opt_text("reason_code")?;
    let detail = row.opt_text("reason_detail")?.unwrap_or_default();
    let state = match (name.as_str(), due, lease_until, finished, code) {
        ("pending", Some(due), ..) => Delivery::Pending { due, attempts },
        ("claimed", _, Some(lease_until), ..) => {
            Delivery::Claimed { attempt: attempts, lease_until }
        }
        ("applied", _, _, Some(at), _) => Delivery::Applied { at },
        ("ignored", _, _, Some(at), _) => Delivery::Ignored { at },
        ("parked", _, _, Some(at), Some(code)) => {
            Delivery::Parked { at, reason: ParkReason::from_parts(&code, &detail) }
        }
        _ => return Err(row.corrupt("state")),
    };
    let received_at = row.time("received_at")?;
    let organization_id = row.opt_text("organization_id")?;
    Ok(DeliveryRow {
        id,
        kind,
        api_version,
        object_id,
        state,
        attempts,
        received_at,
        organization_id,
    })
}

pub(crate) async fn finish(tx: &mut Tx, finish: &Finish) -> StoreResult<()> {
    let [state, attempts, due_at, lease_until, finished_at, code, detail] =
        state_values(&finish.state, finish.attempt);
    let touched = tx
        .execute(
            "update webhook_events
             set state = $3, attempts = $4, due_at = $5, lease_until = $6, finished_at = $7,
                 reason_code = $8, reason_detail = $9,
                 organization_id = coalesce($10, organization_id)
             where id = $1 and state = 'claimed' and attempts = $2",
            values![
                &finish.id,
                finish.attempt,
                state,
                attempts,
                due_at,
                lease_until,
                finished_at,
                code,
                detail,
                finish.organization.clone(),
            ],
        )
        .await?;
    if touched == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

impl Store {
    /// Puts events into the inbox and says of each whether it was new. They share
    /// one commit; an event that is there already is left as it is.
    ///
    /// # Errors
    /// When they could not be committed; then none of them is in.
    pub async fn accept_deliveries(
        &self,
        deliveries: Vec<NewDelivery>,
        now: Timestamp,
    ) -> StoreResult<Vec<bool>> {
        self.write(move |tx| {
            Box::pin(async move {
                let mut places: Vec<(usize, NewDelivery)> =
                    deliveries.into_iter().enumerate().collect();
                // In one order on all nodes: batches that hold the same events then wait for
                // each other on PostgreSQL, where they would otherwise deadlock.
                places.sort_by(|(_, one), (_, other)| one.id.cmp(&other.id));
                let mut order = Vec::with_capacity(places.len());
                let mut payloads = Vec::with_capacity(places.len());
                let mut events = Vec::with_capacity(places.len());
                for (place, one) in places {
                    order.push(place);
                    payloads.push((one.id.clone(), one.body));
                    let state = match one.claimed_until {
                        Some(lease_until) => Delivery::Claimed { attempt: 1, lease_until },
                        None => Delivery::received(now),
                    };
                    let [state, attempts, due_at, lease_until, ..] = state_values(&state, 0);
                    events.push(vec![
                        one.id.into(),
                        one.kind.into(),
                        one.api_version.into(),
                        one.created.into(),
                        one.livemode.into(),
                        one.object_type.into(),
                        one.object_id.into(),
                        now.into(),
                        state,
                        attempts,
                        due_at,
                        lease_until,
                    ]);
                }
                let touched = tx
                    .execute_each(
                        "insert into webhook_events
                             (id, type, api_version, created, livemode, object_type, object_id,
                              received_at, state, attempts, due_at, lease_until)
                         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                         on conflict (id) do nothing",
                        &events,
                    )
                    .await?;
                let new: Vec<bool> = touched.into_iter().map(|rows| rows == 1).collect();
                let bodies: Vec<Vec<Val>> = payloads
                    .into_iter()
                    .zip(&new)
                    .filter(|(_, new)| **new)
                    .map(|((id, body), _)| vec![id.into(), body.into()])
                    .collect();
                tx.execute_each(
                    "insert into webhook_payloads (event_id, body) values ($1, $2)",
                    &bodies,
                )
                .await?;
                let mut answers = vec![false; order.len()];
                for (place, new) in order.into_iter().zip(new) {
                    answers[place] = new;
                }
                Ok(answers)
            })
        })
        .await
    }

    /// Puts one event into the inbox and says whether it was new. Events that arrive while a
    /// commit is under way share the next one, on both databases.
    ///
    /// # Errors
    /// When it could not be committed; then it is not in.
    pub async fn accept_delivery(
        &self,
        delivery: NewDelivery,
        now: Timestamp,
    ) -> StoreResult<bool> {
        match &self.fold {
            Some(fold) => fold.put((delivery, now)).await,
            // The SQLite writer folds by itself.
            None => {
                let new = self.accept_deliveries(vec![delivery], now).await?;
                Ok(new.first().copied().unwrap_or(false))
            }
        }
    }

    pub(crate) async fn accept_folded(
        &self,
        batch: Vec<(NewDelivery, Timestamp)>,
    ) -> StoreResult<Vec<bool>> {
        let now = batch.iter().map(|(_, now)| *now).max().unwrap_or_default();
        self.accept_deliveries(batch.into_iter().map(|(one, _)| one).collect(), now).await
    }

    /// Takes up to `limit` due deliveries, oldest first, for as long as `lease`. Other workers
    /// pass over what is being taken.
    ///
    /// # Errors
    /// When the database is not available, or a payload cannot be read.
    pub async fn claim_due_deliveries(
        &self,
        now: Timestamp,
        lease: Span,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>> {
        let lease_until = now.plus(lease);
        self.write(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "update webhook_events
                         set state = 'claimed', attempts = attempts + 1, due_at = null,
                             lease_until = $2
                         where id in (
                             select id from webhook_events
                             where state = 'pending' and due_at <= $1
                             order by due_at, id
                             limit $3
                             /*pg for update skip locked*/
                         )
                         returning id, type, created, object_id, attempts,
                             (select body from webhook_payloads where event_id = id)",
                        values![now, lease_until, limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("webhook_events");
                        Ok(Claimed {
                            id: row.text("id")?,
                            kind: row.text("type")?,
                            created: row.int("created")?,
                            object_id: row.opt_text("object_id")?,
                            attempt: u32::try_from(row.int("attempts")?)
                                .map_err(|_| row.corrupt("attempts"))?,
                            lease_until,
                            // One unreadable payload must not keep the others from being
                            // claimed: without a body it is parked for its shape.
                            body: decompress(&row.bytes("body")?).unwrap_or_default(),
                        })
                    })
                    .collect()
            })
        })
        .await
    }

    /// When the next pending delivery is due; none when nothing is pending.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn next_delivery_due(&self) -> StoreResult<Option<Timestamp>> {
        self.read(|tx| {
            Box::pin(async move {
                let row = tx
                    .row("select min(due_at) from webhook_events where state = 'pending'", &[])
                    .await?;
                row.map_or(Ok(None), |mut row| row.opt_time("due_at"))
            })
        })
        .await
    }

    /// Leaves a claimed delivery in another state.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the claim is no longer this worker's.
    pub async fn finish_delivery(&self, done: Finish) -> StoreResult<()> {
        self.write(move |tx| Box::pin(async move { finish(tx, &done).await })).await
    }

    /// Returns deliveries whose lease is over to the queue and counts them.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn rescue_expired_leases(&self, now: Timestamp) -> StoreResult<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "update webhook_events
                     set state = 'pending', due_at = $1, lease_until = null
                     where state = 'claimed' and lease_until <= $1",
                    values![now],
                )
                .await
            })
        })
        .await
    }

    /// Returns every claimed delivery to the queue and counts them: for a database that one
    /// process uses at a time, when that process begins.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn return_all_claims(&self, now: Timestamp) -> StoreResult<u64> {
        self.write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "update webhook_events
                     set state = 'pending', due_at = $1, lease_until = null
                     where state = 'claimed'",
                    values![now],
                )
                .await
            })
        })
        .await
    }

    /// Leaves a claimed delivery in another state and tells somebody about it, in one commit.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the claim is no longer this worker's; then nobody is told.
    pub async fn finish_delivery_telling(
        &self,
        done: Finish,
        message: crate::NewMessage,
    ) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                finish(tx, &done).await?;
                crate::outbox::enqueue(tx, &message).await
            })
        })
        .await
    }

    /// One delivery.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery(&self, id: &str) -> StoreResult<Option<DeliveryRow>> {
        let id = id.to_owned();
        self.read(move |tx| Box::pin(async move { load(tx, &id).await })).await
    }

    /// The body of a delivery as it came.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_body(&self, id: &str) -> StoreResult<Option<Vec<u8>>> {
        let id = id.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let row = tx
                    .row(
                        "select event_id, body from webhook_payloads where event_id = $1",
                        values![id],
                    )
                    .await?;
                let Some(row) = row else { return Ok(None) };
                let mut row = row.of("webhook_payloads");
                row.text("event_id")?;
                let body = row.bytes("body")?;
                decompress(&body).ok_or_else(|| row.corrupt("body")).map(Some)
            })
        })
        .await
    }

    /// Puts a finished delivery back into the queue.
    ///
    /// # Errors
    /// [`StoreError::Stale`] while it is pending or claimed, since it will be done anyway.
    pub async fn replay_delivery(
        &self,
        id: &str,
        now: Timestamp,
        audit: crate::AuditEntry,
    ) -> StoreResult<Option<DeliveryRow>> {
        let id = id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let Some(row) = load(tx, &id).await? else { return Ok(None) };
                let state = row.state.replay(now).map_err(|_| StoreError::Stale)?;
                let [name, attempts, due_at, ..] = state_values(&state, 0);
                tx.execute(
                    "update webhook_events
                     set state = $2, attempts = $3, due_at = $4, lease_until = null,
                         finished_at = null, reason_code = null, reason_detail = null
                     where id = $1",
                    values![&id, name, attempts, due_at],
                )
                .await?;
                crate::audit::insert(tx, audit).await?;
                load(tx, &id).await
            })
        })
        .await
    }

    /// Deliveries, newest first. `cursor` is what the page before gave as `next`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
        cursor: Option<String>,
        limit: u32,
    ) -> StoreResult<Page<DeliveryRow>> {
        let (before, before_id) = split_cursor(cursor.as_deref());
        self.scan(move |tx| {
            Box::pin(async move {
                let sql = page_statement();
                let rows = tx
                    .rows(
                        sql,
                        values![
                            before,
                            before_id,
                            filter.state.unwrap_or_default(),
                            filter.kind.unwrap_or_default(),
                            limit.saturating_add(1),
                        ],
                    )
                    .await?;
                let mut rows: Vec<DeliveryRow> =
                    rows.into_iter().map(delivery_row).collect::<StoreResult<_>>()?;
                let more = rows.len() > limit as usize;
                rows.truncate(limit as usize);
                let next = rows
                    .last()
                    .filter(|_| more)
                    .map(|row| format!("{}_{}", row.received_at.as_millis(), row.id));
                Ok(Page { rows, next })
            })
        })
        .await
    }

    /// How many deliveries are in which state.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn delivery_counts(&self) -> StoreResult<DeliveryCounts> {
        self.scan(|tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select state, count(*), min(received_at) from webhook_events
                         group by state",
                        &[],
                    )
                    .await?;
                let mut counts = DeliveryCounts::default();
                for row in rows {
                    let mut row = row.of("webhook_events");
                    let state = row.text("state")?;
                    let count = row.int("count")?;
                    let oldest = row.opt_time("received_at")?;
                    match state.as_str() {
                        "pending" => counts.pending = count,
                        "claimed" => counts.claimed = count,
                        "applied" => counts.applied = count,
                        "ignored" => counts.ignored = count,
                        _ => counts.parked = count,
                    }
                    if matches!(state.as_str(), "pending" | "claimed") {
                        counts.oldest_waiting = match (counts.oldest_waiting, oldest) {
                            (Some(a), Some(b)) => Some(a.min(b)),
                            (a, b) => a.or(b),
                        };
                    }
                }
                Ok(counts)
            })
        })
        .await
    }
}

async fn load(tx: &mut Tx, id: &str) -> StoreResult<Option<DeliveryRow>> {
    tx.row(one_statement(), values![id]).await?.map(delivery_row).transpose()
}

fn one_statement() -> &'static str {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SQL.get_or_init(|| format!("select {COLUMNS} from webhook_events where id = $1"))
}

fn page_statement() -> &'static str {
    static SQL: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    SQL.get_or_init(|| {
        format!(
            "select {COLUMNS} from webhook_events
             where (received_at < $1 or (received_at = $1 and id < $2))
               and ($3 = '' or state = $3)
               and ($4 = '' or type = $4)
             order by received_at desc, id desc
             limit $5"
        )
    })
}

/// `<milliseconds>_<id>`; without one, from the end of time.
pub(crate) fn split_cursor(cursor: Option<&str>) -> (i64, String) {
    cursor
        .and_then(|text| text.split_once('_'))
        .and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())))
        .unwrap_or((i64::MAX, String::new()))
}
