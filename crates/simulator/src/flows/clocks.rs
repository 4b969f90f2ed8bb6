//! Test clocks: their own time for up to three customers, moved forward by request.

use serde_json::{Value, json};

use crate::protocol::ApiError;
use crate::state::{ClockTime, Due, Fields, Kind, Tx};

const DAY: i64 = 86_400;

/// `POST /v1/test_helpers/test_clocks`.
pub(crate) fn create(tx: &mut Tx<'_>, frozen_time: i64, name: Option<&str>) -> String {
    let id = tx.state.ids.id("clock_1").replacen("clock_1_", "clock_1", 1);
    let json = json!({
        "id": id,
        "object": "test_helpers.test_clock",
        "created": tx.now,
        "deletes_after": tx.now + 30 * DAY,
        "frozen_time": frozen_time,
        "livemode": tx.livemode,
        "name": name,
        "status": "ready",
        "status_details": {},
    });
    tx.insert(Kind::TestClock, json);
    tx.state.timelines += 1;
    let timeline = tx.state.timelines;
    tx.state.clocks.insert(id.clone(), ClockTime { timeline, now: frozen_time });
    tx.emit("test_helpers.test_clock.created", &id);
    id
}

/// `POST …/advance`: the answer says `advancing`; the work is done right after it.
///
/// # Errors
/// 400 for a moment that is not ahead or too far ahead, 429 while it is advancing.
pub(crate) fn advance(tx: &mut Tx<'_>, id: &str, to: i64) -> Result<(), ApiError> {
    let clock = tx.json(id);
    not_advancing(&clock)?;
    let from = clock.amount("frozen_time");
    if to <= from {
        return Err(ApiError::invalid(format!(
            "The test clock's frozen time can only be moved forward. Its current time is {from}."
        ))
        .at("frozen_time"));
    }
    if to > limit(tx, id, from) {
        return Err(ApiError::invalid(
            "The test clock cannot be advanced by more than two intervals of its shortest \
             subscription, or by more than two years when it has none.",
        )
        .at("frozen_time"));
    }
    tx.edit(id, |clock| {
        clock.insert("status".to_owned(), json!("advancing"));
        clock.insert("status_details".to_owned(), json!({"advancing": {"target_frozen_time": to}}));
    });
    tx.emit("test_helpers.test_clock.advancing", id);
    tx.state.after_response.push(Due::AdvanceTestClock { clock: id.to_owned(), to });
    Ok(())
}

fn limit(tx: &Tx<'_>, id: &str, from: i64) -> i64 {
    let subscriptions = tx
        .ids_by(Kind::Subscription, "test_clock", id)
        .into_iter()
        .map(|subscription| tx.json(&subscription))
        .filter(|subscription| {
            !matches!(subscription.text("status"), Some("canceled" | "incomplete_expired"))
        });
    subscriptions
        .filter_map(|subscription| {
            let items = super::subscriptions::items::of(&subscription);
            items.first().map(|item| item.cadence().after(from, 2))
        })
        .min()
        .unwrap_or_else(|| crate::rules::calendar::add_months(from, 24))
}

/// Moves the clock, doing everything on the way at the moment it falls due.
pub(crate) fn advance_now(tx: &mut Tx<'_>, id: &str, to: i64) {
    let Some(timeline) = tx.state.clocks.get(id).map(|clock| clock.timeline) else { return };
    while let Some((at, due)) = tx.state.due.pop(timeline, to) {
        set(tx, id, at);
        super::run_due(tx.state, tx.now, at, due);
    }
    set(tx, id, to);
    tx.edit(id, |clock| {
        clock.insert("frozen_time".to_owned(), json!(to));
        clock.insert("status".to_owned(), json!("ready"));
        clock.insert("status_details".to_owned(), json!({}));
    });
    tx.emit("test_helpers.test_clock.ready", id);
}

fn set(tx: &mut Tx<'_>, id: &str, now: i64) {
    if let Some(clock) = tx.state.clocks.get_mut(id) {
        clock.now = clock.now.max(now);
    }
}

fn not_advancing(clock: &Value) -> Result<(), ApiError> {
    if clock.text("status") == Some("advancing") {
        return Err(ApiError::invalid(
            "The test clock cannot be changed because there is a clock advancement underway.",
        )
        .with_status(429));
    }
    Ok(())
}

/// `DELETE …`: the clock, its customers and all that is theirs.
///
/// # Errors
/// 429 while it is advancing.
pub(crate) fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    not_advancing(&tx.json(id))?;
    for customer in tx.ids_by(Kind::Customer, "test_clock", id) {
        crate::api::customers::delete_customer(tx, &customer);
    }
    if let Some(clock) = tx.state.clocks.remove(id) {
        tx.state.due.drop_timeline(clock.timeline);
    }
    tx.emit("test_helpers.test_clock.deleted", id);
    tx.state.objects.remove(id);
    Ok(())
}
