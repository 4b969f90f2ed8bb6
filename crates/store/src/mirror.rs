//! The mirror of Stripe's objects: seven tables of one shape, written by one statement each.

use crate::Store;
use crate::deliveries::{Finish, compress, finish};
use crate::entitlements::{
    EntitlementRow, OrganizationState, confirm_entitlement, load_state, write_entitlement,
};
use crate::error::{StoreError, StoreResult};
use crate::outbox::{NewMessage, enqueue};
use crate::tx::{Tx, values};
use crate::value::{Row, Val};
use domain::ids::OrganizationId;
use domain::mirror::{
    AsOf, Charge, Customer, Dispute, FraudWarning, Invoice, InvoiceStatus, Mirrored, Refund,
    Subscription, SubscriptionStatus,
};
use domain::money::{Currency, Money};
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

/// A Stripe object that the mirror keeps. Implemented here only.
pub trait MirrorObject: Sized + Send + Sync + Clone + 'static {
    /// Its table.
    const TABLE: &'static str;
    /// Its own columns after `id` and `organization_id`, comma-separated.
    const COLUMNS: &'static str;
    /// Stripe's id.
    fn id(&self) -> &str;
    #[doc(hidden)]
    fn values(&self) -> Vec<CellValue>;
    #[doc(hidden)]
    fn read(
        id: String,
        organization: &OrganizationId,
        row: &mut CellReader<'_>,
    ) -> StoreResult<Self>;
}

/// A cell on its way into the database.
#[doc(hidden)]
#[derive(Debug)]
pub struct CellValue(Val);

/// The cells of a row that belong to the object.
#[doc(hidden)]
#[derive(Debug)]
pub struct CellReader<'a>(&'a mut Row);

macro_rules! cells {
    ($($value:expr),* $(,)?) => { vec![$(CellValue(Val::from($value))),*] };
}

/// A write to the mirror, conditional on the version it was planned from.
#[derive(Debug, Clone)]
pub struct MirrorWrite {
    table: &'static str,
    columns: &'static str,
    id: String,
    values: Vec<Val>,
}

impl MirrorWrite {
    /// Replaces version `expected` (0 for an object that is new) by `object`.
    #[must_use]
    pub fn new<T: MirrorObject>(
        object: &T,
        organization: &OrganizationId,
        as_of: AsOf,
        expected: i64,
        raw: &[u8],
    ) -> Self {
        let mut values: Vec<Val> = vec![object.id().into(), organization.as_str().into()];
        values.extend(object.values().into_iter().map(|cell| cell.0));
        values.push(compress(raw).into());
        values.extend([as_of.from.into(), as_of.to.into(), expected.into()]);
        Self { table: T::TABLE, columns: T::COLUMNS, id: object.id().to_owned(), values }
    }
}

/// Everything that follows from one delivery or one look at Stripe, committed together or not at
/// all. It is complete: committing makes no choice.
#[derive(Debug, Clone)]
pub struct ApplyCommit {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Changes of the mirror.
    pub mirror: Vec<MirrorWrite>,
    /// The entitlement that follows, with the version it was planned from.
    pub entitlement: Option<EntitlementRow>,
    /// The version of an entitlement that the plan was made from and leaves as it is.
    pub entitlement_stays: Option<i64>,
    /// Messages to send. One with a known key is dropped: it was sent for this cause before.
    pub messages: Vec<NewMessage>,
    /// A checkout session that is over, and the state it ended in.
    pub checkout: Option<crate::checkouts::CheckoutEnd>,
    /// The organisation's Stripe customer, when it has none yet.
    pub customer: Option<String>,
    /// The delivery this came from, and the state to leave it in.
    pub delivery: Option<Finish>,
}

/// An object of the mirror that Stripe may still change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished {
    /// `in_…`
    Invoice(String),
    /// `du_…`
    Dispute(String),
    /// `issfr_…`
    FraudWarning(String),
}

fn leak_once(key: (&'static str, &'static str), make: impl FnOnce() -> String) -> &'static str {
    static TEXTS: OnceLock<RwLock<HashMap<(&'static str, &'static str), &'static str>>> =
        OnceLock::new();
    let texts = TEXTS.get_or_init(Default::default);
    if let Some(text) = texts.read().ok().and_then(|map| map.get(&key).copied()) {
        return text;
    }
    let text: &'static str = make().leak();
    if let Ok(mut map) = texts.write() {
        map.insert(key, text);
    }
    text
}

