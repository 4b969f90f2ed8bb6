//! Buying, changing and leaving a plan: for admins of the organisation.

use crate::app::App;
use crate::billing::{
    Agreed, ChangePreview, CheckoutProgress, CheckoutRequest, Choice, OpenCheckout, Standing,
};
use crate::http::auth::Admin;
use crate::http::input::{Body, OptionalBody, Query};
use crate::http::problem::ApiResult;
use crate::http::views::{Interval, MoneyView, PlanPrice, PlanRef, ProblemView, Time};
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::catalogue::PlanId;
use domain::entitlement::BillingStatus;
use domain::mirror::{Invoice as MirroredInvoice, Mirrored};
use domain::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The state of billing in one word.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BillingStatus)]
pub(crate) enum Status {
    /// No subscription.
    Free,
    /// Paid.
    Active,
    /// In its trial.
    Trialing,
    /// The last renewal failed.
    PastDue,
    /// Ended.
    Cancelled,
    /// The first payment has not succeeded.
    Incomplete,
    /// Retries are used up.
    Unpaid,
    /// Paused.
    Paused,
}

impl From<BillingStatus> for Status {
    fn from(status: BillingStatus) -> Self {
        match status {
            BillingStatus::Free => Self::Free,
            BillingStatus::Active => Self::Active,
            BillingStatus::Trialing => Self::Trialing,
            BillingStatus::PastDue => Self::PastDue,
            BillingStatus::Cancelled => Self::Cancelled,
            BillingStatus::Incomplete => Self::Incomplete,
            BillingStatus::Unpaid => Self::Unpaid,
            BillingStatus::Paused => Self::Paused,
        }
    }
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// At once.
    Now,
    /// With the end of what is paid for.
    PeriodEnd,
}

impl From<When> for crate::billing::When {
    fn from(when: When) -> Self {
        match when {
            When::Now => Self::Now,
            When::PeriodEnd => Self::PeriodEnd,
        }
    }
}

impl From<crate::billing::When> for When {
    fn from(when: crate::billing::When) -> Self {
        match when {
            crate::billing::When::Now => Self::Now,
            crate::billing::When::PeriodEnd => Self::PeriodEnd,
        }
    }
}

/// A change of plan that is to come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduledChange {
    /// The plan that follows.
    plan: PlanRef,
    /// At which interval.
    interval: Interval,
    /// From when.
    at: Time,
}

/// A payment that failed and is still missing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentProblem {
    /// A sentence for people.
    reason: String,
    /// The bank's code, where it is known.
    #[schema(required)]
    decline_code: Option<String>,
    /// The invoice.
    invoice_id: String,
    /// What is owed.
    amount: MoneyView,
    /// Stripe's page on which it can be paid.
    #[schema(required)]
    hosted_invoice_url: Option<String>,
    /// When Stripe tries again.
    #[schema(required)]
    next_payment_attempt: Option<Time>,
}

/// The card that is charged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentMethod {
    /// `visa`, …
    brand: String,
    /// The last four digits.
    last4: String,
    /// Month of expiry, from 1.
    #[schema(required)]
    exp_month: Option<i64>,
    /// Year of expiry.
    #[schema(required)]
    exp_year: Option<i64>,
}

/// Where an organisation's billing stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Subscription {
    /// The plan whose limits apply.
    plan: PlanRef,
    /// The state in one word.
    status: Status,
    /// The plan that was bought, also while its payment is missing; none without a live
    /// subscription.
    #[schema(required)]
    subscribed_plan: Option<PlanRef>,
    /// Whether a paid plan is granted.
    is_active: bool,
    /// What is charged; none without a subscription.
    #[schema(required)]
    price: Option<PlanPrice>,
    /// Start of the paid period.
    #[schema(required)]
    current_period_start: Option<Time>,
    /// End of the paid period.
    #[schema(required)]
    current_period_end: Option<Time>,
    /// End of the trial.
    #[schema(required)]
    trial_end: Option<Time>,
    /// Ends with the running period.
    cancel_at_period_end: bool,
    /// When it will end.
    #[schema(required)]
    cancel_at: Option<Time>,
    /// When it ended.
    #[schema(required)]
    ended_at: Option<Time>,
    /// A change of plan that is to come.
    #[schema(required)]
    scheduled_change: Option<ScheduledChange>,
    /// `cus_…`.
    #[schema(required)]
    stripe_customer_id: Option<String>,
    /// `sub_…`.
    #[schema(required)]
    stripe_subscription_id: Option<String>,
    /// A payment that failed and is still missing.
    #[schema(required)]
    payment_problem: Option<PaymentProblem>,
    /// The card that is charged.
    #[schema(required)]
    payment_method: Option<PaymentMethod>,
    /// The fact that decided, as a sentence.
    because: String,
    /// Live subscriptions beside the one that counts.
    surplus_subscriptions: Vec<String>,
}

