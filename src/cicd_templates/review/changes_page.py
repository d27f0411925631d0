"""Writes changes as Markdown for a pull request. The most important changes come first. Equal changes are merged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd_templates.markdown import code, plain
from cicd_templates.plurals import counted
from cicd_templates.review.changes import CHANGE_KINDS, TemplateChange, template_changes
from cicd_templates.review.reviewed_stacks import review_stacks
from cicd_templates.template.schemas import create_only
from cicd_templates.template.stack_template import StackTemplate

_MEANINGS = {
    "Renamed": (
        "A service was renamed. Its old stacks stay in AWS, with their access, until `make destroy` deletes them."
    ),
    "Replaced": "CloudFormation creates a new resource and deletes the old one.",
    "Access widened": "A changed condition is listed here if it may allow more access; check whether it does.",
}


def comparison(title: str, before: Sequence[StackTemplate], after: Sequence[StackTemplate]) -> str:
    """Return the page with the changes between two versions of the templates, `before` and `after`."""
    changes = template_changes(review_stacks(before), review_stacks(after), create_only)
    stacks = {(stack.environment, stack.label) for stack in (*before, *after)}
    return markdown(title, changes, len(stacks))


def markdown(title: str, changes: Sequence[TemplateChange], stacks: int) -> str:
    """Return the page: the title, a summary, and a section for each kind of change that occurs."""
    changed_stacks = {(change.environment, change.where.partition(".")[0].partition(",")[0]) for change in changes}
    lines = [f"# {plain(title)}", "", _summary(changes, len(changed_stacks), stacks)]
    for kind in CHANGE_KINDS:
        of_kind = [change for change in changes if change.kind == kind]
        rows = _merged_lines(of_kind)
        if rows:
            meaning = [_MEANINGS[kind], ""] if kind in _MEANINGS else []
            merged = f" in {counted(len(rows), 'line')}" if len(rows) < len(of_kind) else ""
            lines += ["", f"## {kind} ({len(of_kind)}{merged})", "", *meaning, *rows]
    return "\n".join(lines) + "\n"


def _summary(changes: Sequence[TemplateChange], changed_stacks: int, stacks: int) -> str:
    if not changes:
        return f"No changes: the templates of all stacks ({stacks}) are the same as before."
    counts = [
        f"{sum(change.kind == kind for change in changes)} {kind.lower()}"
        for kind in CHANGE_KINDS
        if any(change.kind == kind for change in changes)
    ]
    return f"{changed_stacks} of {stacks} stacks: {', '.join(counts)}."


def _merged_lines(changes: Sequence[TemplateChange]) -> list[str]:
    """Merge equal changes. Return one line for each distinct change, with the resources that it affects.

    Changes that differ only in the names of their environments count as the same.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    texts: dict[str, str] = {}
    for change in changes:
        pattern = re.sub(rf"\b{re.escape(change.environment)}\b", "{environment}", change.text)
        texts[pattern] = change.text
        groups.setdefault(pattern, {}).setdefault(change.environment, []).append(change.where)
    lines = []
    for pattern, locations in groups.items():
        text = pattern if len(locations) > 1 else texts[pattern]
        lines.append(f"- {_locations_text(locations)}: {text}")
    return lines


def _locations_text(locations: dict[str, list[str]]) -> str:
    by_names: dict[tuple[str, ...], list[str]] = {}
    for environment, names in locations.items():
        by_names.setdefault(tuple(dict.fromkeys(names)), []).append(environment)
    named = [(plain(", ".join(environments)), _shortened(names)) for names, environments in by_names.items()]
    return "; ".join(f"**{environments}** {names}" for environments, names in named)


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(map(code, names[:6]))
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
