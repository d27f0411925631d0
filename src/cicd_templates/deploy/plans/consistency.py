"""Finds differences between a plan file and the templates. Does not call AWS, and trusts nothing in the plan.

A digest proves which plan was reviewed, but not who wrote the plan. So each field that affects the execution is
compared twice: by this module with the templates, and by the module `verify` with AWS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import plan_change_set_name, template_digest
from cicd_templates.deploy.plans.seal import time_differences
from cicd_templates.template.arn import Arn
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate

PLAN_ID = re.compile(r"[0-9a-f]{32}")


def inconsistencies(plan: Plan, stacks: Mapping[str, StackTemplate], now: datetime, *, local: bool) -> Iterator[str]:
    """Yield one line for each field of `plan` that is wrong or does not match the templates.

    `stacks` are the rendered stacks, keyed by name and in deploy order.
    """
    yield from time_differences(plan, now)
    yield from _kind_differences(plan, local=local)
    yield from _environment_differences(plan, next(iter(stacks.values())))
    counts = Counter(planned.name for planned in plan.stacks)
    for planned in plan.stacks:
        stack = stacks.get(planned.name)
        if stack is None:
            yield f"{planned.label}: is no longer rendered"
        elif counts[planned.name] > 1:
            yield f"{planned.label}: the plan lists it {counts[planned.name]} times"
        else:
            yield from (f"{stack.label}: {difference}" for difference in _stack_differences(plan, planned, stack))
    order = [name for name in stacks if name in counts]
    if order != [planned.name for planned in plan.stacks if planned.name in stacks] and max(counts.values()) == 1:
        yield "the stacks are not in the order of their dependencies"
    for label in sorted({*plan.removed} & {stack.label for stack in stacks.values()}):
        yield f"{label}: the plan says that this stack is no longer rendered, but the stack is rendered"
    for label in plan.waits:
        if label not in {stack.label for name, stack in stacks.items() if name not in counts}:
            yield (
                f"{label}: the plan leaves this stack to a later plan, although this plan deploys the stack or the"
                " stack is not rendered"
            )


def _kind_differences(plan: Plan, *, local: bool) -> Iterator[str]:
    if plan.preview:
        yield "the plan is a preview, which no command executes; make a plan without PREVIEW=1"
    if local != plan.local:
        yield "the plan is for the local AWS" if plan.local else "the plan is for AWS, not for the local AWS"
    if not PLAN_ID.fullmatch(plan.id):
        yield "the plan's id does not have the form of an id from `make plan`"


def made_by_plan(plan: Plan, planned: PlannedStack) -> bool:
    """Return whether `plan` created the change set of `planned`, as far as ARNs and names show this.

    The ARNs of the change set and of its stack must contain the plan's account and region. The name of the change set
    must be derived from the plan's id.
    """
    try:
        change_set, stack = Arn.parse(planned.change_set), Arn.parse(planned.stack_id)
    except ValueError:
        return False
    ours = ("cloudformation", plan.region, plan.account)
    return (
        (change_set.service, change_set.region, change_set.account) == ours
        and (stack.service, stack.region, stack.account) == ours
        and change_set.resource.startswith(f"changeSet/{plan_change_set_name(plan.id)}/")
        and stack.resource.startswith(f"stack/{planned.name}/")
    )


def _environment_differences(plan: Plan, stack: StackTemplate) -> Iterator[str]:
    facts = stack.facts
    if (plan.environment, plan.suffix) != (stack.environment, facts.suffix or ""):
        yield f"the plan is for the environment {plan.environment}, but the templates are for {stack.environment}"
    if plan.protected != stack.protected:
        yield "the plan and the templates disagree on whether the environment is protected"


def _stack_differences(plan: Plan, planned: PlannedStack, stack: StackTemplate) -> Iterator[str]:
    if planned.label != stack.label:
        yield f"the label in the plan is {planned.label}"
    if template_digest(stack) != planned.template_sha256:
        yield f"the file {stack.path} was changed after the plan was made"
    elif (stack.account, stack.region) != (plan.account, plan.region):
        yield f"the stack is for {stack.account} in {stack.region}, but the plan is for {plan.account} in {plan.region}"
    elif planned.change_set and not made_by_plan(plan, planned):
        yield "the change set was not made by this plan"
