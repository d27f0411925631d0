"""Deletes one stack and waits until it is gone. If the deletion fails, the module removes the cause and tries again.

This module finds the events of a deletion by the stack's id, because the request token is unknown if somebody else
started the deletion. `runs/watch.py` finds the events of a deployment by its request token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.polling import LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.deploy.change_sets.aws_commands import for_caller
from cicd_templates.deploy.change_sets.cloudformation_calls import stack_status
from cicd_templates.deploy.change_sets.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.change_sets.stack_status_remedies import Verb, refusal
from cicd_templates.deploy.destruction.deletion_blockers import repair
from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack, Owned
from cicd_templates.errors import CicdError, DetachedError

DELETION_ATTEMPTS = 4
# The number of poll intervals between two attempts. In this time, each AWS service notices what other services have
# deleted.
PAUSE_POLLS = 5
PROGRESS_EVERY = 10_000
DELETED = "DELETE_COMPLETE"
DELETING = "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class DeletionProgress:
    """Callbacks for the progress of a deletion: `note` gets lines of text, and `event` gets CloudFormation's events."""

    note: Callable[[str], None]
    event: Callable[[ResourceEvent], None]


def delete_stack(
    clients: Clients, stack: DeployedStack, polling: Polling, progress: DeletionProgress, *, unguard: bool
) -> str:
    """Delete `stack`. Return an empty string, or the reason why the stack still exists.

    If `unguard` is true, switch the stack's termination protection off first. If CloudFormation is already deleting
    the stack, wait for the end of the deletion.

    Raises `DetachedError` if the credentials stop working, because the stack may then still exist.
    """
    try:
        return _delete_with_repairs(clients, stack, polling, progress, unguard=unguard)
    except DetachedError:
        raise
    except (BotoCoreError, ClientError, CicdError) as error:
        return explain(error)


def _delete_with_repairs(
    clients: Clients, stack: DeployedStack, polling: Polling, progress: DeletionProgress, *, unguard: bool
) -> str:
    status = stack_status(clients, stack.stack_id)
    if status != DELETING:
        if refused := refusal(status, Verb.DESTROY, clients.region, stack.name):
            return for_caller(refused, clients, stack.account)
        _prepare_resources(clients, stack, progress)
        if unguard and stack.guarded:
            clients.cloudformation.update_termination_protection(
                StackName=stack.stack_id, EnableTerminationProtection=False
            )
    reason = ""
    for attempt in range(1, DELETION_ATTEMPTS + 1):
        events = _delete_once(clients, stack, polling, progress, start=status != DELETING)
        status = stack_status(clients, stack.stack_id)
        if status == DELETED:
            return ""
        cause = first_failure(events)
        reason = (
            f"{cause.logical_id} ({cause.resource_type}): {cause.reason}"
            if cause
            else f"the stack ended in {status}, and its events do not name a cause"
        )
        if attempt < DELETION_ATTEMPTS:
            progress.note(f"{stack.label}: attempt {attempt} of {DELETION_ATTEMPTS} failed: {reason}")
            _repair_failed_resources(clients, stack, progress)
            polling.sleep(PAUSE_POLLS * polling.poll_seconds)
    return _with_remedy(stack, reason)


def _with_remedy(stack: DeployedStack, reason: str) -> str:
    if "cannot be assumed" in reason and stack.role:
        return (
            f"{reason}; the role that CloudFormation needs to delete the stack no longer exists: create a role"
            f" {stack.role} that CloudFormation may assume, destroy again, then delete the role"
        )
    return reason


def _prepare_resources(clients: Clients, stack: DeployedStack, progress: DeletionProgress) -> None:
    """Empty buckets and repositories, and switch off the deletion protection of load balancers and databases."""
    for owned in stack.resources:
        if owned.kept:
            continue
        if protection := operations_of(owned.resource_type).protection:
            protection.lift(clients, owned.physical_id)
        if count := _empty(clients, owned, progress):
            progress.note(f"{stack.label}: emptied {owned.physical_id} ({count:,} objects)")


def _empty(clients: Clients, owned: Owned, progress: DeletionProgress) -> int:
    """Empty a bucket or repository and return how many items were deleted, or 0 if it does not exist.

    Reports the progress every 10,000 items.
    """
    contents = operations_of(owned.resource_type).contents
    if contents is None:
        return 0
    last_noted = 0

    def note_progress(count: int) -> None:
        nonlocal last_noted
        if count - last_noted >= PROGRESS_EVERY:
            last_noted = count
            progress.note(f"{owned.stack}: {owned.physical_id}: {count:,} deleted so far")

    try:
        return contents.empty(clients, owned.physical_id, note_progress)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "RepositoryNotFoundException"):
            return 0
        raise


def _delete_once(
    clients: Clients, stack: DeployedStack, polling: Polling, progress: DeletionProgress, *, start: bool
) -> list[ResourceEvent]:
    """If `start` is true, start the deletion of `stack`. Wait until the deletion has ended, and return its events."""
    cloudformation = clients.cloudformation
    known: set[str] = set()
    events_since(cloudformation, stack.stack_id, known)
    if start:
        cloudformation.delete_stack(StackName=stack.stack_id)
    events: list[ResourceEvent] = []

    def ended() -> bool:
        for event in events_since(cloudformation, stack.stack_id, known):
            events.append(event)
            progress.event(event)
        status = stack_status(clients, stack.stack_id)
        # For a moment, the description still shows the final status of the previous operation.
        failed = any(event.of_stack and event.status == "DELETE_FAILED" for event in events)
        return status == DELETED or (failed and status != DELETING)

    polling.until(ignore_transient(ended), f"the deletion of {stack.name}", LONGEST_OPERATION_SECONDS)
    return events


def _repair_failed_resources(clients: Clients, stack: DeployedStack, progress: DeletionProgress) -> None:
    failed = _failed_resources(clients, stack)
    for owned in stack.resources:
        if owned.logical_id in failed and (repaired := repair(clients, owned)):
            progress.note(f"{stack.label}: {owned.physical_id}: {repaired}")


def _failed_resources(clients: Clients, stack: DeployedStack) -> set[str]:
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.stack_id)
    return {
        summary["LogicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
        if summary["ResourceStatus"] == "DELETE_FAILED"
    }
