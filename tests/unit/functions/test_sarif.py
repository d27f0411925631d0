"""SARIF as specified: levels, rules, taxa, results outside a run, and failed invocations."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.functions.scan_gate.formats import read_report
from tests.unit.functions.sample_reports import as_bytes, sarif

NOTE = {"id": "N1", "guid": "0000-N1", "defaultConfiguration": {"level": "note"}}
SCORED = {"id": "SC", "properties": {"security-severity": "9.1"}}
RULES = [NOTE, SCORED, {"id": "PLAIN"}, {"id": "DEEP/er", "defaultConfiguration": {"level": "error"}}]
PLUGIN = {
    "name": "plugin",
    "guid": "AAAA-P",
    "rules": [{"id": "N1", "defaultConfiguration": {"level": "error"}}, {"id": "P2", "guid": "0000-P2"}],
}


def log(*results: dict[str, Any], rules: Any = RULES, extensions: Any = (PLUGIN,), **run: Any) -> dict[str, Any]:
    report = sarif(*results, rules=rules, **run)
    report["runs"][0]["tool"]["extensions"] = list(extensions)
    return report


def read(report: Any) -> Any:
    return read_report("sarif", as_bytes(report))


def raised(*levels: tuple[dict[str, Any], str], **more: Any) -> dict[str, Any]:
    overrides = [{"descriptor": descriptor, "configuration": {"level": level}} for descriptor, level in levels]
    return {"executionSuccessful": True, "ruleConfigurationOverrides": overrides, **more}


@pytest.mark.parametrize(
    ("result", "run", "expected"),
    [
        pytest.param({"ruleId": "N1"}, {}, ("note", "low", True), id="default of the rule"),
        pytest.param({"ruleId": "N1", "level": "error"}, {}, ("error", "high", True), id="own level"),
        pytest.param({"ruleId": "PLAIN"}, {}, ("warning", "unknown", False), id="no level anywhere"),
        pytest.param({"ruleId": "NONE"}, {}, ("warning", "unknown", False), id="no rule"),
        pytest.param({"message": {"text": "m"}}, {}, ("warning", "unknown", False), id="neither rule nor id"),
        pytest.param(
            {"ruleId": "PLAIN", "properties": {"issue_severity": "MEDIUM"}},
            {},
            ("warning", "medium", True),
            id="property",
        ),
        pytest.param(
            {"ruleId": "X", "properties": {"problem.severity": "recommendation"}},
            {},
            ("warning", "low", True),
            id="recommendation of CodeQL",
        ),
        pytest.param(
            {"ruleId": "N1"}, {"invocations": [raised(({"id": "N1"}, "error"))]}, ("error", "high", True), id="raised"
        ),
        pytest.param(
            {"ruleIndex": 0, "provenance": {"invocationIndex": 1}},
            {"invocations": [raised(({"index": 0}, "error")), raised(({"guid": "0000-n1"}, "warning"))]},
            ("warning", "medium", True),
            id="raised in its own invocation",
        ),
        pytest.param(
            {"ruleIndex": 0, "provenance": {"invocationIndex": 1}},
            {"invocations": [raised(({"index": 0}, "error")), raised()]},
            ("note", "low", True),
            id="raised in another invocation",
        ),
        pytest.param(
            {"ruleId": "DEEP/er"},
            {"invocations": [raised(({"id": "DEEP/er"}, "note"))]},
            ("error", "high", True),
            id="the worst if the invocation is unknown",
        ),
        pytest.param(
            {"ruleId": "N1"}, {"invocations": [raised(({"id": "N1"}, "fatal"))]}, ("fatal", "unknown", True), id="odd"
        ),
        pytest.param(
            {"ruleId": "N1"},
            {"invocations": [raised(({"id": "GONE"}, "error"))]},
            ("note", "low", True),
            id="no such rule",
        ),
        pytest.param({"ruleId": "SC/sub/rule"}, {}, ("warning", "critical", True), id="rule above"),
        pytest.param({"ruleId": "DEEP/er"}, {}, ("error", "high", True), id="a rule whose id has a slash"),
        pytest.param(
            {"rule": {"id": "N1", "toolComponent": {"name": "plugin"}}},
            {},
            ("error", "high", True),
            id="component's name",
        ),
        pytest.param(
            {"rule": {"index": 0, "toolComponent": {"guid": "aaaa-p"}}},
            {},
            ("error", "high", True),
            id="component's guid",
        ),
        pytest.param(
            {"rule": {"index": 0, "toolComponent": {"index": 0}}}, {}, ("error", "high", True), id="component's index"
        ),
        pytest.param({"rule": {"guid": "0000-n1"}, "ruleId": "z"}, {}, ("note", "low", True), id="rule's guid"),
        pytest.param(
            {"ruleId": "N1", "rule": {"toolComponent": {"index": 7}}}, {}, ("note", "low", True), id="no such component"
        ),
        pytest.param({"ruleId": "N1", "ruleIndex": True}, {}, ("note", "low", True), id="an index that is no number"),
        pytest.param({"ruleId": "N1", "ruleIndex": -1}, {}, ("note", "low", True), id="no index"),
    ],
)
def test_a_level_is_the_results_own_or_that_of_the_invocation_or_that_of_the_rule(
    result: Any, run: Any, expected: tuple[str, str, bool]
) -> None:
    report = read(log(result, **run))
    (finding,) = report.findings

    assert report.status == "ok", report.reason
    assert (finding.tool_severity, finding.severity, finding.stated) == expected


@pytest.mark.parametrize(
    ("level", "own", "general", "severity"),
    [
        ("note", "7,5", None, "unknown"),
        ("none", "n/a", None, "unknown"),
        ("error", "n/a", None, "high"),
        ("note", "Moderate", None, "medium"),
        ("note", None, "8.8", "high"),
        ("note", 9.9, "1.0", "critical"),
        ("note", "0.0", None, "low"),
        ("note", True, None, "unknown"),
        ("note", ["9.8"], None, "unknown"),
        ("note", 10**400, None, "unknown"),
        ("warning", "nan", None, "unknown"),
        ("warning", "inf", None, "critical"),
        (None, "0.0", None, "unknown"),
        (None, "weak", None, "unknown"),
    ],
)
def test_a_score_counts_unless_it_is_null_and_one_that_is_no_number_is_unknown(
    level: str | None, own: Any, general: Any, severity: str
) -> None:
    rule = {"id": "R", "properties": {"security-severity": general}}
    result = {"ruleId": "R", "level": level, "properties": {"security-severity": own}}
    (finding,) = read(sarif(result, rules=[rule])).findings

    assert finding.severity == severity


CWE = {
    "name": "CWE",
    "guid": "CCCC-W",
    "taxa": [{"id": "78", "guid": "0000-78"}, {"id": "CWE-190"}, {"name": "CWE-1236"}],
}
OTHER = {"name": "OWASP", "guid": "OOOO-W", "taxa": [{"id": "1"}]}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"id": "CWE-611"}, [611]),
        ({"id": "611", "toolComponent": {"name": "CWE"}}, [611]),
        ({"id": "664/668/22", "toolComponent": {"name": "Common Weakness Enumeration"}}, [22, 664, 668]),
        ({"id": "89", "toolComponent": {"guid": "cccc-w"}}, [89]),
        ({"id": "94", "toolComponent": {"index": 1}}, [94]),
        ({"index": 0, "toolComponent": {"name": "CWE"}}, [78]),
        ({"index": 1, "toolComponent": {"index": 1}}, [190]),
        ({"index": 2, "toolComponent": {"guid": "CCCC-W"}}, [1236]),
        ({"guid": "0000-78"}, [78]),
        ({"id": "89", "toolComponent": {"name": "OWASP"}}, []),
        ({"id": "4.1", "toolComponent": {"name": "CWE"}}, []),
        ({"index": 9, "toolComponent": {"index": 9}}, []),
        ({}, []),
    ],
)
def test_a_weakness_is_found_however_a_taxon_is_written(reference: Any, expected: list[int]) -> None:
    rule = {"id": "R", "relationships": [{"target": reference}]}
    by_rule = read(sarif({"ruleId": "R", "level": "note"}, rules=[rule], taxonomies=[OTHER, CWE])).findings[0]
    by_result = read(sarif({"ruleId": "X", "level": "note", "taxa": [reference]}, taxonomies=[OTHER, CWE])).findings[0]

    assert (by_rule.cwe, by_result.cwe) == (expected, expected)


def test_a_finding_has_the_id_that_the_result_gives_its_rule() -> None:
    (finding,) = read(sarif({"rule": {"id": "SC/part"}}, rules=[SCORED])).findings

    assert (finding.id, finding.severity) == ("SC/part", "critical")


def test_an_absent_result_was_in_the_baseline_and_is_gone() -> None:
    results = [{"ruleId": state, "level": "error", "baselineState": state} for state in ("absent", "new", "unchanged")]

    assert [finding.id for finding in read(sarif(*results)).findings] == ["new", "unchanged"]


@pytest.mark.parametrize(
    ("run", "status", "reason"),
    [
        ({"invocations": [{"executionSuccessful": False}]}, "error", "Gosec reports that it did not succeed"),
        ({"invocations": [{"executionSuccessful": "yes"}]}, "error", "Gosec reports that it did not succeed"),
        ({"invocations": [{}]}, "error", "Gosec reports that it did not succeed"),
        ({"invocations": [raised(exitSignalName="SIGKILL")]}, "error", "a signal terminated Gosec"),
        ({"invocations": [raised(exitSignalNumber=9)]}, "error", "a signal terminated Gosec"),
        ({"invocations": [raised(exitCode=137)]}, "error", "a signal terminated Gosec"),
        ({"invocations": [raised(exitCode=-11)]}, "error", "a signal terminated Gosec"),
        ({"invocations": [raised(processStartFailureMessage="no")]}, "error", "Gosec could not be started"),
        ({"invocations": [raised(exitCode=2)]}, "incomplete", "Gosec exited with 2, but reported no result"),
        ({"invocations": [raised(exitCode=0)]}, "ok", ""),
        (
            {"externalPropertyFileReferences": {"invocations": [{}]}},
            "incomplete",
            "a run keeps its invocations in another file",
        ),
        (
            {"externalPropertyFileReferences": {"driver": {"location": {}}}},
            "incomplete",
            "a run keeps its driver in another file",
        ),
        ({"externalPropertyFileReferences": {"taxonomies": [{}]}}, "ok", ""),
        ({"results": None}, "incomplete", "a run has no results"),
    ],
)
def test_a_run_that_failed_or_lies_elsewhere_does_not_pass(run: Any, status: str, reason: str) -> None:
    report = read(sarif(**run))

    assert report.status == status
    assert reason in report.reason


NOTIFICATIONS = [
    {"id": "BAD", "defaultConfiguration": {"level": "error"}},
    {"id": "INFO", "defaultConfiguration": {"level": "note"}},
]


@pytest.mark.parametrize(
    ("notice", "more", "tool", "status"),
    [
        ({"descriptor": {"id": "BAD"}}, {}, "Gosec", "incomplete"),
        ({"descriptor": {"index": 0}, "level": "note"}, {}, "Gosec", "ok"),
        ({"descriptor": {"id": "INFO"}}, {}, "Gosec", "ok"),
        (
            {"descriptor": {"id": "INFO"}},
            {
                "notificationConfigurationOverrides": [
                    {"descriptor": {"id": "INFO"}, "configuration": {"level": "error"}}
                ]
            },
            "Gosec",
            "incomplete",
        ),
        ({"level": "note", "exception": {"kind": "StackOverflow"}}, {}, "Gosec", "incomplete"),
        ({"message": {"text": "x"}}, {}, "Gosec", "ok"),
        ({"descriptor": {"id": "Timeout"}, "level": "warning"}, {}, "Semgrep OSS", "incomplete"),
    ],
)
def test_a_notification_has_its_own_level_or_that_of_its_descriptor(
    notice: Any, more: Any, tool: str, status: str
) -> None:
    report = sarif(tool=tool, invocations=[raised(toolExecutionNotifications=[notice], **more)])
    report["runs"][0]["tool"]["driver"]["notifications"] = NOTIFICATIONS

    assert read(report).status == status


@pytest.mark.parametrize(
    ("properties", "ids", "status"),
    [
        ({"results": [{"ruleId": "B", "level": "error"}]}, ["A", "B"], "ok"),
        ({"runGuid": "1-A", "results": [{"ruleId": "B", "level": "error"}]}, ["A", "B"], "ok"),
        ({"runGuid": "other", "results": [{"ruleId": "B", "level": "error"}]}, ["A", "B"], "ok"),
        ({"invocations": [{"executionSuccessful": False}]}, ["A"], "error"),
        ({"guid": "2"}, ["A"], "ok"),
    ],
)
def test_what_a_log_keeps_beside_its_runs_belongs_to_them(properties: Any, ids: list[str], status: str) -> None:
    report = sarif({"ruleId": "A", "level": "error"}, automationDetails={"guid": "1-a"})
    found = read({**report, "inlineExternalProperties": [properties]})

    assert (found.status, [finding.id for finding in found.findings]) == (status, ids)


def test_a_driver_that_a_log_keeps_beside_its_runs_names_the_tool() -> None:
    report = sarif()
    del report["runs"][0]["tool"]
    inline = [{"driver": {"name": "Checkov"}, "results": []}]

    assert read({**report, "inlineExternalProperties": inline}).writers == ["Checkov"]
    assert read({"version": "2.1.0", "runs": [], "inlineExternalProperties": inline}).status == "incomplete"
