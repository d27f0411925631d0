"""Defines the items of an environment, what a destruction does with each item, and which items remain afterwards."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cicd_templates.plurals import counted


class Fate(StrEnum):
    """What a destruction does with an item. Tables list the items in the order of the members below."""

    DELETED = "deleted"
    EMPTIED = "emptied and deleted"
    SCHEDULED = "scheduled"
    RETAINED = "retained by policy"
    UNTOUCHED = "not touched"


@dataclass(frozen=True)
class Item:
    """A resource or stack that belongs to an environment.

    `stack` is the label of the stack that owns the item, or empty if no stack owns it. `detail` is an explanation for
    the table, or empty.
    """

    resource_type: str
    name: str
    fate: Fate
    stack: str = ""
    detail: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Return the type and the name, which together identify the item."""
        return self.resource_type, self.name


@dataclass(frozen=True)
class Remainder:
    """A resource or stack that is left after a destruction. `reason` says why it is left.

    `explained` is true if the destruction keeps the resource on purpose. If it is false, `command` removes the
    resource.
    """

    resource_type: str
    name: str
    reason: str
    explained: bool
    command: str = ""


def item_lines(environment: str, items: Sequence[Item]) -> list[str]:
    """Return the inventory as lines of text.

    Items that are deleted with their stack and have no `detail` are only counted, by resource type. Every other item
    has its own line.
    """
    if not items:
        return [f"  inventory of {environment}: nothing"]
    stacks = len({item.stack for item in items if item.stack})
    of, resources = counted(stacks, "stack"), counted(len(items), "resource")
    lines = [f"  inventory of {environment}: {of}; {resources}, including any outside these stacks"]
    for fate in Fate:
        group = [item for item in items if item.fate is fate]
        if not group:
            continue
        lines.append(f"    {fate.value}: {len(group)}")
        plain = [item for item in group if fate is Fate.DELETED and item.stack and not item.detail]
        counts = sorted(Counter(item.resource_type for item in plain).items())
        lines += _wrapped([f"{count} {kind.removeprefix('AWS::')}" for kind, count in counts])
        for item in group:
            if item not in plain:
                lines.append(f"      {item.resource_type} {item.name}")
                lines += [f"        {item.detail}"] if item.detail else []
    return lines


def _wrapped(words: Sequence[str]) -> list[str]:
    return textwrap.wrap(", ".join(words), width=78, initial_indent=" " * 6, subsequent_indent=" " * 6)


def remainder_lines(environment: str, remains: Sequence[Remainder]) -> list[str]:
    """Return lines of text about the remaining items, grouped by reason.

    For an item that the destruction should have removed, the line also shows the command that removes it.
    """
    if not remains:
        return [f"  left of {environment}: nothing"]
    lines = [f"  left of {environment}:"]
    by_reason: dict[tuple[bool, str], list[Remainder]] = {}
    for remainder in remains:
        by_reason.setdefault((remainder.explained, remainder.reason), []).append(remainder)
    for (explained, reason), group in by_reason.items():
        lines.append(f"    {reason}" if explained else f"    UNEXPLAINED: {reason}")
        for remainder in group:
            lines.append(f"      {remainder.resource_type} {remainder.name}")
            lines += [f"        {remainder.command}"] if remainder.command and not explained else []
    return lines
