"""Texts that a test worker remembers are equal to those that the program would return anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from cicd_templates.template import cloudformation_yaml, yaml_events, yaml_writing
from tests.conftest import PROJECT, rendered_stacks


class Text(str):
    """A kind of text whose writing is left to PyYAML."""

    __slots__ = ()


@pytest.mark.parametrize("value", [{"A": True}, {"A": 1}, {"A": 1.0}, {"A": "1"}, {"A": None}, {"B": 1, "A": 1}])
@pytest.mark.parametrize("column", [0, 2])
def test_equal_values_of_other_types_have_their_own_text(value: dict[str, Any], column: int) -> None:
    for _ in range(2):
        assert cloudformation_yaml.dump(value, column=column) == yaml_writing.write_yaml(value, column)


def test_a_value_that_cannot_be_remembered_is_given_to_the_program() -> None:
    cloudformation_yaml.dump({"A": "x"})

    with pytest.raises(TypeError, match="must be a string"):
        cloudformation_yaml.dump({"A": Text("x")})


def test_who_changes_parsed_content_changes_nobody_elses() -> None:
    text = (PROJECT / "out/staging/keys.yaml").read_text()
    first = cloudformation_yaml.load(text)
    expected = cloudformation_yaml.load(text)
    first["Resources"].clear()

    assert cloudformation_yaml.load(text) == expected != first


def test_remembered_stacks_are_those_of_their_own_edits_and_suffix() -> None:
    plain, copy = rendered_stacks(), rendered_stacks(suffix="pr1")

    assert {Path(stack.path).parent.name for stack in copy} == {"tools-pr1", "staging-pr1", "production-pr1"}
    assert [stack.text for stack in plain] == [(PROJECT / "out" / stack.path).read_text() for stack in plain]
    assert [stack is again for stack, again in zip(plain, rendered_stacks(), strict=True)] == [True] * len(plain)


def test_what_was_done_unmeasured_is_done_again_when_coverage_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    read, write = yaml_events.read_yaml, yaml_writing.write_yaml

    def listed_read(*given: Any) -> Any:
        done.append("read")
        return read(*given)

    def listed_write(*given: Any) -> str:
        done.append("write")
        return write(*given)

    monkeypatch.setattr(yaml_events, "read_yaml", listed_read)
    monkeypatch.setattr(yaml_writing, "write_yaml", listed_write)
    for measurement in (None, object(), None, object()):
        monkeypatch.setattr(Coverage, "current", lambda current=measurement: current)
        cloudformation_yaml.load("Unmeasured: 1")
        cloudformation_yaml.dump({"Unmeasured": 2})

    assert done == ["read", "write", "read", "write"]
