"""Each rule on small templates: its findings, their places, and correct templates. Each rule has a file of cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cicd_templates.rules.registry import RULES
from cicd_templates.template import cloudformation_yaml
from tests.unit.rules.linted import findings

CASES = Path(__file__).parent / "cases"
# Rules about what is no resource's property have tests of their own.
ELSEWHERE = {"E9162", "E9163"}


def cases(rule: str) -> list[dict[str, Any]]:
    loaded: Any = cloudformation_yaml.load((CASES / f"{rule}.yaml").read_text(encoding="utf-8"))
    return list(loaded)


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule.id} {case['case']}")
        for rule in RULES
        if rule.id not in ELSEWHERE
        for case in cases(rule.id)
    ],
)
def test_a_rule_finds_this_and_nothing_else(rule: Any, case: dict[str, Any]) -> None:
    sections = {"Conditions": case["conditions"]} if "conditions" in case else {}

    assert findings(rule(), case["resources"], case.get("facts"), **sections) == case["findings"]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id not in ELSEWHERE])
def test_a_rule_has_good_cases_and_bad_ones(rule: str) -> None:
    assert {bool(case["findings"]) for case in cases(rule)} == {True, False}


def test_every_file_of_cases_is_of_a_rule() -> None:
    assert {path.stem for path in CASES.iterdir()} == {rule.id for rule in RULES} - ELSEWHERE
