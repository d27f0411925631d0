"""Stand-ins for GitHub's token service and the public address of STS, on the loopback interface.

The local AWS refuses unsigned requests, but a runner of GitHub has only a token when it assumes a role. This server
signs such a request for the local AWS, which decides with the trust policy of the deployed role.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cicd_templates.local.engine_process import Engine

REQUEST_TOKEN = "request-token"
ISSUER = "https://token.actions.githubusercontent.com"
KEYS = re.compile(
    r"<AccessKeyId>(.*?)</AccessKeyId>\s*<SecretAccessKey>(.*?)</SecretAccessKey>"
    r"\s*<SessionToken>(.*?)</SessionToken>"
)


@dataclass
class WorkflowServices:
    """The services that a job calls. `subject` is the subject of each token."""

    engine: Engine
    subject: str
    region: str = "eu-central-1"
    url: str = ""
    tokens: set[str] = field(default_factory=set)
    sessions: dict[str, Credentials] = field(default_factory=dict)

    def token(self, authorization: str, query: str) -> tuple[int, str]:
        """Return a token for the requested audience, if the job may request tokens."""
        if authorization != f"bearer {REQUEST_TOKEN}":
            return 401, "{}"
        claims = {"iss": ISSUER, "sub": self.subject, "aud": parse_qs(query)["audience"][0]}
        token = ".".join(_encoded(part) for part in ({"alg": "none"}, claims, {}))
        self.tokens.add(token)
        return 200, json.dumps({"value": token})

    def sts(self, body: str, key: str) -> tuple[int, str]:
        """Send a request for STS to the local AWS, signed there, and remember the credentials of the answer."""
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        if asked["Action"] != "AssumeRoleWithWebIdentity":
            return self._send(body, self.sessions[key])
        if asked["WebIdentityToken"] not in self.tokens:
            return 400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
        root = Credentials(asked["RoleArn"].split(":")[4], self.engine.secret)
        status, text = self._send(body, root)
        for found in KEYS.findall(text):
            self.sessions[found[0]] = Credentials(*found)
        return status, text

    def _send(self, body: str, credentials: Credentials) -> tuple[int, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", f"{self.engine.url}/", headers=headers, data=body)
        SigV4Auth(credentials, "sts", self.region).add_auth(request)
        content, sent = body.encode(), dict(request.headers.items())
        signed = urllib.request.Request(f"{self.engine.url}/", content, sent)  # noqa: S310 - the local AWS
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(signed, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


def _encoded(part: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@contextlib.contextmanager
def serving(services: WorkflowServices) -> Iterator[WorkflowServices]:
    """Listen on a free port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*services.token(self.headers.get("Authorization", ""), urlsplit(self.path).query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
            self._answer(*services.sts(body, signed[1] if signed else ""))

        def _answer(self, status: int, text: str) -> None:
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
