"""The decision: which findings stop a release, which are accepted until when, and that no other finding passes."""

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
from cicd_templates.functions.scan_gate.decide import SOURCE, decide
from cicd_templates.functions.scan_gate.findings import as_json
from cicd_templates.functions.scan_gate.owasp import CATEGORIES, categories
from cicd_templates.functions.scan_gate.policy import POLICY as POLICY_FILE
from cicd_templates.functions.scan_gate.policy import Policy, agreed_policy, read_policy
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.record import record_problem
from cicd_templates.functions.scan_gate.severity import SCALE
from cicd_templates.functions.scan_gate.summary import MAX_SHOWN, summary
from cicd_templates.functions.scan_gate.unusable_reports import read_or_mark_unusable
from cicd_templates.functions.scan_gate.waivers import Waiver

TODAY = date(2026, 11, 24)
# Of CVE-2026-1 in flask, whatever its version, its file and its line.
FINGERPRINT = "c377ecd979c16854"


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
        ("high", Policy(unfixed="critical"), "FAIL"),
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


@pytest.mark.parametrize(
    ("waivers", "verdict"), [([], "FAIL"), ([Waiver("S", "r", "o", TODAY, package="flask")], "PASS")]
)
def test_a_suppressed_finding_stops_a_release_unless_it_is_waived(waivers: list[Waiver], verdict: str) -> None:
    read = Report()
    read.add(finding("S", "high"), {"code": "manual"})
    decision = decide(["safety"], {"safety": read}, Policy(waivers=waivers), TODAY)

    assert (decision.verdict, read.findings) == (verdict, [])
    assert decision.unused_waivers == []
    assert ("but it counts until a waiver accepts it" in summary(decision)) == (verdict == "FAIL")
    assert as_json(decision)["findings"][0]["suppressed"] is True


def test_the_same_line_found_and_passed_over_is_two_findings() -> None:
    read = Report()
    read.add(finding(package="", file="a.py", excerpt="x"), False)
    read.add(finding(package="", file="a.py", excerpt="x"), True)
    read_or_mark_unusable(lambda data: read, "x", b"")

    assert read.suppressed[0].fingerprint == f"{read.findings[0].fingerprint}-2"


def test_no_report_too_many_changes_anything() -> None:
    assert decide(["bandit"], {"bandit": report(), "extra": report(finding())}, Policy(), TODAY).verdict == "PASS"


@pytest.mark.parametrize(
    ("waiver", "verdict", "unused"),
    [
        pytest.param({"package": "flask"}, "PASS", 0, id="until today"),
        pytest.param({"package": "Flask"}, "PASS", 0, id="packages have no case"),
        pytest.param({"package": "flask", "expires": TODAY - timedelta(1)}, "FAIL", 0, id="expired"),
        pytest.param({"package": "django"}, "FAIL", 1, id="another package"),
        pytest.param({"package": "zope"}, "FAIL", 1, id="a package later in the alphabet"),
        pytest.param({"package": "flask", "id": "CVE-2026-2"}, "FAIL", 1, id="another finding"),
        pytest.param({"package": "flask", "id": "GHSA-1"}, "PASS", 0, id="by its alias"),
        pytest.param({"path": "src/"}, "PASS", 0, id="by its path"),
        pytest.param({"path": "tests/"}, "FAIL", 1, id="another path"),
        pytest.param({"package": "flask", "path": "tests/"}, "FAIL", 1, id="both have to fit"),
        pytest.param({"path": "src/a.py"}, "PASS", 0, id="the very file"),
        pytest.param({"path": "sr"}, "FAIL", 1, id="half a folder's name"),
        pytest.param({"path": "src/a.p"}, "FAIL", 1, id="half a file's name"),
        pytest.param({"path": "src", "fingerprint": FINGERPRINT}, "PASS", 0, id="by its fingerprint"),
        pytest.param({"path": "src", "fingerprint": "0" * 16}, "FAIL", 1, id="another place in the file"),
        pytest.param({"path": "src", "fingerprint": "f" * 16}, "FAIL", 1, id="yet another place in the file"),
    ],
)
def test_a_waiver_covers_one_finding_until_its_day(waiver: dict[str, Any], verdict: str, unused: int) -> None:
    fields = {"id": "CVE-2026-1", "reason": "not reachable", "owner": "ada", "expires": TODAY, **waiver}
    found = finding(file="src/a.py", aliases=["GHSA-1"])
    decision = decide(["snyk"], {"snyk": report(found)}, Policy(waivers=[Waiver(**fields)]), TODAY)

    assert decision.verdict == verdict
    assert len(decision.unused_waivers) == unused
    text = summary(decision)
    assert ("the waiver of ada expired on 2026-11-23" in text) == (waiver.get("expires", TODAY) < TODAY)
    assert ("not reachable (ada, until 2026-11-24)" in text) == (verdict == "PASS")
    assert ("Unused waivers" in text) == bool(unused)


