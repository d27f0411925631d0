"""Execute a change set by its ARN, and find out whether AWS knows of an execution whose answer was lost."""

from __future__ import annotations

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.change_sets.api import EXECUTED, is_gone
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.deploy.runs.watch import operation_events

# What CloudFormation answers for a change set that is being executed or was, by this run or one before it.
ALREADY_EXECUTED = frozenset({"InvalidChangeSetStatus", "ChangeSetNotFound", "TokenAlreadyExistsException"})


def execute(clients: Clients, entry: Entry) -> None:
    """Ask for the execution of a change set; asked for already is asked for as well.

    Raises `ClientError` where it is not under way after all.
    """
    try:
        clients.cloudformation.execute_change_set(ChangeSetName=entry.change_set, ClientRequestToken=entry.token)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ALREADY_EXECUTED or not has_begun(clients, entry):
            raise


def is_known(clients: Clients, entry: Entry) -> bool:
    """Whether AWS knows of an entry: its change set is there, or its operation has been."""
    try:
        clients.cloudformation.describe_change_set(ChangeSetName=entry.change_set)
    except ClientError as error:
        if not is_gone(error):
            raise
        return has_begun(clients, entry)
    return True


def has_begun(clients: Clients, entry: Entry) -> bool:
    """Whether the operation of an entry has begun, whatever became of it."""
    client = clients.cloudformation
    try:
        if client.describe_change_set(ChangeSetName=entry.change_set)["ExecutionStatus"] in EXECUTED:
            return True
    except ClientError as error:
        # Deleted with its stack, or long ago; then the stack's events know.
        if not is_gone(error):
            raise
    try:
        return any(event.get("ClientRequestToken") == entry.token for event in operation_events(client, entry))
    except ClientError as error:
        if is_gone(error):
            return False
        raise
