"""Executes a change set by its ARN. If the response from AWS is lost, finds out whether the execution has begun."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.cloudformation_calls import EXECUTED, is_gone
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.deploy.runs.watch import operation_events

# The error codes for a change set that this run or an earlier run has already executed.
ALREADY_EXECUTED = frozenset({"InvalidChangeSetStatus", "ChangeSetNotFound", "TokenAlreadyExistsException"})


def execute_change_set(clients: Clients, entry: Entry) -> None:
    """Ask AWS to execute the change set of `entry`.

    Raises `ClientError` if AWS refuses. An execution that has already begun is not an error.
    """
    try:
        clients.cloudformation.execute_change_set(ChangeSetName=entry.change_set, ClientRequestToken=entry.token)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ALREADY_EXECUTED or not has_begun(clients, entry):
            raise


def is_known(clients: Clients, entry: Entry) -> bool:
    """Return whether AWS still has the change set of `entry`, or has begun to execute it."""
    try:
        clients.cloudformation.describe_change_set(ChangeSetName=entry.change_set)
    except ClientError as error:
        if not is_gone(error):
            raise
        return has_begun(clients, entry)
    return True


def has_begun(clients: Clients, entry: Entry) -> bool:
    """Return whether AWS has begun to execute the change set of `entry`. The execution may already have ended."""
    client = clients.cloudformation
    try:
        if client.describe_change_set(ChangeSetName=entry.change_set)["ExecutionStatus"] in EXECUTED:
            return True
    except ClientError as error:
        # The change set was deleted, perhaps together with its stack. The stack's events still show the operation.
        if not is_gone(error):
            raise
    try:
        return any(event.get("ClientRequestToken") == entry.token for event in operation_events(client, entry))
    except ClientError as error:
        if is_gone(error):
            return False
        raise
