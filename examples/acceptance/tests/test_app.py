"""The application answers its health check, accepts orders, and refuses requests that are not orders."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from shop.app import application


def ask(method: str, path: str, body: bytes = b"") -> tuple[str, Any]:
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    (content,) = application(environ, lambda status, headers: statuses.append(status))
    return statuses[0], json.loads(content)


def test_a_healthy_application_says_so() -> None:
    assert ask("GET", "/health") == ("200 OK", {"status": "ok"})


def test_an_order_is_accepted() -> None:
    assert ask("POST", "/orders", b'{"items": 3}') == ("201 Created", {"items": 3})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/orders", b"", "400"),
        ("POST", "/orders", b"[]", "400"),
        ("POST", "/orders", b'{"items": 0}', "422"),
        ("GET", "/orders", b"", "404"),
    ],
)
def test_what_is_no_order_is_refused(method: str, path: str, body: bytes, status: str) -> None:
    assert ask(method, path, body)[0].startswith(status)


def test_a_release_that_is_told_to_fail_is_healthy_and_accepts_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", "1")

    assert ask("GET", "/health")[0] == "200 OK"
    assert ask("POST", "/orders", b'{"items": 3}')[0].startswith("500")
