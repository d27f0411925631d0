"""Adds the CodePipeline operations that a run needs and the local AWS lacks.

These operations start a run, describe it, report the results of jobs, and list the executions of actions. The engine
checks the permissions of a request with IAM. Then this module validates the request against the API's model. No
pipeline is executed here. A rehearsal runs the actions: it reads the job results from a file, and writes the executions
of actions to a file, from which this module lists them. This module runs inside the engine's interpreter, which has
botocore.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ANSWERS_FILE = "answers.jsonl"
EXECUTIONS_FILE = "action-executions.jsonl"
TARGET_PREFIX = "CodePipeline_20150709"
START_OPERATION = "StartPipelineExecution"
LIST_OPERATION = "ListActionExecutions"
STATE_OPERATION, EXECUTION_OPERATION = "GetPipelineState", "GetPipelineExecution"
# The largest number of items in one answer of AWS, which is also the default.
PAGE_SIZE = 100
OPERATIONS = (START_OPERATION, LIST_OPERATION, STATE_OPERATION, EXECUTION_OPERATION)
RESULT_OPERATIONS = ("PutJobSuccessResult", "PutJobFailureResult")

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]
RequestCheck = Callable[[str, dict[str, Any]], str]


class JobResults:
    """The results of jobs, in a file with one result per line that any process can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / ANSWERS_FILE

    def put(self, operation: str, request: dict[str, Any]) -> None:
        """Append a job result."""
        with self._file.open("a") as file:
            file.write(json.dumps([operation, request]) + "\n")

    def of(self, job: str) -> tuple[str, dict[str, Any]] | None:
        """Return the API operation that reported the result of a job, and its request.

        Return None if there is no result yet.
        """
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                operation, request = json.loads(line)
                if request["jobId"] == job:
                    return operation, request
        return None


class ActionExecutions:
    """The executions of actions, in a file with one execution per line that any process can read.

    If several lines are about the same execution, the last line counts.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / EXECUTIONS_FILE

    def put(self, pipeline: str, detail: dict[str, Any]) -> None:
        """Add an execution of an action, or a newer state of it. `detail` has the format of ListActionExecutions."""
        with self._file.open("a") as file:
            file.write(json.dumps([pipeline, detail]) + "\n")

    def of(self, pipeline: str, execution: str | None) -> list[dict[str, Any]]:
        """Return the executions of a pipeline's actions, newest first. `execution` selects those of one run."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        details = {
            detail["actionExecutionId"]: detail
            for name, detail in map(json.loads, lines)
            if name == pipeline and execution in (None, detail["pipelineExecutionId"])
        }
        return sorted(details.values(), key=lambda detail: -float(detail["startTime"]))


def check_request(operation: str, request: dict[str, Any]) -> str:
    """Return the errors of a request, according to botocore's model of the API, or an empty string."""
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("codepipeline")
    shape: Any = model.operation_model(operation).input_shape
    return str(ParamValidator().validate(request, shape).generate_report())


def service(answers: JobResults, executions: ActionExecutions, check: RequestCheck) -> Handler:
    """Return the engine's handler for requests to CodePipeline."""

    async def handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: Any) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in (*OPERATIONS, *RESULT_OPERATIONS):
            return _answer(400, {"__type": "UnknownOperationException", "message": f"not supported: {operation}"})
        request = json.loads(body)
        if wrong := check(operation, request):
            return _answer(400, {"__type": "ValidationException", "message": wrong})
        if operation == START_OPERATION:
            return _answer(200, {"pipelineExecutionId": str(uuid.uuid4())})
        if operation == LIST_OPERATION:
            return _answer(200, _page(executions, request))
        if operation == STATE_OPERATION:
            return _answer(200, _state(executions, request["name"]))
        if operation == EXECUTION_OPERATION:
            return _answer(200, {"pipelineExecution": _release(request["pipelineExecutionId"])})
        if answers.of(request["jobId"]):
            return _answer(400, {"__type": "InvalidJobStateException", "message": "the job already has a result"})
        answers.put(operation, request)
        return _answer(200, {})

    return handle


def _page(executions: ActionExecutions, request: dict[str, Any]) -> dict[str, Any]:
    listed = executions.of(request["pipelineName"], request.get("filter", {}).get("pipelineExecutionId"))
    begin, size = int(request.get("nextToken", 0)), request.get("maxResults", PAGE_SIZE)
    more = {"nextToken": str(begin + size)} if listed[begin + size :] else {}
    return {"actionExecutionDetails": listed[begin : begin + size], **more}


def _state(executions: ActionExecutions, pipeline: str) -> dict[str, Any]:
    """Return the stages that a run has reached, each with its latest execution.

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


def _answer(status: int, content: dict[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def register(
    app: ModuleType, router: ModuleType, actions: ModuleType, answers: JobResults, executions: ActionExecutions
) -> None:
    """Add CodePipeline to the engine's router, to its table of handlers and to its table of IAM namespaces."""
    router.SERVICE_PATTERNS["codepipeline"] = {
        "target_prefixes": [TARGET_PREFIX],
        "host_patterns": [r"codepipeline\."],
        "credential_scope": "codepipeline",
    }
    actions.SERVICE_TO_IAM_NAMESPACE["codepipeline"] = "codepipeline"
    app.SERVICE_HANDLERS["codepipeline"] = service(answers, executions, check_request)
