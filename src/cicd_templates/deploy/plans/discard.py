"""Deletes what a plan left: its change sets, and the empty shells of stacks that they made. Executes none."""

from __future__ import annotations

import functools
from pathlib import Path

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.api import discard, gone, remove_shell
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.document import PlannedStack
from cicd_templates.deploy.plans.propose import CHANGE_SET_PREFIX, DeployContext
from cicd_templates.errors import RefusedError


def discard_planned(clients: Clients, planned: PlannedStack) -> None:
    """Delete the change set of a planned stack, where it has one, and the empty shell that it made."""
    if planned.change_set:
        discard(clients, planned.change_set, planned.stack_id, creates=planned.creates)


def discard_named(clients: Clients, stack: str, plan_id: str) -> None:
    """Delete the change set that a plan may have made in a stack before anybody wrote down its ARN."""
    try:
        found = clients.cloudformation.describe_change_set(
            ChangeSetName=f"{CHANGE_SET_PREFIX}{plan_id}", StackName=stack
        )
    except ClientError as error:
        if not gone(error):
            raise
        # The change set may be gone and its answer lost, before the shell was looked at.
        remove_shell(clients, stack)
        return
    discard(clients, found["ChangeSetId"], found["StackId"], creates=True)


def discard_plans(context: DeployContext, environment: str) -> int:
    """Delete what every plan of an environment left; how many change sets that were.

    A file that is no plan any more is removed. What it left expires, and is deleted by the next plan after that.
    """
    count = 0
    for path in list(plans.files(context.plans, environment)):
        try:
            count += discard_plan(context, path)
        except RefusedError:
            plans.remove(path)
    return count


def discard_plan(context: DeployContext, path: Path) -> int:
    """Delete what the plan in `path` left, and the file; errors as `plans.read`."""
    made = plans.read(path)
    for stack in made.changing:
        context.retry_call(functools.partial(discard_planned, context.clients, stack))
    plans.remove(path)
    return len(made.changing)
