//! `/v1/payment_methods`.

use super::Reply;
use super::routes::Call;
use crate::flows::cards;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Card, CardInput, Fields, Kind, Object, Tx};

/// The card that `card[number]…` or `card[token]` describes.
///
/// # Errors
/// 400 without one, 402 for a number that cannot be.
fn card(tx: &Tx<'_>, args: &Object) -> Result<Card, ApiError> {
    let Some(card) = args.object("card") else {
        return Err(ApiError::parameter_missing("card"));
    };
    if let Some(token) = card.text("token") {
        return Card::by_token(token, tx.now)
            .filter(|_| !tx.livemode)
            .ok_or_else(|| ApiError::missing("token", token, "card[token]"));
    }
    let number = card.owned("number").ok_or_else(|| ApiError::parameter_missing("card[number]"))?;
    let field = |name: &str| {
        card.int(name).ok_or_else(|| ApiError::parameter_missing(&format!("card[{name}]")))
    };
    let input = CardInput {
        number,
        exp_month: field("exp_month")?,
        exp_year: field("exp_year")?,
        cvc: card.owned("cvc"),
        name: None,
        country: None,
        postal_code: None,
    };
    Card::typed(&input, tx.now)
}

/// Makes a payment method of `type=card` parameters (also those of `payment_method_data`).
///
/// # Errors
/// 400 for another type, 402 for a card that cannot be.
pub(crate) fn create_method(tx: &mut Tx<'_>, args: &Object) -> Result<String, ApiError> {
    let kind = args.text("type").unwrap_or("card");
    if kind != "card" {
        return Err(ApiError::invalid(format!(
            "The simulator knows payment methods of type `card` only, not `{kind}`."
        ))
        .at("type"));
    }
    let card = card(tx, args)?;
    let billing = cards::billing_details(args.object("billing_details"));
    Ok(cards::create(tx, card, billing, cards::metadata(args)))
}

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = create_method(tx, call.args)?;
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PaymentMethod, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PaymentMethod, call.id())?;
    let args = call.args;
    let changed = tx.edit(call.id(), |method| {
        if let Some(details) = args.object("billing_details") {
            let mut merged = method.object("billing_details").cloned().unwrap_or_default();
            for (key, value) in details {
                merged.insert(key.clone(), value.clone());
            }
            method.insert("billing_details".to_owned(), cards::billing_details(Some(&merged)));
        }
        if let Some(card) = args.object("card")
            && let Some(kept) = method.get_mut("card")
        {
            for key in ["exp_month", "exp_year"] {
                if let Some(value) = card.field(key) {
                    kept[key] = value.clone();
                }
            }
        }
        cards::merge_metadata(method, args);
    });
    tx.emit_if_changed("payment_method.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    if let Some(customer) = call.args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
    }
    lists::page(tx, Kind::PaymentMethod, call.args, &["customer", "type"], |_| true)
}

pub(crate) fn attach(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let customer =
        call.args.text("customer").ok_or_else(|| ApiError::parameter_missing("customer"))?;
    if tx.find(Kind::PaymentMethod, call.id()).is_none()
        && (tx.livemode || Card::by_token(call.id(), tx.now).is_none())
    {
        return Err(ApiError::no_such(Kind::PaymentMethod.noun(), call.id()));
    }
    tx.named(Kind::Customer, customer, "customer")?;
    let id = cards::attach(tx, call.id(), customer, "payment_method")?;
    Ok(tx.json(&id))
}

pub(crate) fn detach(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::PaymentMethod, call.id())?;
    cards::detach(tx, call.id())?;
    Ok(tx.json(call.id()))
}

/// The payment method that intent parameters name: an id, a token, or inline data.
///
/// # Errors
/// As [`create_method`] and [`cards::resolve`].
pub(crate) fn of_intent(tx: &mut Tx<'_>, args: &Object) -> Result<Option<String>, ApiError> {
    if let Some(given) = args.text("payment_method") {
        return cards::resolve(tx, given, "payment_method").map(Some);
    }
    match args.object("payment_method_data") {
        Some(data) => create_method(tx, &data.clone()).map(Some),
        None => Ok(None),
    }
}
