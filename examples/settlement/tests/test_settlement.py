"""The services against a table and a queue in memory."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pg8000.native
import pytest
from botocore.exceptions import ClientError
from settlement.ledger import AMOUNT, BOOK, Ledger
from settlement.payments import Payments
from settlement.report import report
from settlement.web import Desk, handler
from settlement.worker import Worker

REFUSED = ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")


class Table:
    """The calls of DynamoDB that the services make."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def put_item(self, **request: Any) -> None:
        name = request["Item"]["payment_id"]["S"]
        if "ConditionExpression" in request and name in self.items:
            raise REFUSED
        self.items[name] = request["Item"]

    def get_item(self, **request: Any) -> dict[str, Any]:
        found = self.items.get(request["Key"]["payment_id"]["S"])
        return {"Item": found} if found else {}

    def update_item(self, **request: Any) -> None:
        name = request["Key"]["payment_id"]["S"]
        assert request["ConditionExpression"] == "attribute_exists(amount)"
        if "amount" not in self.items.get(name, {}):
            raise REFUSED
        self.items[name]["state"] = request["ExpressionAttributeValues"][":settled"]

    def get_paginator(self, operation: str) -> Table:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [{"Items": list(self.items.values())}]


class Bookings:
    """A connection to PostgreSQL that knows the statements of the services."""

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}

    def run(self, statement: str, **values: Any) -> list[list[int]]:
        if statement == AMOUNT:
            return [[self.amounts[values["payment"]]]] if values["payment"] in self.amounts else []
        if statement == BOOK:
            self.amounts.setdefault(values["payment"], values["amount"])
        return []

    def close(self) -> None:
        """Do nothing; the next connection is this one, too."""


class Queue:
    """The calls of SQS that the services make. A message that is not deleted is delivered again."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def send_message(self, **request: Any) -> None:
        self.messages.append(request["MessageBody"])

    def receive_message(self, **request: Any) -> dict[str, Any]:
        messages = [{"Body": body, "ReceiptHandle": body, "MessageId": "m-1"} for body in self.messages]
        return {"Messages": messages} if messages else {}

    def delete_message(self, **request: Any) -> None:
        self.messages.remove(request["ReceiptHandle"])


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def served(table: Table, queue: Queue) -> Iterator[str]:
    bookings = Bookings()
    ledger = Ledger(lambda: bookings)
    ledger.prepare()
    made = handler(Desk(ledger, Payments("t", table), "q", queue))
    made.timeout = 0.5
    with ThreadingHTTPServer(("127.0.0.1", 0), made) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(url: str, body: object = None) -> tuple[int, Any]:
    address = urlsplit(url)
    with contextlib.closing(HTTPConnection(address.netloc, timeout=10)) as connection:
        connection.request("GET" if body is None else "POST", address.path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_a_payment_is_accepted_settled_and_reported(served: str, table: Table, queue: Queue) -> None:
    payment = {"payment_id": "invoice-7", "amount": 1250}
    payments = Payments("t", table)
    payments.set_schema("2")

    assert ask(f"{served}/payments", payment) == (201, {"payment_id": "invoice-7", "state": "accepted"})
    # A client that repeats its request makes no second payment.
    assert ask(f"{served}/payments", payment) == (200, {"payment_id": "invoice-7", "state": "accepted"})
    assert queue.messages == ["invoice-7", "invoice-7"]
    assert report(payments) == {"accepted": 1, "settled": 0}
    worker = Worker(payments, "q", queue)
    worker.settle_batch()
    assert ask(f"{served}/payments/invoice-7") == (
        200,
        {"payment_id": "invoice-7", "state": "settled", "amount": 1250},
    )
    assert (queue.messages, report(payments)) == ([], {"accepted": 0, "settled": 1})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/health", None, 200),
        ("/payments/none", None, 404),
        ("/payments/schema", None, 404),
        ("/elsewhere", {}, 404),
        ("/payments", [], 400),
        ("/payments", {"payment_id": "a"}, 400),
        ("/payments", {"payment_id": "A b", "amount": 1}, 422),
        ("/payments", {"payment_id": "schema", "amount": 1}, 422),
        ("/payments", {"payment_id": "a", "amount": True}, 422),
        ("/payments", {"payment_id": "a", "amount": 0}, 422),
        ("/payments", {"payment_id": "a" * 5000, "amount": 1}, 413),
    ],
)
def test_other_requests_store_nothing(served: str, table: Table, path: str, body: object, status: int) -> None:
    assert ask(f"{served}{path}", body)[0] == status
    assert table.items == {}


@pytest.mark.parametrize("text", ["unknown", "schema", '{"payment_id": "a"}', ""])
def test_a_message_about_no_payment_is_not_deleted_and_stops_no_other(
    table: Table, queue: Queue, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    payments = Payments("t", table)
    payments.accept("invoice-7", 1250)
    payments.set_schema("2")
    queue.messages = [text, "invoice-7"]

    Worker(payments, "q", queue).settle_batch()
    assert queue.messages == [text]
    assert report(payments) == {"accepted": 0, "settled": 1}
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {"not_settled": "m-1"}


def test_a_table_that_cannot_be_used_stops_the_worker(table: Table, queue: Queue) -> None:
    def refuse(**request: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "UpdateItem")

    table.update_item = refuse  # type: ignore[method-assign]
    queue.messages = ["invoice-7"]

    with pytest.raises(ClientError, match="AccessDenied"):
        Worker(Payments("t", table), "q", queue).settle_batch()
    assert queue.messages == ["invoice-7"]


def test_another_amount_for_a_payment_is_a_conflict_and_changes_nothing(
    served: str, table: Table, queue: Queue
) -> None:
    assert ask(f"{served}/payments", {"payment_id": "a", "amount": 1})[0] == 201
    assert ask(f"{served}/payments", {"payment_id": "a", "amount": 2})[0] == 409
    assert ask(f"{served}/payments/a")[1]["amount"] == 1
    assert queue.messages == ["a"]


def test_a_client_that_leaves_or_stops_sending_is_no_error(served: str, capsys: pytest.CaptureFixture[str]) -> None:
    address = urlsplit(served)
    start = b"POST /payments HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
    for reset in (True, False):
        client = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10)
        client.sendall(start)
        if reset:
            # The kernel answers with a reset instead of the usual end of a connection.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        else:
            assert client.recv(1) == b"", "the server has closed the connection"
            client.close()

    assert ask(f"{served}/health")[0] == 200
    assert "Traceback" not in capsys.readouterr().err


def test_the_error_of_a_statement_is_not_hidden_by_a_connection_that_the_server_closed() -> None:
    class Closed:
        def run(self, statement: str, **values: object) -> None:
            raise pg8000.native.DatabaseError("the server is shutting down")

        def close(self) -> None:
            raise pg8000.native.InterfaceError("connection is closed")

    with pytest.raises(pg8000.native.DatabaseError, match="shutting down"):
        Ledger(Closed).prepare()


def test_a_worker_stops_after_the_messages_that_it_received(table: Table, queue: Queue) -> None:
    worker = Worker(Payments("t", table), "q", queue)
    worker.stop(15, None)

    worker.work()
    assert worker.is_stopping
