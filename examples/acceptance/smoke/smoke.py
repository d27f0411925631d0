"""Tests whether a deployed service is healthy and accepts an order: `python smoke/smoke.py URL`.

Exits with 1 if a test fails.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
TRUSTED = Path(__file__).with_name("trusted.pem")


def ask(method: str, url: str, body: str | None = None) -> int:
    """Return the status of the response."""
    address = urlsplit(url)
    if address.scheme == "https":
        # The load balancer of an acceptance run has a certificate that was made for the run; nothing else is trusted.
        context = ssl.create_default_context(cafile=str(TRUSTED))
        opened: HTTPConnection = HTTPSConnection(address.netloc, timeout=TIMEOUT_SECONDS, context=context)
    else:
        opened = HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(opened) as connection:
        connection.request(method, address.path, body)
        return connection.getresponse().status


def main() -> int:
    """Return 0 if both responses are correct, otherwise 1."""
    base = sys.argv[1].rstrip("/")
    try:
        statuses = ask("GET", f"{base}/health"), ask("POST", f"{base}/orders", json.dumps({"items": 1}))
    except (HTTPException, OSError) as error:
        print(f"smoke: no response: {error}", file=sys.stderr)
        return 1
    print(f"smoke: {statuses}")
    return 0 if statuses == (200, 201) else 1


if __name__ == "__main__":
    sys.exit(main())
