"""Finds the stacks that need another plan, because the present plan changes a value that they read.

CloudFormation reads values from Parameter Store when it creates a change set. So the change sets of the present plan
contain the old values. This module does not call AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cicd_templates.template.changes.impact import PUBLISHED, is_about_tags
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate


def readers_of_moved_values(stacks: Sequence[StackTemplate], planned: Mapping[str, PlannedStack]) -> tuple[str, ...]:
    """Return the labels of the stacks that read a value that the plan certainly changes.

    `planned` maps the name of each stack to the stack's plan.
    """
    moved = {path for stack in stacks for path in _moved(stack, planned[stack.name])}
    return tuple(stack.label for stack in stacks if moved & planned[stack.name].inputs.keys())


def _moved(stack: StackTemplate, plan: PlannedStack) -> Iterator[str]:
    """Yield the paths of the values that `stack` publishes and that the plan will certainly change."""
    for change in plan.changes:
        certain = [detail for detail in change.details if not detail.cause and not is_about_tags(detail)]
        if change.resource_type == PUBLISHED and change.action == "Modify" and certain:
            yield str(stack.resources[change.logical_id]["Properties"]["Name"])
