"""Markdown tables, one fact a row, so that a change of one fact is a change of one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# A bracket is only read where a link target follows; nothing here defines a reference.
_ACTIVE = re.compile(r"[\\|*`]|\](?=\()")
_PIPE = re.compile(r"(\\*)\|")
_ENTITY = re.compile(r"&(?=#?\w+;)")


class Markup(str):
    """Markdown that is ready to stand in a cell of a table; plain text becomes `Markup` by `cell`."""

    __slots__ = ()


def cell(text: str) -> Markup:
    """Return plain `text` for a cell: on one line, with nothing in it that ends the cell or is read as markup.

    HTML, links, images, code and emphasis by `*` are shown as they are typed. A bare address may still be linked to
    itself by the viewer.
    """
    escaped = _ENTITY.sub("&amp;", _one_line(text)).replace("<", "&lt;")
    return Markup(_ACTIVE.sub(r"\\\g<0>", escaped))


def formatted(markdown: str) -> Markup:
    """Return Markdown that a person wrote for a cell: on one line, and with its pipes escaped."""
    return Markup(_PIPE.sub(lambda pipe: f"{pipe[1]}{'' if len(pipe[1]) % 2 else chr(92)}|", _one_line(markdown)))


def table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table, or the line `None.` where there are no rows; text that is no `Markup` is escaped."""
    lines = [row(cells) for cells in rows]
    if not lines:
        return ["None."]
    return [row(map(Markup, heads)), "|" + "---|" * len(heads), *lines]


def row(cells: Iterable[str]) -> str:
    """Return one row of a table; text that is no `Markup` is escaped."""
    return f"| {' | '.join(text if isinstance(text, Markup) else cell(text) for text in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
