"""CodePipeline's calls: checked against the model of the API, and one result a job."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cicd_templates.local.codepipeline import Answers, check_request, register, service

JOB = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    return Answers(tmp_path)


def ask(answers: Answers, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    handle = service(answers, check_request)
    headers = {"x-amz-target": f"CodePipeline_20150709.{operation}"}

    async def call() -> Any:
        return await handle("POST", "/", headers, json.dumps(request).encode(), {})

    status, _, body = asyncio.run(call())
    return status, json.loads(body)


def test_a_result_is_kept_once(answers: Answers) -> None:
    request = {"jobId": JOB, "outputVariables": {"Verdict": "PASS"}}

    assert answers.of(JOB) is None
    assert ask(answers, "PutJobSuccessResult", request) == (200, {})
    assert answers.of(JOB) == ("PutJobSuccessResult", request)
    assert answers.of("another") is None
    status, error = ask(answers, "PutJobSuccessResult", request)
    assert (status, error["__type"]) == (400, "InvalidJobStateException")


def test_a_start_has_an_execution(answers: Answers) -> None:
    status, answer = ask(answers, "StartPipelineExecution", {"name": "p"})

    assert status == 200
    assert len(answer["pipelineExecutionId"]) == 36


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("PutJobFailureResult", {"jobId": JOB}, "ValidationException", 'Missing required parameter in input: "failure'),
        ("PutJobSuccessResult", {"jobId": 1}, "ValidationException", "Invalid type for parameter jobId"),
        ("ListPipelines", {}, "UnknownOperationException", "not supported: ListPipelines"),
    ],
)
def test_a_wrong_request_is_refused(
    answers: Answers, operation: str, request_: dict[str, Any], code: str, message: str
) -> None:
    status, error = ask(answers, operation, request_)

    assert (status, error["__type"]) == (400, code)
    assert message in error["message"]


def test_the_service_stands_in_the_engines_tables(answers: Answers) -> None:
    app, router, actions = ModuleType("app"), ModuleType("router"), ModuleType("actions")
    app.SERVICE_HANDLERS, router.SERVICE_PATTERNS = {}, {}  # type: ignore[attr-defined]
    actions.SERVICE_TO_IAM_NAMESPACE = {}  # type: ignore[attr-defined]

    register(app, router, actions, answers)
    assert callable(app.SERVICE_HANDLERS["codepipeline"])
    assert router.SERVICE_PATTERNS["codepipeline"]["target_prefixes"] == ["CodePipeline_20150709"]
    assert actions.SERVICE_TO_IAM_NAMESPACE == {"codepipeline": "codepipeline"}
