"""The bookings in PostgreSQL. Each connection logs in with a new token of IAM, so there is no password."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable
from typing import Any

import boto3
import pg8000.native

TABLE = "CREATE TABLE IF NOT EXISTS bookings (payment_id text PRIMARY KEY, amount bigint NOT NULL)"
BOOK = "INSERT INTO bookings VALUES (:payment, :amount) ON CONFLICT DO NOTHING"
AMOUNT = "SELECT amount FROM bookings WHERE payment_id = :payment"


def connect() -> Any:
    """Connect to the database that the task definition names, with TLS that checks the certificate."""
    host, port, name, user, region = (
        os.environ[f"LEDGER_DATABASE_{part}"] for part in ("HOST", "PORT", "NAME", "USER", "REGION")
    )
    token = boto3.client("rds", region_name=region).generate_db_auth_token(host, int(port), user)
    # SSL_CERT_FILE names the certificates of RDS.
    context = ssl.create_default_context()
    return pg8000.native.Connection(user, host=host, port=int(port), database=name, password=token, ssl_context=context)


class Ledger:
    """The amounts of payments. A payment is booked once."""

    def __init__(self, connect: Callable[[], Any] = connect) -> None:
        self._connect = connect

    def prepare(self) -> None:
        """Create the table if it does not exist."""
        self._run(TABLE)

    def book(self, payment: str, amount: int) -> None:
        """Book a payment, unless it is booked already."""
        self._run(BOOK, payment=payment, amount=amount)

    def amount(self, payment: str) -> int:
        """Return the amount of a payment, or 0 if it is not booked."""
        found = self._run(AMOUNT, payment=payment)
        return int(found[0][0]) if found else 0

    def _run(self, statement: str, **values: object) -> Any:
        connection = self._connect()
        try:
            return connection.run(statement, **values)
        finally:
            # A connection that the server has closed cannot be closed again. Only the error of the statement counts.
            with contextlib.suppress(pg8000.native.InterfaceError):
                connection.close()
