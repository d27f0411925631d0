"""Finds and deletes secrets of Secrets Manager."""

from __future__ import annotations

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.resource_types.operations import (
    EXISTS,
    ExistingResource,
    Leftover,
    ResourceOperations,
    tags_as_mapping,
    unless_not_found,
)


def _find(clients: Clients, name: str) -> ExistingResource | None:
    answer = clients.secretsmanager.describe_secret(SecretId=name)
    return ExistingResource(answer["ARN"], tags_as_mapping(answer.get("Tags", ())))


def _state(clients: Clients, name: str) -> str:
    # The type stubs declare the date as always present, but AWS returns it only for a scheduled deletion.
    deleted = clients.secretsmanager.describe_secret(SecretId=name).get("DeletedDate")
    return (
        f"Secrets Manager deletes the secret after {deleted:%Y-%m-%d}; until then it can be restored"
        if deleted
        else EXISTS
    )


def _delete(clients: Clients, name: str) -> None:
    """Delete the secret immediately, even if its deletion is already scheduled for later.

    While a secret waits for its scheduled deletion, no new secret can have its name.
    """
    clients.secretsmanager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


OPERATIONS = {
    "AWS::SecretsManager::Secret": ResourceOperations(
        find=_find,
        delete_command="secretsmanager delete-secret --secret-id {name}",
        leftover=Leftover(
            why="A protected environment keeps its secrets. If somebody deletes a secret by hand, Secrets Manager"
            " deletes the secret some days later. Until then, no new secret can have its name.",
            removal="`aws secretsmanager delete-secret --region {region} --force-delete-without-recovery"
            " --secret-id {name}`",
            state=unless_not_found(_state, ""),
            delete=_delete,
        ),
    ),
}
