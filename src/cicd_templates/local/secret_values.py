"""Makes two kinds of secrets behave as in AWS: secrets without a value, and secrets scheduled for deletion.

- In AWS, a secret without a value has no version. Without this module, the engine would give every new secret a
  version. Then a command could not find the secrets that lack a value.
- In AWS, a new secret cannot have the same name as a secret that is scheduled for deletion. See docs/fakes.md.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource
TAKEN = "You can't create this secret because a secret with this name is already scheduled for deletion."
API_VALUES = ("SecretString", "SecretBinary")
TEMPLATE_VALUES = ("SecretString", "GenerateSecretString")

Refuse = Callable[[str, str, int], Any]


def register(secrets: ModuleType, table: dict[str, Any], refuse: Refuse) -> None:
    """Replace the engine's two functions that create secrets: one for API requests, one for CloudFormation.

    - `secrets` is the engine's module for Secrets Manager. It has the function for API requests.
    - `table` maps each resource type to the functions with which CloudFormation handles the type.
    - `refuse` returns the engine's error response for an error code, a message and an HTTP status.
    """
    create = secrets._create_secret
    handlers = table[SECRET]

    def create_secret(request: Mapping[str, Any]) -> Any:
        name = request.get("Name")
        known = secrets._secrets.get(name)
        if known and known.get("DeletedDate"):
            return refuse("InvalidRequestException", TAKEN, 400)
        answer = create(request)
        if known is None and name in secrets._secrets:
            _drop_empty_version(secrets._secrets[name], request, API_VALUES)
        return answer

    def create_resource(logical_id: str, properties: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        name, attributes = handlers["create"](logical_id, properties, *arguments, **options)
        _drop_empty_version(secrets._secrets[name], properties, TEMPLATE_VALUES)
        return name, attributes

    secrets._create_secret = create_secret  # type: ignore[attr-defined] # a module of the engine
    table[SECRET] = {**handlers, "create": create_resource}


def _drop_empty_version(secret: dict[str, Any], given: Mapping[str, Any], values: tuple[str, ...]) -> None:
    if not any(given.get(name) for name in values):
        secret["Versions"] = {}
