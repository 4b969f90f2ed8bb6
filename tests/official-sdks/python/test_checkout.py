"""Checkout and the customer portal, with the hosted pages used as a browser would."""

import stripe
from house import (
    SIMULATOR,
    TestCase,
    api,
    browse,
    email,
    price,
    stripe_at,
    submit_card,
    subscriber,
)

SUCCESS = "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}"


def open_session(**more):
    customer = api.customers.create({"email": email()})
    params = {
        "mode": "subscription",
        "customer": customer.id,
        "line_items": [{"price": price(9_900).id, "quantity": 2}],
        "success_url": SUCCESS,
        "client_reference_id": "org_1",
        "subscription_data": {"metadata": {"organization_id": "org_1"}},
        **more,
    }
    return api.checkout.sessions.create(params)


class Checkout(TestCase):
    def test_a_purchase_on_the_hosted_page_makes_an_active_subscription(self):
        session = open_session()
        self.assertRegex(session.id, "^cs_test_")
        self.assertEqual((session.status, session.payment_status), ("open", "unpaid"))
        self.assertEqual(session.amount_total, 19_800)
        self.assertIsNone(session.subscription)
        self.assertTrue(session.url.startswith(SIMULATOR))

        status, headers, _ = submit_card(session.url, "4242 4242 4242 4242")
        self.assertEqual(status, 303)
        self.assertEqual(
            headers["location"], SUCCESS.replace("{CHECKOUT_SESSION_ID}", session.id)
        )
        done = api.checkout.sessions.retrieve(
            session.id, {"expand": ["subscription.latest_invoice", "line_items"]}
        )
        self.assertEqual((done.status, done.payment_status), ("complete", "paid"))
        self.assertEqual(done.subscription.status, "active")
        self.assertEqual(done.subscription.metadata["organization_id"], "org_1")
        self.assertEqual(done.subscription.latest_invoice.amount_paid, 19_800)
        self.assertEqual(done.line_items.data[0].quantity, 2)
        lines = api.checkout.sessions.line_items.list(session.id)
        self.assertEqual(lines.data[0].amount_total, 19_800)

    def test_a_purchase_can_be_finished_without_a_page(self):
        session = open_session()
        card = api.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
        stripe_at().raw_request(
            "post",
            f"/v1/payment_pages/{session.id}/confirm",
            payment_method=card.id,
            expected_amount=session.amount_total,
        )
        done = api.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
        self.assertEqual(done.status, "complete")
        self.assertEqual(done.subscription.status, "active")

    def test_a_refused_card_leaves_the_session_open(self):
        session = open_session()
        status, _, body = submit_card(session.url, "4000000000000002")
        self.assertEqual(status, 402)
        self.assertIn(b"Your card was declined.", body)
        self.assertEqual(api.checkout.sessions.retrieve(session.id).status, "open")
        everything = api.subscriptions.list({"customer": session.customer, "status": "all"})
        self.assertEqual(everything.data, [])
        self.assertEqual(submit_card(session.url, "4242424242424242")[0], 303)

    def test_an_open_session_can_be_expired_once(self):
        session = open_session()
        self.assertEqual(api.checkout.sessions.expire(session.id).status, "expired")
        self.refused(stripe.InvalidRequestError, api.checkout.sessions.expire, session.id)

    def test_what_checkout_cannot_do_is_refused_with_the_parameter_at_fault(self):
        items = [{"price": "price_none", "quantity": 1}]
        error = self.refused(stripe.InvalidRequestError, open_session, line_items=items)
        self.assertEqual((error.code, error.param), ("resource_missing", "line_items[0][price]"))

    def test_the_portal_opens_for_a_customer(self):
        customer, _ = subscriber(price(9_900))
        session = api.billing_portal.sessions.create(
            {"customer": customer.id, "return_url": "http://127.0.0.1:9/back"}
        )
        self.assertRegex(session.id, "^bps_")
        self.assertTrue(session.url.startswith(SIMULATOR))
        status, _, body = browse(session.url)
        self.assertEqual(status, 200)
        self.assertIn(b"Team", body)
        settings = api.billing_portal.configurations.retrieve(session.configuration)
        self.assertIs(settings.is_default, True)