def test_what_two_tools_found_is_one_finding_with_the_worse_word() -> None:
    reports = {
        "safety": report(finding("12345", "unknown", aliases=["CVE-2026-1"], cwe=[79])),
        "snyk": report(finding("SNYK-1", "medium", aliases=["CVE-2026-1"], fix="1.0", cwe=[20])),
        "trivy": report(finding("CVE-2026-1", "low", package="Flask"), finding("CVE-2026-1", "low", package="other")),
    }
    decision = decide(["safety", "snyk", "trivy"], reports, Policy(), TODAY)
    first, second = decision.findings

    assert first.alike[0].aliases == ["CVE-2026-1", "SNYK-1"]
    assert (first.severity, first.checks) == ("medium", ["safety", "snyk", "trivy"])
    assert (first.alike[0].fix, first.alike[0].cwe) == ("1.0", [20, 79])
    # Safety did not say how bad it is, and what is unknown counts as high.
    assert first.blocks
    assert (second.alike[0].package, second.blocks) == ("other", False)
    assert [decision.count(word) for word in ("medium", "low")] == [1, 1]


def test_the_same_rule_in_two_files_is_two_findings() -> None:
    found = [finding("B602", file=name, package="", version="") for name in ("a.py", "b.py")]

    assert len(decide(["bandit"], {"bandit": report(*found)}, Policy(), TODAY).findings) == 2


def test_a_waiver_of_one_tools_word_does_not_take_back_anothers() -> None:
    waiver = Waiver("12345", "r", "o", TODAY, package="flask")
    reports = {"safety": report(finding("12345", aliases=["CVE-2026-1"])), "snyk": report(finding("CVE-2026-1"))}
    for order in (["safety", "snyk"], ["snyk", "safety"]):
        (judged,) = decide(order, reports, Policy(waivers=[waiver]), TODAY).findings
        assert judged.blocks
        assert judged.waiver is None

    other = Waiver("GHSA-9", "r", "o", TODAY, package="flask")
    third = {**reports, "safety": report(finding("12345", aliases=["CVE-2026-1"]))}
    third["snyk"] = report(finding("CVE-2026-1", aliases=["GHSA-9"]))
    (judged,) = decide(["safety", "snyk"], third, Policy(waivers=[other]), TODAY).findings
    assert judged.blocks

    reports = {"safety": report(finding("12345", aliases=["CVE-2026-1"])), "snyk": report(finding("CVE-2026-1"))}
    longer = Waiver("CVE-2026-1", "r", "o", TODAY + timedelta(9), package="flask")
    (judged,) = decide(["safety", "snyk"], reports, Policy(waivers=[waiver, longer]), TODAY).findings
    assert not judged.blocks
    # Safety's finding has both waivers, Snyk's the longer one.
    assert judged.waiver == longer


def test_two_findings_are_one_by_way_of_a_third() -> None:
    found = [finding("A"), finding("C"), finding("B", aliases=["A", "C"])]

    for order in (found, found[::-1], [found[0], found[2], found[1]]):
        (judged,) = decide(["c"], {"c": report(*order)}, Policy(), TODAY).findings
        assert {judged.alike[0].id, *judged.alike[0].aliases} == {"A", "B", "C"} or judged.alike[0].id in ("A", "C")


def test_the_same_line_twice_in_a_file_is_two_findings_with_a_fingerprint_each() -> None:
    three = [Finding("t", "B602", None, "high", file="a.py", excerpt="run(x)") for _ in range(3)]
    one, two, other = (each.fingerprint for each in read_or_mark_unusable(lambda _: report(*three), "t", b"").findings)

    assert (two, other) == (f"{one}-2", f"{one}-3")
    assert len(decide(["c"], {"c": report(*three)}, Policy(), TODAY).findings) == 3


