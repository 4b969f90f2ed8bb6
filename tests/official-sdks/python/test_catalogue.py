"""Customers, products and prices: reading, writing, lists and what may be expanded."""

import stripe
from house import KEY, SIMULATOR, VERSION, TestCase, api, email, price, until


class Catalogue(TestCase):
    def test_a_customer_is_created_read_changed_and_deleted(self):
        created = api.customers.create(
            {
                "email": email(),
                "name": "Ada Example",
                "address": {"city": "Dublin", "country": "IE"},
                "metadata": {"organization_id": "org_1", "team": "alpha"},
            }
        )
        self.assertRegex(created.id, "^cus_")
        self.assertEqual(created.object, "customer")
        self.assertIs(created.livemode, False)
        self.assertEqual(created.address.city, "Dublin")
        self.assertRegex(created.last_response.request_id, "^req_")
        self.assertEqual(created.last_response.headers["stripe-version"], VERSION)

        read = api.customers.retrieve(created.id)
        self.assertEqual(read.to_dict(), created.to_dict())

        changed = api.customers.update(
            created.id,
            {"name": "Ada Byron", "address": "", "metadata": {"team": "", "seats": "3"}},
        )
        self.assertEqual(changed.name, "Ada Byron")
        self.assertIsNone(changed.address)
        self.assertEqual(changed.metadata.to_dict(), {"organization_id": "org_1", "seats": "3"})

        self.assertIs(api.customers.delete(created.id).deleted, True)
        self.assertIs(api.customers.retrieve(created.id).deleted, True)

    def test_lists_are_paged_through_in_both_directions(self):
        address = email()
        ids = [api.customers.create({"email": address}).id for _ in range(7)]
        first = api.customers.list({"email": address, "limit": 3})
        self.assertEqual(first.url, "/v1/customers")
        self.assertIs(first.has_more, True)
        self.assertEqual([customer.id for customer in first.data], ids[:3:-1])
        self.assertEqual([customer.id for customer in first.auto_paging_iter()], ids[::-1])
        backwards = api.customers.list(
            {"email": address, "limit": 3, "ending_before": ids[0]}
        )
        self.assertEqual([customer.id for customer in backwards.auto_paging_iter()], ids[1:])

    def test_a_search_is_paged_through(self):
        organization = email()
        params = {"metadata": {"organization_id": organization}}
        ids = {api.customers.create(params).id for _ in range(3)}
        query = {"query": f"metadata['organization_id']:'{organization}'", "limit": 2}

        def found():
            result = api.customers.search(query)
            return {customer.id for customer in result.auto_paging_iter()} == ids

        until(found)

    def test_the_older_style_of_the_package_works_too(self):
        stripe.api_base, stripe.api_key = SIMULATOR, KEY
        try:
            customer = stripe.Customer.create(email=email(), expand=["tax"])
            again = stripe.Customer.retrieve(customer.id)
            self.assertEqual(again.email, customer.email)
            stripe.Customer.modify(customer.id, name="Ada")
            self.assertEqual(customer.refresh().name, "Ada")
            self.assertIs(customer.delete().deleted, True)
        finally:
            stripe.api_base, stripe.api_key = stripe.DEFAULT_API_BASE, None

    def test_a_product_carries_its_default_price(self):
        product = api.products.create(
            {
                "name": "Team",
                "default_price_data": {
                    "currency": "usd",
                    "unit_amount": 9_900,
                    "recurring": {"interval": "month"},
                },
                "expand": ["default_price"],
            }
        )
        self.assertEqual(product.default_price.unit_amount, 9_900)
        self.assertEqual(product.default_price.product, product.id)
        off = api.products.update(product.id, {"active": False})
        self.assertIs(off.active, False)
        self.assertIsInstance(off.default_price, str)
        listed = api.products.list({"ids": [product.id]})
        self.assertEqual([one.id for one in listed.data], [product.id])

    def test_a_price_is_found_by_its_lookup_key_which_can_move(self):
        key = f"team-{email()}"
        first = price(9_900, lookup_key=key)
        self.assertEqual(first.recurring.interval, "month")
        self.assertEqual(str(first.unit_amount_decimal), "9900")

        def by_key():
            return api.prices.list({"lookup_keys": [key], "expand": ["data.product"]}).data

        self.assertEqual([found.id for found in by_key()], [first.id])
        self.assertEqual(by_key()[0].product.name, "Team")
        self.refused(stripe.InvalidRequestError, price, 10_900, lookup_key=key)
        second = price(10_900, lookup_key=key, transfer_lookup_key=True)
        self.assertEqual([found.id for found in by_key()], [second.id])
        self.assertIs(api.prices.update(first.id, {"active": False}).active, False)

    def test_prices_exist_in_other_currencies(self):
        yen = price(1_000, currency="jpy", recurring={"interval": "year"})
        self.assertEqual((yen.currency, yen.unit_amount), ("jpy", 1_000))
        dinar = price(5_000, currency="kwd", recurring=None)
        self.assertEqual(dinar.type, "one_time")
        fine = price(None, unit_amount_decimal="0.5")
        self.assertIsNone(fine.unit_amount)
        self.assertEqual(str(fine.unit_amount_decimal), "0.5")

    def test_what_cannot_be_expanded_is_refused_by_name(self):
        made = price(100)
        error = self.refused(
            stripe.InvalidRequestError, api.prices.retrieve, made.id, {"expand": ["nothing"]}
        )
        self.assertEqual(error.http_status, 400)
        self.assertIn("This property cannot be expanded (nothing).", str(error))
