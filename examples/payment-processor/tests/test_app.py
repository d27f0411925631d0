"""Tests the application with requests as a WSGI server passes them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from payment_processor.app import application

PAYMENT = {"amount": 1250, "currency": "EUR", "reference": "invoice 7"}


def ask(method: str, path: str, body: bytes = b"", **environ: str) -> tuple[int, dict[str, Any]]:
    answered: list[str] = []
    request = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    content = b"".join(application(request, lambda status, headers: answered.append(status)))
    return int(answered[0].split()[0]), json.loads(content)


def pay(**changes: object) -> tuple[int, dict[str, Any]]:
    return ask("POST", "/payments", json.dumps(PAYMENT | changes).encode())


def test_it_is_well() -> None:
    assert ask("GET", "/health") == (200, {"status": "ok"})


def test_a_payment_is_accepted_and_the_same_one_has_the_same_id() -> None:
    status, accepted = pay()

    assert (status, accepted["status"], accepted["amount"]) == (201, "accepted", 1250)
    assert pay()[1]["id"] == accepted["id"]
    assert pay(reference="invoice 8")[1]["id"] != accepted["id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": True},
        {"amount": 100_000_001},
        {"amount": "1"},
        {"currency": "XXX"},
        {"currency": ["EUR"]},
        {"reference": ""},
        {"reference": "x" * 65},
        {"reference": None},
    ],
    ids=str,
)
def test_what_is_no_payment_is_refused(changes: dict[str, object]) -> None:
    assert pay(**changes)[0] == 422


@pytest.mark.parametrize(
    ("body", "environ", "expected"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 4000, {}, 400),
        (b"[]", {}, 422),
        (b"x", {"CONTENT_LENGTH": "many"}, 400),
        (b"x", {"CONTENT_LENGTH": "5000"}, 413),
        (b"x", {"CONTENT_LENGTH": "-1"}, 413),
    ],
)
def test_a_broken_body_is_refused(body: bytes, environ: dict[str, str], expected: int) -> None:
    assert ask("POST", "/payments", body, **environ)[0] == expected


@pytest.mark.parametrize("failing", ["health", "payments"])
def test_a_release_can_be_made_to_fail(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL", failing)

    assert {"health": ask("GET", "/health")[0], "payments": pay()[0]} == {"health": 200, "payments": 201} | {
        failing: 500
    }


def test_a_request_is_a_line_of_json_that_carries_nothing_of_its_body(capsys: pytest.CaptureFixture[str]) -> None:
    pay(reference="4111111111111111")
    line = capsys.readouterr().err

    assert "4111" not in line
    assert {**json.loads(line), "milliseconds": 0} == {
        "method": "POST",
        "path": "/payments",
        "status": 201,
        "milliseconds": 0,
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"), [("GET", "/", 404), ("POST", "/health", 405), ("GET", "/payments", 405)]
)
def test_nothing_else_is_here(method: str, path: str, expected: int) -> None:
    assert ask(method, path)[0] == expected
