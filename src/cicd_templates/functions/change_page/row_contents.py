"""Turns rows into the JSON that `page.js` displays. `page.js` reads exactly these fields.

Every text is made printable: control characters, and characters that reverse or hide text, become escapes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from cicd_templates.functions.change_page.rows import IMAGE, REFERENCES, Row
from cicd_templates.functions.change_page.word_difference import cut, word_difference
from cicd_templates.printable import printable
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.impact import DELETION, INTERRUPTION, REPLACEMENT, Detail

# The filters of the page. A row has the concerns that apply to it.
LOSS, ACCESS, REPLACED, PERHAPS, INTERRUPTED = "data loss", "access", "replaced", "perhaps replaced", "interruption"
FILTERS = (LOSS, ACCESS, REPLACED, PERHAPS, INTERRUPTED)
ADDED, REMOVED = "now", "no longer"
# Two statements that share at least this fraction of their words are shown as one changed statement.
ALIKE = 0.5


def row_content(row: Row, number: int, longest: int, *, several: bool) -> dict[str, Any]:
    """Return the data of a row, as the page displays it. Values are cut to `longest` characters.

    `number` identifies the row on its page. If `several` is true, the page is about several environments, so the name
    of each place begins with the environment.
    """
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
        # Resources that share a row because of references can refer to different values.
        "values": [_value_content(detail, longest) for detail in change.details if row.nature != REFERENCES],
        "access": _access_content(row.grants.added, row.grants.removed, longest),
    }


def _concerns(row: Row) -> Iterable[tuple[str, bool]]:
    kind, certain = row.impact.kind, row.impact.certain
    ends = kind in (REPLACEMENT, DELETION) and row.nature not in (IMAGE, REFERENCES)
    unsure = kind == REPLACEMENT and row.nature != IMAGE and (not certain or row.nature == REFERENCES)
    return (
        (LOSS, row.impact.loses),
        (ACCESS, bool(row.grants.added or row.grants.removed)),
        (REPLACED, ends and certain),
        (PERHAPS, unsure),
        (INTERRUPTED, kind == INTERRUPTION),
    )


def _value_content(detail: Detail, longest: int) -> dict[str, Any]:
    differs = detail.before != detail.after or not detail.after
    return {
        "name": detail.path.removeprefix("/Properties/") or detail.name or detail.attribute,
        "recreation": detail.recreation if detail.recreation != "Never" else "",
        "parts": word_difference(detail.before, detail.after, longest)
        if differs
        else [["same", cut(detail.after, longest)]],
    }


def _access_content(added: Sequence[str], removed: Sequence[str], longest: int) -> list[dict[str, Any]]:
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


def printable_content(value: Any) -> Any:
    """Return a copy of `value` in which all texts are printable.

    `value` consists of dictionaries, lists, texts and numbers.
    """
    match value:
        case str():
            return printable(value)
        case dict():
            return {key: printable_content(item) for key, item in value.items()}
        case list() | tuple():
            return [printable_content(item) for item in value]
    return value
