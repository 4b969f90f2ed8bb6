//! What the HTML pages (checkout, portal, invoice, 3-D Secure, control) ask of the engine.

use serde_json::{Value, json};

use super::Engine;
use crate::flows::cards::{self, Confirmed};
use crate::flows::{checkout, invoices, payments, subscriptions};
use crate::protocol::ApiError;
use crate::state::{Card, CardInput, Fields, Kind, Object, Tx};

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

/// Makes a payment method of a typed card.
fn typed(tx: &mut Tx<'_>, input: &CardInput, email: Option<&str>) -> Result<String, ApiError> {
    let card = Card::typed(input, tx.now)?;
    let billing = cards::billing_details(Some(&cards::details_of(input, email)));
    Ok(cards::create(tx, card, billing, Value::Null))
}

fn declined(error: ApiError) -> Result<ConfirmOutcome, ApiError> {
    if error.status != 402 {
        return Err(error);
    }
    Ok(ConfirmOutcome::Declined {
        message: error.message,
        code: error.code.unwrap_or_default(),
        decline_code: error.decline_code,
    })
}

/// `success_url` with its placeholder filled in.
fn success_url(tx: &Tx<'_>, session: &str) -> String {
    tx.read(session)
        .text("success_url")
        .unwrap_or_default()
        .replace("{CHECKOUT_SESSION_ID}", session)
}

impl Engine {
    /// The mode an object belongs to; test mode for what does not exist.
    fn mode_of(&self, id: &str) -> bool {
        self.lock().objects.get(id).is_some_and(|entry| entry.livemode)
    }

    fn token(&self, token: &str, kind: Kind) -> Option<String> {
        let id = self.lock().tokens.get(token).cloned()?;
        (Kind::of_id(&id) == Some(kind)).then_some(id)
    }

    // --- checkout: page at `{base_url}/c/pay/{cs_…}` ---------------------------------------

    /// The checkout session with `line_items` expanded (each with its `price` and, as
    /// `price.product`, the whole product), plus `customer_object` when it has a customer.
    pub fn checkout_session(&self, session_id: &str) -> Option<Value> {
        self.with(self.mode_of(session_id), |tx| {
            tx.find(Kind::CheckoutSession, session_id)?;
            let mut session = tx.json(session_id);
            let mut items = tx
                .state
                .hidden
                .get(session_id)
                .map(|hidden| hidden.items("line_items").to_vec())
                .unwrap_or_default();
            for item in &mut items {
                if let Some(product) = item["price"].owned("product") {
                    item["price"]["product"] = tx.json(&product);
                }
            }
            let data =
                tx.state.hidden.get(session_id).map(|hidden| hidden.copy("subscription_data"));
            session["subscription_data"] = data.unwrap_or(Value::Null);
            session["line_items"] = json!({"object": "list", "data": items, "has_more": false});
            if let Some(customer) = session.owned("customer") {
                session["customer_object"] = tx.json(&customer);
            }
            Some(session)
        })
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
        self.with(self.mode_of(session_id), |tx| {
            tx.at_path(Kind::CheckoutSession, session_id)?;
            checkout::require_open(tx, session_id)?;
            let method = match typed(tx, &card, email) {
                Ok(method) => method,
                Err(error) => return declined(error),
            };
            match checkout::confirm(tx, session_id, &method, email, None)? {
                Confirmed::Done => {
                    Ok(ConfirmOutcome::Completed { redirect_url: success_url(tx, session_id) })
                }
                Confirmed::RequiresAction => {
                    let hidden = tx.state.hidden.get(session_id).cloned().unwrap_or_default();
                    let waiting = |key: &str| {
                        hidden.owned(key).filter(|intent| {
                            tx.read(intent).text("status") == Some("requires_action")
                        })
                    };
                    let challenge_id = waiting("payment_intent")
                        .or_else(|| waiting("setup_intent"))
                        .unwrap_or_default();
                    Ok(ConfirmOutcome::RequiresAction { challenge_id })
                }
                Confirmed::Declined(error) => declined(error),
            }
        })
    }

    // --- 3-D Secure: page at `{base_url}/3ds/{challenge_id}` --------------------------------

