//! `/v1/events`: the log of the last thirty days.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::protocol::{ApiError, list as lists, render_event};
use crate::state::{EventRecord, Fields, Tx};

const KEPT_SECONDS: i64 = 30 * 86_400;

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    match tx.state.events.get(call.id()).filter(|event| event.livemode == tx.livemode) {
        Some(event) => Ok(render_event(tx.state, event, None)),
        None => Err(ApiError::no_such("event", call.id())),
    }
}

fn type_fits(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => event_type.starts_with(prefix),
        None => pattern == event_type,
    }
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let limit = lists::limit(args)?;
    lists::one_cursor(args)?;
    let types: Vec<String> =
        args.items("types").iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect();
    if types.len() > 20 {
        return Err(ApiError::invalid("You may pass at most 20 event types.").at("types"));
    }
    if !types.is_empty() && args.text("type").is_some() {
        return Err(ApiError::invalid(
            "You may only specify one of these parameters: type, types.",
        ));
    }
    let seq = |param: &str| -> Result<Option<u64>, ApiError> {
        let Some(id) = args.text(param) else { return Ok(None) };
        let event = tx.state.events.get(id);
        event.map(|event| Some(event.seq)).ok_or_else(|| ApiError::missing("event", id, param))
    };
    let (below, above) = (seq("starting_after")?, seq("ending_before")?);
    let oldest = tx.now - KEPT_SECONDS;
    let wanted = |event: &EventRecord| {
        event.livemode == tx.livemode
            && event.created >= oldest
            && args.text("type").is_none_or(|pattern| type_fits(pattern, &event.event_type))
            && (types.is_empty() || types.iter().any(|kind| type_fits(kind, &event.event_type)))
            && lists::in_range(args.field("created"), event.created)
            && args.flag("delivery_success").is_none_or(|ok| (event.pending_webhooks == 0) == ok)
    };
    let log = tx.state.events.all();
    let end = below.map_or(log.len(), |seq| usize::try_from(seq - 1).unwrap_or(log.len()));
    let start = above.map_or(0, |seq| usize::try_from(seq).unwrap_or(0));
    let range = log.get(start..end.max(start)).unwrap_or_default();
    let mut found: Vec<&EventRecord> = if above.is_some() {
        range.iter().filter(|event| wanted(event)).take(limit + 1).collect()
    } else {
        range.iter().rev().filter(|event| wanted(event)).take(limit + 1).collect()
    };
    let has_more = found.len() > limit;
    found.truncate(limit);
    if above.is_some() {
        found.reverse();
    }
    let data: Vec<Value> =
        found.into_iter().map(|event| render_event(tx.state, event, None)).collect();
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/events"}))
}
