"""Finds and deletes parameters of Parameter Store."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    unless_not_found,
)


def _find(clients: Clients, name: str) -> ExistingResource | None:
    return ExistingResource(clients.ssm.get_parameter(Name=name)["Parameter"]["ARN"])


def _state(clients: Clients, name: str) -> str:
    clients.ssm.get_parameter(Name=name)
    return EXISTS


OPERATIONS = {
    "AWS::SSM::Parameter": ResourceOperations(
        find=_find,
        delete_command="ssm delete-parameter --name {name}",
        leftover=Leftover(
            why="Somebody created the parameter by hand, below the environment's path.",
            removal="`aws ssm delete-parameter --region {region} --name {name}`",
            state=unless_not_found(_state, ""),
            delete=lambda clients, name: clients.ssm.delete_parameter(Name=name),
        ),
    ),
}
