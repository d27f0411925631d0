"""Finds what a plan says that no plan of these templates could say. Calls no AWS, and trusts nothing in the plan.

A digest shows that a plan is the one that somebody reviewed. It does not show who wrote it, so whatever decides what is
executed is compared with the templates here, and with AWS in `verify`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.deploy.plans.propose import change_set_name, template_digest
from cicd_templates.deploy.plans.seal import time_differences
from cicd_templates.template.arn import Arn
from cicd_templates.template.stack_template import StackTemplate

PLAN_ID = re.compile(r"[0-9a-f]{32}")


def inconsistencies(plan: Plan, stacks: Mapping[str, StackTemplate], now: datetime, *, local: bool) -> Iterator[str]:
    """Yield, a line each, what is wrong with `plan`; `stacks` are rendered, by name and in deploy order."""
    yield from time_differences(plan, now)
    if local != plan.local:
        yield "it is of the local AWS" if plan.local else "it is of AWS, and this is the local AWS"
    if not PLAN_ID.fullmatch(plan.id):
        yield "its id is none that `make plan` gives"
    yield from _environment_differences(plan, next(iter(stacks.values())))
    counts = Counter(planned.name for planned in plan.stacks)
    for planned in plan.stacks:
        stack = stacks.get(planned.name)
        if stack is None:
            yield f"{planned.label}: is no longer rendered"
        elif counts[planned.name] > 1:
            yield f"{planned.label}: the plan has it {counts[planned.name]} times"
        else:
            yield from (f"{stack.label}: {difference}" for difference in _stack_differences(plan, planned, stack))
    order = [name for name in stacks if name in counts]
    if order != [planned.name for planned in plan.stacks if planned.name in stacks] and max(counts.values()) == 1:
        yield "its stacks are in another order than that of their dependencies"
    for label in plan.waits:
        if label not in {stack.label for name, stack in stacks.items() if name not in counts}:
            yield f"{label}: waits for a later plan, but is in this one or is not rendered"


def made_by_plan(plan: Plan, planned: PlannedStack) -> bool:
    """Return whether the ARNs of a change set and its stack are of the plan's account and region, and name the plan."""
    try:
        change_set, stack = Arn.parse(planned.change_set), Arn.parse(planned.stack_id)
    except ValueError:
        return False
    ours = ("cloudformation", plan.region, plan.account)
    return (
        (change_set.service, change_set.region, change_set.account) == ours
        and (stack.service, stack.region, stack.account) == ours
        and change_set.resource.startswith(f"changeSet/{change_set_name(plan.id)}/")
        and stack.resource.startswith(f"stack/{planned.name}/")
    )


def _environment_differences(plan: Plan, stack: StackTemplate) -> Iterator[str]:
    facts = stack.facts
    if (plan.environment, plan.suffix) != (stack.environment, facts.suffix or ""):
        yield f"it is of the environment {plan.environment}, and the templates are of {stack.environment}"
    if plan.protected != stack.protected:
        yield "the templates say otherwise whether the environment is protected"


def _stack_differences(plan: Plan, planned: PlannedStack, stack: StackTemplate) -> Iterator[str]:
    if planned.label != stack.label:
        yield f"the plan calls it {planned.label}"
    if template_digest(stack) != planned.template_sha256:
        yield f"{stack.path} was changed since"
    elif (stack.account, stack.region) != (plan.account, plan.region):
        yield f"is for {stack.account} in {stack.region}, the plan for {plan.account} in {plan.region}"
    elif planned.change_set and not made_by_plan(plan, planned):
        yield "its change set was not made by this plan"
