"""The output of `npm audit --json`: its advisories, the affected packages, and counts that contradict the list."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.functions.scan_gate.formats import read_report
from cicd_templates.functions.scan_gate.reading import Report
from tests.unit.functions.sample_reports import NPM_ADVISORY, as_bytes, npm_audit, replaced, without

FOUND = npm_audit(minimist=[NPM_ADVISORY], mkdirp=["minimist"])


def read(report: Any) -> Report:
    return read_report("npm-audit", as_bytes(report))


def test_an_advisory_is_one_finding_however_many_packages_it_reaches() -> None:
    report = read(FOUND)
    (finding,) = report.findings

    assert (report.status, report.covered) == ("ok", "2 packages")
    assert (finding.id, finding.severity, finding.cwe) == ("GHSA-xvch-5gv4-984h", "critical", [1321])
    assert (finding.package, finding.version, finding.fix) == ("minimist", "<1.2.6", "npm audit fix")


@pytest.mark.parametrize(
    ("available", "fix"),
    [
        (True, "npm audit fix"),
        (False, ""),
        (None, None),
        ({"name": "mkdirp", "version": "3.0.1", "isSemVerMajor": True}, "mkdirp 3.0.1"),
    ],
)
def test_a_fix_is_what_npm_says_that_there_is(available: Any, fix: str | None) -> None:
    (finding,) = read(replaced(FOUND, available, "vulnerabilities", "minimist", "fixAvailable")).findings

    assert finding.fix == fix


@pytest.mark.parametrize(
    ("word", "severity"), [("moderate", "medium"), ("info", "info"), ("high", "high"), (None, "unknown")]
)
def test_the_severity_is_that_of_the_advisory(word: Any, severity: str) -> None:
    (finding,) = read(npm_audit(minimist=[{**NPM_ADVISORY, "severity": word}])).findings

    assert finding.severity == severity


def test_an_advisory_without_an_address_or_a_package_keeps_a_name() -> None:
    advisory = {key: value for key, value in NPM_ADVISORY.items() if key not in ("url", "name")}
    (finding,) = read(npm_audit(minimist=[advisory])).findings

    assert (finding.id, finding.package) == ("npm-1096727", "minimist")


@pytest.mark.parametrize(
    ("report", "status", "reason"),
    [
        pytest.param(
            {"message": "405 Method Not Allowed", "error": {"summary": ""}},
            "error",
            "npm did not write it",
            id="an error",
        ),
        pytest.param(replaced(FOUND, 1, "auditReportVersion"), "error", "supports only 2", id="npm 6"),
        pytest.param(replaced(FOUND, [], "vulnerabilities"), "error", "vulnerabilities is not an object", id="a list"),
        pytest.param(
            replaced(FOUND, {}, "vulnerabilities"),
            "incomplete",
            "states 2 vulnerable packages but lists 0",
            id="removed",
        ),
        pytest.param(
            without(FOUND, "vulnerabilities", "minimist"),
            "incomplete",
            "the report lists no advisory for minimist",
            id="a cause that is not listed",
        ),
        pytest.param(npm_audit(minimist=[]), "incomplete", "no advisory for minimist", id="a package without a cause"),
        pytest.param(npm_audit(minimist=None), "incomplete", "no advisory for minimist", id="no list of causes"),
        pytest.param(npm_audit(minimist=[7]), "error", "via is not a list of objects", id="a cause that is a number"),
        pytest.param(
            replaced(FOUND, "low", "vulnerabilities", "mkdirp", "severity"),
            "incomplete",
            "the report states 0 packages of severity low but lists 1",
            id="counts by severity",
        ),
        pytest.param(
            replaced(npm_audit(), 0, "metadata", "dependencies", "total"),
            "incomplete",
            "no package was scanned",
            id="nothing scanned",
        ),
        pytest.param(
            without(npm_audit(), "metadata", "dependencies"), "incomplete", "no package was scanned", id="no count"
        ),
    ],
)
def test_a_report_that_says_less_than_it_should_does_not_pass(report: Any, status: str, reason: str) -> None:
    found = read(report)

    assert found.status == status
    assert reason in found.reason
