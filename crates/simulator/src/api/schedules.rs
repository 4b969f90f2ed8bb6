//! `/v1/subscription_schedules`.

use super::Reply;
use super::routes::Call;
use crate::flows::schedules;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = match call.args.text("from_subscription") {
        Some(subscription) => {
            if call.args.contains_key("phases") {
                return Err(ApiError::invalid(
                    "You cannot set `phases` if `from_subscription` is set.",
                )
                .at("phases"));
            }
            schedules::from_subscription(tx, subscription)?
        }
        None => schedules::create(tx, call.args)?,
    };
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Schedule, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Schedule, call.id())?;
    schedules::update(tx, call.id(), call.args)?;
    Ok(tx.json(call.id()))
}

pub(crate) fn release(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Schedule, call.id())?;
    schedules::release(tx, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn cancel(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Schedule, call.id())?;
    schedules::cancel(tx, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    lists::page(tx, Kind::Schedule, args, &["customer"], |schedule| {
        let is = |status: &str| schedule.text("status") == Some(status);
        (args.flag("scheduled") != Some(true) || is("not_started"))
            && lists::in_range(args.field("canceled_at"), schedule.amount("canceled_at"))
            && lists::in_range(args.field("completed_at"), schedule.amount("completed_at"))
            && lists::in_range(args.field("released_at"), schedule.amount("released_at"))
    })
}
