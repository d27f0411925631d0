"""Tests whether a deployed service accepts a payment and shows it: `python smoke/smoke.py URL`.

Exits with 1 if a test fails.
"""

from __future__ import annotations

import contextlib
import json
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
PAYMENT = {"payment_id": "smoke", "amount": 1}


def ask(url: str, body: object | None = None) -> tuple[int, dict[str, object]]:
    """Return status and JSON of a GET request, or of a POST request if there is a body."""
    address = urlsplit(url)
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with contextlib.closing(connect(address.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        data = None if body is None else json.dumps(body).encode()
        connection.request("GET" if data is None else "POST", address.path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def main() -> int:
    """Return 0 if the service shows the payment, otherwise 1."""
    base = sys.argv[1].rstrip("/")
    try:
        health, accepted, shown = ask(f"{base}/health"), ask(f"{base}/payments", PAYMENT), ask(f"{base}/payments/smoke")
    except (HTTPException, OSError, ValueError) as error:
        print(f"smoke: {base} returned no valid response: {error}", file=sys.stderr)
        return 1
    # An earlier smoke test may have left the payment.
    if health[0] != 200 or accepted[0] not in (200, 201) or shown[0] != 200:
        print(f"smoke: wrong responses from {base}: {health}, {accepted}, {shown}", file=sys.stderr)
        return 1
    print(f"smoke: {base} accepts payments")
    return 0


if __name__ == "__main__":
    sys.exit(main())
