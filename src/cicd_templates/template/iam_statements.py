"""Finds the IAM statements in the properties of a resource, wherever and however they are written.

A policy can be a map or a JSON text, and a statement can be inside an `Fn::If`. If a statement
cannot be read, the result has a statement that allows `UNREADABLE`, so that a reviewer sees the problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cicd_templates.template.intrinsics import is_intrinsic_function

TRUST_POLICY = "AssumeRolePolicyDocument"
# DOCUMENTS: the endings of the names of properties that contain a policy. CHOSEN: functions that have all possible
# results among their arguments, so the statements in these arguments are read.
DOCUMENTS = ("PolicyDocument", "PolicyText", "KeyPolicy")
CHOSEN = frozenset({"Fn::If", "Fn::Sub", "Fn::Join"})
UNREADABLE = "unreadable actions"


def is_statement(value: Any) -> bool:
    """Return whether `value` is an IAM statement, which has an `Effect` and an `Action` or `NotAction`.

    Properties of other AWS services may also have an `Effect`, but they have no action.
    """
    return isinstance(value, dict) and "Effect" in value and ("Action" in value or "NotAction" in value)


def find_statements(
    value: Any, *, is_trust: bool = False, is_policy: bool = False
) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """Yield a pair for each IAM statement in `value`: whether it belongs to a trust policy, and the statement.

    `value` is a part of a resource's properties. `is_policy` says that `value` is a part of a policy, and `is_trust`
    that it is a part of a trust policy.
    """
    # Nearly all values are texts, and this is their quickest check.
    if isinstance(value, str):
        if value.lstrip().startswith("{"):
            yield from _statements_in_text(value, is_trust=is_trust, is_policy=is_policy)
    elif is_statement(value):
        yield is_trust, value
    elif isinstance(value, dict):
        yield from _statements_in_map(value, is_trust=is_trust, is_policy=is_policy)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from find_statements(item, is_trust=is_trust, is_policy=is_policy)


def _statements_in_map(
    value: Mapping[str, Any], *, is_trust: bool, is_policy: bool
) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """Yield the statements in the map `value`, at all levels. The map itself is not a statement.

    For a policy that is the result of an intrinsic function, such as `Ref`, yield one unreadable statement.
    """
    for key, item in value.items():
        # A call for each text would take twice as long.
        if isinstance(item, str) and key != "Statement" and not item.lstrip().startswith("{"):
            continue
        trust, policy = is_trust or key == TRUST_POLICY, is_policy or "polic" in str(key).lower()
        if str(key).endswith(DOCUMENTS) and is_intrinsic_function(item) and not CHOSEN & item.keys():
            yield trust, _unreadable(item)
        elif key == "Statement" and policy:
            for statement in _branches(item):
                # Statements of other services, such as those that mask logs, are maps without an `Effect`.
                if isinstance(statement, dict) and not is_intrinsic_function(statement):
                    yield from find_statements(statement, is_trust=trust, is_policy=policy)
                else:
                    yield trust, _unreadable(statement)
        else:
            yield from find_statements(item, is_trust=trust, is_policy=policy)


def _statements_in_text(text: str, *, is_trust: bool, is_policy: bool) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    """Yield the statements in `text`, if it is a policy in JSON.

    If `text` is a part of a policy but is not valid JSON, yield one unreadable statement.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        if is_policy:
            yield is_trust, _unreadable(text)
        return
    yield from find_statements(content, is_trust=is_trust, is_policy=is_policy)


def _branches(value: Any) -> Iterator[Any]:
    """Yield the items of a list of statements. For an `Fn::If`, yield the items of both branches."""
    match value:
        case [*items]:
            for item in items:
                yield from _branches(item)
        case {"Fn::If": [_, first, second]}:
            yield from _branches(first)
            yield from _branches(second)
        case {"Ref": "AWS::NoValue"}:
            return
        case _:
            yield value


def _unreadable(value: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": UNREADABLE, "Resource": value}
