"""Whether the world is still as a plan says: what differs is refused before anything is executed."""

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
    """Look at everything again that a plan says, by ARN. Stacks in `begun` are executed already and only compared.

    Raises `RefusedError` with every difference.
    """
    differences = list(_place(context, plan, stacks))
    inputs = yield from retry_steps(
        lambda: published(context.clients, {path for each in plan.stacks for path in each.inputs})
    )
    for planned in plan.stacks:
        if planned.name in begun or planned.name not in stacks:
            continue
        differences += _moved(planned, inputs)
        if planned.change_set:
            found = yield from retry_steps(lambda planned=planned: _change_set(context, planned))  # type: ignore[misc] # bound now
            differences += found
            existing = yield from retry_steps(lambda planned=planned: describe_stack(context.clients, planned.name))  # type: ignore[misc] # bound now
            if kept_values(stacks[planned.name], existing or {}) != planned.kept:
                differences.append(
                    f"{planned.label}: what the pipeline decides for it has moved since, such as its image"
                )
    if differences:
        listed = "\n".join(f"  {each}" for each in differences)
        raise RefusedError(
            f"the plan of {plan.environment} no longer holds, so nothing of it was executed:\n{listed}\n"
            f"  plan again: make plan {plan.words}"
        )


def _place(context: DeployContext, plan: Plan, stacks: Mapping[str, StackTemplate]) -> Iterator[str]:
    """What differs without asking about any stack."""
    if has_expired(plan, context.today()):
        yield expiry_text(plan)
    if context.clients.local != plan.local:
        yield "it is of the local AWS" if plan.local else "it is of AWS, and this is the local AWS"
    for planned in plan.stacks:
        stack = stacks.get(planned.name)
        if stack is None:
            yield f"{planned.label}: is not rendered any more"
        elif template_digest(stack) != planned.template_sha256:
            yield f"{planned.label}: {stack.path} was changed since"
        elif (stack.account, stack.region) != (plan.account, plan.region):
            there = f"{plan.account} in {plan.region}"
            yield f"{planned.label}: is for {stack.account} in {stack.region}, the plan for {there}"


def _moved(planned: PlannedStack, inputs: Mapping[str, str]) -> Iterator[str]:
    for path, value in planned.inputs.items():
        if inputs.get(path) != value:
            yield f"{planned.label}: {path} was {value} and is {inputs.get(path, 'gone')}"


def _change_set(context: DeployContext, planned: PlannedStack) -> list[str]:
    described = describe(context.clients.cloudformation, planned.change_set)
    if described is None:
        return [f"{planned.label}: its change set is gone; it was executed or discarded, or another one was executed"]
    if described.execution != "AVAILABLE":
        return [f"{planned.label}: its change set is {described.execution}, not AVAILABLE"]
    if described.changes != planned.changes:
        return [f"{planned.label}: its change set says something else by now"]
    return []
