"""Deletes the change sets of a plan, and the empty stacks that were created with them."""

from __future__ import annotations

import functools
from pathlib import Path

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import is_gone
from cicd_templates.deploy.change_sets.ownership import discard_change_set
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.consistency import made_by_plan
from cicd_templates.deploy.plans.propose import DeployContext, plan_change_set_name
from cicd_templates.errors import RefusedError
from cicd_templates.template.changes.planned_stack import PlannedStack


def discard_planned(clients: Clients, planned: PlannedStack) -> None:
    """Delete the change set of a planned stack, if there is one, and the empty stack that was created with it."""
    if planned.change_set:
        discard_change_set(clients, planned.change_set, planned.stack_id, creates=planned.creates)


def discard_named(clients: Clients, stack: str, plan_id: str) -> None:
    """Delete the change set that the plan `plan_id` created for `stack`, if there is one.

    The function finds the change set by its name, because not every plan file contains the ARN.
    """
    try:
        change_set = clients.cloudformation.describe_change_set(
            ChangeSetName=plan_change_set_name(plan_id), StackName=stack
        )
    except ClientError as error:
        # The change set and the empty stack of the plan are deleted together. So if the change set is gone and a stack
        # with this name exists, the plan did not create that stack.
        if not is_gone(error):
            raise
        return
    discard_change_set(clients, change_set["ChangeSetId"], change_set["StackId"], creates=True)


def discard_plans(context: DeployContext, environment: str) -> int:
    """Delete all plans of an environment with their change sets, and return the number of deleted change sets.

    If a file is not a valid plan, only the file is deleted, and its change sets remain in AWS. Once these change sets
    are a day old, the next plan of their stack deletes them.
    """
    count = 0
    for path in list(plans.files(context.plans, environment)):
        try:
            count += discard_plan(context, path)
        except RefusedError:
            plans.remove(path)
    # If nothing changes, a page with drift is written without a plan.
    plans.remove(context.plans / f"{environment}.json")
    return count


def discard_plan(context: DeployContext, path: Path) -> int:
    """Delete the change sets of a plan, and then the plan file `path`. Return the number of deleted change sets.

    If the file lists a change set that was not created for this plan, raises `RefusedError` and deletes nothing. Also
    raises the errors of `plans.read`.
    """
    plan = plans.read(path)
    foreign = [stack.label for stack in plan.changing if not made_by_plan(plan, stack)]
    if foreign:
        raise RefusedError(f"{path}: the change sets of {', '.join(foreign)} were not made by this plan")
    for stack in plan.changing:
        context.retry_call(functools.partial(discard_planned, context.clients, stack))
    plans.remove(path)
    return len(plan.changing)
