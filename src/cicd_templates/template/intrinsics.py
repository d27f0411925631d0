"""Recognizes CloudFormation's intrinsic functions in a template that is plain data.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}!.]+)")


def is_intrinsic_function(value: Any) -> bool:
    """Return whether `value` is a function call: a map whose only key is `Ref` or begins with `Fn::`."""
    return isinstance(value, dict) and len(value) == 1 and _is_name(next(iter(value)))


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
