"""Refusals and lost connections: which class of error the package makes of them, and what it does
by itself."""

import uuid

import stripe
from house import SIMULATOR, TestCase, Wire, api, email, price, stripe_at, subscriber

# Stripe's names for cards, with the `code` and `decline_code` they are refused with.
DECLINES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
]


def payment(card):
    return {
        "amount": 2_000,
        "currency": "usd",
        "payment_method": card,
        "payment_method_types": ["card"],
        "confirm": True,
    }


class Errors(TestCase):
    def test_declined_cards_are_card_errors(self):
        for card, code, decline in DECLINES:
            with self.subTest(card=card):
                error = self.refused(
                    stripe.CardError, api.payment_intents.create, payment(card)
                )
                self.assertEqual((error.http_status, error.code), (402, code))
                if decline:
                    self.assertEqual(error.error.decline_code, decline)
                self.assertEqual(error.error.payment_intent.status, "requires_payment_method")
                self.assertRegex(error.error.charge, "^ch_")
                self.assertRegex(error.request_id, "^req_")
                self.assertTrue(error.user_message)

    def test_parameters_are_refused_by_name(self):
        team = price(9_900)
        items = [{"price": team.id}]
        table = [
            (api.customers.create, ({"nonsense": "1"},), 400, "parameter_unknown", "nonsense"),
            (
                api.customers.create,
                ({"invoice_settings": {"nope": "x"}},),
                400,
                "parameter_unknown",
                "invoice_settings[nope]",
            ),
            (
                api.prices.create,
                ({"unit_amount": 1, "product": team.product},),
                400,
                "parameter_missing",
                "currency",
            ),
            (api.customers.retrieve, ("cus_missing",), 404, "resource_missing", "id"),
            (
                api.subscriptions.create,
                ({"customer": "cus_missing", "items": items},),
                400,
                "resource_missing",
                "customer",
            ),
        ]
        for call, args, status, code, param in table:
            with self.subTest(code=code, param=param):
                error = self.refused(stripe.InvalidRequestError, call, *args)
                self.assertEqual((error.http_status, error.code), (status, code))
                self.assertEqual(error.param, param)

    def test_a_wrong_key_is_an_authentication_error(self):
        wrong = stripe_at(key="sk_wrong_0123456789abcdef")
        error = self.refused(stripe.AuthenticationError, wrong.v1.customers.list)
        self.assertEqual(error.http_status, 401)
        self.assertNotIn("0123456789abcdef", str(error))

    def test_an_older_version_can_be_asked_for(self):
        _, subscription = subscriber(price(9_900))
        old = stripe_at(stripe_version="2024-11-20.acacia").v1
        seen = old.subscriptions.retrieve(subscription.id)
        self.assertEqual(seen.last_response.headers["stripe-version"], "2024-11-20.acacia")
        self.assertEqual(
            seen.current_period_end, subscription["items"].data[0].current_period_end
        )

    def test_the_same_idempotency_key_answers_the_same_and_refuses_other_parameters(self):
        params, options = {"email": email()}, {"idempotency_key": str(uuid.uuid4())}
        first = api.customers.create(params, options)
        second = api.customers.create(params, options)
        self.assertEqual(second.id, first.id)
        self.assertEqual(second.last_response.headers["idempotent-replayed"], "true")
        self.assertEqual(len(api.customers.list(params).data), 1)
        error = self.refused(
            stripe.IdempotencyError, api.customers.create, {**params, "name": "Grace"}, options
        )
        self.assertEqual(error.http_status, 400)
        self.assertEqual(error.error.type, "idempotency_error")

    def test_an_answer_that_was_lost_is_fetched_again_without_a_second_customer(self):
        with Wire("lose") as wire:
            patient = stripe_at(wire.address, max_network_retries=2).v1
            params = {"email": email()}
            created = patient.customers.create(params)
            self.assertEqual(created.last_response.headers["idempotent-replayed"], "true")
            self.assertEqual(len(wire.seen), 2)
            self.assertTrue(wire.seen[0])
            self.assertEqual(wire.seen[0], wire.seen[1])
            everybody = api.customers.list(params)
            self.assertEqual([customer.id for customer in everybody.data], [created.id])

    def test_a_broken_server_is_asked_again_and_a_refusal_is_not(self):
        with Wire("refuse", "refuse") as wire:
            patient = stripe_at(wire.address, max_network_retries=2).v1
            self.assertRegex(patient.customers.create({"email": email()}).id, "^cus_")
            self.assertEqual(len(wire.seen), 3)
            self.assertEqual(len(set(wire.seen)), 1)
            declined = payment("pm_card_visa_chargeDeclined")
            self.refused(stripe.CardError, patient.payment_intents.create, declined)
            self.assertEqual(len(wire.seen), 4)
        with Wire("refuse") as wire:
            self.refused(stripe.APIError, stripe_at(wire.address).v1.customers.list)

    def test_a_simulator_that_is_not_there_is_a_connection_error(self):
        self.assertTrue(SIMULATOR.startswith("http://127.0.0.1:"))
        nobody = stripe_at("http://127.0.0.1:1").v1
        self.refused(stripe.APIConnectionError, nobody.customers.list)
