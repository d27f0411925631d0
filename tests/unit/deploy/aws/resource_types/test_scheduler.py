"""Groups of schedules: finding them by name, their states, and their deletion."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.aws.clients import local_clients
from cicd_templates.deploy.aws.existing_resources import find_existing
from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from tests.fakes.scripted_aws import aws, refusal

GROUP = "AWS::Scheduler::ScheduleGroup"
ARN = "arn:aws:scheduler:eu-central-1:222222222222:schedule-group/x"


def group(state: str) -> dict[str, Any]:
    return {"Arn": ARN, "Name": "x", "State": state}


def test_a_group_is_found_by_its_name() -> None:
    found = find_existing(aws(scheduler={"get_schedule_group": group("ACTIVE")}), GROUP, "x")

    assert found is not None
    assert found.arn == ARN


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (group("ACTIVE"), EXISTS),
        (group("DELETING"), "EventBridge Scheduler deletes the schedules of the group first, and then the group"),
        (refusal("ResourceNotFoundException"), ""),
    ],
    ids=["active", "being deleted", "gone"],
)
def test_a_group_that_is_being_deleted_is_told_from_one_that_exists(answer: Any, state: str) -> None:
    leftover = operations_of(GROUP).leftover
    assert leftover is not None

    assert leftover.state(aws(scheduler={"get_schedule_group": answer}), "x") == state


def test_a_group_is_deleted_with_its_schedules() -> None:
    leftover = operations_of(GROUP).leftover
    assert leftover is not None
    assert leftover.delete is not None
    fake = aws(scheduler={"delete_schedule_group": {}})
    leftover.delete(fake, "x")

    assert fake.called("delete_schedule_group") == [{"Name": "x"}]


def test_the_client_is_that_of_eventbridge_scheduler() -> None:
    clients = local_clients("http://127.0.0.1:1", "222222222222", "eu-central-1", "secret")

    assert clients.scheduler.meta.service_model.service_name == "scheduler"