impl From<Standing> for Subscription {
    fn from(one: Standing) -> Self {
        let time = |moment: Option<domain::time::Timestamp>| moment.map(Time::from);
        Self {
            plan: one.plan.into(),
            subscribed_plan: one.subscribed_plan.map(Into::into),
            status: one.status.into(),
            is_active: one.is_active,
            price: one.price.map(|price| PlanPrice::new(price.interval, price.amount)),
            current_period_start: time(one.current_period_start),
            current_period_end: time(one.current_period_end),
            trial_end: time(one.trial_end),
            cancel_at_period_end: one.cancel_at_period_end,
            cancel_at: time(one.cancel_at),
            ended_at: time(one.ended_at),
            scheduled_change: one.scheduled_change.map(|change| ScheduledChange {
                plan: change.plan.into(),
                interval: change.interval.into(),
                at: change.at.into(),
            }),
            stripe_customer_id: one.stripe_customer_id,
            stripe_subscription_id: one.stripe_subscription_id,
            payment_problem: one.payment_problem.map(|problem| PaymentProblem {
                reason: problem.reason,
                decline_code: problem.decline_code,
                invoice_id: problem.invoice_id,
                amount: problem.amount.into(),
                hosted_invoice_url: problem.hosted_invoice_url,
                next_payment_attempt: time(problem.next_payment_attempt),
            }),
            payment_method: one.payment_method.map(|card| PaymentMethod {
                brand: card.brand,
                last4: card.last4,
                exp_month: card.exp_month,
                exp_year: card.exp_year,
            }),
            because: one.because,
            surplus_subscriptions: one.surplus_subscriptions,
        }
    }
}

/// What to buy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckoutBody {
    /// The plan's id.
    #[schema(example = "team")]
    plan: String,
    /// At which interval.
    interval: Interval,
    /// Where to return after paying; its origin has to be ours or allowed.
    success_url: Option<String>,
    /// Where to return on turning back; its origin has to be ours or allowed.
    cancel_url: Option<String>,
}

/// A checkout the browser can be sent to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckoutCreated {
    /// `cs_…`.
    id: String,
    /// Stripe's page.
    url: String,
}

/// How far a checkout is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutStatus {
    /// It can still be paid.
    Open,
    /// Paid.
    Complete,
    /// Over without a payment.
    Expired,
}

/// How a checkout stands at Stripe now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckoutState {
    /// `cs_…`.
    id: String,
    /// How far it is.
    status: CheckoutStatus,
    /// Stripe's page, while open.
    #[schema(required)]
    url: Option<String>,
    /// The new subscription, once complete.
    #[schema(required)]
    subscription: Option<Subscription>,
}

impl From<CheckoutProgress> for CheckoutState {
    fn from(progress: CheckoutProgress) -> Self {
        Self {
            id: progress.id,
            status: match progress.state {
                store::CheckoutState::Open => CheckoutStatus::Open,
                store::CheckoutState::Complete => CheckoutStatus::Complete,
                store::CheckoutState::Expired => CheckoutStatus::Expired,
            },
            url: progress.url,
            subscription: progress.subscription.map(Into::into),
        }
    }
}

/// Where to return from the portal.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortalBody {
    /// Its origin has to be ours or allowed; our billing page when left out.
    return_url: Option<String>,
}

/// Stripe's customer portal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PortalCreated {
    /// Where to send the browser.
    url: String,
}

/// A change of plan to be reckoned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    /// The plan's id.
    plan: String,
    /// At which interval.
    interval: Interval,
    /// Upgrades take effect now, downgrades with the period's end, unless said otherwise.
    when: Option<When>,
}

/// One line of a preview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewLine {
    /// What the customer reads.
    description: String,
    /// Negative for credit.
    amount: MoneyView,
}

/// What a change of plan would cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanChangePreview {
    /// The plan.
    plan: PlanRef,
    /// At which interval.
    interval: Interval,
    /// When it takes effect.
    when: When,
    /// What would be charged at once.
    amount_due: MoneyView,
    /// What would go to the customer's balance; 0 otherwise.
    credit: MoneyView,
    /// The reckoning.
    lines: Vec<PreviewLine>,
    /// The second for which it was reckoned (Unix); send it with the change.
    #[schema(required)]
    proration_date: Option<i64>,
    /// When the plan changes.
    effective_at: Time,
    /// When it is next charged.
    #[schema(required)]
    renews_at: Option<Time>,
    /// How much then.
    renewal_amount: MoneyView,
}

