"""Writes the line at the top of the page. It says which changes need a close look, and what cannot be judged.

This module does not call AWS.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from cicd_templates.functions.change_page.answers import first_of, may_interrupt, named, unread_changes
from cicd_templates.functions.change_page.rows import IMAGE, REFERENCES, Row
from cicd_templates.template.changes.impact import DELETION, INTERRUPTION

LOOK_CLOSELY, NOTHING_MARKED = "Look closely", "No warning"
# How the page displays the line. The text says the same, so that nobody depends on a color.
WARNING, CALM = "warning", "calm"
NO_WARNING = (
    f"{NOTHING_MARKED}: this page found no lost or replaced data, no additional access and no interruption. "
    "Still read the changes below."
)


def verdict(rows: Sequence[Row], drift: Sequence[str] = (), unreported: Collection[str] = ()) -> str:
    """Return a line that says which changes need a close look, or that the page found no reason for a warning.

    `drift` describes resources that were changed outside CloudFormation and that need a close look. `unreported` has
    the names of resources whose policies are not known.
    """
    reasons = [*_reasons(rows, unreported), *([f"changed outside CloudFormation: {first_of(drift)}"] if drift else [])]
    return f"{LOOK_CLOSELY}: {'; '.join(reasons)}." if reasons else NO_WARNING


def verdict_mark(line: str) -> str:
    """Return the mark that the page shows before the line of `verdict`: a warning sign, or no mark."""
    return WARNING if line.startswith(LOOK_CLOSELY) else CALM


def _reasons(rows: Sequence[Row], unreported: Collection[str]) -> Iterator[str]:
    lost = [row for row in rows if row.impact.loses]
    by_reason: tuple[tuple[str, Iterable[Row]], ...] = (
        ("data is deleted", (row for row in lost if row.impact.kind == DELETION)),
        ("data is replaced", (row for row in lost if row.impact.kind != DELETION and row.impact.certain)),
        ("data is perhaps replaced", (row for row in lost if row.impact.kind != DELETION and not row.impact.certain)),
        ("access is widened", (row for row in rows if row.grants.widens)),
        ("new stacks grant access", (row for row in rows if row.creates_stack and row.grants.added)),
        ("what others use is replaced", (row for row in rows if may_interrupt(row) and not row.impact.loses)),
        ("a service is interrupted", (row for row in rows if row.impact.kind == INTERRUPTION)),
    )
    for reason, matching in by_reason:
        if names := [named(row) for row in matching if row.nature not in (IMAGE, REFERENCES)]:
            yield f"{reason} ({first_of(names)})"
    if unread := unread_changes(rows, unreported):
        yield f"this page cannot judge the access that is granted ({first_of(unread)})"
