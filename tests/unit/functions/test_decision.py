"""The decision: what stops a release, what somebody has accepted until when, and that nothing else lets one pass."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.cli import main
from cicd_templates.functions.scan_gate.decide import decide
from cicd_templates.functions.scan_gate.owasp import CATEGORIES, categories
from cicd_templates.functions.scan_gate.policy import Policy, PolicyError, Waiver, read_policy
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.summary import SHOWN, summary

TODAY = date(2026, 11, 24)


def finding(id_: str = "CVE-2026-1", severity: str = "high", **about: Any) -> Finding:
    return Finding("tool", id_, severity, severity, **{"package": "flask", "version": "0.12", **about})


def report(*findings: Finding, status: str = "ok", reason: str = "") -> Report:
    return Report(list(findings), status, reason)


@pytest.mark.parametrize(
    ("severity", "policy", "verdict"),
    [
        ("critical", Policy(), "FAIL"),
        ("high", Policy(), "FAIL"),
        ("medium", Policy(), "PASS"),
        ("info", Policy(), "PASS"),
        ("unknown", Policy(), "FAIL"),
        ("unknown", Policy(unknown="medium"), "PASS"),
        ("high", Policy(thresholds={"snyk": "critical"}), "PASS"),
        ("high", Policy(thresholds={"other": "critical"}), "FAIL"),
        ("low", Policy(thresholds={"snyk": "low"}), "FAIL"),
        ("info", Policy(thresholds={"snyk": "low"}), "PASS"),
        ("low", Policy(promote=["CVE-2026-1"]), "FAIL"),
    ],
)
def test_a_finding_stops_a_release_from_its_checks_threshold_on(severity: str, policy: Policy, verdict: str) -> None:
    assert decide(["snyk"], {"snyk": report(finding(severity=severity))}, policy, TODAY).verdict == verdict


@pytest.mark.parametrize(
    ("reports", "reason"),
    [
        ({}, "its report is missing"),
        ({"snyk": report(status="error", reason="empty")}, "its report is error: empty"),
        ({"snyk": report(status="incomplete", reason="nothing scanned")}, "its report is incomplete: nothing scanned"),
    ],
)
def test_a_report_that_does_not_count_stops_a_release_whatever_is_waived(
    reports: dict[str, Report], reason: str
) -> None:
    policy = Policy(waivers=[Waiver("snyk", "r", "o", TODAY, package="snyk")])
    decision = decide(["snyk"], reports, policy, TODAY)

    assert (decision.verdict, decision.broken) == ("FAIL", {"snyk": reason})
    assert reason in summary(decision)


def test_no_report_too_many_changes_anything() -> None:
    assert decide(["bandit"], {"bandit": report(), "extra": report(finding())}, Policy(), TODAY).verdict == "PASS"


@pytest.mark.parametrize(
    ("waiver", "verdict", "unused"),
    [
        pytest.param({"package": "flask"}, "PASS", 0, id="until today"),
        pytest.param({"package": "Flask"}, "PASS", 0, id="packages have no case"),
        pytest.param({"package": "flask", "expires": TODAY - timedelta(1)}, "FAIL", 0, id="expired"),
        pytest.param({"package": "django"}, "FAIL", 1, id="another package"),
        pytest.param({"package": "flask", "id": "CVE-2026-2"}, "FAIL", 1, id="another finding"),
        pytest.param({"package": "flask", "id": "GHSA-1"}, "PASS", 0, id="by its alias"),
        pytest.param({"path": "src/"}, "PASS", 0, id="by its path"),
        pytest.param({"path": "tests/"}, "FAIL", 1, id="another path"),
        pytest.param({"package": "flask", "path": "tests/"}, "FAIL", 1, id="both have to fit"),
    ],
)
def test_a_waiver_covers_one_finding_until_its_day(waiver: dict[str, Any], verdict: str, unused: int) -> None:
    fields = {"id": "CVE-2026-1", "reason": "not reachable", "owner": "ada", "expires": TODAY, **waiver}
    found = finding(file="src/a.py", aliases=["GHSA-1"])
    decision = decide(["snyk"], {"snyk": report(found)}, Policy(waivers=[Waiver(**fields)]), TODAY)

    assert decision.verdict == verdict
    assert len(decision.unused) == unused
    said = summary(decision)
    assert ("not reachable (ada, until 2026-11-24)" in said) == (verdict == "PASS")
    assert ("Waivers that cover nothing" in said) == bool(unused)


def test_what_two_tools_found_is_one_finding_with_the_worse_word() -> None:
    reports = {
        "safety": report(finding("12345", "unknown", aliases=["CVE-2026-1"], cwe=[79])),
        "snyk": report(finding("SNYK-1", "medium", aliases=["CVE-2026-1"], fix="1.0", cwe=[20])),
        "trivy": report(finding("CVE-2026-1", "low", package="Flask"), finding("CVE-2026-1", "low", package="other")),
    }
    decision = decide(["safety", "snyk", "trivy"], reports, Policy(), TODAY)
    first, second = decision.findings

    assert (first.severity, first.checks) == ("medium", ["safety", "snyk", "trivy"])
    assert (first.finding.fix, first.finding.cwe) == ("1.0", [20, 79])
    # Safety did not say how bad it is, and what is unknown counts as high.
    assert first.blocks
    assert (second.finding.package, second.blocks) == ("other", False)
    assert [decision.count(word) for word in ("medium", "low")] == [1, 1]


def test_the_same_rule_in_two_files_is_two_findings() -> None:
    found = [finding("B602", file=name, package="", version="") for name in ("a.py", "b.py")]

    assert len(decide(["bandit"], {"bandit": report(*found)}, Policy(), TODAY).findings) == 2


def test_a_waiver_of_one_tools_word_does_not_take_back_anothers() -> None:
    waiver = Waiver("12345", "r", "o", TODAY, package="flask")
    reports = {"safety": report(finding("12345", aliases=["CVE-2026-1"])), "snyk": report(finding("CVE-2026-1"))}
    (judged,) = decide(["safety", "snyk"], reports, Policy(waivers=[waiver]), TODAY).findings

    assert judged.blocks
    assert judged.waiver is None


FINDINGS = st.builds(
    Finding,
    tool=st.just("t"),
    id=st.sampled_from(["A", "B", "C"]),
    tool_severity=st.none(),
    severity=st.sampled_from(SCALE),
    aliases=st.lists(st.sampled_from(["A", "B", "X"]), max_size=2),
    package=st.sampled_from(["", "p", "q"]),
)


@given(st.lists(FINDINGS, max_size=6), FINDINGS, st.sampled_from(["high", "critical", "unknown"]))
def test_one_finding_more_never_turns_a_failing_release_into_a_passing_one(
    findings: list[Finding], more: Finding, severity: str
) -> None:
    failing = [*findings, Finding("t", "BAD", severity, severity, package="bad")]

    assert decide(["c"], {"c": report(*failing)}, Policy(), TODAY).verdict == "FAIL"
    assert decide(["c"], {"c": report(*failing, more)}, Policy(), TODAY).verdict == "FAIL"
    assert decide(["c"], {"c": report(more, *failing)}, Policy(), TODAY).verdict == "FAIL"


def test_the_summary_says_what_stops_why_where_and_how_to_mend_it() -> None:
    code = finding("B602", "high", package="", version="", file="src/a.py", line=3, cwe=[78])
    plain = finding("S1", "high", package="", version="", file="config.py", line=1)
    part = finding("CVE-2026-1", "critical", fix="1.0", cwe=[79])
    unfixed = finding("CVE-2026-9", "critical", package="old", version="1")
    decision = decide(["all"], {"all": report(code, plain, part, unfixed)}, Policy(), TODAY)
    lines = [line for line in summary(decision).splitlines() if line.startswith("- ")]

    assert summary(decision).startswith("# FAIL\n\n4 findings stop the release. Not waived: 2 critical, 2 high")
    assert lines[0].startswith("- **critical** CVE-2026-1 in `flask 0.12` (all): update to 1.0; A06:2021 Vulnerable")
    assert "no fixed version is known" in lines[1]
    assert "- **high** B602 in `src/a.py:3` (all): mend it; A03:2021 Injection" in lines[2]
    assert lines[3].endswith("mend it; no OWASP category")


def test_a_long_summary_ends_where_a_person_stops_reading() -> None:
    many = [finding(f"CVE-{number:04}") for number in range(SHOWN + 3)]

    assert summary(decide(["c"], {"c": report(*many)}, Policy(), TODAY)).endswith("- and 3 more\n")


def test_categories_are_those_of_the_weakness_and_of_components() -> None:
    assert categories([89], component=False) == ["A03:2021", "A05:2025"]
    assert categories([], component=True) == ["A06:2021", "A03:2025"]
    assert categories([99999], component=False) == []
    assert len(CATEGORIES) == 20


POLICY = """
unknown = "critical"
promote = ["B602"]
[thresholds]
bandit = "medium"
[[waivers]]
id = "CVE-2026-1"
package = "flask"
reason = "not reachable"
owner = "ada"
expires = 2027-01-31
"""


def test_a_policy_is_what_its_file_says() -> None:
    policy = read_policy(POLICY)

    assert (policy.unknown, policy.promote, policy.threshold("bandit"), policy.threshold("snyk")) == (
        "critical",
        ["B602"],
        "medium",
        "high",
    )
    assert policy.waivers == [
        Waiver("CVE-2026-1", "not reachable", "ada", date(2027, 1, 31), package="flask"),
    ]
    assert read_policy("") == Policy()


WAIVER = 'id = "x"\npackage = "p"\nreason = "r"\nowner = "o"\nexpires = 2027-01-31\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "not TOML"),
        ("treshold = 1", "treshold: unknown key; known are thresholds, unknown, promote, waivers"),
        ('unknown = "info"', "unknown: 'info' is no severity; write critical, high, medium, low"),
        ("thresholds = 1", "thresholds: is a value; write a table"),
        ("[thresholds]\nbandit = 1", "thresholds.bandit: 1 is no severity"),
        ('promote = "B602"', "promote: is no list of ids"),
        ("waivers = 1", "waivers: is no list; write [[waivers]] tables"),
        ("waivers = [1]", "waivers[0]: is a value; write a table"),
        (f"[[waivers]]\n{WAIVER}until = 1", "waivers[0].until: unknown key; known are id, package, path"),
        (f"[[waivers]]\n{WAIVER}".replace('"r"', '" "'), "waivers[0].reason: missing; a waiver says what, why and who"),
        (f"[[waivers]]\n{WAIVER}".replace('"o"', "1"), "waivers[0].owner: is no text"),
        (f"[[waivers]]\n{WAIVER}".replace('package = "p"', ""), "waivers[0]: names neither package nor path"),
        (f"[[waivers]]\n{WAIVER}".replace("2027-01-31", '"2027-01-31"'), "waivers[0].expires: write the day"),
        (f"[[waivers]]\n{WAIVER}".replace("2027-01-31", "2027-01-31T00:00:00Z"), "waivers[0].expires: write the day"),
    ],
)
def test_a_policy_that_cannot_be_meant_says_where(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_policy(text)
    assert problem in str(refused.value)


CLEAN: dict[str, Any] = {
    "unit-tests/report.xml": '<testsuite><testcase name="a"/></testsuite>',
    "bandit/report.json": {"results": [], "errors": [], "metrics": {"_totals": {"loc": 5}}},
    "safety.json": {"report_meta": {"packages_found": 1}, "vulnerabilities": []},
    "snyk/report.json": {"vulnerabilities": [], "ok": True, "dependencyCount": 2},
    "secrets.sarif": {"runs": [{"tool": {"driver": {"name": "x"}}, "results": []}]},
}
CRITICAL = {"ok": False, "vulnerabilities": [{"id": "S1", "severity": "critical", "packageName": "p", "version": "1"}]}


def gate(folder: Path, arguments: str = "", **files: Any) -> Result:
    for name, content in (CLEAN | {name.replace("__", "/"): each for name, each in files.items()}).items():
        path = folder / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return CliRunner().invoke(main, ["gate", "--reports", str(folder / "reports"), *arguments.split()])


def test_clean_reports_pass(tmp_path: Path) -> None:
    result = gate(tmp_path)

    assert (result.exit_code, result.output.splitlines()[0]) == (0, "# PASS")


def test_a_critical_finding_fails_with_the_summary_and_a_waiver_accepts_it(tmp_path: Path) -> None:
    files: dict[str, Any] = {"snyk/report.json": CRITICAL}
    failed = gate(tmp_path, **files)
    assert failed.exit_code == 1
    assert "- **critical** S1 in `p 1` (snyk): no fixed version is known" in failed.output

    policy = tmp_path / "policy.toml"
    policy.write_text(f"[[waivers]]\n{WAIVER}".replace('"x"', '"S1"').replace("2027", "2999"))
    accepted = gate(tmp_path, f"--policy {policy} --json", **files)
    judged = json.loads(accepted.output)
    assert (accepted.exit_code, judged["verdict"], judged["counts"]["critical"]) == (0, "PASS", 0)
    (row,) = judged["findings"]
    assert (row["waived_until"], row["owasp"][0], row["blocks"]) == ("2999-01-31", "A06:2021", False)


def test_a_missing_report_fails_and_is_named(tmp_path: Path) -> None:
    gate(tmp_path)
    (tmp_path / "reports/safety.json").unlink()
    result = CliRunner().invoke(main, ["gate", "--reports", str(tmp_path / "reports")])

    assert result.exit_code == 1
    assert "- **safety**: its report is missing" in result.output


RECORD: Any = {"check": "snyk", "format": "snyk", "source_version": "v1"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({**RECORD, "source_version": "v0"}, "run.json is of source_version 'v0' instead of 'v1'"),
        ({**RECORD, "check": "bandit"}, "run.json is of check 'bandit' instead of 'snyk'"),
        ({"check": "snyk"}, "run.json is no record of a run"),
        ([], "run.json is no record of a run"),
        ("not JSON", "run.json is no record of a run"),
    ],
)
def test_a_report_of_another_run_does_not_count(tmp_path: Path, record: Any, expected: str) -> None:
    result = gate(tmp_path, "--source-version v1", **{"snyk/run.json": record})

    assert result.exit_code == 1
    assert f"- **snyk**: its report is error: {expected}" in result.output
    assert "- **safety**: its report is error: there is no run.json beside it" in result.output


def test_a_record_that_fits_is_no_news(tmp_path: Path) -> None:
    assert gate(tmp_path, **{"snyk/run.json": RECORD}).exit_code == 0
    assert "**snyk**" not in gate(tmp_path, "--source-version v1", **{"snyk/run.json": RECORD}).output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gate"], "which reports? Name their folder with REPORTS= (--reports)"),
        (["gate", "--reports", "/none"], "/none: no such folder; name the one with the reports"),
        (["gate", "--reports", "/tmp", "--policy", "/none.toml"], "/none.toml: cannot be read"),
        (["gate", "--reports", "/tmp", "--service", "x"], "no service 'x'"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert expected in result.output


def test_a_policy_with_problems_lists_them(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('unknown = "x"\npromote = 1\n')
    result = gate(tmp_path, f"--policy {tmp_path}/policy.toml")

    assert result.exit_code == 2
    assert "the policy cannot be meant\n  unknown: 'x' is no severity" in result.output
    assert "\n  promote: is no list of ids" in result.output
