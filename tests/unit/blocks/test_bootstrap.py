"""The bootstrap command, really run: it listens where the service listens and is healthy where the service is asked."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cicd_templates.blocks.bootstrap import command
from tests.conftest import environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def bootstrap_url() -> Iterator[str]:
    port = free_port()
    edits = [("services/payment-processor/port", port), ("services/payment-processor/health_check", {"path": "/ready"})]
    (service,) = environment("staging", *edits).services
    interpreter, *arguments = command(service)
    assert interpreter == "python3"
    process = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_it_is_healthy_on_the_configured_path_and_says_elsewhere_that_nothing_is_released(bootstrap_url: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{bootstrap_url}/ready") as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        direct.open(f"{bootstrap_url}/pay")
    assert caught.value.code == 503
    assert b"No release" in caught.value.read()
    caught.value.close()
