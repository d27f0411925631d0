"""Adds a check of KMS to the local AWS: a key policy is refused if nobody could change the policy later.

An API request can skip the check with the parameter `BypassPolicyLockoutSafetyCheck`. A template cannot skip the check,
because the local AWS ignores the template property of this name.
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

KEY = "AWS::KMS::Key"
CODE = "MalformedPolicyDocumentException"
LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
ADMINISTERING = frozenset({"kms:putkeypolicy", "kms:put*", "kms:*", "*"})
Refusal = Callable[[str, str, int], Any]


def locks_out(policy: str, account: str) -> bool:
    """Return whether a key policy lets nobody in the account change the policy later.

    Somebody can change the policy if a statement without conditions allows this to the account or to all principals. In
    all other cases, the result is True, also for a policy that is not valid JSON.
    """
    try:
        statements = _listed(json.loads(policy)["Statement"])
    except (ValueError, KeyError, TypeError):
        return True
    return not any(
        statement.get("Effect") == "Allow"
        and not statement.get("Condition")
        and not ADMINISTERING.isdisjoint(action.lower() for action in _listed(statement.get("Action", ())))
        and any(_is_account(principal, account) for principal in _principals(statement))
        for statement in statements
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _principals(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return ["*"] if principal == "*" else _listed(principal.get("AWS", ()))


def _is_account(principal: str, account: str) -> bool:
    return principal in ("*", account) or principal.endswith(f":iam::{account}:root")


def register(kms: ModuleType, handlers: dict[str, dict[str, Any]], account: Callable[[], str], refuse: Refusal) -> None:
    """Make the engine check key policies when it answers a request to KMS, and when CloudFormation updates a key."""
    for operation in ("_create_key", "_put_key_policy"):
        setattr(kms, operation, _checked(getattr(kms, operation), account, refuse))
    update = handlers[KEY]["update"]

    def update_checked(physical_id: str, before: Any, properties: dict[str, Any], *more: Any) -> Any:
        policy = properties.get("KeyPolicy")
        if policy is not None and locks_out(policy if isinstance(policy, str) else json.dumps(policy), account()):
            raise ValueError(f"{KEY} {physical_id}: {LOCKED_OUT}")
        return update(physical_id, before, properties, *more)

    handlers[KEY] = {**handlers[KEY], "update": update_checked}


def _checked(operation: Callable[..., Any], account: Callable[[], str], refuse: Refusal) -> Callable[..., Any]:
    def call(data: dict[str, Any]) -> Any:
        if "Policy" in data and not data.get("BypassPolicyLockoutSafetyCheck") and locks_out(data["Policy"], account()):
            return refuse(CODE, LOCKED_OUT, 400)
        return operation(data)

    return call
