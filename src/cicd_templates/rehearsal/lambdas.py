"""Lambda actions: invoke the deployed function. It reports the job's result to the local AWS as it would to AWS.

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

LOG_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def execute(run: PipelineRun, action: Action, step: ActionProgress) -> dict[str, str]:
    """Invoke the function with the action's role, and return the variables of its result.

    Raises `ActionFailedError` if the function reports a failure or no result.
    """
    configuration = run.resolve_configuration(action)
    session = run.action_session(action, step)
    function = _get_function(run, configuration["FunctionName"], step)
    job = str(uuid.uuid4())
    answer = session.client("lambda").invoke(
        FunctionName=configuration["FunctionName"],
        Payload=json.dumps(_job_event(run, action, configuration, session, job)).encode(),
        LogType="Tail",
    )
    step.log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    group = function.get("LoggingConfig", {}).get("LogGroup", "")
    if group:
        arn = f"arn:aws:logs:{run.setup.region}:{run.setup.account}:log-group:{group}:log-stream:rehearsal"
        run.setup.require_allowed(function["Role"], LOG_ACTIONS, arn)
    result = run.setup.answers.of(job)
    if result is None:
        payload = answer["Payload"].read().decode() if answer.get("FunctionError") else "it returned without answering"
        raise ActionFailedError(f"{configuration['FunctionName']} did not report the job's result: {payload}", step.log)
    operation, request = result
    if operation != RESULT_OPERATIONS[0]:
        raise ActionFailedError(request["failureDetails"]["message"])
    variables: dict[str, str] = request.get("outputVariables", {})
    return variables


def _get_function(run: PipelineRun, name: str, step: ActionProgress) -> dict[str, Any]:
    """Return the function's configuration, which is read as the root of the account.

    Add the function's role to the roles of `step`.
    """
    found: dict[str, Any] = run.setup.root_session(run.pipeline.role).client("lambda").get_function_configuration(
        FunctionName=name
    )  # fmt: skip
    step.roles.add(found["Role"].rpartition("/")[2])
    return found


def _job_event(
    run: PipelineRun, action: Action, configuration: dict[str, str], session: Session, job: str
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
    return {"CodePipeline.job": {"id": job, "accountId": run.setup.account, "data": data}}
