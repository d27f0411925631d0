"""Every accepted finding has a reason, an owner and a last day, and is listed in the summary. No other way exists."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

from cicd_templates.cli.local_gate import Day, ExpectedReport, waive
from cicd_templates.functions.scan_gate.decide import Decision, decide
from cicd_templates.functions.scan_gate.findings import as_json
from cicd_templates.functions.scan_gate.policy import Policy, agreed_policy, read_policy
from cicd_templates.functions.scan_gate.reading import Finding, Report
from cicd_templates.functions.scan_gate.summary import summary
from cicd_templates.functions.scan_gate.waivers import Waiver, written_fingerprint
from tests.conftest import ROOT

TODAY = date(2026, 11, 27)
CHECKS = {
    "unit": "junit",
    "code": "bandit",
    "keys": "detect-secrets",
    "deps": "pip-audit",
    "libs": "safety",
    "all": "sarif",
}
ACCEPTED = 'reason = "migration", owner = "ada", expires = {expires}'


def setting(text: str, expires: str = "2027-02-01") -> str:
    return text.replace("ACCEPTED", ACCEPTED.format(expires=expires))


def judged(policy: Policy, check: str = "all", today: date = TODAY, **about: Any) -> Decision:
    found = {"severity": "high", "package": "p", "tool_severity": None, **about}
    return decide([check], {check: Report([Finding("t", "X-1", **found)])}, policy, today)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'thresholds.unit = "critical"',
            "thresholds.unit: with this setting, no finding of unit can stop a release; to accept",
        ),
        ('thresholds.code = "critical"', "thresholds.code: with this setting, no finding of code can stop a release"),
        ('thresholds.keys = "critical"', "thresholds.keys: with this setting, no finding of keys can stop a release"),
        ('thresholds.deps = "critical"', "unknown: with this setting, no finding of deps can stop a release"),
        ('unknown = "low"', "unknown: with this setting, no finding of deps can stop a release"),
        ('unknown = "medium"', "unknown: with this setting, no finding of libs can stop a release"),
        ('unknown = "medium"', "unknown: with this setting, no finding of all can stop a release"),
        (
            'unknown = "medium"',
            "unknown: with this setting, no finding of all can stop a release; to accept the setting until a date,"
            ' write { severity = "medium", ',
        ),
        (
            'thresholds.keys = "critical"',
            "thresholds.keys: with this setting, no finding of keys can stop a release; to accept the setting until a"
            ' date, write { severity = "critical", ',
        ),
        ('waivers = [{ owner = "\u200b\u2800" }]', "waivers[0].owner: missing; a waiver needs an id, a reason and"),
        (
            'version = 2\nunknown = "medium"',
            "unknown: medium is weaker than high; to accept the setting until a date, write { severity =",
        ),
        (
            'version = 2\nunfixed = "high"',
            "unfixed: high is weaker than low; to accept the setting until a date, write { severity =",
        ),
        ('version = 2\nthresholds.all = "critical"', "thresholds.all: critical is weaker than high"),
        ('version = 2\nkinds.injection = "high"', "kinds.injection: high is weaker than medium"),
        ('version = 2\nkinds.taste = "high"', "kinds.taste: unknown key; the known keys are access-control, auth"),
        ("version = 2\nkinds = 1", "kinds: is not a table"),
        ('version = 2\nexploited = "high"', "exploited: high is weaker than critical"),
        ("version = 2\nepss = 2", "epss: is not a probability; write a number above 0 and up to 1, such as 0.1"),
        ("version = 2\nepss = 0", "epss: is not a probability"),
        ("version = 2\nepss = -0.5", "epss: is not a probability"),
        ("version = 2\nepss = true", "epss: is not a probability"),
        ("version = 3", "version: 3 is not known; use 2"),
        ("version = true", "version: True is not known; use 2"),
        (
            'kinds.injection = "low"',
            "kinds: unknown key; the known keys are version, thresholds, unknown, unfixed",
        ),
        ('unknown = { severity = "low" }', "unknown.reason: missing; a waiver needs an id, a reason and an owner"),
        ('unknown = { severity = "low" }', "unknown.expires: is not a date; write the last day"),
        (setting('unknown = { severity = "x", ACCEPTED }'), "unknown: 'x' is not a severity"),
        (
            setting('unknown = { severity = "low", until = 1, ACCEPTED }'),
            "unknown.until: unknown key; the known keys",
        ),
        (
            setting('unknown = { severity = "low", ACCEPTED }', "2028-02-01"),
            "unknown.expires: 2028-02-01 is more than 366 days ahead; the latest day is 2027-11-28",
        ),
        ("waivers = [{}]", "waivers[0]: has neither a package nor a path"),
        ('waivers = [{ path = "." }]', "waivers[0].path: '.' is not a file or folder below the top of the repository"),
        ('waivers = [{ path = "src/../.." }]', "waivers[0].path: 'src/../..' is not a file or folder"),
        ('waivers = [{ path = "//" }]', "waivers[0].path: '//' is not a file or folder"),
        ("waivers = [{ path = 7 }]", "waivers[0].path: is not a string"),
    ],
)
def test_a_setting_that_accepts_findings_needs_a_reason_an_owner_and_an_end(text: str, problem: str) -> None:
    policy = read_policy(text.encode(), CHECKS)
    decision = decide([], {}, policy, TODAY)

    assert any(each.startswith(problem) for each in policy.on(TODAY).problems), policy.on(TODAY).problems
    assert decision.verdict == "FAIL"


@pytest.mark.parametrize(
    ("text", "check", "about"),
    [
        ('thresholds.unit = { severity = "critical", ACCEPTED }', "unit", {}),
        ('unknown = { severity = "low", ACCEPTED }', "deps", {"severity": "unknown"}),
        ('version = 2\nunfixed = { severity = "critical", ACCEPTED }', "all", {"fix": ""}),
        ('version = 2\nkinds.injection = { severity = "high", ACCEPTED }', "all", {"severity": "medium", "cwe": [89]}),
        ('version = 2\nexploited = { severity = "low", ACCEPTED }', "all", {"severity": "low", "exploited": True}),
    ],
)
def test_a_weaker_setting_holds_until_its_day_and_stands_in_the_summary(text: str, check: str, about: Any) -> None:
    policy = read_policy(setting(text).encode(), CHECKS)
    held = judged(policy, check, date(2027, 2, 1), **about)

    assert policy.problems == []
    assert (held.verdict, judged(policy, check, date(2027, 2, 2), **about).verdict) == ("PASS", "FAIL")
    (weaker,) = held.weaker
    assert f"- {weaker.setting} = {weaker.severity}: migration (ada, until 2027-02-01)" in summary(held).replace(
        "\\", ""
    )
    assert as_json(held)["weaker_settings"][0]["expires"] == "2027-02-01"
    assert as_json(judged(policy, check, date(2027, 2, 2), **about))["weaker_settings"] == []


def test_a_stricter_setting_needs_nothing() -> None:
    text = 'version = 2\nunknown = "critical"\nepss = 0.01\nthresholds.all = "low"\nkinds.secrets = "low"\n'
    policy = read_policy(text.encode(), CHECKS)

    assert (policy.problems, policy.weaker, policy.epss) == ([], [], 0.01)
    assert judged(policy, severity="low").verdict == "FAIL"


def test_a_check_that_can_state_critical_is_not_switched_off_by_that_threshold() -> None:
    policy = read_policy(b'[thresholds]\nall = "critical"\n', CHECKS)

    assert policy.problems == []
    assert (
        read_policy(b'thresholds.junit = "critical"', ["junit"])
        .problems[0]
        .startswith("thresholds.junit: with this setting")
    )


@pytest.mark.parametrize(("days", "verdict"), [(366, "PASS"), (367, "FAIL")])
def test_a_waiver_ends_within_the_configured_time(days: int, verdict: str) -> None:
    waiver = Waiver("X-1", "r", "o", TODAY + timedelta(days), package="p")

    assert judged(Policy(waivers=[waiver])).verdict == verdict
    assert judged(Policy(waivers=[waiver], waiver_days=30)).verdict == "FAIL"


@pytest.mark.parametrize(
    ("waiver", "file", "verdict"),
    [
        ("src/old/", "src/old/../new.py", "FAIL"),
        ("src/old/", "src/old/./a.py", "PASS"),
        ("src//old", "src/old/a.py", "PASS"),
        ("./src/old", "./src/x/../old/a.py", "PASS"),
        ("src/old", "src/older/a.py", "FAIL"),
        ("src/old/", "src/old/%2e%2e/new.py", "FAIL"),
        ("src/old/", "src/old/a%20b.py", "PASS"),
        ("src/old/", "../src/old/a.py", "FAIL"),
        ("/build/src", "/build/src/a.py", "PASS"),
        ("src", "", "FAIL"),
    ],
)
def test_paths_are_compared_after_they_are_normalised(waiver: str, file: str, verdict: str) -> None:
    policy = Policy(waivers=[Waiver("X-1", "r", "o", TODAY, path=waiver)])

    assert judged(policy, package="", file=file).verdict == verdict


@pytest.mark.parametrize(
    ("id_", "package", "verdict"),
    [("X-1", "Kit", "PASS"), ("x-1", "kit", "FAIL"), ("X-1", "\u212ait", "FAIL"), ("X-1", "kit ", "FAIL")],
)
def test_ids_are_compared_exactly_and_packages_without_the_case_of_ascii(id_: str, package: str, verdict: str) -> None:
    policy = Policy(waivers=[Waiver(id_, "r", "o", TODAY, package=package)])

    assert judged(policy, package="kit").verdict == verdict


def test_a_fingerprint_is_written_in_groups_and_compared_without_them() -> None:
    found = Finding("t", "X-1", None, "high", file="a.py", excerpt="run()")
    written = written_fingerprint(found.fingerprint)
    for fingerprint in (written, found.fingerprint):
        waiver = Waiver("X-1", "r", "o", TODAY, path="a.py", fingerprint=fingerprint)
        assert decide(["c"], {"c": Report([found])}, Policy(waivers=[waiver]), TODAY).verdict == "PASS"

    assert [len(group) for group in written.split(":")] == [4, 4, 4, 4]
    assert written_fingerprint("0123456789abcdef-12") == "0123:4567:89ab:cdef-12"


def test_each_package_of_a_vulnerability_needs_a_waiver_and_is_joined_with_what_other_tools_say() -> None:
    both = Finding("t", "CVE-7", None, "high", package="a", version="1", also_in=[("org.x:B_b", "2")])
    other = Finding("u", "cve-7", None, "low", package="b.b", version="2")
    waivers = [Waiver("CVE-7", "r", "o", TODAY, package="a")]
    decision = decide(["c", "d"], {"c": Report([both]), "d": Report([other])}, Policy(waivers=waivers), TODAY)

    assert [(each.alike[0].package, each.checks, each.blocks) for each in decision.findings] == [
        ("org.x:B_b", ["c", "d"], True),
        ("a", ["c"], False),
    ]


@pytest.mark.parametrize(
    ("about", "kinds"),
    [
        ({"severity": "medium", "cwe": [89]}, ["injection"]),
        ({"severity": "medium", "cwe": [22, 639]}, ["access-control"]),
        ({"severity": "medium", "cwe": [327]}, ["cryptography"]),
        ({"severity": "medium", "cwe": [798]}, ["secrets"]),
        ({"severity": "medium", "cwe": [259]}, ["cryptography", "secrets"]),
        ({"severity": "medium", "cwe": [502]}, ["integrity"]),
        ({"severity": "low", "tool_severity": "MEDIUM", "cwe": [829]}, ["integrity"]),
        ({"severity": "medium", "cwe": [295]}, ["authentication"]),
        ({"severity": "medium", "cwe": [287, 798]}, ["authentication", "secrets"]),
        ({"severity": "medium", "cwe": [918]}, ["access-control"]),
        ({"severity": "medium", "cwe": [611]}, ["injection"]),
        ({"severity": "medium", "cwe": [20, 776]}, ["injection"]),
        ({"severity": "medium", "cwe": [502], "package": "pyyaml"}, ["integrity"]),
        ({"severity": "medium", "cwe": [400]}, []),
        ({"severity": "low", "cwe": [89]}, []),
        ({"severity": "low", "tool_severity": "MEDIUM", "cwe": [89]}, ["injection"]),
        ({"severity": "medium", "cwe": [79], "package": "jinja2"}, ["injection"]),
    ],
)
def test_a_finding_stops_for_what_it_is_from_medium_on(about: Any, kinds: list[str]) -> None:
    decision = judged(Policy(), **{"package": "", "file": "a.py", **about})

    assert (decision.verdict, decision.findings[0].kinds) == ("FAIL" if kinds else "PASS", kinds)
    assert all(f"the threshold for weaknesses of the kind {kind} stops" in summary(decision) for kind in kinds)
    assert judged(read_policy(b"", CHECKS), **{"package": "", "file": "a.py", **about}).verdict == "PASS"


@pytest.mark.parametrize(
    ("about", "severity"),
    [
        ({"severity": "low", "exploited": True}, "critical"),
        ({"severity": "unknown", "exploited": True}, "critical"),
        ({"severity": "medium", "epss": 0.1}, "high"),
        ({"severity": "high", "epss": 0.97}, "critical"),
        ({"severity": "info", "epss": 0.5}, "low"),
        ({"severity": "unknown", "epss": 0.5}, "unknown"),
        ({"severity": "medium", "epss": 0.099}, "medium"),
        ({"severity": "medium"}, "medium"),
    ],
)
def test_known_and_probable_exploitation_raise_a_finding(about: Any, severity: str) -> None:
    decision = judged(Policy(), **about)

    assert decision.findings[0].severity == severity
    assert ("known to be exploited" in summary(decision)) == about.get("exploited", False)
    assert judged(read_policy(b"", CHECKS), **about).findings[0].severity == about["severity"]


def test_a_severity_that_is_not_stated_is_said_to_be_unknown() -> None:
    decision = judged(Policy(), severity="unknown", tool_severity="warning", stated=False)

    assert "  - severity: its report states no severity\n" in summary(decision)


def test_without_a_file_the_newest_defaults_hold() -> None:
    assert agreed_policy({"a": None}, CHECKS) == Policy()


@pytest.mark.no_cover
def test_what_waive_writes_is_no_secret_for_the_secrets_check(tmp_path: Path) -> None:
    found = [
        Finding("t", id_, None, "high", file=f"src/{number}.py", excerpt=str(number))
        for number, id_ in enumerate(["Secret Keyword", "JSON Web Token", "B105", "python.lang.security.audit"] * 25)
    ]
    found.append(Finding("t", "SNYK-PYTHON-DJANGOCMSATTRIBUTES-6041515", None, "high", package="djangocms-attributes"))
    decision = decide(["all"], {"all": Report(found)}, Policy(), TODAY)
    day = Day(datetime(2026, 11, 27, tzinfo=UTC), 366)
    path = tmp_path / "scan-policy.toml"
    waive(decision, path, {"all": ExpectedReport("sarif")}, day, expires=TODAY, owner="ada", reason="old")

    assert len(read_policy(path.read_bytes(), ["all"]).waivers) == 101
    with default_settings():
        assert list(scan_file(str(path))) == []
        path.write_text(f'fingerprint = "{found[0].fingerprint}{found[1].fingerprint}"')
        assert len(list(scan_file(str(path)))) == 1


def test_the_policy_in_the_documentation_is_valid_and_has_the_defaults() -> None:
    page = (ROOT / "docs/gate.md").read_text()
    whole, weaker = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    policy = read_policy(whole.encode(), ["bandit"])

    assert policy.problems == []
    assert (policy.kinds, policy.unknown, policy.unfixed) == (Policy().kinds, Policy().unknown, Policy().unfixed)
    assert (policy.exploited, policy.epss) == (Policy().exploited, Policy().epss)
    assert read_policy(f"version = 2\n{weaker}".encode(), ["bandit"]).problems == []


WEAKER = [
    ("", {"severity": "medium", "cwe": [89]}, True),
    ("version = 1", {"severity": "medium", "cwe": [502], "package": ""}, True),
    ("", {"severity": "low", "exploited": True}, True),
    ("", {"severity": "medium", "epss": 0.5}, True),
    ('thresholds.all = "critical"', {"severity": "high"}, True),
    ('unknown = "low"\nthresholds.all = "low"', {"severity": "unknown"}, False),
    ('unfixed = "critical"', {"severity": "high", "fix": ""}, True),
    ("version = 2\nepss = 1.0", {"severity": "medium", "epss": 0.99}, True),
    (
        setting('version = 2\nkinds.integrity = { severity = "high", ACCEPTED }'),
        {"severity": "medium", "cwe": [502]},
        True,
    ),
    (setting('version = 2\nunknown = { severity = "low", ACCEPTED }'), {"severity": "unknown"}, True),
    ("version = 2", {"severity": "medium"}, False),
    ('version = 2\nthresholds.all = "low"', {"severity": "medium"}, False),
    (setting('waivers = [{ id = "X-1", package = "p", ACCEPTED }]'), {"severity": "high"}, False),
]


@pytest.mark.parametrize(("text", "about", "weaker"), WEAKER)
def test_a_finding_that_only_the_default_policy_stops_is_said_and_can_be_refused(
    text: str, about: Any, weaker: bool
) -> None:
    policy = read_policy(text.encode(), {"all": "sarif"} if "unknown =" not in text else {"all": "snyk"})
    decision = judged(policy, **about)
    strict = judged(replace(policy, refuse_weaker=True), **about)
    said = "**The policy is weaker than the default:** 1 findings pass, but would stop the release"

    assert policy.problems == []
    assert (decision.weakened, said in summary(decision)) == (int(weaker), weaker)
    assert as_json(decision)["weaker_than_default"] == int(weaker)
    assert as_json(decision)["findings"][0]["weaker_than_default"] is weaker
    assert ("(stops a release under the default policy)" in summary(decision)) is weaker
    if weaker:
        assert (decision.verdict, strict.verdict) == ("PASS", "FAIL")
        assert (
            "would stop the release because of 1 findings (X-1); fix them or add waivers"
            in strict.broken["scan-policy.toml"]
        )
    else:
        assert strict.verdict == decision.verdict
        assert strict.broken == {}


def test_a_policy_without_a_version_is_said_to_be_one_even_if_nothing_passes_for_that() -> None:
    line = (
        "The policy has no `version = 2`, so the gate ignores two facts about findings: their kind, and whether they"
        " are exploited."
    )

    assert line in summary(decide([], {}, read_policy(b"", CHECKS), TODAY))
    assert line not in summary(decide([], {}, Policy(), TODAY))


def test_a_refused_policy_names_some_of_the_findings_and_counts_the_others() -> None:
    found = [
        Finding("t", f"X-{number}", severity="medium", package="p", cwe=[89], tool_severity=None) for number in range(7)
    ]
    policy = replace(read_policy(b"", CHECKS), refuse_weaker=True)
    decision = decide(["all"], {"all": Report(found)}, policy, TODAY)

    assert (
        "would stop the release because of 7 findings (X-0, X-1, X-2, X-3, X-4 and 2 more)"
        in decision.broken["scan-policy.toml"]
    )


def test_no_flood_of_findings_hides_one_from_the_summary_and_waivers_are_counted() -> None:
    flood = [
        Finding("t", "B104", severity="medium", tool_severity=None, file=f"a{number}.py", line=1, title="binding")
        for number in range(40)
    ]
    ids = [Finding("t", f"B9{number}", severity="low", tool_severity=None, file="a.py", line=1) for number in range(30)]
    hidden = Finding("t", "B301", severity="medium", tool_severity=None, file="b.py", line=9, cwe=[502])
    waived = Finding("t", "B602", severity="high", tool_severity=None, file="c.py", line=3)
    waivers = 'waivers = [{ id = "B602", path = "c.py", reason = "x", owner = "ada", expires = 2027-01-31 }]'
    policy = read_policy(waivers.encode(), CHECKS)
    decision = decide(["all"], {"all": Report([*flood, *ids, hidden, waived])}, policy, TODAY)
    text = summary(decision)
    below = text.partition("Findings that do not stop the release:")[2].strip().split("\n")

    assert "Findings without a waiver: 41 medium, 30 low. Accepted by a waiver: 1.\n" in text
    assert below[0] == "- **medium** B301, `b.py:9` (stops a release under the default policy)"
    assert below[1] == "- **medium** B104: binding, `a0.py:1` and 39 more places"
    assert "- 7 more findings are in verdict.json: 7 low" in below
