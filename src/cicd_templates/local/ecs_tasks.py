"""Ends tasks of the local AWS, and makes RunTask start only one task for each client token.

The local AWS starts no containers, so its tasks would run forever. A rehearsal runs the command of a task as a process,
and stores the exit code in a file. This module then ends the task with the exit code.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASKS_FILE = "ecs-tasks.jsonl"
EXITS_FILE = "ecs-task-exits.jsonl"
# What ECS says about a task whose container has ended.
EXITED = ("Essential container in task exited", "EssentialContainerExited")
# ECS describes a stopped task for at least an hour. It keeps a client token for an hour after the task has stopped, and
# at most for a day. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
STOPPED_SECONDS = 60 * 60
TOKEN_SECONDS = 24 * 60 * 60
# Settings of a container that the engine does not convert from the names of CloudFormation to those of ECS.
UNCONVERTED = ("secrets", "dependsOn", "healthCheck", "linuxParameters", "ulimits")

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any]], Response]


class Tasks:
    """Stores the started tasks, and the exit codes of the ended tasks, in files that any process can read."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._tasks, self._exits = folder / TASKS_FILE, folder / EXITS_FILE

    def start(self, task: str, definition: str) -> None:
        """Record the ARN of a started task, and the ARN of its task definition."""
        _append(self._tasks, [task, definition])

    def end(self, task: str, code: int) -> None:
        """Store the exit code of a task's container."""
        _append(self._exits, [task, code, self.now()])

    def exit_code(self, task: str) -> int | None:
        """Return the exit code of a task's container, or None if the task still runs."""
        return {name: code for name, code, _ in _lines(self._exits)}.get(task)

    def is_forgotten(self, task: str) -> bool:
        """Return whether a task ended so long ago that ECS would no longer return it."""
        return any(self.now() - ended > STOPPED_SECONDS for name, _, ended in _lines(self._exits) if name == task)

    def running(self) -> list[tuple[str, str]]:
        """Return each task that still runs, with its task definition."""
        return [(task, definition) for task, definition in _lines(self._tasks) if self.exit_code(task) is None]


def _append(file: Path, line: list[Any]) -> None:
    with file.open("a") as opened:
        opened.write(json.dumps(line) + "\n")


def _lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run_task(run: Handler, tasks: Tasks, scope: Callable[[], str]) -> Handler:
    """Return a handler of RunTask that starts only one task for each client token.

    Like ECS, the handler keeps a token for a limited time. If the same request comes again with this token, the handler
    repeats its first answer. It refuses a different request with this token:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html

    `scope` returns the account and the region.
    """
    answered: dict[tuple[str, str, str], tuple[dict[str, Any], Response, list[str], float]] = {}

    def is_kept(arns: list[str], began: float) -> bool:
        return tasks.now() - began < TOKEN_SECONDS and not any(map(tasks.is_forgotten, arns))

    def handle(request: dict[str, Any]) -> Response:
        key = (scope(), request.get("cluster", "default"), request.get("clientToken", ""))
        if key in answered and is_kept(*answered[key][2:]):
            before, answer, arns, _ = answered[key]
            return answer if before == request else _conflict(arns)
        answer = run(request)
        status, _, body = answer
        started = json.loads(body)["tasks"] if status == 200 else []
        for task in started:
            tasks.start(task["taskArn"], task["taskDefinitionArn"])
        if started and key[-1]:
            answered[key] = (request, answer, [task["taskArn"] for task in started], tasks.now())
        return answer

    return handle


def _conflict(arns: list[str]) -> Response:
    content = {"__type": "ConflictException", "message": "The client token is already in use.", "resourceIds": arns}
    return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def describe_tasks(describe: Handler, tasks: Tasks, engine: Any) -> Handler:
    """Return a handler of DescribeTasks. The handler reports a task as stopped if the task's command has ended."""

    def handle(request: dict[str, Any]) -> Response:
        cluster = engine._resolve_cluster_name(request.get("cluster", "default"))
        for name in request.get("tasks", ()):
            task = engine._resolve_task(name, cluster)
            code = tasks.exit_code(task["taskArn"]) if task else None
            if code is not None:
                engine._mark_task_stopped(task["taskArn"], task, *EXITED, exit_code=code)
        status, headers, body = describe(request)
        answer = json.loads(body)
        forgotten = [task for task in answer.get("tasks", ()) if tasks.is_forgotten(task["taskArn"])]
        if not forgotten:
            return status, headers, body
        answer["tasks"] = [task for task in answer["tasks"] if task not in forgotten]
        answer["failures"] += [{"arn": task["taskArn"], "reason": "MISSING"} for task in forgotten]
        return status, headers, json.dumps(answer).encode()

    return handle


def passed_roles(engine: Any, definition: str) -> list[str]:
    """Return the roles that RunTask passes to ECS for a task definition: its execution role and its task role."""
    found = engine._task_defs.get(engine._resolve_td_key(definition)) or {}
    return [found[key] for key in ("executionRoleArn", "taskRoleArn") if found.get(key)]


def name_settings_as_ecs_does(provisioners: Any) -> None:
    """Convert the names of container settings in templates to the names in the ECS API.

    For example, a template has `ValueFrom`, but DescribeTaskDefinition returns `valueFrom`. The engine copies the names
    from the template without converting them.
    """
    known = provisioners._normalize_container_defs

    def normalize(definitions: Any) -> list[dict[str, Any]]:
        return [
            {key: provisioners._pascal_to_camel(value) if key in UNCONVERTED else value for key, value in each.items()}
            for each in known(definitions)
        ]

    provisioners._normalize_container_defs = normalize


def register(engine: Any, tasks: Tasks) -> None:
    """Replace the engine's handlers of RunTask and DescribeTasks with the handlers of this module."""
    handlers = engine._ACTION_MAP
    handlers["RunTask"] = run_task(
        handlers["RunTask"], tasks, lambda: f"{engine.get_account_id()}/{engine.get_region()}"
    )
    handlers["DescribeTasks"] = describe_tasks(handlers["DescribeTasks"], tasks, engine)