    /// The challenge of an intent that waits for its customer.
    pub fn challenge(&self, challenge_id: &str) -> Option<Challenge> {
        let state = self.lock();
        let intent = &state.objects.get(challenge_id)?.json;
        if intent.text("status") != Some("requires_action") {
            return None;
        }
        let last4 = intent
            .text("payment_method")
            .and_then(|method| state.cards.get(method))
            .map(|card| card.last4.clone());
        Some(Challenge {
            id: challenge_id.to_owned(),
            amount: intent.amount("amount"),
            currency: intent.text("currency").unwrap_or("usd").to_owned(),
            last4: last4.unwrap_or_default(),
            merchant: crate::flows::merchant(&state),
        })
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
        if self.challenge(challenge_id).is_none() {
            return Err(ApiError::no_such("challenge", challenge_id));
        }
        self.with(self.mode_of(challenge_id), |tx| resolve(tx, challenge_id, success))
    }

    // --- hosted invoice: page at `{base_url}/i/{token}`, PDF at `{base_url}/i/{token}/pdf` --

    /// The invoice behind a hosted page's token, with its lines; `None` for a draft.
    pub fn invoice_by_token(&self, token: &str) -> Option<Value> {
        self.object(&self.token(token, Kind::Invoice)?)
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
        let id =
            self.token(token, Kind::Invoice).ok_or_else(|| ApiError::no_such("invoice", token))?;
        self.with(self.mode_of(&id), |tx| {
            let invoice = tx.json(&id);
            if !matches!(invoice.text("status"), Some("open" | "uncollectible")) {
                return Err(ApiError::invalid("This invoice cannot be paid any more."));
            }
            let customer = invoice.owned("customer").unwrap_or_default();
            let email = tx.read(&customer).owned("email");
            let method = match card {
                None => None,
                Some(card) => {
                    let made = typed(tx, &card, email.as_deref())
                        .and_then(|made| cards::attach(tx, &made, &customer, "payment_method"));
                    match made {
                        Ok(made) => Some(made),
                        Err(error) => return declined(error),
                    }
                }
            };
            match invoices::collect(tx, &id, method.as_deref(), false, false) {
                invoices::Collected::Paid => {
                    // The page says that it is kept for renewals.
                    if let Some(method) = &method {
                        make_default(tx, &customer, method);
                    }
                    Ok(ConfirmOutcome::Completed {
                        redirect_url: invoice.owned("hosted_invoice_url").unwrap_or_default(),
                    })
                }
                invoices::Collected::RequiresAction => Ok(ConfirmOutcome::RequiresAction {
                    challenge_id: invoices::open_intent(tx, &id).unwrap_or_default(),
                }),
                invoices::Collected::Failed(error) => declined(error),
            }
        })
    }

    // --- portal: page at `{base_url}/p/session/{token}` -------------------------------------

    /// The portal session behind its token, with `configuration` as the whole object and
    /// `customer_object` as the whole customer.
    pub fn portal_session(&self, token: &str) -> Option<Value> {
        let mut session = self.object(&self.token(token, Kind::PortalSession)?)?;
        let configuration = session.owned("configuration")?;
        session["configuration"] = self.object(&configuration)?;
        session["customer_object"] = self.object(session.text("customer")?)?;
        Some(session)
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
        let Some(session) = self.portal_session(token) else { return Vec::new() };
        let livemode = session.flag("livemode").unwrap_or(false);
        let update = session["configuration"]["features"].copy("subscription_update");
        let products = update.items("products").to_vec();
        let allowed = |price: &Value| {
            products.is_empty()
                || products.iter().any(|product| {
                    let prices = product.items("prices");
                    product.text("product") == price.text("product")
                        && (prices.is_empty()
                            || price.get("id").is_some_and(|id| prices.contains(id)))
                })
        };
        let mut prices: Vec<Value> = self
            .list(Kind::Price, None, 500)
            .into_iter()
            .filter(|price| {
                price.flag("active") == Some(true)
                    && price.flag("livemode") == Some(livemode)
                    && price.object("recurring").is_some()
                    && allowed(price)
            })
            .collect();
        for price in &mut prices {
            if let Some(product) = price.owned("product").and_then(|id| self.object(&id)) {
                price["product"] = product;
            }
        }
        prices.retain(|price| price["product"].flag("active") == Some(true));
        prices.sort_by_key(|price| price.amount("unit_amount"));
        prices
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
        self.in_portal(token, |tx, session, customer| {
            let email = tx.read(customer).owned("email");
            let method = match typed(tx, &card, email.as_deref()) {
                Ok(method) => method,
                Err(error) => return declined(error),
            };
            let intent = cards::new_setup(tx, Some(customer), &Object::new());
            let url = session.owned("url").unwrap_or_default();
            payments::hide(tx, &intent, "return_url", json!(url));
            payments::hide(tx, &intent, "default_for", json!(customer));
            match cards::confirm_setup(tx, &intent, &method, false) {
                Confirmed::Done => {
                    make_default(tx, customer, &method);
                    Ok(ConfirmOutcome::Completed { redirect_url: url })
                }
                Confirmed::RequiresAction => {
                    Ok(ConfirmOutcome::RequiresAction { challenge_id: intent })
                }
                Confirmed::Declined(error) => declined(error),
            }
        })
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
        self.in_portal(token, |tx, session, customer| {
            require_owned(tx, subscription, customer)?;
            let configuration = tx.json(session.text("configuration").unwrap_or_default());
            let cancel = configuration.copy("features").copy("subscription_cancel");
            let mut args = Object::new();
            if let Some(reason) = reason {
                args.insert("cancellation_details".to_owned(), json!({"feedback": reason}));
            }
            if cancel.text("mode") == Some("immediately") {
                subscriptions::cancel(tx, subscription, &args);
            } else {
                args.insert("cancel_at_period_end".to_owned(), json!(true));
                subscriptions::update(tx, subscription, &args)?;
            }
            Ok(tx.json(subscription))
        })
    }

