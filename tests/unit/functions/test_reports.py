"""Reports of scanners: every finding and every omission is read, and a broken report never counts as clean."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.cli import main
from cicd_templates.functions.scan_gate.formats import READERS, format_of, read_report
from cicd_templates.functions.scan_gate.severity import by_score, cwe_numbers, normalised_severity

CORPUS = os.environ.get("SCAN_REPORT_CORPUS")
BANDIT_ROW = {
    "test_id": "B602",
    "issue_severity": "HIGH",
    "issue_confidence": "HIGH",
    "issue_cwe": {"id": 78},
    "filename": "a.py",
    "line_number": 3,
}
BANDIT = {"results": [BANDIT_ROW], "errors": [], "metrics": {"_totals": {"loc": 10}}}
SAFETY = {
    "report_meta": {"packages_found": 1},
    "vulnerabilities": [
        {
            "vulnerability_id": "1",
            "CVE": "CVE-2026-1",
            "package_name": "flask",
            "analyzed_version": "0.12",
            "severity": {"cvssv3": {"base_severity": "CRITICAL"}},
            "fixed_versions": ["1.0"],
        },
        {"vulnerability_id": "2", "ignored": True, "ignored_reason": "not used"},
        {"vulnerability_id": "3", "ignored": {}, "severity": None},
    ],
}
SCAN = {
    "meta": {"schema_version": "3.0"},
    "scan_results": {
        "projects": [
            {
                "files": [
                    {
                        "results": {
                            "dependencies": [
                                {
                                    "name": "flask",
                                    "specifications": [
                                        {
                                            "raw": "flask==0.12",
                                            "vulnerabilities": {
                                                "known_vulnerabilities": [
                                                    {"id": "1", "ignored": None},
                                                    {"id": "2", "ignored": {"code": "x"}},
                                                ]
                                            },
                                        }
                                    ],
                                }
                            ]
                        }
                    }
                ]
            }
        ]
    },
}
SECRETS = {
    "version": "1.5.0",
    "plugins_used": [{"name": "AWSKeyDetector"}],
    "results": {"a.py": [{"type": "AWS Access Key", "hashed_secret": "07ba", "line_number": 1}]},
}
SNYK_ROW = {
    "id": "SNYK-1",
    "severity": "high",
    "severityWithCritical": "critical",
    "identifiers": {"CWE": ["CWE-79", "CWE-20"], "CVE": ["CVE-2026-1"], "GHSA": ["GHSA-x"]},
    "packageName": "flask",
    "version": "0.12",
    "fixedIn": ["1.0"],
}
RULES = [
    {"id": "R0", "defaultConfiguration": {"level": "error"}, "properties": {"tags": ["external/cwe/cwe-78"]}},
    {"id": "R1", "relationships": [{"target": {"id": "CWE-89"}}]},
]


def sarif(*results: dict[str, Any], **run: Any) -> dict[str, Any]:
    driver = {"name": "tool", "rules": RULES}
    extension = {"name": "more", "rules": [{"id": "E0", "defaultConfiguration": {"level": "note"}}]}
    runs = [{"tool": {"driver": driver, "extensions": [extension]}, "results": list(results), **run}]
    return {"version": "2.1.0", "runs": runs}


def read(form: str, value: Any) -> Any:
    return read_report(form, value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        pytest.param("bandit", BANDIT, [("B602", "HIGH", "high", [78])], id="bandit"),
        pytest.param(
            "bandit",
            {**BANDIT, "results": [{**BANDIT_ROW, "issue_confidence": "LOW", "issue_cwe": None}]},
            [("B602", "HIGH", "medium", [])],
            id="bandit guesses",
        ),
        pytest.param("detect-secrets", SECRETS, [("AWS Access Key", None, "high", [798])], id="detect-secrets"),
        pytest.param(
            "safety", [["flask", "<1", "0.12", "bad", "36388"]], [("36388", None, "unknown", [])], id="safety 1"
        ),
        pytest.param(
            "safety", SAFETY, [("1", "CRITICAL", "critical", []), ("3", None, "unknown", [])], id="safety check"
        ),
        pytest.param("safety", SCAN, [("1", None, "unknown", [])], id="safety scan"),
        pytest.param(
            "snyk",
            {"ok": False, "vulnerabilities": [SNYK_ROW], "dependencyCount": 3},
            [("SNYK-1", "high", "critical", [20, 79])],
            id="snyk, where an old word is weaker",
        ),
        pytest.param(
            "snyk",
            [
                {
                    "vulnerabilities": [],
                    "dependencyCount": 9,
                    "applications": [{"ok": False, "vulnerabilities": [SNYK_ROW]}],
                }
            ],
            [("SNYK-1", "high", "critical", [20, 79])],
            id="snyk container with an application",
        ),
        pytest.param(
            "snyk",
            {"issues": [{"issueId": "U1"}], "issuesData": {"U1": {"severity": "low"}}},
            [("U1", "low", "low", [])],
            id="snyk unmanaged",
        ),
        pytest.param(
            "snyk",
            {"infrastructureAsCodeIssues": [{"id": "I1", "severity": "medium"}], "dependencyCount": 0},
            [("I1", "medium", "medium", [])],
            id="snyk infrastructure",
        ),
        pytest.param(
            "pip-audit",
            {
                "dependencies": [
                    {"name": "a", "version": "1", "vulns": [{"id": "P", "aliases": ["C"], "fix_versions": ["2"]}]}
                ]
            },
            [("P", None, "unknown", [])],
            id="pip-audit",
        ),
        pytest.param(
            "pip-audit", [{"name": "a", "vulns": [{"id": "P"}]}], [("P", None, "unknown", [])], id="pip-audit, old"
        ),
        pytest.param(
            "trivy",
            {
                "SchemaVersion": 2,
                "Results": [
                    {
                        "Target": "t",
                        "Vulnerabilities": [{"VulnerabilityID": "V", "Severity": "HIGH", "CweIDs": ["CWE-1"]}],
                        "Misconfigurations": [{"ID": "M", "Status": "PASS"}, {"ID": "N", "Severity": "LOW"}],
                        "Secrets": [{"RuleID": "S", "Severity": "CRITICAL"}],
                        "Licenses": [{"Name": "L", "Severity": "NEGLIGIBLE"}],
                    }
                ],
            },
            [
                ("V", "HIGH", "high", [1]),
                ("N", "LOW", "low", []),
                ("S", "CRITICAL", "critical", []),
                ("L", "NEGLIGIBLE", "info", []),
            ],
            id="trivy",
        ),
        pytest.param(
            "trivy",
            {
                "ClusterName": "c",
                "Resources": [{"Results": [{"Target": "t", "Vulnerabilities": [{"VulnerabilityID": "V"}]}]}],
            },
            [("V", None, "unknown", [])],
            id="trivy of a cluster",
        ),
        pytest.param(
            "trivy", [{"Target": "t", "Secrets": [{"RuleID": "S"}]}], [("S", None, "unknown", [])], id="trivy, old"
        ),
        pytest.param(
            "grype",
            {
                "descriptor": {"name": "grype"},
                "matches": [
                    {"vulnerability": {"id": "G", "severity": "Negligible"}, "relatedVulnerabilities": [{"id": "C"}]}
                ],
            },
            [("G", "Negligible", "info", [])],
            id="grype",
        ),
        pytest.param(
            "semgrep",
            {
                "errors": [],
                "results": [
                    {
                        "check_id": "r",
                        "path": "a.js",
                        "extra": {"severity": "ERROR", "metadata": {"cwe": ["CWE-352: Forgery"]}},
                    },
                    {"check_id": "s", "path": "a.js", "extra": {"severity": "CRITICAL"}},
                ],
            },
            [("r", "ERROR", "high", [352]), ("s", "CRITICAL", "critical", [])],
            id="semgrep",
        ),
        pytest.param(
            "cyclonedx",
            {
                "bomFormat": "CycloneDX",
                "specVersion": "1.4",
                "vulnerabilities": [
                    {
                        "id": "C",
                        "ratings": [{"severity": "low"}, {"severity": "High"}, {}],
                        "cwes": [502, 184],
                        "affects": [{"ref": "pkg:x"}],
                    },
                    {"id": "D"},
                ],
            },
            [("C", "high", "high", [184, 502]), ("D", None, "unknown", [])],
            id="cyclonedx",
        ),
        pytest.param("sarif", sarif({"ruleIndex": 0}), [("R0", "error", "high", [78])], id="sarif by index"),
        pytest.param("sarif", sarif({"ruleId": "R1"}), [("R1", "warning", "unknown", [89])], id="sarif by id"),
        pytest.param(
            "sarif",
            sarif({"rule": {"index": 0, "toolComponent": {"index": 0}}, "taxa": [{"id": "CWE-5"}]}),
            [("E0", "note", "low", [5])],
            id="sarif by extension",
        ),
        pytest.param(
            "sarif",
            sarif({"ruleId": "X", "level": "note", "properties": {"security-severity": "9.8", "cwe": "CWE-22"}}),
            [("X", "note", "critical", [22])],
            id="sarif by score",
        ),
        pytest.param(
            "sarif",
            sarif({"ruleId": "X", "properties": {"security-severity": "nan"}}),
            [("X", "warning", "unknown", [])],
            id="sarif with a score that is no number",
        ),
        pytest.param(
            "sarif",
            sarif(
                {"ruleId": "A", "suppressions": [{"kind": "inSource"}]},
                {"ruleId": "B", "suppressions": [{"status": "rejected"}]},
                {"ruleId": "C", "kind": "pass"},
                {"ruleId": "D", "level": "odd"},
            ),
            [("B", "warning", "unknown", []), ("D", "odd", "unknown", [])],
            id="sarif suppressed",
        ),
        pytest.param(
            "junit",
            b'<testsuites><testsuite><testcase classname="t" name="a"/><testcase classname="t" name="b" line="4">'
            b'<failure/></testcase><testcase name="c"><error/></testcase></testsuite></testsuites>',
            [("t.b", "failed", "high", []), ("c", "failed", "high", [])],
            id="junit",
        ),
    ],
)
def test_each_finding_is_read_with_its_severity_and_weaknesses(form: str, value: Any, expected: list[Any]) -> None:
    report = read(form, value)

    assert report.status == "ok", report.reason
    assert [(each.id, each.tool_severity, each.severity, each.cwe) for each in report.findings] == expected


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        pytest.param("safety", SAFETY, ["2"], id="safety check"),
        pytest.param(
            "safety",
            {**SAFETY, "vulnerabilities": [], "ignored_vulnerabilities": [{"vulnerability_id": "9"}]},
            ["9"],
            id="safety check, apart",
        ),
        pytest.param("safety", SCAN, ["2"], id="safety scan"),
        pytest.param(
            "snyk",
            {
                "ok": True,
                "dependencyCount": 3,
                "vulnerabilities": [],
                "filtered": {"ignore": [SNYK_ROW], "patch": [{**SNYK_ROW, "id": "SNYK-2"}]},
            },
            ["SNYK-1", "SNYK-2"],
            id="snyk",
        ),
        pytest.param(
            "sarif",
            sarif(
                {"ruleId": "A", "suppressions": [{"kind": "inSource"}]},
                {"ruleId": "B", "suppressions": [{"kind": "external", "status": "accepted"}]},
                {"ruleId": "C", "kind": "pass", "suppressions": [{"kind": "inSource"}]},
            ),
            ["A", "B"],
            id="sarif",
        ),
        pytest.param(
            "grype",
            {
                "descriptor": {"name": "grype"},
                "matches": [],
                "ignoredMatches": [{"vulnerability": {"id": "G", "severity": "High"}}],
            },
            ["G"],
            id="grype",
        ),
        pytest.param(
            "trivy",
            {
                "SchemaVersion": 2,
                "Results": [{"Target": "t", "Misconfigurations": [{"ID": "M", "Status": "EXCEPTION"}]}],
            },
            ["M"],
            id="trivy",
        ),
    ],
)
def test_suppressed_findings_are_read_separately(form: str, value: Any, expected: list[str]) -> None:
    report = read(form, value)

    assert report.status == "ok", report.reason
    assert [each.id for each in report.suppressed] == expected
    assert all(each.suppressed for each in report.suppressed)
    assert not any(each.suppressed or each.id in expected for each in report.findings)


def test_what_a_finding_is_about_is_read_with_it() -> None:
    (bandit,) = read("bandit", BANDIT).findings
    (snyk,) = read("snyk", {"ok": False, "vulnerabilities": [SNYK_ROW], "targetFile": "requirements.txt"}).findings
    safety = read("safety", SAFETY).findings[0]

    assert (bandit.tool, bandit.file, bandit.line) == ("bandit", "a.py", 3)
    assert (snyk.package, snyk.version, snyk.fix, snyk.file) == ("flask", "0.12", "1.0", "requirements.txt")
    assert snyk.aliases == ["CVE-2026-1", "GHSA-x"]
    assert (safety.package, safety.version, safety.fix, safety.aliases) == ("flask", "0.12", "1.0", ["CVE-2026-1"])


@pytest.mark.parametrize(
    ("form", "value", "reason"),
    [
        ("bandit", {**BANDIT, "errors": [{"filename": "b.py"}]}, "1 files were not scanned; the first is b.py"),
        ("bandit", {**BANDIT, "metrics": {}}, "no line of code was scanned"),
        ("safety", {**SAFETY, "report_meta": {"packages_found": 0}}, "no package was scanned"),
        ("safety", {**SCAN, "scan_results": {}}, "no package was scanned"),
        (
            "safety",
            {**SCAN, "scan_results": {"projects": [{"files": [{"results": {"dependencies": []}}]}]}},
            "no package was scanned",
        ),
        ("detect-secrets", {**SECRETS, "plugins_used": []}, "no detector was active, so nothing was scanned"),
        ("snyk", {"ok": False, "vulnerabilities": []}, "a project is not ok, and the report does not say why"),
        ("snyk", {"ok": True, "vulnerabilities": [], "dependencyCount": 0}, "a project has no dependencies"),
        ("snyk", {"ok": True, "vulnerabilities": []}, "a project has no dependencies"),
        ("snyk", {"vulnerabilities": [SNYK_ROW], "dependencyCount": 0}, "a project has no dependencies"),
        ("pip-audit", [{"name": "a", "skip_reason": "x"}], "1 dependencies were skipped; the first is a"),
        ("pip-audit", [], "no dependency was scanned"),
        ("trivy", None, "nothing was scanned"),
        ("semgrep", {"version": "1.2.3", "results": [], "errors": [{}]}, "1 errors during the scan"),
        (
            "cyclonedx",
            {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []},
            "lists components but no vulnerabilities",
        ),
        ("sarif", {"version": "2.1.0", "runs": []}, "the report has an empty list of runs"),
        ("sarif", {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}}]}, "a run has no results"),
        (
            "sarif",
            sarif(
                invocations=[
                    {
                        "executionSuccessful": True,
                        "toolConfigurationNotifications": [{"level": "error"}, {"level": "note"}],
                    }
                ]
            ),
            "1 errors during the scan",
        ),
        ("junit", b"<testsuite/>", "no test was executed"),
        ("junit", b'<testsuite><testcase name="a"><skipped/></testcase></testsuite>', "no test was executed"),
    ],
)
def test_a_scan_that_left_something_out_is_incomplete(form: str, value: Any, reason: str) -> None:
    report = read(form, value)

    assert report.status == "incomplete"
    assert reason in report.reason


def test_what_a_scan_left_out_does_not_hide_that_it_failed() -> None:
    notice = {"toolExecutionNotifications": [{"level": "error"}], "executionSuccessful": False}
    report = read("sarif", sarif({"ruleId": "A"}, invocations=[notice]))

    assert (report.status, len(report.findings)) == ("error", 1)
    assert report.reason == "tool reports that it did not succeed; 1 errors during the scan"


@pytest.mark.parametrize(
    ("form", "value", "reason"),
    [
        (
            "detect-secrets",
            {"results": {}},
            "the report has no version and no plugins_used, so detect-secrets did not write it; its keys: results",
        ),
        ("bandit", {**BANDIT, "results": None}, "the report has no results, so Bandit did not write it"),
        ("bandit", b"", "the report is empty"),
        ("bandit", b" \n", "the report is empty"),
        ("bandit", b"\xff\xfe", "the report is not UTF-8 at byte 0"),
        ("bandit", b"<html>", "the report is not JSON"),
        ("bandit", b"[" * 200_000, "nested too deeply"),
        ("bandit", b'{"results": 1, "results": []}', "a duplicate key"),
        ("bandit", b'{"loc": NaN}', "NaN, which is not valid JSON"),
        ("bandit", b"1" * 5000, "the report is not JSON"),
        ("bandit", [], "the report is not an object"),
        (
            "bandit",
            {"results": []},
            "the report has no errors and no metrics, so Bandit did not write it; its keys: results",
        ),
        ("bandit", {**BANDIT, "results": [1]}, "results is not a list of objects"),
        ("safety", [[1]], "a row is not a list of five"),
        ("safety", {"vulnerabilities": []}, "the report has no report_meta, so Safety did not write it"),
        ("snyk", [], "the report has no project"),
        (
            "snyk",
            [{"ok": True, "vulnerabilities": []}, {"ok": False, "error": "no file"}],
            "Snyk reports an error: no file",
        ),
        ("snyk", {"ok": True}, "a project lacks the keys that Snyk writes; its keys: ok"),
        ("pip-audit", {"error": "405"}, "the report has no dependencies, so pip-audit did not write it"),
        ("trivy", {"x": 1}, "the report's SchemaVersion is none, but the gate supports only version 2"),
        ("grype", {}, "the report has no matches and no descriptor, so Grype did not write it"),
        ("semgrep", {"results": []}, "the report has no errors, so Semgrep did not write it"),
        (
            "cyclonedx",
            {"vulnerabilities": []},
            "the report has no bomFormat, so a CycloneDX tool did not write it; its keys: vulnerabilities",
        ),
        ("sarif", {}, "the report has no version and no runs, so a SARIF tool did not write it; its keys: none"),
        ("junit", b"<!DOCTYPE x><testsuite/>", "has a document type"),
        ("junit", b"<testsuite>", "the report is not XML"),
        ("junit", b"<html/>", "the root element is html, not testsuites or testsuite"),
        (
            "junit",
            b'<testsuite><testcase line="x"><error/></testcase></testsuite>',
            "is not valid junit: ValueError",
        ),
    ],
)
def test_a_report_that_says_nothing_is_an_error_with_its_reason(form: str, value: Any, reason: str) -> None:
    report = read(form, value)

    assert report.status == "error"
    assert reason in report.reason
    assert report.findings == []


EXPANDING = '<?xml version="1.0"{}?><!DOCTYPE t [<!ENTITY a "aaaa">]><testsuite name="&a;"><testcase/></testsuite>'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_document_type_is_refused_in_every_encoding(encoding: str, declared: bool) -> None:
    text = EXPANDING.format(f' encoding="{encoding.removesuffix("-sig")}"' if declared else "")
    report = read("junit", text.encode(encoding))

    assert (report.status, report.findings) == ("error", [])
    assert any(reason in report.reason for reason in ("document type", "not UTF-8", "not XML")), report.reason


def test_junit_is_read_as_utf_8_with_or_without_a_mark_whatever_it_declares() -> None:
    for declared in ("UTF-8", "utf-16", "ISO-8859-1"):
        suite = '<testsuite><testcase name="\u00fc"><failure/></testcase></testsuite>'
        text = f'<?xml version="1.0" encoding="{declared}"?>{suite}'
        for encoding in ("utf-8", "utf-8-sig"):
            assert [finding.id for finding in read("junit", text.encode(encoding)).findings] == ["\u00fc"]
    assert read("junit", text.encode("latin-1")).reason == "the report is not UTF-8"


BANDS = {10: "critical", 9: "critical", 8.9: "high", 7: "high", 6.9: "medium", 4: "medium", 3.9: "low", 0.1: "low"}


@pytest.mark.parametrize(
    ("score", "severity"), [*BANDS.items(), (0, "info"), (-1, "unknown"), (float("nan"), "unknown")]
)
def test_scores_have_their_bands(score: float, severity: str) -> None:
    assert by_score(score) == severity


def test_words_of_no_scale_are_unknown_and_weaknesses_are_found_however_they_are_spelled() -> None:
    assert [normalised_severity(word) for word in ("Moderate", " HIGH ", "odd", None, 7)] == [
        "medium",
        "high",
        "unknown",
        "unknown",
        "unknown",
    ]
    assert cwe_numbers("CWE-79: x", ["cwe_89", {"id": "CWE-5"}], 22, True, None, 1.5) == [5, 22, 79, 89]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["results", "errors", "metrics", "vulnerabilities", "runs", "matches", "dependencies", "ok",
                         "report_meta", "scan_results", "projects", "tool", "id", "ratings", "Results", "x"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_in_a_report_reading_it_ends_in_a_status(form: str, data: bytes) -> None:
    report = read_report(form, data)

    assert report.status in ("ok", "incomplete", "error")
    assert report.status == "ok" or report.reason


def test_tools_are_known_by_the_format_that_they_write() -> None:
    names = ("bandit-sarif", "snyk-code-sarif", "snyk-container", "npm-audit", "grype", "nmap")

    assert [format_of(name) for name in names] == ["sarif", "sarif", "snyk", "npm-audit", "grype", None]


def inspect(arguments: str) -> Any:
    return CliRunner().invoke(main, ["gate", "inspect", *arguments.split()])


def test_inspect_shows_what_is_read_and_exits_0_whatever_it_is(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(BANDIT))
    (tmp_path / "bad.json").write_text("")
    (tmp_path / "packages.json").write_text(json.dumps(SAFETY))

    shown = inspect(f"--tool bandit {tmp_path}/good.json")
    assert (shown.exit_code, shown.output) == (
        0,
        "counts, 1 finding\ncovered: 0 files with 10 lines\n  high      B602  a.py:3\n",
    )
    assert "critical  1  flask 0.12" in inspect(f"--tool safety {tmp_path}/packages.json").output
    read = json.loads(inspect(f"--tool bandit {tmp_path}/bad.json --json").output)
    assert read == {"status": "error", "reason": "the report is empty", "findings": [], "suppressed": []}
    shown = inspect(f"--tool safety {tmp_path}/packages.json").output
    assert shown.startswith("counts, 2 findings, 1 that the tool was configured to ignore\n")
    assert "unknown   2" in shown
    assert inspect(f"--tool bandit {tmp_path}/bad.json").output == "does not count: the report is empty, 0 findings\n"


@pytest.mark.parametrize("name", ["unit-tests", "secrets"])
def test_inspect_knows_checks_by_their_own_names_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "r").write_text("")

    assert inspect(f"--tool {name} {tmp_path}/r").output.startswith("does not count: the report is ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--tool nmap x.json", "no reader for 'nmap'; the known tools and formats are bandit"),
        ("x.json", "which tool wrote the report? Name it with --tool: bandit, cyclonedx"),
        ("--tool bandit", "which report? Name its file as an argument"),
        ("--tool bandit /none", "/none: cannot be read: No"),
    ],
)
def test_inspect_says_what_it_was_asked_wrongly(arguments: str, expected: str) -> None:
    result = inspect(arguments)

    assert result.exit_code == 2
    assert expected in result.output


@pytest.mark.skipif(CORPUS is None, reason="SCAN_REPORT_CORPUS names no corpus of scanner reports")
def test_every_report_of_the_corpus_is_read_as_its_truth_table_says() -> None:
    folder = Path(str(CORPUS))
    truth = json.loads((folder / "expected.json").read_text())["reports"]
    wrong = []
    for path, row in truth.items():
        tool, name = path.split("/", 1)
        tool = "sarif" if name.endswith(".sarif") else name.rpartition(".")[0] if tool == "error-cases" else tool
        form = format_of(tool) or format_of(tool.split("-")[0]) or format_of("-".join(tool.split("-")[:2]))
        assert form is not None, path
        report = read_report(form, (folder / path).read_bytes())
        if "findings" in row:
            found = sorted(json.dumps([each.id, each.tool_severity, each.cwe]) for each in report.findings)
            if found != sorted(json.dumps(finding[:3]) for finding in row["findings"]):
                wrong.append(path)
        elif report.status != row["status"]:
            wrong.append(path)

    assert len(truth) > 100
    assert wrong == []
