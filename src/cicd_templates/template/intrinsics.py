"""Recognizes CloudFormation's intrinsic functions in a template that is plain data.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{([^}!.]+)")


def is_intrinsic_function(value: Any) -> bool:
    """Return whether `value` is a function call: a map whose only key is `Ref` or begins with `Fn::`."""
    return isinstance(value, dict) and len(value) == 1 and _is_name(next(iter(value)))


def may_be_absent(value: Any) -> bool:
    """Return whether `value` removes its property: `AWS::NoValue`, or an `Fn::If` that may return `AWS::NoValue`."""
    match value:
        case {"Fn::If": [_, first, second]}:
            return may_be_absent(first) or may_be_absent(second)
    return bool(value == NO_VALUE)


def possible_values(value: Any) -> Iterator[Any]:
    """Yield the values that a property can have: `value` itself or, for an `Fn::If`, the values of both branches.

    Yield the items of a list one by one. Yield nothing for `AWS::NoValue`, which removes a property or an item.
    """
    match value:
        case [*items]:
            for item in items:
                yield from possible_values(item)
        case {"Fn::If": [_, first, second]}:
            yield from possible_values(first)
            yield from possible_values(second)
        case _ if value == NO_VALUE:
            return
        case _:
            yield value


def values_at(value: Any, *keys: str) -> Iterator[Any]:
    """Yield the possible values at the path `keys` below `value`: in each item of a list, each branch of an `Fn::If`.

    Nothing is yielded for a property that is absent, or below any other intrinsic function.
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


def _is_name(key: Any) -> bool:
    return key == "Ref" or str(key).startswith("Fn::")
