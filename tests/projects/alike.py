"""Finds templates that differ only in names, so that cfn-lint has to check only one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MOVED = re.compile(r" \|-\n +(?=[^\n]*\n)")
# No rule reads the comment at the top of a template.
COMMENT = re.compile(r"\A(?:#[^\n]*\n)+")


def longest_of_each_form(templates: Iterable[tuple[Path, str, re.Pattern[str]]]) -> list[Path]:
    """Return one path for each form of a template: the path of its longest text.

    `templates` has each path with its text and with a pattern for the names of its project. If a text breaks a limit
    because its names are long, the longest text of the same form breaks the limit, too.
    """
    longest: dict[str, tuple[int, Path]] = {}
    for path, text, names in templates:
        kept = form(text, names)
        longest[kept] = max(longest.get(kept, (0, path)), (len(text), path), key=lambda entry: entry[0])
    return sorted(path for _, path in longest.values())


def form(text: str, names: re.Pattern[str]) -> str:
    """Return the text with each name replaced by the number of its first appearance.

    Two texts have the same form if exchanging names one for one turns one text into the other. A long text that the
    emitter writes on a line of its own counts as if it were not moved. The comment at the top does not count.
    """
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[0].replace("-", "").lower()
        return f"<{'capital ' * match[0][0].isupper()}{numbers.setdefault(name, len(numbers))}>"

    return names.sub(number, MOVED.sub(" ", COMMENT.sub("", text)))


def names_of(raw: dict[str, Any]) -> re.Pattern[str]:
    """Return a pattern for the names in a configuration, as they are and as parts of logical ids."""
    plain = sorted(set(_names(raw)), key=len, reverse=True)
    words = "|".join(map(re.escape, plain))
    parts = "|".join(re.escape("".join(word.capitalize() for word in name.split("-"))) for name in plain)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])|(?:{parts})(?![a-z])")


def _names(raw: dict[str, Any]) -> Iterator[str]:
    yield from raw["project"].values()
    yield from raw.get("services", {})
    for name, table in raw["environments"].items():
        yield from (name, table["account"])
        for addresses in table.get("stakeholders", {}).values():
            yield from addresses
