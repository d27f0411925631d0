"""Worse templates: every operator of `make mutate` once or twice, and the report of a survivor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cicd_templates.rules.role_boundary import RoleBoundary
from tests.mutation import templates
from tests.mutation.edits import Edit, Place, drop, put, rename
from tests.mutation.operators import OPERATORS, boundary_dropped
from tests.unit.rules.linted import findings, runner

# Of each operator this many mutants are tried here; `make mutate` tries all.
SAMPLE = 3
# Nothing in `out/` has a boundary or another path: their operator has cases of its own below.
WITHOUT_MUTANTS = {"boundary_dropped"}


def sample() -> Iterator[templates.Mutant]:
    """Return the first, the hundredth and the two hundredth mutant of each operator, as far as they exist."""
    seen: Counter[str] = Counter()
    for mutant in templates.mutants():
        if seen[mutant.operator] % 100 == 0 and seen[mutant.operator] < SAMPLE * 100:
            yield mutant
        seen[mutant.operator] += 1


def test_every_operator_makes_mutants_and_a_rule_notices_each_of_the_sample() -> None:
    catcher = templates.Catcher(runner())
    tried: Counter[str] = Counter()
    survivors = []
    for mutant in sample():
        tried[mutant.operator] += 1
        if catcher.catch(mutant) is None:
            survivors.append((mutant.operator, mutant.where))

    assert survivors == []
    assert tried.keys() == {operator.__name__ for operator in OPERATORS} - WITHOUT_MUTANTS


def test_a_role_without_the_demanded_boundary_is_noticed() -> None:
    facts = {"PermissionsBoundary": "arn:aws:iam::111111111111:policy/limit", "RolePath": "/app/"}
    properties = {"PermissionsBoundary": facts["PermissionsBoundary"], "Path": "/app/"}
    body: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": properties}
    edits = list(boundary_dropped(Place("Role", body, facts)))

    assert findings(RoleBoundary(), {"Role": body}, facts) == []
    assert len(edits) == 2
    for edit in edits:
        worse = {"Type": body["Type"], "Properties": dict(properties)}
        assert edit.change is not None
        edit.change(worse)
        assert len(findings(RoleBoundary(), {"Role": worse}, facts)) == 1


def test_an_edit_changes_what_it_says() -> None:
    body: dict[str, Any] = {"A": {"B": [1, 2]}}
    for edit in (put(("A", "C"), 3), drop(("A", "B", 0)), rename(("A", "B"), "D")):
        assert edit.change is not None
        edit.change(body)

    assert body == {"A": {"C": 3, "D": [2]}}


@pytest.mark.no_cover
def test_survivors_are_listed_and_fail_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"Metadata": {"CicdTemplates": {"Region": "eu-central-1"}}}
    nothing = {"Type": "AWS::CloudFormation::WaitConditionHandle", "Properties": {}}
    original: dict[str, Any] = {**facts, "Resources": {"Handle": nothing, "Other": nothing}}
    harmless = templates.Mutant("nothing_changed", "out/x", original, "Other", Edit("all of it", None))
    bucket = put(("Type",), "AWS::S3::Bucket")
    caught = templates.Mutant("opened", "out/x", original, "Handle", bucket)
    catcher = templates.Catcher(runner())

    assert templates.main(catcher, [harmless, caught]) == 1
    output = capsys.readouterr().out
    assert "survivors:\n  nothing_changed: out/x Other: all of it\n1 of 2 mutants caught, 1 survive" in output
    assert templates.main(catcher, [caught]) == 0
    assert original["Resources"]["Handle"] == nothing


@pytest.mark.parametrize("every", ["0", "x", "-1", ""])
def test_one_in_how_many_is_a_number(every: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert templates.main(chosen=[], every=every) == 2
    assert capsys.readouterr().err == f"EVERY={every}: give a number from 1 on; 10 tries one mutant in ten\n"
