"""CodePipeline's calls are checked with the API's model, and each job has only one result."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.session
import pytest

from cicd_templates.local.codepipeline import (
    ActionExecutions,
    JobResults,
    PipelineExecutions,
    check_request,
    register,
    service,
)

ACCOUNT = "111111111111"
JOB = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def answers(tmp_path: Path) -> JobResults:
    return JobResults(tmp_path)


def runs(folder: Path, account: str = ACCOUNT, events: tuple[dict[str, Any], ...] = ()) -> PipelineExecutions:
    """Return the executions in `folder` for a request of `account`, which has the pipeline p."""
    return PipelineExecutions(
        folder,
        lambda: account,
        lambda owner: {"p"} if owner == ACCOUNT else set(),
        lambda owner: [event for event in events if event["account"] == owner],
    )


def ask(answers: JobResults, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    handle = service(answers, ActionExecutions(answers.folder), runs(answers.folder), check_request)
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
    run = ask(answers, "StartPipelineExecution", {"name": "p"})[1]["pipelineExecutionId"]
    request = {"pipelineName": "p", "filter": {"pipelineExecutionId": run}, "maxResults": 1}
    assert ask(answers, "ListActionExecutions", request) == (200, {"actionExecutionDetails": []})
    executions.put("p", detail("Bandit", 1.0, execution=run, status="InProgress", run="1"))
    executions.put("p", detail("Bandit", 1.0, execution=run, run="1"))
    executions.put("p", detail("Snyk", 2.0, execution=run))
    executions.put("p", detail("Snyk", 3.0, execution="e-2"))
    executions.put("q", detail("Snyk", 4.0))

    status, first = ask(answers, "ListActionExecutions", request)
    assert (status, first) == (200, {"actionExecutionDetails": [detail("Snyk", 2.0, execution=run)], "nextToken": "1"})
    _, second = ask(answers, "ListActionExecutions", {**request, "nextToken": first["nextToken"]})
    assert second == {"actionExecutionDetails": [detail("Bandit", 1.0, execution=run, run="1")]}
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

    register(app, router, actions, answers, ActionExecutions(answers.folder), runs(answers.folder))
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
    run = ask(answers, "StartPipelineExecution", {"name": "p"})[1]["pipelineExecutionId"]
    request = {"pipelineName": "p", "pipelineExecutionId": run}

    status, answer = ask(answers, "GetPipelineExecution", request)
    assert (status, answer["pipelineExecution"]["executionType"]) == (200, "STANDARD")
    assert answer["pipelineExecution"]["pipelineExecutionId"] == run


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("StartPipelineExecution", "name"),
        ("GetPipelineState", "name"),
        ("ListPipelineExecutions", "pipelineName"),
        ("ListActionExecutions", "pipelineName"),
        ("GetPipelineExecution", "pipelineName"),
    ],
)
def test_a_pipeline_that_does_not_exist_is_refused(answers: JobResults, operation: str, member: str) -> None:
    more = {"pipelineExecutionId": JOB} if operation == "GetPipelineExecution" else {}
    status, error = ask(answers, operation, {member: "q", **more})

    assert (status, error["__type"]) == (400, "PipelineNotFoundException")
    assert "PipelineNotFoundException" in errors_of(operation)


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("GetPipelineExecution", {"pipelineExecutionId": JOB}),
        ("ListActionExecutions", {"filter": {"pipelineExecutionId": JOB}}),
    ],
)
def test_an_execution_that_does_not_exist_is_refused(
    answers: JobResults, operation: str, named: dict[str, Any]
) -> None:
    status, error = ask(answers, operation, {"pipelineName": "p", **named})

    assert (status, error["__type"]) == (400, "PipelineExecutionNotFoundException")
    assert "PipelineExecutionNotFoundException" in errors_of(operation)


def errors_of(operation: str) -> list[str]:
    """Return the errors that the model of the API has for an operation."""
    model = botocore.session.get_session().get_service_model("codepipeline")
    return [shape.name for shape in model.operation_model(operation).error_shapes]


def request_of(version: str, pipeline: str = "p") -> dict[str, Any]:
    revision = {"actionName": "App", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": version}
    return {"name": pipeline, "sourceRevisions": [revision]}


def event(version: str, time: float, **other: Any) -> dict[str, Any]:
    return {"account": ACCOUNT, "request": request_of(version), "execution": f"e-{version}", "time": time, **other}


def test_runs_are_those_that_events_and_calls_started_the_newest_first(tmp_path: Path) -> None:
    events = (event("v1", 1.0), event("v2", 2.0), event("v3", 3.0, account="222222222222"))
    others = (event("v4", 4.0, request=request_of("v4", "another")),)
    listed = runs(tmp_path, events=(*events, *others)).of("p")

    assert listed == [
        {
            "pipelineExecutionId": f"e-{version}",
            "status": "InProgress",
            "executionType": "STANDARD",
            "startTime": time,
            "lastUpdateTime": time,
            "sourceRevisions": [{"actionName": "App", "revisionId": version}],
            "trigger": {"triggerType": "CloudWatchEvent"},
        }
        for version, time in (("v2", 2.0), ("v1", 1.0))
    ]


def test_a_call_that_repeats_an_event_once_is_the_run_of_that_event(tmp_path: Path) -> None:
    kept = runs(tmp_path, events=(event("v1", 1.0),))

    started = [kept.start(request_of("v1")), kept.start(request_of("v1")), kept.start({"name": "p"})]
    assert started[0] == "e-v1"
    assert len(set(started)) == 3
    assert [(run["pipelineExecutionId"], run["trigger"]["triggerType"]) for run in kept.of("p")] == [
        (started[2], "StartPipelineExecution"),
        (started[1], "StartPipelineExecution"),
        (started[0], "CloudWatchEvent"),
    ]
    assert kept.of("p")[0]["sourceRevisions"] == []
    assert runs(tmp_path, account="222222222222").of("p") == []


def test_runs_are_listed_in_pages(answers: JobResults) -> None:
    first, second = (ask(answers, "StartPipelineExecution", {"name": "p"})[1] for _ in range(2))

    status, page = ask(answers, "ListPipelineExecutions", {"pipelineName": "p", "maxResults": 1})
    assert (status, page["nextToken"]) == (200, "1")
    _, rest = ask(answers, "ListPipelineExecutions", {"pipelineName": "p", "nextToken": "1"})
    ids = [
        run["pipelineExecutionId"] for run in (*page["pipelineExecutionSummaries"], *rest["pipelineExecutionSummaries"])
    ]
    assert ids == [second["pipelineExecutionId"], first["pipelineExecutionId"]]


def test_the_answer_has_the_members_of_the_model(tmp_path: Path) -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    output: Any = model.operation_model("ListPipelineExecutions").output_shape
    summary = output.members["pipelineExecutionSummaries"].member
    (listed,) = runs(tmp_path, events=(event("v1", 1.0),)).of("p")

    assert {*listed} <= {*summary.members}
    assert {*listed["sourceRevisions"][0]} <= {*summary.members["sourceRevisions"].member.members}
    assert listed["trigger"]["triggerType"] in summary.members["trigger"].members["triggerType"].enum
