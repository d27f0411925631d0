"""Approve a deployment only if the new release answers the probes on the test listener.

ECS calls this hook after the test listener sends requests to the new release, but before clients reach the release:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html

Environment variables: `BALANCER` and `PORT` are the address of the load balancer. `HOST` is the host header. `TLS` is
empty for plain HTTP. If `AUTHORITY` is set, only its PEM certificates are trusted. `PROBES` is JSON that maps each path
to the expected status. If the hook fails without an answer, ECS rolls the release back.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from typing import Any

REQUEST_SECONDS = 5
PAUSE_SECONDS = 5
# Milliseconds that must remain for the answer after the last request.
RESERVE = 10_000


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Return `hookStatus` SUCCEEDED once all probes succeed in one pass, or FAILED shortly before the timeout."""
    probes = json.loads(os.environ["PROBES"])
    while True:
        problems = [problem for path, status in probes.items() if (problem := find_problem(path, status))]
        last = context.get_remaining_time_in_millis() < RESERVE + 1000 * (PAUSE_SECONDS + REQUEST_SECONDS * len(probes))
        if not problems or last:
            print(json.dumps({"approved": not problems, "probes": list(probes), "problems": problems}))
            return {"hookStatus": "FAILED" if problems else "SUCCEEDED"}
        time.sleep(PAUSE_SECONDS)


def find_problem(path: str, expected: int) -> str:
    """Return why the response to `GET path` is unexpected, or an empty string if it is expected."""
    try:
        status = request_status(path)
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {type(error).__name__}: {error}"
    return "" if status == expected else f"{path}: status {status} instead of {expected}"


def request_status(path: str) -> int:
    """Send a GET request to the load balancer and return the HTTP status.

    With TLS, the certificate must be valid for `HOST`.
    """
    host, port, authority = os.environ["HOST"], int(os.environ["PORT"]), os.environ.get("AUTHORITY")
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
    plain = socket.create_connection((os.environ["BALANCER"], port), timeout=REQUEST_SECONDS)
    try:
        connection.sock = plain
        if os.environ["TLS"]:
            # With `cadata`, the context trusts no other authority.
            context = ssl.create_default_context(cadata=authority)
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        connection.request("GET", path, headers={"User-Agent": "cicd-templates-smoke"})
        return connection.getresponse().status
    finally:
        connection.close()
        plain.close()
