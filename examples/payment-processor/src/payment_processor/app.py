"""The application as WSGI: `GET /health`, and `POST /payments` with an amount in minor units and a currency."""

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
# A payment is a few fields; more is a mistake or an attack.
LARGEST_BODY = 4096


class RefusedError(Exception):
    """The request is not a payment; the message says why and carries nothing of the request."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request in JSON, and log it as a line of JSON that carries nothing of its body."""
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
    # For rehearsals: a release that is well and yet wrong, or that is not well at all.
    if os.environ.get("FAIL") == environ.get("PATH_INFO", "/").removeprefix("/"):
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "this release is told to fail")
    match environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"):
        case "GET", "/health":
            return HTTPStatus.OK, {"status": "ok"}
        case "POST", "/payments":
            return HTTPStatus.CREATED, _payment(_read(environ))
        case _, ("/health" | "/payments"):
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "another method is needed here")
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
    # True is a number to Python.
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= LARGEST_AMOUNT:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"amount is a number from 1 to {LARGEST_AMOUNT}")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"currency is one of {', '.join(sorted(CURRENCIES))}")
    if not isinstance(reference, str) or not 0 < len(reference) <= 64:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "reference is a text of 1 to 64 characters")
    # The same payment sent twice has the same id, so that whoever books it can tell.
    identity = hashlib.sha256(json.dumps([amount, currency, reference]).encode()).hexdigest()[:32]
    return {"id": identity, "amount": amount, "currency": currency, "status": "accepted"}
