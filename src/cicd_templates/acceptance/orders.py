"""Sends requests to the application of the run, as its clients do."""

from __future__ import annotations

import contextlib
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
# The exceptions of a request that gets no response.
NO_RESPONSE = (HTTPException, OSError)


def post(url: str, body: bytes, trusted: str) -> int:
    """Send `body` to `url`, and return the status of the response. For TLS, trust only the certificates in `trusted`.
    If there is no response, raises an exception of one of the types in `NO_RESPONSE`.
    """
    address = urlsplit(url)
    if address.scheme == "https":
        context = ssl.create_default_context(cadata=trusted)
        opened: HTTPConnection = HTTPSConnection(address.netloc, timeout=TIMEOUT_SECONDS, context=context)
    else:
        opened = HTTPConnection(address.netloc, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(opened) as connection:
        connection.request("POST", address.path, body)
        return connection.getresponse().status
