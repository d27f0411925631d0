"""Executes Lambda actions: invokes the deployed function, which reports the job's result to the local AWS.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from cicd_templates.local.codepipeline import RESULT_OPERATIONS
from cicd_templates.rehearsal.pipeline_definition import Action
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, PipelineRun
from cicd_templates.rehearsal.result import ActionProgress
from cicd_templates.rehearsal.sessions import Session
from cicd_templates.rehearsal.task_process import run_started_tasks

# A function that waits for a task requests another invocation. A rehearsed task has ended before the next invocation.
MOST_INVOCATIONS = 5
LOG_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Invoke the function with the action's role, and return the variables of its result.

    If the function needs a database that cannot run on this machine, do not invoke it. Raises `ActionFailedError` if
    the function reports a failure or no result.
    """
    configuration = run.resolve_configuration(action)
    session = run.action_session(action, step)
    function = _get_function(run, configuration["FunctionName"], step)
    if not run.setup.start_databases(run, step, configuration.get("UserParameters", "")):
        return {}
    token = ""
    for _ in range(MOST_INVOCATIONS):
        result = _invoke(run, action, configuration, session, function, step, token)
        if "continuationToken" not in result:
            variables: dict[str, str] = result.get("outputVariables", {})
            return variables
        token = result["continuationToken"]
        # The function waits for a task that it has started.
        run_started_tasks(run, step)
    raise ActionFailedError(
        f"{configuration['FunctionName']} still has no result after {MOST_INVOCATIONS} invocations", step.log
    )


def _invoke(
    run: PipelineRun,
    action: Action,
    configuration: dict[str, str],
    session: Session,
    function: dict[str, Any],
    step: ActionProgress,
    token: str,
) -> dict[str, Any]:
    """Invoke the function once. Return the request PutJobSuccessResult that the function sent.

    `token` is the continuation token of the previous invocation, or empty.
    """
    job = str(uuid.uuid4())
    answer = session.client("lambda").invoke(
        FunctionName=configuration["FunctionName"],
        Payload=json.dumps(_job_event(run, action, configuration, session, job, token)).encode(),
        LogType="Tail",
    )
    step.log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    require_log_access(run, function)
    result = run.setup.job_results.of(job)
    if result is None:
        payload = answer["Payload"].read().decode() if answer.get("FunctionError") else "it reported nothing"
        raise ActionFailedError(f"{configuration['FunctionName']} did not report the job's result: {payload}", step.log)
    operation, request = result
    if operation != RESULT_OPERATIONS[0]:
        raise ActionFailedError(request["failureDetails"]["message"])
    return request


def require_log_access(run: PipelineRun, function: dict[str, Any]) -> None:
    """Raise `ActionFailedError` if a function's role does not allow Lambda to write the function's log."""
    if group := function.get("LoggingConfig", {}).get("LogGroup", ""):
        region, account = function["FunctionArn"].split(":")[3:5]
        arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:rehearsal"
        run.setup.require_allowed(function["Role"], LOG_ACTIONS, arn)


def _get_function(run: PipelineRun, name: str, step: ActionProgress) -> dict[str, Any]:
    """Return the function's configuration, and add the function's role to the roles of `step`."""
    # The root user asks for the configuration, so that no role needs a permission that only rehearsals use.
    found: dict[str, Any] = run.setup.root_session(run.pipeline.role).client("lambda").get_function_configuration(
        FunctionName=name
    )  # fmt: skip
    step.roles.add(found["Role"].rpartition("/")[2])
    return found


def _job_event(
    run: PipelineRun, action: Action, configuration: dict[str, str], session: Session, job: str, token: str
) -> dict[str, Any]:
    """Return the event of a job: https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html"""
    keys = session.keys
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [run.artifacts[name].location for name in action.inputs],
        "outputArtifacts": [],
        "artifactCredentials": {
            "accessKeyId": keys.access,
            "secretAccessKey": keys.secret,
            "sessionToken": keys.token,
        },
        "encryptionKey": {"id": run.pipeline.key, "type": "KMS"},
    }
    if token:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": job, "accountId": run.setup.account, "data": data}}
