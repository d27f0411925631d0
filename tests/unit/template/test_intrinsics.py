"""A call of an intrinsic function is distinguished from a map that is data."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.intrinsics import is_intrinsic_function, referenced_names


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
