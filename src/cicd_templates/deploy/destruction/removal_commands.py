"""Reads the state of resources that no stack owns, and says how to remove them by hand."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import EXISTS
from cicd_templates.deploy.aws.resource_types.registry import operations_of


def state_of(clients: Clients, resource_type: str, name: str) -> str:
    """Return the state of a resource as text:

    - an empty string if the resource does not exist
    - the time of the deletion if AWS will delete the resource
    - `EXISTS` if the resource exists, or if this program cannot look up resources of this type
    """
    leftover = operations_of(resource_type).leftover
    return leftover.state(clients, name) if leftover else EXISTS


def removal_command(resource_type: str, name: str, region: str) -> str:
    """Return a command or instructions to remove a resource by hand."""
    leftover = operations_of(resource_type).leftover
    if leftover is None:
        return "look up the resource in the console of its service"
    return leftover.removal.format(name=name, region=region).replace("`", "")
