"""Executes one change set by its ARN and follows it to the end. The outcome is what CloudFormation says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cicd_templates.deploy.changes import ChangeSet, describe_stack
from cicd_templates.deploy.clients import Clients
from cicd_templates.deploy.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.stacks import Stack
from cicd_templates.deploy.status import RUNNING, SUCCEEDED
from cicd_templates.deploy.waiting import LONGEST_OPERATION_SECONDS, Patience

OnEvent = Callable[[ResourceEvent], None]


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


def execute(
    clients: Clients, stack: Stack, change_set: ChangeSet, patience: Patience, on_event: OnEvent
) -> Done | Failed:
    """Run `change_set` and wait for its end; then protect a protected stack from deletion."""
    cloudformation = clients.cloudformation
    known: set[str] = set()
    events_since(cloudformation, change_set.stack_id, known)
    cloudformation.execute_change_set(ChangeSetName=change_set.arn)
    outcome = follow(clients, change_set.stack_id, stack.name, patience, on_event, known)
    if isinstance(outcome, Done):
        cloudformation.update_termination_protection(
            StackName=change_set.stack_id, EnableTerminationProtection=stack.protected
        )
    return outcome


def follow(
    clients: Clients, stack_id: str, name: str, patience: Patience, on_event: OnEvent, known: set[str]
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

    patience.until(ended, f"the operation on {name}", LONGEST_OPERATION_SECONDS)
    status = last["StackStatus"]
    if status in SUCCEEDED:
        outputs = {output["OutputKey"]: output["OutputValue"] for output in last.get("Outputs", ())}
        return Done(status, outputs)
    return Failed(status, first_failure(seen))
