"""A patch whose result no later step could read is refused with its path."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.config.tables.patch import PatchTable
from cicd_templates.errors import ConfigurationError
from cicd_templates.render.patched_shape import misshapen
from cicd_templates.render.patching import apply_patches


@pytest.mark.parametrize(
    ("template", "messages"),
    [
        ({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}}}, []),
        ({"Resources": {"Queue": {"Type": ["x"]}}}, ["Resources.Queue.Type has to be a string"]),
        ({"Parameters": {"Name": {"Default": 5}}}, ["Parameters.Name.Default has to be a string"]),
        ({"Outputs": {"Name": {"Value": {"Ref": 5}}}}, ["Outputs.Name.Value.Ref has arguments"]),
        ({"Resources": {"Q": {"Type": "T", "Properties": "x"}}}, ["Resources.Q.Properties has to be a table"]),
        ({"Resources": {"Q": {"Type": "T", "UpdateReplacePolicy": {"a": 1}}}}, ["UpdateReplacePolicy has to be"]),
        (
            {"Resources": {"Q": {"Type": "T", "Properties": {"A": [{"B": {"Fn::Sub": 1}}]}}}},
            ["Resources.Q.Properties.A[0].B.Fn::Sub has arguments that CloudFormation does not accept"],
        ),
    ],
)
def test_each_value_of_the_wrong_shape_is_named(template: dict[str, Any], messages: list[str]) -> None:
    found = list(misshapen(template))

    assert len(found) == len(messages)
    assert all(message in text for message, text in zip(messages, found, strict=True))


@pytest.mark.parametrize(
    ("function", "accepted"),
    [
        ({"Ref": "AWS::NoValue"}, True),
        ({"Ref": ["x"]}, False),
        ({"Fn::Sub": "${A}"}, True),
        ({"Fn::Sub": ["${A}", {"A": "x"}]}, True),
        ({"Fn::Sub": ["${A}"]}, False),
        ({"Fn::GetAtt": ["Key", "Arn"]}, True),
        ({"Fn::GetAtt": ["Key"]}, False),
        ({"Fn::Join": [",", {"Ref": "List"}]}, True),
        ({"Fn::Join": ","}, False),
        ({"Fn::Select": [0, ["a"]]}, True),
        ({"Fn::Select": 0}, False),
        ({"Fn::If": ["Protected", 1, 2]}, True),
        ({"Fn::If": 1}, False),
        ({"Fn::Base64": 1}, True),
    ],
)
def test_functions_need_the_arguments_that_cloudformation_accepts(function: dict[str, Any], *, accepted: bool) -> None:
    template = {"Outputs": {"Value": {"Value": function}}}

    assert (not list(misshapen(template))) == accepted


def test_a_patch_that_breaks_the_shape_is_refused_with_its_path() -> None:
    template = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}
    patch = PatchTable(value=["x"], because="to see what happens")

    with pytest.raises(ConfigurationError) as raised:
        apply_patches(template, {"Resources.Key.Properties": patch}, "environments.staging.patch.keys")

    assert str(raised.value) == (
        'environments.staging.patch.keys."Resources.Key.Properties".value: is not possible here; '
        "Resources.Key.Properties has to be a table"
    )
