"""What a client sees of a deployed service: `python integration/integration.py URL`; exit 1 where it is not right."""

from __future__ import annotations

import contextlib
import json
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
PAYMENT = {"amount": 1250, "currency": "EUR", "reference": "integration"}


def ask(url: str, body: object | None = None) -> tuple[int, dict[str, object]]:
    """Status and JSON of a GET, or of a POST where there is a body; a refusal is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    address = urlsplit(url)
    connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
    with contextlib.closing(connect(address.netloc, timeout=TIMEOUT_SECONDS)) as connection:
        method = "GET" if body is None else "POST"
        connection.request(method, address.path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def wrong(base: str) -> list[str]:
    """What does not hold of the service at `base`, a line each."""
    first, again = ask(f"{base}/payments", PAYMENT), ask(f"{base}/payments", PAYMENT)
    refused = ask(f"{base}/payments", {**PAYMENT, "currency": "???"})
    held = {
        f"a payment sent twice is one payment: {first}, {again}": first == again and first[0] == 201,
        f"the service itself refuses what is no payment: {refused}": refused[0] == 422 and "error" in refused[1],
        "an unknown path is not found": ask(f"{base}/nothing")[0] == 404,
    }
    return [claim for claim, holds in held.items() if not holds]


def main() -> int:
    """0 where everything holds, 1 where something does not, 2 without an address."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith(("https://", "http://")):
        print("usage: python integration/integration.py https://HOST", file=sys.stderr)
        return 2
    base = sys.argv[1].rstrip("/")
    try:
        broken = wrong(base)
    except (HTTPException, OSError, ValueError) as error:
        broken = [f"it answers: {error}"]
    for claim in broken:
        print(f"integration: does not hold of {base}: {claim}", file=sys.stderr)
    print(f"integration: {base}: {len(broken)} claims do not hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
