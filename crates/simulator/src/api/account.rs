//! `/v1/account`, `/v1/balance` and balance transactions.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::flows;
use crate::protocol::list as lists;
use crate::state::{Fields, Kind, Tx};

pub(crate) fn retrieve(tx: &mut Tx<'_>, _call: &Call<'_>) -> Reply {
    Ok(flows::account(tx))
}

/// Sums up the account's movements; all of it counts as pending until two days have passed.
pub(crate) fn balance(tx: &mut Tx<'_>, _call: &Call<'_>) -> Reply {
    let mut sums: Vec<(String, i64, i64)> = Vec::new();
    let all =
        tx.state.objects.newest_first(Kind::BalanceTransaction, tx.livemode, None, (0, u64::MAX));
    for entry in all {
        let currency = entry.json.text("currency").unwrap_or("usd");
        let net = entry.json.amount("net");
        let ready = entry.json.amount("available_on") <= tx.now;
        let place = match sums.iter().position(|(known, _, _)| known == currency) {
            Some(place) => place,
            None => {
                sums.push((currency.to_owned(), 0, 0));
                sums.len() - 1
            }
        };
        if ready {
            sums[place].1 += net;
        } else {
            sums[place].2 += net;
        }
    }
    if sums.is_empty() {
        sums.push(("usd".to_owned(), 0, 0));
    }
    let show = |pick: fn(&(String, i64, i64)) -> i64| -> Vec<Value> {
        sums.iter()
            .map(|sum| {
                json!({"amount": pick(sum), "currency": sum.0,
                       "source_types": {"card": pick(sum)}})
            })
            .collect()
    };
    Ok(json!({
        "object": "balance",
        "available": show(|sum| sum.1),
        "livemode": tx.livemode,
        "pending": show(|sum| sum.2),
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }))
}

pub(crate) fn transactions(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let by = ["source", "type", "currency"];
    lists::page(tx, Kind::BalanceTransaction, call.args, &by, |_| true)
}

pub(crate) fn transaction(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::BalanceTransaction, call.id())?;
    Ok(tx.json(call.id()))
}
