//! The customer portal.

use crate::house::{House, card};

async fn house_with_subscriber() -> (House, String, String, String) {
    let house = House::open().await;
    let team = house.price("Team", 9_900, "usd").await;
    let (customer, subscription) = house.subscriber(&team).await;
    let id = subscription["id"].as_str().unwrap().to_owned();
    (house, customer, id, team)
}

/// Shows the home: plan, price, renewal date, card, details, invoices and the way back.
#[tokio::test]
async fn shows_what_is_paid_for() {
    let (house, customer, _, _) = house_with_subscriber().await;
    let home = house.portal(&customer, &[]).await;
    let page = house.get(&home).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.text("portal-plan-name"), "Team");
    assert_eq!(page.text("portal-plan-price"), "$99.00");
    assert_eq!(page.text("portal-plan-note"), "Renews on 21 December 2026");
    assert!(page.body.contains("•••• 4242") && page.body.contains("ada@example.com"));
    assert!(page.has("portal-invoice") && page.has("portal-invoice-pdf"));
    assert!(page.body.contains("href=\"http://127.0.0.1:9/back\""));
    assert!(house.get("/p/session/none").await.has("portal-unknown"));
}

/// Shows cancelling at the period's end with its question, and taking it back.
#[tokio::test]
async fn cancels_and_resumes() {
    let (house, customer, id, _) = house_with_subscriber().await;
    let home = house.portal(&customer, &[]).await;
    let question = house.get(&format!("{home}/subscriptions/{id}/cancel")).await;
    assert!(question.has("portal-confirm-cancel"), "{}", question.body);
    assert!(question.body.contains("21 December 2026"));
    assert_eq!(house.subscription(&customer).await["cancel_at_period_end"], false);
    let done = house
        .post(&format!("{home}/subscriptions/{id}/cancel"), &[("reason", "unused")])
        .await
        .redirect();
    let page = house.get(&done).await;
    assert!(page.has("notice") && page.has("portal-resume") && !page.has("portal-cancel"));
    assert_eq!(page.text("portal-plan-note"), "Ends on 21 December 2026");
    let subscription = house.subscription(&customer).await;
    assert_eq!(subscription["cancel_at_period_end"], true);
    let resumed = house.post(&format!("{home}/subscriptions/{id}/resume"), &[]).await.redirect();
    assert!(house.get(&resumed).await.has("portal-cancel"));
    assert_eq!(house.subscription(&customer).await["cancel_at_period_end"], false);
    assert!(
        house.event_types().iter().filter(|kind| *kind == "customer.subscription.updated").count()
            >= 2
    );
}

/// Shows the new card: a refused one is told, a good one is the default from then on, and one that
/// asks for 3-D Secure is saved after its answer.
#[tokio::test]
async fn updates_the_card() {
    let (house, customer, _, _) = house_with_subscriber().await;
    let home = house.portal(&customer, &[]).await;
    let form = format!("{home}/payment-method");
    assert!(house.get(&form).await.has("portal-save-card"));
    let refused = house.post(&form, &card("4000000000000002")).await;
    assert_eq!(refused.status, 402);
    assert_eq!(refused.text("form-error"), "Your card was declined.");
    let done = house.post(&form, &card("5555555555554444")).await.redirect();
    let page = house.get(&done).await;
    assert!(page.body.contains("•••• 4444") && page.has("notice"), "{}", page.body);
    let customer_now = house.api("GET", &format!("/v1/customers/{customer}"), &[]).await;
    assert!(customer_now["invoice_settings"]["default_payment_method"].is_string());
    let challenge = house.post(&form, &card("4000002500003155")).await.redirect();
    let done = house.post(&challenge, &[("outcome", "complete")]).await.redirect();
    assert!(house.get(&done).await.body.contains("•••• 3155"));
}

