"""Subscriptions and their invoices, from the first day to the last."""

import stripe
from house import (
    APRIL,
    DAY,
    HOUR,
    JUNE,
    MAY,
    TestCase,
    advance,
    api,
    clock,
    payer,
    price,
    subscriber,
)


class Subscriptions(TestCase):
    def test_a_subscription_begins_paid_and_active(self):
        customer, subscription = subscriber(
            price(9_900), expand=["latest_invoice.payments", "customer"]
        )
        self.assertRegex(subscription.id, "^sub_")
        self.assertEqual(subscription.status, "active")
        self.assertEqual(subscription.customer.id, customer.id)
        self.assertNotIn("current_period_end", subscription)
        item = subscription["items"].data[0]
        self.assertGreaterEqual(item.current_period_end - item.current_period_start, 28 * DAY)
        invoice = subscription.latest_invoice
        self.assertEqual((invoice.status, invoice.amount_paid), ("paid", 9_900))
        self.assertEqual(
            invoice.parent.subscription_details.subscription, subscription.id
        )
        self.assertEqual(invoice.payments.data[0].payment.type, "payment_intent")

    def test_ended_subscriptions_are_listed_when_asked_for(self):
        customer, subscription = subscriber(price(9_900))
        ended = api.subscriptions.cancel(subscription.id)
        self.assertEqual(ended.status, "canceled")
        self.assertGreaterEqual(ended.ended_at, subscription.created)
        mine = {"customer": customer.id}
        self.assertEqual(api.subscriptions.list(mine).data, [])
        everything = api.subscriptions.list({**mine, "status": "all"})
        self.assertEqual([one.id for one in everything.data], [subscription.id])
        error = self.refused(
            stripe.InvalidRequestError, api.subscriptions.cancel, subscription.id
        )
        self.assertEqual((error.http_status, error.code), (404, "resource_missing"))

    def test_an_upgrade_charges_exactly_what_its_preview_said(self):
        basic, pro = price(1_000), price(3_000)
        time = clock()
        customer, subscription = subscriber(basic, {"test_clock": time})
        item = subscription["items"].data[0]
        self.assertEqual(item.current_period_end, MAY)
        advance(time, APRIL + 10 * DAY)
        change = {
            "items": [{"id": item.id, "price": pro.id}],
            "proration_behavior": "always_invoice",
            "proration_date": APRIL + 10 * DAY,
        }
        preview = api.invoices.create_preview(
            {
                "customer": customer.id,
                "subscription": subscription.id,
                "subscription_details": change,
            }
        )
        # Each line is rounded down by itself: -666.67 and 2,000.
        self.assertEqual(sorted(line.amount for line in preview.lines.data), [-667, 2_000])
        upgraded = api.subscriptions.update(
            subscription.id, {**change, "expand": ["latest_invoice"]}
        )
        self.assertEqual(upgraded.latest_invoice.total, preview.total)
        self.assertEqual(upgraded.latest_invoice.amount_paid, 1_333)
        self.assertEqual(upgraded["items"].data[0].price.id, pro.id)

    def test_cancelling_at_the_end_of_the_period_can_be_taken_back(self):
        _, subscription = subscriber(price(9_900))
        ending = api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
        self.assertEqual(ending.status, "active")
        self.assertEqual(ending.cancel_at, ending["items"].data[0].current_period_end)
        self.assertEqual(ending.cancellation_details.reason, "cancellation_requested")
        kept = api.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
        self.assertIsNone(kept.cancel_at)
        self.assertIsNone(kept.canceled_at)

    def test_a_month_passes_and_the_subscription_renews(self):
        time = clock()
        _, subscription = subscriber(price(9_900), {"test_clock": time})
        advance(time, MAY + 2 * HOUR)
        renewed = api.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        item = renewed["items"].data[0]
        self.assertEqual((item.current_period_start, item.current_period_end), (MAY, JUNE))
        self.assertEqual(renewed.latest_invoice.billing_reason, "subscription_cycle")
        self.assertEqual(renewed.latest_invoice.status, "paid")
        invoices = api.invoices.list({"subscription": subscription.id, "limit": 1})
        self.assertEqual(len(list(invoices.auto_paging_iter())), 2)

    def test_a_renewal_that_fails_makes_it_past_due(self):
        time = clock()
        customer, subscription = subscriber(price(9_900), {"test_clock": time})
        attach = {"customer": customer.id}
        bad = api.payment_methods.attach("pm_card_chargeCustomerFail", attach)
        api.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": bad.id}}
        )
        advance(time, MAY + 2 * HOUR)
        late = api.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        self.assertEqual(late.status, "past_due")
        self.assertEqual(late.latest_invoice.attempt_count, 1)
        error = self.refused(stripe.CardError, api.invoices.pay, late.latest_invoice.id)
        self.assertEqual((error.code, error.http_status), ("card_declined", 402))
        good = api.payment_methods.attach("pm_card_visa", attach)
        paid = api.invoices.pay(late.latest_invoice.id, {"payment_method": good.id})
        self.assertEqual(paid.status, "paid")
        self.assertEqual(api.subscriptions.retrieve(subscription.id).status, "active")

    def test_a_trial_without_a_card_pauses(self):
        time = clock()
        customer = api.customers.create({"test_clock": time})
        trial = api.subscriptions.create(
            {
                "customer": customer.id,
                "items": [{"price": price(9_900).id}],
                "trial_period_days": 7,
                "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
            }
        )
        self.assertEqual(trial.status, "trialing")
        self.assertEqual(trial.trial_end, APRIL + 7 * DAY)
        advance(time, APRIL + 8 * DAY)
        self.assertEqual(api.subscriptions.retrieve(trial.id).status, "paused")

    def test_an_invoice_of_ones_own_goes_from_draft_to_paid(self):
        customer = payer()
        invoice = api.invoices.create({"customer": customer.id, "auto_advance": False})
        api.invoice_items.create(
            {
                "customer": customer.id,
                "invoice": invoice.id,
                "amount": 2_000,
                "currency": "usd",
                "description": "Setting up",
            }
        )
        opened = api.invoices.finalize_invoice(invoice.id)
        self.assertEqual((opened.status, opened.amount_due), ("open", 2_000))
        self.assertEqual(api.invoices.pay(invoice.id).status, "paid")
        lines = api.invoices.line_items.list(invoice.id)
        self.assertEqual([line.description for line in lines.data], ["Setting up"])
