"""Recognizes CloudFormation's intrinsic functions in a template that is plain data.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

from typing import Any


def is_intrinsic_function(value: Any) -> bool:
    """Return whether `value` is a function call: a map whose only key is `Ref` or begins with `Fn::`."""
    return isinstance(value, dict) and len(value) == 1 and _is_name(next(iter(value)))


def _is_name(key: Any) -> bool:
    return key == "Ref" or str(key).startswith("Fn::")
