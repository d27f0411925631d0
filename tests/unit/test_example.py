"""The example application, really run: its own tests, and its smoke test against the running process."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cicd_templates.blocks.bootstrap_command import command
from cicd_templates.config.tables.service import BOOTSTRAP_IMAGE
from cicd_templates.functions.scan_gate.policy import POLICY, agreed_policy
from tests.conftest import environment, free_port, listening, until_open
from tests.projects.rendering import EXAMPLE, ROOT

SERVER = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server
from payment_processor.app import application
class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments): pass
make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=Quiet).serve_forever()
"""
# Its own server, with an application that takes a moment.
SLOW = """
import time
import payment_processor.__main__ as server
answer = server.application
def late(environ, start):
    print("begun", flush=True)
    time.sleep(0.2)
    return answer(environ, start)
server.application = late
server.main()
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(EXAMPLE / "src"), "PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def served() -> Iterator[str]:
    port = free_port()
    with listening(port, sys.executable, "-c", SERVER, str(port), PYTHONPATH=str(EXAMPLE / "src")) as url:
        yield url


def test_its_own_tests_pass() -> None:
    answer = run("-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert answer.returncode == 0, answer.stdout
    assert " passed" in answer.stdout


def test_the_tests_of_the_three_services_pass() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {"PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    answer = subprocess.run(
        command, cwd=ROOT / "examples/settlement", env=environment, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stdout
    assert " passed" in answer.stdout


def test_its_smoke_test_passes_against_it(served: str) -> None:
    answer = run("smoke/smoke.py", served)

    assert (answer.returncode, answer.stdout) == (0, f"smoke: {served} is healthy and accepts payments\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "expected"),
    [((), 2, "usage:"), (("ftp://x",), 2, "usage:"), (("http://127.0.0.1:9",), 1, "returned no valid response")],
)
def test_its_smoke_test_can_fail(arguments: tuple[str, ...], exit_code: int, expected: str) -> None:
    answer = run("smoke/smoke.py", *arguments)

    assert answer.returncode == exit_code
    assert expected in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_smoke_test_fails_where_only_the_bootstrap_image_answers() -> None:
    # It is healthy, so that the stack settles, but it is no release.
    port = free_port()
    (service,) = environment("staging", ("services/parcel-dispatcher/port", port)).services
    with listening(port, sys.executable, *command(service)[1:]) as url:
        assert run("smoke/smoke.py", url).returncode == 1


def test_its_policy_is_one_that_the_gate_takes() -> None:
    policy = agreed_policy({"bandit": (EXAMPLE / POLICY).read_bytes()}, ["bandit", "safety", "snyk"])

    assert (policy.problems, policy.thresholds["bandit"]) == ([], "high")


def test_before_it_stops_it_answers_the_requests_that_it_has_begun() -> None:
    port = free_port()
    variables = {"PYTHONPATH": str(EXAMPLE / "src"), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until_open(port)
        client = socket.create_connection(("127.0.0.1", port), 10)
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.terminate()
        answered = client.makefile("rb").read()
        client.close()
        _, logged = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, answered.partition(b"\r\n")[0]) == (0, b"HTTP/1.1 200 OK")
    assert b'"path": "/health", "status": 200' in logged


def test_its_image_is_by_digest_and_without_root() -> None:
    dockerfile = (EXAMPLE / "Dockerfile").read_text()

    assert BOOTSTRAP_IMAGE.partition("@")[2] in dockerfile.splitlines()[1]
    assert "\nUSER 10001:10001\n" in dockerfile
    assert "--require-hashes" in dockerfile


def test_its_integration_test_passes_against_it(served: str) -> None:
    answer = run("integration/integration.py", served)

    assert (answer.returncode, answer.stdout) == (0, f"integration: {served} does not meet 0 requirements\n"), (
        answer.stderr
    )


def test_its_integration_test_fails_where_only_the_bootstrap_image_answers() -> None:
    port = free_port()
    (service,) = environment("staging", ("services/parcel-dispatcher/port", port)).services
    with listening(port, sys.executable, *command(service)[1:]) as url:
        answer = run("integration/integration.py", url)

    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert run("integration/integration.py", "ftp://x").returncode == 2
