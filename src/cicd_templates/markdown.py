"""Markdown from text that anybody may have written, and tables with one fact a row.

Every page of this package is made with these functions. A change of one fact is a change of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cicd_templates.printable import printable

# GitHub looks for mentions, issues and addresses after it has rendered the page, so an escape does not hold them off;
# it does not look into code. A bracket is only read where a link's target or a reference follows.
_ACTIVE = re.compile(
    r"(?P<mention>[@#]+(?=\w)|(?<=GH)-(?=\d))"
    r"|[\\|*`~]|\](?=[(\[:]|$)|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_])",
    re.IGNORECASE,
)
_BLOCK_START = re.compile(r"^(?=[#>+=\[-])|^\d+(?=[.)](?: |$))")
_PIPE = re.compile(r"(\\*)\|")
_ENTITY = re.compile(r"&(?=#?\w+;)")


class Markup(str):
    """Markdown that is ready to stand on a page; plain text becomes `Markup` by `cell`, `plain` or `code`."""

    __slots__ = ()


def cell(text: str) -> Markup:
    """Return `text` for a cell of a table: on one line, printable, shown as it was typed.

    Nothing in it ends the cell or is read as HTML, link, image, address, mention, issue, code or emphasis.
    """
    escaped = _ENTITY.sub("&amp;", printable(text)).replace("<", "&lt;")
    return Markup(_ACTIVE.sub(lambda part: f"`{part[0]}`" if part["mention"] else f"\\{part[0]}", escaped))


def plain(text: str) -> Markup:
    """Return `text` for any place outside of tables, as `cell` does; it begins no heading, list, quote or code."""
    return Markup(_BLOCK_START.sub(lambda start: f"{start[0]}\\", cell(text.strip())))


def code(text: str) -> Markup:
    """Return `text` as a code span outside of tables, however many backticks it has; nothing for no text."""
    shown = printable(text)
    if not shown.strip():
        return Markup("")
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if {shown[0], shown[-1]} & {"`", " "} else ""
    return Markup(f"{fence}{space}{shown}{space}{fence}")


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
