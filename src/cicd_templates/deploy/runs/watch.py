"""Polls operations: one poll of all stacks of an account and region serves every operation under way there.

Failed polls change no outcome: an operation has ended when CloudFormation says so, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS, credentials_expired
from cicd_templates.deploy.change_sets.api import describe_stack
from cicd_templates.deploy.change_sets.events import ResourceEvent, resource_event
from cicd_templates.deploy.change_sets.stack_states import RUNNING
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.errors import DetachedError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# Of how many stacks the events are read in each poll, so that the rate of calls does not grow with the stacks.
STACKS_PER_POLL = 2
STACK_TYPE = "AWS::CloudFormation::Stack"
# Polls in a row that may fail; with pauses that double up to half a minute, that is a quarter of an hour.
MAX_FAILED_POLLS = 30


@dataclass
class WatchedOperation:
    """An operation under way. `began` is the clock's at its start, None for one that an earlier run started."""

    entry: Entry
    began: float | None
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class OperationEnded:
    """An operation that has ended in `status`."""

    entry: Entry
    status: str
    began: float | None


@dataclass(frozen=True)
class EventSeen:
    """A new event of a resource."""

    entry: Entry
    event: ResourceEvent


class Watch:
    """The operations under way in one account and region."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._watched: dict[str, WatchedOperation] = {}
        self._turn = 0
        self.failures = 0

    def add(self, entry: Entry, began: float | None) -> None:
        """Watch an operation whose execution was requested."""
        self._watched[entry.stack] = WatchedOperation(entry, began)

    @property
    def entries(self) -> list[Entry]:
        """Return the operations that no poll has seen to end."""
        return [watched.entry for watched in self._watched.values()]

    def poll(self) -> list[OperationEnded | EventSeen]:
        """Return what is new since the last poll; nothing where this one failed.

        Raises `DetachedError` where the credentials have expired, or `MAX_FAILED_POLLS` polls in a row have failed.
        """
        news: list[OperationEnded | EventSeen] = []
        try:
            statuses = self._statuses()
            settled = [
                name for name, watched in self._watched.items() if statuses[watched.entry.stack_id] not in RUNNING
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
            if credentials_expired(error):
                raise DetachedError(f"the credentials have ended ({explain(error)}); sign in again") from None
            if self.failures >= MAX_FAILED_POLLS:
                raise DetachedError(f"nothing could be seen for a while ({explain(error)})") from None
        return news

    def _statuses(self) -> dict[str, str]:
        """Return the status of every watched stack, by its id."""
        stack_ids = {watched.entry.stack_id for watched in self._watched.values()}
        statuses: dict[str, str] = {}
        # All stacks are listed, page after page, unless only one is watched.
        if len(stack_ids) > 1:
            for page in self._clients.cloudformation.get_paginator("describe_stacks").paginate():
                statuses.update({stack["StackId"]: stack["StackStatus"] for stack in page["Stacks"]})
        # The list has no deleted stacks; by their ids they can be described for ninety days.
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
    """Yield the events of a stack, newest first, through the page with the first event of the operation.

    Events of other operations are among them.
    """
    ours = False
    for page in client.get_paginator("describe_stack_events").paginate(StackName=entry.stack_id):
        tokens = {event.get("ClientRequestToken") for event in page["StackEvents"]}
        if ours and entry.token not in tokens:
            return
        ours = ours or entry.token in tokens
        yield from page["StackEvents"]


def ending(events: list[Mapping[str, Any]], described: str, token: str) -> str:
    """Return the status in which the operation with `token` has ended; empty while it has not.

    A description alone can be out of date, and an event alone can be of an intermediate step: a creation that is rolled
    back and then deleted passes through ROLLBACK_COMPLETE. Both must agree, unless another operation has begun since.
    """
    own = sorted(
        (event for event in events if event.get("ResourceType") == STACK_TYPE),
        key=lambda event: event["Timestamp"],
    )
    statuses = [event["ResourceStatus"] for event in own if event.get("ClientRequestToken") == token]
    if described not in RUNNING and described in statuses:
        return described
    if statuses and statuses[-1] not in RUNNING and own[-1].get("ClientRequestToken") != token:
        return str(statuses[-1])
    return ""
