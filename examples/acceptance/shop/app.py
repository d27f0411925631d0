"""The WSGI application: `GET /health`, and `POST /orders` with a number of items."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

LARGEST_BODY = 1024
MOST_ITEMS = 100


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer one request with JSON."""
    status, body = answer(environ)
    content = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def answer(environ: dict[str, Any]) -> tuple[str, dict[str, object]]:
    """Return the status and the body of the response. With FAIL=1, every order fails, but the health check succeeds."""
    match environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"):
        case "GET", "/health":
            return "200 OK", {"status": "ok"}
        case "POST", "/orders" if os.environ.get("FAIL") == "1":
            return "500 Internal Server Error", {"error": "this release fails on purpose"}
        case "POST", "/orders":
            return accept(environ)
        case _:
            return "404 Not Found", {"error": "nothing is here"}


def accept(environ: dict[str, Any]) -> tuple[str, dict[str, object]]:
    """Return the answer to an order."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        items = json.loads(environ["wsgi.input"].read(min(length, LARGEST_BODY)))["items"]
    except (ValueError, KeyError, TypeError):
        return "400 Bad Request", {"error": "an order must be a JSON object with a number of items"}
    if not isinstance(items, int) or not 0 < items <= MOST_ITEMS:
        return "422 Unprocessable Content", {"error": f"an order must have 1 to {MOST_ITEMS} items"}
    return "201 Created", {"items": items}
