"""Every difference between a change set and the request that would be sent now is found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cicd_templates.deploy.change_sets.deployed_text import is_template_of
from cicd_templates.deploy.change_sets.request_comparison import request_differences
from cicd_templates.template.stack_template import StackTemplate
from tests.fakes.rendered_stacks import rendered
from tests.fakes.simulated_aws import EPOCH

PATH = "/shipping/staging/keys/KeyArn"
STACK = rendered(
    "service", reads={"KeyArn": PATH}, parameters={"ImageUri": {"Type": "String", "Default": "image-1"}}, resources={}
)
IMAGE = {"ParameterKey": "ImageUri", "ParameterValue": "image-2"}
KEY = {"ParameterKey": "KeyArn", "ParameterValue": PATH, "ResolvedValue": "key-1"}
TAGS = [{"Key": key, "Value": value} for key, value in STACK.tags.items()]
EXISTING = {"Parameters": [IMAGE], "Tags": TAGS}
# As DescribeChangeSet answers; it leaves out what is empty.
ANSWER: dict[str, Any] = {"Parameters": [IMAGE, KEY], "Tags": TAGS, "Capabilities": [], "RollbackConfiguration": {}}


def differences(answer: dict[str, Any], **options: Any) -> list[str]:
    facts: dict[str, Any] = {"existing": EXISTING, "stack": STACK, **options}
    stack, existing = facts["stack"], facts["existing"]
    return list(request_differences(answer, stack, existing, {PATH: "key-1"}, EPOCH))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"Tags": [*TAGS, {"Key": "More", "Value": "1"}]}, ["the change set has other tags than the template"]),
        (
            {"Capabilities": ["CAPABILITY_IAM"]},
            ["the change set has other capabilities than the template needs"],
        ),
        ({"OnStackFailure": "ROLLBACK"}, []),
        ({"OnStackFailure": "DO_NOTHING"}, ["the change set says OnStackFailure=DO_NOTHING, not ROLLBACK"]),
        ({"NotificationARNs": ["a"]}, ["the change set has NotificationARNs, which this program never requests"]),
        ({"Parameters": [IMAGE]}, ["either the change set or the template lacks the parameter KeyArn"]),
        (
            {"Parameters": [IMAGE, KEY, {"ParameterKey": "More", "ParameterValue": "1"}]},
            ["either the change set or the template lacks the parameter More"],
        ),
        (
            {"Parameters": [{**IMAGE, "ParameterValue": "image-1"}, KEY]},
            ["the change set does not have the expected value of ImageUri"],
        ),
        (
            {"Parameters": [IMAGE, {**KEY, "ResolvedValue": "key-9"}]},
            [
                f"the template parameter KeyArn reads {PATH} from Parameter Store, but its value in the change set is"
                " not the current value"
            ],
        ),
        (
            {"Parameters": [IMAGE, {"ParameterKey": "KeyArn", "ParameterValue": "key-1"}]},
            [
                f"the template parameter KeyArn reads {PATH} from Parameter Store, but its value in the change set is"
                " not the current value"
            ],
        ),
    ],
)
def test_what_was_requested_otherwise_is_named(change: dict[str, Any], expected: list[str]) -> None:
    assert differences({**ANSWER, **change}) == expected


def test_a_creation_deletes_what_failed_and_has_the_parameters_of_the_template() -> None:
    answer = {**ANSWER, "Parameters": [{**IMAGE, "ParameterValue": "image-1"}, KEY], "OnStackFailure": "DELETE"}

    assert differences(answer, existing=None) == []
    assert differences({**answer, "OnStackFailure": "ROLLBACK"}, existing=None) == [
        "the change set says OnStackFailure=ROLLBACK, not DELETE"
    ]


@pytest.mark.parametrize(("hours", "same"), [(47, True), (49, False), (None, False)])
def test_a_copy_expires_no_later_than_one_that_is_made_now(hours: float | None, same: bool) -> None:
    tags = {**STACK.tags, "Suffix": "pr1"}
    stack = replace(STACK, facts=STACK.facts._replace(suffix="pr1", stack_tags=tags))
    end = {} if hours is None else {"Expires": f"{EPOCH + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"}
    answer = {**ANSWER, "Tags": [{"Key": key, "Value": value} for key, value in (tags | end).items()]}

    assert (differences(answer, stack=stack) == []) == same


@pytest.mark.parametrize(
    ("body", "same"),
    [
        (json.loads(STACK.text), True),
        ({**json.loads(STACK.text), "Outputs": {}}, False),
        ("Resources: {}\n", False),
    ],
)
def test_a_template_in_json_is_compared_by_its_content(body: Any, same: bool) -> None:
    assert is_template_of(STACK, body) == same


def test_a_template_in_yaml_is_compared_by_its_text() -> None:
    stack = StackTemplate(Path("keys.yaml"), "Resources: {}\n", {"Resources": {}}, STACK.facts)

    assert is_template_of(stack, "Resources: {}")
    assert not is_template_of(stack, "Resources: { }")
