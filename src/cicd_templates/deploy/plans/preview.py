"""Previews the deployment of a stack for a pull request, with permissions that cannot change the stack.

For an existing stack, a preview creates a change set, describes it and deletes it immediately. The policies of this
project forbid the execution of a preview's change set. A new stack is described from its template, because a change set
would create an empty stack.

The policies for pull requests allow only change sets whose names begin with a certain prefix. So every request contains
the name of the change set, not its ARN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.retry import Steps, retry_steps
from cicd_templates.deploy.change_sets.change_set_request import kept_values, preview_request, published
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack, is_gone
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next
from cicd_templates.deploy.plans.propose import (
    DeployContext,
    create_change_set,
    resources_of,
    template_digest,
    wait_until_ready,
    wait_until_settled,
    with_impact,
)
from cicd_templates.deploy.plans.survey import Survey
from cicd_templates.errors import CicdError
from cicd_templates.template.changes.duration import longest_wait
from cicd_templates.template.changes.impact import Change, Impact
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.previews import PREVIEW_PREFIX
from cicd_templates.template.source_lines import resource_lines
from cicd_templates.template.stack_template import StackTemplate

# The warning about the checks of a plan that a preview leaves out, because it lacks the permissions for them.
UNCHECKED = (
    "warning: a preview does not check whether names are already in use or changes are impossible,"
    " but `make plan` checks this"
)


def preview_change_set_name(plan_id: str) -> str:
    """Return the name that all change sets of a preview have."""
    return f"{PREVIEW_PREFIX}{plan_id}"


def missing_inputs(context: DeployContext, stack: StackTemplate) -> set[str]:
    """Return the paths of the parameters that the preview of `stack` needs, but that Parameter Store does not have.

    The preview of a new stack needs no parameters, so the result for a new stack is empty.
    """
    paths = {read.path for read in stack.links.reads}
    missing = paths - context.retry_call(lambda: published(context.clients, paths)).keys()
    if not missing or is_new(context.retry_call(lambda: describe_stack(context.clients, stack.name))):
        return set()
    return missing


def is_new(described: Mapping[str, Any] | None) -> bool:
    """Return whether a deployment would create the stack. `described` is the stack in AWS, or None."""
    return described is None or NEXT[described["StackStatus"]] in (Next.CREATE, Next.RECREATE)


def preview(context: DeployContext, stack: StackTemplate, plan_id: str, survey: Survey) -> Steps[PlannedStack]:
    """Return what a deployment of `stack` would do. The preview leaves nothing in AWS.

    `survey` has AWS's answers about all stacks of the plan. Raises `RefusedError` if the stack belongs to another
    project or needs a repair. Raises `CicdError` with CloudFormation's reason if CloudFormation refuses the change set.
    """
    clients, name = context.clients, preview_change_set_name(plan_id)
    existing = survey.stacks.get(stack.name)
    if not is_new(existing):
        existing = yield from wait_until_settled(context, stack, existing)
    if existing is None or is_new(existing):
        return from_template(stack)
    request = yield from retry_steps(lambda: preview_request(clients, stack, existing))
    yield from retry_steps(lambda: create_change_set(clients, request, name, plan_id))
    described = yield from wait_until_ready(context, stack, name, stack.name)
    before = yield from retry_steps(lambda: resources_of(clients, stack))
    yield from retry_steps(lambda: delete_preview(context, stack, plan_id))
    planned = PlannedStack(
        stack.name,
        stack.label,
        template_digest(stack),
        kept=kept_values(stack, existing),
        findings=(*described.findings, UNCHECKED),
        service=stack.service or "",
        file=str(stack.path),
    )
    if described.status != "FAILED":
        return with_impact(planned, stack, described, before)
    if described.changes_nothing:
        return planned
    listed = "".join(f"; {finding}" for finding in described.findings)
    raise CicdError(f"{stack.name}: CloudFormation refuses the change set: {described.reason}{listed}")


def from_template(stack: StackTemplate) -> PlannedStack:
    """Return the preview of a new stack. The preview comes from the template alone, without an answer of AWS."""
    changes = tuple(Change("Add", name, resource["Type"]) for name, resource in stack.resources.items())
    return PlannedStack(
        stack.name,
        stack.label,
        template_digest(stack),
        creates=True,
        changes=changes,
        impacts=(Impact("safe"),) * len(changes),
        findings=(UNCHECKED,),
        longest_wait_seconds=longest_wait(changes, stack.resources),
        service=stack.service or "",
        file=str(stack.path),
        lines=dict(resource_lines(stack)),
    )


def delete_preview(context: DeployContext, stack: StackTemplate, plan_id: str) -> None:
    """Delete the change set that a preview created for `stack`, if there is one."""
    try:
        context.clients.cloudformation.delete_change_set(
            ChangeSetName=preview_change_set_name(plan_id), StackName=stack.name
        )
    except ClientError as error:
        if not is_gone(error):
            raise
