"""YAML: a written text is read back with the same values, and looks as if a person had written it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.template.cloudformation_yaml import dump, load
from cicd_templates.template.yaml_nodes import YAML_WIDTH

text = st.text(st.characters(codec="utf-8"), max_size=120)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
keys = text | st.sampled_from(["Ref", "Fn::Sub", "Fn::GetAtt", "Fn::If", "Condition", "Fn::Transform"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(values)
def test_what_is_dumped_is_what_is_loaded(value: Any) -> None:
    assert load(dump(value)) == value


odd = st.sampled_from(
    [
        "", " ", "a: b", "a:b", ":", "a #b", "#", ",", "a, b", "[", "]", "{", "}", "{a: b}", "${A}", "'", '"', "it's",
        "!", "!Ref A", "&a", "*a", "*", "- a", "-", "?", "? a", "|", ">", "%", "@", "`", "~", "null", "yes", "no", "on",
        "true", "0", "012", "1.5", "1e3", "0x1f", "2012-10-17", "12:30:00", "\\", "\t", "\x85", "\u2028", "\U0001f600",
    ]
)  # fmt: skip
plain = odd | text | st.booleans() | st.integers() | st.none()
references = st.builds(lambda key, name: {key: name}, st.sampled_from(["Ref", "Fn::Sub", "Condition"]), odd | text)
attributes = st.builds(lambda *parts: {"Fn::GetAtt": [*parts]}, text, text)
entries = st.builds(
    lambda keys, values: dict(zip(keys, values, strict=True)),
    st.sampled_from([("Key", "Value"), ("Value", "Name")]),
    st.tuples(plain | references | attributes, plain | references | attributes),
) | st.dictionaries(odd | text, plain | references, max_size=5)


@given(st.dictionaries(st.sampled_from("AB"), st.lists(entries, max_size=4) | st.lists(st.lists(entries), max_size=2)))
def test_the_mappings_of_a_list_are_read_back_whatever_stands_in_them(value: Any) -> None:
    assert load(dump(value)) == value


def within(value: Any, depth: int) -> Any:
    return {"A": within(value, depth - 1)} if depth else value


@given(st.lists(entries, min_size=1, max_size=3), st.integers(0, 8), st.sampled_from([0, 2]))
def test_what_stands_on_one_line_fits_into_the_width(value: list[Any], depth: int, column: int) -> None:
    lines = dump(within({"B": value}, depth), column=column).split("\n")

    assert all(len(line) <= YAML_WIDTH for line in lines if line.lstrip().startswith("- {"))


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
        pytest.param(
            {"Tags": [{"Key": "Owner", "Value": "me: us"}, {"Key": "No", "Value": ""}]},
            "Tags:\n- {Key: Owner, Value: 'me: us'}\n- {Key: 'No', Value: ''}\n",
            id="a tag on one line",
        ),
        pytest.param(
            {"A": [{"Name": "B", "Value": {"Ref": "C"}}, {"Name": "B", "Value": {"Fn::GetAtt": ["C", "D"]}}]},
            "A:\n- {Name: B, Value: !Ref C}\n- {Name: B, Value: !GetAtt C.D}\n",
            id="a reference on one line",
        ),
        pytest.param(
            {"A": [{"Name": "B", "Value": {"Fn::If": ["C", "d", "e"]}}, {"Name": "B", "Value": [1]}]},
            "A:\n- Name: B\n  Value: !If\n  - C\n  - d\n  - e\n- Name: B\n  Value:\n  - 1\n",
            id="what is more than plain values has lines of its own",
        ),
        pytest.param({"A": [{"Name": "B"}]}, "A:\n- Name: B\n", id="one key is on one line already"),
        pytest.param({"A": [{"B": "C", "D": "e\n"}]}, "A:\n- B: C\n  D: |\n    e\n", id="lines of text"),
        pytest.param({"A": {"B": "C", "D": 1}}, "A:\n  B: C\n  D: 1\n", id="what is in no list has lines of its own"),
        pytest.param(
            {"A": [{"B": "b" * 50, "C": "c" * 48}, {"B": "b" * 50, "C": "c" * 49}]},
            f"A:\n- {{B: {'b' * 50}, C: {'c' * 48}}}\n- B: {'b' * 50}\n  C: {'c' * 49}\n",
            id="up to the width",
        ),
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
    assert YAML_WIDTH == 110
