"""Finds the IAM statements in the properties of a resource, wherever and however they are written.

A policy can be a map or a JSON text, and a statement can be inside an `Fn::If`. If a statement
cannot be read, the result has a statement that allows `UNREADABLE`, so that a reviewer sees the problem.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cicd_templates.template.intrinsics import LISTS, is_intrinsic_function, possible_values

TRUST_POLICY = "AssumeRolePolicyDocument"
# The names of properties that contain a policy: endings, and complete names. Other names with the word `policy` belong
# to other things, such as the version of TLS.
_ENDINGS = ("PolicyDocument", "PolicyText", "KeyPolicy", "ResourcePolicy", "FileSystemPolicy", "AccessPolicy")
_NAMES = ("Policy", "AccessPolicies", "Statement")
UNREADABLE = "unreadable actions"
CACHED_KEYS = 4096
# Whether the statement belongs to a trust policy, and the statement.
FoundStatement = tuple[bool, Mapping[str, Any]]


def is_statement(value: Any) -> bool:
    """Return whether `value` is an IAM statement, which has an `Effect` and an `Action` or `NotAction`.

    Properties of other AWS services may also have an `Effect`, but they have no action.
    """
    return isinstance(value, dict) and "Effect" in value and ("Action" in value or "NotAction" in value)


def find_statements(value: Any, *, is_trust: bool = False, is_policy: bool = False) -> list[FoundStatement]:
    """Return each IAM statement in `value`, as a pair: whether it belongs to a trust policy, and the statement.

    `value` usually has the properties of a resource. If `value` is only a part of a policy, pass `is_policy=True`. If
    `value` is only a part of a trust policy, also pass `is_trust=True`.
    """
    found: list[FoundStatement] = []
    _add_statements(found, value, is_trust, is_policy)
    return found


def _add_statements(found: list[FoundStatement], value: Any, is_trust: bool, is_policy: bool) -> None:
    # A generator for each level of `value` would take twice as long as one list.
    if isinstance(value, dict):
        # Nearly all maps have no effect, and a call for each of them would take longer.
        if "Effect" in value and is_statement(value):
            found.append((is_trust, value))
        else:
            _add_from_map(found, value, is_trust, is_policy)
    elif isinstance(value, LISTS):
        for item in value:
            _add_statements(found, item, is_trust, is_policy)
    elif isinstance(value, str) and _is_like_json(value):
        _add_from_text(found, value, is_trust, is_policy)


def _add_from_map(found: list[FoundStatement], value: Mapping[str, Any], is_trust: bool, is_policy: bool) -> None:
    """Add to `found` all statements inside `value`, at any depth. `value` is a map, but not itself a statement.

    If an intrinsic function, such as `Ref`, computes a policy, add one statement that marks the policy as unreadable.
    """
    for key, item in value.items():
        # Nearly all values are texts without braces, and a call for each of them would take twice as long.
        if isinstance(item, str) and key != "Statement" and ("{" not in item or not _is_like_json(item)):
            continue
        trust, policy = is_trust or key == TRUST_POLICY, is_policy or _names_a_policy(key)
        if isinstance(item, dict) and len(item) == 1 and holds_policy(key) and is_intrinsic_function(item):
            _add_possible_policies(found, item, trust)
        elif key == "Statement" and policy:
            for statement in possible_values(item):
                # Statements of other services, such as those that mask logs, are maps without an `Effect`.
                if isinstance(statement, dict) and not is_intrinsic_function(statement):
                    _add_statements(found, statement, trust, policy)
                else:
                    found.append((trust, _unreadable(statement)))
        else:
            _add_statements(found, item, trust, policy)


def _is_like_json(text: str) -> bool:
    return text.lstrip().startswith("{")


# A project has few different keys.
@lru_cache(CACHED_KEYS)
def _names_a_policy(key: Any) -> bool:
    return "polic" in str(key).lower()


@lru_cache(CACHED_KEYS)
def holds_policy(key: Any) -> bool:
    """Return whether a property with this name contains a policy, or the statements of one."""
    return str(key).endswith(_ENDINGS) or key in _NAMES


def _add_possible_policies(found: list[FoundStatement], function: dict[str, Any], is_trust: bool) -> None:
    """Add to `found` the statements of each policy that `function`, an intrinsic function, can return.

    For a policy without a statement that can be read, add one that marks the policy as unreadable.
    """
    for policy in possible_values(function):
        before = len(found)
        _add_statements(found, policy, is_trust, True)
        if len(found) == before and (not isinstance(policy, dict) or is_intrinsic_function(policy)):
            found.append((is_trust, _unreadable(policy)))


def _add_from_text(found: list[FoundStatement], text: str, is_trust: bool, is_policy: bool) -> None:
    """Add to `found` all statements in `text`, which begins like JSON.

    If `text` is in a policy but is not valid JSON, add one statement that marks the policy as unreadable.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        if is_policy:
            found.append((is_trust, _unreadable(text)))
        return
    _add_statements(found, content, is_trust, is_policy)


def _unreadable(value: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": UNREADABLE, "Resource": value}
