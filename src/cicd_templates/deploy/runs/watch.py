"""Polls the operations in one account and region. Each poll reads all stacks of the account and region with one list
call.

A failed poll never counts as the end of an operation. An operation has ended only if CloudFormation reports a final
status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.change_sets.cloudformation_calls import describe_stack
from cicd_templates.deploy.change_sets.events import ResourceEvent, resource_event
from cicd_templates.deploy.change_sets.stack_status_remedies import IN_PROGRESS
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.errors import DetachedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# Each poll reads the events of at most this many running stacks, which limits the calls when many stacks run.
STACKS_PER_POLL = 2
STACK_TYPE = "AWS::CloudFormation::Stack"
# The number of consecutive polls that may fail. Pauses double up to 30 seconds, so this is about 15 minutes.
MAX_FAILED_POLLS = 30


@dataclass
class WatchedOperation:
    """An operation under way.

    `began` is the time when this run started the operation, or None if an earlier run started it.
    """

    entry: Entry
    began: float | None
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class OperationEnded:
    """An operation has ended. `status` is the final status of its stack."""

    entry: Entry
    status: str
    began: float | None


@dataclass(frozen=True)
class EventSeen:
    """A resource has a new event."""

    entry: Entry
    event: ResourceEvent


class Watch:
    """Polls all operations that are under way in one account and region."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._watched: dict[str, WatchedOperation] = {}
        self._turn = 0
        self.failures = 0

    def add(self, entry: Entry, began: float | None) -> None:
        """Start watching an operation. `began` is the clock's value at its start, or None if the start is unknown."""
        self._watched[entry.stack] = WatchedOperation(entry, began)

    @property
    def entries(self) -> list[Entry]:
        """Return the operations that were still in progress at the last poll."""
        return [watched.entry for watched in self._watched.values()]

    def poll(self) -> list[OperationEnded | EventSeen]:
        """Read the stacks once, and return what has happened since the last poll. Return an empty list if this poll
        failed.

        Raises `DetachedError` if the credentials have expired or `MAX_FAILED_POLLS` consecutive polls have failed.
        """
        news: list[OperationEnded | EventSeen] = []
        try:
            statuses = self._statuses()
            settled = [
                name for name, watched in self._watched.items() if statuses[watched.entry.stack_id] not in IN_PROGRESS
            ]
            moving = [name for name in self._watched if name not in settled]
            turns = [moving[(self._turn + n) % len(moving)] for n in range(min(STACKS_PER_POLL, len(moving)))]
            self._turn += STACKS_PER_POLL
            for name in settled + turns:
                watched = self._watched[name]
                events = list(operation_events(self._clients.cloudformation, watched.entry))
                news += self._fresh(watched, events)
                ended = ending(events, statuses[watched.entry.stack_id], watched.entry.token)
                if ended:
                    news.append(OperationEnded(watched.entry, ended, watched.began))
                    del self._watched[name]
            self.failures = 0
        except AWS_ERRORS as error:
            self.failures += 1
            if self.failures >= MAX_FAILED_POLLS:
                raise DetachedError(
                    f"the last {self.failures} attempts to read the stacks failed ({explain(error)})"
                ) from None
        return news

    def _statuses(self) -> dict[str, str]:
        """Return the status of every watched stack, keyed by stack id."""
        stack_ids = {watched.entry.stack_id for watched in self._watched.values()}
        statuses: dict[str, str] = {}
        # Listing all stacks takes several pages, so a single watched stack is described by its id instead.
        if len(stack_ids) > 1:
            for page in self._clients.cloudformation.get_paginator("describe_stacks").paginate():
                statuses.update({stack["StackId"]: stack["StackStatus"] for stack in page["Stacks"]})
        # The list omits deleted stacks, but a deleted stack can be described by its id for 90 days.
        for stack_id in stack_ids - statuses.keys():
            stack = describe_stack(self._clients, stack_id)
            statuses[stack_id] = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        return statuses

    @staticmethod
    def _fresh(watched: WatchedOperation, events: list[Mapping[str, Any]]) -> Iterator[EventSeen]:
        for event in sorted(events, key=lambda event: event["Timestamp"]):
            if event["EventId"] not in watched.seen and event.get("ClientRequestToken") == watched.entry.token:
                watched.seen.add(event["EventId"])
                yield EventSeen(watched.entry, resource_event(event))


def operation_events(client: CloudFormationClient, entry: Entry) -> Iterator[Mapping[str, Any]]:
    """Yield the stack's events, newest first, until all events of the operation in `entry` have been yielded.

    Whole pages of AWS's answer are yielded, so the last events can be older than the operation.
    """
    ours = False
    for page in client.get_paginator("describe_stack_events").paginate(StackName=entry.stack_id):
        tokens = {event.get("ClientRequestToken") for event in page["StackEvents"]}
        if ours and entry.token not in tokens:
            return
        ours = ours or entry.token in tokens
        yield from page["StackEvents"]


def ending(events: list[Mapping[str, Any]], described: str, token: str) -> str:
    """Return the final status of an operation on a stack, or an empty string while the operation is in progress.

    `token` identifies the events of the operation. `described` is the stack's status from DescribeStacks. The operation
    has ended in these two cases:

    - `described` is a final status, and an event of the operation has the same status. Without this event, `described`
      could be the status after an earlier operation.
    - The last event of the operation has a final status, and a later operation on the stack has begun. Without the
      later operation, this operation could continue: after ROLLBACK_COMPLETE, CloudFormation can delete the stack.
    """
    own = sorted(
        (event for event in events if event.get("ResourceType") == STACK_TYPE),
        key=lambda event: event["Timestamp"],
    )
    statuses = [event["ResourceStatus"] for event in own if event.get("ClientRequestToken") == token]
    if described not in IN_PROGRESS and described in statuses:
        return described
    if statuses and statuses[-1] not in IN_PROGRESS and own[-1].get("ClientRequestToken") != token:
        return str(statuses[-1])
    return ""
