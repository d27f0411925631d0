"""Tasks of the local AWS: started once for each token, and stopped when their commands have ended."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cicd_templates.local import ecs_tasks
from cicd_templates.local.ecs_tasks import Tasks

DEFINITION = "arn:aws:ecs:eu-central-1:1:task-definition/f:7"


class Engine:
    """The engine's module, as far as tasks use it. It numbers its tasks."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.account = "1"
        self.now = 0.0
        self._ACTION_MAP = {"RunTask": self.run, "DescribeTasks": self.describe}
        self._task_defs = {"f:7": {"executionRoleArn": "arn:execution", "taskRoleArn": "arn:task"}, "g:1": {}}

    def run(self, request: dict[str, Any]) -> Any:
        if request.get("taskDefinition") != DEFINITION:
            return 400, {}, json.dumps({"__type": "ClientException"}).encode()
        task = {"taskArn": f"task-{len(self.tasks)}", "taskDefinitionArn": DEFINITION, "lastStatus": "RUNNING"}
        self.tasks[task["taskArn"]] = task
        return 200, {}, json.dumps({"tasks": [task]}).encode()

    def describe(self, request: dict[str, Any]) -> Any:
        found = [self.tasks[name] for name in request["tasks"] if name in self.tasks]
        return 200, {}, json.dumps({"tasks": found, "failures": []}).encode()

    def get_account_id(self) -> str:
        return self.account

    def get_region(self) -> str:
        return "eu-central-1"

    def _resolve_cluster_name(self, name: str) -> str:
        return name

    def _resolve_task(self, name: str, cluster: str) -> dict[str, Any] | None:
        return self.tasks.get(name)

    def _resolve_td_key(self, definition: str) -> str:
        return definition.rpartition("/")[2]

    def _mark_task_stopped(self, arn: str, task: dict[str, Any], reason: str, code: str, exit_code: int) -> None:
        task |= {"lastStatus": "STOPPED", "stoppedReason": reason, "stopCode": code, "exitCode": exit_code}


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = Engine()
    tasks = Tasks(tmp_path, lambda: made.now)
    ecs_tasks.register(made, tasks)
    return SimpleNamespace(
        made=made, tasks=tasks, run=made._ACTION_MAP["RunTask"], describe=made._ACTION_MAP["DescribeTasks"]
    )


def started(answer: Any) -> str:
    status, _, body = answer
    assert status == 200
    return str(json.loads(body)["tasks"][0]["taskArn"])


def asked(**more: str) -> dict[str, str]:
    return {"taskDefinition": DEFINITION, "cluster": "c", "clientToken": "t", **more}


def test_a_token_starts_one_task_and_another_request_with_it_is_refused(engine: Any) -> None:
    first = started(engine.run(asked(startedBy="a")))

    assert started(engine.run(asked(startedBy="a"))) == first
    status, _, body = engine.run(asked(startedBy="b"))
    assert (status, json.loads(body)["__type"], json.loads(body)["resourceIds"]) == (400, "ConflictException", [first])
    assert len(engine.made.tasks) == 1


def test_another_token_cluster_or_account_starts_another_task(engine: Any) -> None:
    names = [started(engine.run(request)) for request in (asked(), asked(clientToken="u"), asked(cluster="d"))]
    engine.made.account = "2"
    names.append(started(engine.run(asked())))

    assert len(set(names)) == 4


def test_a_request_without_a_token_and_one_that_failed_may_be_repeated(engine: Any) -> None:
    without = {"taskDefinition": DEFINITION}
    assert started(engine.run(without)) != started(engine.run(without))
    assert engine.run(asked(taskDefinition="other"))[0] == 400
    assert started(engine.run(asked()))


def test_a_task_stops_with_the_exit_code_of_its_command(engine: Any) -> None:
    task = started(engine.run(asked()))
    assert engine.tasks.running() == [(task, DEFINITION)]
    assert engine.tasks.exit_code(task) is None
    assert "exitCode" not in json.loads(engine.describe({"tasks": [task]})[2])["tasks"][0]

    engine.tasks.end(task, 3)

    described = json.loads(engine.describe({"cluster": "c", "tasks": [task, "unknown"]})[2])["tasks"]
    assert [(each["lastStatus"], each["exitCode"], each["stopCode"]) for each in described] == [
        ("STOPPED", 3, "EssentialContainerExited")
    ]
    assert engine.tasks.running() == []


def test_a_task_is_forgotten_an_hour_after_its_end_and_its_token_with_it(engine: Any) -> None:
    task = started(engine.run(asked()))
    other = started(engine.run(asked(clientToken="u")))
    engine.made.now = 7200.0
    engine.tasks.end(task, 0)
    engine.made.now += 3600.0
    assert started(engine.run(asked())) == task

    engine.made.now += 1.0
    described = json.loads(engine.describe({"cluster": "c", "tasks": [task, other]})[2])
    assert [each["taskArn"] for each in described["tasks"]] == [other]
    assert described["failures"] == [{"arn": task, "reason": "MISSING"}]
    assert started(engine.run(asked())) not in (task, other)


def test_a_token_is_kept_for_a_day_while_its_task_runs(engine: Any) -> None:
    task = started(engine.run(asked()))
    engine.made.now = 86399.0
    assert started(engine.run(asked())) == task

    engine.made.now += 1.0
    assert started(engine.run(asked())) != task


def test_the_roles_that_a_task_gets_are_those_of_its_definition(engine: Any) -> None:
    assert ecs_tasks.passed_roles(engine.made, DEFINITION) == ["arn:execution", "arn:task"]
    assert ecs_tasks.passed_roles(engine.made, "g:1") == []
    assert ecs_tasks.passed_roles(engine.made, "unknown:1") == []


def test_a_task_definition_is_described_with_the_names_of_ecs() -> None:
    def to_camel(value: Any) -> Any:
        return [{key[0].lower() + key[1:]: text for key, text in each.items()} for each in value]

    provisioners = SimpleNamespace(
        _pascal_to_camel=to_camel,
        _normalize_container_defs=lambda definitions: [{"name": each["Name"], **each["More"]} for each in definitions],
    )
    ecs_tasks.name_settings_as_ecs_does(provisioners)

    described = provisioners._normalize_container_defs(
        [{"Name": "app", "More": {"secrets": [{"Name": "TOKEN", "ValueFrom": "arn"}], "labels": {"Team": "x"}}}]
    )
    assert described == [{"name": "app", "secrets": [{"name": "TOKEN", "valueFrom": "arn"}], "labels": {"Team": "x"}}]
