//! `/v1/charges` and `/v1/refunds`.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows::{cards, ledger};
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Tx};

pub(crate) fn list_charges(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::Charge, call.args, &["payment_intent", "customer"], |_| true)
}

pub(crate) fn search_charges(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Charge, call.args)
}

pub(crate) fn retrieve_charge(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Charge, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update_charge(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Charge, call.id())?;
    let args = call.args;
    let changed = tx.edit(call.id(), |charge| {
        for key in ["description", "receipt_email", "fraud_details"] {
            if let Some(value) = args.get(key) {
                charge.insert(key.to_owned(), value.clone());
            }
        }
        cards::merge_metadata(charge, args);
    });
    tx.emit_if_changed("charge.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

pub(crate) fn refunds_of_charge(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Charge, call.id())?;
    let mut args = call.args.clone();
    args.insert("charge".to_owned(), json!(call.id()));
    let url = format!("/v1/charges/{}/refunds", call.id());
    lists::page_at(tx, Kind::Refund, &args, &["charge"], |_| true, &url)
}

pub(crate) fn create_refund(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let charge = match (args.text("charge"), args.text("payment_intent")) {
        (Some(charge), _) => {
            tx.named(Kind::Charge, charge, "charge")?;
            charge.to_owned()
        }
        (None, Some(intent)) => {
            let intent = tx.named(Kind::PaymentIntent, intent, "payment_intent")?;
            intent.owned("latest_charge").ok_or_else(|| {
                ApiError::invalid("This PaymentIntent does not have a successful charge to refund.")
                    .at("payment_intent")
            })?
        }
        (None, None) => {
            return Err(ApiError::invalid(
                "One of the following params should be provided for this request: payment_intent \
                 or charge.",
            ));
        }
    };
    let id = ledger::refund(tx, &charge, args.int("amount"), args)?;
    Ok(tx.json(&id))
}

pub(crate) fn list_refunds(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::Refund, call.args, &["charge", "payment_intent"], |_| true)
}

pub(crate) fn retrieve_refund(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Refund, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update_refund(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Refund, call.id())?;
    let changed = tx.edit(call.id(), |refund| cards::merge_metadata(refund, call.args));
    tx.emit_if_changed("refund.updated", call.id(), changed.clone());
    tx.emit_if_changed("charge.refund.updated", call.id(), changed);
    let json: Value = tx.json(call.id());
    Ok(json)
}
