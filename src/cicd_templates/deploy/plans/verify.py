"""Computes a plan again from AWS and the templates before the plan is executed, and refuses a plan that differs.

A person who can write the plan file can also compute a matching digest, so the file alone is not trusted. This module
repeats the work of `propose` for every field that affects the execution, and compares the results with the plan file.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates import hints
from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.retry import Steps, retry_steps
from cicd_templates.deploy.change_sets.change_set_request import kept_values, published
from cicd_templates.deploy.change_sets.cloudformation_calls import Described, describe, describe_stack, is_gone
from cicd_templates.deploy.change_sets.deployed_text import is_template_of
from cicd_templates.deploy.change_sets.ownership import Owner, owner_of
from cicd_templates.deploy.change_sets.request_comparison import request_differences
from cicd_templates.deploy.plans.consistency import inconsistencies
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.impossible_changes import impossible_changes
from cicd_templates.deploy.plans.propose import (
    UNREAD_NAMES,
    DeployContext,
    plan_change_set_name,
    resources_of,
    template_digest,
    with_impact,
)
from cicd_templates.deploy.plans.seal import CLOCK_SKEW, VALID_FOR
from cicd_templates.errors import RefusedError
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate

# The fields that are computed from AWS and the templates, each with the words for it in an error message.
COMPUTED = {
    "creates": "whether the stack is created or updated",
    "stack_id": "the id of its stack",
    "impacts": "the impact of its changes on data and users",
    "grants": "the added or removed permissions",
    "paths": "the paths of access",
    "longest_wait_seconds": "the longest duration",
    "service": "its service",
    "file": "the file of its template",
    "lines": "the lines of its changes",
    "reverts_drift": "whether the change set reverts changes made outside CloudFormation",
    "ignored_drift": "the changes made outside CloudFormation that are not reverted",
}


def verify(
    context: DeployContext, plan: Plan, stacks: Mapping[str, StackTemplate], begun: Collection[str] = ()
) -> Steps[Plan]:
    """Compute `plan` again from AWS and the templates, and return the result.

    If the result differs from `plan`, raises `RefusedError` with all differences. `stacks` are all stacks of the
    environment, keyed by name and in deploy order.

    `begun` contains the names of the stacks whose change sets are already being executed. Such stacks are compared only
    with the templates, and the result does not contain them.
    """
    _refuse(plan, stacks, list(inconsistencies(plan, stacks, context.today(), local=context.clients.local)), context)
    differences: list[str] = []
    computed = []
    by_name = {planned.name: planned for planned in plan.stacks}
    for name, stack in stacks.items():
        planned = by_name.get(name)
        if name in begun:
            continue
        if planned is None or not planned.change_set:
            differences += yield from retry_steps(functools.partial(_unlisted_change_set, context, plan, stack))
        if planned is not None:
            fresh, stack_differences = yield from _compute(context, plan, planned, stack)
            computed.append(fresh)
            differences += (f"{stack.label}: {difference}" for difference in stack_differences)
    _refuse(plan, stacks, differences, context)
    return replace(plan, stacks=tuple(computed))


def _refuse(plan: Plan, stacks: Mapping[str, StackTemplate], differences: list[str], context: DeployContext) -> None:
    if differences:
        listed = "\n".join(f"  {difference}" for difference in differences)
        stack = next(iter(stacks.values()))
        again = hints.make("plan", **stack.make_variables, LOCAL=context.clients.local)
        raise RefusedError(
            f"the plan of {stack.environment} does not match AWS and the templates, so nothing of it was executed:\n"
            f"{listed}\n  plan again: {again}"
        )


def _unlisted_change_set(context: DeployContext, plan: Plan, stack: StackTemplate) -> list[str]:
    """Return one line if a change set of `plan` exists for `stack`, but the plan file does not list the change set."""
    try:
        context.clients.cloudformation.describe_change_set(
            ChangeSetName=plan_change_set_name(plan.id), StackName=stack.name
        )
    except ClientError as error:
        if is_gone(error):
            return []
        raise
    return [f"{stack.label}: a change set of this plan exists for the stack, but the plan file does not list it"]


def _compute(
    context: DeployContext, plan: Plan, planned: PlannedStack, stack: StackTemplate
) -> Steps[tuple[PlannedStack, list[str]]]:
    """Return the plan that `propose` would make for a stack now, and how this plan differs from `planned`."""
    clients = context.clients
    described = None
    if planned.change_set:
        described = yield from retry_steps(lambda: describe(clients.cloudformation, planned.change_set))
        if unusable := _unusable(described):
            return planned, [unusable]
    inputs = yield from retry_steps(lambda: published(clients, {read.path for read in stack.links.reads}))
    existing = yield from retry_steps(lambda: describe_stack(clients, stack.name))
    if existing is not None and existing["StackStatus"] == "REVIEW_IN_PROGRESS":
        existing = None
    fresh = PlannedStack(
        stack.name,
        stack.label,
        template_digest(stack),
        creates=existing is None,
        inputs=inputs,
        kept=kept_values(stack, existing or {}),
        findings=planned.findings,
        service=stack.service or "",
        file=str(stack.path),
    )
    differences = list(_changed_inputs(planned, fresh))
    if described is not None:
        before: Mapping[str, Any] = {}
        if existing is not None:
            before = yield from retry_steps(lambda: resources_of(clients, stack))
        fresh = with_impact(fresh, stack, described, before)
        body = yield from retry_steps(lambda: _template_body(clients, stack, planned.change_set))
        if not is_template_of(stack, body):
            differences.append(f"the template of the change set differs from {stack.path}")
        differences += _change_set_differences(context, plan, planned, stack, described)
        differences += yield from retry_steps(
            functools.partial(impossible_changes, clients, stack, described.changes, before)
        )
        differences += request_differences(described.answer, stack, existing, inputs, context.today())
    if fresh.kept != planned.kept:
        differences.append("a value that the pipeline sets, such as the image, has changed since the plan was made")
    if fresh.changes != planned.changes:
        differences.append("the change set now has different changes")
    else:
        differences += (
            f"the plan and AWS disagree on {words}"
            for field, words in COMPUTED.items()
            if getattr(fresh, field) != getattr(planned, field)
        )
    differences += yield from retry_steps(lambda: _owner_differences(clients, existing, stack))
    return fresh, differences


def _owner_differences(clients: Clients, existing: Mapping[str, Any] | None, stack: StackTemplate) -> list[str]:
    if existing is None or owner_of(clients, existing, stack) is Owner.OURS:
        return []
    return ["the tags of the stack do not show that this project owns the stack"]


def _template_body(clients: Clients, stack: StackTemplate, change_set: str) -> Any:
    """Return the template of `change_set`, exactly as CloudFormation received it."""
    client = clients.cloudformation
    answer = client.get_template(StackName=stack.name, ChangeSetName=change_set, TemplateStage="Original")
    return answer["TemplateBody"]


def _unusable(described: Described | None) -> str:
    if described is None:
        return "the change set no longer exists: it was executed or deleted, or another change set was executed"
    if described.execution != "AVAILABLE":
        return f"the change set is {described.execution}, not AVAILABLE"
    return ""


def _changed_inputs(planned: PlannedStack, fresh: PlannedStack) -> Iterator[str]:
    for path in sorted(planned.inputs.keys() | fresh.inputs.keys()):
        before, now = planned.inputs.get(path, "not in the plan"), fresh.inputs.get(path, "gone")
        if before != now:
            yield f"{path} was {before} and is {now}"


def _change_set_differences(
    context: DeployContext, plan: Plan, planned: PlannedStack, stack: StackTemplate, described: Described
) -> Iterator[str]:
    """Yield a line for each reason to refuse a change set.

    - The plan did not create the change set.
    - The change set is too old.
    - The findings of CloudFormation's validation differ from the findings in the plan.
    """
    answer: Mapping[str, Any] = described.answer
    if (answer["ChangeSetName"], answer["StackName"]) != (plan_change_set_name(plan.id), stack.name):
        yield f"the change set {answer['ChangeSetName']} in {answer['StackName']} was not made by this plan"
    made = answer["CreationTime"]
    if context.today() - made >= VALID_FOR:
        yield f"the change set was created at {made:%Y-%m-%d %H:%M} UTC, more than 24 hours ago"
    if plan.created - made > CLOCK_SKEW:
        yield (
            f"the change set was created at {made:%Y-%m-%d %H:%M} UTC, before the plan was made at"
            f" {plan.created:%Y-%m-%d %H:%M} UTC"
        )
    shown = tuple(finding for finding in planned.findings if not finding.startswith(UNREAD_NAMES))
    if shown != described.findings:
        yield "CloudFormation's validation now has different findings"
