"""What the tests stand on: the official package pointed at the simulator, people who buy, a webhook
receiver and a wire that can be cut. Start reading at `stripe_at`."""

import http.client
import os
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

# Where the simulator listens.
SIMULATOR = os.environ.get("SIMULATOR_URL", "http://127.0.0.1:12111").rstrip("/")

# The version of the API that this release of the package was made for.
VERSION = "2026-08-26.dahlia"

# Any key of test mode will do.
KEY = "sk_test_official_sdk"

# 1 April 2027, 00:00 UTC: a month of thirty days begins.
APRIL = int(datetime(2027, 4, 1, tzinfo=timezone.utc).timestamp())
HOUR = 3_600
DAY = 24 * HOUR
MAY = APRIL + 30 * DAY
JUNE = MAY + 31 * DAY


def stripe_at(address=SIMULATOR, key=KEY, **settings):
    """A client at some address; it tries once unless `max_network_retries` says otherwise."""
    settings = {"max_network_retries": 0, **settings}
    return stripe.StripeClient(key, base_addresses={"api": address}, **settings)


# The part of the package that most tests use.
api = stripe_at().v1


def email():
    """An address nobody else in this run has."""
    return f"{uuid.uuid4()}@example.com"


def price(unit_amount, **more):
    """A price of a new product, monthly unless `more` says otherwise."""
    params = {
        "unit_amount": unit_amount,
        "currency": "usd",
        "recurring": {"interval": "month"},
        "product_data": {"name": "Team"},
        **more,
    }
    return api.prices.create({k: v for k, v in params.items() if v is not None})


def payer(card="pm_card_visa", **more):
    """A customer whose invoices are charged to `card`, one of Stripe's `pm_card_…` names."""
    return api.customers.create(
        {
            "email": email(),
            "name": "Ada Example",
            "payment_method": card,
            "invoice_settings": {"default_payment_method": card},
            **more,
        }
    )


def subscriber(to, customer=None, **more):
    """A customer with an active subscription to `to`, and the subscription."""
    who = payer(**(customer or {}))
    subscription = api.subscriptions.create(
        {"customer": who.id, "items": [{"price": to.id}], **more}
    )
    return who, subscription


def clock(at=APRIL):
    """The id of a test clock that stands at `at`."""
    params = {"frozen_time": at, "name": "official package"}
    return api.test_helpers.test_clocks.create(params).id


def advance(clock_id, to):
    """Moves a test clock and waits until it is ready."""
    api.test_helpers.test_clocks.advance(clock_id, {"frozen_time": to})

    def ready():
        now = api.test_helpers.test_clocks.retrieve(clock_id)
        return now if now.status == "ready" else None

    return until(ready)


def until(ask):
    """Asks again until the answer is not falsy, for ten seconds at most."""
    end = time.monotonic() + 10
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError("still not so after ten seconds")
        time.sleep(0.05)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


_browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def browse(address, form=None):
    """Status, headers and body of a page, as a browser without scripts sees it."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        with _browser.open(address, data) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


def submit_card(page, number):
    """Fills in a hosted page's card form and presses the button."""
    return browse(
        page,
        {
            "email": "ada@example.com",
            "card_number": number,
            "card_expiry": "12 / 34",
            "card_cvc": "123",
            "card_name": "Ada Example",
        },
    )


class _Server:
    """An HTTP server of a few lines."""

    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self):
                length = int(self.headers.get("content-length") or 0)
                answer(self, self.rfile.read(length))

            do_GET = do_POST = do_DELETE = _any

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()


def _say(handler, status, body, headers=()):
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Receiver(_Server):
    """An application that takes webhooks and keeps them as they came over the wire."""

    def __init__(self):
        self.received = []
        super().__init__(self._take)
        self.url = f"{self.address}/hook"

    def _take(self, handler, body):
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.received.append((headers, body))
        _say(handler, 200, b'{"received": true}')

    def event(self, secret, kind, object_id):
        """The first event of this type about this object that `secret` signed, once verified,
        with the headers and the raw body it came in."""

        def find():
            for headers, body in list(self.received):
                try:
                    signature = headers["stripe-signature"]
                    event = stripe.Webhook.construct_event(body, signature, secret)
                except stripe.SignatureVerificationError:
                    continue
                if event.type == kind and event.data.object.id == object_id:
                    return event, headers, body
            return None

        return until(find)


class Wire(_Server):
    """A wire between client and simulator. `faults` holds one entry per request, in order: "lose"
    lets the request through and loses the answer, "refuse" answers 500 without asking anybody;
    where there is none left, all is well."""

    def __init__(self, *faults):
        self._faults = list(faults)
        self.seen = []
        super().__init__(self._pass)

    def _pass(self, handler, body):
        self.seen.append(handler.headers.get("Idempotency-Key"))
        fault = self._faults.pop(0) if self._faults else None
        if fault == "refuse":
            error = b'{"error": {"type": "api_error", "message": "An unknown error occurred"}}'
            _say(handler, 500, error, [("content-type", "application/json")])
            return
        simulator = urllib.parse.urlsplit(SIMULATOR)
        onwards = http.client.HTTPConnection(simulator.hostname, simulator.port)
        headers = dict(handler.headers.items()) | {"Host": simulator.netloc}
        onwards.request(handler.command, handler.path, body, headers)
        answer = onwards.getresponse()
        text = answer.read()
        onwards.close()
        if fault == "lose":
            handler.close_connection = True
            return
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP]
        _say(handler, answer.status, text, kept)


# Headers of one connection, not of the answer.
_HOP = {"content-length", "transfer-encoding", "connection", "date"}


class TestCase(unittest.TestCase):
    """A test that looks at refusals."""

    maxDiff = None

    def refused(self, kind, call, *args, **kwargs):
        """The error a call ends with; fails the test when there is none of this class."""
        with self.assertRaises(kind) as caught:
            call(*args, **kwargs)
        self.assertIs(type(caught.exception), kind)
        return caught.exception
