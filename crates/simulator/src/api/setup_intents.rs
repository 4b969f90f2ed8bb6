//! `/v1/setup_intents`.

use serde_json::json;

use super::routes::Call;
use super::{Reply, payment_methods};
use crate::flows::cards::{self, Confirmed};
use crate::flows::payments::hide;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, Object, Tx};

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    if let Some(customer) = args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
    }
    let method = payment_methods::of_intent(tx, args)?;
    let id = cards::new_setup(tx, args.text("customer"), args);
    if let Some(method) = &method {
        tx.edit(&id, |intent| {
            intent.insert("payment_method".to_owned(), json!(method));
            intent.insert("status".to_owned(), json!("requires_confirmation"));
        });
    }
    if args.flag("confirm") == Some(true) {
        return confirm_with(tx, &id, args, method);
    }
    Ok(tx.json(&id))
}

fn confirm_with(tx: &mut Tx<'_>, id: &str, args: &Object, method: Option<String>) -> Reply {
    let method = method.or_else(|| tx.read(id).owned("payment_method"));
    let Some(method) = method else {
        return Err(ApiError::invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the \
             SetupIntent with a payment method and then confirm it again.",
        )
        .code("setup_intent_unexpected_state"));
    };
    if let Some(url) = args.text("return_url") {
        hide(tx, id, "return_url", json!(url));
    }
    match cards::confirm_setup(tx, id, &method, false) {
        Confirmed::Declined(error) => Err(error),
        Confirmed::Done | Confirmed::RequiresAction => Ok(tx.json(id)),
    }
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::SetupIntent, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::SetupIntent, call.id())?;
    let method = payment_methods::of_intent(tx, call.args)?;
    tx.edit(call.id(), |intent| {
        for key in ["customer", "description"] {
            if let Some(value) = call.args.get(key) {
                intent.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(method) = method {
            intent.insert("payment_method".to_owned(), json!(method));
            intent.insert("status".to_owned(), json!("requires_confirmation"));
        }
        cards::merge_metadata(intent, call.args);
    });
    Ok(tx.json(call.id()))
}

fn unexpected(status: &str, verb: &str) -> ApiError {
    ApiError::invalid(format!(
        "You cannot {verb} this SetupIntent because it has a status of {status}."
    ))
    .code("setup_intent_unexpected_state")
}

pub(crate) fn confirm(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::SetupIntent, call.id())?;
    let status = intent.text("status").unwrap_or_default();
    if matches!(status, "succeeded" | "canceled") {
        return Err(unexpected(status, "confirm"));
    }
    let method = payment_methods::of_intent(tx, call.args)?;
    confirm_with(tx, call.id(), call.args, method)
}

pub(crate) fn cancel(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::SetupIntent, call.id())?;
    let status = intent.text("status").unwrap_or_default();
    if matches!(status, "succeeded" | "canceled") {
        return Err(unexpected(status, "cancel"));
    }
    tx.edit(call.id(), |intent| {
        intent.insert("status".to_owned(), json!("canceled"));
        intent.insert("cancellation_reason".to_owned(), call.args.copy("cancellation_reason"));
        intent.insert("next_action".to_owned(), json!(null));
    });
    tx.emit("setup_intent.canceled", call.id());
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::SetupIntent, call.args, &["customer", "payment_method"], |_| true)
}