/// `insert … on conflict do update … where version = expected`: one statement for new and known.
fn upsert_statement(table: &'static str, columns: &'static str) -> &'static str {
    leak_once(("upsert", table), || {
        let names: Vec<&str> = columns.split(", ").collect();
        let own = 2 + names.len();
        let parameters: Vec<String> = (1..=own + 3).map(|n| format!("${n}")).collect();
        let sets: Vec<String> = ["organization_id"]
            .iter()
            .chain(&names)
            .chain(&["raw", "as_of_from", "as_of_to"])
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let expected = format!("${}", own + 4);
        format!(
            "insert into {table} (id, organization_id, {columns}, raw, as_of_from, as_of_to, version)
             values ({}, {expected} + 1)
             on conflict (id) do update set {}, version = {expected} + 1
             where {table}.version = {expected}",
            parameters.join(", "),
            sets.join(", "),
        )
    })
}

fn select_statement<T: MirrorObject>(what: &'static str, tail: &str) -> &'static str {
    leak_once((what, T::TABLE), || {
        format!(
            "select id, organization_id, {}, as_of_from, as_of_to, version from {} {tail}",
            T::COLUMNS,
            T::TABLE,
        )
    })
}

fn read_row<T: MirrorObject>(row: Row) -> StoreResult<Mirrored<T>> {
    let mut row = row.of(T::TABLE);
    let id = row.text("id")?;
    let organization = OrganizationId::trusted(row.text("organization_id")?);
    let object = T::read(id, &organization, &mut CellReader(&mut row))?;
    let as_of = AsOf { from: row.int("as_of_from")?, to: row.int("as_of_to")? };
    let version = row.int("version")?;
    Ok(Mirrored { object, organization, as_of, version })
}

pub(crate) async fn load<T: MirrorObject>(
    tx: &mut Tx,
    id: &str,
) -> StoreResult<Option<Mirrored<T>>> {
    let sql = select_statement::<T>("one", "where id = $1");
    tx.row(sql, values![id]).await?.map(read_row::<T>).transpose()
}

pub(crate) async fn load_all<T: MirrorObject>(
    tx: &mut Tx,
    organization: &str,
) -> StoreResult<Vec<Mirrored<T>>> {
    let sql = select_statement::<T>("all", "where organization_id = $1 order by id");
    tx.rows(sql, values![organization]).await?.into_iter().map(read_row::<T>).collect()
}

impl Store {
    /// What the mirror holds of one Stripe object.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn mirrored<T: MirrorObject>(&self, id: &str) -> StoreResult<Option<Mirrored<T>>> {
        let id = id.to_owned();
        self.read(move |tx| Box::pin(async move { load::<T>(tx, &id).await })).await
    }

    /// The same together with everything known about its organisation, on one state of the
    /// database: what a plan that decides an entitlement starts from.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn mirrored_with_state<T: MirrorObject>(
        &self,
        id: &str,
    ) -> StoreResult<Option<(Mirrored<T>, Option<OrganizationState>)>> {
        let id = id.to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                let Some(row) = load::<T>(tx, &id).await? else { return Ok(None) };
                let state = load_state(tx, row.organization.as_str()).await?;
                Ok(Some((row, state)))
            })
        })
        .await
    }

    /// All objects of one kind that belong to an organisation, in the order of their ids.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn mirrored_of<T: MirrorObject>(
        &self,
        organization: &OrganizationId,
    ) -> StoreResult<Vec<Mirrored<T>>> {
        let organization = organization.as_str().to_owned();
        self.scan(move |tx| Box::pin(async move { load_all::<T>(tx, &organization).await })).await
    }

    /// Stripe's JSON of a mirrored object, as it was when it was mirrored.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn mirrored_raw<T: MirrorObject>(&self, id: &str) -> StoreResult<Option<Vec<u8>>> {
        let id = id.to_owned();
        let sql = leak_once(("raw", T::TABLE), || {
            format!("select id, raw from {} where id = $1", T::TABLE)
        });
        self.read(move |tx| {
            Box::pin(async move {
                let Some(row) = tx.row(sql, values![id]).await? else { return Ok(None) };
                let mut row = row.of(T::TABLE);
                row.text("id")?;
                let raw = row.bytes("raw")?;
                crate::deliveries::decompress(&raw).ok_or_else(|| row.corrupt("raw")).map(Some)
            })
        })
        .await
    }

    /// Objects made before `before` that Stripe may still change: open invoices, undecided
    /// disputes, actionable warnings. Those whose state is known for longest come first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn unfinished_objects(
        &self,
        before: domain::time::Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<Unfinished>> {
        self.scan(move |tx| {
            Box::pin(async move {
                let rows = tx
                    .rows(
                        "select id, 'invoice', as_of_to from invoices
                         where status in ('open', 'draft') and created_at < $1
                         union all
                         select id, 'dispute', as_of_to from disputes
                         where status not in ('won', 'lost', 'warning_closed', 'prevented')
                           and created_at < $1
                         union all
                         select id, 'warning', as_of_to from fraud_warnings
                         where actionable = 1 and created_at < $1
                         order by 3, 1 limit $2",
                        values![before, limit],
                    )
                    .await?;
                rows.into_iter()
                    .map(|row| {
                        let mut row = row.of("invoices");
                        let id = row.text("id")?;
                        Ok(match row.text("kind")?.as_str() {
                            "invoice" => Unfinished::Invoice(id),
                            "dispute" => Unfinished::Dispute(id),
                            _ => Unfinished::FraudWarning(id),
                        })
                    })
                    .collect()
            })
        })
        .await
    }

    /// The organisation whose mirror has this object, asked by table: used to find out whose a
    /// charge's refund or dispute is.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn owner_of<T: MirrorObject>(&self, id: &str) -> StoreResult<Option<OrganizationId>> {
        Ok(self.mirrored::<T>(id).await?.map(|row| row.organization))
    }

    /// A page of an organisation's invoices, newest first; `cursor` is the page before's `next`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn invoices_page(
        &self,
        organization: &OrganizationId,
        cursor: Option<String>,
        limit: u32,
    ) -> StoreResult<crate::Page<Mirrored<Invoice>>> {
        let organization = organization.as_str().to_owned();
        let (before, before_id) = crate::deliveries::split_cursor(cursor.as_deref());
        let sql = select_statement::<Invoice>(
            "page",
            "where organization_id = $1
               and (created_at < $2 or (created_at = $2 and id < $3))
             order by created_at desc, id desc limit $4",
        );
        self.scan(move |tx| {
            Box::pin(async move {
                let found = tx
                    .rows(sql, values![organization, before, before_id, limit.saturating_add(1)])
                    .await?;
                let mut rows: Vec<Mirrored<Invoice>> =
                    found.into_iter().map(read_row).collect::<StoreResult<_>>()?;
                let more = rows.len() > limit as usize;
                rows.truncate(limit as usize);
                let next = rows
                    .last()
                    .filter(|_| more)
                    .map(|row| format!("{}_{}", row.object.created.as_millis(), row.object.id));
                Ok(crate::Page { rows, next })
            })
        })
        .await
    }

    /// Commits what follows from a delivery or a look at Stripe.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the mirror, the entitlement or the claim is no longer what the
    /// commit was planned from; nothing is written, and the plan has to be made again.
    pub async fn commit_apply(&self, commit: ApplyCommit) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                // The entitlement row first: on PostgreSQL its lock makes plans for the same
                // organisation take turns, in one order, so that they cannot deadlock.
                if let Some(entitlement) = &commit.entitlement {
                    write_entitlement(tx, entitlement).await?;
                }
                if let Some(version) = commit.entitlement_stays {
                    confirm_entitlement(tx, commit.organization.as_str(), version).await?;
                }
                for write in &commit.mirror {
                    let sql = upsert_statement(write.table, write.columns);
                    if tx.execute(sql, &write.values).await? != 1 {
                        tracing::debug!(id = write.id, table = write.table, "Stale mirror write");
                        return Err(StoreError::Stale);
                    }
                }
                if let Some(customer) = &commit.customer {
                    tx.execute(
                        "update organizations set stripe_customer_id = $2
                         where id = $1 and stripe_customer_id is null",
                        values![commit.organization.as_str(), customer],
                    )
                    .await?;
                }
                if let Some(end) = &commit.checkout {
                    crate::checkouts::end(tx, end).await?;
                }
                for message in &commit.messages {
                    enqueue(tx, message).await?;
                }
                if let Some(done) = &commit.delivery {
                    finish(tx, done).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl MirrorObject for Customer {
    const TABLE: &'static str = "customers";
    const COLUMNS: &'static str = "email, name, deleted, default_payment_method";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            self.email.clone(),
            self.name.clone(),
            self.deleted,
            self.default_payment_method.clone()
        ]
    }
    fn read(
        id: String,
        organization: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            email: row.opt_text("email")?,
            name: row.opt_text("name")?,
            deleted: row.flag("deleted")?,
            organization: Some(organization.clone()),
            default_payment_method: row.opt_text("default_payment_method")?,
        })
    }
}

