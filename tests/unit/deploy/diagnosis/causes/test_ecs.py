"""The cause of stopped tasks: ECS's reason, the exit code of each container and the last lines of its log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cicd_templates.deploy.diagnosis.causes.ecs import stopped_tasks
from cicd_templates.deploy.diagnosis.failures import Failure
from tests.fakes.answering_aws import FakeAws
from tests.projects.stacks import stacks_of

STACK = next(stack for stack in stacks_of("staging") if stack.layer == "service")
LOGICAL_ID = next(name for name, each in STACK.resources.items() if each["Type"] == "AWS::ECS::Service")
SERVICE = "arn:aws:ecs:eu-central-1:222222222222:service/shipping-staging-cluster/shipping-staging-parcel-dispatcher"
TASKS = "arn:aws:ecs:eu-central-1:222222222222:task/shipping-staging-cluster/"
DEFINITION = "arn:aws:ecs:eu-central-1:222222222222:task-definition/shipping-staging-parcel-dispatcher:3"
WITH_LOG = {
    "name": "parcel-dispatcher",
    "logConfiguration": {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/shipping/staging/service", "awslogs-stream-prefix": "task"},
    },
}


def task(number: int, **more: Any) -> dict[str, Any]:
    return {
        "taskArn": f"{TASKS}{number}",
        "taskDefinitionArn": DEFINITION,
        "stoppedAt": datetime(2026, 1, number, tzinfo=UTC),
        **more,
    }


def aws(tasks: list[dict[str, Any]], container: dict[str, Any] = WITH_LOG) -> FakeAws:
    def logs(**request: Any) -> Any:
        return {"events": [{"message": f"{request['logStreamName']}: no database \n"}, {"message": "x" * 400}]}

    return FakeAws(
        {
            "ecs.list_tasks": [{"taskArns": [each["taskArn"]]} for each in tasks],
            "ecs.describe_tasks": {"tasks": tasks},
            "ecs.describe_task_definition": {"taskDefinition": {"containerDefinitions": [container]}},
            "logs.get_log_events": logs,
        }
    )


def failure(physical_id: str = SERVICE, logical_id: str = LOGICAL_ID) -> Failure:
    reason = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
    return Failure(datetime(2026, 1, 9, tzinfo=UTC), logical_id, "AWS::ECS::Service", physical_id, reason)


def explain(fake: FakeAws, failure: Failure) -> list[str]:
    return stopped_tasks(fake, STACK, failure)  # type: ignore[arg-type] # the fake stands in


def test_the_latest_tasks_say_why_they_stopped_and_what_they_logged() -> None:
    ended = {"name": "parcel-dispatcher", "exitCode": 1, "reason": "OutOfMemoryError"}
    fake = aws(
        [
            task(1),
            task(
                3, stopCode="EssentialContainerExited", stoppedReason="Essential container exited", containers=[ended]
            ),
            task(2, stoppedReason="Scaling activity", containers=[{"name": "sidecar"}]),
        ]
    )

    assert explain(fake, failure()) == [
        "task 3 stopped (EssentialContainerExited): Essential container exited",
        "container parcel-dispatcher: exit code 1, OutOfMemoryError",
        "  | task/parcel-dispatcher/3: no database",
        "  | " + "x" * 300,
        "task 2 stopped: Scaling activity",
    ]
    asked = dict(fake.calls)["ecs.list_tasks"]
    assert asked == {
        "cluster": "shipping-staging-cluster",
        "desiredStatus": "STOPPED",
        "family": "shipping-staging-parcel-dispatcher",
    }
    assert [request["tasks"] for call, request in fake.calls if call == "ecs.describe_tasks"] == [
        [f"{TASKS}1", f"{TASKS}3", f"{TASKS}2"]
    ]


def test_a_container_that_never_started_has_a_reason_and_no_exit_code() -> None:
    container = {"name": "parcel-dispatcher", "reason": "CannotPullContainerError: no such image"}
    fake = aws([task(1, containers=[container])], {"name": "parcel-dispatcher"})

    assert explain(fake, failure()) == [
        "task 1 stopped: no reason given",
        "container parcel-dispatcher: CannotPullContainerError: no such image",
    ]


def test_a_service_of_another_text_is_asked_for_by_its_name() -> None:
    fake = aws([task(1)])
    explain(fake, failure(logical_id="Renamed"))

    assert dict(fake.calls)["ecs.list_tasks"]["serviceName"] == "shipping-staging-parcel-dispatcher"


def test_no_stopped_task_is_a_fact_too() -> None:
    assert explain(aws([]), failure()) == [
        "no task of shipping-staging-parcel-dispatcher has stopped within the last hour, so probably no task has"
        " started; check that the service's image exists and that tasks can start in the service's subnets"
    ]


@pytest.mark.parametrize("physical_id", ["", "shipping-staging-parcel-dispatcher"])
def test_a_service_that_was_never_made_has_no_tasks(physical_id: str) -> None:
    fake = aws([])

    assert explain(fake, failure(physical_id)) == []
    assert fake.calls == []
