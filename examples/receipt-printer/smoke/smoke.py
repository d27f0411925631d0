"""Tests whether a deployed service is healthy and prints a receipt: `python smoke/smoke.py URL`.

Exits with 1 if a test fails.
"""

from __future__ import annotations

import contextlib
import json
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10


def ask(url: str, body: object | None = None) -> tuple[int, object]:
    """Return the status and the JSON of a GET request, or of a POST request if there is a body."""
    data = None if body is None else json.dumps(body).encode()
    address = urlsplit(url)
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with contextlib.closing(connect(address.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        method = "GET" if body is None else "POST"
        connection.request(method, address.path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def main() -> int:
    """Return 0 if both responses are correct, 1 if not, and 2 if the address is missing."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("https://", "http://")):
        print("usage: python smoke/smoke.py https://HOST", file=sys.stderr)
        return 2
    base = sys.argv[1].rstrip("/")
    try:
        health = ask(f"{base}/health")
        receipt = ask(f"{base}/receipts", {"amount": 1, "currency": "EUR", "reference": "smoke"})
    except (HTTPException, OSError, ValueError) as error:
        print(f"smoke: {base} returned no valid response: {error}", file=sys.stderr)
        return 1
    if health != (200, {"status": "ok"}) or receipt[0] != 201:
        print(f"smoke: wrong responses from {base}: {health}, {receipt}", file=sys.stderr)
        return 1
    print(f"smoke: {base} is healthy and prints receipts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
