"""YAML both ways: what is dumped is what is loaded, and reads as a person would write it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.cloudformation_yaml import WIDTH, dump, load

text = st.text(st.characters(codec="utf-8"), max_size=120)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
keys = text | st.sampled_from(["Ref", "Fn::Sub", "Fn::GetAtt", "Fn::If", "Condition", "Fn::Transform"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(values)
def test_what_is_dumped_is_what_is_loaded(value: Any) -> None:
    assert load(dump(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"A": {"Ref": "B"}}, "A: !Ref B\n", id="reference"),
        pytest.param({"A": {"Fn::GetAtt": ["B", "Arn"]}}, "A: !GetAtt B.Arn\n", id="attribute"),
        pytest.param({"A": {"Fn::GetAtt": ["B", "C.D"]}}, "A: !GetAtt B.C.D\n", id="nested attribute"),
        pytest.param({"A": {"Fn::Sub": "x-${B}"}}, "A: !Sub x-${B}\n", id="substitution"),
        pytest.param({"A": {"Fn::If": ["C", 1, 2]}}, "A: !If\n- C\n- 1\n- 2\n", id="list argument"),
        pytest.param(
            {"A": {"Fn::Transform": {"Name": "x"}}}, "A:\n  Fn::Transform:\n    Name: x\n", id="no short form"
        ),
        pytest.param({"A": {"Fn::Base64": {"Ref": "B"}}}, "A:\n  Fn::Base64: !Ref B\n", id="two tags on one node"),
        pytest.param({"A": {"Ref": "B", "C": 1}}, "A:\n  Ref: B\n  C: 1\n", id="not alone"),
        pytest.param({"A": {"Fn::GetAtt": [{"Ref": "B"}, "C"]}}, "A: !GetAtt\n- !Ref B\n- C\n", id="computed"),
        pytest.param({"A": {"Fn::GetAtt": "B.C"}}, "A:\n  Fn::GetAtt: B.C\n", id="attribute in a string"),
        pytest.param({"A": {"Fn::GetAtt": ["B.C", "D"]}}, "A:\n  Fn::GetAtt:\n  - B.C\n  - D\n", id="dotted id"),
        pytest.param({"A": "2012-10-17"}, "A: '2012-10-17'\n", id="no date"),
        pytest.param({"A": "012345678901"}, "A: '012345678901'\n", id="no number"),
        pytest.param({"A": "12e45678"}, "A: '12e45678'\n", id="no float"),
        pytest.param({"A": "on"}, "A: 'on'\n", id="no switch"),
        pytest.param({"A": "line\nline\n"}, "A: |\n  line\n  line\n", id="literal block"),
        pytest.param({"A": "x " * 50 + "x"}, "A: |-\n  " + "x " * 50 + "x\n", id="long text is not folded"),
        pytest.param({"B": 1, "A": 2}, "B: 1\nA: 2\n", id="order is kept"),
    ],
)
def test_the_spelling_is_the_one_that_people_write(value: Any, expected: str) -> None:
    assert dump(value) == expected
    assert load(expected) == value


def test_one_object_in_two_places_is_written_twice() -> None:
    shared = {"x": [1]}

    assert dump({"A": shared, "B": shared}) == "A:\n  x:\n  - 1\nB:\n  x:\n  - 1\n"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"A": {"Ref": "B"}}', {"A": {"Ref": "B"}}),
        ("{A: !Ref B}", {"A": {"Ref": "B"}}),
        ("A: !Condition B", {"A": {"Condition": "B"}}),
        ("A: !Sub {B: c}", {"A": {"Fn::Sub": {"B": "c"}}}),
        ("A: 2012-10-17", {"A": "2012-10-17"}),
    ],
)
def test_templates_of_others_are_read_too(template: str, expected: Any) -> None:
    assert load(template) == expected


def test_what_is_neither_yaml_nor_json_is_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        load("{A: ")


def test_the_width_leaves_room_for_keys() -> None:
    assert WIDTH == 110
