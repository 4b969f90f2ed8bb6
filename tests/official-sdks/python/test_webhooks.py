"""Events: listed by the API, and delivered, signed, to an application that checks them with the
package's own words."""

import stripe
from house import (
    VERSION,
    Receiver,
    TestCase,
    api,
    email,
    price,
    stripe_at,
    submit_card,
    subscriber,
)


class Webhooks(TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def endpoint(self, *types, **more):
        params = {"url": self.receiver.url, "enabled_events": list(types) or ["*"], **more}
        made = api.webhook_endpoints.create(params)
        self.addCleanup(api.webhook_endpoints.delete, made.id)
        return made

    def test_a_delivery_is_verified_on_its_raw_body_and_nothing_else_is(self):
        secret = self.endpoint("customer.created").secret
        self.assertRegex(secret, "^whsec_")
        customer = api.customers.create({"email": email(), "name": "Zoë 漢字"})
        event, headers, body = self.receiver.event(secret, "customer.created", customer.id)
        self.assertEqual(event.api_version, VERSION)
        self.assertEqual(event.data.object.name, "Zoë 漢字")
        self.assertEqual(event["request"].id, customer.last_response.request_id)
        self.assertIsInstance(event.data.object, stripe.Customer)

        signature = headers["stripe-signature"]
        again = stripe_at().construct_event(body, signature, secret)
        self.assertEqual(again.id, event.id)
        forged = stripe.SignatureVerificationError
        check = stripe.Webhook.construct_event
        self.refused(forged, check, body, signature, "whsec_of_somebody_else")
        self.refused(forged, check, body.replace(b"cus_", b"cuz_"), signature, secret)
        stale = ",".join(["t=1492774577", *signature.split(",")[1:]])
        self.refused(forged, check, body, stale, secret)
        self.assertEqual(api.events.retrieve(event.id).type, "customer.created")

    def test_a_purchase_is_told_as_stripe_tells_it(self):
        secret = self.endpoint().secret
        customer = api.customers.create({"email": email()})
        session = api.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer.id,
                "line_items": [{"price": price(9_900).id, "quantity": 1}],
                "success_url": "http://127.0.0.1:9/ok",
            }
        )
        self.assertEqual(submit_card(session.url, "4242424242424242")[0], 303)
        event, _, _ = self.receiver.event(secret, "checkout.session.completed", session.id)
        done = event.data.object
        self.assertEqual(done.customer, customer.id)
        self.receiver.event(secret, "customer.subscription.created", done.subscription)
        self.receiver.event(secret, "invoice.paid", done.invoice)

    def test_an_update_says_what_was_before(self):
        secret = self.endpoint("customer.subscription.updated").secret
        _, subscription = subscriber(price(9_900))
        api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        event, _, _ = self.receiver.event(
            secret, "customer.subscription.updated", subscription.id
        )
        self.assertIs(event.data.previous_attributes["cancel_at_period_end"], False)
        self.assertIs(event.data.object.cancel_at_period_end, True)

    def test_an_endpoint_shows_its_secret_once_and_keeps_its_version(self):
        made = self.endpoint(api_version="2024-11-20.acacia")
        self.assertNotIn("secret", api.webhook_endpoints.retrieve(made.id))
        _, subscription = subscriber(price(9_900))
        event, _, _ = self.receiver.event(
            made.secret, "customer.subscription.created", subscription.id
        )
        self.assertEqual(event.api_version, "2024-11-20.acacia")
        self.assertIn("current_period_end", event.data.object)
        off = api.webhook_endpoints.update(made.id, {"disabled": True})
        self.assertEqual(off.status, "disabled")

    def test_events_are_paged_through_by_type_newest_first(self):
        ids = [api.customers.create({"email": email()}).id for _ in range(12)]
        seen = []
        listed = api.events.list({"type": "customer.created", "limit": 5})
        for event in listed.auto_paging_iter():
            self.assertEqual(event.type, "customer.created")
            if event.data.object.id in ids:
                seen.append(event.data.object.id)
            if len(seen) == len(ids):
                break
        self.assertEqual(seen, ids[::-1])
