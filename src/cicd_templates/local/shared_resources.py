"""Lets principals use keys and image repositories of other accounts, if the policies of both accounts allow it.

By itself, the engine searches only the caller's account. So for a key or a repository of another account, it would
evaluate only the policies in the caller's account, or not find the resource. This module runs inside the engine's
interpreter, so it imports only the standard library.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

Scope = Callable[[str, str], AbstractContextManager[Any]]
Refusal = Callable[[str, str, int], Any]
Policy = Callable[[str], Any]
Handler = Callable[..., Awaitable[Any]]


def in_owners_account(policy_of: Policy, scope: Scope) -> Policy:
    """Return a function like `policy_of` that searches the account and region of an ARN, not those of the caller.

    `scope` returns a context manager. In its `with` block, the engine uses the given account and region.
    """

    def look(arn: str) -> Any:
        _, _, _, region, account, *_ = arn.split(":")
        with scope(account, region):
            return policy_of(arn)

    return look


def verify(
    known: Callable[[dict[str, Any]], Any],
    scope: Scope,
    current: Callable[[], tuple[str, str]],
    caller: Callable[[], str],
    refuse: Refusal,
) -> Callable[[dict[str, Any]], Any]:
    """Return a handler of the KMS operation Verify, which also finds a key of another account in the same region.

    The request must name a key of another account by the ARN of the key or of an alias. `known` is the engine's own
    handler. `current` returns the account and the region of the request, and `caller` returns the ARN of the caller.
    The local AWS evaluates no policies for root users, so this handler does not let a root user use keys of other
    accounts.
    """

    def handle(data: dict[str, Any]) -> Any:
        parts = str(data.get("KeyId", "")).split(":")
        account, region = current()
        if len(parts) < 6 or parts[3] != region or parts[4] == account:
            return known(data)
        if caller().endswith(":root"):
            return refuse("AccessDeniedException", f"{caller()} may not use {data['KeyId']} of another account", 400)
        with scope(parts[4], region):
            return known(data)

    return handle


def in_named_registry(
    known: Handler,
    scope: Scope,
    current: Callable[[], tuple[str, str]],
    caller: Callable[[], str],
    refuse: Refusal,
) -> Handler:
    """Return a handler of requests to ECR that answers from the registry that the request names.

    The engine's own handler `known` ignores the member `registryId`. The other arguments are those of `verify`.
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        account, region = current()
        registry = json.loads(body or b"{}").get("registryId", account)
        if registry == account:
            return await known(method, path, headers, body, query)
        if caller().endswith(":root"):
            return refuse("AccessDeniedException", f"{caller()} may not use the registry of account {registry}", 400)
        with scope(registry, region):
            return await known(method, path, headers, body, query)

    return handle


def key_of_alias(kms: ModuleType, scope: Scope) -> Callable[[str], str]:
    """Return a function that gets the ARN of an alias and returns the ARN of its key, or an empty string."""

    def find(alias: str) -> str:
        _, _, _, region, account, *_ = alias.split(":")
        with scope(account, region):
            return str((kms._resolve_key(alias) or {}).get("Arn", ""))

    return find


def register(
    app: ModuleType,
    kms: ModuleType,
    ecr: ModuleType,
    scope: Scope,
    current: Callable[[], tuple[str, str]],
    caller: Callable[[], str],
    refuse: Refusal,
) -> None:
    """Replace functions of the engine's modules, which the engine looks up at each call, and the handler of ECR."""
    app.SERVICE_HANDLERS["ecr"] = in_named_registry(app.SERVICE_HANDLERS["ecr"], scope, current, caller, refuse)
    kms.key_policy_for_arn = in_owners_account(kms.key_policy_for_arn, scope)  # type: ignore[attr-defined]
    ecr.repository_policy_for_arn = in_owners_account(ecr.repository_policy_for_arn, scope)  # type: ignore[attr-defined]
    kms._verify = verify(kms._verify, scope, current, caller, refuse)  # type: ignore[attr-defined]