    /// Takes back a planned cancellation.
    ///
    /// # Errors
    /// As [`Engine::portal_cancel`].
    pub fn portal_resume(&self, token: &str, subscription: &str) -> Result<Value, ApiError> {
        self.in_portal(token, |tx, _, customer| {
            require_owned(tx, subscription, customer)?;
            let mut args = Object::new();
            args.insert("cancel_at_period_end".to_owned(), json!(false));
            subscriptions::update(tx, subscription, &args)?;
            Ok(tx.json(subscription))
        })
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
        self.in_portal(token, |tx, _, customer| {
            require_owned(tx, subscription, customer)?;
            let date = tx.time_of(customer);
            let args = switch_args(tx, subscription, price, date);
            let invoice = match crate::api::invoices::preview_change(tx, subscription, &args) {
                Ok(invoice) => invoice,
                // In a trial there is nothing to settle: the change is free today.
                Err(error) if error.code.as_deref() == Some("invoice_upcoming_none") => json!({}),
                Err(error) => return Err(error),
            };
            let now = invoice.text("billing_reason") == Some("subscription_update");
            let (due, total) =
                if now { (invoice.amount("amount_due"), invoice.amount("total")) } else { (0, 0) };
            Ok(PlanSwitch {
                amount_due: due,
                credit: (-total).max(0),
                currency: tx.read(subscription).owned("currency").unwrap_or_default(),
                proration_date: date,
                invoice: if now { invoice } else { json!({"lines": {"data": []}}) },
            })
        })
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
        self.in_portal(token, |tx, _, customer| {
            require_owned(tx, subscription, customer)?;
            let date = proration_date.unwrap_or_else(|| tx.time_of(customer));
            let mut args = switch_args(tx, subscription, price, date);
            args.insert("payment_behavior".to_owned(), json!("error_if_incomplete"));
            subscriptions::update(tx, subscription, &args)?;
            Ok(tx.json(subscription))
        })
    }

    /// Updates e-mail, name, phone and address (keys as in the API's customer).
    ///
    /// # Errors
    /// 404 for an unknown session.
    pub fn portal_update_customer(&self, token: &str, changes: Value) -> Result<Value, ApiError> {
        self.in_portal(token, |tx, _, customer| {
            let allowed = ["email", "name", "phone", "address"];
            let mut args = changes.as_object().cloned().unwrap_or_default();
            args.retain(|key, _| allowed.contains(&key.as_str()));
            crate::api::customers::update_customer(tx, customer, &args)?;
            Ok(tx.json(customer))
        })
    }

