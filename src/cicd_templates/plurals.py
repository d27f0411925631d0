"""Formats a number with its noun in the singular or plural, for messages."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return the number with its noun: `1 finding`, `0 findings`, `1,200 findings`.

    By default, the plural is the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