@pytest.mark.parametrize("days", [0, 1, 366])
def test_a_waiver_has_not_ended_until_its_last_day_is_over(days: int) -> None:
    waiver = Waiver("CVE-2026-1", "r", "o", TODAY + timedelta(days), package="flask")
    (judged,) = decide(["c"], {"c": report(finding())}, Policy(waivers=[waiver]), TODAY).findings

    assert (judged.waiver, judged.expired, judged.blocks) == (waiver, None, False)


@pytest.mark.parametrize(
    ("severity", "fixes", "verdict"),
    [
        ("high", [""], "PASS"),
        ("critical", [""], "FAIL"),
        ("high", ["1.0"], "FAIL"),
        ("high", [None], "FAIL"),
        ("high", ["", None], "PASS"),
        ("high", ["", "1.0"], "FAIL"),
        ("unknown", [""], "PASS"),
    ],
)
def test_a_finding_that_no_version_fixes_may_pass_if_the_policy_allows_it(
    severity: str, fixes: list[str | None], verdict: str
) -> None:
    found = report(*(finding(severity=severity, fix=fix) for fix in fixes))

    assert decide(["c"], {"c": found}, Policy(unfixed="critical"), TODAY).verdict == verdict
    assert decide(["c"], {"c": found}, Policy(), TODAY).verdict == "FAIL"


def test_a_fingerprint_survives_moved_lines_and_nothing_else() -> None:
    def mark(**about: Any) -> str:
        return Finding(
            "t", "B602", None, "high", **{"file": "./a.py", "line": 3, "excerpt": " run(x)", **about}
        ).fingerprint

    assert mark() == mark(line=90) == mark(excerpt="    run( x )\n") == mark(file="a.py")
    assert len({mark(), mark(file="b.py"), mark(excerpt="run(y)"), mark(excerpt="", title="bad")}) == 4


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


def test_the_summary_says_what_stops_a_release_why_where_and_how_to_fix_it() -> None:
    code = finding("B602", "high", package="", version="", file="src/a.py", line=3, cwe=[78])
    plain = finding("S1", "high", package="", version="", file="config.py", line=1)
    part = finding("CVE-2026-1", "critical", fix="1.0", cwe=[79], title="XSS\n# PASS `x`\x1b[0m " + "x" * 200)
    unfixed = finding("CVE-2026-9", "critical", package="old", version="1", fix="")
    decision = decide(["all"], {"all": report(code, plain, part, unfixed)}, Policy(), TODAY)
    text = summary(decision)

    assert text.startswith("# FAIL: blocking findings: 4\n\nFindings without a waiver: 2 critical, 2 high.\n")
    assert text.split("\n- ")[1].splitlines() == [
        "**critical** CVE-2026-1: XSS # PASS \\`x\\`[0m " + "x" * 82 + "...",
        "  - where: `flask 0.12`, found by all",
        "  - what to do: update to 1.0",
        "  - OWASP: A06:2021 Vulnerable and Outdated Components, A03:2025 Software Supply Chain Failures,"
        " A03:2021 Injection, A05:2025 Injection",
    ]
    assert (
        "- **critical** CVE-2026-9\n  - where: `old 1`, found by all\n  - what to do: no fix is available yet" in text
    )
    assert (
        "  - where: `src/a.py:3`, found by all\n  - what to do: fix the code there\n  - OWASP: A03:2021 Injection"
        in text
    )
    assert text.endswith("  - OWASP: no category\n")


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        pytest.param({"file": "a/" * 60 + "main.py", "line": 1234}, "..." + "a/" * 44 + "main.py:1234", id="a file"),
        pytest.param({"file": "/" + "a" * 97, "line": 1}, "/" + "a" * 97 + ":1", id="as long as fits"),
        pytest.param({"package": "@" + "s" * 120, "version": "1.0.9"}, "..." + "s" * 94 + " 1.0.9", id="a package"),
    ],
)
def test_a_long_place_keeps_its_end_with_the_file_and_the_line(place: dict[str, Any], shown: str) -> None:
    found = finding("B602", "high", **{"package": "", "version": "", **place})
    text = summary(decide(["all"], {"all": report(found)}, Policy(), TODAY))

    assert f"  - where: `{shown}`, found by all\n" in text


