"""A stack counts as unchanged only if nothing that CloudFormation compares differs and nothing is evaluated anew."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from cicd_templates.deploy.change_sets.rendered_stacks import read_stacks
from cicd_templates.deploy.change_sets.unchanged import is_proven_unchanged
from cicd_templates.template import cloudformation_yaml
from cicd_templates.template.stack_template import StackTemplate
from tests.conftest import PROJECT
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import EPOCH

PATH = "/shipping/staging/keys/KeyArn"
STACK = rendered(
    "service",
    reads={"KeyArn": PATH},
    parameters={"ImageUri": {"Type": "String", "Default": "image-1"}},
    resources={"Topic": {"Type": "AWS::SNS::Topic"}},
)
TAGS = [{"Key": key, "Value": value} for key, value in STACK.tags.items()]
IMAGE = {"ParameterKey": "ImageUri", "ParameterValue": "image-2"}
# As AWS answers for a parameter that reads Parameter Store: the path as its value, and the value as resolved.
KEY = {"ParameterKey": "KeyArn", "ParameterValue": PATH, "ResolvedValue": "key-1"}
EXISTING: dict[str, Any] = {"StackStatus": "UPDATE_COMPLETE", "Tags": TAGS, "Parameters": [IMAGE, KEY]}


def proven(
    existing: dict[str, Any] = EXISTING,
    *,
    stack: StackTemplate = STACK,
    body: Any = None,
    value: str = "key-1",
) -> bool:
    return is_proven_unchanged(stack, existing, stack.text if body is None else body, {PATH: value}, EPOCH)


def with_section(section: str) -> StackTemplate:
    text = f"{yaml.safe_dump(dict(STACK.content))}{section}\n"
    return replace(STACK, text=text, content=cloudformation_yaml.load(text))


def test_a_stack_with_equal_template_parameters_and_tags_is_unchanged() -> None:
    assert proven()
    assert proven(body=f"{STACK.text}\n"), "GetTemplate may add or remove the last line break"
    assert proven({**EXISTING, "StackStatus": "CREATE_COMPLETE"})
    assert proven({**EXISTING, "Parameters": [{**IMAGE, "ParameterValue": "image-3"}, KEY]}), "the pipeline's own value"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"StackStatus": "UPDATE_ROLLBACK_COMPLETE"}, id="an update that was rolled back"),
        pytest.param({"StackStatus": "IMPORT_COMPLETE"}, id="an import, which sets no tags"),
        pytest.param({"StackStatus": "UPDATE_IN_PROGRESS"}, id="an operation in progress"),
        pytest.param({"Tags": TAGS[1:]}, id="a missing tag"),
        pytest.param({"Tags": [*TAGS, {"Key": "More", "Value": "1"}]}, id="a further tag"),
        pytest.param({"Tags": [{**TAGS[0], "Value": "other"}, *TAGS[1:]]}, id="another value of a tag"),
        pytest.param({"Parameters": [KEY]}, id="a missing parameter"),
        pytest.param({"Parameters": [IMAGE, KEY, {"ParameterKey": "More"}]}, id="a further parameter"),
        pytest.param({"Parameters": [IMAGE, {**KEY, "ParameterValue": "/other/path"}]}, id="another path"),
        pytest.param({"Parameters": [IMAGE, {**KEY, "ResolvedValue": "key-0"}]}, id="an older value"),
        pytest.param(
            {"Parameters": [IMAGE, {"ParameterKey": "KeyArn", "ParameterValue": PATH}]}, id="a value that is not told"
        ),
    ],
)
def test_a_stack_that_differs_needs_a_change_set(change: dict[str, Any]) -> None:
    assert not proven({**EXISTING, **change})


def test_a_changed_or_deleted_value_in_parameter_store_needs_a_change_set() -> None:
    assert not proven(value="key-2")
    assert not is_proven_unchanged(STACK, EXISTING, STACK.text, {}, EPOCH)


def test_a_parameter_without_a_path_needs_a_change_set() -> None:
    parameters = {**STACK.parameters, "KeyArn": {"Type": "AWS::SSM::Parameter::Value<String>"}}
    stack = replace(STACK, content={**STACK.content, "Parameters": parameters})

    assert not proven(stack=stack)


def test_another_text_needs_a_change_set() -> None:
    assert not proven(body=STACK.text.replace("Topic", "Queue"))
    assert not proven(body=f"{STACK.text}\n# a comment\n")


def test_a_json_template_that_boto3_has_parsed_is_compared_exactly() -> None:
    assert proven(body=json.loads(STACK.text))
    assert not proven(body={**STACK.content, "Resources": {}})
    one, true = ({**STACK.content, "Outputs": {"A": {"Value": value}}} for value in (1, True))
    assert not proven(stack=replace(STACK, text=json.dumps(true), content=true), body=one)


def test_a_template_with_characters_that_get_template_does_not_return_needs_a_change_set() -> None:
    cafe = with_section("# Café")
    assert not proven(stack=cafe)
    assert not proven(stack=cafe, body=cafe.text.replace("é", "?")), "what GetTemplate returns for é is also Caf?"


@pytest.mark.parametrize(
    "section",
    [
        "Transform: AWS::LanguageExtensions",
        "Outputs: {A: {Value: {'Fn::Transform': {Name: Macro}}}}",
        "Outputs: {A: {Value: !Transform {Name: Macro}}}",
        "Outputs: {A: {Value: '{{resolve:ssm:/shipping/size}}'}}",
        "Outputs: {A: {Value: '{{resolve:secretsmanager:shipping:SecretString:password}}'}}",
        "Outputs: {A: {Value: !Select [0, !GetAZs '']}}",
        "Outputs: {A: {Value: {'Fn::GetAZs': ''}}}",
        'Outputs: {A: {Value: {"\\u0046n::GetAZs": ""}}}',
        "Outputs: {A: {Value: !Join ['', ['{{', 'resolve:ssm:/size}}']]}}",
        "Hooks: {Nested: {Type: AWS::CloudFormation::Stack}}",
        "Hooks: {Module: {Type: Our::Network::Vpc::MODULE}}",
    ],
)
def test_a_template_that_cloudformation_evaluates_anew_needs_a_change_set(section: str) -> None:
    assert not proven(stack=with_section(section))


@pytest.mark.parametrize(
    "section",
    [
        "Outputs: {A: {Value: 'the property InputTransformer'}}",
        "Outputs: {A: {Value: AWS::CloudFormation::StackSet}}",
        "Outputs: {A: {Value: '{{ resolved }}'}}",
        "Outputs: {A: {Value: 'an Fn::Transform, !GetAZs or our::MODULE in a text'}} # Fn::GetAZs",
    ],
)
def test_words_that_only_look_like_references_need_no_change_set(section: str) -> None:
    assert proven(stack=with_section(section))


@pytest.mark.parametrize("environment", ["tools", "staging", "production"])
def test_no_rendered_stack_of_the_project_needs_a_change_set_to_be_proven_unchanged(environment: str) -> None:
    def described(stack: StackTemplate) -> dict[str, Any]:
        paths = {read.parameter: read.path for read in stack.links.reads}
        return {
            "StackStatus": "CREATE_COMPLETE",
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": paths.get(name, "1"), "ResolvedValue": "1"}
                for name in stack.parameters
            ],
        }

    unproven = [
        stack.label
        for stack in read_stacks(PROJECT / "out" / environment)
        if not is_proven_unchanged(
            stack, described(stack), stack.text, {read.path: "1" for read in stack.links.reads}, EPOCH
        )
    ]
    assert unproven == [], "an inlined function must not contain the text that begins a dynamic reference"
