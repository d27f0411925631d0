"""Executes change sets by their ARN and follows a deletion to its end. The outcome is what CloudFormation says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients
from cicd_templates.deploy.aws.polling import LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.change_sets.api import EXECUTED, describe_stack, gone
from cicd_templates.deploy.change_sets.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.change_sets.stack_states import RUNNING, SUCCEEDED
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.deploy.runs.watch import operation_events

OnEvent = Callable[[ResourceEvent], None]
# What CloudFormation answers for a change set that is being executed or was, by this run or one before it.
BEGUN_ALREADY = frozenset({"InvalidChangeSetStatus", "ChangeSetNotFound", "TokenAlreadyExistsException"})


@dataclass(frozen=True)
class Done:
    """The operation succeeded; `outputs` by name."""

    status: str
    outputs: dict[str, str]


@dataclass(frozen=True)
class Failed:
    """The operation failed, and the first failure that explains the others, where the events name one."""

    status: str
    cause: ResourceEvent | None

    @property
    def reason(self) -> str:
        """The cause in a line."""
        if self.cause is None:
            return f"the stack ended in {self.status} and its events name no cause"
        return f"{self.cause.logical_id} ({self.cause.resource_type}): {self.cause.reason}"


def execute(clients: Clients, entry: Entry) -> None:
    """Ask for the execution of a change set; asked for already is asked for as well.

    Raises `ClientError` where it is not under way after all.
    """
    try:
        clients.cloudformation.execute_change_set(ChangeSetName=entry.change_set, ClientRequestToken=entry.token)
    except ClientError as error:
        if error.response["Error"]["Code"] not in BEGUN_ALREADY or not begun(clients, entry):
            raise


def known(clients: Clients, entry: Entry) -> bool:
    """Whether AWS knows of an entry: its change set is there, or its operation has been."""
    try:
        clients.cloudformation.describe_change_set(ChangeSetName=entry.change_set)
    except ClientError as error:
        if not gone(error):
            raise
        return begun(clients, entry)
    return True


def begun(clients: Clients, entry: Entry) -> bool:
    """Whether the operation of an entry has begun, whatever became of it."""
    client = clients.cloudformation
    try:
        if client.describe_change_set(ChangeSetName=entry.change_set)["ExecutionStatus"] in EXECUTED:
            return True
    except ClientError as error:
        # Deleted with its stack, or long ago; then the stack's events know.
        if not gone(error):
            raise
    try:
        return any(event.get("ClientRequestToken") == entry.token for event in operation_events(client, entry))
    except ClientError as error:
        if gone(error):
            return False
        raise


def follow(
    clients: Clients, stack_id: str, name: str, polling: Polling, on_event: OnEvent, known: set[str]
) -> Done | Failed:
    """Hand every new event of a stack to `on_event` until its operation has ended.

    `known` are the events from before the operation. The end is an event of the stack itself in a state that lasts, and
    not the stack's description alone, which for a moment still shows how the operation before this one ended.
    """
    seen: list[ResourceEvent] = []
    last: dict[str, Any] = {}

    def ended() -> bool:
        for event in events_since(clients.cloudformation, stack_id, known):
            seen.append(event)
            on_event(event)
        last.update(describe_stack(clients, stack_id) or {"StackStatus": "DELETE_COMPLETE"})
        lasting = any(event.of_stack and event.status not in RUNNING for event in seen)
        return last["StackStatus"] == "DELETE_COMPLETE" or (lasting and last["StackStatus"] not in RUNNING)

    polling.until(ended, f"the operation on {name}", LONGEST_OPERATION_SECONDS)
    status = last["StackStatus"]
    if status in SUCCEEDED:
        outputs = {output["OutputKey"]: output["OutputValue"] for output in last.get("Outputs", ())}
        return Done(status, outputs)
    return Failed(status, first_failure(seen))
