"""Typed values within a Sub."""

from __future__ import annotations

import pytest
from troposphere import GetAtt, If, Ref, Sub

from cicd_templates.layer.outputs import KeyArn, SubnetIds, joined_text, sub_fragment


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        (Ref("Bucket"), "${Bucket}"),
        (GetAtt("Bucket", "Arn"), "${Bucket.Arn}"),
        (Sub("x-${AWS::Region}"), "x-${AWS::Region}"),
        (KeyArn(GetAtt("Key", "Arn")), "${Key.Arn}"),
    ],
)
def test_what_can_stand_inside_a_sub(value: object, expected: str) -> None:
    assert sub_fragment(value) == expected


@pytest.mark.parametrize("value", [If("C", "a", "b"), SubnetIds(["a", "b"]), 1])
def test_what_cannot_stand_inside_a_sub_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be part of a Sub"):
        sub_fragment(value)


def test_joined_text_is_a_sub_only_where_something_is_left_to_deploy_time() -> None:
    joined = joined_text(GetAtt("Bucket", "Arn"), "/*")

    assert isinstance(joined, Sub)
    assert joined.to_dict() == {"Fn::Sub": "${Bucket.Arn}/*"}
    assert joined_text("arn:aws:s3:::", "name") == "arn:aws:s3:::name"
