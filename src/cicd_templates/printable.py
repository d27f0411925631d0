"""Escapes control and invisible characters, so that foreign text is safe to show in a terminal or on a page.

Foreign text is any text that this program did not write: reports, waivers, responses from AWS, commits, file names,
templates of another branch. Characters are never removed, so that a reader can see what somebody tried to hide.
"""

from __future__ import annotations

import re

# Letters, marks and a symbol that Python calls printable although no font displays them.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str) -> str:
    r"""Return `text` on one line, with control, format and other invisible characters as escapes such as `\x1b`.

    Line breaks, tabs and all other white space become spaces. Lone surrogates are escaped, so that the result can
    be encoded.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(map(_visible, " ".join(text.splitlines())))


def printable_lines(text: str) -> str:
    r"""Return `text` with `printable` applied to each of its lines. Only `\n` ends a line."""
    return "\n".join(map(printable, text.split("\n")))


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    if character.isprintable() and not _INVISIBLE.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
