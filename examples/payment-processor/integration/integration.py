"""Tests the responses of a deployed service: `python integration/integration.py URL`. Exits with 1 if a test fails."""

from __future__ import annotations

import contextlib
import json
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
PAYMENT = {"amount": 1250, "currency": "EUR", "reference": "integration"}


def ask(url: str, body: object | None = None) -> tuple[int, dict[str, object]]:
    """Return the status and the JSON of a GET request, or of a POST request if there is a body."""
    data = None if body is None else json.dumps(body).encode()
    address = urlsplit(url)
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with contextlib.closing(connect(address.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        method = "GET" if body is None else "POST"
        connection.request(method, address.path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def unmet_requirements(base: str) -> list[str]:
    """Return one line for each requirement that the service at `base` does not meet."""
    first, again = ask(f"{base}/payments", PAYMENT), ask(f"{base}/payments", PAYMENT)
    refused = ask(f"{base}/payments", {**PAYMENT, "currency": "???"})
    requirements = {
        f"two equal requests get one payment id: {first}, {again}": first == again and first[0] == 201,
        f"an unknown currency is refused with 422: {refused}": refused[0] == 422 and "error" in refused[1],
        "an unknown path is answered with 404": ask(f"{base}/nothing")[0] == 404,
    }
    return [requirement for requirement, is_met in requirements.items() if not is_met]


def main() -> int:
    """Return 0 if the service meets all requirements, 1 if not, and 2 if the address is missing."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("https://", "http://")):
        print("usage: python integration/integration.py https://HOST", file=sys.stderr)
        return 2
    base = sys.argv[1].rstrip("/")
    try:
        unmet = unmet_requirements(base)
    except (HTTPException, OSError, ValueError) as error:
        unmet = [f"it returns a valid response: {error}"]
    for requirement in unmet:
        print(f"integration: {base} does not meet a requirement: {requirement}", file=sys.stderr)
    print(f"integration: {base} does not meet {len(unmet)} requirements")
    return 1 if unmet else 0


if __name__ == "__main__":
    sys.exit(main())
