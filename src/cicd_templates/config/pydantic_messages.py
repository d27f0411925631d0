"""Writes messages about wrong keys and values in the configuration.

They use the terms of TOML, not of Python or pydantic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cicd_templates.config.tables.table import Table
from cicd_templates.errors import closest
from cicd_templates.plurals import counted


def message_for(detail: ErrorDetails, model: type[Table]) -> str:
    """Return the message for an error in a table that `model` describes. The message says what to write instead."""
    match detail["type"]:
        case "extra_forbidden":
            return unknown_key(str(detail["loc"][-1]), _fields_at(model, detail["loc"][:-1]))
        case "missing":
            field = _fields_at(model, detail["loc"][:-1])[str(detail["loc"][-1])]
            return f"missing; this key is required: {field.description}"
        case _:
            return _wrong_value(detail)


def unknown_key(key: str, known: Collection[str]) -> str:
    """Return the message for a key that is none of `known`. It proposes a similar key if there is one."""
    close = closest(key, [*known])
    return f"unknown key; did you mean {close}?" if close else f"unknown key; known keys are {', '.join(known)}"


def _fields_at(model: type[Table], loc: tuple[str | int, ...]) -> Mapping[str, FieldInfo]:
    """Return the fields of a table inside `model`. `loc` is the path to this table, as in an error of pydantic."""
    fields: Mapping[str, FieldInfo] = model.model_fields
    steps = iter(loc)
    for step in steps:
        annotation: Any = fields[str(step)].annotation
        while get_origin(annotation) is dict:
            # The next part of the path is a key that the user chose.
            annotation = get_args(annotation)[1]
            next(steps)
        choices = get_args(annotation) or (annotation,)
        tables: list[type[Table]] = [choice for choice in choices if issubclass(choice, Table)]
        fields = tables[0].model_fields
    return fields


def _wrong_value(detail: ErrorDetails) -> str:
    kind, value, limits = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        return _choice(value, str(limits["expected"]))
    if kind in ("too_short", "too_long"):
        return _length(kind, value, limits)
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"write a number {word} {limits[key]}, not {toml_text(value)}"
    if kind in _TYPES:
        return _TYPES[kind](value)
    # Today, no TOML value causes an error of another type. If a new field type causes one, users get pydantic's
    # own message.
    return f"{detail['msg']}, not {toml_text(value)}"


def toml_text(value: Any) -> str:
    """Return a value in the syntax of TOML. For a table, return only the words "a table"."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "a table"
        case list():
            return f"[{', '.join(map(toml_text, value))}]"
        case date() | time():
            return value.isoformat()
        case _:
            return repr(value)


def _choice(value: Any, expected: str) -> str:
    close = closest(repr(value), expected.replace(" or ", ", ").split(", "))
    return f"use {expected}, not {toml_text(value)}{f'; did you mean {close}?' if close else ''}"


def _length(kind: str, value: Any, limits: dict[str, Any]) -> str:
    number = int(limits["min_length" if kind == "too_short" else "max_length"])
    nouns = ("value", "")
    if isinstance(value, str):
        nouns = ("character", "")
    elif isinstance(value, Mapping):
        nouns = ("entry", "entries")
    bound = "at least" if kind == "too_short" else "at most"
    return f"write {bound} {counted(number, *nouns)}, not {len(value):,}"


def _string(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'write it in quotes: "{value}"'
    return f"write a string in quotes, not {toml_text(value)}"


_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
}
_TYPES: dict[str, Callable[[Any], str]] = {
    "string_type": _string,
    "int_type": lambda value: f"write a whole number without quotes, not {toml_text(value)}",
    "float_type": lambda value: f"write a number without quotes, not {toml_text(value)}",
    "bool_type": lambda value: f"write true or false without quotes, not {toml_text(value)}",
    "tuple_type": lambda value: f"write a list in square brackets, not {toml_text(value)}",
    "dict_type": lambda value: f"write a table, not {toml_text(value)}",
    "model_type": lambda value: f"write a table, not {toml_text(value)}",
}
