"""A fake AWS on the loopback interface. botocore really signs, sends, refreshes and reads; nothing is patched.

It speaks the protocol of STS, and answers the calls of every other service with what a test provides. Give its address
to botocore in AWS_ENDPOINT_URL, and use an `Access` that allows such an address.
"""

from __future__ import annotations

import email.utils
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

ACCOUNT = "222222222222"
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    "<Arn>arn:aws:sts::{account}:assumed-role/deployer/{key}</Arn><Account>{account}</Account><UserId>1</UserId>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
ASSUMED = (
    "<{action}Response><{action}Result><Credentials>"
    "<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
    "<SessionToken>token</SessionToken><Expiration>{until}</Expiration></Credentials>"
    "<AssumedRoleUser><AssumedRoleId>A:1</AssumedRoleId><Arn>arn:aws:sts::{account}:assumed-role/deployer/s</Arn>"
    "</AssumedRoleUser></{action}Result></{action}Response>"
)
REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
)


@dataclass(frozen=True)
class Request:
    """A request that botocore sent: the action or the path, its parameters, and the access key that signed it."""

    action: str
    parameters: dict[str, str]
    key: str


@dataclass
class LoopbackAws:
    """A fake AWS. Assumed roles last for `lasts`.

    `refuse` maps an action to an error code and message. `ahead` is how far its clock is ahead.
    """

    lasts: timedelta = timedelta(hours=1)
    ahead: timedelta = timedelta()
    refuse: dict[str, tuple[str, str]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    others: Callable[[Request], tuple[int, Any]] = lambda request: (404, {})
    url: str = ""

    def actions(self) -> list[str]:
        return [request.action for request in self.requests]

    def answer(self, request: Request) -> tuple[int, str]:
        self.requests.append(request)
        if request.action in self.refuse:
            code, message = self.refuse[request.action]
            return 403, REFUSED.format(code=code, message=message)
        if request.action == "GetCallerIdentity":
            return 200, IDENTITY.format(account=ACCOUNT, key=request.key)
        if request.action.startswith("AssumeRole"):
            until = (datetime.now(UTC) + self.lasts).strftime("%Y-%m-%dT%H:%M:%SZ")
            number = len([each for each in self.requests if each.action == request.action])
            return 200, ASSUMED.format(action=request.action, number=number, until=until, account=ACCOUNT)
        status, body = self.others(request)
        return status, json.dumps(body)

    def start(self) -> Callable[[], None]:
        """Listen on a free port, and return a function that stops listening."""
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                parameters = dict(parse_qsl(body))
                signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization") or "")
                action = parameters.get("Action") or self.headers.get("X-Amz-Target") or self.path.partition("?")[0]
                status, text = aws.answer(Request(action, parameters, signed[1] if signed else ""))
                content = text.encode()
                self.send_response_only(status)
                self.send_header("Date", email.utils.format_datetime(datetime.now(UTC) + aws.ahead, usegmt=True))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815 - as http.server spells it

            def log_message(self, *arguments: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop
