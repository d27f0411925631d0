"""Values between stacks: published under one name, read as a typed parameter, spelled inside a Sub."""

from __future__ import annotations

import pytest
from troposphere import GetAtt, If, Ref, Sub, Template

from cicd_templates.layer.outputs import (
    KeyArn,
    Output,
    SubnetIds,
    VpcId,
    interpolated,
    text,
)
from tests.conftest import environment

VPC_ID = Output(VpcId, "network", "VpcId", "The VPC")
SUBNETS = Output(SubnetIds, "network", "SubnetIds", "The subnets")
KEY = Output(KeyArn, "keys", "KeyArn", "The key")


def test_publishing_adds_a_parameter_store_parameter_and_an_output_that_is_not_exported() -> None:
    template = Template()
    VPC_ID.publish(template, environment(), VpcId(Ref("Vpc")))

    rendered = template.to_dict()
    assert rendered["Resources"]["VpcIdParameter"]["Properties"] == {
        "Name": "/payments/staging/network/VpcId",
        "Description": "The VPC",
        "Type": "String",
        "Value": {"Ref": "Vpc"},
    }
    assert rendered["Outputs"] == {"VpcId": {"Description": "The VPC", "Value": {"Ref": "Vpc"}}}


def test_a_list_is_published_as_a_string_list() -> None:
    template = Template()
    SUBNETS.publish(template, environment(), SubnetIds([Ref("A"), Ref("B")]))

    properties = template.to_dict()["Resources"]["SubnetIdsParameter"]["Properties"]
    assert properties["Type"] == "StringList"
    assert properties["Value"] == {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (VPC_ID, "AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>"),
        (SUBNETS, "AWS::SSM::Parameter::Value<List<AWS::EC2::Subnet::Id>>"),
        (KEY, "AWS::SSM::Parameter::Value<String>"),
    ],
)
def test_reading_adds_a_parameter_of_the_kind_that_cloudformation_checks(output: Output[VpcId], expected: str) -> None:
    template = Template()
    value = output.read(template, environment())
    output.read(template, environment())

    ((name, parameter),) = template.to_dict()["Parameters"].items()
    assert value.to_dict() == {"Ref": name}
    assert parameter["Type"] == expected
    assert parameter["Default"] == f"/payments/staging/{output.layer}/{output.name}"


def test_a_provided_value_stands_in_the_template_instead_of_a_parameter() -> None:
    provided = {"network.VpcId": "vpc-1", "network.SubnetIds": "subnet-1,subnet-2"}
    env = environment("staging", ("environments/staging/provided", provided))
    template = Template()

    assert VPC_ID.read(template, env).to_dict() == "vpc-1"
    assert SUBNETS.read(template, env).to_dict() == ["subnet-1", "subnet-2"]
    assert not template.parameters


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
    assert interpolated(value) == expected


@pytest.mark.parametrize("value", [If("C", "a", "b"), SubnetIds(["a", "b"]), 1])
def test_what_cannot_stand_inside_a_sub_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot stand inside a Sub"):
        interpolated(value)


def test_joined_text_is_a_sub_only_where_something_is_left_to_deploy_time() -> None:
    joined = text(GetAtt("Bucket", "Arn"), "/*")

    assert isinstance(joined, Sub)
    assert joined.to_dict() == {"Fn::Sub": "${Bucket.Arn}/*"}
    assert text("arn:aws:s3:::", "name") == "arn:aws:s3:::name"
