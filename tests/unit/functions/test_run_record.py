"""The run record: it binds a report to a run, and its exit code must not contradict the report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cicd_templates.functions.scan_gate.exit_codes import check_run
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.record import record_problem

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "check": "style",
    "format": "sarif",
    "source_version": "c0ffee",
    "execution": "e-7",
    "source_digest": "d" * 64,
    "not_read": [],
    "tool_version": "eslint v9.1.0",
    "exit_code": 0,
    "started": "2027-03-01T11:00:00Z",
    "finished": "2027-03-01T11:05:00Z",
}


def problem(**changes: Any) -> str:
    data = json.dumps({**RECORD, **changes}).encode()
    return record_problem(data, "style", "sarif", "c0ffee", execution="e-7", now=NOW)


def test_a_record_of_this_run_has_no_problem() -> None:
    assert problem() == ""
    assert problem(finished=str(NOW + timedelta(minutes=59))) == ""
    assert problem(started="2027-02-22T12:00:00Z", finished="2027-02-22T12:00:00Z") == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"execution": "e-6"}, "run.json has execution 'e-6' instead of 'e-7'"),
        ({"execution": None}, "run.json has execution None instead of 'e-7'"),
        (
            {"started": "2027-02-22T11:00:00Z", "finished": "2027-02-22T11:59:59Z"},
            "run.json is from 2027-02-22 11:59, but a report is valid for only 7 days",
        ),
        (
            {"finished": "2027-03-01T13:00:01Z"},
            "run.json is from 2027-03-01 13:00, but a report is valid for only 7 days",
        ),
        ({"started": "2027-03-01T11:00:00", "finished": "2027-03-01T11:05:00"}, "run.json is not a valid run record"),
        ({"tool_version": "  "}, "shows that the tool could not be run (version '  ', exit code 0)"),
        ({"tool_version": "unknown"}, "could not be run (version 'unknown', exit code 0)"),
        ({"tool_version": 7}, "could not be run (version 7, exit code 0)"),
        ({"exit_code": True}, "could not be run (version 'eslint v9.1.0', exit code True)"),
        ({"exit_code": False}, "could not be run (version 'eslint v9.1.0', exit code False)"),
        ({"exit_code": "0"}, "could not be run (version 'eslint v9.1.0', exit code '0')"),
        ({"exit_code": 3221225786}, "could not be run (version 'eslint v9.1.0', exit code 3221225786)"),
        ({"exit_code": -15}, "run.json shows that signal 15 terminated the tool"),
        ({"exit_code": 143}, "run.json shows that signal 15 terminated the tool"),
        ({"exit_code": -64}, "run.json shows that signal 64 terminated the tool"),
        ({"exit_code": -300}, "run.json shows that the tool was stopped before its end (exit code -300)"),
        ({"exit_code": 124}, "run.json shows that the tool was stopped before its end (exit code 124)"),
    ],
)
def test_a_record_of_another_run_or_of_one_that_was_stopped_has_a_problem(changes: Any, expected: str) -> None:
    assert expected in problem(**changes)


def test_execution_and_age_count_where_they_are_known() -> None:
    old = json.dumps({**RECORD, "execution": "e-1", "started": "2020-01-01", "finished": "2020-01-01"}).encode()

    assert record_problem(old, "style", "sarif", None) == ""


FOUND = Finding("t", "R1", None, "low", file="a.js")


@pytest.mark.parametrize(
    ("tool", "version", "code", "findings", "reason"),
    [
        ("eslint", "v9", 0, [], ""),
        ("eslint", "v9", 1, [FOUND], ""),
        ("eslint", "v9", 1, [], "run.json has the exit code 1, but the report has no finding"),
        ("eslint", "v9", 2, [FOUND], "run.json has the exit code 2: its configuration is wrong or it crashed"),
        ("", "pytest 9.2.0", 3, [FOUND], "run.json has the exit code 3: pytest had an internal error"),
        ("jest", "29.7", 1, [FOUND], ""),
        ("jest", "29.7", 7, [], "run.json has the exit code 7, but the report has no finding"),
        ("safety", "safety, version 3.2.4", 64, [FOUND], ""),
        ("safety", "safety, version 3.2.4", 66, [FOUND], "run.json has the exit code 66: it sent too many requests"),
        ("", "safety, version 3.2.4", 1, [FOUND], "run.json has the exit code 1: it failed"),
        ("safety", "1.10", 255, [FOUND], ""),
        ("snyk", "1.1307", 3, [FOUND], "run.json has the exit code 3: it found no supported project"),
        ("semgrep", "1.90", 7, [FOUND], "run.json has the exit code 7: it failed"),
        ("detect-secrets", "1.5.0", 1, [FOUND], "run.json has the exit code 1: it failed"),
        ("osv-scanner", "1.9", 128, [FOUND], "run.json has the exit code 128: it found no packages"),
    ],
)
def test_an_exit_code_that_contradicts_the_report_makes_it_incomplete(
    tool: str, version: str, code: int, findings: list[Finding], reason: str
) -> None:
    report = Report(findings)
    check_run(json.dumps({**RECORD, "tool_version": version, "exit_code": code}).encode(), tool, report)

    assert (report.status, report.reason) == ("incomplete" if reason else "ok", reason)


def test_a_suppressed_finding_explains_an_exit_code() -> None:
    report = Report(suppressed=[FOUND])
    check_run(json.dumps({**RECORD, "exit_code": 1}).encode(), "trivy", report)

    assert report.status == "ok"


@pytest.mark.parametrize(("stated", "status"), [("9.1.0", "ok"), ("", "ok"), ("8.0.0", "incomplete")])
def test_the_version_that_a_report_states_is_the_recorded_one(stated: str, status: str) -> None:
    report = Report(tool_version=stated)
    check_run(json.dumps(RECORD).encode(), "eslint", report)

    assert report.status == status
    assert report.reason in ("", "the report names the tool's version 8.0.0, but run.json has eslint v9.1.0")
