//! `/v1/payment_intents`.

use serde_json::{Value, json};

use super::routes::Call;
use super::{Reply, payment_methods};
use crate::flows::cards::{self, Confirmed};
use crate::flows::payments::{self, NewIntent, hide};
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::rules::money;
use crate::state::{Fields, Kind, Object, Tx};

fn check_amount(amount: i64, currency: &str) -> Result<(), ApiError> {
    if amount < 1 {
        return Err(ApiError::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .at("amount"));
    }
    let least = money::minimum_charge(currency);
    if amount < least {
        let words = money::in_words(least, currency);
        return Err(ApiError::invalid(format!("Amount must be at least {words} {currency}"))
            .code("amount_too_small")
            .at("amount"));
    }
    if amount > 99_999_999 {
        return Err(ApiError::invalid("Amount must be no more than 99999999.")
            .code("amount_too_large")
            .at("amount"));
    }
    Ok(())
}

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let currency = args.text("currency").unwrap_or("usd").to_lowercase();
    check_amount(args.amount("amount"), &currency)?;
    if let Some(customer) = args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
    }
    let method = payment_methods::of_intent(tx, args)?;
    let automatic = match args.object("automatic_payment_methods") {
        Some(given) => json!({
            "allow_redirects": given.text("allow_redirects").unwrap_or("always"),
            "enabled": given.flag("enabled").unwrap_or(false),
        }),
        None => Value::Null,
    };
    let id = payments::new_intent(
        tx,
        NewIntent {
            amount: args.amount("amount"),
            currency: &currency,
            customer: args.text("customer"),
            description: args.text("description"),
            metadata: cards::metadata(args),
            setup_future_usage: args.text("setup_future_usage"),
            receipt_email: args.text("receipt_email"),
            statement_descriptor: args.text("statement_descriptor"),
            capture_method: args.text("capture_method"),
            automatic_payment_methods: automatic,
        },
    );
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
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can \
             either update the PaymentIntent with a payment method and then confirm it again, or \
             confirm it again directly with a payment method or ConfirmationToken.",
        )
        .code("payment_intent_unexpected_state"));
    };
    if let Some(url) = args.text("return_url") {
        hide(tx, id, "return_url", json!(url));
    }
    if let Some(usage) = args.text("setup_future_usage") {
        tx.set(id, "setup_future_usage", usage);
    }
    let off_session = matches!(args.field("off_session"), Some(Value::Bool(true)));
    let outcome = payments::confirm(tx, id, &method, off_session, false);
    payments::settled(tx, id, &outcome)?;
    match outcome {
        Confirmed::Declined(error) => Err(error),
        Confirmed::RequiresAction if args.flag("error_on_requires_action") == Some(true) => {
            let message = "This payment required an authentication action to complete, but \
                `error_on_requires_action` was set.";
            Err(ApiError::card("authentication_required", None, message))
        }
        Confirmed::Done | Confirmed::RequiresAction => Ok(tx.json(id)),
    }
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PaymentIntent, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::PaymentIntent, call.id())?;
    let args = call.args;
    if let Some(amount) = args.int("amount") {
        check_amount(amount, intent.text("currency").unwrap_or("usd"))?;
    }
    let method = payment_methods::of_intent(tx, args)?;
    tx.edit(call.id(), |intent| {
        for key in [
            "amount",
            "customer",
            "description",
            "receipt_email",
            "setup_future_usage",
            "statement_descriptor",
        ] {
            if let Some(value) = args.get(key) {
                intent.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(method) = method {
            intent.insert("payment_method".to_owned(), json!(method));
            intent.insert("status".to_owned(), json!("requires_confirmation"));
        }
        cards::merge_metadata(intent, args);
    });
    Ok(tx.json(call.id()))
}

fn unexpected(status: &str, verb: &str, wanted: &str) -> ApiError {
    ApiError::invalid(format!(
        "This PaymentIntent's status is {status}, but must be {wanted} to be {verb}."
    ))
    .code("payment_intent_unexpected_state")
}

pub(crate) fn confirm(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::PaymentIntent, call.id())?;
    let status = intent.text("status").unwrap_or_default();
    if matches!(status, "succeeded" | "canceled" | "requires_capture") {
        return Err(unexpected(
            status,
            "confirmed",
            "requires_payment_method, requires_confirmation, or requires_action",
        ));
    }
    let method = payment_methods::of_intent(tx, call.args)?;
    confirm_with(tx, call.id(), call.args, method)
}

pub(crate) fn cancel(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::PaymentIntent, call.id())?;
    let status = intent.text("status").unwrap_or_default();
    if matches!(status, "succeeded" | "canceled") {
        return Err(ApiError::invalid(format!(
            "You cannot cancel this PaymentIntent because it has a status of {status}. Only a \
             PaymentIntent with one of the following statuses may be canceled: \
             requires_payment_method, requires_capture, requires_confirmation, requires_action, \
             processing."
        ))
        .code("payment_intent_unexpected_state"));
    }
    payments::cancel(tx, call.id(), call.args.text("cancellation_reason"));
    Ok(tx.json(call.id()))
}

pub(crate) fn capture(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let intent = tx.at_path(Kind::PaymentIntent, call.id())?;
    let status = intent.text("status").unwrap_or_default();
    if status != "requires_capture" {
        return Err(unexpected(status, "captured", "requires_capture"));
    }
    payments::capture(tx, call.id(), call.args.int("amount_to_capture"));
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::PaymentIntent, call.args, &["customer"], |_| true)
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::PaymentIntent, call.args)
}
