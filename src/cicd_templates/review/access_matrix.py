"""Writes the access matrix: who may do what, on which resources, under which condition, and why a `*` is necessary.

The holder of a statement is the role, managed policy, bucket or other resource whose policy contains the statement.

- Statements that differ only in their holders share one row, which lists the holders.
- Statements of identity policies share one row even if they allow access to different resources. This row lists the
  accessible resources of each holder, such as `A: x; B: y`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cicd_templates.review.statements import Statement

IDENTITY_HEADS = ("stack", "role or policy", "statement", "actions", "resources", "condition", "why every resource")
RESOURCE_HEADS = ("stack", "resource", "statement", "principals", "actions", "condition")
TRUST_HEADS = ("stack", "role", "trusted principals", "condition")
Row = tuple[str, ...]


def identity_rows(label: str, statements: Iterable[Statement]) -> list[Row]:
    """Return the rows of identity policies: what each role or managed policy allows and denies."""
    rows = _merge_holders(
        (
            label,
            statement.holder,
            statement.label,
            statement.actions_text,
            statement.resources_text,
            statement.condition,
            statement.reason,
        )
        for statement in statements
        if not statement.principals_text and not statement.is_trust
    )
    return _merge_resources(rows)


def resource_rows(label: str, statements: Iterable[Statement]) -> list[Row]:
    """Return the rows of resource policies: the principals to which each resource allows or denies access."""
    return _merge_holders(
        (
            label,
            f"{statement.holder}: {statement.resources_text}",
            statement.label,
            statement.principals_text,
            statement.actions_text,
            statement.condition,
        )
        for statement in statements
        if statement.principals_text and not statement.is_trust
    )


def trust_rows(label: str, statements: Iterable[Statement]) -> list[Row]:
    """Return the rows of trust policies: who may assume each role."""
    return _merge_holders(
        (label, statement.holder, statement.principals_text, statement.condition)
        for statement in statements
        if statement.is_trust
    )


def _merge_holders(rows: Iterable[Row]) -> list[Row]:
    """Merge rows that differ only in their second cell, the holder of the policy."""
    groups: dict[Row, list[str]] = {}
    for label, holder, *rest in rows:
        groups.setdefault((label, *rest), []).append(holder)
    return [(label, _holders_text(holders), *rest) for (label, *rest), holders in groups.items()]


def _merge_resources(rows: Iterable[Row]) -> list[Row]:
    """Merge rows that differ only in who has the access (the holders) and in the resources.

    A merged row lists the resources of each holder, such as `A: x; B: y`.
    """
    groups: dict[Row, list[tuple[str, str]]] = {}
    for label, holders, statement, actions, resources, *rest in rows:
        groups.setdefault((label, statement, actions, *rest), []).append((holders, resources))
    merged = []
    for (label, statement, actions, *rest), pairs in groups.items():
        holders = ", ".join(holders for holders, _ in pairs)
        listed = "; ".join(f"{holders}: {resources}" for holders, resources in pairs)
        merged.append((label, holders, statement, actions, listed if len(pairs) > 1 else pairs[0][1], *rest))
    return merged


def _holders_text(holders: Sequence[str]) -> str:
    """Join `holders` to one text. If all of them have the same text after the colon, write this text only once.

    For example, `A: logs` and `B: logs` become `A, B: logs`.
    """
    names, subjects = [], []
    for holder in holders:
        name, _, subject = holder.partition(": ")
        names.append(name)
        subjects.append(subject)
    if len(set(subjects)) == 1:
        return ", ".join(dict.fromkeys(names)) + (f": {subjects[0]}" if subjects[0] else "")
    return ", ".join(holders)
