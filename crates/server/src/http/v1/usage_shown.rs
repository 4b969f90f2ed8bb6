//! Usage as people look at it: where each feature stands and where it is heading, day by day, and
//! the alerts.

use super::entitlements::EntitledFeature;
use crate::app::App;
use crate::http::auth::{Reads, Uses};
use crate::http::problem::{ApiResult, Problem};
use crate::http::views::{PlanRef, ProblemView, Time};
use crate::usage::FeatureUsage;
use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use domain::catalogue::{FeatureKind, Limit};
use domain::time::Span;
use domain::usage::highest_reached;
use serde::Serialize;
use std::collections::BTreeMap;
use store::UsageAlertRow;
use utoipa::ToSchema;

/// How urgent a share of a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// Half of it.
    Info,
    /// 80 percent.
    Warning,
    /// 90 percent.
    Critical,
    /// All of it.
    Exceeded,
}

impl Severity {
    fn of(threshold: i64) -> Self {
        match threshold {
            ..=79 => Self::Info,
            80..=89 => Self::Warning,
            90..=99 => Self::Critical,
            _ => Self::Exceeded,
        }
    }
}

/// Where a feature stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureStanding {
    /// The feature, its limit and its use.
    #[serde(flatten)]
    feature: EntitledFeature,
    /// What reservations hold; none for switches.
    #[schema(required)]
    reserved: Option<i64>,
    /// The highest threshold reached, as an urgency; none below half of the limit.
    #[schema(required)]
    severity: Option<Severity>,
    /// When the limit is reached at the pace of the period so far; none when it is not reached
    /// within the period, or nothing can be said yet.
    #[schema(required)]
    limit_reached_at: Option<Time>,
}

impl FeatureStanding {
    fn new(one: &FeatureUsage) -> Self {
        let reached = match one.allowance.limit {
            Limit::Number(_) => highest_reached(one.allowance.limit, one.counter.used),
            Limit::Unlimited | Limit::Disabled => 0,
        };
        Self {
            feature: EntitledFeature::new(one),
            reserved: (one.feature.kind != FeatureKind::Switch).then_some(one.counter.reserved),
            severity: (reached > 0).then(|| Severity::of(i64::from(reached))),
            limit_reached_at: one.forecast.map(Time::from),
        }
    }
}

/// Where an organisation stands with all that it uses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageSummary {
    /// Whose.
    organization_id: String,
    /// The plan whose limits apply.
    plan: PlanRef,
    /// When the running period of metered features began.
    period_start: Time,
    /// When it ends.
    period_end: Time,
    /// Where more can be had.
    upgrade_url: String,
    /// Every feature of the catalogue.
    features: Vec<FeatureStanding>,
}

/// Says where each feature stands, and when its limit is reached at the present pace.
#[utoipa::path(
    get, path = "/api/v1/usage", operation_id = "get_usage", tag = "usage",
    responses((status = 200, body = UsageSummary), (status = 401, body = ProblemView))
)]
pub(crate) async fn get_usage(
    app: App,
    Reads(organization): Reads,
) -> ApiResult<Json<UsageSummary>> {
    let (row, features) = app.usage.current(&organization).await?;
    Ok(Json(UsageSummary {
        organization_id: row.organization.to_string(),
        plan: PlanRef::of(&row.entitlement.plan, &app.catalogue),
        period_start: row.entitlement.period.start.into(),
        period_end: row.entitlement.period.end.into(),
        upgrade_url: format!("{}/pricing", app.settings.frontend_url),
        features: features.iter().map(FeatureStanding::new).collect(),
    }))
}

/// What was used on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Day {
    /// The day, as its first moment in UTC.
    day: Time,
    /// How much.
    used: i64,
}

/// The history of each feature that was used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// Feature ids and their days, oldest first.
    data: BTreeMap<String, Vec<Day>>,
    /// Always null: a year fits.
    #[schema(required)]
    next: Option<String>,
}

/// The use of each feature, day by day, for the last year.
#[utoipa::path(
    get, path = "/api/v1/usage/history", operation_id = "get_usage_history", tag = "usage",
    responses((status = 200, body = History))
)]
pub(crate) async fn get_usage_history(
    app: App,
    Reads(organization): Reads,
) -> ApiResult<Json<History>> {
    const A_YEAR: Span = Span::days(366);
    let now = app.world.now();
    let rows = app.usage.history(&organization, now.minus(A_YEAR), now).await?;
    let mut data: BTreeMap<String, Vec<Day>> = BTreeMap::new();
    for (feature, day, used) in rows {
        data.entry(feature.to_string()).or_default().push(Day { day: day.into(), used });
    }
    Ok(Json(History { data, next: None }))
}

/// A threshold that was reached.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alert {
    /// The feature.
    feature: String,
    /// In the period of metered features that began then.
    period_start: Time,
    /// In percent.
    threshold: i64,
    /// How urgent.
    severity: Severity,
    /// What was used then.
    used: i64,
    /// Of how much.
    limit: i64,
    /// When.
    at: Time,
    /// When somebody put it aside.
    #[schema(required)]
    dismissed_at: Option<Time>,
    /// Where more can be had.
    action_url: String,
}

/// The newest alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertList {
    /// The alerts, newest first.
    data: Vec<Alert>,
    /// Always null: only the newest are shown.
    #[schema(required)]
    next: Option<String>,
}

/// Lists the newest alerts.
#[utoipa::path(
    get, path = "/api/v1/usage/alerts", operation_id = "list_usage_alerts", tag = "usage",
    responses((status = 200, body = AlertList))
)]
pub(crate) async fn list_usage_alerts(
    app: App,
    Reads(organization): Reads,
) -> ApiResult<Json<AlertList>> {
    let action_url = format!("{}/pricing", app.settings.frontend_url);
    let view = |row: UsageAlertRow| Alert {
        feature: row.feature.to_string(),
        period_start: row.period_start.into(),
        threshold: row.threshold,
        severity: Severity::of(row.threshold),
        used: row.used,
        limit: row.limit,
        at: row.at.into(),
        dismissed_at: row.dismissed_at.map(Time::from),
        action_url: action_url.clone(),
    };
    let rows = app.usage.alerts(&organization).await?;
    Ok(Json(AlertList { data: rows.into_iter().map(view).collect(), next: None }))
}

/// Puts the alerts about one threshold aside, for everybody in the organisation.
#[utoipa::path(
    post, path = "/api/v1/usage/alerts/{feature}/{threshold}/dismiss",
    operation_id = "dismiss_usage_alert", tag = "usage",
    params(
        ("feature" = String, Path, description = "The feature"),
        ("threshold" = u32, Path, description = "In percent"),
    ),
    responses((status = 204), (status = 404, body = ProblemView))
)]
pub(crate) async fn dismiss_usage_alert(
    app: App,
    Uses(organization): Uses,
    Path((feature, threshold)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    let threshold = threshold.parse().map_err(|_| Problem::not_found())?;
    if !app.usage.dismiss_alert(&organization, &feature, threshold).await? {
        return Err(Problem::not_found());
    }
    Ok(StatusCode::NO_CONTENT)
}
