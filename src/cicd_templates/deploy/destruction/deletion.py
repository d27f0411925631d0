"""Deletes one stack and follows it to the end; where CloudFormation fails, mends the cause and tries again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients, explained
from cicd_templates.deploy.aws.polling import LONGEST_OPERATION_SECONDS, Polling
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.api import describe_stack
from cicd_templates.deploy.change_sets.aws_commands import addressed
from cicd_templates.deploy.change_sets.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.change_sets.stack_states import Verb, refusal
from cicd_templates.deploy.destruction.deployed import Deployed, Owned
from cicd_templates.deploy.destruction.repair import lift_deletion_protection, mend
from cicd_templates.errors import CicdError

ATTEMPTS = 4
# Between two attempts, so that what a service says is gone is gone for the others, too.
PAUSE_POLLS = 5
PROGRESS_EVERY = 10_000
GONE = "DELETE_COMPLETE"
PASSING = frozenset({"InternalFailure", "RequestLimitExceeded", "ServiceUnavailable", "Throttling"})
DELETING = "DELETE_IN_PROGRESS"


@dataclass(frozen=True)
class Voice:
    """Whom the deletion of a stack tells what happens: a line, or an event of CloudFormation's."""

    say: Callable[[str], None]
    moved: Callable[[ResourceEvent], None]


def delete(clients: Clients, stack: Deployed, polling: Polling, voice: Voice, *, unguard: bool) -> str:
    """Delete `stack`; the reason where it is still there, otherwise nothing.

    `unguard` switches termination protection off first. A deletion that is under way already is followed.
    """
    try:
        return _delete(clients, stack, polling, voice, unguard=unguard)
    except (BotoCoreError, ClientError, CicdError) as error:
        return explained(error)


def _delete(clients: Clients, stack: Deployed, polling: Polling, voice: Voice, *, unguard: bool) -> str:
    status = _status(clients, stack)
    if status != DELETING:
        if refused := refusal(status, Verb.DESTROY, clients.region, stack.name):
            return addressed(refused, clients, stack.account)
        _prepare(clients, stack, voice)
        if unguard and stack.guarded:
            clients.cloudformation.update_termination_protection(
                StackName=stack.stack_id, EnableTerminationProtection=False
            )
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        seen = _once(clients, stack, polling, voice, start=status != DELETING)
        status = _status(clients, stack)
        if status == GONE:
            return ""
        cause = first_failure(seen)
        reason = (
            f"{cause.logical_id} ({cause.resource_type}): {cause.reason}"
            if cause
            else f"the stack ended in {status} and its events name no cause"
        )
        if attempt < ATTEMPTS:
            voice.say(f"{stack.label}: attempt {attempt} of {ATTEMPTS} failed: {reason}")
            _mend(clients, stack, voice)
            polling.sleep(PAUSE_POLLS * polling.poll_seconds)
    return _with_a_way_out(stack, reason)


def _with_a_way_out(stack: Deployed, reason: str) -> str:
    if "cannot be assumed" in reason and stack.role:
        return (
            f"{reason}; the role that CloudFormation uses for it is gone: create a role {stack.role} that"
            " CloudFormation may assume, destroy again, then delete it"
        )
    return reason


def _prepare(clients: Clients, stack: Deployed, voice: Voice) -> None:
    """Empty what has to be empty, and let go what holds itself."""
    for owned in stack.resources:
        if owned.kept:
            continue
        if owned.resource_type == "AWS::ElasticLoadBalancingV2::LoadBalancer":
            lift_deletion_protection(clients, owned.physical_id)
        if count := _empty(clients, owned, voice):
            voice.say(f"{stack.label}: emptied {owned.physical_id} ({count:,} objects)")


def _empty(clients: Clients, owned: Owned, voice: Voice) -> int:
    """Empty a bucket or repository with a sign of life every 10,000; gone already is empty, too."""
    contents = operations_of(owned.resource_type).contents
    if contents is None:
        return 0
    told = 0

    def progress(count: int) -> None:
        nonlocal told
        if count - told >= PROGRESS_EVERY:
            told = count
            voice.say(f"{owned.stack}: {owned.physical_id}: {count:,} deleted so far")

    try:
        return contents.empty(clients, owned.physical_id, progress)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "RepositoryNotFoundException"):
            return 0
        raise


def _once(clients: Clients, stack: Deployed, polling: Polling, voice: Voice, *, start: bool) -> list[ResourceEvent]:
    """One deletion from its request to its end; its events."""
    cloudformation = clients.cloudformation
    known: set[str] = set()
    events_since(cloudformation, stack.stack_id, known)
    if start:
        cloudformation.delete_stack(StackName=stack.stack_id)
    seen: list[ResourceEvent] = []

    def ended() -> bool:
        try:
            for event in events_since(cloudformation, stack.stack_id, known):
                seen.append(event)
                voice.moved(event)
            status = _status(clients, stack)
        except (BotoCoreError, ClientError) as error:
            # Looking must not decide how a deletion ends: what passes is looked over.
            if isinstance(error, ClientError) and error.response["Error"]["Code"] not in PASSING:
                raise
            return False
        # For a moment the description still shows how the operation before this one ended.
        failed = any(event.of_stack and event.status == "DELETE_FAILED" for event in seen)
        return status == GONE or (failed and status != DELETING)

    polling.until(ended, f"the deletion of {stack.name}", LONGEST_OPERATION_SECONDS)
    return seen


def _mend(clients: Clients, stack: Deployed, voice: Voice) -> None:
    failed = _failed(clients, stack)
    for owned in stack.resources:
        if owned.logical_id in failed and (done := mend(clients, owned)):
            voice.say(f"{stack.label}: {owned.physical_id}: {done}")


def _failed(clients: Clients, stack: Deployed) -> set[str]:
    pages = clients.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack.stack_id)
    return {
        summary["LogicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
        if summary["ResourceStatus"] == "DELETE_FAILED"
    }


def _status(clients: Clients, stack: Deployed) -> str:
    described: Mapping[str, Any] | None = describe_stack(clients, stack.stack_id)
    return str(described["StackStatus"]) if described else GONE
