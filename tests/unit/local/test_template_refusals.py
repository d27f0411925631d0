"""Templates that CloudFormation refuses, with its recorded messages. No rendered template is refused."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.local.template_refusals import template_refusal
from cicd_templates.template import cloudformation_yaml
from tests.conftest import ROOT

TOPIC = {"Type": "AWS::SNS::Topic"}
UNRESOLVED = "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template"
NO_RESOURCES = "Template format error: At least one Resources member must be defined."


def topic(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"A": TOPIC, "B": TOPIC | {"Properties": properties}}}


def conditional(value: Any) -> dict[str, Any]:
    return topic(TopicName={"Fn::If": ["On", value, "b"]}) | {"Conditions": {"On": {"Fn::Equals": ["a", "b"]}}}


@pytest.mark.parametrize(
    ("template", "conditions", "expected"),
    [
        pytest.param({}, {}, NO_RESOURCES, id="no resources"),
        pytest.param({"Resources": {}}, {}, NO_RESOURCES, id="empty resources"),
        pytest.param({"Resources": [TOPIC]}, {}, NO_RESOURCES, id="resources are a list"),
        pytest.param(
            {"Resources": {"my-topic": TOPIC}}, {}, "Template format error: Resource name my-topic is non alphanumeric."
        ),
        pytest.param({"Resources": {"A": "x"}}, {}, "Template format error: Any Resources member must be an object."),
        pytest.param(
            {"Resources": {"A": {"Properties": {}}}},
            {},
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        pytest.param(
            {"Resources": {"A": TOPIC | {"Invalid": 1}}}, {}, "Invalid template resource property 'Invalid'", id="key"
        ),
        pytest.param(topic(X={"Ref": "Lost"}), {}, UNRESOLVED.format("Lost"), id="Ref"),
        pytest.param(topic(X=[{"Fn::GetAtt": "Lost.Arn"}]), {}, UNRESOLVED.format("Lost"), id="GetAtt"),
        pytest.param(topic(X={"Fn::GetAtt": ["Lost", "Arn"]}), {}, UNRESOLVED.format("Lost"), id="GetAtt list"),
        pytest.param(topic(X={"Fn::Sub": "${A}/${Lost.Arn}${!Not}"}), {}, UNRESOLVED.format("Lost"), id="Sub"),
        pytest.param(
            topic(X={"Fn::Sub": ["${Mine}/${Lost}", {"Mine": {"Ref": "Gone"}}]}),
            {},
            UNRESOLVED.format("Gone, Lost"),
            id="Sub with values",
        ),
        pytest.param(
            {"Resources": {"A": TOPIC | {"DependsOn": "Lost"}}}, {}, UNRESOLVED.format("Lost"), id="DependsOn"
        ),
        pytest.param(
            {"Resources": {"A": TOPIC, "B": TOPIC | {"DependsOn": ["A", "Lost"]}}},
            {},
            UNRESOLVED.format("Lost"),
            id="DependsOn list",
        ),
        pytest.param(
            {"Resources": {"A": TOPIC | {"Condition": "Off"}, "B": TOPIC | {"Properties": {"X": {"Ref": "A"}}}}},
            {"Off": False},
            UNRESOLVED.format("A"),
            id="Ref to what a condition leaves out",
        ),
        pytest.param(conditional({"Ref": "Lost"}), {"On": False}, "", id="a branch that is not taken"),
        pytest.param(conditional({"Ref": "Lost"}), {"On": True}, UNRESOLVED.format("Lost"), id="a branch"),
        pytest.param(
            topic(X={"Fn::If": ["Lost", 1, 2]}),
            {},
            "Template error: unresolved condition dependency Lost in Fn::If",
            id="condition",
        ),
        pytest.param(
            topic() | {"Outputs": {"O": {"Value": None}}},
            {},
            "[/Outputs/O/Value] 'null' values are not allowed in templates",
        ),
        pytest.param(
            topic() | {"Outputs": {"O": {"Description": "x"}}},
            {},
            "Template format error: Every Outputs member must contain a Value object",
        ),
        pytest.param(
            topic() | {"Outputs": {"O": {"Value": {"Ref": "Lost"}}}},
            {},
            "Unresolved resource dependencies [Lost] in the Outputs block of the template",
        ),
        pytest.param(
            topic() | {"Outputs": {"O": {"Value": {"Ref": "Lost"}, "Condition": "Off"}}}, {"Off": False}, "", id="off"
        ),
        pytest.param(
            topic(X={"Fn::Join": ["-", [{"Ref": "AWS::Region"}, {"Ref": "P"}]]})
            | {"Parameters": {"P": {"Type": "String"}}, "Outputs": {"O": {"Value": {"Ref": "AWS::StackId"}}}},
            {},
            "",
            id="parameters and pseudo parameters",
        ),
    ],
)
def test_what_cloudformation_refuses_has_its_words(
    template: dict[str, Any], conditions: dict[str, bool], expected: str
) -> None:
    assert template_refusal(template, conditions) == expected


def test_no_rendered_template_is_refused() -> None:
    paths = sorted((ROOT / "out").glob("*/*.yaml"))

    assert {path.name: template_refusal(cloudformation_yaml.load(path.read_text()), {}) for path in paths} == {
        path.name: "" for path in paths
    }
