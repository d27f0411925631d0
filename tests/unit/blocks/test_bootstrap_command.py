"""The bootstrap command, really run: it listens on the service's port and answers the service's health check."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cicd_templates.blocks.bootstrap_command import command
from tests.conftest import environment, free_port, listening


@pytest.fixture
def bootstrap_url() -> Iterator[str]:
    port = free_port()
    edits = [("services/parcel-dispatcher/port", port), ("services/parcel-dispatcher/health_check", {"path": "/ready"})]
    edits += [("services/parcel-dispatcher/probes", {"/ping": 204})]
    (service,) = environment("staging", *edits).services
    interpreter, *arguments = command(service)
    assert interpreter == "python3"
    with listening(port, sys.executable, *arguments) as url:
        yield url


def test_it_is_healthy_on_the_configured_path_and_answers_elsewhere_that_nothing_is_released(
    bootstrap_url: str,
) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{bootstrap_url}/ready") as answer:
        assert answer.status == 200
    # Hooks ask it too, when the template changes before the first release.
    with direct.open(f"{bootstrap_url}/ping") as answer:
        assert answer.status == 204
    with pytest.raises(urllib.error.HTTPError) as caught:
        direct.open(f"{bootstrap_url}/pay")
    assert caught.value.code == 503
    assert b"No release" in caught.value.read()
    caught.value.close()
