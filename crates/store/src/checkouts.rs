//! Checkout sessions we opened at Stripe: at most one open one for an organisation.

use crate::Store;
use crate::error::{StoreError, StoreResult};
use crate::intents::{Intent, IntentState, NewIntent, close, insert_or_find, take_back};
use crate::tx::{Tx, values};
use crate::value::Row;
use domain::catalogue::{Interval, PlanId};
use domain::ids::{IntentId, OrganizationId};
use domain::time::Timestamp;

/// Where a checkout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutState {
    /// The customer may still pay.
    Open,
    /// Paid.
    Complete,
    /// Over without a payment.
    Expired,
}

impl CheckoutState {
    /// The stable name, which is Stripe's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// A checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRow {
    /// Stripe's id, `cs_…`.
    pub id: String,
    /// Who is to pay.
    pub organization: OrganizationId,
    /// Which user started it.
    pub user: Option<String>,
    /// The write that made it.
    pub intent: IntentId,
    /// What is being bought.
    pub plan: PlanId,
    /// At which interval.
    pub interval: Interval,
    /// Stripe's page, while open.
    pub url: Option<String>,
    /// Where it stands.
    pub state: CheckoutState,
    /// What it led to.
    pub subscription: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When Stripe closes it.
    pub expires_at: Timestamp,
}

/// A checkout that is over.
#[derive(Debug, Clone)]
pub struct CheckoutEnd {
    /// `cs_…`.
    pub id: String,
    /// Complete or expired.
    pub state: CheckoutState,
    /// What it led to.
    pub subscription: Option<String>,
}

/// What an organisation that wants to check out gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutSlot {
    /// The write that opens a session, to be carried out or repeated.
    Intent(Intent),
    /// It has an open session by now.
    Open(CheckoutRow),
}

const BY_ID: &str = "select id, organization_id, user_id, intent_id, plan_id, billing_interval,
        url, state, subscription_id, created_at, expires_at
    from checkout_sessions where id = $1";
const OPEN: &str = "select id, organization_id, user_id, intent_id, plan_id, billing_interval,
        url, state, subscription_id, created_at, expires_at
    from checkout_sessions where organization_id = $1 and state = 'open'";

fn checkout_row(row: Row) -> StoreResult<CheckoutRow> {
    let mut row = row.of("checkout_sessions");
    Ok(CheckoutRow {
        id: row.text("id")?,
        organization: OrganizationId::trusted(row.text("organization_id")?),
        user: row.opt_text("user_id")?,
        intent: IntentId::trusted(row.text("intent_id")?),
        plan: PlanId(row.text("plan_id")?),
        interval: Interval::from_name(&row.text("billing_interval")?)
            .ok_or_else(|| row.corrupt("billing_interval"))?,
        url: row.opt_text("url")?,
        state: match row.text("state")?.as_str() {
            "open" => CheckoutState::Open,
            "complete" => CheckoutState::Complete,
            "expired" => CheckoutState::Expired,
            _ => return Err(row.corrupt("state")),
        },
        subscription: row.opt_text("subscription_id")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}

/// Ends a session we know; one that is over already, or not ours, is left alone.
pub(crate) async fn end(tx: &mut Tx, end: &CheckoutEnd) -> StoreResult<()> {
    tx.execute(
        "update checkout_sessions
         set state = $2, subscription_id = $3, url = null
         where id = $1 and state = 'open'",
        values![&end.id, end.state.name(), end.subscription.clone()],
    )
    .await
    .map(|_| ())
}

impl Store {
    /// Stores that a session is to be opened, or gives the intent that is open already, or the
    /// session that is.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn open_checkout_intent(
        &self,
        new: NewIntent,
        now: Timestamp,
    ) -> StoreResult<CheckoutSlot> {
        self.write(move |tx| {
            Box::pin(async move {
                // First the intent, then the look: whoever recorded a session and closed its
                // intent before our insert is seen by the look.
                let intent = insert_or_find(tx, &new, now).await?;
                match tx.row(OPEN, values![new.organization.as_str()]).await? {
                    Some(row) => {
                        take_back(tx, &new.id).await?;
                        checkout_row(row).map(CheckoutSlot::Open)
                    }
                    None => Ok(CheckoutSlot::Intent(intent)),
                }
            })
        })
        .await
    }

    /// Records a session that Stripe opened, and closes its intent, in one commit. Repeating it
    /// changes nothing.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] when the organisation has another open session.
    pub async fn record_checkout(&self, row: CheckoutRow, now: Timestamp) -> StoreResult<()> {
        self.write(move |tx| {
            Box::pin(async move {
                // Any conflict is passed over here and looked at below: two who record the same
                // session at once would otherwise meet at the organisation's index first.
                let inserted = tx
                    .execute(
                        "insert into checkout_sessions
                             (id, organization_id, user_id, intent_id, plan_id, billing_interval,
                              url, state, subscription_id, created_at, expires_at)
                         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                         on conflict do nothing",
                        values![
                            &row.id,
                            row.organization.as_str(),
                            row.user,
                            row.intent.as_str(),
                            row.plan.as_str(),
                            row.interval.name(),
                            row.url,
                            row.state.name(),
                            row.subscription,
                            row.created_at,
                            row.expires_at,
                        ],
                    )
                    .await?;
                if inserted == 0 && tx.row(BY_ID, values![&row.id]).await?.is_none() {
                    return Err(StoreError::Taken);
                }
                close(tx, &row.intent, &IntentState::Done { result: row.id }, now).await.map(|_| ())
            })
        })
        .await
    }

    /// One checkout session.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn checkout(&self, id: &str) -> StoreResult<Option<CheckoutRow>> {
        let id = id.to_owned();
        self.read(move |tx| {
            Box::pin(async move { tx.row(BY_ID, values![id]).await?.map(checkout_row).transpose() })
        })
        .await
    }

    /// The open checkout session of an organisation, if it has one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn open_checkout(
        &self,
        organization: &OrganizationId,
    ) -> StoreResult<Option<CheckoutRow>> {
        let organization = organization.as_str().to_owned();
        self.read(move |tx| {
            Box::pin(async move {
                tx.row(OPEN, values![organization]).await?.map(checkout_row).transpose()
            })
        })
        .await
    }

    /// Ends a checkout session.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn end_checkout(&self, over: CheckoutEnd) -> StoreResult<()> {
        self.write(move |tx| Box::pin(async move { end(tx, &over).await })).await
    }
}
