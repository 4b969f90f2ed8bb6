//! Checkout sessions: made, paid on their page or headless, expired. As since 2025-03-31, the
//! subscription and its invoice come into being only when the payment has succeeded.

use serde_json::{Value, json};

use super::cards::{self, Confirmed, metadata};
use super::invoices::{self, NewInvoice};
use super::lines::{self, Line};
use super::payments::{self, NewIntent, hide};
use super::subscriptions::{self, NewSubscription, items};
use crate::protocol::ApiError;
use crate::rules::money;
use crate::state::{Due, Fields, Kind, Object, Tx, Verdict};

/// The order in which Stripe emits what the end of a checkout causes.
const ORDER: &[&str] = &[
    "customer.created",
    "payment_intent.created",
    "setup_intent.created",
    "charge.succeeded",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "radar.early_fraud_warning.created",
    "payment_method.attached",
    "setup_intent.succeeded",
    "payment_intent.succeeded",
    "customer.updated",
    "customer.subscription.created",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice_payment.paid",
    "customer.subscription.trial_will_end",
    "checkout.session.completed",
];

fn mode_of(args: &Object) -> Result<&'static str, ApiError> {
    match args.text("mode") {
        Some("payment") => Ok("payment"),
        Some("setup") => Ok("setup"),
        Some("subscription") => Ok("subscription"),
        _ => Err(ApiError::parameter_missing("mode")),
    }
}

/// Whether the addresses that browsers will be sent to are addresses at all.
///
/// # Errors
/// 400 `url_invalid`.
pub(crate) fn check_urls(args: &Object, keys: &[&str]) -> Result<(), ApiError> {
    let wrong = |key: &&&str| {
        args.text(key).is_some_and(|url| {
            url.split_once("://").is_none_or(|(scheme, rest)| scheme.is_empty() || rest.is_empty())
        })
    };
    match keys.iter().find(wrong) {
        Some(key) => Err(ApiError::invalid("Not a valid URL").code("url_invalid").at(*key)),
        None => Ok(()),
    }
}

