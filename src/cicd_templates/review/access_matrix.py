"""The access matrix: who may do what, on what, under which condition, and why a `*` is there.

Statements that differ in nothing but who has them are one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cicd_templates.review.statements import Statement

IDENTITY = ("stack", "who", "statement", "may", "on", "when", "why every resource")
RESOURCE = ("stack", "on", "statement", "who", "may", "when")
TRUST = ("stack", "role", "may be assumed by", "when")
Row = tuple[str, ...]


def identity_rows(label: str, found: Iterable[Statement]) -> list[Row]:
    """What roles and policies allow and deny."""
    return _grouped(
        (label, each.holder, each.deed, each.actions, each.on, each.when, each.because)
        for each in found
        if not each.who and not each.trust
    )


def resource_rows(label: str, found: Iterable[Statement]) -> list[Row]:
    """What resources themselves admit and refuse."""
    return _grouped(
        (label, f"{each.holder}: {each.on}", each.deed, each.who, each.actions, each.when)
        for each in found
        if each.who and not each.trust
    )


def trust_rows(label: str, found: Iterable[Statement]) -> list[Row]:
    """Who may assume which roles."""
    return _grouped((label, each.holder, each.who, each.when) for each in found if each.trust)


def _grouped(rows: Iterable[Row]) -> list[Row]:
    """`rows` with those that differ in the second cell alone as one."""
    groups: dict[Row, list[str]] = {}
    for label, holder, *rest in rows:
        groups.setdefault((label, *rest), []).append(holder)
    return [(label, _together(holders), *rest) for (label, *rest), holders in groups.items()]


def _together(holders: Sequence[str]) -> str:
    """Holders, with what they have on: `A, B: itself` where it is the same for all."""
    names, said = [], []
    for holder in holders:
        name, _, on = holder.partition(": ")
        names.append(name)
        said.append(on)
    if len(set(said)) == 1:
        return ", ".join(dict.fromkeys(names)) + (f": {said[0]}" if said[0] else "")
    return ", ".join(holders)
