"""Finds DynamoDB tables by name, and deletes them."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    DeletionProtection,
    ExistingResource,
    Leftover,
    ResourceOperations,
    tags_or_none,
    unless_not_found,
)


def _find(clients: Clients, name: str) -> ExistingResource | None:
    arn = clients.dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    return ExistingResource(arn, tags_or_none(lambda: clients.dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]))


def _state(clients: Clients, name: str) -> str:
    status = clients.dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    return "DynamoDB is deleting the table" if status == "DELETING" else EXISTS


def _is_protected(clients: Clients, name: str) -> bool:
    return bool(clients.dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"))


def _lift_protection(clients: Clients, name: str) -> str:
    if not unless_not_found(_is_protected, missing=False)(clients, name):
        return "the deletion protection is off"
    clients.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    return "switched off the deletion protection"


def _delete(clients: Clients, name: str) -> None:
    """Delete the table with all its items. Its deletion protection is switched off first."""
    _lift_protection(clients, name)
    clients.dynamodb.delete_table(TableName=name)


OPERATIONS = {
    "AWS::DynamoDB::Table": ResourceOperations(
        find=_find,
        delete_command="dynamodb delete-table --table-name {name}",
        leftover=Leftover(
            why="A protected environment keeps its tables, which are also protected against deletion.",
            removal="`aws dynamodb update-table --region {region} --no-deletion-protection-enabled --table-name {name}"
            " && aws dynamodb delete-table --region {region} --table-name {name}`",
            state=unless_not_found(_state, ""),
            delete=_delete,
        ),
        protection=DeletionProtection(
            unless_not_found(_is_protected, missing=False),
            _lift_protection,
            "aws dynamodb update-table --region {region} --table-name {name} --no-deletion-protection-enabled",
        ),
    ),
}
