"""A call of an intrinsic function is distinguished from a map that is data."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.template.intrinsics import is_intrinsic_function


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
