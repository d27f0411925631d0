"""`python -m settlement.web`: `GET /health`, `POST /payments` with an id and an amount, `GET /payments/<id>`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from settlement.ledger import Ledger
from settlement.payments import SCHEMA, Payments

PAYMENT_ID = re.compile(r"[a-z0-9-]{1,64}")
LARGEST_AMOUNT = 1_000_000_00
LARGEST_BODY = 4096
# How long a client may take to send the next part of its request.
CLIENT_SECONDS = 10


class Desk:
    """Accepts payments: books each payment, stores it in the table, and sends its id to the queue of the worker."""

    def __init__(self, ledger: Ledger, payments: Payments, queue: str, sqs: Any) -> None:
        self._ledger, self._payments, self._queue, self._sqs = ledger, payments, queue, sqs

    def accept(self, body: bytes) -> tuple[int, dict[str, object]]:
        """Return the status and the answer to a request that accepts a payment."""
        try:
            request = json.loads(body)
            payment, amount = request["payment_id"], request["amount"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return 400, {"error": "a payment must be a JSON object with payment_id and amount"}
        if not isinstance(payment, str) or not PAYMENT_ID.fullmatch(payment) or payment == SCHEMA:
            return 422, {"error": "payment_id must be 1 to 64 lower-case letters, digits and hyphens"}
        # In Python, True is an int.
        if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= LARGEST_AMOUNT:
            return 422, {"error": f"amount must be a whole number from 1 to {LARGEST_AMOUNT}"}
        # Send the message even if the payment is stored already, because an earlier request may have failed before it
        # sent it.
        self._ledger.book(payment, amount)
        if self._ledger.amount(payment) != amount:
            return 409, {"error": "there is another payment with this payment_id"}
        created = self._payments.accept(payment, amount)
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=payment)
        return 201 if created else 200, {"payment_id": payment, "state": self._payments.state(payment)}

    def show(self, payment: str) -> tuple[int, dict[str, object]]:
        """Return the status and the answer to a request for the state of a payment."""
        state = self._payments.state(payment) if PAYMENT_ID.fullmatch(payment) and payment != SCHEMA else ""
        if not state:
            return 404, {"error": "there is no such payment"}
        return 200, {"payment_id": payment, "state": state, "amount": self._ledger.amount(payment)}


def handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    """Return the handler of HTTP requests for a desk."""

    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_SECONDS

        def handle(self) -> None:
            # A client that leaves or stops sending is no error of the service.
            with contextlib.suppress(ConnectionError, TimeoutError):
                super().handle()

        def do_GET(self) -> None:
            name = self.path.removeprefix("/payments/")
            self._answer(*((200, {"status": "ok"}) if self.path == "/health" else desk.show(name)))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if self.path != "/payments":
                self._answer(404, {"error": "nothing is here"})
            elif not length.isdecimal() or int(length) > LARGEST_BODY:
                self._answer(413, {"error": f"a payment has at most {LARGEST_BODY} bytes"})
            else:
                self._answer(*desk.accept(self.rfile.read(int(length))))

        def _answer(self, status: int, body: dict[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            print(json.dumps({"method": self.command, "status": int(code)}), file=sys.stderr, flush=True)

    return Handler


def main() -> None:
    """Serve until SIGTERM."""
    desk = Desk(Ledger(), Payments.of_the_task(), os.environ["SETTLEMENTS_QUEUE_URL"], boto3.client("sqs"))
    # Without HOST, the server listens on every network interface. In a container, only the task has these interfaces.
    address = (os.environ.get("HOST", ""), int(os.environ["PORT"]))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ThreadingHTTPServer(address, handler(desk)).serve_forever()


if __name__ == "__main__":
    main()
