//! The control page: `GET /` with its tabs.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::Pages;
use super::portal::{Plan, is_live, period_end};
use super::text::{Mark, field, first_of, moment, rfc3339};
use super::view::{self, values};
use crate::Kind;
use crate::webhooks::{Delivery, DeliveryState, Outcome};

/// Rows shown in one list.
const ROWS: usize = 100;

const TABS: &[(&str, &str)] = &[
    ("customers", "Customers"),
    ("events", "Events"),
    ("deliveries", "Deliveries"),
    ("clock", "Clock"),
    ("endpoints", "Endpoints"),
    ("faults", "Faults"),
];

/// Everything that may stand in the query of the control page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ControlQuery {
    tab: String,
    #[serde(rename = "type")]
    kind: String,
    event: String,
    state: String,
    delivery: Option<u64>,
    note: Option<u64>,
    problem: Option<u64>,
}

/// Shows the tab asked for.
pub(super) async fn show(
    State(pages): State<Pages>,
    Query(query): Query<ControlQuery>,
) -> Response {
    pages.deliverer.plan();
    let (tab, title) = TABS.iter().find(|(id, _)| *id == query.tab).copied().unwrap_or(TABS[0]);
    let values = match tab {
        "events" => events(&pages, &query),
        "deliveries" => deliveries(&pages, &query),
        "clock" => clock(&pages),
        "endpoints" => endpoints(&pages),
        "faults" => faults(&pages),
        _ => customers(&pages),
    };
    let newest = *pages.engine.subscribe_events().borrow();
    let waiting = pages.deliverer.deliveries(is_open, 0).1;
    let tabs: Vec<Value> = TABS
        .iter()
        .map(|(id, title)| {
            let count = match *id {
                "events" => Some(newest.to_string()),
                "deliveries" if waiting > 0 => Some(format!("{waiting} waiting")),
                _ => None,
            };
            values! { id, title, count }
        })
        .collect();
    view::page(
        StatusCode::OK,
        &format!("control_{tab}.html"),
        values! {
            tab, tabs,
            tab_title => title,
            now => moment(pages.engine.clock().now()),
            notice => pages.note(query.note),
            problem => pages.note(query.problem),
            ..values
        },
    )
}

fn customers(pages: &Pages) -> Value {
    let mut list = pages.engine.list(Kind::Customer, None, ROWS + 1);
    let more = list.len() > ROWS;
    list.truncate(ROWS);
    let customers: Vec<Value> = list
        .iter()
        .map(|customer| {
            let id = field(customer, "id");
            let all = pages.engine.customer_subscriptions(id);
            let mut shown: Vec<&Value> = all.iter().filter(|s| is_live(s)).collect();
            if shown.is_empty() {
                shown.extend(all.first());
            }
            let subscriptions: Vec<Plan> =
                shown.iter().map(|subscription| Plan::of(pages, subscription)).collect();
            let (name, email) = (field(customer, "name"), field(customer, "email"));
            values! {
                id, subscriptions,
                name => first_of([name, email, "No name"]),
                email => if name.is_empty() { "" } else { email },
                card => pages.card_of(id, shown.first().copied()),
            }
        })
        .collect();
    values! { customers, more }
}

fn events(pages: &Pages, query: &ControlQuery) -> Value {
    let all = pages.engine.recent_events(5_000);
    let mut types: Vec<&str> = all.iter().map(|event| event.event_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let wanted: Vec<_> = all
        .iter()
        .filter(|event| query.kind.is_empty() || event.event_type == query.kind)
        .collect();
    let rows: Vec<Value> = wanted
        .iter()
        .take(ROWS)
        .map(|event| {
            values! {
                id => event.id,
                kind => event.event_type,
                object => event.object.get("id").and_then(Value::as_str).unwrap_or_default(),
                at => moment(event.created),
                pending => event.pending_webhooks,
            }
        })
        .collect();
    let event = pages.engine.event(&query.event).map(|event| {
        let json = pages.engine.render_event(&event.id, None).unwrap_or_default();
        values! {
            id => event.id,
            kind => event.event_type,
            at => moment(event.created),
            json => serde_json::to_string_pretty(&json).unwrap_or_default(),
        }
    });
    values! {
        types, event,
        events => rows,
        more => wanted.len() > ROWS,
        total => wanted.len(),
        chosen_type => query.kind,
    }
}

fn is_open(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Waiting { .. } | DeliveryState::Sending { .. })
}

/// A delivery as a row or as the opened one.
fn shown(delivery: &Delivery) -> Value {
    let (mark, next) = match &delivery.state {
        DeliveryState::Waiting { due_ms } if delivery.attempts.is_empty() => {
            (Mark::new("", "Waiting"), format!("due {}", moment(due_ms / 1_000)))
        }
        DeliveryState::Waiting { due_ms } => {
            (Mark::new("warn", "Retrying"), format!("next {}", moment(due_ms / 1_000)))
        }
        DeliveryState::Sending { .. } => (Mark::new("", "Sending"), String::new()),
        DeliveryState::Acknowledged { at_ms } => {
            (Mark::new("good", "Delivered"), moment(at_ms / 1_000))
        }
        DeliveryState::Exhausted { .. } => (Mark::new("bad", "Given up"), String::new()),
        DeliveryState::Stopped { .. } => {
            (Mark::new("", "Stopped"), "the endpoint is off or gone".to_owned())
        }
        DeliveryState::Dropped => (Mark::new("bad", "Dropped"), "by fault injection".to_owned()),
    };
    let said = |outcome: &Outcome| match outcome {
        Outcome::Answered(status) => format!("HTTP {status}"),
        Outcome::Failed(why) => why.clone(),
    };
    let attempts: Vec<Value> = delivery
        .attempts
        .iter()
        .rev()
        .map(|attempt| {
            let by = if attempt.manual { ", sent by hand" } else { "" };
            values! {
                outcome => said(&attempt.outcome),
                duration => format!("{} ms{by}", attempt.duration_ms),
                at => moment(attempt.at_ms / 1_000),
                response => attempt.response,
            }
        })
        .collect();
    values! {
        mark, next, attempts,
        id => delivery.number,
        event => delivery.event_id,
        kind => delivery.event_type,
        url => delivery.url,
        tries => delivery.attempts.len(),
        last => delivery.attempts.last().map(|attempt| said(&attempt.outcome)).unwrap_or_default(),
    }
}

