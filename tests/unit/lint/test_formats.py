"""Findings as text for people, as SARIF, and as annotations."""

from __future__ import annotations

import json

from cicd_templates.lint.formats import LintFinding, as_github, as_sarif, as_text

OURS = LintFinding(
    "out/a.yaml", 3, "E9111", "allows s3:*, name it", "error", 7, "A grant names its actions", "docs/rules.md#e9111"
)
CORE = LintFinding("out/a,b.yaml", 9, "I3042", "50% of\nARNs", "informational", 1, "ARNs", "https://example.com/rules")


def test_a_person_reads_a_line_a_finding() -> None:
    assert as_text([OURS]) == "out/a.yaml:3: E9111 allows s3:*, name it"


def test_github_gets_a_command_a_finding_with_what_would_end_it_escaped() -> None:
    assert as_github([OURS, CORE]).splitlines() == [
        "::error file=out/a.yaml,line=3,col=7,title=E9111 A grant names its actions::allows s3:*, name it",
        "::notice file=out/a%2Cb.yaml,line=9,col=1,title=I3042 ARNs::50%25 of%0AARNs",
    ]


def test_sarif_has_each_rule_once_and_each_finding_at_its_place() -> None:
    log = json.loads(as_sarif([OURS, OURS, CORE]))
    (run,) = log["runs"]

    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"] == [
        {"id": "E9111", "shortDescription": {"text": "A grant names its actions"}},
        {"id": "I3042", "shortDescription": {"text": "ARNs"}, "helpUri": "https://example.com/rules"},
    ]
    assert [result["level"] for result in run["results"]] == ["error", "error", "note"]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "out/a.yaml"},
                "region": {"startLine": 3, "startColumn": 7},
            }
        }
    ]


def test_nothing_found_is_a_run_without_results() -> None:
    (run,) = json.loads(as_sarif([]))["runs"]

    assert run["results"] == []
    assert as_text([]) == as_github([]) == ""
