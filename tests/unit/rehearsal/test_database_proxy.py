"""The proxy of a database: TLS, IAM tokens, and a fake server behind it."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal import database_proxy
from cicd_templates.rehearsal.database_proxy import DatabaseProxy, token_problem, write_certificate
from cicd_templates.rehearsal.sessions import Credentials, maker

HOST, PORT, REGION = "127.9.8.7", 5432, "eu-west-1"
KEYS = Credentials("ASIAKEY", "s3cret/+", "a+session/token==")


def token(
    user: str = "readwrite_till", host: str = HOST, port: int = PORT, region: str = REGION, keys: Credentials = KEYS
) -> str:
    """Return a token as the SDK makes it."""
    rds = maker("http://127.0.0.1:9", region)("rds", keys)
    return str(rds.generate_db_auth_token(host, port, user, Region=region))


def problem(of: str, now: datetime | None = None, keys: Credentials = KEYS) -> str:
    return token_problem(of, HOST, PORT, "readwrite_till", REGION, keys, now or datetime.now(UTC))


def test_the_token_of_the_sdk_is_accepted() -> None:
    assert problem(token()) == ""
    plain = dataclasses.replace(KEYS, token=None)
    assert problem(token(keys=plain), keys=plain) == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda: token(host="127.9.8.6"), "the token is for 127.9.8.6:5432/, not for 127.9.8.7:5432/"),
        (lambda: token(port=5433), "the token is for 127.9.8.7:5433/"),
        (lambda: token(user="read_till"), "the token allows the action connect for the user read_till, but"),
        (
            lambda: token().replace("Action=connect", "Action=drop"),
            "the token allows the action drop for the user readwrite_till,",
        ),
        (lambda: token(region="eu-west-2"), "the token is not signed for the service rds-db in eu-west-1"),
        (
            lambda: token(keys=dataclasses.replace(KEYS, access="OTHER")),
            "the token is not signed for the service rds-db",
        ),
        (lambda: token(keys=dataclasses.replace(KEYS, secret="other")), "the signature of the token is wrong"),
        (
            lambda: token(keys=dataclasses.replace(KEYS, token="other")),
            "the login token was made with the credentials of another session",
        ),
        (lambda: token().replace("Expires=900", "Expires=901"), "the token has expired"),
        (lambda: token().replace("Expires=900", "Expires=899"), "the signature of the token is wrong"),
        (lambda: token().replace("X-Amz-Date=20", "X-Amz-Date=x20"), "the token has no valid date"),
        (lambda: token().replace("Expires=900", "Expires="), "the token has no valid date"),
        (lambda: "password", "the token is for password, not for 127.9.8.7:5432/"),
        (lambda: "", "the token is for , not for"),
        (lambda: "[::1", "the token is no address: Invalid IPv6 URL"),
    ],
)
def test_another_token_is_refused(given: Callable[[], str], expected: str) -> None:
    # The token is made here, because it is valid for fifteen minutes.
    assert problem(given()).startswith(expected)


@pytest.mark.parametrize(
    ("later", "expected"),
    [(timedelta(minutes=14), ""), (timedelta(minutes=16), "expired"), (timedelta(minutes=-6), "expired")],
    ids=["in time", "too late", "from the future"],
)
def test_a_token_is_valid_for_fifteen_minutes(later: timedelta, expected: str) -> None:
    found = problem(token(), datetime.now(UTC) + later)
    assert (expected in found) if expected else not found


def message(content: bytes, kind: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


STARTUP = struct.pack("!i", 196608) + b"user\0readwrite_till\0database\0ledger\0\0"
TLS = message(struct.pack("!i", database_proxy.SSL_REQUEST))


class Backend:
    """A fake server behind the proxy. It keeps the startup message, greets, and answers in capital letters."""

    def __init__(self, path: Path) -> None:
        self.path, self.startup = path, b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            with connection:
                self.startup = connection.recv(4096)
                connection.sendall(b"welcome")
                while (data := connection.recv(4096)) and data != b"end":
                    connection.sendall(data.upper())

    def close(self) -> None:
        self._listener.close()


@dataclasses.dataclass
class Served:
    """A running proxy that allows only the token `right`."""

    port: int
    backend: Backend
    certificate: Path
    asked: list[tuple[str, str]]

    @contextlib.contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """Yield a TLS connection whose certificate is checked."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain:
            plain.sendall(TLS)
            assert plain.recv(1) == b"S"
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                yield secure


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    key, certificate = write_certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[tuple[str, str]] = []

    def refuse(user: str, given: str) -> str:
        asked.append((user, given))
        return "" if given == "right" else "IAM does not allow it"

    backend = Backend(tmp_path / "s")
    with DatabaseProxy(listener, backend.path, context, refuse).serving():
        yield Served(listener.getsockname()[1], backend, certificate, asked)
    backend.close()


