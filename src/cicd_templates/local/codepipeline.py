"""Adds to the engine the CodePipeline operations that pipeline runs need.

The operations start, list and describe runs, report the results of jobs, and list the executions of actions. The engine
checks the permissions of a request with IAM. Then this module validates the request against botocore's model of the
API.

A rehearsal runs the actions of a pipeline. The rehearsal and this module exchange data in two files:

- `ANSWERS_FILE`: this module writes the job results, and the rehearsal reads them.
- `EXECUTIONS_FILE`: the rehearsal writes the executions of actions, and this module lists them.

This module runs inside the interpreter of the local AWS, which has botocore.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from types import ModuleType
from typing import Any

ANSWERS_FILE = "answers.jsonl"
EXECUTIONS_FILE = "action-executions.jsonl"
RUNS_FILE = "pipeline-executions.jsonl"
TARGET_PREFIX = "CodePipeline_20150709"
START_OPERATION = "StartPipelineExecution"
LIST_OPERATION, RUNS_OPERATION = "ListActionExecutions", "ListPipelineExecutions"
STATE_OPERATION, EXECUTION_OPERATION = "GetPipelineState", "GetPipelineExecution"
# The largest number of items in one answer of AWS, which is also the default.
PAGE_SIZE = 100
RESULT_OPERATIONS = ("PutJobSuccessResult", "PutJobFailureResult")

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]
RequestCheck = Callable[[str, dict[str, Any]], str]


class JobResults:
    """Stores the results of jobs in a file, one result per line. Any process can read the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / ANSWERS_FILE

    def put(self, operation: str, request: dict[str, Any]) -> None:
        """Store how a job ended: the name of the API operation that reported the result, and its parameters."""
        with self._file.open("a") as file:
            file.write(json.dumps([operation, request]) + "\n")

    def of(self, job: str) -> tuple[str, dict[str, Any]] | None:
        """Return the operation and the request of the API call that reported the result of `job`.

        Return None if no call has reported a result.
        """
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                operation, request = json.loads(line)
                if request["jobId"] == job:
                    return operation, request
        return None


class ActionExecutions:
    """Stores the executions of actions in a file, one execution per line. Any process can read the file.

    If several lines are about the same execution, the last line is used.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / EXECUTIONS_FILE

    def put(self, pipeline: str, detail: dict[str, Any]) -> None:
        """Store the present state of an action's execution. `detail` has the format of ListActionExecutions."""
        with self._file.open("a") as file:
            file.write(json.dumps([pipeline, detail]) + "\n")

    def of(self, pipeline: str, execution: str | None) -> list[dict[str, Any]]:
        """Return the executions of a pipeline's actions, newest first.

        If `execution`, the id of a pipeline execution, is given, return only the actions of this execution.
        """
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        details = {
            detail["actionExecutionId"]: detail
            for name, detail in map(json.loads, lines)
            if name == pipeline and execution in (None, detail["pipelineExecutionId"])
        }
        return sorted(details.values(), key=lambda detail: -float(detail["startTime"]))


