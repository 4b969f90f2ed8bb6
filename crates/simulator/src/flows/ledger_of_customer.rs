//! The customer's own balance: credits from downgrades, debts too small to charge.

use serde_json::json;

use crate::state::{Fields, Kind, Tx};

/// Moves the customer's balance by `amount` (negative is credit) and says the transaction's id.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    customer: &str,
    amount: i64,
    currency: &str,
    kind: &str,
    invoice: Option<&str>,
) -> String {
    let id = tx.state.ids.id("cbtxn_1").replacen("cbtxn_1_", "cbtxn_1", 1);
    let ending = tx.read(customer).amount("balance") + amount;
    let created = tx.time_of(customer);
    let json = json!({
        "id": id,
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": null,
        "created": created,
        "credit_note": null,
        "currency": currency,
        "customer": customer,
        "customer_account": null,
        "description": null,
        "ending_balance": ending,
        "invoice": invoice,
        "livemode": tx.livemode,
        "metadata": {},
        "type": kind,
    });
    tx.insert(Kind::CustomerBalanceTransaction, json);
    let changed = tx.set(customer, "balance", ending);
    tx.emit_changed("customer.updated", customer, changed);
    id
}