impl MirrorObject for Subscription {
    const TABLE: &'static str = "subscriptions";
    const COLUMNS: &'static str = "customer_id, status, item_id, price_id, quantity, created_at, \
        period_start, period_end, start_date, cancel_at_period_end, cancel_at, ended_at, \
        trial_end, latest_invoice_id, default_payment_method, schedule_id";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            &self.customer,
            self.status.as_str(),
            self.item.clone(),
            self.price.clone(),
            self.quantity,
            self.created,
            self.period_start,
            self.period_end,
            self.start_date,
            self.cancel_at_period_end,
            self.cancel_at,
            self.ended_at,
            self.trial_end,
            self.latest_invoice.clone(),
            self.default_payment_method.clone(),
            self.schedule.clone(),
        ]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            customer: row.text("customer_id")?,
            status: SubscriptionStatus::parse(&row.text("status")?),
            item: row.opt_text("item_id")?,
            price: row.opt_text("price_id")?,
            quantity: row.int("quantity")?,
            created: row.time("created_at")?,
            period_start: row.opt_time("period_start")?,
            period_end: row.opt_time("period_end")?,
            start_date: row.opt_time("start_date")?,
            cancel_at_period_end: row.flag("cancel_at_period_end")?,
            cancel_at: row.opt_time("cancel_at")?,
            ended_at: row.opt_time("ended_at")?,
            trial_end: row.opt_time("trial_end")?,
            latest_invoice: row.opt_text("latest_invoice_id")?,
            default_payment_method: row.opt_text("default_payment_method")?,
            schedule: row.opt_text("schedule_id")?,
        })
    }
}

