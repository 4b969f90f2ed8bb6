//! Owns what happens: payments, invoices, subscriptions, sessions, over time and on request.
//! Never speaks HTTP; gets checked values and a [`crate::state::Tx`].
//! Start at `subscriptions` for billing, `checkout.rs` for a purchase, `run_due` for time.

pub(crate) mod cards;
pub(crate) mod checkout;
pub(crate) mod clocks;
pub(crate) mod disputes;
pub(crate) mod invoices;
pub(crate) mod ledger;
pub(crate) mod ledger_of_customer;
pub(crate) mod lines;
pub(crate) mod payments;
pub(crate) mod schedules;
pub(crate) mod subscriptions;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::state::{Due, Fields, Object, State, Tx};

/// Does one piece of due work. `now` is the simulator's time, `at` the moment it was due.
pub(crate) fn run_due(state: &mut State, now: i64, at: i64, due: Due) {
    let id = match &due {
        Due::PeriodEnd(id)
        | Due::CancelAt(id)
        | Due::TrialWillEnd(id)
        | Due::InvoiceUpcoming(id)
        | Due::IncompleteExpires(id)
        | Due::PendingUpdateExpires(id)
        | Due::PauseEnds(id)
        | Due::FinalizeInvoice(id)
        | Due::RetryInvoice(id)
        | Due::SessionExpires(id)
        | Due::SchedulePhase(id)
        | Due::DisputeDecided(id)
        | Due::RefundSettles(id)
        | Due::AdvanceTestClock { clock: id, .. } => id.clone(),
    };
    // An object that is gone (a deleted clock's, for example) has no more work.
    let Some(livemode) = state.objects.get(&id).map(|entry| entry.livemode) else { return };
    let mut tx = Tx::new(state, now, livemode);
    let tx = &mut tx;
    match due {
        Due::PeriodEnd(_) => subscriptions::period_end(tx, &id, at),
        Due::CancelAt(_) => subscriptions::cancel_due(tx, &id, at),
        Due::TrialWillEnd(_) => subscriptions::trial_will_end(tx, &id, at),
        Due::InvoiceUpcoming(_) => subscriptions::upcoming(tx, &id, at),
        Due::IncompleteExpires(_) => subscriptions::incomplete_expired(tx, &id),
        Due::PendingUpdateExpires(_) => subscriptions::pending_expired(tx, &id, at),
        Due::PauseEnds(_) => subscriptions::pause_ends(tx, &id, at),
        Due::FinalizeInvoice(_) => invoices::finalize_due(tx, &id),
        Due::RetryInvoice(_) => invoices::retry_due(tx, &id, at),
        Due::SessionExpires(_) => checkout::expire_due(tx, &id),
        Due::SchedulePhase(_) => schedules::phase_due(tx, &id, at),
        Due::DisputeDecided(_) => disputes::decided(tx, &id),
        Due::RefundSettles(_) => ledger::settle(tx, &id),
        Due::AdvanceTestClock { to, .. } => clocks::advance_now(tx, &id, to),
    }
}

/// The account itself, one for each mode, made when it is first asked for.
pub(crate) fn account(tx: &mut Tx<'_>) -> Value {
    let livemode = tx.livemode;
    if let Some(account) = tx.state.account.get(&livemode) {
        return Value::Object((**account).clone());
    }
    let id = tx.state.ids.id("acct_1").replacen("acct_1_", "acct_1", 1);
    let account = account_json(&id, tx.now);
    if let Value::Object(account) = &account {
        tx.state.account.insert(livemode, Arc::new(account.clone()));
    }
    account
}

/// Replaces the account's facts (charges enabled, requirements …) and notes `account.updated`.
pub(crate) fn set_account(tx: &mut Tx<'_>, changes: &Object) {
    let Value::Object(before) = account(tx) else { return };
    let mut after = before.clone();
    for (key, value) in changes {
        after.insert(key.clone(), value.clone());
    }
    let previous = crate::state::Diff::between(&before, &after);
    let after = Arc::new(after);
    tx.state.account.insert(tx.livemode, after.clone());
    tx.emit_object("account.updated", after, previous);
}

fn account_json(id: &str, created: i64) -> Value {
    let nothing = json!([]);
    let requirements = json!({
        "alternatives": nothing, "current_deadline": null, "currently_due": nothing,
        "disabled_reason": null, "errors": nothing, "eventually_due": nothing,
        "past_due": nothing, "pending_verification": nothing,
    });
    json!({
        "id": id,
        "object": "account",
        "business_profile": {
            "annual_revenue": null, "estimated_worker_count": null, "mcc": "5734",
            "minority_owned_business_designation": null,
            "name": "Simulated Company", "product_description": null, "support_address": null,
            "support_email": "support@example.com", "support_phone": "+15555550100",
            "support_url": "https://example.com/support", "url": "https://example.com",
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": true,
        "controller": {"type": "account"},
        "country": "US",
        "created": created,
        "default_currency": "usd",
        "details_submitted": true,
        "email": "owner@example.com",
        "external_accounts": {"object": "list", "data": [], "has_more": false,
                              "url": format!("/v1/accounts/{id}/external_accounts")},
        "future_requirements": requirements,
        "metadata": {},
        "payouts_enabled": true,
        "requirements": requirements,
        "settings": {
            "bacs_debit_payments": {"display_name": null, "service_user_number": null},
            "branding": {"icon": null, "logo": null, "primary_color": null,
                         "secondary_color": null},
            "card_issuing": {"tos_acceptance": {"date": null, "ip": null}},
            "card_payments": {
                "decline_on": {"avs_failure": true, "cvc_failure": true},
                "statement_descriptor_prefix": null, "statement_descriptor_prefix_kana": null,
                "statement_descriptor_prefix_kanji": null},
            "dashboard": {"display_name": "Simulated Company", "timezone": "Etc/UTC"},
            "invoices": {"default_account_tax_ids": null, "hosted_payment_method_save": "offer"},
            "payments": {
                "statement_descriptor": "SIMULATOR", "statement_descriptor_kana": null,
                "statement_descriptor_kanji": null},
            "payouts": {"debit_negative_balances": true,
                        "schedule": {"delay_days": 2, "interval": "daily"},
                        "statement_descriptor": null},
            "sepa_debit_payments": {},
        },
        "tos_acceptance": {"date": created, "ip": "127.0.0.1", "user_agent": null},
        "type": "standard",
    })
}

/// A number for people: the account's public name.
pub(crate) fn merchant(state: &State) -> String {
    state
        .account
        .values()
        .next()
        .and_then(|account| account.object("settings")?.object("dashboard")?.owned("display_name"))
        .unwrap_or_else(|| "Simulated Company".to_owned())
}
