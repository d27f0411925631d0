"""Foreign text as a terminal and a page may show it: what nobody sees and what steers a terminal becomes visible.

Foreign is what this program did not write: reports, waivers, what AWS answers, commits, file names, templates of
another branch. Nothing is left out, so that a reader sees what somebody tried.
"""

from __future__ import annotations

import re

# Letters, marks and a symbol that Python calls printable and no font shows.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    r"""Return `text` on one line, with control, format and other invisible characters as escapes such as `\x1b`.

    A line break, a tab and any other white space is a space. Lone surrogates are escaped, so the result encodes.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(map(_visible, " ".join(text.splitlines())))


def printable_lines(text: str) -> str:
    r"""Return `text` with each of its lines made `printable`; only `\n` ends a line."""
    return "\n".join(map(printable, text.split("\n")))


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    if character.isprintable() and not _INVISIBLE.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
