"""Lambda actions: the function as deployed is called, and answers the job as it would in AWS.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from cicd_templates.local.codepipeline import RESULTS
from cicd_templates.rehearsal.context import ActionFailedError, Run
from cicd_templates.rehearsal.definition import Action
from cicd_templates.rehearsal.result import Step
from cicd_templates.rehearsal.sessions import Session

LOG_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def act(run: Run, action: Action, step: Step) -> dict[str, str]:
    """Call the function as the action's role; the variables of its answer, `ActionFailedError` for a refusal."""
    configuration = run.configured(action)
    session = run.act(action, step)
    function = _function(run, configuration["FunctionName"], step)
    job = str(uuid.uuid4())
    answer = session.client("lambda").invoke(
        FunctionName=configuration["FunctionName"],
        Payload=json.dumps(_event(run, action, configuration, session, job)).encode(),
        LogType="Tail",
    )
    step.log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    group = function.get("LoggingConfig", {}).get("LogGroup", "")
    if group:
        arn = f"arn:aws:logs:{run.place.region}:{run.place.account}:log-group:{group}:log-stream:rehearsal"
        run.place.require(function["Role"], LOG_ACTIONS, arn)
    result = run.place.answers.of(job)
    if result is None:
        told = answer["Payload"].read().decode() if answer.get("FunctionError") else "it ended without an answer"
        raise ActionFailedError(f"{configuration['FunctionName']} did not answer its job: {told}", step.log)
    operation, request = result
    if operation != RESULTS[0]:
        raise ActionFailedError(request["failureDetails"]["message"])
    variables: dict[str, str] = request.get("outputVariables", {})
    return variables


def _function(run: Run, name: str, step: Step) -> dict[str, Any]:
    """The function's settings, looked at by the account itself, and its role among those of the action."""
    found: dict[str, Any] = run.place.root(run.pipeline.role).client("lambda").get_function_configuration(
        FunctionName=name
    )  # fmt: skip
    step.roles.add(found["Role"].rpartition("/")[2])
    return found


def _event(run: Run, action: Action, configuration: dict[str, str], session: Session, job: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html"""
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
    return {"CodePipeline.job": {"id": job, "accountId": run.place.account, "data": data}}
