"""Turns the rows of plans into the JSON that the page displays; `page.js` reads exactly these fields.

Every text is made printable: control characters, and characters that reverse or hide text, become escapes. This module
does not call AWS.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from cicd_templates.deploy.change_sets.duration import format_duration
from cicd_templates.deploy.change_sets.impact import DELETION, INTERRUPTION, REPLACEMENT, Detail
from cicd_templates.deploy.plans import document
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import drift_notes
from cicd_templates.deploy.plans.web_page.folding import Row
from cicd_templates.deploy.plans.web_page.word_difference import cut, word_difference
from cicd_templates.printable import printable

# The filters of the page. A row has the concerns that apply to it.
LOSS, ACCESS, REPLACED, INTERRUPTED = "data loss", "access", "replaced", "interruption"
ADDED, REMOVED = "now", "no longer"
# What the drift status of a resource means: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResourceDrift.html
DRIFT_EFFECTS = {"MODIFIED": "modified", "DELETED": "deleted", "UNKNOWN": "could not be read"}
# Two statements that share at least this fraction of their words are shown as one changed statement.
ALIKE = 0.5


def contents(plans: Sequence[Plan], rows: Sequence[Row], longest: int) -> dict[str, Any]:
    """Return the data that the page shows below its first sentences. Values are cut to `longest` characters."""
    content = {
        "plans": [{"environment": plan.environment, "digest": document.digest(plan)} for plan in plans],
        "filters": [LOSS, ACCESS, REPLACED, INTERRUPTED],
        "environments": [plan.environment for plan in plans] if len(plans) > 1 else [],
        "rows": [_row(row, number, longest, several=len(plans) > 1) for number, row in enumerate(rows, 1)],
        "drift": [entry for plan in plans for entry in _drift(plan, longest, several=len(plans) > 1)],
        "notes": [{"text": text, "stacks": stacks} for text, stacks in notes(plans)],
    }
    printed: dict[str, Any] = _printable(content)
    return printed


def _row(row: Row, number: int, longest: int, *, several: bool) -> dict[str, Any]:
    change, impact = row.change, row.impact
    return {
        "id": number,
        "title": row.title,
        "type": "" if row.creates_stack else change.resource_type,
        "effect": row.effect,
        "extent": row.extent,
        "concerns": [concern for concern, applies in _concerns(row) if applies],
        "environments": list(dict.fromkeys(place.environment for place in row.places)),
        "places": [
            {"name": f"{place.environment}: {place.name}" if several else place.name, "source": place.source}
            for place in row.places
        ],
        "data": f"{impact.holds}: {impact.fate}" if impact.holds else "",
        "consequence": impact.why,
        "wait": format_duration(row.longest_wait_seconds) if row.longest_wait_seconds else "",
        "contents": [f"{count} {resource_type}" for resource_type, count in row.contents],
        "values": [_value(detail, longest) for detail in change.details],
        "access": _access(row.grants.added, row.grants.removed, longest),
    }


def _concerns(row: Row) -> Iterable[tuple[str, bool]]:
    kind = row.impact.kind
    return (
        (LOSS, row.impact.loses),
        (ACCESS, bool(row.grants.added or row.grants.removed)),
        (REPLACED, kind in (REPLACEMENT, DELETION)),
        (INTERRUPTED, kind == INTERRUPTION),
    )


def _value(detail: Detail, longest: int) -> dict[str, Any]:
    differs = detail.before != detail.after or not detail.after
    return {
        "name": detail.path.removeprefix("/Properties/") or detail.name or detail.attribute,
        "recreation": detail.recreation if detail.recreation != "Never" else "",
        "parts": word_difference(detail.before, detail.after, longest)
        if differs
        else [["same", cut(detail.after, longest)]],
    }


def _access(added: Sequence[str], removed: Sequence[str], longest: int) -> list[dict[str, Any]]:
    """Return the added, removed and changed policy statements. A changed statement shows which words differ."""
    rest, statements = list(removed), []
    for statement in added:
        before = max(rest, key=functools.partial(_likeness, statement), default="")
        if before and _likeness(statement, before) >= ALIKE:
            rest.remove(before)
            statements.append({"kind": "changed", "parts": word_difference(before, statement, longest)})
        else:
            statements.append({"kind": ADDED, "parts": [["new", cut(statement, longest)]]})
    return [*statements, *({"kind": REMOVED, "parts": [["gone", cut(statement, longest)]]} for statement in rest)]


def _likeness(one: str, other: str) -> float:
    words, others = set(one.split()), set(other.split())
    return len(words & others) / max(len(words | others), 1)


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


def _printable(value: Any) -> Any:
    match value:
        case str():
            return printable(value)
        case dict():
            return {key: _printable(item) for key, item in value.items()}
        case list() | tuple():
            return [_printable(item) for item in value]
    return value
