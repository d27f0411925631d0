"""Protects the engine: refuses requests that do not come from the engine's owner, with the HTTP status 403.

This is needed because every web page in a browser and every user of the machine can reach 127.0.0.1. Three kinds of
requests are refused:
- Requests with the header `Origin`. They come from a web page, which cannot remove this header.
- Requests with a foreign name in the header `Host`. With DNS rebinding, a foreign name resolves to 127.0.0.1.
- Requests without a valid signature (Signature Version 4). The owner signs with the engine's secret, which nobody else
  knows and which changes at each start. A signature with the access key of a session or user is valid, too, because
  only the owner can have created this key.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, quote

ACCOUNT = re.compile(r"\d{12}", re.ASCII)
ADMIN_SCHEME = "Local "
# The engine generates these addresses, with a random last part, for resources of a template. Such resources send
# unsigned requests.
CALLBACKS = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")

AsgiScope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[AsgiScope, Receive, Send], Awaitable[None]]
SecretOf = Callable[[str], "str | None"]


def admin_authorization(secret: str, method: str, path: str) -> str:
    """Return the `Authorization` header for a request to the engine itself, for example to reset the engine.

    The header is valid only for this HTTP method and this path.
    """
    return ADMIN_SCHEME + hmac.new(secret.encode(), f"{method} {path}".encode(), hashlib.sha256).hexdigest()


def secret_of_key(secret: str, evaluator: ModuleType, account_of_session: Callable[[str], str | None]) -> SecretOf:
    """Return a function that maps an access key id to the secret access key, or to None if the id is unknown.

    The access key id of a root user is the account number, and `secret` is the secret access key of every root user.
    All other keys are looked up in the engine's IAM.
    """

    def secret_of(key: str) -> str | None:
        if ACCOUNT.fullmatch(key):
            return secret
        if evaluator.is_root_access_key(key):
            # The engine itself also accepts a few fixed keys for the root of a default account; they are refused here.
            return None
        account = account_of_session(key) or evaluator.find_iam_access_key_account(key)
        known: str | None = getattr(evaluator.resolve_credential(key, account), "secret_access_key", None)
        return known

    return secret_of


class RequestGuard:
    """An ASGI application that checks each request before the engine gets it.

    `sigv4` is the engine's module for Signature Version 4.
    """

    def __init__(self, app: App, port: int, secret: str, sigv4: ModuleType, secret_of: SecretOf) -> None:
        self._app, self._secret, self._sigv4, self._secret_of = app, secret, sigv4, secret_of
        # The addresses that the engine returns have the host `localhost`.
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Read the body of a request, then pass the request on or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # WebSockets are not needed here, and their messages are not signed.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if problem := self._foreign_sender(scope):
            await _refuse(send, "AccessDenied", problem)
            return
        body = await _read(receive)
        if body is None:
            return
        if failure := self._failure(scope, body):
            await _refuse(send, *failure)
            return
        await self._app(scope, _replay(body, receive), _without_cors(send))

    def _foreign_sender(self, scope: AsgiScope) -> str:
        headers = [(name.lower(), value) for name, value in scope["headers"]]
        if any(name == b"origin" for name, _ in headers):
            return "requests from a web page are refused"
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "requests for another host are refused"
        return ""

    def _failure(self, scope: AsgiScope, body: bytes) -> tuple[str, str] | None:
        method, path = scope["method"], scope["path"]
        headers = self._joined_headers(scope)
        authorization = headers.get("authorization", "")
        if authorization.startswith(ADMIN_SCHEME):
            expected = admin_authorization(self._secret, method, path)
            if hmac.compare_digest(authorization.encode(), expected.encode()):
                return None
            return "AccessDenied", (
                "the authorization is for another local AWS, or for an earlier start of this local AWS"
            )
        if method == "PUT" and path.startswith(CALLBACKS):
            return None
        if path.startswith("/_"):
            return "AccessDenied", "only the owner of the local AWS may use this address"
        query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
        return self._signature_failure(scope, headers, query, body)

    def _joined_headers(self, scope: AsgiScope) -> dict[str, str]:
        headers: dict[str, str] = {}
        for raw_name, value in scope["headers"]:
            name, text = raw_name.decode("latin-1").lower(), self._sigv4.decode_header_value(value)
            headers[name] = f"{headers[name]},{text}" if name in headers else text
        return headers

    def _signature_failure(
        self, scope: AsgiScope, headers: Mapping[str, str], query: Mapping[str, Any], body: bytes
    ) -> tuple[str, str] | None:
        presigned = "authorization" not in headers
        if not presigned and ("X-Amz-Credential" in query or "AWSAccessKeyId" in query):
            return "AccessDenied", "a request must have only one signature"
        if not presigned and not headers["authorization"].startswith("AWS4-HMAC-SHA256 "):
            return "MissingAuthenticationToken", "requests must be signed with Signature Version 4"
        parsed = self._sigv4.parse_query_signature(query) if presigned else self._sigv4.parse_header_signature(headers)
        if isinstance(parsed, tuple):
            return "MissingAuthenticationToken", "requests must be signed"
        secret = self._secret_of(parsed.access_key_id)
        if secret is None:
            return "InvalidClientTokenId", (
                "the access key is neither an account number nor a key that this engine created"
            )
        late: tuple[str, str] | None = None if presigned else self._sigv4.request_time_failure(parsed)
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        failure: tuple[str, str] | None = late or self._sigv4.header_signature_failure(
            parsed, secret, scope["method"], raw_path.decode("latin-1"), query, headers, body, presigned=presigned
        )
        return failure


async def _read(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> dict[str, Any]:
        return rest.pop() if rest else await receive()

    return replay


def _without_cors(send: Send) -> Send:
    async def without_cors(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            kept = [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return without_cors


async def _refuse(send: Send, code: str, reason: str) -> None:
    # CloudFormation, IAM and S3 answer with XML. Clients of services that use JSON read the code from the header.
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{reason}</Message></Error></ErrorResponse>".encode()
    headers = [(b"content-type", b"text/xml"), (b"x-amzn-errortype", code.encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
