"""Finds KMS keys and aliases, deletes aliases, and schedules the deletion of keys."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    always_exists,
    unless_not_found,
)

# The shortest waiting period that KMS allows before it deletes a key.
PENDING_DAYS = 7


def _find_alias(clients: Clients, name: str) -> ExistingResource | None:
    return ExistingResource(clients.kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"])


def _key_state(clients: Clients, name: str) -> str:
    key = clients.kms.describe_key(KeyId=name)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return f"KMS deletes the key on {key['DeletionDate']:%Y-%m-%d}; until then the deletion can be cancelled"
    return EXISTS


OPERATIONS = {
    "AWS::KMS::Alias": ResourceOperations(
        find=_find_alias,
        delete_command="kms delete-alias --alias-name {name}",
        leftover=Leftover(
            why="Somebody pointed the alias to a different key of the environment by hand. No new alias can have this"
            " name until the alias is deleted.",
            removal="`aws kms delete-alias --region {region} --alias-name {name}`",
            state=always_exists,
            delete=lambda clients, name: clients.kms.delete_alias(AliasName=name),
        ),
    ),
    "AWS::KMS::Key": ResourceOperations(
        leftover=Leftover(
            why=f"In a disposable environment, KMS deletes a key after a waiting period of {PENDING_DAYS} days. A"
            " protected environment keeps its key, because its data cannot be read without the key.",
            removal="`aws kms schedule-key-deletion --region {region} --pending-window-in-days 7 --key-id {name}`",
            state=unless_not_found(_key_state, ""),
            delete=lambda clients, name: clients.kms.schedule_key_deletion(
                KeyId=name, PendingWindowInDays=PENDING_DAYS
            ),
        ),
    ),
}
