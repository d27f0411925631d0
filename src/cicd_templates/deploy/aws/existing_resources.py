"""Looks up a resource by its type and name in an account. This module changes nothing."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import NOT_FOUND_CODES, ExistingResource
from cicd_templates.deploy.aws.resource_types.registry import operations_of


def find_existing(clients: Clients, resource_type: str, name: str) -> ExistingResource | None:
    """Return the resource with this type and name, or None.

    The result is also None if this program cannot look up resources of this type. Raises `ClientError` if AWS rejects
    the call.
    """
    find = operations_of(resource_type).find
    try:
        return find(clients, name) if find else None
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND_CODES:
            return None
        raise
