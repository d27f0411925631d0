"""Make text from tools and applications safe for the summary, so that it cannot imitate the gate's own text."""

from __future__ import annotations

import re

# Python calls these characters printable, but no font displays them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# GitHub finds mentions and issues even if they are escaped, because it searches the rendered text. But GitHub does not
# search in code.
_MARKDOWN = re.compile(
    r"(?P<mention>[@#]+(?=\w)|(?<=GH)-(?=\d))"
    r"|[\\|*`~]|\](?=[(\[:]|$)|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_])",
    re.IGNORECASE,
)
_LINE_START = re.compile(r"^(?=[#>+=\[-])|^\d+(?=[.)](?: |$))")


def one_line(text: str, longest: int) -> str:
    """Return `text` on one line without control and invisible characters, cut after `longest` characters."""
    shown = _UNSEEN.sub("", "".join(each for each in " ".join(text.split()) if each.isprintable())).strip()
    return shown if len(shown) <= longest else f"{shown[:longest]}..."


def escaped(text: str, longest: int = 100) -> str:
    """Return `text` like `one_line`, but escaped: no part of it acts as Markdown, HTML, a mention or a link."""
    without_html = re.sub(r"&(?=#?\w+;)", "&amp;", one_line(text, longest)).replace("<", "&lt;")
    active = _MARKDOWN.sub(lambda part: f"`{part[0]}`" if part["mention"] else f"\\{part[0]}", without_html)
    return _LINE_START.sub(lambda start: f"{start[0]}\\", active)