fn money(row: &mut Row, currency: &str, column: &'static str) -> StoreResult<Money> {
    let currency = Currency::parse(currency).map_err(|_| row.corrupt("currency"))?;
    Ok(Money::new(row.int(column)?, currency))
}

impl MirrorObject for Invoice {
    const TABLE: &'static str = "invoices";
    const COLUMNS: &'static str = "customer_id, subscription_id, number, status, billing_reason, \
        currency, total_minor, amount_due_minor, amount_paid_minor, attempt_count, \
        next_payment_attempt, created_at, period_start, period_end, paid_at, \
        hosted_invoice_url, invoice_pdf";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            &self.customer,
            self.subscription.clone(),
            self.number.clone(),
            self.status.as_str(),
            self.billing_reason.clone(),
            self.total.currency.code(),
            self.total.minor,
            self.amount_due,
            self.amount_paid,
            self.attempt_count,
            self.next_payment_attempt,
            self.created,
            self.period_start,
            self.period_end,
            self.paid_at,
            self.hosted_invoice_url.clone(),
            self.invoice_pdf.clone(),
        ]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            customer: row.text("customer_id")?,
            subscription: row.opt_text("subscription_id")?,
            number: row.opt_text("number")?,
            status: InvoiceStatus::parse(&row.text("status")?),
            billing_reason: row.opt_text("billing_reason")?,
            total: {
                let currency = row.text("currency")?;
                money(row, &currency, "total_minor")?
            },
            amount_due: row.int("amount_due_minor")?,
            amount_paid: row.int("amount_paid_minor")?,
            attempt_count: row.int("attempt_count")?,
            next_payment_attempt: row.opt_time("next_payment_attempt")?,
            created: row.time("created_at")?,
            period_start: row.opt_time("period_start")?,
            period_end: row.opt_time("period_end")?,
            paid_at: row.opt_time("paid_at")?,
            hosted_invoice_url: row.opt_text("hosted_invoice_url")?,
            invoice_pdf: row.opt_text("invoice_pdf")?,
        })
    }
}

