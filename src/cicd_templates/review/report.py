"""Changes as Markdown for a pull request: what a reviewer should worry about first, and what is alike said once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cicd_templates.review.changes import CHANGE_KINDS, Change

_MEANINGS = {
    "Replaced": "CloudFormation makes a new resource and removes the old one.",
    "Access widened": "Also where a condition changed to another one: read which admits more.",
}


def markdown(title: str, found: Sequence[Change], stacks: int) -> str:
    """The page: its title, how much changed of how many stacks, and a section for each kind of change there is."""
    touched = {(each.environment, each.where.partition(".")[0].partition(",")[0]) for each in found}
    lines = [f"# {title}", "", _summary(found, len(touched), stacks)]
    for kind in CHANGE_KINDS:
        rows = _grouped([each for each in found if each.kind == kind])
        if rows:
            meaning = [_MEANINGS[kind], ""] if kind in _MEANINGS else []
            lines += ["", f"## {kind} ({len(rows)})", "", *meaning, *rows]
    return "\n".join(lines) + "\n"


def _summary(found: Sequence[Change], touched: int, stacks: int) -> str:
    if not found:
        return f"Nothing: all {stacks} stacks say the same as before."
    counts = [
        f"{sum(each.kind == kind for each in found)} {kind.lower()}"
        for kind in CHANGE_KINDS
        if any(each.kind == kind for each in found)
    ]
    return f"{touched} of {stacks} stacks: {', '.join(counts)}."


def _grouped(found: Sequence[Change]) -> list[str]:
    """A line for each way in which something changed, with all the places where it did.

    What differs by the environment's own name alone is alike.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    for each in found:
        alike = re.sub(rf"\b{re.escape(each.environment)}\b", "{environment}", each.words)
        groups.setdefault(alike, {}).setdefault(each.environment, []).append(each.where)
    lines = []
    for alike, places in groups.items():
        words = alike if len(places) > 1 else alike.replace("{environment}", next(iter(places)))
        lines.append(f"- {_places(places)}: {words}")
    return lines


def _places(places: dict[str, list[str]]) -> str:
    by_names: dict[tuple[str, ...], list[str]] = {}
    for environment, names in places.items():
        by_names.setdefault(tuple(dict.fromkeys(names)), []).append(environment)
    return "; ".join(f"**{', '.join(environments)}** {_shortened(names)}" for names, environments in by_names.items())


def _shortened(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"
