//! `/v1/checkout/sessions`, and the private page calls that finish a session without a browser.

use serde_json::{Value, json};

use super::Reply;
use super::invoices::slice;
use super::routes::Call;
use crate::flows::cards::{self, Confirmed};
use crate::flows::checkout;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = checkout::create(tx, call.args)?;
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::CheckoutSession, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::CheckoutSession, call.id())?;
    tx.edit(call.id(), |session| cards::merge_metadata(session, call.args));
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let email = call.args.object("customer_details").and_then(|details| details.owned("email"));
    let by = ["customer", "subscription", "payment_intent", "status"];
    lists::page(tx, Kind::CheckoutSession, call.args, &by, |session| {
        email.as_deref().is_none_or(|email| {
            session.object("customer_details").and_then(|details| details.text("email"))
                == Some(email)
        })
    })
}

pub(crate) fn line_items(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::CheckoutSession, call.id())?;
    let items =
        tx.state.hidden.get(call.id()).map(|h| h.items("line_items").to_vec()).unwrap_or_default();
    slice(&items, call.args, &format!("/v1/checkout/sessions/{}/line_items", call.id()))
}

pub(crate) fn expire(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let session = tx.at_path(Kind::CheckoutSession, call.id())?;
    if session.text("status") != Some("open") {
        return Err(ApiError::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of `{}`.",
            session.text("status").unwrap_or_default()
        )));
    }
    checkout::expire(tx, call.id());
    Ok(tx.json(call.id()))
}

fn page(tx: &Tx<'_>, id: &str) -> Value {
    let session = tx.json(id);
    json!({
        "id": id,
        "object": "checkout.session",
        "session_id": id,
        "amount_total": session.copy("amount_total"),
        "currency": session.copy("currency"),
        "customer": session.copy("customer"),
        "livemode": session.copy("livemode"),
        "mode": session.copy("mode"),
        "payment_intent": session.copy("payment_intent"),
        "payment_method_types": session.copy("payment_method_types"),
        "payment_status": session.copy("payment_status"),
        "setup_intent": session.copy("setup_intent"),
        "state": match session.text("status") {
            Some("complete") => "succeeded",
            Some("expired") => "expired",
            _ => "active",
        },
        "status": session.copy("status"),
        "subscription": session.copy("subscription"),
        "success_url": session.copy("success_url"),
    })
}

pub(crate) fn payment_page(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::CheckoutSession, call.id())?;
    Ok(page(tx, call.id()))
}

pub(crate) fn confirm_page(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::CheckoutSession, call.id())?;
    let args = call.args;
    checkout::require_open(tx, call.id())?;
    let given = args.text("payment_method").unwrap_or_default();
    let method = cards::resolve(tx, given, "payment_method")?;
    let expected = args.int("expected_amount");
    match checkout::confirm(tx, call.id(), &method, args.text("email"), expected)? {
        Confirmed::Declined(error) => Err(error),
        Confirmed::Done | Confirmed::RequiresAction => Ok(page(tx, call.id())),
    }
}