def receive(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (part := connection.recv(length - len(data))):
        data += part
    return data


def test_an_allowed_client_talks_with_the_server(served: Served) -> None:
    with served.connected() as client:
        client.sendall(message(STARTUP))
        # A password in clear text is asked for.
        assert receive(client, 9) == b"R" + struct.pack("!ii", 8, 3)
        client.sendall(message(b"right\0", b"p"))
        assert receive(client, 7) == b"welcome"
        # More than what TLS sends in one piece.
        client.sendall(b"x" * 40_000)
        assert receive(client, 40_000) == b"X" * 40_000
        client.sendall(b"end")
        assert client.recv(1) == b""
    assert served.backend.startup == message(STARTUP)
    assert served.asked == [("readwrite_till", "right")]


def test_a_client_that_leaves_ends_the_connection_to_the_server(served: Served) -> None:
    with served.connected() as client:
        client.sendall(message(STARTUP))
        receive(client, 9)
        client.sendall(message(b"right\0", b"p"))
        assert receive(client, 7) == b"welcome"
    assert served.asked == [("readwrite_till", "right")]


def test_a_client_that_iam_does_not_allow_is_refused_with_the_reason(served: Served) -> None:
    with served.connected() as client:
        client.sendall(message(STARTUP))
        receive(client, 9)
        client.sendall(message(b"wrong\0", b"p"))
        answer = receive(client, 4096)
    assert answer.startswith(b"E")
    assert b"C28000\0" in answer
    assert b'MPAM authentication failed for user "readwrite_till": IAM does not allow it\0' in answer
    assert served.backend.startup == b""


def test_a_name_and_a_token_that_are_no_utf_8_are_refused_with_an_answer(served: Served) -> None:
    with served.connected() as client:
        client.sendall(message(STARTUP.replace(b"till", b"t\xff")))
        receive(client, 9)
        client.sendall(message(b"\xfe\xff\0", b"p"))
        answer = receive(client, 4096)
    assert 'PAM authentication failed for user "readwrite_t\ufffd"' in answer.decode()
    assert served.asked == [("readwrite_t\ufffd", "\ufffd\ufffd")]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (message(STARTUP), b"accepts only connections with TLS"),
        (struct.pack("!i", 1_000_000), b""),
        (struct.pack("!i", 3), b""),
        (b"\0\0", b""),
    ],
    ids=["without TLS", "too long", "too short", "cut off"],
)
def test_what_is_no_login_with_tls_does_not_reach_the_server(served: Served, first: bytes, expected: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        client.sendall(first)
        client.shutdown(socket.SHUT_WR)
        answer = receive(client, 4096)
    assert expected in answer
    assert bool(expected) == bool(answer)
    assert served.asked == []


def test_an_address_that_has_no_certificate_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CicdError, match="openssl could not make"):
        write_certificate(tmp_path, "no address")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CicdError, match="openssl, which makes the certificate of a database, cannot run: No such file"):
        write_certificate(tmp_path, HOST)
