"""The hooks that must agree to a release. One checks its image, the other sends it requests. Doubt stops a release."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.checks.certificates import make_certificate
from cicd_templates.functions import smoke, verify_image
from tests.conftest import free_port
from tests.fakes import unsigned_exceptions
from tests.unit.functions.test_functions import Aws

REPOSITORY = "111111111111.dkr.ecr.eu-central-1.amazonaws.com/shipping-tools-parcel-dispatcher"
DIGEST = f"sha256:{'d' * 64}"
BOOTSTRAP = f"public.ecr.aws/x@sha256:{'0' * 64}"
REVISION = "arn:aws:ecs:eu-central-1:222222222222:service-revision/c/s/1"


class Clock:
    """Lambda's context. The remaining time is one second less at each call."""

    def __init__(self, seconds: int) -> None:
        self.left = seconds * 1000

    def get_remaining_time_in_millis(self) -> int:
        self.left -= 1000
        return self.left


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    fake = Aws()
    monkeypatch.setattr("boto3.client", fake.client)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    variables = {
        "REPOSITORY": REPOSITORY,
        "ENVIRONMENT": "staging",
        "UNSIGNED_IMAGES": unsigned_exceptions.variable("staging", unsigned_exceptions.exception(BOOTSTRAP)),
        "SEVERITIES": "CRITICAL,HIGH",
        "CONTAINER": "c0",
        "FURTHER": "docker.io/envoy/envoy,public.ecr.aws/nginx/nginx",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # Signatures have tests of their own, in test_signed_hooks.py.
    monkeypatch.setattr(verify_image, "require_signed", lambda image: "the/statements/signed")
    fake.answer("DescribeServiceRevisions", {"serviceRevisions": [{"taskDefinition": "shipping:7"}]})
    return fake


def runs(aws: Aws, *images: str) -> None:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    aws.answer("DescribeTaskDefinition", {"taskDefinition": {"containerDefinitions": containers}})


def scan(status: str, **counts: int) -> dict[str, Any]:
    return {"imageScanStatus": {"status": status}, "imageScanFindings": {"findingSeverityCounts": counts}}


def verified(event: dict[str, Any] | None = None, seconds: int = 60) -> str:
    answer = verify_image.handler(event or {"targetServiceRevisionArn": REVISION}, Clock(seconds))
    return answer["hookStatus"]


@pytest.mark.parametrize("status", ["COMPLETE", "ACTIVE"])
def test_a_digest_of_ours_that_the_registry_finds_well_may_run(aws: Aws, status: str) -> None:
    runs(aws, f"{REPOSITORY}@{DIGEST}")
    aws.answer("DescribeImageScanFindings", scan(status, LOW=3, MEDIUM=1))

    assert verified() == "SUCCEEDED"
    asked = dict(aws.calls)
    assert asked["DescribeServiceRevisions"] == {"serviceRevisionArns": [REVISION]}
    assert asked["DescribeImageScanFindings"] == {
        "registryId": "111111111111",
        "repositoryName": "shipping-tools-parcel-dispatcher",
        "imageId": {"imageDigest": DIGEST},
    }


def test_both_shapes_of_the_event_are_read(aws: Aws) -> None:
    runs(aws, BOOTSTRAP)

    assert verified({"executionDetails": {"targetServiceRevisionArn": REVISION}}) == "SUCCEEDED"


def test_a_further_container_may_run_any_digest_of_a_configured_repository_without_a_scan(aws: Aws) -> None:
    runs(aws, f"{REPOSITORY}@{DIGEST}", f"public.ecr.aws/nginx/nginx@{DIGEST}", f"docker.io/envoy/envoy@{DIGEST}")
    aws.answer("DescribeImageScanFindings", scan("COMPLETE"))

    assert verified() == "SUCCEEDED"
    assert [name for name, _ in aws.calls].count("DescribeImageScanFindings") == 1


def test_a_task_without_the_container_of_the_service_may_not_run(aws: Aws, capsys: Any) -> None:
    aws.answer(
        "DescribeTaskDefinition",
        {"taskDefinition": {"containerDefinitions": [{"name": "x", "image": f"public.ecr.aws/nginx/nginx@{DIGEST}"}]}},
    )

    assert verified() == "FAILED"
    assert json.loads(capsys.readouterr().out)["problems"] == ["there is no container c0"]


@pytest.mark.parametrize(
    ("images", "answers"),
    [
        ([f"{REPOSITORY}:latest"], []),
        ([f"public.ecr.aws/nginx/nginx@{DIGEST}"], []),
        ([f"{REPOSITORY}@{DIGEST}", "public.ecr.aws/nginx/nginx:1.29"], [scan("COMPLETE")]),
        ([f"{REPOSITORY}@{DIGEST}", f"{REPOSITORY}@{DIGEST}"], [scan("COMPLETE")]),
        ([f"{REPOSITORY}@{DIGEST}", BOOTSTRAP], [scan("COMPLETE")]),
        ([f"{REPOSITORY}-evil@{DIGEST}"], []),
        ([f"docker.io/library/x@{DIGEST}"], []),
        ([f"{REPOSITORY}@{DIGEST}"], [scan("COMPLETE", HIGH=1)]),
        ([f"{REPOSITORY}@{DIGEST}"], [scan("COMPLETE", CRITICAL=2, LOW=1)]),
        ([f"{REPOSITORY}@{DIGEST}"], [scan("FAILED")]),
        ([f"{REPOSITORY}@{DIGEST}"], [scan("IN_PROGRESS")]),
        ([f"{REPOSITORY}@{DIGEST}"], ["ScanNotFoundException"]),
        ([f"{REPOSITORY}@{DIGEST}", f"docker.io/sidecar@{DIGEST}"], [scan("COMPLETE")]),
        ([], []),
    ],
    ids=[
        "a tag", "the image of a further container", "a further container by tag", "the release in another container",
        "the bootstrap image in another container", "a name that begins alike", "another registry", "high", "critical",
        "a scan that failed", "a scan that does not end", "no scan", "a second container", "no container",
    ],
)  # fmt: skip
def test_any_other_image_may_not(aws: Aws, images: list[str], answers: list[Any], capsys: Any) -> None:
    runs(aws, *images)
    aws.answer("DescribeImageScanFindings", *answers)

    assert verified() == "FAILED"
    logged = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert logged["approved"] is False
    assert logged["images"] == images


def test_a_scan_that_runs_is_waited_for(aws: Aws) -> None:
    runs(aws, f"{REPOSITORY}@{DIGEST}")
    aws.answer("DescribeImageScanFindings", "ScanNotFoundException", scan("PENDING"), scan("COMPLETE"))

    assert verified() == "SUCCEEDED"


def test_what_it_may_not_know_is_no_agreement(aws: Aws) -> None:
    runs(aws, f"{REPOSITORY}@{DIGEST}")
    aws.answer("DescribeImageScanFindings", "AccessDeniedException")

    # An error is no answer, and ECS takes a release without one back.
    with pytest.raises(Exception, match="AccessDeniedException"):
        verified()


class Release(BaseHTTPRequestHandler):
    """A release on the test listener. `answers` are its consecutive statuses by path; the last one is repeated."""

    answers: dict[str, list[int]]
    hosts: list[str]

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        left = self.answers.get(self.path, [404])
        self.send_response(left.pop(0) if len(left) > 1 else left[0])
        self.end_headers()

    def log_message(self, *arguments: object, **more: object) -> None:
        """Say nothing."""


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Release]]:
    handler = type("Handler", (Release,), {"answers": {}, "hosts": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    variables = {
        "BALANCER": "127.0.0.1", "PORT": str(server.server_port), "HOST": "shipping.example.com", "TLS": "",
        "PROBES": '{"/health": 200, "/shipping": 405}',
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("health", "shipping", "expected"),
    [
        ([200], [405], "SUCCEEDED"),
        ([503, 503, 200], [405], "SUCCEEDED"),
        ([500], [405], "FAILED"),
        ([200], [200], "FAILED"),
        ([200, 503], [503, 405], "FAILED"),
    ],
    ids=["well", "well after a while", "unwell", "another answer", "never both at once"],
)
def test_a_release_is_agreed_to_once_all_its_answers_are_right(
    release: type[Release], health: list[int], shipping: list[int], expected: str
) -> None:
    release.answers = {"/health": health, "/shipping": shipping}

    assert smoke.handler({}, Clock(40)) == {"hookStatus": expected}
    # It connects to the load balancer and asks for the service's host.
    assert {host.partition(":")[0] for host in release.hosts} == {"shipping.example.com"}


def test_a_listener_that_does_not_answer_is_no_agreement(
    release: type[Release], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", str(free_port()))

    assert smoke.handler({}, Clock(27)) == {"hookStatus": "FAILED"}
    assert "ConnectionRefusedError" in capsys.readouterr().out


@pytest.mark.no_cover
def test_a_certificate_that_is_not_the_hosts_is_no_agreement(
    release: type[Release], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TLS", "1")

    assert smoke.handler({}, Clock(27)) == {"hookStatus": "FAILED"}
    assert "SSL" in capsys.readouterr().out


WILDCARD = "*.eu-central-1.elb.amazonaws.com"


@pytest.mark.parametrize(
    ("host", "trusted", "problem"),
    [
        pytest.param("acceptance-staging.eu-central-1.elb.amazonaws.com", "served", "", id="the authority"),
        pytest.param("acceptance-staging.eu-central-1.elb.amazonaws.com", "other", "self-signed", id="another one"),
        pytest.param("acceptance-staging.eu-central-1.elb.amazonaws.com", "", "self-signed", id="public authorities"),
        pytest.param("shipping.example.com", "served", "Hostname mismatch", id="another host"),
    ],
)
def test_a_certificate_is_trusted_only_if_the_configured_authority_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, trusted: str, problem: str
) -> None:
    certificates = {name: make_certificate(WILDCARD, tmp_path) for name in ("served", "other")}
    (tmp_path / "served.pem").write_bytes(b"".join(certificates["served"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "served.pem")
    handler = type("Handler", (Release,), {"answers": {"/health": [200]}, "hosts": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    # A refused handshake is no error of the server.
    monkeypatch.setattr(server, "handle_error", lambda *arguments: None)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name, value in {"BALANCER": "127.0.0.1", "PORT": str(server.server_port), "HOST": host, "TLS": "1"}.items():
        monkeypatch.setenv(name, value)
    if trusted:
        monkeypatch.setenv("AUTHORITY", certificates[trusted][0].decode())
    try:
        found = smoke.find_problem("/health", 200)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (problem in found) if problem else not found, found
