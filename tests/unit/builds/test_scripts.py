"""The scripts that builds run, with answers in AWS's format."""

from __future__ import annotations

import io
import json
import runpy
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ROOT

SCRIPTS = ROOT / "src/cicd_templates/builds/scripts"
DIGEST = "sha256:" + "1" * 64
ENVIRONMENT = {
    "REPOSITORY": "shipping",
    "IMAGE_URI": f"1.dkr.ecr.eu-central-1.amazonaws.com/shipping@{DIGEST}",
    "SEVERITIES": "CRITICAL,HIGH",
    "UNRATED": "stop",
    "SERVICE": "pay",
    "EXECUTION_ID": "e-1",
    "EVIDENCE_BUCKET": "evidence",
}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


class Fake:
    """A fake for ECR and S3 with consecutive answers, which keeps the uploads."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.puts: list[dict[str, Any]] = []
        self.there: dict[str, bytes] = {}
        self.starts: list[dict[str, Any]] = []
        self.refusal: ClientError | None = None

    def start_image_scan(self, **request: Any) -> None:
        self.starts.append(request)
        if self.refusal:
            raise self.refusal

    def get_paginator(self, name: str) -> Fake:
        assert name == "describe_image_scan_findings"
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        assert request == {"repositoryName": "shipping", "imageId": {"imageDigest": DIGEST}}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, list) else [answer]

    def put_object(self, **request: Any) -> None:
        self.puts.append(request)
        if self.answers:
            raise self.answers[0]
        if request["Key"] in self.there:
            raise refused("PreconditionFailed")

    def get_object(self, **request: Any) -> dict[str, Any]:
        assert request["Bucket"] == "evidence"
        return {"Body": io.BytesIO(self.there[request["Key"]])}


Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def called(name: str, fake: Fake, *arguments: str) -> str:
        for key, value in ENVIRONMENT.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr("boto3.client", lambda service: fake)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        ticks = iter(range(0, 10_000, 100))
        monkeypatch.setattr("time.monotonic", lambda: float(next(ticks)))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        try:
            runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
        except SystemExit as error:
            if error.code:
                return f"exit: {error}"
        return capsys.readouterr().out

    return called


def finding(severity: str, name: str = "CVE-2026-1") -> dict[str, Any]:
    """Return a finding of basic scanning, with the keys that the API has."""
    return {"name": name, "uri": "https://nvd.example", "severity": severity, "attributes": []}


def enhanced(severity: str, name: str = "CVE-2026-1") -> dict[str, Any]:
    """Return a finding of enhanced scanning, with the keys that the API has."""
    return {"severity": severity, "status": "ACTIVE", "packageVulnerabilityDetails": {"vulnerabilityId": name}}


def page(counts: dict[str, int], *findings: Any, status: str = "COMPLETE", key: str = "findings") -> dict[str, Any]:
    found = {"findingSeverityCounts": counts, key: list(findings)}
    return {"imageScanStatus": {"status": status}, "imageScanFindings": found}


def scan(status: str, **counts: int) -> dict[str, Any]:
    """Return an answer whose counts agree with its findings."""
    return page(counts, *(finding(word) for word, number in counts.items() for _ in range(number)), status=status)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([scan("COMPLETE", LOW=2)], "found nothing that blocks the release: {'LOW': 2}", id="clean"),
        pytest.param([scan("ACTIVE")], "found nothing that blocks the release", id="watched by Inspector"),
        pytest.param(
            [refused("ScanNotFoundException"), scan("IN_PROGRESS"), scan("COMPLETE")], "found nothing", id="not yet"
        ),
        pytest.param(
            [scan("COMPLETE", CRITICAL=1)],
            f"exit: the registry's scan of {DIGEST} found vulnerabilities that block the release ({{'CRITICAL': 1}}):"
            " CVE-2026-1; see",
            id="bad",
        ),
        pytest.param(
            [page({"HIGH": 1}, enhanced("HIGH", "CVE-9"), status="ACTIVE", key="enhancedFindings")],
            "{'HIGH': 1}): CVE-9; see",
            id="bad by enhanced scanning",
        ),
        pytest.param([scan("COMPLETE", INFORMATIONAL=3)], "found nothing that blocks", id="for information"),
        pytest.param([scan("COMPLETE", UNDEFINED=1)], "{'UNRATED': 1}): CVE-2026-1", id="not rated"),
        pytest.param([scan("ACTIVE", UNTRIAGED=2)], "{'UNRATED': 2}", id="not rated by Inspector"),
        pytest.param([scan("COMPLETE", SEVERE=1)], "{'UNRATED': 1}", id="an unknown word"),
        pytest.param([page({"": 1}, {"name": "\x1b[2J"})], "{'UNRATED': 1}): ?[2J; see", id="without a word"),
        pytest.param([page({"X": 1}, "text")], "{'UNRATED': 1}): None", id="not an object"),
        pytest.param(
            [page({}, finding("CRITICAL"))],
            "differ from its list of findings, so the release is blocked: 0 CRITICAL counted and 1 listed",
            id="counts without the finding",
        ),
        pytest.param([page({"LOW": 2}, finding("LOW"))], "2 LOW counted and 1 listed", id="findings left out"),
        pytest.param([page({"LOW": 1}, finding("HIGH"))], "has counts that differ", id="another severity counted"),
        pytest.param(
            [page({"LOW": 1}), page({"LOW": 1}, finding("LOW"))], "found nothing that blocks", id="counts that settle"
        ),
        pytest.param(
            [[page({"LOW": 1, "HIGH": 1}, finding("LOW")), page({"LOW": 1, "HIGH": 1}, finding("HIGH"))]],
            "{'HIGH': 1}",
            id="on the second page",
        ),
        pytest.param([scan("COMPLETE", HIGH=7)], "CVE-2026-1, CVE-2026-1 and 2 more; see", id="many"),
        pytest.param([scan("FAILED")], "has status FAILED, so the release is blocked", id="failed"),
        pytest.param(
            [scan("UNSUPPORTED_IMAGE")], "has status UNSUPPORTED_IMAGE, so the release is blocked", id="not supported"
        ),
        pytest.param(
            [refused("ScanNotFoundException")], "has status PENDING, so the release is blocked", id="never begun"
        ),
        pytest.param([scan("IN_PROGRESS")], "has status IN_PROGRESS, so the release is blocked", id="never ended"),
    ],
)
def test_an_image_passes_only_when_its_scan_has_ended_well(
    answers: list[Any], expected: str, run: Run, tmp_path: Path
) -> None:
    found = run("image_scan", Fake(*answers), str(tmp_path / "scan.json"))

    assert expected in found
    written = json.loads((tmp_path / "scan.json").read_text())
    assert (written["digest"], written["repository"]) == (DIGEST, "shipping")


def scanned(hours_ago: float, **counts: int) -> dict[str, Any]:
    ended = datetime.now(UTC) - timedelta(hours=hours_ago)
    result = scan("COMPLETE", **counts)
    return {**result, "imageScanFindings": {**result["imageScanFindings"], "imageScanCompletedAt": ended}}


BAD = "found vulnerabilities that block the release ({'HIGH': 1})"


@pytest.mark.parametrize(
    ("answers", "refusal", "starts", "expected"),
    [
        pytest.param([refused("ScanNotFoundException"), scanned(0)], None, 1, "found nothing", id="none on push"),
        pytest.param(
            [refused("ScanNotFoundException"), refused("ScanNotFoundException"), scanned(0)],
            "LimitExceededException", 1, "found nothing", id="scan on push not known yet",
        ),
        pytest.param([scanned(23)], None, 0, "found nothing", id="of today"),
        pytest.param([scanned(25), scanned(25), scanned(0, HIGH=1)], None, 1, BAD, id="of yesterday"),
        pytest.param([scanned(25, HIGH=1), scanned(0)], None, 1, "found nothing", id="of yesterday and mended"),
        pytest.param([scanned(25)], "LimitExceededException", 1, "found nothing", id="refused"),
        pytest.param([scanned(25)], None, 1, "has status PENDING, so the release is blocked", id="never ends"),
        pytest.param([scan("ACTIVE")], None, 0, "found nothing", id="enhanced"),
        pytest.param(
            [refused("ScanNotFoundException"), scan("ACTIVE")], "ValidationException", 1, "found nothing",
            id="enhanced, not known yet",
        ),
    ],
)  # fmt: skip
def test_a_scan_is_started_if_there_is_none_or_the_last_one_is_old(
    answers: list[Any], refusal: str | None, starts: int, expected: str, run: Run, tmp_path: Path
) -> None:
    fake = Fake(*answers)
    fake.refusal = refused(refusal) if refusal else None

    assert expected in run("image_scan", fake, str(tmp_path / "scan.json"))
    assert fake.starts == [{"repositoryName": "shipping", "imageId": {"imageDigest": DIGEST}}] * starts


def test_a_scan_that_may_not_be_started_is_no_clean_scan(run: Run, tmp_path: Path) -> None:
    fake = Fake(scanned(48))
    fake.refusal = refused("AccessDenied")

    with pytest.raises(ClientError, match="AccessDenied"):
        run("image_scan", fake, str(tmp_path / "scan.json"))


@pytest.mark.parametrize(
    ("severities", "unrated", "counts", "blocks"),
    [
        ("HIGH", "stop", {"CRITICAL": 1}, True),
        ("LOW", "stop", {"MEDIUM": 1}, True),
        ("CRITICAL", "stop", {"HIGH": 1}, False),
        ("CRITICAL,HIGH", "stop", {"UNDEFINED": 1}, True),
        ("CRITICAL,HIGH", "pass", {"UNDEFINED": 1}, False),
        ("CRITICAL,HIGH", "pass", {"HIGH": 1}, True),
    ],
)
def test_more_severe_findings_block_too_and_the_configuration_decides_about_findings_without_a_severity(
    severities: str,
    unrated: str,
    counts: dict[str, int],
    blocks: bool,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "SEVERITIES", severities)
    monkeypatch.setitem(ENVIRONMENT, "UNRATED", unrated)
    found = run("image_scan", Fake(scan("COMPLETE", **counts)), str(tmp_path / "scan.json"))

    assert ("vulnerabilities that block the release" in found) is blocks
    assert ("found nothing that blocks the release" in found) is not blocks


@pytest.mark.parametrize(
    "end", ["", ":v-1", f"@{DIGEST}0", f'@{DIGEST}", "type": "PLAINTEXT"}}, {{"name": "SEVERITIES', "@sha256:1"]
)
def test_an_address_without_a_digest_is_not_scanned(
    end: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "IMAGE_URI", f"1.dkr.ecr.eu-central-1.amazonaws.com/shipping{end}")
    found = run("image_scan", Fake(scan("COMPLETE")), str(tmp_path / "scan.json"))

    assert "does not end in a digest (@sha256:<64 hexadecimal digits>)" in found


def test_a_refusal_of_the_registry_is_no_clean_scan(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        run("image_scan", Fake(refused("AccessDenied")), str(tmp_path / "scan.json"))


def test_evidence_is_put_once_under_service_and_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text("{}")
    fake = Fake()

    assert "stored pay/e-1/sbom.cdx.json" in run("put_evidence", fake, str(tmp_path / "sbom.json"), "sbom.cdx.json")
    assert fake.puts == [
        {
            "Bucket": "evidence",
            "Key": "pay/e-1/sbom.cdx.json",
            "Body": b"{}",
            "IfNoneMatch": "*",
            "ChecksumAlgorithm": "SHA256",
        }
    ]
    with pytest.raises(ClientError, match="AccessDenied"):
        run("put_evidence", Fake(refused("AccessDenied")), str(tmp_path / "sbom.json"), "x")
    (tmp_path / "sbom.json").write_text("")
    assert "is empty, so it cannot be evidence" in run("put_evidence", Fake(), str(tmp_path / "sbom.json"), "x")


def test_evidence_that_differs_from_an_earlier_attempts_is_put_beside_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text("{}")
    fake = Fake()
    fake.there = {"pay/e-1/sbom.cdx.json": b"{}"}
    assert "has already stored pay/e-1/sbom.cdx.json" in run(
        "put_evidence", fake, str(tmp_path / "sbom.json"), "sbom.cdx.json"
    )

    fake.there = {"pay/e-1/sbom.cdx.json": b"other", "pay/e-1/sbom.cdx-2.json": b"another"}
    assert "stored pay/e-1/sbom.cdx-3.json" in run("put_evidence", fake, str(tmp_path / "sbom.json"), "sbom.cdx.json")

    fake.there = {f"pay/e-1/a{number}.b": b"" for number in ("", *(f"-{each}" for each in range(2, 10)))}
    assert "a.b: this key and the numbered keys up to pay/e-1/a-9.b already have other content" in run(
        "put_evidence", fake, str(tmp_path / "sbom.json"), "a.b"
    )