/// Shows the switch to another plan: what the preview says is due is what is charged.
#[tokio::test]
async fn switches_the_plan_for_the_previewed_amount() {
    let (house, customer, id, team) = house_with_subscriber().await;
    let enterprise = house.price("Enterprise", 49_900, "usd").await;
    let home = house.portal(&customer, &[]).await;
    house.simulator.clock().advance_by(10 * 86_400);
    let plans = format!("{home}/subscriptions/{id}/update");
    let choice = house.get(&plans).await;
    assert!(choice.has(&format!("portal-price-{enterprise}")), "{}", choice.body);
    assert!(choice.body.contains("Current plan") && choice.has(&format!("portal-price-{team}")));
    let preview = house.get(&format!("{plans}/confirm?price={enterprise}")).await;
    let due = preview.text("portal-due");
    assert_eq!(preview.text("portal-confirm-plan"), "Confirm");
    let date = preview.body.split("name=\"proration_date\" value=\"").nth(1).unwrap();
    let date = date.split('"').next().unwrap();
    let done = house
        .post(&format!("{plans}/confirm"), &[("price", &enterprise), ("proration_date", date)])
        .await
        .redirect();
    assert_eq!(house.get(&done).await.text("portal-plan-name"), "Enterprise");
    let invoices = house.api("GET", "/v1/invoices", &[("customer", &customer)]).await;
    let newest = &invoices["data"][0];
    assert_eq!(newest["billing_reason"], "subscription_update");
    let paid = newest["amount_paid"].as_i64().unwrap();
    assert_eq!(due, format!("${}.{:02}", paid / 100, paid % 100));
    assert_eq!(paid, 26_666, "two thirds of the month: 33266 − 6600");
}

/// Shows name and e-mail.
#[tokio::test]
async fn edits_the_details() {
    let (house, customer, _, _) = house_with_subscriber().await;
    let home = house.portal(&customer, &[]).await;
    let wrong = house.post(&format!("{home}/details"), &[("billing_email", "nonsense")]).await;
    assert!(wrong.has("billing-email-error"), "{}", wrong.body);
    let form = [("billing_name", "Ada Lovelace"), ("billing_email", "lovelace@example.com")];
    let done = house.post(&format!("{home}/details"), &form).await.redirect();
    let page = house.get(&done).await;
    assert_eq!(page.text("portal-name"), "Ada Lovelace");
    assert_eq!(page.text("portal-email"), "lovelace@example.com");
}

/// Shows that a session made for one task opens there, and ends as it was told to.
#[tokio::test]
async fn deep_links_lead_to_their_page() {
    let (house, customer, id, _) = house_with_subscriber().await;
    let card = [("flow_data[type]", "payment_method_update")];
    let home = house.portal(&customer, &card).await;
    assert!(house.get(&home).await.redirect().ends_with("/payment-method"));
    let cancel = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", id.as_str()),
        ("flow_data[after_completion][type]", "redirect"),
        ("flow_data[after_completion][redirect][return_url]", "http://127.0.0.1:9/gone"),
    ];
    let home = house.portal(&customer, &cancel).await;
    let question = house.get(&home).await.redirect();
    assert!(house.get(&question).await.has("portal-confirm-cancel"));
    let done = house.post(&question, &[("reason", "")]).await.redirect();
    assert_eq!(done, "http://127.0.0.1:9/gone");
}

/// Shows that what the configuration switches off is neither offered nor possible.
#[tokio::test]
async fn honours_the_configuration() {
    let (house, customer, id, _) = house_with_subscriber().await;
    let configuration = house
        .api(
            "POST",
            "/v1/billing_portal/configurations",
            &[
                ("features[invoice_history][enabled]", "true"),
                ("features[payment_method_update][enabled]", "false"),
            ],
        )
        .await;
    let configuration = configuration["id"].as_str().unwrap();
    let home = house.portal(&customer, &[("configuration", configuration)]).await;
    let page = house.get(&home).await;
    assert!(page.has("portal-invoices"), "{}", page.body);
    for hidden in
        ["portal-cancel", "portal-update-card", "portal-update-plan", "portal-edit-details"]
    {
        assert!(!page.has(hidden), "{hidden}");
    }
    let cancel = format!("{home}/subscriptions/{id}/cancel");
    assert_eq!(house.post(&cancel, &[]).await.status, 404);
    assert_eq!(house.subscription(&customer).await["cancel_at_period_end"], false);
    let new_card = house
        .post(&format!("{home}/payment-method"), &crate::house::card("5555555555554444"))
        .await;
    assert_eq!(new_card.status, 404);
}
