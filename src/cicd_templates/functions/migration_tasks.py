"""Start and watch a task in ECS, and read the end of its log.

`parameters` are the user parameters of the pipeline's action. The module `migrate` describes them.
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from cicd_templates.functions.role_clients import client_in_role

STOPPED = "STOPPED"
TEXT_LENGTH = 1000
LOG_LINES = 15
LINE_LENGTH = 160
FAILURE_LENGTH = 300


class TaskRunError(Exception):
    """Raised if the task failed or could not be run. The message says why."""


def subject() -> str:
    """Return the word for the task in messages: `migration` or `job`."""
    return os.environ["SUBJECT"]


def client(service: str, parameters: dict[str, str]) -> Any:
    """Return a client of an AWS service in the account in which the task runs."""
    return client_in_role(service, parameters["role"], parameters["region"], "migration")


def printable(text: str) -> str:
    """Return `text` without control and format characters, which could change how it is displayed."""
    lines = ("".join(character for character in line if character.isprintable()) for line in text.splitlines())
    return "\n".join(lines)


def images_of(ecs: Any, parameters: dict[str, str]) -> list[str]:
    """Return the images of the task definition."""
    described = ecs.describe_task_definition(taskDefinition=parameters["definition"])["taskDefinition"]
    return [container["image"] for container in described["containerDefinitions"]]


def running_tasks(ecs: Any, parameters: dict[str, str]) -> list[str]:
    """Return the ARNs of all tasks that run a revision of the task definition, whoever started them."""
    family = parameters["definition"].rpartition("/")[2].rpartition(":")[0]
    running: list[str] = []
    # The desired status of a task can be STOPPED before the task has stopped.
    for status in ("RUNNING", STOPPED):
        pages = ecs.get_paginator("list_tasks").paginate(
            cluster=parameters["cluster"], family=family, desiredStatus=status
        )
        for arns in (page["taskArns"] for page in pages if page["taskArns"]):
            tasks = ecs.describe_tasks(cluster=parameters["cluster"], tasks=arns)["tasks"]
            running += [task["taskArn"] for task in tasks if task["lastStatus"] != STOPPED]
    return running


def start_task(ecs: Any, parameters: dict[str, str], name: str, run: str) -> str:
    """Start a task and return its ARN. If ECS still knows a task with this `name`, return the ARN of that task.

    The hash of the name is the client token of the request. ECS knows the token until an hour after the task has
    stopped, but never longer than a day: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """
    network = {
        "subnets": parameters["subnets"].split(","),
        "securityGroups": [parameters["group"]],
        "assignPublicIp": "DISABLED",
    }
    try:
        answer = ecs.run_task(
            cluster=parameters["cluster"],
            taskDefinition=parameters["definition"],
            launchType="FARGATE",
            count=1,
            clientToken=hashlib.sha256(name.encode()).hexdigest(),
            startedBy=run,
            networkConfiguration={"awsvpcConfiguration": network},
        )
    except ecs.exceptions.ConflictException as error:
        return str(error.response["resourceIds"][0])
    if not answer["tasks"]:
        reasons = "; ".join(failure.get("reason", "") for failure in answer.get("failures", ()))
        raise TaskRunError(f"ECS did not start the {subject()}: {reasons or 'no reason given'}")
    return str(answer["tasks"][0]["taskArn"])


def describe_task(ecs: Any, parameters: dict[str, str], task: str) -> dict[str, Any] | None:
    """Return the task, or None if ECS does not return it.

    ECS returns a task only some seconds after its start, and only until an hour after its end.
    """
    tasks: list[dict[str, Any]] = ecs.describe_tasks(cluster=parameters["cluster"], tasks=[task])["tasks"]
    return tasks[0] if tasks else None


def failure_of(parameters: dict[str, str], task: dict[str, Any]) -> str:
    """Return why a stopped task failed, with the end of its log, or an empty string if the task succeeded.

    A task succeeded if every container has the exit code 0 and the task stopped because a container ended. The exit
    codes are not enough, because a program can also exit with 0 after somebody has stopped the task.

    Containers that are not in the task definition are ignored. AWS may add such containers to a task, for example the
    agent of GuardDuty: https://docs.aws.amazon.com/guardduty/latest/ug/how-runtime-monitoring-works-ecs-fargate.html
    """
    ecs = client("ecs", parameters)
    described = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    names = [container["name"] for container in described["containerDefinitions"]]
    containers = [container for container in task["containers"] if container["name"] in names]
    codes = [container.get("exitCode") for container in containers]
    if codes and all(code == 0 for code in codes) and task.get("stopCode") == "EssentialContainerExited":
        return ""
    reasons = [task.get("stoppedReason", ""), *(container.get("reason", "") for container in containers)]
    exits = ", ".join("no exit code" if code is None else f"exit code {code}" for code in codes)
    reason = "; ".join(filter(None, [exits, *reasons]))[:FAILURE_LENGTH]
    return printable(f"the {subject()} failed: {reason}{_end_of_log(parameters, task, names[0])}")


def _end_of_log(parameters: dict[str, str], task: dict[str, Any], container: str) -> str:
    """Return the last lines of a container's log, or why they cannot be read. Long lines are shortened."""
    try:
        stream = f"task/{container}/{task['taskArn'].rpartition('/')[2]}"
        events = client("logs", parameters).get_log_events(
            logGroupName=parameters["log"], logStreamName=stream, limit=LOG_LINES, startFromHead=False
        )["events"]
    except Exception as error:
        return f". Its log cannot be read: {type(error).__name__}"
    room = TEXT_LENGTH // 2
    lines: list[str] = []
    # The newest lines say why the task failed, so the oldest lines are left out first.
    for event in reversed(events):
        line = printable(" ".join(event["message"].split()))[:LINE_LENGTH]
        room -= len(line) + 1
        if room < 0:
            break
        lines.insert(0, line)
    return ". Its log ends with:\n" + "\n".join(lines) if lines else ". Its log is empty."