impl From<ChangePreview> for PlanChangePreview {
    fn from(preview: ChangePreview) -> Self {
        let lines = preview
            .lines
            .into_iter()
            .map(|line| PreviewLine { description: line.description, amount: line.amount.into() });
        Self {
            plan: preview.plan.into(),
            interval: preview.interval.into(),
            when: preview.when.into(),
            amount_due: preview.amount_due.into(),
            credit: preview.credit.into(),
            lines: lines.collect(),
            proration_date: preview.proration_date,
            effective_at: preview.effective_at.into(),
            renews_at: preview.renews_at.map(Into::into),
            renewal_amount: preview.renewal_amount.into(),
        }
    }
}

/// A change of plan to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanChangeBody {
    /// The plan's id.
    plan: String,
    /// At which interval.
    interval: Interval,
    /// Upgrades take effect now, downgrades with the period's end, unless said otherwise.
    when: Option<When>,
    /// From the preview: pins the reckoning to its second.
    proration_date: Option<i64>,
    /// From the preview, in minor units: another amount is refused with 409.
    expected_amount_due: Option<i64>,
}

/// When to end.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelBody {
    /// With the period's end, unless said otherwise.
    when: Option<When>,
}

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invoice {
    /// `in_…`.
    id: String,
    /// The number on paper; none while a draft.
    #[schema(required)]
    number: Option<String>,
    /// Stripe's status: `draft`, `open`, `paid`, `uncollectible`, `void`.
    status: String,
    /// What it comes to.
    amount: MoneyView,
    /// What is asked for.
    amount_due: MoneyView,
    /// What was paid.
    amount_paid: MoneyView,
    /// When Stripe made it.
    created_at: Time,
    /// Start of what it covers.
    #[schema(required)]
    period_start: Option<Time>,
    /// End of what it covers.
    #[schema(required)]
    period_end: Option<Time>,
    /// Stripe's page for the customer.
    #[schema(required)]
    hosted_invoice_url: Option<String>,
    /// The PDF.
    #[schema(required)]
    invoice_pdf: Option<String>,
}

impl From<Mirrored<MirroredInvoice>> for Invoice {
    fn from(row: Mirrored<MirroredInvoice>) -> Self {
        let one = row.object;
        let money = |minor| MoneyView::from(Money::new(minor, one.total.currency));
        Self {
            amount: one.total.into(),
            amount_due: money(one.amount_due),
            amount_paid: money(one.amount_paid),
            id: one.id,
            number: one.number,
            status: one.status.as_str().to_owned(),
            created_at: one.created.into(),
            period_start: one.period_start.map(Into::into),
            period_end: one.period_end.map(Into::into),
            hosted_invoice_url: one.hosted_invoice_url,
            invoice_pdf: one.invoice_pdf,
        }
    }
}

/// A page of invoices, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvoiceList {
    /// The invoices.
    data: Vec<Invoice>,
    /// Where the next page starts.
    #[schema(required)]
    next: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Opens a checkout for the caller; the aliases call it too.
pub(crate) async fn start(
    app: &App,
    Admin(who): &Admin,
    request: CheckoutRequest,
) -> ApiResult<OpenCheckout> {
    let open = app.billing.start_checkout(&who.organization.id, Some(&who.user.id), request);
    Ok(open.await?)
}

fn choice(plan: String, interval: Interval) -> Choice {
    Choice { plan: PlanId(plan), interval: interval.into() }
}

/// Shows where billing stands.
#[utoipa::path(
    get, path = "/api/v1/billing/subscription", operation_id = "get_subscription",
    tag = "billing",
    responses((status = 200, body = Subscription), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn get_subscription(app: App, Admin(who): Admin) -> ApiResult<Json<Subscription>> {
    Ok(Json(app.billing.subscription(&who.organization.id).await?.into()))
}

/// Opens a checkout at Stripe, or gives the one that is open.
#[utoipa::path(
    post, path = "/api/v1/billing/checkout", operation_id = "create_checkout", tag = "billing",
    request_body = CheckoutBody,
    responses(
        (status = 201, body = CheckoutCreated),
        (status = 409, body = ProblemView, description = "already_subscribed"),
        (status = "4XX", body = ProblemView),
    )
)]
pub(crate) async fn create_checkout(
    app: App,
    who: Admin,
    Body(body): Body<CheckoutBody>,
) -> ApiResult<(StatusCode, Json<CheckoutCreated>)> {
    let request = CheckoutRequest {
        choice: choice(body.plan, body.interval),
        success_url: body.success_url,
        cancel_url: body.cancel_url,
    };
    let OpenCheckout { id, url } = start(&app, &who, request).await?;
    Ok((StatusCode::CREATED, Json(CheckoutCreated { id, url })))
}

