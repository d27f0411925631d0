"""Before a deletion, runs are stopped or abandoned, and services are drained or left to CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.deploy.destruction.drain import drain, stop_jobs, stop_runs, suspend_scaling
from cicd_templates.errors import CredentialsError
from tests.fakes.scripted_aws import Many, aws, clock, refusal

SERVICE = Owned("service", "Service", "AWS::ECS::Service", "arn:aws:ecs:r:2:service/cluster/app")


def runs(*statuses: str) -> dict[str, Any]:
    return {
        "pipelineExecutionSummaries": [
            {"pipelineExecutionId": f"e{number}", "status": status} for number, status in enumerate(statuses)
        ]
    }


def test_a_run_is_stopped_and_its_actions_end() -> None:
    fake = aws(codepipeline={"list_pipeline_executions": Many([runs("InProgress", "Succeeded"), runs("Stopped")])})
    messages: list[str] = []
    stop_runs(fake, ["p"], clock(), messages.append)

    (stopped,) = fake.called("stop_pipeline_execution")
    assert (stopped["pipelineExecutionId"], stopped["abandon"]) == ("e0", False)
    assert messages == ["p: stopping its run e0"]


def test_a_run_that_does_not_stop_is_abandoned() -> None:
    busy = refusal("DuplicatedStopRequestException")
    fake = aws(codepipeline={"list_pipeline_executions": runs("Stopping"), "stop_pipeline_execution": Many([busy, {}])})
    messages: list[str] = []
    stop_runs(fake, ["p"], clock(), messages.append)

    assert [each["abandon"] for each in fake.called("stop_pipeline_execution")] == [False, True]
    assert messages[-1] == "p: abandoning its run e0"


@pytest.mark.parametrize(
    "answers",
    [
        {"list_pipeline_executions": runs("Succeeded")},
        {"list_pipeline_executions": refusal("PipelineNotFoundException")},
    ],
    ids=["nothing runs", "the pipeline is gone"],
)
def test_where_nothing_runs_nothing_is_stopped(answers: dict[str, Any]) -> None:
    fake = aws(codepipeline=answers)
    stop_runs(fake, ["p"], clock(), lambda text: None)

    assert fake.called("stop_pipeline_execution") == []


def test_the_local_aws_runs_no_pipeline() -> None:
    fake = aws(local=True)
    stop_runs(fake, ["p"], clock(), lambda text: None)

    assert fake.calls == []


@pytest.mark.parametrize("call", ["list_pipeline_executions", "stop_pipeline_execution"])
def test_a_refusal_to_look_or_to_stop_is_an_error(call: str) -> None:
    fake = aws(codepipeline={"list_pipeline_executions": runs("InProgress"), call: refusal("AccessDenied")})

    with pytest.raises(ClientError, match="AccessDenied"):
        stop_runs(fake, ["p"], clock(), lambda text: None)


def tasks(running: int, pending: int = 0) -> dict[str, Any]:
    return {"services": [{"runningCount": running, "pendingCount": pending}]}


def test_a_service_is_drained_before_its_stack_is_deleted() -> None:
    fake = aws(ecs={"describe_services": Many([tasks(2), tasks(0, 1), tasks(0)])})
    drain(fake, [SERVICE], clock(), lambda text: None)

    (asked,) = fake.called("update_service")
    assert (asked["cluster"], asked["service"], asked["desiredCount"]) == ("cluster", SERVICE.physical_id, 0)
    assert len(fake.called("describe_services")) == 3


TARGET = Owned("service", "Scaling", "T", "service/cluster/app|ecs:service:DesiredCount|ecs")


@pytest.mark.parametrize("answer", [{}, refusal("ValidationException")], ids=["suspended", "gone"])
def test_a_service_that_drains_is_not_scaled_up_again(answer: Any) -> None:
    fake = aws(scaling={"register_scalable_target": answer})
    suspend_scaling(fake, [TARGET])

    (asked,) = fake.called("register_scalable_target")
    assert (asked["ServiceNamespace"], asked["ResourceId"]) == ("ecs", "service/cluster/app")
    assert set(asked["SuspendedState"].values()) == {True}
    assert "MinCapacity" not in asked


def test_the_local_aws_scales_nothing_and_a_refusal_is_an_error() -> None:
    local = aws(local=True)
    suspend_scaling(local, [TARGET])
    assert local.calls == []

    with pytest.raises(ClientError, match="AccessDenied"):
        suspend_scaling(aws(scaling={"register_scalable_target": refusal("AccessDenied")}), [TARGET])


def test_a_service_that_does_not_drain_is_left_to_cloudformation() -> None:
    messages: list[str] = []
    drain(aws(ecs={"describe_services": tasks(1)}), [SERVICE], clock(), messages.append)

    assert "has not finished within 15 minutes" in messages[-1]


def test_a_service_that_is_gone_needs_no_draining() -> None:
    fake = aws(ecs={"update_service": refusal("ServiceNotFoundException")})
    drain(fake, [SERVICE], clock(), lambda text: None)
    assert fake.called("describe_services") == []

    with pytest.raises(ClientError, match="AccessDenied"):
        drain(aws(ecs={"update_service": refusal("AccessDenied")}), [SERVICE], clock(), lambda text: None)


def test_credentials_that_end_are_neither_a_run_that_does_not_stop_nor_a_service_that_does_not_drain() -> None:
    ended = CredentialsError("sign in")
    stopping = aws(codepipeline={"list_pipeline_executions": Many([runs("InProgress"), ended])})
    draining = aws(ecs={"update_service": {}, "describe_services": ended})

    with pytest.raises(CredentialsError):
        stop_runs(stopping, ["p"], clock(), lambda text: None)
    with pytest.raises(CredentialsError):
        drain(draining, [SERVICE], clock(), lambda text: None)
    assert [each["abandon"] for each in stopping.called("stop_pipeline_execution")] == [False]


DEFINITION = Owned("report", "TaskDefinition", "AWS::ECS::TaskDefinition", "arn:aws:ecs:r:2:task-definition/x-report:7")


def test_the_tasks_of_a_job_are_stopped() -> None:
    fake = aws(ecs={"list_tasks": [{"taskArns": ["arn:aws:ecs:r:2:task/c/t1"]}, {"taskArns": []}]})
    messages: list[str] = []
    stop_jobs(fake, [DEFINITION], "c", messages.append)

    assert fake.called("list_tasks") == [{"cluster": "c", "family": "x-report"}]
    (stopped,) = fake.called("stop_task")
    assert (stopped["cluster"], stopped["task"]) == ("c", "arn:aws:ecs:r:2:task/c/t1")
    assert messages == ["report: stopped its task t1"]


def test_without_a_cluster_no_task_runs() -> None:
    fake = aws(ecs={"list_tasks": refusal("ClusterNotFoundException")})
    stop_jobs(fake, [DEFINITION, DEFINITION], "c", lambda text: None)

    assert fake.called("stop_task") == []


def test_a_refusal_to_list_the_tasks_of_a_job_is_an_error() -> None:
    fake = aws(ecs={"list_tasks": refusal("AccessDenied")})

    with pytest.raises(ClientError, match="AccessDenied"):
        stop_jobs(fake, [DEFINITION], "c", lambda text: None)
