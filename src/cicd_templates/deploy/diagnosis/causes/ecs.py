"""Finds out why a service's tasks stopped: ECS's reason, and the exit code and last log lines of each container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.diagnosis.causes.logs import tail
from cicd_templates.deploy.diagnosis.failures import Failure
from cicd_templates.template.stack_template import StackTemplate

# A failing service starts one task after another, and all stop for the same reason, so it is enough to show two.
TASKS = 2


def stopped_tasks(clients: Clients, stack: StackTemplate, failure: Failure) -> list[str]:
    """Return what ECS reports about the latest stopped tasks of a failed service, one fact per line.

    ECS forgets a stopped task after an hour. Raises boto3's errors.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html
    """
    # arn:aws:ecs:<region>:<account>:service/<cluster>/<name>
    parts = failure.physical_id.split("/")
    if len(parts) != 3:
        return []
    _, cluster, service = parts
    family = _family(stack, failure.logical_id)
    # Tasks are listed by family: after a rollback the service no longer exists, but ECS still lists its stopped tasks.
    by: dict[str, Any] = {"family": family} if family else {"serviceName": service}
    pages = clients.ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="STOPPED", **by)
    arns = [arn for page in pages for arn in page["taskArns"]][:100]
    if not arns:
        return [
            f"no task of {service} has stopped within the last hour, so probably no task has started; check that the"
            " service's image exists and that tasks can start in the service's subnets"
        ]
    tasks = clients.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    latest = sorted(tasks, key=lambda task: str(task.get("stoppedAt", "")), reverse=True)[:TASKS]
    return [line for task in latest for line in _task(clients, task)]


def _family(stack: StackTemplate, logical_id: str) -> str | None:
    """Return the family of an ECS service's task definition, according to the reviewed template of `stack`.

    `logical_id` is the logical id of the service. Returns None if the family is missing or is not a string.
    """
    resources = stack.resources
    definition = resources.get(logical_id, {}).get("Properties", {}).get("TaskDefinition")
    name = definition.get("Ref", "") if isinstance(definition, dict) else ""
    family = resources.get(name, {}).get("Properties", {}).get("Family")
    return family if isinstance(family, str) else None


def _task(clients: Clients, task: Mapping[str, Any]) -> Iterator[str]:
    name = task["taskArn"].rpartition("/")[2]
    code = f" ({task['stopCode']})" if task.get("stopCode") else ""
    yield f"task {name} stopped{code}: {task.get('stoppedReason', 'no reason given')}"
    logs = _logs(clients, task["taskDefinitionArn"])
    for container in task.get("containers", ()):
        ended = [f"exit code {container['exitCode']}"] if "exitCode" in container else []
        ended += [container["reason"]] if container.get("reason") else []
        if ended:
            yield f"container {container['name']}: {', '.join(ended)}"
        if container["name"] in logs:
            group, prefix = logs[container["name"]]
            for line in tail(clients, group, f"{prefix}/{container['name']}/{name}"):
                yield f"  | {line}"


def _logs(clients: Clients, definition_arn: str) -> dict[str, tuple[str, str]]:
    """Return the log group and stream prefix of each container that logs to CloudWatch Logs.

    The keys are the names of the containers.
    """
    definition = clients.ecs.describe_task_definition(taskDefinition=definition_arn)["taskDefinition"]
    options = {
        container["name"]: container.get("logConfiguration", {}).get("options", {})
        for container in definition["containerDefinitions"]
    }
    return {
        name: (each["awslogs-group"], each["awslogs-stream-prefix"])
        for name, each in options.items()
        if {"awslogs-group", "awslogs-stream-prefix"} <= each.keys()
    }
