"""Runs the stages of a pipeline: checks the locks, then runs the groups of parallel actions. Stops at the first
failure.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explain
from cicd_templates.errors import CicdError
from cicd_templates.local.iam_decisions import DENIED
from cicd_templates.rehearsal import approval, cloudformation, codebuild, connection_source, lambdas, s3_source
from cicd_templates.rehearsal.grants import role_name
from cicd_templates.rehearsal.pipeline_definition import Action, Stage
from cicd_templates.rehearsal.pipeline_run import ActionFailedError, ActionRunner, PipelineRun
from cicd_templates.rehearsal.pipeline_variables import is_open
from cicd_templates.rehearsal.result import ActionProgress, ActionState

ACTION_RUNNERS: Mapping[str, ActionRunner] = {
    "S3": s3_source.execute,
    connection_source.PROVIDER: connection_source.execute,
    "CodeBuild": codebuild.execute,
    "Lambda": lambdas.execute,
    "CloudFormation": cloudformation.execute,
    approval.PROVIDER: approval.execute,
}

ASSUME = "sts:AssumeRole"
ALARMS = "cloudwatch:DescribeAlarms"
SCAN = "ecr:DescribeImageScanFindings"

ProgressListener = Callable[[ActionProgress], None]


def run_stages(run: PipelineRun, steps: Mapping[str, ActionProgress], on_progress: ProgressListener) -> str:
    """Run the stages until an action fails or a lock stops the run.

    Return the reason if a lock stops the run. Return an empty string if an action fails or if all stages have run.
    `steps` maps the path of each action to its progress. `on_progress` is called when an action begins or ends.
    """
    run.variables["codepipeline"] = {"PipelineExecutionId": run.execution}
    for stage in run.pipeline.stages:
        if refusal := _closed_lock(run, stage):
            return refusal
        for group in stage.groups:
            with ThreadPoolExecutor(len(group)) as pool:
                list(pool.map(lambda action: run_action(run, action, steps[action.path], on_progress), group))
            if any(steps[action.path].state is ActionState.FAILED for action in group):
                return ""
    return ""


def _closed_lock(run: PipelineRun, stage: Stage) -> str:
    for lock in stage.locks:
        if not is_open(lock, run.variables):
            return f"{stage.name} is locked: {lock.name} requires {lock.variable} {lock.operator} {lock.value}"
    return ""


def run_action(run: PipelineRun, action: Action, step: ActionProgress, on_progress: ProgressListener) -> None:
    """Run one action. Record in `step` how the action ended and which calls IAM denied."""
    before = len(run.setup.calls.rows())
    step.began = time.monotonic()
    identifier, started = str(uuid.uuid4()), time.time()
    list_execution(run, action, identifier, started, "InProgress")
    on_progress(step)
    try:
        variables = ACTION_RUNNERS[action.provider](run, action, step)
    except (CicdError, ClientError, BotoCoreError) as error:
        step.state = ActionState.FAILED
        step.error = _error_text(error, _access_denied(run, step, before))
        step.log = getattr(error, "log", "") or step.log
    else:
        step.state = ActionState.SUCCEEDED
        if action.namespace:
            run.variables[action.namespace] = variables
    if any(row[1] == SCAN for row in _decisions(run, step, before)):
        step.note("the local registry does not scan images, so the scan's result is a placeholder without findings")
    if any(row[1] == ALARMS for row in _decisions(run, step, before)):
        step.note("the local AWS does not evaluate alarms, so their states do not show how the release behaves")
    list_execution(run, action, identifier, started, step.state.value.capitalize())
    step.seconds = time.monotonic() - step.began
    on_progress(step)


def list_execution(run: PipelineRun, action: Action, identifier: str, started: float, status: str) -> None:
    """Record the execution of an action, so that the local AWS can list it. If it succeeded, also record its outputs.

    `started` is in seconds since 1970, and `status` is a status of CodePipeline. A second call with the same
    `identifier` replaces the record of the first call.
    """
    detail = {
        "pipelineExecutionId": run.execution,
        "actionExecutionId": identifier,
        "stageName": action.stage,
        "actionName": action.name,
        "startTime": started,
        "lastUpdateTime": time.time(),
        "status": status,
    }
    if action.provider == approval.PROVIDER and status != "InProgress":
        # In AWS, this is the person who has answered.
        detail["updatedBy"] = f"arn:aws:iam::{run.setup.account}:root"
    if status == "Succeeded":
        detail["output"] = {
            "outputArtifacts": [run.artifacts[name].detail for name in action.outputs],
            "outputVariables": run.variables.get(action.namespace, {}),
        }
    run.setup.action_executions.put(run.pipeline.name, detail)


def _decisions(run: PipelineRun, step: ActionProgress, before: int) -> list[list[str]]:
    """Return the IAM decisions about the action's requests, including its requests to assume a role.

    An action makes requests with its own roles, and with the roles that these roles assume. `before` is the number of
    decisions that were recorded before the action began. These decisions are left out.
    """
    roles = set(step.roles)
    found = []
    for row in run.setup.calls.rows()[before:]:
        principal, action, resource, *_ = row
        if role_name(principal) in roles or (action == ASSUME and role_name(resource) in roles):
            found.append(row)
            if action == ASSUME:
                roles.add(role_name(resource))
    return found


def _access_denied(run: PipelineRun, step: ActionProgress, before: int) -> list[str]:
    found = [
        f"IAM denied: {principal} may not {action} on {resource}"
        for principal, action, resource, decision, _ in _decisions(run, step, before)
        if decision == DENIED
    ]
    return list(dict.fromkeys(found))


def _error_text(error: Exception, denied: list[str]) -> str:
    message = str(error) if isinstance(error, ActionFailedError) else explain(error)
    return "\n".join([*denied, message])
