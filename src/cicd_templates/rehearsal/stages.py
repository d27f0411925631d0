"""Walks the stages of a run: locks, then groups of actions, those of a group at the same time; stops at a failure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import explained
from cicd_templates.errors import CicdError
from cicd_templates.local.permissions import DENIED
from cicd_templates.rehearsal import approval, cloudformation, codebuild, lambdas, source
from cicd_templates.rehearsal.context import Act, ActionFailedError, Run
from cicd_templates.rehearsal.definition import Action, Stage
from cicd_templates.rehearsal.grants import role_name
from cicd_templates.rehearsal.result import State, Step
from cicd_templates.rehearsal.variables import opens

ACTS: Mapping[str, Act] = {
    "S3": source.act,
    "CodeBuild": codebuild.act,
    "Lambda": lambdas.act,
    "CloudFormation": cloudformation.act,
    "Manual": approval.act,
}

ASSUME = "sts:AssumeRole"
SCAN = "ecr:DescribeImageScanFindings"

Say = Callable[[Step], None]


def walk(run: Run, steps: Mapping[str, Step], say: Say) -> str:
    """Run every stage until one fails; why a stage was not entered, if that is what ended the run.

    `steps` has one for each action by its path, and each is `say`d when it begins and when it ends.
    """
    run.variables["codepipeline"] = {"PipelineExecutionId": run.execution}
    for stage in run.pipeline.stages:
        if refusal := _locked(run, stage):
            return refusal
        for group in stage.groups:
            with ThreadPoolExecutor(len(group)) as pool:
                list(pool.map(lambda action: perform(run, action, steps[action.path], say), group))
            if any(steps[action.path].state is State.FAILED for action in group):
                return ""
    return ""


def _locked(run: Run, stage: Stage) -> str:
    for lock in stage.locks:
        if not opens(lock, run.variables):
            return f"{stage.name} is not entered: {lock.name} wants {lock.variable} {lock.operator} {lock.value}"
    return ""


def perform(run: Run, action: Action, step: Step, say: Say) -> None:
    """Run one action; what becomes of it is in its step. A denied call is named as IAM decided it."""
    before = len(run.place.calls.rows())
    step.began = time.monotonic()
    say(step)
    try:
        variables = ACTS[action.provider](run, action, step)
    except (CicdError, ClientError, BotoCoreError) as error:
        step.state = State.FAILED
        step.error = _explained(error, _denied(run, step, before))
        step.log = getattr(error, "log", "") or step.log
    else:
        step.state = State.SUCCEEDED
        if action.namespace:
            run.variables[action.namespace] = variables
    if any(row[1] == SCAN for row in _rows(run, step, before)):
        step.note("the registry scans nothing here; its answer is a stand-in that has found nothing")
    step.seconds = time.monotonic() - step.began
    say(step)


def _rows(run: Run, step: Step, before: int) -> list[list[str]]:
    """What IAM decided about the roles of an action since it began, and about the roles that those took on."""
    roles = set(step.roles)
    found = []
    for row in run.place.calls.rows()[before:]:
        principal, action, resource, *_ = row
        if role_name(principal) in roles or (action == ASSUME and role_name(resource) in roles):
            found.append(row)
            if action == ASSUME:
                roles.add(role_name(resource))
    return found


def _denied(run: Run, step: Step, before: int) -> list[str]:
    found = [
        f"IAM denied: {principal} may not {action} on {resource}"
        for principal, action, resource, decision, _ in _rows(run, step, before)
        if decision == DENIED
    ]
    return list(dict.fromkeys(found))


def _explained(error: Exception, denied: list[str]) -> str:
    told = str(error) if isinstance(error, ActionFailedError) else explained(error)
    return "\n".join([*denied, told])
