"""cfn-lint finds the rules through `.cfnlintrc` and the place of one file. Nothing must be installed."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
from cfnlint.rules._rule import CloudFormationLintRule

from cicd_templates.rules.registry import RULES
from cicd_templates.rules.tags import RequiredTags
from tests.conftest import ROOT
from tests.unit.rules.linted import findings, runner

PLUGIN = ROOT / "src/cicd_templates/rules/loaded/every_rule.py"
RULE_FILES = {path.stem for path in (ROOT / "src/cicd_templates/rules").glob("*.py")}


@pytest.mark.no_cover
def test_cfn_lint_has_every_rule() -> None:
    assert {rule.id for rule in RULES} <= set(runner().rules)


@pytest.mark.no_cover
def test_a_suppression_without_a_reason_cannot_be_suppressed() -> None:
    settings = {"config": {"ignore_checks": ["E9101", "E9171"]}}
    topic = {"Type": "AWS::SNS::Topic", "Metadata": {"cfn-lint": settings}}
    found = {match.rule.id for match in runner().validate_template({"Resources": {"Topic": topic}})}

    assert runner().config.mandatory_checks == ["E9171"]
    assert "E9171" in found
    assert "E9101" not in found


def test_a_template_that_ignores_a_rule_as_a_whole_says_why_too() -> None:
    (rule,) = (rule() for rule in RULES if rule.id == "E9171")
    template = {"cfn-lint": {"config": {"ignore_checks": ["E9101"]}}}

    assert findings(rule, {}, Metadata=template) == [
        "Metadata/cfn-lint/config/ignore_checks: "
        "E9101 is suppressed without a reason; next to `config`, add reasons: {E9101: <reason>}"
    ]


def test_the_sources_are_found_where_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if Path(path) != ROOT / "src"])
    first = runpy.run_path(str(PLUGIN))
    assert sys.path[0] == str(ROOT / "src")
    second = runpy.run_path(str(PLUGIN))

    assert sys.path.count(str(ROOT / "src")) == 1
    for names in (first, second):
        assert {rule.__name__ for rule in RULES} <= names.keys()


def test_ids_are_ours_in_order_and_each_once() -> None:
    ids = [rule.id for rule in RULES]

    assert all(re.fullmatch(r"[EW]91\d\d", each) for each in ids)
    assert [each[1:] for each in ids] == sorted({each[1:] for each in ids})


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_says_what_it_is_about_in_a_file_of_its_own(rule: type[CloudFormationLintRule]) -> None:
    module = sys.modules[rule.__module__]

    assert (module.__doc__ or "").startswith(f"{rule.id}: ")
    assert rule.__module__.rpartition(".")[2] in RULE_FILES
    assert sum(other.__module__ == rule.__module__ for other in RULES) == 1
    assert rule.description.endswith((".", ")"))
    assert rule.shortdesc
    assert rule.tags
    assert rule.source_url == f"docs/rules.md#{rule.id.lower()}"


def test_an_organisation_says_which_tags_it_requires() -> None:
    rule = RequiredTags()
    rule.configure({"required": ["Owner"]})  # type: ignore[no-untyped-call]  # cfn-lint's own
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "Project", "Value": "x"}]}}

    assert findings(rule, {"Topic": topic}) == ["Topic/Properties/Tags: missing tags: Owner"]
