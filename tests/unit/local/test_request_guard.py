"""The request guard in front of a fake engine. tests/integration/test_request_guard.py has a real engine."""

from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from cicd_templates.local.request_guard import RequestGuard, admin_authorization, secret_of_key

SECRET = "this start"
SIGNED = {"authorization": "AWS4-HMAC-SHA256 222222222222", "host": "127.0.0.1:4566"}


class Signatures:
    """The engine's module of signatures. Here, the signature is the secret itself."""

    late: tuple[str, str] | None = None

    @staticmethod
    def decode_header_value(value: bytes) -> str:
        return value.decode()

    def parse_header_signature(self, headers: Any) -> Any:
        return SimpleNamespace(access_key_id=headers["authorization"].partition(" ")[2])

    def parse_query_signature(self, query: Any) -> Any:
        if "X-Amz-Credential" not in query:
            return "IncompleteSignature", "no credential"
        return SimpleNamespace(access_key_id=query["X-Amz-Credential"][0])

    def request_time_failure(self, signature: Any) -> Any:
        return self.late

    def header_signature_failure(self, signature: Any, secret: str, *request: Any, presigned: bool) -> Any:
        self.request = (*request, presigned)
        return None if secret == SECRET else ("SignatureDoesNotMatch", "another secret")


class Server:
    """A guard and an application that answers 200, called as the engine's server calls them."""

    def __init__(self) -> None:
        self.signatures = Signatures()
        self.bodies: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        known = {"222222222222": SECRET, "session": "another"}
        self.guard = RequestGuard(self.app, 4566, SECRET, cast("ModuleType", self.signatures), known.get)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            return
        self.bodies.append((await receive())["body"])
        assert (await receive())["type"] == "http.disconnect"
        headers = [(b"Access-Control-Allow-Origin", b"*"), (b"etag", b"x")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def run(self, scope: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
        waiting = [*messages, {"type": "http.disconnect"}]

        async def receive() -> dict[str, Any]:
            return waiting.pop(0)

        async def send(message: dict[str, Any]) -> None:
            self.sent.append(message)

        asyncio.run(self.guard(scope, receive, send))
        return self.sent

    def ask(
        self, headers: dict[str, str], method: str = "GET", path: str = "/", query: bytes = b"", **more: Any
    ) -> tuple[int, str]:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": raw, **more}
        start, body = self.run(
            scope, {"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}
        )
        return start["status"], body["body"].decode().partition("<Code>")[2].partition("</Code>")[0]


HOST = {"host": "localhost:4566"}
DENIED, MISSING = (403, "AccessDenied"), (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(
    ("headers", "request_", "answer"),
    [
        (SIGNED, {}, (200, "")),
        ({**SIGNED, "host": "localhost:4566"}, {}, (200, "")),
        ({**SIGNED, "Origin": "null"}, {}, DENIED),
        ({**SIGNED, "host": "attacker.example:4566"}, {}, DENIED),
        ({"authorization": SIGNED["authorization"]}, {}, DENIED),
        (HOST, {}, MISSING),
        ({**HOST, "authorization": "AWS 222222222222:x"}, {}, MISSING),
        ({**HOST, "authorization": "AWS4-HMAC-SHA256 unknown"}, {}, (403, "InvalidClientTokenId")),
        ({**HOST, "authorization": "AWS4-HMAC-SHA256 session"}, {}, (403, "SignatureDoesNotMatch")),
        (HOST, {"query": b"X-Amz-Credential=222222222222"}, (200, "")),
        (HOST, {"query": b"X-Amz-Credential=session"}, (403, "SignatureDoesNotMatch")),
        (SIGNED, {"query": b"X-Amz-Credential=222222222222"}, DENIED),
        (SIGNED, {"query": b"AWSAccessKeyId=222222222222"}, DENIED),
        (SIGNED, {"path": "/_ministack/reset"}, DENIED),
        (HOST, {"method": "PUT", "path": "/_ministack/cfn-response/x"}, (200, "")),
        (HOST, {"path": "/_ministack/cfn-response/x"}, DENIED),
        ({**HOST, "authorization": admin_authorization(SECRET, "GET", "/_a")}, {"path": "/_a"}, (200, "")),
        ({**HOST, "authorization": admin_authorization(SECRET, "GET", "/_b")}, {"path": "/_a"}, DENIED),
        ({**HOST, "authorization": admin_authorization(SECRET, "POST", "/_a")}, {"path": "/_a"}, DENIED),
        ({**HOST, "authorization": "Local é"}, {"path": "/_a"}, DENIED),
    ],
)
def test_only_a_request_of_the_owner_is_passed_on(
    headers: dict[str, str], request_: dict[str, Any], answer: tuple[int, str]
) -> None:
    server = Server()

    assert server.ask(headers, **request_) == answer
    assert server.bodies == ([b"ab"] if answer[0] == 200 else [])
    assert not [name for name, _ in server.sent[0]["headers"] if name.lower().startswith(b"access-control-")]


def test_a_signature_is_checked_over_the_path_as_it_was_sent() -> None:
    server = Server()
    server.ask({**SIGNED, "x-a": "1", "X-A": "2"}, path="/a b", raw_path=b"/a%20b")
    method, path, query, headers, body, presigned = server.signatures.request

    assert (method, path, query, body, presigned) == ("GET", "/a%20b", {}, b"ab", False)
    assert headers["x-a"] == "1,2"
    server = Server()
    server.ask(SIGNED, path="/a b")
    assert server.signatures.request[1] == "/a%20b"


def test_an_old_signature_is_refused() -> None:
    server = Server()
    server.signatures.late = ("RequestTimeTooSkewed", "too old")

    assert server.ask(SIGNED) == (403, "RequestTimeTooSkewed")


def test_a_request_that_ends_early_is_answered_by_nobody() -> None:
    server = Server()
    raw = [(name.encode(), value.encode()) for name, value in SIGNED.items()]

    assert server.run({"type": "http", "method": "GET", "path": "/", "headers": raw}) == []


def test_the_engine_starts_and_no_websocket_is_opened() -> None:
    assert Server().run({"type": "lifespan"}) == [{"type": "lifespan.startup.complete"}]
    closed = Server().run({"type": "websocket"}, {"type": "websocket.connect"})
    assert closed == [{"type": "websocket.close", "code": 1008}]


def test_the_secret_of_a_key_is_that_of_the_start_for_an_account_and_what_iam_knows_for_others() -> None:
    stored = {("AKIA1", "1"): "of a user", ("ASIA1", "2"): "of a session"}

    def resolve(key: str, account: str | None) -> Any:
        found = stored.get((key, str(account)))
        return SimpleNamespace(secret_access_key=found) if found else SimpleNamespace(code="InvalidClientTokenId")

    evaluator: Any = SimpleNamespace(
        is_root_access_key=lambda key: key in ("", "test"),
        find_iam_access_key_account={"AKIA1": "1"}.get,
        resolve_credential=resolve,
    )
    secret_of = secret_of_key(SECRET, evaluator, {"ASIA1": "2"}.get)
    keys = ["222222222222", "", "test", "AKIA1", "ASIA1", "AKIA2", "22222222222", "２２２２２２２２２２２２"]  # noqa: RUF001 - other digits

    assert [secret_of(key) for key in keys] == [SECRET, None, None, "of a user", "of a session", None, None, None]
