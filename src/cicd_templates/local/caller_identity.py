"""The caller of a request as policies see it: TLS, services that act for a resource, and the ARN of a role.

It runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def secure(app: ModuleType) -> None:
    """Count every request as TLS, because bucket policies would otherwise deny all requests of the loopback address."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _secure: pin(address, True)  # type: ignore[attr-defined]


def services(evaluator: ModuleType) -> None:
    """Let an account's root assume a service's role only on behalf of the resource named by the external id.

    The engine lets root act for every service, and sets neither aws:SourceArn nor aws:SourceAccount.
    """
    trusted = evaluator.evaluate_trust_policy

    def trusts(document: Any, caller: str, context: Any = None) -> bool:
        parsed = json.loads(document) if isinstance(document, str) else document
        on_behalf = str(context.service_context.get("sts:externalid") or "") if context else ""
        if caller.endswith(":root") and on_behalf.startswith("arn:"):
            _, _, service, _, account, *_ = on_behalf.split(":")
            if f"{service}.amazonaws.com" not in _services(parsed):
                return False
            context.service_context |= {"aws:sourcearn": on_behalf, "aws:sourceaccount": account}
        return bool(trusted(parsed, caller, context))

    evaluator.evaluate_trust_policy = trusts  # type: ignore[attr-defined] # looked up at each call


def _services(document: Any) -> Iterator[str]:
    for statement in document["Statement"]:
        named = statement["Principal"].get("Service", ())
        yield from (named,) if isinstance(named, str) else named


def principals(evaluator: ModuleType, roles: Any) -> None:
    """Make aws:PrincipalArn the ARN of the role instead of its session; `roles` is the engine's store of roles.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    value_of = evaluator._resolve_condition_key

    def value(key: str, context: Any) -> Any:
        if key.lower() != "aws:principalarn":
            return value_of(key, context)
        caller = context.principal_arn
        if caller.endswith(":root"):
            # For a bucket of another account, the engine reports every caller as that account's root.
            caller = evaluator.caller_arn()
        if ":assumed-role/" not in caller:
            return caller
        return roles.get_scoped(caller.split(":")[4], None, caller.split("/")[1], {}).get("Arn", caller)

    evaluator._resolve_condition_key = value  # type: ignore[attr-defined]
