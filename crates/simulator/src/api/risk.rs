//! `/v1/disputes` and `/v1/radar/early_fraud_warnings`.

use serde_json::json;

use super::Reply;
use super::routes::Call;
use crate::flows::disputes;
use crate::protocol::list as lists;
use crate::state::{Kind, Tx};

pub(crate) fn list_disputes(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let by = ["charge", "payment_intent"];
    let mut page = lists::page(tx, Kind::Dispute, call.args, &by, |_| true)?;
    // Real answers carry this key beside the documented ones.
    let count = page["data"].as_array().map_or(0, Vec::len);
    page["count"] = json!(count);
    Ok(page)
}

pub(crate) fn retrieve_dispute(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Dispute, call.id())?;
    Ok(disputes::shown(tx, call.id()))
}

pub(crate) fn update_dispute(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Dispute, call.id())?;
    disputes::update(tx, call.id(), call.args)?;
    Ok(disputes::shown(tx, call.id()))
}

pub(crate) fn close_dispute(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Dispute, call.id())?;
    disputes::close(tx, call.id())?;
    Ok(disputes::shown(tx, call.id()))
}

pub(crate) fn list_warnings(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::FraudWarning, call.args, &["charge", "payment_intent"], |_| true)
}

pub(crate) fn retrieve_warning(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::FraudWarning, call.id())?;
    Ok(tx.json(call.id()))
}
