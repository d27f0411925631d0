"""The certificates of a run: made and imported once, found again by their tag, and removed."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.acceptance.check import CheckFailed
from cicd_templates.acceptance.checks.certificates import import_certificates, make_certificate
from cicd_templates.errors import CicdError
from tests.fakes.answering_aws import FakeAws
from tests.unit.acceptance.check_context import SUFFIX, check_context

OURS, OTHER = (f"arn:aws:acm:eu-central-1:222222222222:certificate/{number}" for number in (1, 2))
TAGS = {OURS: SUFFIX, OTHER: "zzzzz"}


def acm(known: list[str], status: str = "ISSUED") -> dict[str, Any]:
    return {
        "acm.list_certificates": [{"CertificateSummaryList": [{"CertificateArn": arn} for arn in known]}],
        "acm.list_tags_for_certificate": lambda **request: {
            "Tags": [{"Key": "Name"}, {"Key": "acceptance-run", "Value": TAGS[request["CertificateArn"]]}]
        },
        "acm.get_certificate": {"Certificate": "PEM of the run\n"},
        "acm.import_certificate": {"CertificateArn": OURS},
        "acm.describe_certificate": {"Certificate": {"Status": status}},
    }


@pytest.mark.parametrize(("known", "imports"), [([], 2), ([OTHER], 2), ([OTHER, OURS], 0)])
def test_a_certificate_is_imported_unless_this_run_has_one(tmp_path: Path, known: list[str], imports: int) -> None:
    made = check_context(tmp_path, aws=acm(known))

    answer = import_certificates(made)
    assert answer == "1 self-signed certificate, valid for 3 days, was imported for staging and production"
    calls = [request for call, request in made.clients("staging").calls if call == "acm.import_certificate"]
    assert len(calls) == imports
    assert all(b"BEGIN CERTIFICATE" in call["Certificate"] for call in calls)
    assert made.facts["settings"]["certificates"] == {"staging": OURS, "production": OURS}
    assert OURS in (tmp_path / "templates/environments.toml").read_text()
    with zipfile.ZipFile(tmp_path / "application.zip") as archive:
        assert archive.read("smoke/trusted.pem") == b"PEM of the run\nPEM of the run\n"
    assert made.commands.typed == [f"render --suffix {SUFFIX}"]


def test_two_accounts_have_a_certificate_each(tmp_path: Path) -> None:
    clients = {name: FakeAws(acm([])) for name in ("staging", "production")}
    clients["production"] = FakeAws({**acm([]), "acm.import_certificate": {"CertificateArn": OTHER}})
    made = check_context(tmp_path, aws=clients)

    assert import_certificates(made).startswith("2 self-signed certificates, valid for 3 days, were imported for")


def test_a_certificate_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="the certificate of staging is FAILED"):
        import_certificates(check_context(tmp_path, aws=acm([OURS], "FAILED")))


def test_a_certificate_is_for_its_name_alone_and_its_key_stays_nowhere(tmp_path: Path) -> None:
    certificate, key = make_certificate("*.eu-central-1.elb.amazonaws.com", tmp_path)

    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
    shown = subprocess.run(command, input=certificate, capture_output=True, check=True).stdout.decode()
    assert "DNS:*.eu-central-1.elb.amazonaws.com" in shown
    assert b"PRIVATE KEY" in key
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("", "openssl could not make the certificate of the run: No such"),
        ("#!/bin/sh\necho no >&2\nexit 1\n", "openssl: no"),
    ],
)
def test_a_missing_or_failing_openssl_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    if program:
        (tmp_path / "openssl").write_text(program)
        (tmp_path / "openssl").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CicdError, match=words):
        make_certificate("*.elb.example.com", tmp_path)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str:
    """Return the error with which a client refuses a server, or an empty string."""
    ours, theirs = socket.socketpair()
    problems: list[str] = []

    def serve() -> None:
        with contextlib.suppress(OSError), server.wrap_socket(theirs, server_side=True) as stream:
            stream.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as stream:
            stream.send(b"x")
    except ssl.SSLError as error:
        problems.append(str(error))
    thread.join()
    return "".join(problems)


@pytest.mark.parametrize(
    ("name", "trusts", "problem"),
    [
        ("service-1.eu-central-1.elb.amazonaws.com", True, ""),
        ("service-1.eu-west-1.elb.amazonaws.com", True, "Hostname mismatch"),
        ("service-1.eu-central-1.elb.amazonaws.com", False, "self-signed certificate"),
    ],
)
def test_a_client_with_strict_checks_trusts_the_certificate_for_its_name_alone(
    tmp_path: Path, name: str, trusts: bool, problem: str
) -> None:
    certificate, key = make_certificate("*.eu-central-1.elb.amazonaws.com", tmp_path)
    (tmp_path / "both.pem").write_bytes(certificate + key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "both.pem")
    client = ssl.create_default_context(cadata=certificate.decode()) if trusts else ssl.create_default_context()
    # As Python 3.13 does by default.
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    answer = handshake(server, client, name)
    assert problem in answer
    assert bool(answer) is bool(problem)