fn deliveries(pages: &Pages, query: &ControlQuery) -> Value {
    let wanted = |delivery: &Delivery| match query.state.as_str() {
        "open" => is_open(delivery),
        "delivered" => matches!(delivery.state, DeliveryState::Acknowledged { .. }),
        "failed" => {
            !matches!(delivery.state, DeliveryState::Acknowledged { .. })
                && (!is_open(delivery) || !delivery.attempts.is_empty())
        }
        _ => true,
    };
    let (list, total) = pages.deliverer.deliveries(wanted, ROWS);
    let states: Vec<Value> = [
        ("", "All"),
        ("open", "Waiting and retrying"),
        ("failed", "Failed"),
        ("delivered", "Delivered"),
    ]
    .into_iter()
    .map(|(value, text)| values! { value, text })
    .collect();
    values! {
        states, total,
        chosen_state => query.state,
        more => total > list.len(),
        delivery => query.delivery.and_then(|n| pages.deliverer.delivery(n)).map(|d| shown(&d)),
        deliveries => list.iter().map(shown).collect::<Vec<_>>(),
    }
}

/// When the next subscription on the simulator's own time renews or ends (seconds).
pub(super) fn next_renewal(pages: &Pages) -> Option<i64> {
    let now = pages.engine.clock().now();
    pages
        .engine
        .list(Kind::Subscription, None, 100_000)
        .iter()
        .filter(|subscription| is_live(subscription) && subscription["test_clock"].is_null())
        .filter_map(period_end)
        .filter(|end| *end > now)
        .min()
}

fn clock(pages: &Pages) -> Value {
    let steps: Vec<Value> =
        [("hour", "+1 hour"), ("day", "+1 day"), ("3days", "+3 days"), ("month", "+1 month")]
            .into_iter()
            .map(|(value, text)| values! { value, text })
            .collect();
    let clocks: Vec<Value> = pages
        .engine
        .list(Kind::TestClock, None, ROWS)
        .iter()
        .map(|clock| {
            let status = field(clock, "status");
            let tone = if status == "ready" { "good" } else { "warn" };
            values! {
                id => field(clock, "id"),
                name => first_of([field(clock, "name"), "Test clock"]),
                at => moment(clock["frozen_time"].as_i64().unwrap_or(0)),
                mark => Mark::new(tone, status),
            }
        })
        .collect();
    let now = pages.engine.clock().now();
    values! {
        steps, clocks,
        renewal => next_renewal(pages).map(moment),
        suggestion => rfc3339(now + 86_400),
        explanation => if pages.engine.clock().is_running() {
            "The clock runs, and goes on from wherever you move it."
        } else {
            "The clock stands still until it is moved."
        },
    }
}

fn endpoints(pages: &Pages) -> Value {
    let endpoints: Vec<Value> = pages
        .engine
        .endpoints()
        .iter()
        .map(|endpoint| {
            let all = endpoint.enabled_events.iter().any(|wanted| wanted == "*");
            values! {
                id => endpoint.id,
                url => endpoint.url,
                secret => endpoint.secret,
                enabled => endpoint.enabled,
                events => if all { "all".to_owned() } else { endpoint.enabled_events.join(", ") },
                version => endpoint.api_version.as_deref().unwrap_or("the account's default"),
                mark => if endpoint.enabled {
                    Mark::new("good", "Enabled")
                } else {
                    Mark::new("", "Disabled")
                },
            }
        })
        .collect();
    values! { endpoints }
}

fn faults(pages: &Pages) -> Value {
    let faults = pages.deliverer.faults();
    let share = |name: &str, label: &str, value: f64, hint: &str| {
        values! {
            name, label, hint,
            id => format!("fault-{name}"),
            min => 0, max => 100,
            value => value * 100.0,
        }
    };
    let number = |name: &str, label: &str, value: String, max: &str, hint: &str| {
        values! { name, label, hint, value, max, min => 0, id => format!("fault-{name}") }
    };
    let list = vec![
        share("drop", "Drop (%)", faults.drop, "Never sent; only a comparison finds the loss."),
        share("duplicate", "Duplicate (%)", faults.duplicate, "Sent twice."),
        share("reorder", "Reorder (%)", faults.reorder, "Held back until a later event was sent."),
        share("delay", "Delay (%)", faults.delay, "The first attempt comes late."),
        number(
            "delay_seconds",
            "Delay (seconds)",
            faults.delay_seconds.to_string(),
            "604800",
            "Of simulator time.",
        ),
        number(
            "seed",
            "Seed",
            faults.seed.to_string(),
            "4294967295",
            "Chooses which deliveries are hit.",
        ),
    ];
    values! { faults => list }
}
