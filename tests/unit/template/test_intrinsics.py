"""A call of an intrinsic function is distinguished from a map that is data."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.intrinsics import (
    is_intrinsic_function,
    may_be_absent,
    possible_values,
    referenced_names,
    values_at,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"Ref": "Key"}, True, id="reference"),
        pytest.param({"Fn::GetAtt": ["Key", "Arn"]}, True, id="attribute"),
        pytest.param({"ReferrerPolicy": {"Override": True}}, False, id="a property whose name begins like Ref"),
        pytest.param({"Ref": "Key", "Other": 1}, False, id="two keys"),
        pytest.param({}, False, id="empty map"),
        pytest.param({1: "a"}, False, id="a key that is no text"),
        pytest.param("Fn::Sub", False, id="text"),
    ],
)
def test_a_map_is_a_function_call_if_its_only_key_names_a_function(value: Any, expected: bool) -> None:
    assert is_intrinsic_function(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"Ref": "Key"}, ["Key"], id="reference"),
        pytest.param({"Fn::GetAtt": ["Key", "Arn"]}, ["Key"], id="attribute"),
        pytest.param({"Fn::GetAtt": "Stack.Outputs.Arn"}, ["Stack"], id="attribute as text"),
        pytest.param({"Fn::Sub": "${Bucket.Arn}/${!Kept}/${AWS::Region}/${Name}"}, ["Bucket", "AWS::Region", "Name"]),
        pytest.param({"Fn::Sub": ["${A}-${B}", {"B": {"Ref": "C"}}]}, ["A", "C"], id="text with its own values"),
        pytest.param([{"Roles": [{"Ref": "A"}, "b"]}, {"Fn::Join": ["", [{"Ref": "C"}]]}], ["A", "C"], id="nested"),
        pytest.param("${Text}", [], id="text"),
        pytest.param(3, [], id="number"),
    ],
)
def test_the_names_to_which_functions_refer_are_found(value: Any, expected: list[str]) -> None:
    assert list(referenced_names(value)) == expected


NOTHING = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("value", "possible", "absent"),
    [
        pytest.param("a", ["a"], False, id="text"),
        pytest.param(["a", NOTHING, {"Fn::If": ["C", ["b"], "c"]}], ["a", "b", "c"], False, id="list"),
        pytest.param({"Fn::If": ["C", {"Fn::If": ["D", 1, 2]}, {"A": 3}]}, [1, 2, {"A": 3}], False, id="branches"),
        pytest.param({"Fn::If": ["C", 1, NOTHING]}, [1], True, id="one branch"),
        pytest.param({"Fn::If": ["C", {"Fn::If": ["D", NOTHING, 2]}, 1]}, [2, 1], True, id="nested branch"),
        pytest.param(NOTHING, [], True, id="nothing"),
        pytest.param({"Ref": "A"}, [{"Ref": "A"}], False, id="reference"),
        pytest.param({"Fn::If": "odd"}, [{"Fn::If": "odd"}], False, id="a function that is not valid"),
    ],
)
def test_an_if_has_the_values_of_both_branches(value: Any, possible: list[Any], absent: bool) -> None:
    assert possible_values(value) == possible
    assert may_be_absent(value) is absent


def test_a_path_leads_through_lists_and_branches() -> None:
    rules = [{"Days": 1}, {"Fn::If": ["C", {"Days": {"Ref": "Days"}}, NOTHING]}, {"Ref": "Rules"}, {"Other": 3}, "text"]
    properties = {"Fn::If": ["D", {"Rules": rules}, {"Rules": {"Days": [5, 6]}}]}

    assert list(values_at(properties, "Rules", "Days")) == [1, {"Ref": "Days"}, 5, 6]
    assert list(values_at(properties, "Absent", "Days")) == []