    /// Runs `operation` with the session behind a token and its customer.
    fn in_portal<T>(
        &self,
        token: &str,
        operation: impl FnOnce(&mut Tx<'_>, &Value, &str) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let id = self
            .token(token, Kind::PortalSession)
            .ok_or_else(|| ApiError::no_such("billing_portal.session", token))?;
        self.with(self.mode_of(&id), |tx| {
            let session = tx.json(&id);
            let customer = session.owned("customer").unwrap_or_default();
            tx.at_path(Kind::Customer, &customer)?;
            operation(tx, &session, &customer)
        })
    }
}

/// The card becomes the customer's default, and that of its running subscriptions.
fn make_default(tx: &mut Tx<'_>, customer: &str, method: &str) {
    let changed = cards::set_default(tx, customer, Some(method));
    tx.emit_if_changed("customer.updated", customer, changed);
    for subscription in tx.ids_by(Kind::Subscription, "customer", customer) {
        let object = tx.json(&subscription);
        let over = matches!(object.text("status"), Some("canceled" | "incomplete_expired"));
        if !over && object.text("default_payment_method").is_some() {
            let changed = tx.set(&subscription, "default_payment_method", method);
            tx.emit_if_changed("customer.subscription.updated", &subscription, changed);
        }
    }
}

fn require_owned(tx: &Tx<'_>, subscription: &str, customer: &str) -> Result<(), ApiError> {
    let object = tx.at_path(Kind::Subscription, subscription)?;
    if object.text("customer") != Some(customer) {
        return Err(ApiError::no_such(Kind::Subscription.noun(), subscription));
    }
    Ok(())
}

fn switch_args(tx: &Tx<'_>, subscription: &str, price: &str, date: i64) -> Object {
    let item = subscriptions::items::of(&tx.json(subscription)).into_iter().next();
    let item = item.map_or(
        json!({"price": price}),
        |item| json!({"id": item.id, "price": price, "quantity": item.quantity}),
    );
    let mut args = Object::new();
    args.insert("items".to_owned(), json!([item]));
    args.insert("proration_behavior".to_owned(), json!("always_invoice"));
    args.insert("proration_date".to_owned(), json!(date));
    args
}

/// Where the browser goes when an intent's challenge is over.
fn return_url(tx: &Tx<'_>, intent: &str) -> String {
    let hidden = tx.state.hidden.get(intent).cloned().unwrap_or_default();
    if let Some(session) = hidden.text("session") {
        return success_url(tx, session);
    }
    let invoice = tx
        .ids_by(Kind::InvoicePayment, "payment_intent", intent)
        .pop()
        .and_then(|payment| tx.read(&payment).owned("invoice"))
        .and_then(|invoice| tx.read(&invoice).owned("hosted_invoice_url"));
    hidden.owned("return_url").or(invoice).unwrap_or_else(|| tx.state.base_url.clone())
}

fn resolve(tx: &mut Tx<'_>, id: &str, success: bool) -> Result<ConfirmOutcome, ApiError> {
    let method = tx.read(id).owned("payment_method").unwrap_or_default();
    let setup = Kind::of_id(id) == Some(Kind::SetupIntent);
    if !success {
        let error = if setup {
            let message = "We are unable to authenticate your payment method. Please choose a \
                different payment method and try again.";
            let error = ApiError::card("setup_intent_authentication_failure", None, message);
            cards::fail_setup(tx, id, &error);
            error
        } else {
            let error = payments::fail_challenge(tx, id);
            payments::settled(tx, id, &Confirmed::Declined(error.clone()))?;
            error
        };
        return declined(error);
    }
    // A card that the bank refuses after its challenge makes no customer.
    let verdict = payments::verdict(tx, &method, false, true);
    if setup || verdict == crate::state::Verdict::Approved {
        checkout::before_confirmation(tx, id);
    }
    let outcome = if setup {
        cards::confirm_setup(tx, id, &method, true)
    } else {
        payments::confirm(tx, id, &method, false, true)
    };
    payments::settled(tx, id, &outcome)?;
    let default_for = tx.state.hidden.get(id).and_then(|hidden| hidden.owned("default_for"));
    if let (Some(customer), Confirmed::Done) = (default_for, &outcome) {
        make_default(tx, &customer, &method);
    }
    match outcome {
        Confirmed::Declined(error) => declined(error),
        Confirmed::Done | Confirmed::RequiresAction => {
            Ok(ConfirmOutcome::Completed { redirect_url: return_url(tx, id) })
        }
    }
}
