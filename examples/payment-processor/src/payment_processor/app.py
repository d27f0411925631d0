"""The WSGI application: `GET /health`, and `POST /payments` with a currency and an amount in its smallest unit."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

StartResponse = Callable[[str, list[tuple[str, str]]], object]

CURRENCIES = frozenset({"CHF", "EUR", "GBP", "USD"})
LARGEST_AMOUNT = 1_000_000_00
# A payment has a few short fields. A longer body is a mistake or an attack.
LARGEST_BODY = 4096


class RefusedError(Exception):
    """Raised if the request is refused. The message says why, and contains no part of the request."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request with JSON, and log one line of JSON, which contains no part of the body."""
    began = time.monotonic()
    try:
        status, body = _routed(environ)
    except RefusedError as refused:
        status, body = refused.status, {"error": str(refused)}
    line = {
        "method": environ["REQUEST_METHOD"],
        "path": environ.get("PATH_INFO", "/"),
        "status": status.value,
        "milliseconds": round(1000 * (time.monotonic() - began), 1),
    }
    print(json.dumps(line), file=sys.stderr)
    content = json.dumps(body).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [content]


def _routed(environ: dict[str, Any]) -> tuple[HTTPStatus, dict[str, object]]:
    # For rehearsals: simulate a release that is not healthy, or a healthy release that fails every payment.
    if os.environ.get("FAIL") == environ.get("PATH_INFO", "/").removeprefix("/"):
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "the variable FAIL makes this request fail")
    match environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"):
        case "GET", "/health":
            return HTTPStatus.OK, {"status": "ok"}
        case "POST", "/payments":
            return HTTPStatus.CREATED, _payment(_read(environ))
        case _, ("/health" | "/payments"):
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "this path does not support the method")
        case _:
            raise RefusedError(HTTPStatus.NOT_FOUND, "nothing is here")


def _read(environ: dict[str, Any]) -> object:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Content-Length is not a number") from None
    if not 0 <= length <= LARGEST_BODY:
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a payment has at most {LARGEST_BODY} bytes")
    try:
        return json.loads(environ["wsgi.input"].read(length))
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None


def _payment(request: object) -> dict[str, object]:
    if not isinstance(request, dict):
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "a payment is an object")
    amount, currency, reference = (request.get(key) for key in ("amount", "currency", "reference"))
    # In Python, True is an int.
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= LARGEST_AMOUNT:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"amount must be a whole number from 1 to {LARGEST_AMOUNT}")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"currency must be one of {', '.join(sorted(CURRENCIES))}")
    if not isinstance(reference, str) or not 0 < len(reference) <= 64:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "reference must be a text of 1 to 64 characters")
    # A payment that is sent twice gets the same id, so that the program that books payments can recognize it.
    identity = hashlib.sha256(json.dumps([amount, currency, reference]).encode()).hexdigest()[:32]
    return {"id": identity, "amount": amount, "currency": currency, "status": "accepted"}
