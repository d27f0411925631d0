"""Compares a plan with AWS and the rendered templates before it is executed, and refuses it where anything differs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cicd_templates.deploy.aws.retry import Steps, retry_steps
from cicd_templates.deploy.change_sets.api import describe, describe_stack
from cicd_templates.deploy.change_sets.request import kept_values, published
from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.deploy.plans.propose import DeployContext, template_digest
from cicd_templates.deploy.plans.seal import expiry_text, has_expired
from cicd_templates.errors import RefusedError
from cicd_templates.template.stack_template import StackTemplate


def verify(
    context: DeployContext, plan: Plan, stacks: Mapping[str, StackTemplate], begun: Collection[str] = ()
) -> Steps[None]:
    """Read everything in a plan again, by ARN, and raise `RefusedError` with every difference.

    Stacks in `begun` have been executed, so only their templates are compared.
    """
    differences = list(_offline_differences(context, plan, stacks))
    inputs = yield from retry_steps(
        lambda: published(context.clients, {path for planned in plan.stacks for path in planned.inputs})
    )
    for planned in plan.stacks:
        if planned.name in begun or planned.name not in stacks:
            continue
        differences += _changed_inputs(planned, inputs)
        if planned.change_set:
            changed = yield from retry_steps(lambda planned=planned: _change_set_differences(context, planned))  # type: ignore[misc] # bound now
            differences += changed
            existing = yield from retry_steps(lambda planned=planned: describe_stack(context.clients, planned.name))  # type: ignore[misc] # bound now
            if kept_values(stacks[planned.name], existing or {}) != planned.kept:
                differences.append(
                    f"{planned.label}: a value that the pipeline sets, such as its image, has changed since"
                )
    if differences:
        listed = "\n".join(f"  {difference}" for difference in differences)
        raise RefusedError(
            f"the plan of {plan.environment} no longer matches AWS, so nothing of it was executed:\n{listed}\n"
            f"  plan again: make plan {plan.make_variables}"
        )


def _offline_differences(context: DeployContext, plan: Plan, stacks: Mapping[str, StackTemplate]) -> Iterator[str]:
    """Yield what differs without a call to AWS."""
    if has_expired(plan, context.today()):
        yield expiry_text(plan)
    if context.clients.local != plan.local:
        yield "it is of the local AWS" if plan.local else "it is of AWS, and this is the local AWS"
    for planned in plan.stacks:
        stack = stacks.get(planned.name)
        if stack is None:
            yield f"{planned.label}: is no longer rendered"
        elif template_digest(stack) != planned.template_sha256:
            yield f"{planned.label}: {stack.path} was changed since"
        elif (stack.account, stack.region) != (plan.account, plan.region):
            there = f"{plan.account} in {plan.region}"
            yield f"{planned.label}: is for {stack.account} in {stack.region}, the plan for {there}"


def _changed_inputs(planned: PlannedStack, inputs: Mapping[str, str]) -> Iterator[str]:
    for path, value in planned.inputs.items():
        if inputs.get(path) != value:
            yield f"{planned.label}: {path} was {value} and is {inputs.get(path, 'gone')}"


def _change_set_differences(context: DeployContext, planned: PlannedStack) -> list[str]:
    described = describe(context.clients.cloudformation, planned.change_set)
    if described is None:
        return [f"{planned.label}: its change set is gone; it was executed or discarded, or another one was executed"]
    if described.execution != "AVAILABLE":
        return [f"{planned.label}: its change set is {described.execution}, not AVAILABLE"]
    if described.changes != planned.changes:
        return [f"{planned.label}: its change set has other changes now"]
    return []
