"""Corrects what the local AWS knows about the caller of a request. Decisions of IAM depend on these facts:

- whether the caller uses TLS
- for which AWS service the caller assumes a role
- the ARN and the policies of the caller's role

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def secure(app: ModuleType) -> None:
    """Treat every request as if it were sent over TLS.

    The local AWS receives only plain HTTP, and bucket policies would deny requests without TLS.
    """
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _secure: pin(address, True)  # type: ignore[attr-defined]


def services(evaluator: ModuleType) -> None:
    """Let the root user of an account assume a role in the place of an AWS service.

    A service assumes a role for one of its resources. AWS then sets the condition keys aws:SourceArn and
    aws:SourceAccount, but the engine does not. So the root user passes the ARN of the resource as `ExternalId`, and
    this function sets both condition keys from the ARN.

    The role must trust the service in the ARN. The engine alone would accept a role that trusts any service.
    """
    trusted = evaluator.evaluate_trust_policy

    def trusts(document: Any, caller: str, context: Any = None) -> bool:
        parsed = json.loads(document) if isinstance(document, str) else document
        on_behalf = str(context.service_context.get("sts:externalid") or "") if context else ""
        if caller.endswith(":root") and on_behalf.startswith("arn:"):
            _, _, service, _, account, resource, *_ = on_behalf.split(":")
            # Tasks have a service principal of their own.
            service = "ecs-tasks" if service == "ecs" and resource.startswith("task/") else service
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
    """Set the condition key aws:PrincipalArn to the ARN of the caller's role, not to the ARN of the role's session.

    `roles` has all roles of the local AWS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    value_of = evaluator._resolve_condition_key

    def value(key: str, context: Any) -> Any:
        if key.lower() != "aws:principalarn":
            return value_of(key, context)
        caller = context.principal_arn
        if caller.endswith(":root"):
            # If the bucket belongs to another account, the engine reports the root of that account as the caller.
            caller = evaluator.caller_arn()
        if ":assumed-role/" not in caller:
            return caller
        return roles.get_scoped(caller.split(":")[4], None, caller.split("/")[1], {}).get("Arn", caller)

    evaluator._resolve_condition_key = value  # type: ignore[attr-defined]


def roles_with_paths(evaluator: ModuleType) -> None:
    """Let IAM's simulator find the policies of a role that has a path.

    The engine stores roles by their names. Without this function, its simulator would search for the path and the name
    together, and find nothing.
    """
    policies_of = evaluator._gather_role_policies
    evaluator._gather_role_policies = lambda name, account: policies_of(name.rpartition("/")[2], account)  # type: ignore[attr-defined]
