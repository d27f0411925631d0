"""Adds an attribute to database clusters of the local AWS: the ARN of the secret in which RDS keeps the password.

The engine does not create this secret. Only its ARN exists, so nobody can read a password on the local AWS. This module
runs in the engine's interpreter, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

CLUSTER = "AWS::RDS::DBCluster"
SECRET = "MasterUserSecret.SecretArn"  # noqa: S105 - the name of an attribute
# The position of the new properties among the arguments of each operation of the engine.
PROPERTIES = {"create": 1, "update": 2}


def register(handlers: dict[str, dict[str, Any]], account: Callable[[], str], region: Callable[[], str]) -> None:
    """Make the engine's `handlers` return the ARN of the secret for clusters whose password RDS manages."""
    operations = handlers[CLUSTER]

    def naming_the_secret(operation: str) -> Callable[..., tuple[str, dict[str, str]]]:
        original = operations[operation]

        def answer(*args: Any, **kwargs: Any) -> tuple[str, dict[str, str]]:
            physical_id, attributes = original(*args, **kwargs)
            if str(args[PROPERTIES[operation]].get("ManageMasterUserPassword")).lower() != "true":
                return physical_id, attributes
            token = hashlib.sha256(attributes["DBClusterResourceId"].encode()).hexdigest()
            name = f"rds!cluster-{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:32]}-{token[32:38]}"
            return physical_id, attributes | {SECRET: f"arn:aws:secretsmanager:{region()}:{account()}:secret:{name}"}

        return answer

    for operation in PROPERTIES:
        operations[operation] = naming_the_secret(operation)
