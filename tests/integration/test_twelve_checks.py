"""A service with twelve checks, which is more than a Lambda action accepts as input artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cicd_templates.rehearsal.result import ActionState
from tests.integration.rehearsed_example import Rehearsed, rehearsed
from tests.projects.rendering import rendered_project

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.xdist_group("twelve-checks")]
EVIDENCE = "dozen-tools-evidence-111111111111-eu-central-1"
SCANNERS = ["checkov", "codeql", "eslint", "gitleaks", "hadolint"]
CHECKS = ["unit-tests", "contracts", "bandit", "scripts", "safety", "snyk", "secrets", *SCANNERS]


@pytest.fixture(scope="module")
def dozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    with rehearsed(tmp_path_factory.mktemp("dozen"), out=rendered_project("twelve-checks") / "out") as example:
        yield example


def verdict(rehearsal: Rehearsed, name: str = "verdict.json") -> dict[str, Any]:
    s3 = rehearsal.run.setup.root_session(rehearsal.run.pipeline.role).client("s3")
    body = s3.get_object(Bucket=EVIDENCE, Key=f"ledger/{rehearsal.run.execution}/{name}")["Body"].read()
    content: dict[str, Any] = json.loads(body)
    return content


def test_twelve_checks_pass_through_the_gate_to_production(dozen: Rehearsed) -> None:
    result = dozen.rehearsal.result

    assert [(step.path, step.error) for step in result.steps if step.state is not ActionState.SUCCEEDED] == []
    assert result.succeeded
    assert len([step for step in result.steps if step.path.startswith("Verify/")]) == 12
    decided = verdict(dozen)
    assert (decided["verdict"], list(decided["covered"])) == ("PASS", CHECKS)


def test_the_verdict_has_the_exact_version_of_every_report(dozen: Rehearsed) -> None:
    reports = verdict(dozen)["reports"]
    s3 = dozen.run.setup.root_session(dozen.run.pipeline.role).client("s3")

    assert list(reports) == CHECKS
    for check, stored in reports.items():
        newest = s3.head_object(Bucket=dozen.run.pipeline.bucket, Key=stored["key"])
        assert (newest["VersionId"], len(stored["sha256"])) == (stored["version"], 64), check


@pytest.mark.parametrize("check", ["unit-tests", "hadolint"])
def test_a_check_whose_retry_failed_has_no_report(dozen: Rehearsed, check: str) -> None:
    name = "".join(word.capitalize() for word in check.split("-"))
    with dozen.listed(f"Verify/{name}", "Failed"):
        step = dozen.again("Gate/Gate")

    assert step.state is ActionState.FAILED
    assert f"- **{check}**: its report is missing" in step.error


def test_one_finding_among_twelve_reports_stops_the_release(dozen: Rehearsed) -> None:
    found = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "codeql"}}, "results": []}]}
    found["runs"][0]["results"] = [{"ruleId": "js/sql-injection", "level": "error", "message": {"text": "injection"}}]  # type: ignore[index]
    step = dozen.again("Gate/Gate", reports={"CodeqlReport": {"report.json": json.dumps(found)}})

    assert step.state is ActionState.FAILED
    assert "**high** js/sql-injection" in step.error


def test_a_report_of_another_check_does_not_count(dozen: Rehearsed) -> None:
    record = {
        "run.json": dozen.file("EslintReport", "run.json"),
        "report.json": dozen.file("EslintReport", "report.json"),
    }
    step = dozen.again("Gate/Gate", reports={"GitleaksReport": record})

    assert step.state is ActionState.FAILED
    assert "check 'eslint' instead of 'gitleaks'" in step.error
