"""`Ref` of a secret is its ARN in AWS, and its name in the engine: policies that refer to one would allow nothing.

Runs inside the engine's interpreter, so it imports the standard library alone.
"""

from __future__ import annotations

from typing import Any

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource


def secrets_by_arn(table: dict[str, Any]) -> None:
    """Let the engine's `table` of handlers know secrets by their ARNs."""
    handlers = table[SECRET]

    def create(*arguments: Any, **options: Any) -> Any:
        _, attributes = handlers["create"](*arguments, **options)
        return attributes["Arn"], attributes

    def update(arn: str, *arguments: Any, **options: Any) -> Any:
        name, attributes = handlers["update"](_name(arn), *arguments, **options)
        return (arn if name == _name(arn) else attributes["Arn"]), attributes

    def delete(arn: str, *arguments: Any, **options: Any) -> Any:
        return handlers["delete"](_name(arn), *arguments, **options)

    table[SECRET] = {**handlers, "create": create, "update": update, "delete": delete}


def _name(arn: str) -> str:
    """The name in a secret's ARN, which ends in a hyphen and characters of its own."""
    return arn.partition(":secret:")[2].rpartition("-")[0]