def test_a_long_summary_ends_where_a_person_stops_reading() -> None:
    many = [finding(f"CVE-{number:04}") for number in range(MAX_SHOWN + 3)]

    assert summary(decide(["c"], {"c": report(*many)}, Policy(), TODAY)).endswith(
        "- 3 more findings are in verdict.json: 3 high\n"
    )


def test_categories_are_those_of_the_weakness_and_of_components() -> None:
    assert categories([89], component=False) == ["A03:2021", "A05:2025"]
    assert categories([], component=True) == ["A06:2021", "A03:2025"]
    assert categories([99999], component=False) == []
    assert len(CATEGORIES) == 20


POLICY = """
unknown = "critical"
unfixed = "critical"
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
    policy = read_policy(POLICY.encode(), ["bandit", "snyk"])

    assert policy.problems == []
    assert (policy.unfixed, policy.unknown) == ("critical", "critical")
    assert (policy.promote, policy.thresholds) == (
        ["B602"],
        {"bandit": "medium"},
    )
    assert policy.waivers == [
        Waiver("CVE-2026-1", "not reachable", "ada", date(2027, 1, 31), package="flask"),
    ]
    assert read_policy(b"version = 2", []) == Policy()
    assert read_policy(b"", []) == Policy(kinds={}, exploited=None, epss=1.0, version=1)


# A day on which a waiver may end.
LAST = str(date.today() + timedelta(300))
WAIVER = 'id = "x"\npackage = "p"\nreason = "r"\nowner = "o"\nexpires = 2027-01-31\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", "is not valid TOML"),
        ("a = " + "[" * 5000, "is not valid TOML"),
        ('[thresholds]\nbandid = "high"', "thresholds.bandid: unknown key; the known keys are bandit, snyk"),
        (
            "treshold = 1",
            "treshold: unknown key; the known keys are version, thresholds, unknown, unfixed, promote",
        ),
        ('unknown = "info"', "unknown: 'info' is not a severity; use one of critical, high, medium, low"),
        ("thresholds = 1", "thresholds: is not a table"),
        ("[thresholds]\nbandit = 1", "thresholds.bandit: 1 is not a severity"),
        ('promote = "B602"', "promote: is not a list of ids"),
        ("waivers = 1", "waivers: is not a list; write [[waivers]] tables"),
        ("waivers = [1]", "waivers[0]: is not a table"),
        (f"[[waivers]]\n{WAIVER}until = 1", "waivers[0].until: unknown key; the known keys are id, package, path"),
        (
            f"[[waivers]]\n{WAIVER}".replace('"r"', '" "'),
            "waivers[0].reason: missing; a waiver needs an id, a reason and an owner",
        ),
        (f'[[waivers]]\n{WAIVER}path = ""\n', "waivers[0].path: missing; a waiver needs an id, a reason and an owner"),
        (f"[[waivers]]\n{WAIVER}".replace('"o"', "1"), "waivers[0].owner: is not a string"),
        (f"[[waivers]]\n{WAIVER}".replace('package = "p"', ""), "waivers[0]: has neither a package nor a path"),
        (f"[[waivers]]\n{WAIVER}".replace("2027-01-31", '"2027-01-31"'), "waivers[0].expires: is not a date"),
        (f"[[waivers]]\n{WAIVER}".replace("2027-01-31", "2027-01-31T00:00:00Z"), "waivers[0].expires: is not a date"),
    ],
)
def test_a_policy_that_cannot_be_meant_says_where(text: str, problem: str) -> None:
    policy = read_policy(text.encode(), ["bandit", "snyk"])

    assert any(each.startswith(problem) for each in policy.problems)
    assert decide([], {}, policy, TODAY).verdict == "FAIL"


def test_a_policy_that_is_no_text_has_a_problem() -> None:
    assert read_policy(b"\xff", []).problems[0].startswith("is not valid TOML")


@pytest.mark.parametrize(
    ("copies", "problems"),
    [
        ({}, []),
        ({"a": None, "b": None}, []),
        ({"a": b"", "b": b""}, []),
        ({"a": b"", "b": None}, ["the checks do not all have the same copy of this file; checks with a copy: a"]),
        (
            {"a": b'unknown = "low"', "b": b""},
            ["the checks do not all have the same copy of this file; checks with a copy: a, b"],
        ),
        (
            {"a": b"x = 1"},
            ["x: unknown key; the known keys are version, thresholds, unknown, unfixed, promote, waivers"],
        ),
    ],
)
def test_a_policy_counts_where_every_check_hands_on_the_same(
    copies: dict[str, bytes | None], problems: list[str]
) -> None:
    policy = agreed_policy(copies, ["a", "b"])

    assert policy.problems == problems
    assert policy.unknown == "high"
    assert POLICY_FILE == "scan-policy.toml"


CLEAN: dict[str, Any] = {
    "unit-tests/report.xml": '<testsuite><testcase name="a"/></testsuite>',
    "bandit/report.json": {"results": [], "errors": [], "metrics": {"_totals": {"loc": 5}}},
    "safety.json": {"report_meta": {"packages_found": 1}, "vulnerabilities": []},
    "snyk/report.json": {"vulnerabilities": [], "ok": True, "dependencyCount": 2},
    "secrets.json": {"version": "1.5.0", "plugins_used": [{"name": "x"}], "results": {}},
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

    assert (result.exit_code, result.output.splitlines()[0]) == (0, "# PASS: nothing blocks the release")


def test_a_critical_finding_fails_with_the_summary_and_a_waiver_accepts_it(tmp_path: Path) -> None:
    files: dict[str, Any] = {"snyk/report.json": CRITICAL}
    failed = gate(tmp_path, **files)
    assert failed.exit_code == 1
    assert "- **critical** S1\n  - where: `p 1`, found by snyk\n  - what to do: update or replace it" in failed.output

    policy = tmp_path / "policy.toml"
    policy.write_text(f"[[waivers]]\n{WAIVER}".replace('"x"', '"S1"').replace("2027-01-31", LAST))
    accepted = gate(tmp_path, f"--policy {policy} --json", **files)
    judged = json.loads(accepted.output)
    assert (accepted.exit_code, judged["verdict"], judged["counts"]["critical"]) == (0, "PASS", 0)
    (row,) = judged["findings"]
    assert (row["waived_until"], row["owasp"][0], row["blocks"]) == (LAST, "A06:2021", False)


def test_a_missing_report_fails_and_is_named(tmp_path: Path) -> None:
    gate(tmp_path)
    (tmp_path / "reports/safety.json").unlink()
    (tmp_path / "reports/unit-tests/report.xml").unlink()
    result = CliRunner().invoke(main, ["gate", "--reports", str(tmp_path / "reports")])

    assert result.exit_code == 1
    assert "- **safety**: its report is error: there is no safety/report.json and no safety.json in " in result.output
    assert "no unit-tests/report.xml and no unit-tests.xml in " in result.output


RECORD: Any = {
    "check": "snyk",
    "format": "snyk",
    "source_version": "v1",
    "tool_version": "1.1",
    "exit_code": 0,
    "source_digest": "a" * 64,
    "not_read": [],
    "started": f"{date.today()}T00:00:00Z",
    "finished": f"{date.today()}T00:00:09Z",
}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({**RECORD, "source_version": "v0"}, "run.json has source_version 'v0' instead of 'v1'"),
        ({**RECORD, "source_version": "v9"}, "run.json has source_version 'v9' instead of 'v1'"),
        ({**RECORD, "check": "bandit"}, "run.json has check 'bandit' instead of 'snyk'"),
        ({"check": "snyk"}, "run.json is not a valid run record"),
        ({**RECORD, "started": "yesterday"}, "run.json is not a valid run record"),
        ({**RECORD, "tool_version": ""}, "run.json shows that the tool could not be run (version '', exit code 0)"),
        ({**RECORD, "exit_code": 127}, "run.json shows that the tool could not be run (version '1.1', exit code 127)"),
        (
            {**RECORD, "exit_code": None},
            "run.json shows that the tool could not be run (version '1.1', exit code None)",
        ),
        ({**RECORD, "exit_code": 256}, "run.json shows that the tool could not be run (version '1.1', exit code 256)"),
        ({**RECORD, "exit_code": 126}, "run.json shows that the tool could not be run (version '1.1', exit code 126)"),
        ({**RECORD, "exit_code": 129}, "run.json shows that signal 1 terminated the tool"),
        ({**RECORD, "exit_code": 192}, "run.json shows that signal 64 terminated the tool"),
        ({**RECORD, "finished": "2025-11-24T09:00:00Z"}, "run.json has an end time before its start time"),
        (
            {**RECORD, "source_digest": ""},
            "run.json has no digest of the source, so it is unknown which source was checked",
        ),
        ({**RECORD, "source_digest": "A" * 64}, "run.json has no digest of the source"),
        ({**RECORD, "source_digest": "a" * 64 + "\n"}, "run.json has no digest of the source"),
        ({**RECORD, "source_digest": ["a" * 64]}, "run.json has no digest of the source"),
        ({key: RECORD[key] for key in RECORD if key != "source_digest"}, "run.json is not a valid run record"),
        (
            {**RECORD, "not_read": "poetry.lock"},
            "run.json has no valid list in not_read, so it is unknown whether the check read everything",
        ),
        (
            {**RECORD, "not_read": [None]},
            "run.json has no valid list in not_read, so it is unknown whether the check read everything",
        ),
        ([], "run.json is not a valid run record"),
        ("not JSON", "run.json is not a valid run record"),
    ],
)
def test_a_report_of_another_run_does_not_count(tmp_path: Path, record: Any, expected: str) -> None:
    result = gate(tmp_path, "--source-version v1", **{"snyk/run.json": record})

    assert result.exit_code == 1
    assert f"- **snyk**: its report is error: {expected}" in result.output
    assert "- **safety**: its report is error: the report has no run.json beside it" in result.output


@pytest.mark.parametrize("code", [0, 1, 125, 128, 193, 255])
def test_an_exit_code_of_the_tools_own_says_nothing(code: int) -> None:
    data = json.dumps({**RECORD, "exit_code": code}).encode()

    assert record_problem(data, "snyk", "snyk", "v1") == ""


def test_a_run_within_a_second_is_a_run() -> None:
    data = json.dumps({**RECORD, "finished": RECORD["started"]}).encode()

    assert record_problem(data, "snyk", "snyk", "v1") == ""


def test_a_record_that_fits_is_no_news(tmp_path: Path) -> None:
    assert gate(tmp_path, **{"snyk/run.json": RECORD}).exit_code == 0
    assert "**snyk**" not in gate(tmp_path, "--source-version v1", **{"snyk/run.json": RECORD}).output


def test_reports_about_different_sources_stop_a_release_and_no_waiver_covers_that(tmp_path: Path) -> None:
    record = {**RECORD, "check": "bandit", "format": "bandit", "source_digest": "b" * 64}
    bandit = {"bandit/report.json": CLEAN["bandit/report.json"], "bandit/run.json": record}
    result = gate(tmp_path, **{"snyk/run.json": RECORD, **bandit})

    assert result.exit_code == 1
    assert "- **source digest**: the checks judged different sources: " in result.output
    assert f"snyk had {'a' * 12}" in result.output
    assert f"bandit had {'b' * 12}" in result.output


@pytest.mark.parametrize(
    ("digests", "agreed"), [(["a", "a"], "a"), (["a", ""], "a"), (["", ""], ""), (["a", "b"], ""), (["a"], "a")]
)
def test_a_decision_names_the_source_that_every_report_is_about(digests: list[str], agreed: str) -> None:
    reports = {str(number): Report(source_digest=digest) for number, digest in enumerate(digests)}
    decision = decide([*reports], {**reports, "another": Report(source_digest="z")}, Policy(), TODAY)

    assert (decision.source_digest, as_json(decision)["source_digest"]) == (agreed, agreed)
    assert (SOURCE in decision.broken) == (digests == ["a", "b"])
    assert decision.verdict == ("FAIL" if digests == ["a", "b"] else "PASS")


def test_what_a_check_did_not_read_makes_its_report_incomplete_and_keeps_its_findings(tmp_path: Path) -> None:
    record = {**RECORD, "not_read": ["poetry.lock", "src/x.whl"]}
    files: dict[str, Any] = {"snyk/report.json": CRITICAL, "snyk/run.json": record}
    result = gate(tmp_path, **files)

    assert result.exit_code == 1
    assert "- **snyk**: its report is incomplete: the check did not read poetry.lock; src/x.whl" in result.output
    assert "**critical** S1" in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gate", "waive"], "which reports? Name their folder with --reports"),
        (["gate"], "which reports? Name their folder with --reports"),
        (["gate", "--reports", "/none"], "/none: no such folder; pass the folder with the reports"),
        (["gate", "--reports", "/tmp", "--policy", "/none.toml"], "/none.toml: cannot be read"),
        (["gate", "--reports", "/tmp", "--policy", "/dev/zero"], "/dev/zero: cannot be read: not an ordinary file"),
        (["gate", "--reports", "/tmp", "--service", "x"], "no service 'x'"),
        (["gate", "inspect", "--tool", "sarif", "/dev/zero"], "/dev/zero: cannot be read: not an ordinary file"),
    ],
)
def test_wrong_arguments_are_reported_in_a_line(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert expected in result.output


def test_a_policy_with_problems_lists_them(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('unknown = "x"\npromote = 1\n')
    result = gate(tmp_path, f"--policy {tmp_path}/policy.toml")

    assert result.exit_code == 2
    assert "the policy is not valid\n  unknown: 'x' is not a severity" in result.output
    assert "\n  promote: is not a list of ids" in result.output


def test_the_policy_beside_the_reports_counts_as_it_does_in_the_pipeline(tmp_path: Path) -> None:
    files: dict[str, Any] = {"snyk/report.json": CRITICAL, "snyk/run.json": RECORD}
    policy = f"[[waivers]]\n{WAIVER}".replace('"x"', '"S1"').replace("2027-01-31", LAST)

    assert gate(tmp_path, **files).exit_code == 1
    assert gate(tmp_path, **files, **{"snyk/scan-policy.toml": policy}).exit_code == 0
    files["bandit/run.json"] = {**RECORD, "check": "bandit", "format": "bandit"}
    differing = gate(tmp_path, **files)
    assert differing.exit_code == 1
    assert (
        "- **scan-policy.toml**: the checks do not all have the same copy of this file; checks with a copy: snyk"
        in differing.output
    )


LEGACY: dict[str, Any] = {
    "snyk/report.json": CRITICAL,
    "bandit/report.json": {
        **CLEAN["bandit/report.json"],
        "results": [
            {
                "test_id": "B602",
                "issue_severity": "HIGH",
                "filename": "./a \x7f.py",
                "line_number": 1,
                "code": "1 run(x)",
            }
        ],
    },
    "unit-tests/report.xml": '<testsuite><testcase name="old"><failure/></testcase></testsuite>',
}


def waived(folder: Path, arguments: str = f"--all-current --expires {LAST} --owner ada") -> Result:
    policy = f"--policy {folder}/p.toml"
    return CliRunner().invoke(main, f"gate waive --reports {folder}/reports {policy} {arguments}".split())


def test_what_stops_a_legacy_application_is_accepted_until_a_day_and_nothing_that_comes_after(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('unfixed = "medium"\n')
    assert gate(tmp_path, **LEGACY).exit_code == 1
    result = waived(tmp_path)

    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            f"{tmp_path}/p.toml: 2 waivers added for ada, valid until {LAST}",
            "no waiver written for old: the report gives no package and no file for this finding",
        ],
    )
    written = (tmp_path / "p.toml").read_text()
    assert written.startswith('unfixed = "medium"\n\n[[waivers]]\nid = "S1"\npackage = "p"\n')
    mended = {**LEGACY, "unit-tests/report.xml": CLEAN["unit-tests/report.xml"]}
    assert gate(tmp_path, f"--policy {tmp_path}/p.toml", **mended).exit_code == 0
    assert waived(tmp_path).output.startswith(f"{tmp_path}/p.toml: 0 waivers added")

    (row,) = LEGACY["bandit/report.json"]["results"]
    moved = {**LEGACY["bandit/report.json"], "results": [{**row, "line_number": 9, "code": "9   run(x)"}]}
    assert gate(tmp_path, f"--policy {tmp_path}/p.toml", **{**mended, "bandit/report.json": moved}).exit_code == 0
    more = {**LEGACY["bandit/report.json"], "results": [row, row]}
    assert gate(tmp_path, f"--policy {tmp_path}/p.toml", **{**mended, "bandit/report.json": more}).exit_code == 1


@pytest.mark.parametrize("name", ["src/\udcff.py", "\ud800", "a\udc80/b\udcfe.py", "grüße.py"])
def test_a_file_whose_name_is_not_unicode_can_be_waived(name: str, tmp_path: Path) -> None:
    (row,) = LEGACY["bandit/report.json"]["results"]
    report = {**LEGACY["bandit/report.json"], "results": [{**row, "filename": name}]}
    files: dict[str, Any] = {"bandit/report.json": report}
    assert gate(tmp_path, **files).exit_code == 1
    assert "1 waiver added" in waived(tmp_path).output

    assert gate(tmp_path, f"--policy {tmp_path}/p.toml", **files).exit_code == 0


def test_what_is_waived_in_the_working_folder_is_accepted_there(
    tmp_path: Path, in_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, Any] = {"snyk/report.json": CRITICAL}
    assert gate(tmp_path, **files).exit_code == 1
    arguments = f"gate waive --all-current --reports {tmp_path}/reports --expires {LAST} --owner ada"
    assert CliRunner().invoke(main, arguments.split()).output.startswith("scan-policy.toml: 1 waiver added for ada")
    accepted = gate(tmp_path, **files)

    assert (accepted.exit_code, accepted.output.splitlines()[-1]) == (0, "Judged by the policy scan-policy.toml.")


def test_a_waiver_for_all_does_not_cover_a_missing_report(tmp_path: Path) -> None:
    gate(tmp_path)
    (tmp_path / "reports/safety.json").unlink()
    result = waived(tmp_path)

    assert "no waiver written for safety: its report is error: there is no safety/report.json" in result.output
    assert not (tmp_path / "p.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "before", "expected"),
    [
        (f"--expires {LAST} --owner ada", "", "which findings? Add --all-current to waive every"),
        (
            "--all-current --expires 2020-01-31 --owner ada",
            "",
            "--expires 2020-01-31: that day has passed; write the date of today",
        ),
        (
            "--all-current --expires soon --owner ada",
            "",
            "--expires soon: not a date; write one such as 2027",
        ),
        ("--all-current --owner ada", "", "until when do the waivers apply? Name their last day with --expires"),
        (f"--all-current --expires {LAST}", "", "who owns the waivers? Name the owner with --owner"),
        (f"--all-current --expires {LAST} --owner ada", "unknwon = 1", "unknwon: unknown key"),
        (
            f"--all-current --expires {LAST} --owner ada",
            "waivers = []",
            "p.toml: no waiver was added, because the policy would not be valid",
        ),
    ],
)
def test_waivers_that_cannot_be_written_leave_the_policy_as_it_is(
    tmp_path: Path, arguments: str, before: str, expected: str
) -> None:
    gate(tmp_path, **LEGACY)
    (tmp_path / "p.toml").write_text(before)
    result = waived(tmp_path, arguments)

    assert result.exit_code == 2
    assert expected in result.output
    assert (tmp_path / "p.toml").read_text() == before


def test_a_policy_that_cannot_be_written_is_reported_in_a_line(tmp_path: Path) -> None:
    gate(tmp_path, **LEGACY)
    (tmp_path / "file").touch()
    arguments = f"gate waive --all-current --reports {tmp_path}/reports --expires {LAST} --owner ada"
    result = CliRunner().invoke(main, [*arguments.split(), "--policy", f"{tmp_path}/file/p.toml"])

    assert result.exit_code == 2
    assert f"{tmp_path}/file/p.toml: cannot be written: " in result.output


def test_a_folder_with_two_reports_of_a_check_says_so(tmp_path: Path) -> None:
    result = gate(tmp_path, "", **{"bandit.json": CLEAN["bandit/report.json"]})

    assert result.exit_code == 1
    assert "several reports, bandit/report.json and bandit.json; remove the reports of other runs" in result.output


def test_a_folder_with_reports_of_different_commits_says_so(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "snyk/run.json": RECORD,
        "bandit/run.json": {**RECORD, "check": "bandit", "format": "bandit", "source_version": "v2"},
        "unit-tests/run.json": "not JSON",
    }
    result = gate(tmp_path, **files)

    assert result.exit_code == 1
    assert "- **reports**: the reports belong to different source versions: v2 of bandit; v1 of snyk" in result.output
    same = {**files, "bandit/run.json": {**files["bandit/run.json"], "source_version": "v1"}}
    assert "different source versions" not in gate(tmp_path, **same).output


def test_a_record_beside_all_reports_is_of_none_of_them(tmp_path: Path) -> None:
    assert gate(tmp_path, "", **{"run.json": {**RECORD, "exit_code": 137}}).exit_code == 0


def test_an_exit_code_that_contradicts_the_report_stops_a_release(tmp_path: Path) -> None:
    result = gate(tmp_path, "", **{"snyk/run.json": {**RECORD, "exit_code": 3}})

    assert result.exit_code == 1
    assert "- **snyk**: its report is incomplete: run.json has the exit code 3: it found no supported" in result.output
