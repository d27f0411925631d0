"""Turns plans and their rows into the JSON that the page displays. This module does not call AWS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import drift_notes
from cicd_templates.functions.change_page.row_contents import FILTERS, printable_content, row_content
from cicd_templates.functions.change_page.rows import Row
from cicd_templates.functions.change_page.word_difference import word_difference

# What the drift status of a resource means: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDrift.html
DRIFT_EFFECTS = {"MODIFIED": "modified", "DELETED": "deleted", "UNKNOWN": "could not be read"}


def contents(plans: Sequence[Plan], rows: Sequence[Row], longest: int) -> dict[str, Any]:
    """Return the data that the page shows below its first sentences. Values are cut to `longest` characters."""
    content = {
        "plans": [{"environment": plan.environment, "digest": document.digest(plan)} for plan in plans],
        "filters": [*FILTERS],
        "environments": [plan.environment for plan in plans] if len(plans) > 1 else [],
        "rows": [row_content(row, number, longest, several=len(plans) > 1) for number, row in enumerate(rows, 1)],
        "drift": [entry for plan in plans for entry in _drift(plan, longest, several=len(plans) > 1)],
        "notes": [{"text": text, "stacks": stacks} for text, stacks in notes(plans)],
    }
    printed: dict[str, Any] = printable_content(content)
    return printed


def notes(plans: Sequence[Plan]) -> list[tuple[str, list[str]]]:
    """Return the notes about whole stacks. Each text appears once, with the labels of its stacks."""
    stacks: dict[str, list[str]] = {}
    for plan in plans:
        prefix = f"{plan.environment}: " if len(plans) > 1 else ""
        for stack in plan.stacks:
            for finding in (*drift_notes(stack), *stack.findings):
                stacks.setdefault(finding, []).append(f"{prefix}{stack.label}")
            if not stack.is_changing:
                stacks.setdefault("Nothing changes", []).append(f"{prefix}{stack.label}")
            elif not stack.changes:
                stacks.setdefault("Only outputs or tags of the stack change", []).append(f"{prefix}{stack.label}")
        for label, after in plan.waits.items():
            stacks.setdefault(f"Planned later, after {', '.join(after)}", []).append(f"{prefix}{label}")
        for drift in plan.drift or ():
            if drift.problem:
                stacks.setdefault(f"Not checked for drift: {drift.problem}", []).append(f"{prefix}{drift.stack}")
        for label in plan.removed:
            stacks.setdefault("No longer rendered, but left in AWS", []).append(f"{prefix}{label}")
    return list(stacks.items())


def _drift(plan: Plan, longest: int, *, several: bool) -> Iterable[dict[str, Any]]:
    """Yield each resource that was changed outside CloudFormation, with a diff by words of its changed properties."""
    prefix = f"{plan.environment}: " if several else ""
    for stack in plan.drift or ():
        for resource in stack.resources:
            yield {
                "title": f"{prefix}{stack.stack}/{resource.logical_id}",
                "type": resource.resource_type,
                "effect": DRIFT_EFFECTS[resource.status],
                "reason": resource.reason,
                "source": resource.at,
                "values": [
                    {"name": each.path, "parts": word_difference(each.expected, each.actual, longest)}
                    for each in resource.differences
                ],
            }
