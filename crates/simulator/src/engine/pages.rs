//! What the HTML pages (checkout, portal, invoice, 3-D Secure, control) ask of the engine.

use serde_json::Value;

use super::Engine;
use crate::protocol::ApiError;
use crate::state::{CardInput, Kind};

/// How an attempt to pay or to save a card on a page ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfirmOutcome {
    /// Done; send the browser here (`success_url` with `{CHECKOUT_SESSION_ID}` filled in, the
    /// `return_url` of an intent, or the hosted page itself).
    Completed {
        /// Where the browser goes next.
        redirect_url: String,
    },
    /// The bank wants a challenge: show [`Engine::challenge`] at `/3ds/{challenge_id}`, then
    /// call [`Engine::challenge_resolve`].
    RequiresAction {
        /// Names the challenge.
        challenge_id: String,
    },
    /// The card was refused; show the message, the person may try another card.
    Declined {
        /// Text for people.
        message: String,
        /// Stripe's error code, for example `card_declined`.
        code: String,
        /// The bank's reason, for example `insufficient_funds`.
        decline_code: Option<String>,
    },
}

/// A 3-D Secure challenge that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Names the challenge (the id of its intent).
    pub id: String,
    /// Minor units; 0 when a card is only saved.
    pub amount: i64,
    /// Lower-case currency code.
    pub currency: String,
    /// Last four digits of the card.
    pub last4: String,
    /// Name of the merchant.
    pub merchant: String,
}

/// What switching a subscription to another price would do, shown before it is confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSwitch {
    /// Minor units charged now; 0 when nothing is.
    pub amount_due: i64,
    /// Minor units credited to the customer's balance, as a positive number.
    pub credit: i64,
    /// Lower-case currency code.
    pub currency: String,
    /// The moment the proration was computed for; pass it back to confirm.
    pub proration_date: i64,
    /// The previewed invoice in the API's shape (`lines.data[]` hold the prorations).
    pub invoice: Value,
}

/// Fills its body in the next step of construction.
fn not_yet<T>() -> Result<T, ApiError> {
    Err(ApiError::invalid("Not built yet.").with_status(501))
}

impl Engine {
    // --- checkout: page at `{base_url}/c/pay/{cs_…}` ---------------------------------------

    /// The checkout session with `line_items` expanded (each with its `price` and, as
    /// `price.product`, the whole product), plus `customer_object` when it has a customer.
    pub fn checkout_session(&self, session_id: &str) -> Option<Value> {
        self.object(session_id)
    }

    /// Pays the session (or, in setup mode or with a trial, saves the card).
    ///
    /// # Errors
    /// 404 for an unknown session, 400 when it is no longer open or the card data is malformed.
    pub fn checkout_confirm(
        &self,
        session_id: &str,
        card: CardInput,
        email: Option<&str>,
    ) -> Result<ConfirmOutcome, ApiError> {
        let _ = (session_id, card, email);
        not_yet()
    }

    // --- 3-D Secure: page at `{base_url}/3ds/{challenge_id}` --------------------------------

    /// The challenge of an intent that waits for its customer.
    pub fn challenge(&self, challenge_id: &str) -> Option<Challenge> {
        let _ = challenge_id;
        None
    }

    /// The customer answered: passes or fails the challenge and finishes what waited for it.
    ///
    /// # Errors
    /// 404 when nothing waits under this id (any more).
    pub fn challenge_resolve(
        &self,
        challenge_id: &str,
        success: bool,
    ) -> Result<ConfirmOutcome, ApiError> {
        let _ = (challenge_id, success);
        not_yet()
    }

    // --- hosted invoice: page at `{base_url}/i/{token}`, PDF at `{base_url}/i/{token}/pdf` --

    /// The invoice behind a hosted page's token, with its lines; `None` for a draft.
    pub fn invoice_by_token(&self, token: &str) -> Option<Value> {
        let _ = token;
        None
    }

