"""Recognizes CloudFormation's intrinsic functions in a template that is plain data.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}
# The types of lists in plain data. A check against `list | tuple` would take three times as long.
LISTS = (list, tuple)
_VARIABLE = re.compile(r"\$\{([^}!.]+)")


def is_intrinsic_function(value: Any) -> bool:
    """Return whether `value` is a function call: a map whose only key is `Ref` or begins with `Fn::`."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    return key == "Ref" or str(key).startswith("Fn::")


def may_be_absent(value: Any) -> bool:
    """Return whether `value` removes its property: `AWS::NoValue`, or an `Fn::If` that may return `AWS::NoValue`."""
    match value:
        case {"Fn::If": [_, first, second]}:
            return may_be_absent(first) or may_be_absent(second)
    return bool(value == NO_VALUE)


def possible_values(value: Any) -> list[Any]:
    """Return the values that a property can have: `value` itself or, for an `Fn::If`, the values of both branches.

    Return the items of a list one by one. Return nothing for `AWS::NoValue`, which removes a property or an item.
    """
    if isinstance(value, LISTS):
        values: list[Any] = []
        for item in value:
            # Nearly all items are texts, and a call for each of them would take longer.
            values += [item] if isinstance(item, str) else possible_values(item)
        return values
    match value:
        case {"Fn::If": [_, first, second]}:
            return [*possible_values(first), *possible_values(second)]
    return [] if value == NO_VALUE else [value]


def values_at(value: Any, *keys: str) -> Iterator[Any]:
    """Yield the possible values at the path `keys` below `value`.

    The path leads into each item of a list and both branches of an `Fn::If`, but into no other intrinsic function.
    """
    for possible in possible_values(value):
        if not keys:
            yield possible
        elif isinstance(possible, dict) and keys[0] in possible:
            yield from values_at(possible[keys[0]], *keys[1:])


def referenced_names(value: Any) -> Iterator[str]:
    """Yield the logical ids, parameters and pseudo parameters to which the functions in `value` refer."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::GetAtt": str(text)}:
            yield text.partition(".")[0]
        case {"Fn::Sub": str(text)}:
            yield from _VARIABLE.findall(text)
        case {"Fn::Sub": [str(text), dict(values)]}:
            yield from (name for name in _VARIABLE.findall(text) if name not in values)
            yield from referenced_names(list(values.values()))
        case dict():
            yield from referenced_names(list(value.values()))
        case list():
            for item in value:
                yield from referenced_names(item)
