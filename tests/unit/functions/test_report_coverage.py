"""A report must show what its tool scanned, and its counts must agree with its findings."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.functions.scan_gate.formats import read_report
from tests.unit.functions.sample_reports import (
    CLEAN,
    STOPPING,
    as_bytes,
    bandit,
    bandit_row,
    cyclonedx,
    detect_secrets,
    grype,
    replaced,
    safety_check,
    safety_scan,
    sarif,
    semgrep,
    snyk,
    trivy,
    without,
)

LEDGER = ("metrics", "app/ledger.py")
ISSUE = {"vulnerability_id": "7", "package_name": "flask", "ignored": False}
MISCONFIGURED = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "main.tf",
            "Class": "config",
            "MisconfSummary": {"Successes": 4, "Failures": 2},
            "Misconfigurations": [{"ID": "A", "Status": "FAIL", "Severity": "LOW"}, {"ID": "B", "Status": "PASS"}],
        }
    ],
}
CLUSTER = {
    "ClusterName": "c",
    "Findings": [{"Name": "web", "Error": "image not found", "Results": []}],
    "Resources": [{"Results": trivy()["Results"]}],
}
FILTER = "detect_secrets.filters."


@pytest.mark.parametrize(
    ("form", "report", "reason"),
    [
        pytest.param("bandit", bandit(loc=0), "no line of code was scanned", id="bandit without code"),
        pytest.param("bandit", bandit(loc=-3), "no line of code was scanned", id="bandit with a negative count"),
        pytest.param(
            "bandit", bandit(nosec=2), "2 findings are hidden by `# nosec`; run Bandit with --ign", id="nosec"
        ),
        pytest.param("bandit", bandit(skipped_tests=1), "1 findings are hidden by `# nosec`", id="nosec of one test"),
        pytest.param(
            "bandit",
            bandit(bandit_row(severity="LOW"), **{"SEVERITY.MEDIUM": 3}),
            "Bandit counted 3 findings of severity MEDIUM but lists 0; run Bandit without a baseline, and without -l",
            id="bandit with a level",
        ),
        pytest.param(
            "bandit",
            replaced(without(bandit(), "metrics", "_totals", "SEVERITY.LOW"), 2, *LEDGER, "SEVERITY.LOW"),
            "Bandit counted 2 findings of severity LOW",
            id="bandit whose files count more than its total",
        ),
        pytest.param(
            "sarif",
            sarif(tool="Bandit", properties={"metrics": {"_totals": {"loc": 9, "nosec": 4}}}),
            "4 findings are hidden by `# nosec`",
            id="bandit in SARIF",
        ),
        pytest.param(
            "sarif",
            sarif(
                {"ruleId": "B1", "level": "note", "properties": {"issue_severity": "LOW"}},
                tool="Bandit",
                properties={"metrics": {"_totals": {"loc": 9, "SEVERITY.LOW": 1, "SEVERITY.HIGH": 1}}},
            ),
            "Bandit counted 1 findings of severity HIGH but lists 0",
            id="bandit in SARIF with a baseline",
        ),
        pytest.param(
            "detect-secrets",
            detect_secrets(None, {"path": f"{FILTER}regex.should_exclude_line", "pattern": ["password"]}),
            "the filter detect_secrets.filters.regex.should_exclude_line (['password']) hides secrets; scan"
            " without this filter",
            id="lines are excluded",
        ),
        pytest.param(
            "detect-secrets",
            detect_secrets(None, {"path": f"{FILTER}common.is_baseline_file", "filename": ".secrets.baseline"}),
            "the filter detect_secrets.filters.common.is_baseline_file hides secrets",
            id="a baseline of secrets",
        ),
        pytest.param(
            "detect-secrets",
            detect_secrets(None, {"path": f"{FILTER}common.is_ignored_due_to_verification_policies", "min_level": 3}),
            "is_ignored_due_to_verification_policies hides secrets",
            id="verified secrets alone",
        ),
        pytest.param(
            "detect-secrets", detect_secrets(None, {"path": "file:///x.py::f"}), "x.py::f hides", id="own filter"
        ),
        pytest.param("semgrep", replaced(semgrep(), [], "paths", "scanned"), "so nothing was scanned", id="no file"),
        pytest.param("semgrep", without(semgrep(), "paths"), "so nothing was scanned", id="no paths"),
        pytest.param("semgrep", {**semgrep(), "skipped_rules": [{"rule_id": "x"}]}, "1 rules were skipped", id="rules"),
        pytest.param("semgrep", {**semgrep(), "skipped_rules": {"x": 1}}, "some rules were skipped", id="odd rules"),
        pytest.param(
            "semgrep",
            replaced(
                semgrep(), [{"path": "big.js", "reason": "exceeded_size_limit"}, {"reason": "x"}], "paths", "skipped"
            ),
            "1 files were skipped; the first is big.js: exceeded_size_limit",
            id="a file that is too large",
        ),
        pytest.param(
            "semgrep",
            {**semgrep(), "errors": [{"type": "Timeout", "level": "warn", "path": "app.js"}]},
            "1 errors during the scan",
            id="semgrep timed out",
        ),
        pytest.param("safety", [], "wrote an empty list, which does not show", id="safety 1"),
        pytest.param(
            "safety",
            replaced(safety_check(), 3, "report_meta", "vulnerabilities_found"),
            "the report states 3 vulnerabilities but lists 0",
            id="safety counts more than it lists",
        ),
        pytest.param(
            "safety",
            replaced(safety_check(), True, "report_meta", "vulnerabilities_ignored"),
            "the report states True ignored vulnerabilities but lists 0",
            id="safety counts what it ignores",
        ),
        pytest.param(
            "safety",
            without(safety_check(), "scanned_packages", "six"),
            "the report states 2 packages but lists 1",
            id="safety lists fewer packages than it found",
        ),
        pytest.param(
            "safety",
            replaced(safety_check(), {"Jinja2": {}}, "affected_packages"),
            "jinja2 is in affected_packages, but no vulnerability of this package is listed",
            id="safety names an affected package",
        ),
        pytest.param(
            "safety",
            without(without(safety_check(), "scanned_packages"), "report_meta", "packages_found"),
            "no package was scanned",
            id="safety without packages",
        ),
        pytest.param(
            "safety",
            replaced(
                safety_scan({"id": "1", "ignored": {"code": "manual"}}),
                {"vulnerabilities_found": 2},
                *("scan_results", "projects", 0, "files", 0, "results", "dependencies", 0, "specifications", 0),
                *("vulnerabilities", "remediation"),
            ),
            "the report states 2 vulnerabilities of flask but lists 1",
            id="safety scan with fewer rows than its remediation",
        ),
        pytest.param(
            "snyk", {**snyk(), "ok": False}, "a project is not ok, and the report does not say why", id="not ok"
        ),
        pytest.param("snyk", {**snyk(), "uniqueCount": 4}, "a project has 4 issues but lists 0", id="snyk's count"),
        pytest.param(
            "snyk",
            {**snyk(), "uniqueCount": None, "summary": "8 vulnerable dependency paths"},
            "a project has 8 issues but lists 0",
            id="snyk's summary",
        ),
        pytest.param(
            "snyk",
            {**snyk(), "severityThreshold": "high"},
            "findings below high are left out; run Snyk without --severity-threshold",
            id="snyk with a threshold",
        ),
        pytest.param(
            "trivy", MISCONFIGURED, "the report states 2 failed checks of main.tf but lists 1", id="trivy's summary"
        ),
        pytest.param("trivy", {"SchemaVersion": 2, "Results": None}, "nothing was scanned", id="trivy without results"),
        pytest.param(
            "trivy",
            CLUSTER,
            "web was not scanned: image not found",
            id="trivy of a cluster with an error",
        ),
        pytest.param(
            "cyclonedx", cyclonedx(), "lists components but no vulnerabilities, so it does not show", id="bill"
        ),
        pytest.param("cyclonedx", without(cyclonedx(), "vulnerabilities"), "no vulnerabilities", id="plain bill"),
        pytest.param(
            "grype",
            replaced(grype(), {"status": {"valid": False, "error": "too old"}}, "descriptor", "db"),
            "the tool's vulnerability database is not valid: too old",
            id="grype without a database",
        ),
        pytest.param(
            "grype",
            replaced(grype(), {"built": "2024-01-01", "error": "checksum"}, "descriptor", "db"),
            "the tool's vulnerability database is not valid: checksum",
            id="old grype without a database",
        ),
        pytest.param(
            "pip-audit",
            {"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not on PyPI"}]},
            "1 dependencies were skipped; the first is b",
            id="pip-audit skips",
        ),
    ],
)
def test_a_scan_that_covers_less_than_it_should_is_incomplete(form: str, report: Any, reason: str) -> None:
    read = read_report(form, as_bytes(report))

    assert read.status == "incomplete", read
    assert reason in read.reason


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        pytest.param(
            '<testsuites><testsuite name="api" tests="5"><testcase name="a"/></testsuite></testsuites>',
            "api counts 5 tests but lists 1",
            id="tests are missing",
        ),
        pytest.param(
            '<testsuites name="all" failures="2"><testsuite><testcase name="a"><failure/></testcase></testsuite>'
            "</testsuites>",
            "all counts 2 failures and errors but lists 1",
            id="a failure is missing",
        ),
        pytest.param(
            '<testsuite name="s" errors=" 1 "><testcase name="a"/></testsuite>',
            "s counts 1 failures and errors but lists 0",
            id="the whole suite failed",
        ),
        pytest.param(
            '<testsuite tests="2" skipped="2"><testcase name="a"/><testcase name="b"/></testsuite>',
            "testsuite counts all of its 2 tests as skipped but lists 2 that passed",
            id="all tests are counted as skipped",
        ),
        pytest.param(
            '<testsuite tests="1"><testcase name="a"/><testcase name="b"/></testsuite>',
            "testsuite counts 1 tests but lists 2, which shows an interrupted run",
            id="more tests than counted",
        ),
        pytest.param(
            '<testsuite tests="2"><testcase name="a"/><testcase classname="t"/></testsuite>',
            "1 tests have no name, which shows that the test run was interrupted",
            id="a test without a name",
        ),
        pytest.param(
            '<testsuite><testcase name="a" status="notrun"/><testcase name="b" result="suppressed"/></testsuite>',
            "no test was executed",
            id="tests that googletest did not run",
        ),
        pytest.param("<testsuite><testcase name='a'><disabled/></testcase></testsuite>", "no test was", id="disabled"),
    ],
)
def test_a_test_report_that_contradicts_itself_is_incomplete(report: str, reason: str) -> None:
    read = read_report("junit", report.encode())

    assert read.status == "incomplete", read
    assert reason in read.reason


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(
            '<testsuite name="T" tests="2" errors="0" failures="0" flakes="1"><testcase name="a"><flakyFailure>'
            "<stackTrace/></flakyFailure></testcase><testcase name='b'/></testsuite>",
            id="Surefire repeated a flaky test, which then passed",
        ),
        pytest.param(
            '<testsuite name="T" tests="3" errors="0" failures="0"><testcase name="a"><flakyError/></testcase>'
            '<testcase name="b"/></testsuite>',
            id="Surefire counts every run of a test",
        ),
        pytest.param(
            '<testsuites><testsuite name="all" tests="3" assertions="4" errors="0" failures="0" skipped="0">'
            '<testsuite name="A" tests="2" failures="0"><testcase name="a"/><testcase name="b"/></testsuite>'
            '<testsuite name="B" tests="1"><testcase name="c"/></testsuite></testsuite></testsuites>',
            id="PHPUnit counts the tests of nested suites",
        ),
        pytest.param(
            '<testsuite name="Mocha" tests="4" failures="0" skipped="3"><testcase name="a"/></testsuite>',
            id="Mocha does not list pending tests",
        ),
        pytest.param(
            '<testsuite tests="2" skipped="1"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>',
            id="a test was skipped",
        ),
        pytest.param('<testsuite tests="" errors=""><testcase name="a"/></testsuite>', id="empty counts"),
        pytest.param(
            '<testsuite tests="1" disabled="0"><testcase name="a" status="run" result="completed"/></testsuite>',
            id="googletest",
        ),
    ],
)
def test_counts_that_runners_mean_otherwise_contradict_nothing(report: str) -> None:
    read = read_report("junit", report.encode())

    assert (read.status, read.reason, read.findings) == ("ok", "", [])


@pytest.mark.parametrize(
    ("report", "ids"),
    [
        pytest.param(
            '<testsuite tests="1" failures="1"><testcase name="a"><failure/><rerunFailure/></testcase></testsuite>',
            ["a"],
            id="a test that failed again",
        ),
        pytest.param(
            '<testsuite name="s" file="s.js"><error message="lost"/><testcase name="a"/></testsuite>',
            ["s failed outside its tests"],
            id="an error of a suite",
        ),
        pytest.param(
            '<testsuites><error/><testsuite><testcase name="a" status="failed"/></testsuite></testsuites>',
            ["suite failed outside its tests", "a"],
            id="a failure in an attribute",
        ),
    ],
)
def test_a_failure_is_found_wherever_a_runner_writes_it(report: str, ids: list[str]) -> None:
    read = read_report("junit", report.encode())

    assert (read.status, [finding.id for finding in read.findings]) == ("ok", ids)


def test_a_count_that_is_no_number_makes_a_test_report_invalid() -> None:
    read = read_report("junit", b'<testsuite tests="many"><testcase name="a"/></testsuite>')

    assert (read.status, "not valid junit: ValueError" in read.reason) == ("error", True)


@pytest.mark.parametrize(
    ("form", "report", "ids"),
    [
        pytest.param(
            "trivy",
            {
                "SchemaVersion": 2,
                "Results": [
                    {
                        "Target": "t",
                        "ExperimentalModifiedFindings": [
                            {"Type": "secret", "Status": "ignored", "Finding": {"RuleID": "aws", "Severity": "HIGH"}},
                            {
                                "Type": "vulnerability",
                                "Status": "not_affected",
                                "Finding": {"VulnerabilityID": "CVE-9"},
                            },
                        ],
                    }
                ],
            },
            ["aws", "CVE-9"],
            id="trivy",
        ),
        pytest.param(
            "semgrep",
            semgrep({"check_id": "r", "path": "a.js", "extra": {"severity": "ERROR", "is_ignored": True}}),
            ["r"],
            id="semgrep",
        ),
        pytest.param(
            "snyk",
            {**snyk(), "filtered": {"ignore": [{"id": "S1", "severity": "high"}]}, "uniqueCount": 1},
            ["S1"],
            id="snyk",
        ),
    ],
)
def test_a_finding_that_was_taken_out_counts_as_suppressed(form: str, report: Any, ids: list[str]) -> None:
    read = read_report(form, as_bytes(report))

    assert (read.status, [finding.id for finding in read.suppressed]) == ("ok", ids)


@pytest.mark.parametrize(
    ("form", "report", "expected"),
    [
        (
            "grype",
            {
                **grype(),
                "distro": {"name": "debian", "version": "9"},
                "alertsByPackage": [{"alerts": [{"type": "distro-eol"}]}, {"alerts": [{"type": "distro-eol"}]}],
            },
            ("distro-eol", "debian", "9"),
        ),
        (
            "grype",
            {**grype(), "alertsByPackage": [{"alerts": [{"type": "distro-unknown"}]}]},
            ("distro-unknown", "distribution", ""),
        ),
        (
            "trivy",
            {**trivy(), "Metadata": {"OS": {"Family": "alpine", "Name": "3.9", "EOSL": True}}},
            ("end-of-support", "alpine", "3.9"),
        ),
    ],
)
def test_a_system_that_nobody_supports_any_more_is_a_finding(form: str, report: Any, expected: tuple[str, ...]) -> None:
    (finding,) = read_report(form, as_bytes(report)).findings

    assert (finding.id, finding.package, finding.version) == expected
    assert finding.severity == "high"


def test_a_safety_scan_is_read_with_the_files_of_environments() -> None:
    beside = safety_scan({"id": "77", "ignored": None})["scan_results"]["projects"][0]["files"]
    read = read_report("safety", as_bytes(replaced(safety_scan(), beside, "scan_results", "files")))

    assert ([finding.id for finding in read.findings], read.covered) == (["77"], "2 packages")


def test_a_weakness_of_grype_is_read_from_the_finding_and_from_what_is_related() -> None:
    match = {
        "vulnerability": {
            "id": "GHSA-1",
            "severity": "Medium",
            "cwes": [{"cve": "CVE-1", "cwe": "CWE-352"}],
            "epss": [{"cve": "CVE-1", "epss": 0.25}, {"epss": "high"}],
        },
        "relatedVulnerabilities": [
            {"id": "CVE-1", "cwes": [{"cwe": "CWE-601"}], "knownExploited": [{"cve": "CVE-1"}]},
        ],
        "artifact": {"name": "p", "version": "1"},
    }
    (finding,) = read_report("grype", as_bytes(grype(match))).findings

    assert (finding.cwe, finding.exploited, finding.epss) == ([352, 601], True, 0.25)
    row = {
        "id": "S1",
        "severity": "low",
        "packageName": "p",
        "epssDetails": {"probability": "0.31", "percentile": "0.9"},
    }
    (finding,) = read_report("snyk", as_bytes(snyk(row))).findings
    assert (finding.exploited, finding.epss) == (False, 0.31)


@pytest.mark.parametrize(
    ("ratings", "word", "severity"),
    [
        ([{"severity": "low"}, {"severity": "High"}], "high", "high"),
        ([{"score": 7.5, "method": "CVSSv3"}], None, "high"),
        ([{"score": 9.1, "method": "CVSSv31"}, {"severity": "medium", "method": "other"}], "medium", "critical"),
        ([{"score": "5.0", "method": "cvssv4"}], None, "medium"),
        ([{"severity": "unknown"}, {"severity": "low"}], "low", "unknown"),
        ([{"severity": "odd"}, {"severity": "medium"}], "medium", "unknown"),
        ([{"severity": "unknown"}, {"severity": "high"}], "high", "high"),
        ([{"score": 40, "method": "OWASP"}, {"severity": "low"}], "low", "unknown"),
        ([{"vector": "AV:N/AC:L"}, {"severity": "info"}], "info", "unknown"),
        ([{"source": {"name": "NVD"}}, {"severity": "info"}], "info", "info"),
        ([{"score": True, "method": "CVSSv3"}], None, "unknown"),
        ([], None, "unknown"),
    ],
)
def test_a_cyclonedx_rating_is_its_word_or_else_its_score_and_an_unknown_one_is_unknown(
    ratings: Any, word: str | None, severity: str
) -> None:
    (finding,) = read_report("cyclonedx", as_bytes(cyclonedx({"id": "V", "ratings": ratings}))).findings

    assert (finding.tool_severity, finding.severity) == (word, severity)


@pytest.mark.parametrize(
    ("component", "ref", "expected"),
    [
        (
            {"name": "core", "group": "@angular", "version": "9", "purl": "pkg:npm/%40angular/core@9"},
            "x",
            "@angular/core 9",
        ),
        (
            {"name": "databind", "group": "com.fasterxml", "purl": "pkg:maven/com.fasterxml/databind@2"},
            "x",
            "databind ",
        ),
        ({"name": "github.com/a/b", "version": "v1", "purl": "pkg:golang/github.com/a/b@v1"}, "x", "github.com/a/b v1"),
        ({"name": "plain"}, "x", "plain "),
        ({"name": "other"}, "pkg:npm/%40babel/traverse@7.1.0?type=jar#sub", "@babel/traverse 7.1.0"),
        ({"name": "other"}, "pkg:maven/org.x/lib@1.0", "lib 1.0"),
        ({"name": "other"}, "pkg:pypi/django", "django "),
        ({"name": "other"}, "urn:1", "urn:1 "),
    ],
)
def test_a_cyclonedx_package_has_the_name_that_other_tools_give_it(component: Any, ref: str, expected: str) -> None:
    bill = cyclonedx({"id": "V", "affects": [{"ref": ref}]})
    nested = {"bom-ref": "outer", "name": "outer", "components": [{"bom-ref": "x", **component}]}
    for placed in ({"components": [nested]}, {"components": [], "metadata": {"component": nested}}):
        (finding,) = read_report("cyclonedx", as_bytes({**bill, **placed})).findings
        assert f"{finding.package} {finding.version}" == expected


def test_every_package_that_a_cyclonedx_vulnerability_affects_is_read_once() -> None:
    affects = [{"ref": "a"}, {"ref": "pkg:npm/left-pad@1.0.0"}, {"ref": "a"}]
    (finding,) = read_report("cyclonedx", as_bytes(cyclonedx({"id": "V", "affects": affects}))).findings

    assert (finding.package, finding.also_in) == ("@angular/core", [("left-pad", "1.0.0")])


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("bandit", "1 files with 40 lines"),
        ("detect-secrets", "2 detectors"),
        ("grype", "file"),
        ("junit", "2 of 2 tests"),
        ("npm-audit", "2 packages"),
        ("pip-audit", "1 packages"),
        ("safety check", "2 packages"),
        ("safety scan", "1 packages"),
        ("sarif", "1 runs"),
        ("semgrep", "2 files"),
        ("snyk of several projects", "2 projects with 24 packages"),
        ("trivy", "1 targets"),
    ],
)
def test_each_reader_says_what_was_covered(name: str, covered: str) -> None:
    assert read_report(name.split()[0], as_bytes(CLEAN[name])).covered == covered
    assert read_report("cyclonedx", as_bytes(STOPPING["cyclonedx"])).covered == "1 components"
    assert read_report("grype", as_bytes(without(grype(), "source"))).covered == "an unnamed source"


def test_old_bandit_writes_its_counts_as_decimals() -> None:
    report = bandit(bandit_row(severity="LOW"), **{"SEVERITY.LOW": 1.0, "loc": 20.0})

    assert read_report("bandit", as_bytes(report)).status == "ok"