/// `POST /v1/checkout/sessions`.
///
/// # Errors
/// 400 for parameters that make no sense together.
pub(crate) fn create(tx: &mut Tx<'_>, args: &Object) -> Result<String, ApiError> {
    let mode = mode_of(args)?;
    let ui_mode = args.text("ui_mode").unwrap_or("hosted_page").to_owned();
    if !["elements", "embedded_page", "hosted_page"].contains(&ui_mode.as_str()) {
        let message = "Invalid ui_mode: must be one of elements, embedded_page, or hosted_page";
        return Err(ApiError::invalid(message).at("ui_mode"));
    }
    check_urls(args, &["success_url", "cancel_url", "return_url"])?;
    if ui_mode == "hosted_page" && args.text("success_url").is_none() {
        return Err(ApiError::parameter_missing("success_url"));
    }
    if let Some(customer) = args.text("customer") {
        tx.named(Kind::Customer, customer, "customer")?;
        if args.text("customer_email").is_some() {
            return Err(ApiError::invalid(
                "You may only specify one of these parameters: customer, customer_email.",
            )
            .at("customer"));
        }
    }
    if args.text("client_reference_id").is_some_and(|text| text.chars().count() > 200) {
        return Err(ApiError::invalid("client_reference_id may have at most 200 characters.")
            .at("client_reference_id"));
    }
    let line_items = read_line_items(tx, args, mode)?;
    let expires_at = args.int("expires_at").unwrap_or(tx.now + 24 * 3_600);
    if !(tx.now + 1_800 - 60..=tx.now + 24 * 3_600 + 60).contains(&expires_at) {
        return Err(ApiError::invalid(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from \
             Checkout Session creation.",
        )
        .at("expires_at"));
    }
    let prefix = if tx.livemode { "cs_live" } else { "cs_test" };
    let id = tx.state.ids.id(prefix);
    let subtotal: i64 = line_items.iter().map(|item| item.amount("amount_subtotal")).sum();
    let data = args.object("subscription_data").cloned().unwrap_or_default();
    let trial = has_trial(&data, tx.now);
    let recurring: i64 = line_items
        .iter()
        .filter(|item| item.copy("price").text("type") == Some("recurring"))
        .map(|item| item.amount("amount_total"))
        .sum();
    let total = if trial { subtotal - recurring } else { subtotal };
    let (total, subtotal) = (total, if trial { total } else { subtotal });
    let currency = line_items
        .first()
        .and_then(|item| item.owned("currency"))
        .or_else(|| args.owned("currency"));
    let free = total == 0 && mode != "setup";
    let amounts = mode != "setup";
    let url = (ui_mode == "hosted_page").then(|| format!("{}/c/pay/{id}", tx.state.base_url));
    let secret =
        (ui_mode != "hosted_page").then(|| format!("{id}_secret_{}", tx.state.ids.token(40)));
    let collection = args.text("payment_method_collection").unwrap_or("always");
    let customer_creation = match (args.text("customer"), mode) {
        (Some(_), _) | (None, "setup") => None,
        (None, "subscription") => Some("always"),
        (None, _) => Some(args.text("customer_creation").unwrap_or("if_required")),
    };
    let json = json!({
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": false},
        "after_expiration": args.copy("after_expiration"),
        "allow_promotion_codes": args.copy("allow_promotion_codes"),
        "amount_subtotal": amounts.then_some(subtotal),
        "amount_total": amounts.then_some(total),
        "automatic_tax": {
            "enabled": args.object("automatic_tax").and_then(|tax| tax.flag("enabled"))
                .unwrap_or(false),
            "liability": null, "provider": null, "status": null},
        "billing_address_collection": args.copy("billing_address_collection"),
        "cancel_url": args.copy("cancel_url"),
        "client_reference_id": args.copy("client_reference_id"),
        "client_secret": secret,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": tx.now,
        "currency": currency,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {"after_submit": null, "shipping_address": null, "submit": null,
                        "terms_of_service_acceptance": null},
        "customer": args.copy("customer"),
        "customer_account": null,
        "customer_creation": customer_creation,
        "customer_details": null,
        "customer_email": args.copy("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "integration_identifier": null,
        "invoice": null,
        "invoice_creation": (mode == "payment").then(|| json!({
            "enabled": false,
            "invoice_data": {"account_tax_ids": null, "custom_fields": null, "description": null,
                "footer": null, "issuer": null, "metadata": {}, "rendering_options": null}})),
        "livemode": tx.livemode,
        "locale": args.copy("locale"),
        "managed_payments": {"enabled": false},
        "metadata": metadata(args),
        "mode": mode,
        "optional_items": null,
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": (mode != "setup").then_some(collection),
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": if free || mode == "setup" { "no_payment_required" } else { "unpaid" },
        "permissions": null,
        "phone_number_collection": {"enabled": false},
        "recovered_from": null,
        "saved_payment_method_options": (mode != "setup").then(|| json!({
            "allow_redisplay_filters": ["always"], "payment_method_remove": "disabled",
            "payment_method_save": null})),
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": "open",
        "submit_type": args.copy("submit_type"),
        "subscription": null,
        "success_url": args.copy("success_url"),
        "total_details": amounts.then(|| json!({
            "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0})),
        "ui_mode": ui_mode,
        "url": url,
        "wallet_options": null,
    });
    tx.insert(Kind::CheckoutSession, json);
    hide(tx, &id, "line_items", Value::Array(line_items));
    hide(tx, &id, "subscription_data", Value::Object(data));
    hide(tx, &id, "payment_intent_data", args.copy("payment_intent_data"));
    hide(tx, &id, "setup_intent_data", args.copy("setup_intent_data"));
    tx.schedule("", expires_at, Due::SessionExpires(id.clone()));
    Ok(id)
}

fn has_trial(data: &Object, now: i64) -> bool {
    data.int("trial_period_days").is_some_and(|days| days > 0)
        || data.int("trial_end").is_some_and(|end| end > now)
}

fn read_line_items(tx: &mut Tx<'_>, args: &Object, mode: &str) -> Result<Vec<Value>, ApiError> {
    let given = args.items("line_items").to_vec();
    if mode == "setup" {
        if given.is_empty() {
            return Ok(Vec::new());
        }
        return Err(
            ApiError::invalid("You cannot pass `line_items` in `setup` mode.").at("line_items")
        );
    }
    if given.is_empty() {
        return Err(ApiError::parameter_missing("line_items"));
    }
    let mut shown = Vec::new();
    for (at, item) in given.iter().enumerate() {
        let here = format!("line_items[{at}]");
        let price = match (item.object("price_data"), item.text("price")) {
            (Some(data), _) => {
                let data = data.clone();
                let id =
                    crate::api::prices::create_inline(tx, &data, &format!("{here}[price_data]"))?;
                tx.json(&id)
            }
            (None, Some(id)) => {
                let price = tx.named(Kind::Price, id, &format!("{here}[price]"))?;
                Value::Object((*price).clone())
            }
            (None, None) => return Err(ApiError::parameter_missing(&format!("{here}[price]"))),
        };
        if price.flag("active") == Some(false) && item.object("price_data").is_none() {
            return Err(ApiError::invalid(
                "The price specified is inactive. This field only accepts active prices.",
            )
            .at(here));
        }
        let recurring = price.object("recurring").is_some();
        if mode == "payment" && recurring {
            return Err(ApiError::invalid(
                "You specified `payment` mode but passed a recurring price. Either switch to \
                 `subscription` mode or use only one-time prices.",
            ));
        }
        let quantity = item.int("quantity").unwrap_or(1);
        let amount = lines::full_amount(&price, quantity);
        let name = lines::product_name(tx, &price);
        let id = tx.state.ids.id("li_1").replacen("li_1_", "li_1", 1);
        shown.push(json!({
            "id": id,
            "object": "item",
            "adjustable_quantity": null,
            "amount_discount": 0,
            "amount_subtotal": amount,
            "amount_tax": 0,
            "amount_total": amount,
            "currency": price.copy("currency"),
            "description": name,
            "metadata": {},
            "price": price,
            "quantity": quantity,
        }));
    }
    let any_recurring =
        shown.iter().any(|item| item.copy("price").text("type") == Some("recurring"));
    if mode == "subscription" && !any_recurring {
        return Err(ApiError::invalid(
            "You must provide at least one recurring price in `subscription` mode when using \
             prices.",
        ));
    }
    Ok(shown)
}

/// The session, if it can still be paid.
///
/// # Errors
/// 400 when it is complete or expired.
pub(crate) fn require_open(tx: &Tx<'_>, id: &str) -> Result<Value, ApiError> {
    let session = tx.json(id);
    match session.text("status") {
        Some("open") => Ok(session),
        Some("complete") => Err(ApiError::invalid(
            "You cannot pay for this Checkout Session because it has already been completed.",
        )
        .code("checkout_session_already_complete")),
        _ => Err(ApiError::invalid(
            "You cannot pay for this Checkout Session because it has expired.",
        )
        .code("checkout_session_expired")),
    }
}

/// What is charged at the end of the checkout, after the customer's balance.
pub(crate) fn due_now(tx: &Tx<'_>, session: &Value) -> i64 {
    let total = session.amount("amount_total");
    let balance = session.text("customer").map_or(0, |id| tx.read(id).amount("balance"));
    if session.text("mode") != Some("subscription") {
        return total;
    }
    let due = (total + balance).max(0);
    let currency = session.text("currency").unwrap_or("usd");
    if due < money::minimum_charge(currency) { 0 } else { due }
}

/// Pays the session with a payment method (or saves it, where nothing is due).
///
/// # Errors
/// 400 when the session is not open any more, or the expected amount is another.
pub(crate) fn confirm(
    tx: &mut Tx<'_>,
    id: &str,
    method: &str,
    email: Option<&str>,
    expected: Option<i64>,
) -> Result<Confirmed, ApiError> {
    let session = require_open(tx, id)?;
    let due = due_now(tx, &session);
    if expected.is_some_and(|amount| amount != session.amount("amount_total")) {
        return Err(ApiError::invalid(
            "The expected amount does not match the amount of the Checkout Session.",
        )
        .at("expected_amount"));
    }
    let email = email
        .map(str::to_owned)
        .or_else(|| session.owned("customer_email"))
        .or_else(|| session.text("customer").and_then(|id| tx.read(id).owned("email")))
        .or_else(|| tx.read(method).copy("billing_details").owned("email"));
    if let Some(email) = email {
        hide(tx, id, "email", json!(email));
    }
    hide(tx, id, "payment_method", json!(method));
    let mark = tx.mark();
    let outcome = if session.text("mode") == Some("setup") || due == 0 {
        setup(tx, id, &session, method)
    } else {
        pay(tx, id, &session, method, due)
    };
    if outcome == Confirmed::Done {
        paid(tx, id)?;
    }
    tx.order_events(mark, ORDER);
    Ok(outcome)
}

fn setup(tx: &mut Tx<'_>, id: &str, session: &Value, method: &str) -> Confirmed {
    let approves =
        tx.state.cards.get(method).is_some_and(|card| card.setup(false) == Verdict::Approved);
    let customer = if approves { Some(ensure_customer(tx, id)) } else { session.owned("customer") };
    let hidden = tx.state.hidden.get(id).cloned().unwrap_or_default();
    let data = hidden.object("setup_intent_data").cloned().unwrap_or_default();
    let intent = match hidden.owned("setup_intent") {
        Some(intent) => intent,
        None => {
            let intent = cards::new_setup(tx, customer.as_deref(), &data);
            hide(tx, id, "setup_intent", json!(intent));
            hide(tx, &intent, "session", json!(id));
            intent
        }
    };
    tx.set(&intent, "customer", json!(customer));
    cards::confirm_setup(tx, &intent, method, false)
}

fn pay(tx: &mut Tx<'_>, id: &str, session: &Value, method: &str, due: i64) -> Confirmed {
    let approves = payments::verdict(tx, method, false, false) == Verdict::Approved;
    let customer = if approves && needs_customer(session) {
        Some(ensure_customer(tx, id))
    } else {
        session.owned("customer")
    };
    let hidden = tx.state.hidden.get(id).cloned().unwrap_or_default();
    let intent = match hidden.owned("payment_intent") {
        Some(intent) => intent,
        None => {
            let data = hidden.object("payment_intent_data").cloned().unwrap_or_default();
            let subscription = session.text("mode") == Some("subscription");
            let currency = session.owned("currency").unwrap_or_default();
            let intent = payments::new_intent(
                tx,
                NewIntent {
                    amount: due,
                    currency: &currency,
                    customer: customer.as_deref(),
                    description: if subscription {
                        Some("Subscription creation")
                    } else {
                        data.text("description")
                    },
                    metadata: metadata(&data),
                    setup_future_usage: if subscription {
                        Some("off_session")
                    } else {
                        data.text("setup_future_usage")
                    },
                    ..NewIntent::default()
                },
            );
            hide(tx, id, "payment_intent", json!(intent));
            hide(tx, &intent, "session", json!(id));
            if !subscription {
                tx.set(id, "payment_intent", intent.as_str());
            }
            intent
        }
    };
    tx.set(&intent, "customer", json!(customer));
    payments::confirm(tx, &intent, method, false, false)
}

fn needs_customer(session: &Value) -> bool {
    session.text("customer").is_some()
        || session.text("mode") == Some("subscription")
        || session.text("customer_creation") == Some("always")
}

/// The session's customer, made from what the buyer typed when there is none.
pub(crate) fn ensure_customer(tx: &mut Tx<'_>, id: &str) -> String {
    let session = tx.json(id);
    if let Some(customer) = session.owned("customer") {
        return customer;
    }
    let hidden = tx.state.hidden.get(id).cloned().unwrap_or_default();
    let details = hidden
        .text("payment_method")
        .map_or(Value::Null, |method| tx.read(method).copy("billing_details"));
    let mut args = Object::new();
    args.insert("email".to_owned(), hidden.copy("email"));
    args.insert("name".to_owned(), details.copy("name"));
    if details.copy("address").text("country").is_some() {
        args.insert("address".to_owned(), details.copy("address"));
    }
    args.retain(|_, value| !value.is_null());
    let customer = crate::api::customers::create_customer(tx, &args, None);
    tx.set(id, "customer", customer.as_str());
    customer
}

/// The challenge of a session's intent has been passed: the customer must exist before the
/// intent is confirmed.
pub(crate) fn before_confirmation(tx: &mut Tx<'_>, intent: &str) {
    let session = tx.state.hidden.get(intent).and_then(|hidden| hidden.owned("session"));
    if let Some(session) = session
        && needs_customer(&tx.json(&session))
    {
        let customer = ensure_customer(tx, &session);
        tx.set(intent, "customer", customer);
    }
}

/// The payment (or set-up) is done: subscription, invoice and session follow.
///
/// # Errors
/// 400 when the subscription's parameters have become impossible (a deactivated price).
pub(crate) fn paid(tx: &mut Tx<'_>, id: &str) -> Result<(), ApiError> {
    let session = tx.json(id);
    if session.text("status") != Some("open") {
        return Ok(());
    }
    let mark = tx.mark();
    let hidden = tx.state.hidden.get(id).cloned().unwrap_or_default();
    let method = hidden.owned("payment_method");
    let mut subscription = None;
    let mut invoice = None;
    if session.text("mode") == Some("subscription") {
        let customer = ensure_customer(tx, id);
        let made = subscribe(tx, &customer, &hidden, method.as_deref())?;
        (subscription, invoice) = (Some(made.0), Some(made.1));
    }
    let session = tx.json(id);
    let customer = session.text("customer").map_or(Value::Null, |id| tx.json(id));
    let billing = method.map_or(Value::Null, |method| tx.read(&method).copy("billing_details"));
    let pick = |key: &str| match customer.copy(key) {
        Value::Null => billing.copy(key),
        value => value,
    };
    let email = match customer.copy("email") {
        Value::Null => hidden.copy("email"),
        email => email,
    };
    let details = json!({
        "address": match customer.copy("address") {
            Value::Null => billing.copy("address"),
            address => address,
        },
        "business_name": null,
        "email": email,
        "individual_name": null,
        "name": pick("name"),
        "phone": pick("phone"),
        "tax_exempt": "none",
        "tax_ids": [],
    });
    tx.edit(id, |session| {
        session.insert("status".to_owned(), json!("complete"));
        session.insert("url".to_owned(), Value::Null);
        session.insert("customer_details".to_owned(), details);
        session.insert("subscription".to_owned(), json!(subscription));
        session.insert("invoice".to_owned(), json!(invoice));
        if session.text("mode") == Some("setup") {
            session.insert("setup_intent".to_owned(), hidden.copy("setup_intent"));
        }
        if session.text("payment_status") == Some("unpaid") {
            session.insert("payment_status".to_owned(), json!("paid"));
        }
    });
    tx.emit("checkout.session.completed", id);
    tx.order_events(mark, ORDER);
    Ok(())
}

fn subscribe(
    tx: &mut Tx<'_>,
    customer: &str,
    hidden: &Object,
    method: Option<&str>,
) -> Result<(String, String), ApiError> {
    let start = tx.time_of(customer);
    let bought = hidden.items("line_items");
    let (recurring, once): (Vec<&Value>, Vec<&Value>) =
        bought.iter().partition(|item| item.copy("price").text("type") == Some("recurring"));
    let mut wanted = Vec::new();
    for item in &recurring {
        let given = json!({"quantity": item.int("quantity").unwrap_or(1)});
        let given = given.as_object().cloned().unwrap_or_default();
        wanted.push(items::new(tx, item.copy("price"), &given, start));
    }
    items::same_terms(&wanted)?;
    let mut data = hidden.object("subscription_data").cloned().unwrap_or_default();
    data.remove("default_payment_method");
    let mut new = NewSubscription::read(tx, customer, wanted, &data, start)?;
    new.default_payment_method = method.map(str::to_owned);
    let status = if new.trial_end.is_some() { "trialing" } else { "active" };
    let currency = new.currency();
    let id = subscriptions::insert(tx, &new, &data, status);
    let mut all = new.first_lines(tx, &id);
    for item in once {
        all.push(Line {
            amount: item.amount("amount_total"),
            description: item.owned("description").unwrap_or_default(),
            period: (start, start),
            quantity: item.int("quantity").unwrap_or(1),
            price: item.copy("price"),
            ..Line::default()
        });
    }
    // Pending items wait for the next invoice: this one is over what the buyer has just paid.
    let invoice = invoices::draft(
        tx,
        &NewInvoice {
            customer,
            subscription: Some(&id),
            reason: "subscription_create",
            currency: &currency,
            lines: all,
            period: (start, start),
            ..NewInvoice::default()
        },
    );
    let intent = hidden.text("payment_intent");
    if let Some(intent) = intent {
        invoices::link_payment(tx, &invoice, intent);
    }
    invoices::finalize(tx, &invoice);
    if tx.read(&invoice).text("status") == Some("open") {
        tx.edit(&invoice, |invoice| {
            invoice.insert("attempted".to_owned(), json!(true));
            invoice.insert("attempt_count".to_owned(), json!(1));
        });
        let due = tx.read(&invoice).amount("amount_due");
        invoices::settle_paid(tx, &invoice, due);
    }
    tx.set(&id, "latest_invoice", invoice.as_str());
    tx.emit("customer.subscription.created", &id);
    Ok((id, invoice))
}

/// Open → expired.
pub(crate) fn expire(tx: &mut Tx<'_>, id: &str) {
    tx.edit(id, |session| {
        session.insert("status".to_owned(), json!("expired"));
        session.insert("url".to_owned(), Value::Null);
    });
    tx.emit("checkout.session.expired", id);
    let intent = tx.state.hidden.get(id).and_then(|hidden| hidden.owned("payment_intent"));
    if let Some(intent) = intent
        && tx.read(&intent).text("status") != Some("succeeded")
    {
        payments::cancel(tx, &intent, Some("automatic"));
    }
}

/// `expires_at` has come.
pub(crate) fn expire_due(tx: &mut Tx<'_>, id: &str) {
    if tx.read(id).text("status") == Some("open") {
        expire(tx, id);
    }
}
