//! The hosted invoice and its PDF.

use crate::house::{House, card, path};

/// Shows a paid invoice and its PDF.
#[tokio::test]
async fn shows_a_paid_invoice() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let (customer, _) = house.subscriber(&price).await;
    let invoices = house.api("GET", "/v1/invoices", &[("customer", &customer)]).await;
    let invoice = &invoices["data"][0];
    let page = house.get(&path(invoice["hosted_invoice_url"].as_str().unwrap())).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.text("invoice-total"), "$99.00");
    assert!(page.body.contains(invoice["number"].as_str().unwrap()));
    assert!(page.body.contains("Paid") && !page.has("pay"));
    let response = house
        .http
        .get(format!("{}{}", house.base, path(invoice["invoice_pdf"].as_str().unwrap())))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/pdf");
    let pdf = response.bytes().await.unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.trim_ascii_end().ends_with(b"%%EOF"));
    assert!(house.get("/i/none").await.has("invoice-unknown"));
}

/// Shows that an open invoice is paid from its page after a refusal, and that the subscription
/// comes back from past due.
#[tokio::test]
async fn pays_an_open_invoice() {
    let house = House::open().await;
    let price = house.price("Team", 9_900, "usd").await;
    let (customer, _) = house.subscriber(&price).await;
    let home = house.portal(&customer, &[]).await;
    let failing = house.post(&format!("{home}/payment-method"), &card("4000000000000341")).await;
    failing.redirect();
    house.simulator.engine().advance_clock(house.simulator.clock().now() + 31 * 86_400).unwrap();
    assert_eq!(house.subscription(&customer).await["status"], "past_due");
    let home = house.portal(&customer, &[]).await;
    assert!(house.get(&home).await.has("portal-problem"));
    let open =
        house.api("GET", "/v1/invoices", &[("customer", &customer), ("status", "open")]).await;
    let address = path(open["data"][0]["hosted_invoice_url"].as_str().unwrap());
    let page = house.get(&address).await;
    assert!(page.has("pay") && page.has("pay-saved"), "{}", page.body);
    let refused = house.post(&address, &[("use", "saved")]).await;
    assert_eq!(refused.status, 402, "{}", refused.body);
    let paid = house.post(&address, &card("4242424242424242")).await.redirect();
    let page = house.get(&paid).await;
    assert!(page.has("notice") && !page.has("pay"), "{}", page.body);
    assert_eq!(house.subscription(&customer).await["status"], "active");
}
