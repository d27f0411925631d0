"""Plain data is what troposphere itself makes of its objects, and shares nothing with them."""

from __future__ import annotations

from collections import UserString
from typing import Any

import pytest
from awacs import aws, s3
from troposphere import (
    AWSHelperFn,
    GetAtt,
    If,
    Output,
    Parameter,
    Ref,
    Sub,
    Tags,
    Template,
    encode_to_dict,
    iam,
    sns,
    sqs,
)

from cicd_templates.cli.project_layers import tool_layers
from cicd_templates.render.plain_data import plain_data, template_content
from tests.conftest import environment

POLICY = aws.PolicyDocument(
    Version="2012-10-17",
    Statement=[
        aws.Statement(
            Sid="Read",
            Effect=aws.Allow,
            Principal=aws.Principal("AWS", [Sub("arn:${AWS::Partition}:iam::111111111111:root")]),
            Action=[s3.GetObject],
            Resource=[GetAtt("Bucket", "Arn")],
            Condition=aws.Condition([aws.StringEquals({"aws:SourceAccount": Ref("AWS::AccountId")})]),
        )
    ],
)


class Shouted(AWSHelperFn):
    """A helper of a user's own, with its own `to_dict`."""

    def to_dict(self) -> Any:
        """Return the data in capitals."""
        return {"Fn::Sub": Sub("LOUD")}


class OwnList(list[Any]):
    """A list of a class of its own."""


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([1, 1.5, True, None, "text"], id="scalars"),
        pytest.param({"A": ({"B": Ref("C")}, [])}, id="tuple in a dict"),
        pytest.param(If("Yes", [Sub("${A}")], Ref("AWS::NoValue")), id="nested functions"),
        pytest.param(Tags(Key=Ref("Value")), id="tags"),
        pytest.param(POLICY, id="policy of awacs"),
        pytest.param(iam.Role("Role", AssumeRolePolicyDocument=POLICY), id="policy in a resource"),
        pytest.param(sqs.Queue("Queue", DependsOn=["Other"], Condition="Yes"), id="attributes without properties"),
        pytest.param(sqs.RedrivePolicy(), id="property without values"),
        pytest.param(sns.Topic("Topic", Subscription=[sns.Subscription(Endpoint="e", Protocol="sqs")]), id="list"),
        pytest.param(Shouted(), id="own to_dict"),
        pytest.param(OwnList([Ref("A")]), id="own kind of list"),
    ],
)
def test_the_result_is_the_one_of_troposphere(value: Any) -> None:
    assert plain_data(value) == encode_to_dict(value)


def test_another_object_remains() -> None:
    value = UserString("text")
    assert plain_data(value) is value


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        pytest.param(
            iam.Role("Role", RoleName="role"), "AssumeRolePolicyDocument required", id="a required property is missing"
        ),
        pytest.param(iam.Role("Role"), "AssumeRolePolicyDocument required", id="no property"),
        pytest.param(sqs.Queue("Queue", FifoQueue=True, QueueName="no"), "with '.fifo'", id="validated together"),
    ],
)
def test_an_invalid_resource_has_the_error_of_troposphere(resource: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resource.to_dict()
    with pytest.raises(ValueError, match=message):
        plain_data(resource)
    assert plain_data(resource.no_validation()) == encode_to_dict(resource)


def test_the_content_of_a_template_is_the_one_of_troposphere() -> None:
    template = Template()
    template.add_parameter(Parameter("Name", Type="String"))
    template.add_condition("Yes", aws.Action("s3"))  # type: ignore[arg-type] # any object of awacs
    template.add_mapping("Map", {"a": {"b": "c"}})
    template.add_rule("Named", {"Assertions": [{"Assert": {"Fn::Contains": [["a"], Ref("Name")]}}]})
    template.set_metadata({"Owner": "a team"})
    template.add_resource(sqs.Queue("Queue", QueueName=Ref("Name")))
    template.add_output(Output("Url", Value=Ref("Queue")))
    assert template_content(template) == template.to_dict()


@pytest.mark.parametrize("name", ["tools", "staging"])
def test_the_content_of_every_layer_is_the_one_of_troposphere(name: str) -> None:
    for layer in tool_layers():
        for built in layer.instances(environment(name)):
            content = template_content(built.template)
            assert {key: section for key, section in content.items() if section} == built.template.to_dict()


def test_a_change_of_the_result_does_not_change_the_object() -> None:
    queue = sqs.Queue("Queue", RedriveAllowPolicy={"sourceQueueArns": ["a"]})
    plain_data(queue)["Properties"]["RedriveAllowPolicy"]["sourceQueueArns"].append("b")
    assert queue.RedriveAllowPolicy == {"sourceQueueArns": ["a"]}


def test_the_keys_of_maps_are_in_order_but_not_the_entries_of_sections() -> None:
    template = Template()
    template.add_parameter(Parameter("Effect", Type="String"))
    template.add_parameter(Parameter("Another", Type="String"))
    statement = {"Action": "s3:*", "Effect": "Deny", "Sid": "No"}
    template.add_resource(sqs.QueuePolicy("Policy", Queues=["q"], PolicyDocument={"Statement": [statement]}))

    content = template_content(template)
    assert list(content["Parameters"]) == ["Effect", "Another"]
    document = content["Resources"]["Policy"]["Properties"]["PolicyDocument"]
    assert list(document["Statement"][0]) == ["Sid", "Effect", "Action"]
