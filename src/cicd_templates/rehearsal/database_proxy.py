"""Accepts database logins as RDS does: only with TLS, and only with a token that the local IAM allows.

The proxy handles the login messages of PostgreSQL's protocol. Afterwards, it passes all data between client and server
unchanged: https://www.postgresql.org/docs/current/protocol-flow.html
"""

from __future__ import annotations

import contextlib
import hmac
import select
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKey

from cicd_templates.errors import CicdError
from cicd_templates.rehearsal.sessions import Credentials

SSL_REQUEST = 80877103
# Longer messages do not belong to a login. A token has about 1500 characters.
LONGEST_MESSAGE = 10_000
LOGIN_SECONDS = 20.0
TOKEN_SECONDS = 900
SIGNING_NAME = "rds-db"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
REFUSED_LOGIN = "28000"

# Returns why IAM does not allow a login with this user and this token, or an empty string if IAM allows it.
Refusal = Callable[[str, str], str]


def token_problem(token: str, host: str, port: int, user: str, region: str, keys: Credentials, now: datetime) -> str:
    """Return why the owner of `keys` cannot log in as `user` with `token`, or an empty string if the login is possible.

    A token is a presigned URL without its scheme:
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    """
    try:
        parts = urlsplit(f"https://{token}")
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError as error:
        return f"the token is no address: {error}"
    if parts.netloc != f"{host}:{port}" or parts.path != "/":
        return f"the token is for {parts.netloc}{parts.path}, not for {host}:{port}/"
    if (given.get("Action"), given.get("DBUser")) != ("connect", user):
        found = f"the action {given.get('Action')} for the user {given.get('DBUser')}"
        return f"the token allows {found}, but this login needs the action connect for the user {user}"
    if given.get("X-Amz-Security-Token", "") != (keys.token or ""):
        return "the login token was made with the credentials of another session"
    signature = given.pop("X-Amz-Signature", "")
    signed = given.get("X-Amz-Date", "")
    try:
        begins = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = int(given.get("X-Amz-Expires", ""))
    except ValueError:
        return "the token has no valid date"
    if not 0 < seconds <= TOKEN_SECONDS or not begins - timedelta(minutes=5) <= now <= begins + timedelta(0, seconds):
        return "the token has expired"
    auth = SigV4QueryAuth(SigningKey(keys.access, keys.secret), SIGNING_NAME, region, expires=seconds)
    request = AWSRequest("GET", f"https://{host}:{port}/?{urlencode(given)}", headers={"host": f"{host}:{port}"})
    request.context["timestamp"] = signed
    if given.get("X-Amz-Credential") != auth.scope(request):
        return f"the token is not signed for the service {SIGNING_NAME} in {region}"
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return "" if hmac.compare_digest(expected, signature) else "the signature of the token is wrong"


def write_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Write a private key and a self-signed certificate for the IP address `host`. Return the paths of both files."""
    key, certificate = folder / "proxy.key", folder / "proxy.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=rehearsal", "-addext", f"subjectAltName=IP:{host}"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program
            [*command, "-keyout", str(key), "-out", str(certificate)], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise CicdError(f"openssl, which makes the certificate of a database, cannot run: {error.strerror}") from None
    if done.returncode:
        raise CicdError(f"openssl could not make the certificate of a database: {done.stderr.strip()}")
    return key, certificate


class DatabaseProxy:
    """Accepts clients. Connects each client to the database server, unless the function `refuse` refuses the login.

    `refuse` gets the user and the token of a login. It returns the reason for a refusal, or an empty string to accept
    the login.
    """

    def __init__(self, listener: socket.socket, server: Path, context: ssl.SSLContext, refuse: Refusal) -> None:
        self._listener, self._server, self._context, self._refuse = listener, server, context, refuse

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Accept connections until the end of the `with` block."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error), client:
            client.settimeout(LOGIN_SECONDS)
            if _read(client)[:4] != struct.pack("!i", SSL_REQUEST):
                client.sendall(_error("no encryption: this database accepts only connections with TLS"))
                return
            client.sendall(b"S")
            with self._context.wrap_socket(client, server_side=True) as secure:
                self._log_in(secure)

    def _log_in(self, client: ssl.SSLSocket) -> None:
        startup = _read(client)
        # A name or token that is not UTF-8 belongs to no user, so it is refused with its replaced characters.
        words = startup[4:].decode(errors="replace").split("\0")
        user = dict(zip(words[::2], words[1::2], strict=False)).get("user", "")
        # Ask for the token in the form of a clear-text password, as RDS does.
        client.sendall(b"R" + struct.pack("!ii", 8, 3))
        client.recv(1)
        token = _read(client).rstrip(b"\0").decode(errors="replace")
        if problem := self._refuse(user, token):
            client.sendall(_error(f'PAM authentication failed for user "{user}": {problem}'))
            return
        client.settimeout(None)
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._server))
            server.sendall(struct.pack("!i", len(startup) + 4) + startup)
            _relay(client, server)


def _read(connection: socket.socket) -> bytes:
    """Return the content of the next login message.

    A field of four bytes in front of the content has the length of the field and the content together. Raises `OSError`
    if a login message cannot have this length, or if the connection ends.
    """
    (length,) = struct.unpack("!i", _exactly(connection, 4))
    if not 4 <= length <= LONGEST_MESSAGE:
        raise OSError("this message is not part of a login")
    return _exactly(connection, length - 4)


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise OSError("the client has closed the connection")
        data += part
    return data


def _error(text: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": REFUSED_LOGIN, "M": text}
    content = b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(content) + 4) + content


def _relay(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Pass data in both directions until one side closes.

    A single thread does this, because two threads must not use a TLS socket at the same time.
    """
    while True:
        # `select` does not report data that the TLS socket has already decrypted.
        readable = [client] if client.pending() else select.select([client, server], [], [])[0]
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            (server if source is client else client).sendall(data)
