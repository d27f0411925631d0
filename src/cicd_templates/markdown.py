"""Escapes untrusted text for Markdown, and writes Markdown tables.

All Markdown pages of this package are written with these functions. Each table row contains one fact, so a changed fact
changes only one line of a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cicd_templates.printable import printable

# GitHub searches the rendered page for mentions, issues and addresses, so a backslash does not disarm a mention; a code
# span does, because GitHub does not search code. A bracket has a meaning only if a link target or a reference follows.
# The first line has the beginnings of all matches. With it, a search takes a quarter of the time.
_ACTIVE = re.compile(
    r"(?=[@#\-\\|*`~\]:._])(?:"
    r"(?P<mention>[@#]+(?=\w)|(?<=GH)-(?=\d))"
    r"|[\\|*`~]|\](?=[(\[:]|$)|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_]))",
    re.IGNORECASE,
)
_BLOCK_START = re.compile(r"^(?=[#>+=\[-])|^\d+(?=[.)](?: |$))")
_PIPE = re.compile(r"(\\*)\|")
_ENTITY = re.compile(r"&(?=#?\w+;)")

# The pages of the environments have many equal cells.
CACHED_CELLS = 1 << 12


class Markup(str):
    """Safe Markdown, which must not be escaped again. `cell`, `plain` and `code` turn plain text into `Markup`."""

    __slots__ = ()


@lru_cache(CACHED_CELLS)
def cell(text: str) -> Markup:
    """Escape `text` for a table cell. The result is one printable line. On a rendered page, the cell shows `text`.

    The text cannot end the cell, and nothing in it becomes HTML, code, emphasis, an image or a link. Characters such as
    `@` or `#` are put into a code span, so that GitHub does not link them to a user or an issue.
    """
    escaped = _ENTITY.sub("&amp;", printable(text)).replace("<", "&lt;")
    return Markup(_ACTIVE.sub(lambda part: f"`{part[0]}`" if part["mention"] else f"\\{part[0]}", escaped))


def plain(text: str) -> Markup:
    """Escape `text` for use outside tables.

    The text is escaped in the same way as by `cell`. In addition, it cannot begin a heading, list, quote or code block.
    """
    return Markup(_BLOCK_START.sub(lambda start: f"{start[0]}\\", cell(text.strip())))


def code(text: str) -> Markup:
    """Return `text` as a code span for use outside tables, or an empty string if `text` is blank.

    Backticks in `text` are kept.
    """
    shown = printable(text)
    if not shown.strip():
        return Markup("")
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    space = " " if {shown[0], shown[-1]} & {"`", " "} else ""
    return Markup(f"{fence}{space}{shown}{space}{fence}")


def markdown_cell(markdown: str) -> Markup:
    """Return `markdown` on one line with its pipes escaped, so that it fits in a table cell."""
    return Markup(_PIPE.sub(lambda pipe: f"{pipe[1]}{'' if len(pipe[1]) % 2 else chr(92)}|", _one_line(markdown)))


def table(heads: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table, or the line `None.` if there are no rows. Text is escaped unless it is `Markup`."""
    lines = [table_row(cells) for cells in rows]
    if not lines:
        return ["None."]
    return [table_row(map(Markup, heads)), "|" + "---|" * len(heads), *lines]


def table_row(cells: Iterable[str]) -> str:
    """Return one row of a table. Cells are escaped unless they are `Markup`."""
    return f"| {' | '.join(text if isinstance(text, Markup) else cell(text) for text in cells)} |"


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())
