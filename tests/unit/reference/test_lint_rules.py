"""The page of the lint rules agrees with the rules, and every check that it names exists."""

from __future__ import annotations

import re

from cicd_templates.reference.lint_rules import OWNED_ELSEWHERE, rules_reference
from cicd_templates.rules.registry import RULES
from tests.conftest import ROOT
from tests.unit.rules.linted import runner

PAGE = (ROOT / "docs/rules.md").read_text()


def test_the_page_is_current() -> None:
    assert rules_reference() == PAGE


def test_each_rule_has_its_section_where_its_address_leads() -> None:
    for rule in RULES:
        assert f"\n## {rule.id}\n\n**{rule.shortdesc}.** {rule.description}\n" in PAGE
        assert f"| {rule.shortdesc} | ours | [{rule.id}](#{rule.id.lower()}) |" in PAGE


def test_a_fact_has_one_owner() -> None:
    facts = [fact for fact, _, _ in OWNED_ELSEWHERE] + [rule.shortdesc for rule in RULES]

    assert len(set(facts)) == len(facts)


def test_what_others_own_they_check() -> None:
    core = runner().rules
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for _, owner, checks in OWNED_ELSEWHERE:
        named = checks.split(", ")
        match owner:
            case "cfn-lint":
                assert set(named) <= set(core), checks
            case "checkov":
                assert all(re.fullmatch(r"CKV2?_AWS_\d+", name) for name in named), checks
            case "tests":
                assert all(f"def {name.strip('`')}(" in tests for name in named), checks
            case _:
                assert owner.startswith("make "), owner
