"""The layer `queues`: queues, their dead letters and alarms, and the endpoint through which tasks reach them."""

from __future__ import annotations

from typing import Any

import pytest

from templates import network, queues
from tests.conftest import environment

LABELS = ("queues/labels", {"visibility_seconds": 90, "max_receives": 3})


def resources(name: str = "staging", *edits: tuple[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = queues.build(environment(name, LABELS, *edits)).template.to_dict()["Resources"]
    return rendered


def test_a_message_that_fails_too_often_goes_to_the_dead_letters_of_its_own_queue_only() -> None:
    found = resources()

    assert found["LabelsQueue"]["Properties"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["LabelsDeadLetters", "Arn"]},
        "maxReceiveCount": 3,
    }
    assert found["LabelsQueue"]["Properties"]["VisibilityTimeout"] == 90
    allowed = found["LabelsDeadLetters"]["Properties"]["RedriveAllowPolicy"]
    queue = f"arn:${{AWS::Partition}}:sqs:eu-central-1:222222222222:{found['LabelsQueue']['Properties']['QueueName']}"
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [{"Fn::Sub": queue}]}


@pytest.mark.parametrize("name", ["LabelsQueue", "LabelsDeadLetters"])
@pytest.mark.parametrize(
    ("environment_name", "policy"), [("staging", "Delete"), ("production", "RetainExceptOnCreate")]
)
def test_both_queues_are_encrypted_and_kept_where_the_environment_is_protected(
    name: str, environment_name: str, policy: str
) -> None:
    queue = resources(environment_name)[name]

    assert queue["Properties"]["KmsMasterKeyId"] == {"Ref": "KeyArn"}
    assert queue["DeletionPolicy"] == policy


def test_an_environment_overrides_what_the_project_says_of_a_queue() -> None:
    edit = ("environments/production/queues/labels", {"oldest_minutes": 2})

    assert resources("production", edit)["LabelsAgeAlarm"]["Properties"]["Threshold"] == 120
    assert resources("staging", edit)["LabelsAgeAlarm"]["Properties"]["Threshold"] == 15 * 60
    assert resources("production", edit)["LabelsQueue"]["Properties"]["VisibilityTimeout"] == 90


def test_operations_is_notified_of_old_messages_and_of_dead_letters() -> None:
    found = resources()

    for name, queue in (("LabelsAgeAlarm", "LabelsQueue"), ("LabelsDeadLettersAlarm", "LabelsDeadLetters")):
        alarm = found[name]["Properties"]
        assert alarm["AlarmActions"] == [{"Ref": "OperationsTopicArn"}]
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]


def test_a_network_with_endpoints_has_one_for_queues_only_if_there_are_queues() -> None:
    with_endpoints = ("environments/staging/endpoints", "all")
    without = network.build(environment("staging", with_endpoints)).template.resources
    having = network.build(environment("staging", with_endpoints, LABELS)).template.resources

    assert set(having) - set(without) == {"SqsEndpoint"}


def test_without_a_queue_in_the_configuration_there_is_no_such_stack() -> None:
    assert not queues.exists(environment())
    assert queues.exists(environment("staging", LABELS))
