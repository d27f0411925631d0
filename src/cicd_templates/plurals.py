"""Formats a number with its noun, singular or plural, for messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: `1 finding`, `0 findings`, `1,200 findings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
