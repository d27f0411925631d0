"""A CodePipeline that takes the answers of jobs and checks each against botocore's model of the API."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("codepipeline")


class Stub:
    """What was asked: operation and request; `wrong` are requests that the API would not take."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.wrong: list[str] = []
        self.url = ""

    def take(self, target: str, body: bytes) -> None:
        """Note a request, and what is wrong with it."""
        operation = target.rpartition(".")[2]
        request = json.loads(body)
        self.calls.append((operation, request))
        shape: Any = MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(request, shape)
        if report.has_errors():
            self.wrong.append(report.generate_report())


@contextlib.contextmanager
def codepipeline() -> Iterator[Stub]:
    """A stub that listens on a free port of 127.0.0.1 for the length of a block."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stub.take(self.headers["X-Amz-Target"], self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
