"""Writes Markdown tables with one fact per row, so that a changed fact is one changed line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# A bracket only has a meaning in front of a link target, because the pages define no link references.
_ACTIVE = re.compile(r"[\\|*`]|\](?=\()")
_PIPE = re.compile(r"(\\*)\|")
_ENTITY = re.compile(r"&(?=#?\w+;)")


class Markup(str):
    """Markdown that is ready to stand in a cell of a table; plain text becomes `Markup` by `cell`."""

    __slots__ = ()


def cell(text: str) -> Markup:
    """Return plain `text` for a cell: on one line, with characters escaped that end the cell or start markup.

    HTML, links, images, code and emphasis by `*` are shown as typed. A viewer may still link a bare address.
    """
    escaped = _ENTITY.sub("&amp;", _one_line(text)).replace("<", "&lt;")
    return Markup(_ACTIVE.sub(r"\\\g<0>", escaped))


def markdown_cell(markdown: str) -> Markup:
    """Return Markdown for a cell: on one line, and with its pipes escaped."""
    return Markup(_PIPE.sub(lambda pipe: f"{pipe[1]}{'' if len(pipe[1]) % 2 else chr(92)}|", _one_line(markdown)))


def table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table, or `None.` where there are no rows; text that is not `Markup` is escaped."""
    lines = [table_row(cells) for cells in rows]
    if not lines:
        return ["None."]
    return [table_row(map(Markup, heads)), "|" + "---|" * len(heads), *lines]


def table_row(cells: Iterable[str]) -> str:
    """Return one row of a table; text that is not `Markup` is escaped."""
    return f"| {' | '.join(text if isinstance(text, Markup) else cell(text) for text in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
