"""Agrees to a deployment only where the new release answers on the test listener as it should.

ECS asks when the listener's requests go to the new release, and before any client's do:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
Variables: `BALANCER` and `PORT` (where to connect to), `HOST` (whom to ask there), `TLS` (empty: plain HTTP), `PROBES`
(JSON: a status by path). An error is no answer, and without an answer ECS takes the release back.
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
# Time to answer after the last request, in milliseconds.
RESERVE = 10_000


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """`hookStatus` SUCCEEDED as soon as all probes are right at once, FAILED when there is no time left for that."""
    probes = json.loads(os.environ["PROBES"])
    while True:
        wrong = [why for path, status in probes.items() if (why := objection(path, status))]
        last = context.get_remaining_time_in_millis() < RESERVE + 1000 * (PAUSE_SECONDS + REQUEST_SECONDS * len(probes))
        if not wrong or last:
            print(json.dumps({"agreed": not wrong, "asked": list(probes), "why": wrong}))
            return {"hookStatus": "FAILED" if wrong else "SUCCEEDED"}
        time.sleep(PAUSE_SECONDS)


def objection(path: str, wanted: int) -> str:
    """What is wrong with the answer to a GET of `path`, or nothing."""
    try:
        status = answered(path)
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {type(error).__name__}: {error}"
    return "" if status == wanted else f"{path}: {status} instead of {wanted}"


def answered(path: str) -> int:
    """The status of a GET. The certificate is for the service's host, the connection is to the load balancer."""
    host, port = os.environ["HOST"], int(os.environ["PORT"])
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
    plain = socket.create_connection((os.environ["BALANCER"], port), timeout=REQUEST_SECONDS)
    try:
        tls = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if os.environ["TLS"] else plain
        connection.sock = tls
        connection.request("GET", path, headers={"User-Agent": "cicd-templates-smoke"})
        return connection.getresponse().status
    finally:
        connection.close()
        plain.close()
