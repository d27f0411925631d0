"""Lets principals use keys and image repositories of other accounts, if the policies of both accounts allow it.

The engine itself searches only the caller's account. Without this module, the engine would not find a key or repository
of another account, or would not evaluate the policies of the other account.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Scope = Callable[[str, str], AbstractContextManager[Any]]
Refusal = Callable[[str, str, int], Any]
Policy = Callable[[str], Any]
Handler = Callable[..., Awaitable[Any]]


def in_owners_account(policy_of: Policy, scope: Scope) -> Policy:
    """Return a function that takes the ARN of a resource and returns the resource's policy.

    The function `policy_of` does the same, but searches only the current account and region. So the returned function
    first changes both to those in the ARN. `scope(account, region)` is the context manager that does this.
    """

    def look(arn: str) -> Any:
        _, _, _, region, account, *_ = arn.split(":")
        with scope(account, region):
            return policy_of(arn)

    return look


@dataclass(frozen=True)
class Requests:
    """Functions of the engine that a handler of requests needs.

    - `scope(account, region)` is a context manager. In its `with` block, the engine uses this account and region.
    - `current` returns the account and the region of the request.
    - `caller` returns the ARN of the caller.
    - `refuse` returns a response with an error.
    """

    scope: Scope
    current: Callable[[], tuple[str, str]]
    caller: Callable[[], str]
    refuse: Refusal

    def refusal(self, resource: str) -> Any:
        """Return an error if the caller is a root user, otherwise None. `resource` is a resource of another account.

        Without this error, root users could use the resources of every account, because the local AWS evaluates no
        policies for root users.
        """
        if not self.caller().endswith(":root"):
            return None
        return self.refuse("AccessDeniedException", f"{self.caller()} may not use {resource}", 400)


def verify(known: Callable[[dict[str, Any]], Any], requests: Requests) -> Callable[[dict[str, Any]], Any]:
    """Return a handler of the KMS operation Verify that also accepts keys of other accounts in the same region.

    A request must identify a key of another account by the ARN of the key or of an alias. `known` is the engine's own
    handler.
    """

    def handle(data: dict[str, Any]) -> Any:
        parts = str(data.get("KeyId", "")).split(":")
        account, region = requests.current()
        if len(parts) < 6 or parts[3] != region or parts[4] == account:
            return known(data)
        if (refusal := requests.refusal(f"{data['KeyId']} of another account")) is not None:
            return refusal
        with requests.scope(parts[4], region):
            return known(data)

    return handle


def in_named_registry(known: Handler, requests: Requests) -> Handler:
    """Return a handler of ECR requests. If a request has the field `registryId`, use the registry of that account.

    `known` is the engine's own handler, which ignores this field.
    """

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        account, region = requests.current()
        registry = json.loads(body or b"{}").get("registryId", account)
        if registry == account:
            return await known(method, path, headers, body, query)
        if (refusal := requests.refusal(f"the registry of account {registry}")) is not None:
            return refusal
        with requests.scope(registry, region):
            return await known(method, path, headers, body, query)

    return handle


def key_of_alias(kms: ModuleType, scope: Scope) -> Callable[[str], str]:
    """Return a function that gets the ARN of an alias and returns the ARN of its key, or an empty string."""

    def find(alias: str) -> str:
        _, _, _, region, account, *_ = alias.split(":")
        with scope(account, region):
            return str((kms._resolve_key(alias) or {}).get("Arn", ""))

    return find


def register(app: ModuleType, kms: ModuleType, ecr: ModuleType, requests: Requests) -> None:
    """Replace these functions of the engine:

    - the handler of all ECR requests, and the handler of the KMS request Verify
    - the functions that find the policies of KMS keys and ECR repositories

    The engine calls the replacements, because it looks up each of these functions by name before every call.
    """
    app.SERVICE_HANDLERS["ecr"] = in_named_registry(app.SERVICE_HANDLERS["ecr"], requests)
    kms.key_policy_for_arn = in_owners_account(kms.key_policy_for_arn, requests.scope)  # type: ignore[attr-defined]
    ecr.repository_policy_for_arn = in_owners_account(  # type: ignore[attr-defined]
        ecr.repository_policy_for_arn, requests.scope
    )
    kms._verify = verify(kms._verify, requests)  # type: ignore[attr-defined]
