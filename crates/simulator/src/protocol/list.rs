//! Lists: newest first, cut by cursors, filtered.

use serde_json::{Value, json};

use super::ApiError;
use crate::state::{Fields, Kind, Object, Objects, Tx};

/// `limit` of a list request: 1 to 100, 10 when absent.
///
/// # Errors
/// 400 outside of that range.
pub(crate) fn limit(args: &Object) -> Result<usize, ApiError> {
    let limit = args.int("limit").unwrap_or(10);
    let refuse = |words: &str| {
        let message = format!("This value must be {words} (it currently is '{limit}').");
        Err(ApiError::invalid(message).code("parameter_invalid_integer").at("limit"))
    };
    match limit {
        ..1 => refuse("greater than or equal to 1"),
        101.. => refuse("less than or equal to 100"),
        _ => Ok(usize::try_from(limit).unwrap_or(10)),
    }
}

/// Whether a moment lies in a filter such as `created[gte]`.
pub(crate) fn in_range(filter: Option<&Value>, moment: i64) -> bool {
    match filter {
        None => true,
        Some(Value::Object(range)) => {
            range.int("gt").is_none_or(|bound| moment > bound)
                && range.int("gte").is_none_or(|bound| moment >= bound)
                && range.int("lt").is_none_or(|bound| moment < bound)
                && range.int("lte").is_none_or(|bound| moment <= bound)
        }
        Some(exact) => exact.as_i64() == Some(moment),
    }
}

/// Refuses two cursors at once.
///
/// # Errors
/// 400.
pub(crate) fn one_cursor(args: &Object) -> Result<(), ApiError> {
    if args.text("starting_after").is_some() && args.text("ending_before").is_some() {
        return Err(ApiError::invalid(
            "Received both starting_after and ending_before parameters. Please pass in only one.",
        ));
    }
    Ok(())
}

/// One page of a kind. Filters that are indexed and present in `args` (`by`) are looked up; the
/// others are left to `keep`. `created` is handled here.
///
/// # Errors
/// 400 for a bad limit or cursor.
pub(crate) fn page(
    tx: &Tx<'_>,
    kind: Kind,
    args: &Object,
    by: &[&str],
    keep: impl Fn(&Object) -> bool,
) -> Result<Value, ApiError> {
    page_at(tx, kind, args, by, keep, kind.path())
}

/// As [`page`], under another `url`.
///
/// # Errors
/// As [`page`].
pub(crate) fn page_at(
    tx: &Tx<'_>,
    kind: Kind,
    args: &Object,
    by: &[&str],
    keep: impl Fn(&Object) -> bool,
    url: &str,
) -> Result<Value, ApiError> {
    let limit = limit(args)?;
    one_cursor(args)?;
    let seq = |param: &str| -> Result<Option<u64>, ApiError> {
        let Some(id) = args.text(param) else { return Ok(None) };
        tx.named(kind, id, param)?;
        Ok(tx.state.objects.get(id).map(|entry| entry.seq))
    };
    let below = seq("starting_after")?;
    let above = seq("ending_before")?;
    let filter = by
        .iter()
        .filter(|field| Objects::is_indexed(field))
        .find_map(|field| Some((*field, args.text(field)?)));
    let matches = |json: &Object| {
        by.iter().all(|field| match args.field(field) {
            Some(wanted) if !Objects::is_indexed(field) => json.field(field) == Some(wanted),
            Some(wanted) => {
                filter.is_some_and(|(name, _)| name == *field) || {
                    json.reference(field) == wanted.as_str()
                }
            }
            None => true,
        }) && in_range(args.field("created"), json.amount("created"))
            && keep(json)
    };
    let bounds = (above.unwrap_or(0), below.unwrap_or(u64::MAX));
    let found = tx.state.objects.newest_first(kind, tx.livemode, filter, bounds);
    let mut data: Vec<Value> = Vec::new();
    let mut has_more = false;
    let mut take = |json: &Object| {
        if !matches(json) {
            return true;
        }
        if data.len() == limit {
            has_more = true;
            return false;
        }
        data.push(Value::Object(json.clone()));
        true
    };
    if above.is_some() {
        // The page right before the cursor: walk upwards from it, then turn the page around.
        for entry in found.rev() {
            if !take(&entry.json) {
                break;
            }
        }
        data.reverse();
    } else {
        for entry in found {
            if !take(&entry.json) {
                break;
            }
        }
    }
    Ok(json!({"object": "list", "data": data, "has_more": has_more, "url": url}))
}
