"""Markdown tables: one fact a row, so that a change is one line of a diff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cell(text: str) -> str:
    """`text` so that it stays within its cell and is shown as it is."""
    return text.replace("\n", " ").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; a line that says so where there are no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if not lines:
        return ["None."]
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *lines]
