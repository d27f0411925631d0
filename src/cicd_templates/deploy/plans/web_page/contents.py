"""Turns plans and their rows into the JSON that the page displays. This module does not call AWS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import drift_notes
from cicd_templates.deploy.plans.web_page.access import access_content
from cicd_templates.deploy.plans.web_page.drift import drifted
from cicd_templates.functions.change_page.row_contents import FILTERS, printable_content, row_content
from cicd_templates.functions.change_page.rows import Row
from cicd_templates.functions.change_page.word_difference import word_difference
from cicd_templates.plurals import counted
from cicd_templates.review.service_names import with_placeholders

# If at least this number of services have equal stacks, these stacks are shown as one item.
LEAST_JOINED = 3
# What the drift status of a resource means: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDrift.html
DRIFT_EFFECTS = {"MODIFIED": "modified", "DELETED": "deleted", "UNKNOWN": "could not be read"}


def contents(plans: Sequence[Plan], rows: Sequence[Row], longest: int) -> dict[str, Any]:
    """Return the data that the page shows below its introduction. Values are cut to `longest` characters."""
    content = {
        "plans": [{"environment": plan.environment, "digest": document.digest(plan)} for plan in plans],
        "filters": [*FILTERS],
        "environments": [plan.environment for plan in plans] if len(plans) > 1 else [],
        "rows": [row_content(row, number, longest, several=len(plans) > 1) for number, row in enumerate(rows, 1)],
        "paths": access_content(plans),
        "drift": list(_drift(plans, longest)),
        "notes": [{"text": text, "stacks": stacks} for text, stacks in notes(plans)],
    }
    printed: dict[str, Any] = printable_content(content)
    return printed


def notes(plans: Sequence[Plan]) -> list[tuple[str, list[str]]]:
    """Return the notes about whole stacks. Each text appears once, with the labels of the stacks to which it applies.

    If labels differ only in the name of the service, they become one label with the number of services.
    """
    stacks: dict[str, list[str]] = {}
    generic: dict[str, str] = {}
    for plan in plans:
        prefix = f"{plan.environment}: " if len(plans) > 1 else ""
        for stack in plan.stacks:
            generic[f"{prefix}{stack.label}"] = (
                f"{prefix}{with_placeholders(stack.label, stack.service) if stack.service else stack.label}"
            )
        for text, label in _stack_notes(plan):
            stacks.setdefault(text, []).append(f"{prefix}{label}")
    return [(text, _joined(labels, generic)) for text, labels in stacks.items()]


def _stack_notes(plan: Plan) -> Iterator[tuple[str, str]]:
    for stack in plan.stacks:
        yield from ((finding, stack.label) for finding in (*drift_notes(stack), *stack.findings))
        if stack.is_changing and not stack.changes:
            yield "Only outputs or tags of the stack change", stack.label
        elif not stack.is_changing and stack.label not in plan.moved:
            yield "Nothing changes", stack.label
    yield from (("Must be planned again, because it reads a value that changes", label) for label in plan.moved)
    for label, after in plan.waits.items():
        yield f"Planned later, after {', '.join(after)}", label
    yield from ((f"Not checked for drift: {each.problem}", each.stack) for each in plan.drift or () if each.problem)
    yield from (("No longer rendered, but left in AWS", label) for label in plan.removed)


def _joined(labels: Sequence[str], generic: Mapping[str, str]) -> list[str]:
    """Return `labels`. If many labels differ only in the service, replace them by one label with a placeholder.

    `generic` maps each label to its form with a placeholder instead of the service.
    """
    counts = Counter(generic.get(label, label) for label in labels)
    joined = (_counted(generic.get(label, label), label, counts) for label in labels)
    return list(dict.fromkeys(joined))


def _counted(shared: str, label: str, counts: Counter[str]) -> str:
    return label if counts[shared] < LEAST_JOINED else f"{shared} ({counted(counts[shared], 'service')})"


def _drift(plans: Sequence[Plan], longest: int) -> Iterable[dict[str, Any]]:
    """Yield each resource that was changed outside CloudFormation, with word-by-word diffs of its properties."""
    for name, resource in drifted(plans):
        yield {
            "title": name,
            "type": resource.resource_type,
            "effect": DRIFT_EFFECTS[resource.status],
            "reason": resource.reason,
            "source": resource.at,
            "values": [
                {"name": each.path, "parts": word_difference(each.expected, each.actual, longest)}
                for each in resource.differences
            ],
        }