    /// Pays an open invoice from its hosted page, with a new card or the default one (`None`).
    ///
    /// # Errors
    /// 404 for an unknown token, 400 when the invoice is not open.
    pub fn invoice_pay(
        &self,
        token: &str,
        card: Option<CardInput>,
    ) -> Result<ConfirmOutcome, ApiError> {
        let _ = (token, card);
        not_yet()
    }

    // --- portal: page at `{base_url}/p/session/{token}` -------------------------------------

    /// The portal session behind its token, with `configuration` as the whole object and
    /// `customer_object` as the whole customer.
    pub fn portal_session(&self, token: &str) -> Option<Value> {
        let _ = token;
        None
    }

    /// The customer's subscriptions (all statuses), newest first.
    pub fn customer_subscriptions(&self, customer: &str) -> Vec<Value> {
        self.list(Kind::Subscription, Some(("customer", customer)), 100)
    }

    /// The customer's invoices (no drafts), newest first.
    pub fn customer_invoices(&self, customer: &str) -> Vec<Value> {
        self.list(Kind::Invoice, Some(("customer", customer)), 100)
            .into_iter()
            .filter(|invoice| invoice["status"] != "draft")
            .collect()
    }

    /// The customer's attached cards, newest first.
    pub fn customer_payment_methods(&self, customer: &str) -> Vec<Value> {
        self.list(Kind::PaymentMethod, Some(("customer", customer)), 100)
    }

    /// Recurring, active prices the portal may switch to: those of the configuration's
    /// `subscription_update.products`, else of all products; each with `product` as whole object.
    pub fn portal_prices(&self, token: &str) -> Vec<Value> {
        let _ = token;
        Vec::new()
    }

    /// Saves a card and makes it the customer's default (also on its subscriptions).
    ///
    /// # Errors
    /// As [`Engine::checkout_confirm`].
    pub fn portal_update_card(
        &self,
        token: &str,
        card: CardInput,
    ) -> Result<ConfirmOutcome, ApiError> {
        let _ = (token, card);
        not_yet()
    }

    /// Cancels at the period's end, or at once where the configuration's mode says so.
    ///
    /// # Errors
    /// 404 for an unknown session or a subscription of another customer; 400 when it has ended.
    pub fn portal_cancel(
        &self,
        token: &str,
        subscription: &str,
        reason: Option<&str>,
    ) -> Result<Value, ApiError> {
        let _ = (token, subscription, reason);
        not_yet()
    }

    /// Takes back a planned cancellation.
    ///
    /// # Errors
    /// As [`Engine::portal_cancel`].
    pub fn portal_resume(&self, token: &str, subscription: &str) -> Result<Value, ApiError> {
        let _ = (token, subscription);
        not_yet()
    }

    /// What switching the subscription to `price` would cost now.
    ///
    /// # Errors
    /// As [`Engine::portal_cancel`].
    pub fn portal_preview_switch(
        &self,
        token: &str,
        subscription: &str,
        price: &str,
    ) -> Result<PlanSwitch, ApiError> {
        let _ = (token, subscription, price);
        not_yet()
    }

    /// Switches to `price` at the previewed proration date and charges the difference.
    ///
    /// # Errors
    /// As [`Engine::portal_cancel`]; 402 when the card refuses (the old price stays).
    pub fn portal_switch(
        &self,
        token: &str,
        subscription: &str,
        price: &str,
        proration_date: Option<i64>,
    ) -> Result<Value, ApiError> {
        let _ = (token, subscription, price, proration_date);
        not_yet()
    }

    /// Updates e-mail, name, phone and address (keys as in the API's customer).
    ///
    /// # Errors
    /// 404 for an unknown session.
    pub fn portal_update_customer(&self, token: &str, changes: Value) -> Result<Value, ApiError> {
        let _ = (token, changes);
        not_yet()
    }
}