class PipelineExecutions:
    """Stores the pipeline executions that callers of the API have started.

    The executions are in one file, one per line. Any process can read the file.

    - `account` returns the account of the current request.
    - `pipelines` returns the names of the pipelines in an account.
    - `events` returns the executions that events have started in an account.
    """

    def __init__(
        self,
        folder: Path,
        account: Callable[[], str],
        pipelines: Callable[[str], Collection[str]],
        events: Callable[[str], list[dict[str, Any]]],
    ) -> None:
        self._file = folder / RUNS_FILE
        self._account, self._pipelines, self._events = account, pipelines, events

    def exists(self, pipeline: str) -> bool:
        """Return whether the account of the current request has the pipeline."""
        return pipeline in self._pipelines(self._account())

    def start(self, request: dict[str, Any]) -> str:
        """Start an execution and return its id.

        After an event rule has started an execution, a rehearsal sends the same request again, to check the permissions
        of the rule's role. For this second request, start nothing, and return the id of the existing execution.
        """
        known = {run["execution"] for run in self._called()}
        repeated = [
            event["execution"]
            for event in self._events(self._account())
            if event["request"] == request and event["execution"] not in known
        ]
        run = {
            "account": self._account(),
            "request": request,
            "execution": [*repeated, str(uuid.uuid4())][0],
            "time": time.time(),
            "trigger": "CloudWatchEvent" if repeated else "StartPipelineExecution",
        }
        with self._file.open("a") as file:
            file.write(json.dumps(run) + "\n")
        return str(run["execution"])

    def of(self, pipeline: str) -> list[dict[str, Any]]:
        """Return summaries of the pipeline's executions, newest first, in the format of ListPipelineExecutions.

        The status is always InProgress. The local AWS records that an execution has started, but it runs no actions, so
        it never finishes the execution.
        """
        called = self._called()
        known = {run["execution"] for run in called}
        events = [event for event in self._events(self._account()) if event["execution"] not in known]
        runs = [*called, *({**event, "trigger": "CloudWatchEvent"} for event in events)]
        return [
            _summary(run)
            for run in sorted(runs, key=lambda run: run["time"])[::-1]
            if run["request"]["name"] == pipeline
        ]

    def _called(self) -> list[dict[str, Any]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [run for run in map(json.loads, lines) if run["account"] == self._account()]


def _summary(run: dict[str, Any]) -> dict[str, Any]:
    return {
        **_release(run["execution"]),
        "startTime": run["time"],
        "lastUpdateTime": run["time"],
        "sourceRevisions": [
            {"actionName": revision["actionName"], "revisionId": revision["revisionValue"]}
            for revision in run["request"].get("sourceRevisions", ())
        ],
        "trigger": {"triggerType": run["trigger"]},
    }


def check_request(operation: str, request: dict[str, Any]) -> str:
    """Validate a request against botocore's model of the API. Return the errors, or an empty string."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("codepipeline")
    shape: Any = model.operation_model(operation).input_shape
    return str(ParamValidator().validate(request, shape).generate_report())


def service(
    answers: JobResults, executions: ActionExecutions, runs: PipelineExecutions, check: RequestCheck
) -> Handler:
    """Return the engine's handler for requests to CodePipeline."""

    def list_actions(request: dict[str, Any]) -> dict[str, Any]:
        listed = executions.of(request["pipelineName"], request.get("filter", {}).get("pipelineExecutionId"))
        return _page("actionExecutionDetails", listed, request)

    operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        START_OPERATION: lambda request: {"pipelineExecutionId": runs.start(request)},
        LIST_OPERATION: list_actions,
        RUNS_OPERATION: lambda request: _page("pipelineExecutionSummaries", runs.of(request["pipelineName"]), request),
        STATE_OPERATION: lambda request: _state(executions, request["name"]),
        EXECUTION_OPERATION: lambda request: {"pipelineExecution": _release(request["pipelineExecutionId"])},
    }

    async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in (*operations, *RESULT_OPERATIONS):
            return _refuse("UnknownOperationException", f"not supported: {operation}")
        request = json.loads(body)
        if wrong := check(operation, request):
            return _refuse("ValidationException", wrong)
        if operation in operations and (unknown := _unknown(runs, request)):
            return _refuse(*unknown)
        if operation in operations:
            return _answer(200, operations[operation](request))
        if answers.of(request["jobId"]):
            return _refuse("InvalidJobStateException", "the job already has a result")
        answers.put(operation, request)
        return _answer(200, {})

    return handle


def _unknown(runs: PipelineExecutions, request: dict[str, Any]) -> tuple[str, str] | None:
    """Return an error if a request has an unknown pipeline or pipeline execution, otherwise None."""
    pipeline = request.get("pipelineName") or request["name"]
    if not runs.exists(pipeline):
        return "PipelineNotFoundException", f"there is no pipeline {pipeline}"
    execution = request.get("pipelineExecutionId") or request.get("filter", {}).get("pipelineExecutionId")
    if execution and execution not in {run["pipelineExecutionId"] for run in runs.of(pipeline)}:
        return "PipelineExecutionNotFoundException", f"{pipeline} has no execution {execution}"
    return None


def _page(member: str, listed: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    begin, size = int(request.get("nextToken", 0)), request.get("maxResults", PAGE_SIZE)
    more = {"nextToken": str(begin + size)} if listed[begin + size :] else {}
    return {member: listed[begin : begin + size], **more}


def _state(executions: ActionExecutions, pipeline: str) -> dict[str, Any]:
    """Return the stages in which at least one action has run, each with its latest execution.

    Every execution has the type `STANDARD`, because the local AWS never rolls a stage back.
    """
    stages: dict[str, dict[str, Any]] = {}
    for detail in reversed(executions.of(pipeline, None)):
        name = detail["stageName"]
        latest = {"pipelineExecutionId": detail["pipelineExecutionId"], "status": detail["status"], "type": "STANDARD"}
        stages[name] = {"stageName": name, "latestExecution": latest}
    return {"pipelineName": pipeline, "stageStates": list(stages.values())}


def _release(execution: str) -> dict[str, Any]:
    return {"pipelineExecutionId": execution, "status": "InProgress", "executionType": "STANDARD"}


def _refuse(code: str, message: str) -> Response:
    return _answer(400, {"__type": code, "message": message})


def _answer(status: int, content: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def register(
    app: ModuleType,
    router: ModuleType,
    actions: ModuleType,
    answers: JobResults,
    executions: ActionExecutions,
    runs: PipelineExecutions,
) -> None:
    """Make the engine answer requests to CodePipeline. The engine first checks the permissions of the caller."""
    router.SERVICE_PATTERNS["codepipeline"] = {
        "target_prefixes": [TARGET_PREFIX],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": "codepipeline",
    }
    actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    app.SERVICE_HANDLERS["codepipeline"] = service(answers, executions, runs, check_request)