impl MirrorObject for Charge {
    const TABLE: &'static str = "charges";
    const COLUMNS: &'static str = "customer_id, payment_intent_id, status, currency, \
        amount_minor, amount_refunded_minor, disputed, failure_code, card_brand, card_last4, \
        card_fingerprint, created_at";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            self.customer.clone(),
            self.payment_intent.clone(),
            &self.status,
            self.amount.currency.code(),
            self.amount.minor,
            self.amount_refunded,
            self.disputed,
            self.failure_code.clone(),
            self.card_brand.clone(),
            self.card_last4.clone(),
            self.card_fingerprint.clone(),
            self.created,
        ]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            customer: row.opt_text("customer_id")?,
            payment_intent: row.opt_text("payment_intent_id")?,
            status: row.text("status")?,
            amount: {
                let currency = row.text("currency")?;
                money(row, &currency, "amount_minor")?
            },
            amount_refunded: row.int("amount_refunded_minor")?,
            disputed: row.flag("disputed")?,
            failure_code: row.opt_text("failure_code")?,
            card_brand: row.opt_text("card_brand")?,
            card_last4: row.opt_text("card_last4")?,
            card_fingerprint: row.opt_text("card_fingerprint")?,
            created: row.time("created_at")?,
        })
    }
}

impl MirrorObject for Refund {
    const TABLE: &'static str = "refunds";
    const COLUMNS: &'static str = "charge_id, status, reason, currency, amount_minor, created_at";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            self.charge.clone(),
            &self.status,
            self.reason.clone(),
            self.amount.currency.code(),
            self.amount.minor,
            self.created,
        ]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            charge: row.opt_text("charge_id")?,
            status: row.text("status")?,
            reason: row.opt_text("reason")?,
            amount: {
                let currency = row.text("currency")?;
                money(row, &currency, "amount_minor")?
            },
            created: row.time("created_at")?,
        })
    }
}

impl MirrorObject for Dispute {
    const TABLE: &'static str = "disputes";
    const COLUMNS: &'static str = "charge_id, status, reason, currency, amount_minor, due_by, \
        submission_count, created_at";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![
            &self.charge,
            &self.status,
            &self.reason,
            self.amount.currency.code(),
            self.amount.minor,
            self.due_by,
            self.submission_count,
            self.created,
        ]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            charge: row.text("charge_id")?,
            status: row.text("status")?,
            reason: row.text("reason")?,
            amount: {
                let currency = row.text("currency")?;
                money(row, &currency, "amount_minor")?
            },
            due_by: row.opt_time("due_by")?,
            submission_count: row.int("submission_count")?,
            created: row.time("created_at")?,
        })
    }
}

impl MirrorObject for FraudWarning {
    const TABLE: &'static str = "fraud_warnings";
    const COLUMNS: &'static str = "charge_id, fraud_type, actionable, created_at";
    fn id(&self) -> &str {
        &self.id
    }
    fn values(&self) -> Vec<CellValue> {
        cells![&self.charge, &self.fraud_type, self.actionable, self.created]
    }
    fn read(
        id: String,
        _: &OrganizationId,
        CellReader(row): &mut CellReader<'_>,
    ) -> StoreResult<Self> {
        Ok(Self {
            id,
            charge: row.text("charge_id")?,
            fraud_type: row.text("fraud_type")?,
            actionable: row.flag("actionable")?,
            created: row.time("created_at")?,
        })
    }
}

pub(crate) fn open_invoices_statement() -> &'static str {
    select_statement::<Invoice>(
        "open",
        "where organization_id = $1 and status = 'open' order by id",
    )
}

pub(crate) fn read_invoice(row: Row) -> StoreResult<Mirrored<Invoice>> {
    read_row::<Invoice>(row)
}
