"""Adds an attribute to database clusters of the local AWS: the ARN of the secret in which RDS keeps the password.

The secret itself does not exist, so nobody can read a password on the local AWS. This module runs inside the
interpreter of the local AWS, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CLUSTER = "AWS::RDS::DBCluster"
SECRET = "MasterUserSecret.SecretArn"  # noqa: S105 - the name of an attribute
# The position of the new properties among the arguments of each operation of the engine.
PROPERTIES = {"create": 1, "update": 2}


@dataclass(frozen=True)
class Secret:
    """The secret with the password of a cluster's administrator. `key` is the secret's KMS key, or empty."""

    arn: str
    key: str


def register(
    handlers: dict[str, dict[str, Any]], account: Callable[[], str], region: Callable[[], str]
) -> dict[str, Secret]:
    """If RDS manages the password of a database cluster, make the local AWS return the ARN of the password's secret.

    The ARN becomes an attribute of the cluster. This function replaces the functions in `handlers` that create and
    update a cluster.

    Return a dict that maps the resource id of each cluster with a managed password to its secret. The dict is empty at
    first. Each creation and update of a cluster adds to it.
    """
    operations = handlers[CLUSTER]
    secrets: dict[str, Secret] = {}

    def naming_the_secret(operation: str) -> Callable[..., tuple[str, dict[str, str]]]:
        original = operations[operation]

        def answer(*args: Any, **kwargs: Any) -> tuple[str, dict[str, str]]:
            physical_id, attributes = original(*args, **kwargs)
            properties = args[PROPERTIES[operation]]
            if str(properties.get("ManageMasterUserPassword")).lower() != "true":
                return physical_id, attributes
            token = hashlib.sha256(attributes["DBClusterResourceId"].encode()).hexdigest()
            name = f"rds!cluster-{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:32]}-{token[32:38]}"
            arn = f"arn:aws:secretsmanager:{region()}:{account()}:secret:{name}"
            key = properties.get("MasterUserSecret", {}).get("KmsKeyId", "")
            secrets[attributes["DBClusterResourceId"]] = Secret(arn, key)
            return physical_id, attributes | {SECRET: arn}

        return answer

    for operation in PROPERTIES:
        operations[operation] = naming_the_secret(operation)
    return secrets
