//! `/v1/test_helpers/test_clocks`.

use serde_json::json;

use super::Reply;
use super::routes::Call;
use crate::flows::clocks;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    if tx.livemode {
        return Err(ApiError::invalid("Test clocks exist in test mode only."));
    }
    let id = clocks::create(tx, call.args.amount("frozen_time"), call.args.text("name"));
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::TestClock, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::TestClock, call.args, &[], |_| true)
}

pub(crate) fn advance(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::TestClock, call.id())?;
    clocks::advance(tx, call.id(), call.args.amount("frozen_time"))?;
    Ok(tx.json(call.id()))
}

pub(crate) fn delete(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::TestClock, call.id())?;
    clocks::delete(tx, call.id())?;
    Ok(json!({"id": call.id(), "object": "test_helpers.test_clock", "deleted": true}))
}
