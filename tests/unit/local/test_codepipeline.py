"""CodePipeline's calls are checked with the API's model, and each job has only one result."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.codepipeline import ActionExecutions, JobResults, check_request, register, service

JOB = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def answers(tmp_path: Path) -> JobResults:
    return JobResults(tmp_path)


def ask(answers: JobResults, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    handle = service(answers, ActionExecutions(answers.folder), check_request)
    headers = {"x-amz-target": f"CodePipeline_20150709.{operation}"}

    async def call() -> Any:
        return await handle("POST", "/", headers, json.dumps(request).encode(), {})

    status, _, body = asyncio.run(call())
    return status, json.loads(body)


def test_a_result_is_kept_once(answers: JobResults) -> None:
    request = {"jobId": JOB, "outputVariables": {"Verdict": "PASS"}}

    assert answers.of(JOB) is None
    assert ask(answers, "PutJobSuccessResult", request) == (200, {})
    assert answers.of(JOB) == ("PutJobSuccessResult", request)
    assert answers.of("another") is None
    status, error = ask(answers, "PutJobSuccessResult", request)
    assert (status, error["__type"]) == (400, "InvalidJobStateException")


def test_a_start_has_an_execution(answers: JobResults) -> None:
    status, answer = ask(answers, "StartPipelineExecution", {"name": "p"})

    assert status == 200
    assert len(answer["pipelineExecutionId"]) == 36


def detail(action: str, start: float, *, execution: str = "e-1", status: str = "Succeeded", run: str = "") -> Any:
    return {
        "pipelineExecutionId": execution,
        "actionExecutionId": run or f"{action}-{start}",
        "stageName": "Verify",
        "actionName": action,
        "startTime": start,
        "status": status,
    }


def test_the_executions_of_actions_are_listed_by_run_the_newest_first_in_pages(answers: JobResults) -> None:
    executions = ActionExecutions(answers.folder)
    request = {"pipelineName": "p", "filter": {"pipelineExecutionId": "e-1"}, "maxResults": 1}
    assert ask(answers, "ListActionExecutions", request) == (200, {"actionExecutionDetails": []})
    executions.put("p", detail("Bandit", 1.0, status="InProgress", run="1"))
    executions.put("p", detail("Bandit", 1.0, run="1"))
    executions.put("p", detail("Snyk", 2.0))
    executions.put("p", detail("Snyk", 3.0, execution="e-2"))
    executions.put("q", detail("Snyk", 4.0))

    status, first = ask(answers, "ListActionExecutions", request)
    assert (status, first) == (200, {"actionExecutionDetails": [detail("Snyk", 2.0)], "nextToken": "1"})
    _, second = ask(answers, "ListActionExecutions", {**request, "nextToken": first["nextToken"]})
    assert second == {"actionExecutionDetails": [detail("Bandit", 1.0, run="1")]}
    _, all_runs = ask(answers, "ListActionExecutions", {"pipelineName": "p"})
    assert [each["startTime"] for each in all_runs["actionExecutionDetails"]] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("PutJobFailureResult", {"jobId": JOB}, "ValidationException", 'Missing required parameter in input: "failure'),
        ("PutJobSuccessResult", {"jobId": 1}, "ValidationException", "Invalid type for parameter jobId"),
        ("ListPipelines", {}, "UnknownOperationException", "not supported: ListPipelines"),
    ],
)
def test_a_wrong_request_is_refused(
    answers: JobResults, operation: str, request_: dict[str, Any], code: str, message: str
) -> None:
    status, error = ask(answers, operation, request_)

    assert (status, error["__type"]) == (400, code)
    assert message in error["message"]


def test_the_service_stands_in_the_engines_tables(answers: JobResults) -> None:
    app, router, actions = ModuleType("app"), ModuleType("router"), ModuleType("actions")
    app.SERVICE_HANDLERS, router.SERVICE_PATTERNS = {}, {}  # type: ignore[attr-defined]
    actions.SERVICE_TO_IAM_NAMESPACE = {}  # type: ignore[attr-defined]

    register(app, router, actions, answers, ActionExecutions(answers.folder))
    assert callable(app.SERVICE_HANDLERS["codepipeline"])
    assert router.SERVICE_PATTERNS["codepipeline"]["target_prefixes"] == ["CodePipeline_20150709"]
    assert actions.SERVICE_TO_IAM_NAMESPACE == {"codepipeline": "codepipeline"}


def test_a_stage_is_in_the_run_and_state_of_its_newest_action(answers: JobResults) -> None:
    executions = ActionExecutions(answers.folder)
    for listed in (
        detail("A", 1.0),
        detail("B", 2.0, status="InProgress"),
        detail("A", 0.5, execution="e-0", run="old"),
    ):
        executions.put("p", listed)
    executions.put("other", detail("C", 3.0))

    status, state = ask(answers, "GetPipelineState", {"name": "p"})
    latest = {"pipelineExecutionId": "e-1", "status": "InProgress", "type": "STANDARD"}
    assert (status, state["stageStates"]) == (200, [{"stageName": "Verify", "latestExecution": latest}])


def test_every_run_is_a_release(answers: JobResults) -> None:
    request = {"pipelineName": "p", "pipelineExecutionId": JOB}

    status, answer = ask(answers, "GetPipelineExecution", request)
    assert (status, answer["pipelineExecution"]["executionType"]) == (200, "STANDARD")
    assert answer["pipelineExecution"]["pipelineExecutionId"] == JOB
