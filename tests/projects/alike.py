"""Finds templates that differ in nothing but names, so that cfn-lint has to check only one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MOVED = re.compile(r" \|-\n +(?=[^\n]*\n)")


def longest_of_each_form(templates: Iterable[tuple[Path, str, re.Pattern[str]]]) -> list[Path]:
    """Return one path for each form of a template, from pairs of path and text with the names of their project.

    It is the longest text of its form: names share a grammar, so the longest can break every limit that another breaks.
    """
    longest: dict[str, tuple[int, Path]] = {}
    for path, text, names in templates:
        kept = form(text, names)
        longest[kept] = max(longest.get(kept, (0, path)), (len(text), path), key=lambda entry: entry[0])
    return sorted(path for _, path in longest.values())


def form(text: str, names: re.Pattern[str]) -> str:
    """Return the text with each name replaced by the number of its first appearance.

    Two texts have the same form if one becomes the other when its names are exchanged for others, one for one. A
    long text that the emitter moves to a line of its own counts as if it had stayed.
    """
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[0].replace("-", "").lower()
        return f"<{'capital ' * match[0][0].isupper()}{numbers.setdefault(name, len(numbers))}>"

    return names.sub(number, MOVED.sub(" ", text))


def names_of(raw: dict[str, Any]) -> re.Pattern[str]:
    """Return what matches the names that a configuration gives, as they are and as parts of logical ids."""
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
