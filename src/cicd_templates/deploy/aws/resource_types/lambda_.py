"""Finds Lambda functions by name."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import ExistingResource, ResourceOperations


def _find(clients: Clients, name: str) -> ExistingResource | None:
    return ExistingResource(clients.lambda_.get_function_configuration(FunctionName=name)["FunctionArn"])


OPERATIONS = {
    "AWS::Lambda::Function": ResourceOperations(
        find=_find, delete_command="lambda delete-function --function-name {name}"
    ),
}
