"""Stack rendering: each section that a layer fills is in its template, or is refused with the layer's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from troposphere import Parameter, Ref, Template, sqs

from cicd_templates.config.environment import Environment
from cicd_templates.errors import ConfigurationError
from cicd_templates.layer.definition import Layer
from cicd_templates.layer.template import LayerTemplate
from cicd_templates.render.stack_rendering import render_stack
from cicd_templates.template import cloudformation_yaml
from tests.conftest import environment

RULES = {"Named": {"Assertions": [{"Assert": {"Fn::Contains": [["a", "b"], {"Ref": "Name"}]}}]}}


def rendered(fill: Callable[[Template], Any]) -> dict[str, Any]:
    """Return the finished template of a layer with one parameter and one queue, whose template `fill` changes."""

    def build(env: Environment) -> LayerTemplate:
        built = LayerTemplate(env)
        built.add_parameter(Parameter("Name", Type="String", Default="a"))
        built.add(sqs.Queue("Queue", QueueName=Ref("Name")))
        fill(built.template)
        return built

    env, layer = environment(), Layer("own", build)
    content: dict[str, Any] = cloudformation_yaml.load(render_stack(env, layer, [layer], build(env), "yaml").text)
    return content


def test_the_rules_of_a_layer_are_in_its_template_after_the_parameters_that_they_judge() -> None:
    template = rendered(lambda template: template.add_rule("Named", RULES["Named"]))

    assert template["Rules"] == RULES
    assert list(template)[2:] == ["Metadata", "Parameters", "Rules", "Resources"]


def test_metadata_of_a_layer_is_beside_the_facts_and_cannot_replace_them() -> None:
    labels = {"ParameterLabels": {"Name": {"default": "Name of the queue"}}}
    own = {"AWS::CloudFormation::Interface": labels, "CicdTemplates": {"Layer": "another"}}
    template = rendered(lambda template: template.set_metadata(own))

    assert template["Metadata"]["AWS::CloudFormation::Interface"] == labels
    assert template["Metadata"]["CicdTemplates"]["Layer"] == "own"


@pytest.mark.parametrize("transform", ["AWS::Serverless-2016-10-31", ["AWS::LanguageExtensions"]])
def test_a_transform_is_refused_with_the_file_of_its_layer(transform: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^tests/unit/render/test_stack_rendering\.py: .* a Transform"):
        rendered(lambda template: template.set_transform(transform))


@pytest.mark.parametrize("kind", ["String", "AWS::SSM::Parameter::Value<String>"])
def test_a_parameter_that_would_have_no_value_is_refused_with_the_file_of_its_layer(kind: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^tests/unit/render/test_stack_rendering\.py: its parameter Extra has no"
    ):
        rendered(lambda template: template.add_parameter(Parameter("Extra", Type=kind)))


MACRO = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://shared/queue.yaml"}}}


@pytest.mark.parametrize(
    "resource",
    [
        sqs.Queue("Other", RedriveAllowPolicy={"sourceQueueArns": [MACRO]}),
        sqs.QueuePolicy(
            "Policy", Queues=["q"], PolicyDocument={"Statement": [{"Effect": "Allow", "Condition": MACRO}]}
        ),
        sqs.Queue("Other", Metadata={"Settings": [[MACRO]]}),
    ],
    ids=["in a list", "in a policy", "in metadata"],
)
def test_a_macro_inside_a_resource_is_refused_with_the_file_of_its_layer(resource: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^tests/unit/render/test_stack_rendering\.py: .* a Fn::Transform"):
        rendered(lambda template: template.add_resource(resource))


def test_the_name_of_the_macro_in_a_text_is_no_macro() -> None:
    text = "if 'Fn::Transform' in value: refuse(value)"
    template = rendered(lambda template: template.set_metadata({"Code": text, "Names": ["Fn::Transform"]}))

    assert template["Metadata"]["Code"] == text