/// Looks at Stripe and says how a checkout stands. The page that Stripe returns to asks this, so
/// that nobody waits for a webhook.
#[utoipa::path(
    get, path = "/api/v1/billing/checkout/{id}", operation_id = "get_checkout", tag = "billing",
    params(("id" = String, Path, description = "`cs_…`")),
    responses((status = 200, body = CheckoutState), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn get_checkout(
    app: App,
    Admin(who): Admin,
    Path(id): Path<String>,
) -> ApiResult<Json<CheckoutState>> {
    Ok(Json(app.billing.checkout(&who.organization.id, &id).await?.into()))
}

/// Opens Stripe's customer portal.
#[utoipa::path(
    post, path = "/api/v1/billing/portal", operation_id = "create_portal", tag = "billing",
    request_body = PortalBody,
    responses((status = 201, body = PortalCreated), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn create_portal(
    app: App,
    Admin(who): Admin,
    OptionalBody(body): OptionalBody<PortalBody>,
) -> ApiResult<(StatusCode, Json<PortalCreated>)> {
    let url = app.billing.portal(&who.organization.id, body.return_url.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(PortalCreated { url })))
}

/// Says what a change of plan would cost. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/billing/plan-change/preview", operation_id = "preview_plan_change",
    tag = "billing", request_body = PreviewBody,
    responses((status = 200, body = PlanChangePreview), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn preview_plan_change(
    app: App,
    Admin(who): Admin,
    Body(body): Body<PreviewBody>,
) -> ApiResult<Json<PlanChangePreview>> {
    let choice = choice(body.plan, body.interval);
    let when = body.when.map(Into::into);
    let preview = app.billing.preview_plan_change(&who.organization.id, &choice, when).await?;
    Ok(Json(preview.into()))
}

/// Changes the plan. The previewed amount is the charged amount.
#[utoipa::path(
    post, path = "/api/v1/billing/plan-change", operation_id = "change_plan", tag = "billing",
    request_body = PlanChangeBody,
    responses(
        (status = 200, body = Subscription),
        (status = 402, body = ProblemView, description = "payment_failed: the old plan stays"),
        (status = 409, body = ProblemView, description = "conflict: the amount is another one now"),
        (status = "4XX", body = ProblemView),
    )
)]
pub(crate) async fn change_plan(
    app: App,
    Admin(who): Admin,
    Body(body): Body<PlanChangeBody>,
) -> ApiResult<Json<Subscription>> {
    let choice = choice(body.plan, body.interval);
    let when = body.when.map(Into::into);
    let agreed =
        Agreed { proration_date: body.proration_date, amount_due: body.expected_amount_due };
    let standing = app.billing.change_plan(&who.organization.id, &choice, when, agreed).await?;
    Ok(Json(standing.into()))
}

/// Takes a scheduled change of plan back.
#[utoipa::path(
    post, path = "/api/v1/billing/plan-change/withdraw", operation_id = "withdraw_plan_change",
    tag = "billing",
    responses((status = 200, body = Subscription), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn withdraw_plan_change(
    app: App,
    Admin(who): Admin,
) -> ApiResult<Json<Subscription>> {
    Ok(Json(app.billing.withdraw_change(&who.organization.id).await?.into()))
}

/// Ends the subscription, with its period by default.
#[utoipa::path(
    post, path = "/api/v1/billing/cancel", operation_id = "cancel_subscription", tag = "billing",
    request_body = CancelBody,
    responses((status = 200, body = Subscription), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn cancel_subscription(
    app: App,
    Admin(who): Admin,
    OptionalBody(body): OptionalBody<CancelBody>,
) -> ApiResult<Json<Subscription>> {
    let when = body.when.unwrap_or(When::PeriodEnd).into();
    Ok(Json(app.billing.cancel(&who.organization.id, when).await?.into()))
}

/// Takes a cancellation with the period's end back.
#[utoipa::path(
    post, path = "/api/v1/billing/resume", operation_id = "resume_subscription", tag = "billing",
    responses((status = 200, body = Subscription), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn resume_subscription(
    app: App,
    Admin(who): Admin,
) -> ApiResult<Json<Subscription>> {
    Ok(Json(app.billing.resume(&who.organization.id).await?.into()))
}

/// Lists invoices, newest first.
#[utoipa::path(
    get, path = "/api/v1/billing/invoices", operation_id = "list_invoices", tag = "billing",
    params(PageQuery),
    responses((status = 200, body = InvoiceList), (status = "4XX", body = ProblemView))
)]
pub(crate) async fn list_invoices(
    app: App,
    Admin(who): Admin,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<InvoiceList>> {
    let page = app.billing.invoices(&who.organization.id, query.cursor).await?;
    let data = page.rows.into_iter().map(Into::into).collect();
    Ok(Json(InvoiceList { data, next: page.next }))
}
