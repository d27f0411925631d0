"""What a wrong value should have been, in the words of TOML instead of those of Python and pydantic."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from datetime import date, time
from typing import Any

from pydantic_core import ErrorDetails

from cicd_templates.plurals import counted


def told(detail: ErrorDetails) -> str:
    """What is wrong with a value, and what would be right, from what pydantic found."""
    kind, value, limits = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        return _choice(value, str(limits["expected"]))
    if kind in ("too_short", "too_long"):
        return _length(kind, limits)
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"write a number {word} {limits[key]}, not {shown(value)}"
    if kind in _KINDS:
        return _KINDS[kind](value)
    # Nothing that a TOML file can hold leads here today; a new kind of value is told in pydantic's words at least.
    return f"{detail['msg']}, not {shown(value)}"


def shown(value: Any) -> str:
    """A value as a TOML file has it; of a table only that it is one."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case date() | time():
            return value.isoformat()
        case _:
            return repr(value)


def _choice(value: Any, expected: str) -> str:
    close = difflib.get_close_matches(repr(value), expected.replace(" or ", ", ").split(", "), n=1)
    return f"use {expected}, not {shown(value)}{f'; did you mean {close[0]}?' if close else ''}"


def _length(kind: str, limits: dict[str, Any]) -> str:
    number = int(limits["min_length" if kind == "too_short" else "max_length"])
    return f"write {'at least' if kind == 'too_short' else 'at most'} {counted(number, 'value')}"


def _text(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'write it in quotes: "{value}"'
    return f"write a text in quotes, not {shown(value)}"


_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
}
_KINDS: dict[str, Callable[[Any], str]] = {
    "string_type": _text,
    "int_type": lambda value: f"write a whole number without quotes, not {shown(value)}",
    "float_type": lambda value: f"write a number without quotes, not {shown(value)}",
    "bool_type": lambda value: f"write true or false without quotes, not {shown(value)}",
    "tuple_type": lambda value: f"write a list in square brackets, not {shown(value)}",
    "dict_type": lambda value: f"write a table, not {shown(value)}",
    "model_type": lambda value: f"write a table, not {shown(value)}",
}
