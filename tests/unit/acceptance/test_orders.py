"""Requests to the application: their status, and that only the certificate of the run is trusted."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cicd_templates.acceptance.checks.certificates import make_certificate
from cicd_templates.acceptance.orders import NO_RESPONSE, post
from tests.conftest import free_port


class Shop(BaseHTTPRequestHandler):
    """Answers every order with 500, and another path with 404."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if (self.path, content) == ("/orders", b"{}") else 404)
        self.end_headers()

    def log_message(self, *arguments: object, **more: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    # A refused handshake is no error of the server.
    monkeypatch.setattr(made, "handle_error", lambda *arguments: None)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_an_order_gets_its_status(server: ThreadingHTTPServer) -> None:
    assert post(f"http://127.0.0.1:{server.server_port}/orders", b"{}", "") == 500


@pytest.mark.parametrize("trusted", ["served", "other"])
def test_only_the_certificate_of_the_run_is_trusted(server: ThreadingHTTPServer, tmp_path: Path, trusted: str) -> None:
    certificates = {name: make_certificate("localhost", tmp_path) for name in ("served", "other")}
    (tmp_path / "served.pem").write_bytes(b"".join(certificates["served"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "served.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url, authority = f"https://localhost:{server.server_port}/orders", certificates[trusted][0].decode()
    if trusted == "served":
        assert post(url, b"{}", authority) == 500
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            post(url, b"{}", authority)


def test_no_response_is_one_of_the_named_errors() -> None:
    with pytest.raises(NO_RESPONSE):
        post(f"http://127.0.0.1:{free_port()}/orders", b"{}", "")
