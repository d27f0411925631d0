"""Makes `Ref` return the ARN of a secret, as in AWS. The engine itself returns the name, which no policy would match.

This module runs inside the interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

from typing import Any

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type of resource


def secrets_by_arn(table: dict[str, Any], drift_readers: dict[str, Any]) -> None:
    """Make the engine use the ARN of a secret as the secret's physical id.

    `table` maps resource types to the engine's handlers. `drift_readers` maps resource types to the functions that read
    a resource for drift detection. This function replaces the entries for secrets in both.
    """
    handlers = table[SECRET]
    read, properties_read = drift_readers[SECRET]

    def create(*arguments: Any, **options: Any) -> Any:
        _, attributes = handlers["create"](*arguments, **options)
        return attributes["Arn"], attributes

    def update(arn: str, *arguments: Any, **options: Any) -> Any:
        name, attributes = handlers["update"](_name(arn), *arguments, **options)
        return (arn if name == _name(arn) else attributes["Arn"]), attributes

    def delete(arn: str, *arguments: Any, **options: Any) -> Any:
        return handlers["delete"](_name(arn), *arguments, **options)

    table[SECRET] = {**handlers, "create": create, "update": update, "delete": delete}
    drift_readers[SECRET] = (lambda arn, properties: read(_name(arn), properties), properties_read)


def _name(arn: str) -> str:
    """Return the name in a secret's ARN, without the hyphen and the random characters at its end."""
    return arn.partition(":secret:")[2].rpartition("-")[0]
