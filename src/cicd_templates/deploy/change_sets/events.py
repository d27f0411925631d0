"""Reads the events of a stack during one operation, and finds the failure that caused the other failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

# After a failure CloudFormation cancels the operations that are still running, and reports them as failures too.
CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
FAILED_STATUSES = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "IMPORT_FAILED"})


@dataclass(frozen=True)
class ResourceEvent:
    """One event of a CloudFormation stack, about the stack itself or about one of its resources."""

    event_id: str
    time: datetime
    logical_id: str
    resource_type: str
    status: str
    reason: str
    physical_id: str = ""

    @property
    def of_stack(self) -> bool:
        """Return whether the event is about the stack itself and not about one of its resources.

        The templates contain no nested stacks, so only events about the stack itself have the resource type of a stack.
        """
        return self.resource_type == "AWS::CloudFormation::Stack"

    @property
    def failed(self) -> bool:
        """Return whether the event reports a failure. A cancellation because of another failure is not a failure."""
        return self.status in FAILED_STATUSES and self.reason not in CONSEQUENCES


def events_since(client: CloudFormationClient, stack_id: str, known: set[str]) -> list[ResourceEvent]:
    """Return the stack's events whose ids are not in `known`, oldest first, and add their ids to `known`."""
    fresh = []
    for event in _newest_first(client, stack_id):
        if event.event_id in known:
            break
        fresh.append(event)
    known.update(event.event_id for event in fresh)
    return fresh[::-1]


def _newest_first(client: CloudFormationClient, stack_id: str) -> Iterator[ResourceEvent]:
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield from map(resource_event, page["StackEvents"])


def resource_event(event: Mapping[str, Any]) -> ResourceEvent:
    """Return the `ResourceEvent` for an event of DescribeStackEvents."""
    return ResourceEvent(
        event["EventId"],
        event["Timestamp"],
        event.get("LogicalResourceId", ""),
        event.get("ResourceType", ""),
        event.get("ResourceStatus", ""),
        event.get("ResourceStatusReason", ""),
        event.get("PhysicalResourceId", ""),
    )


def first_failure(events: list[ResourceEvent]) -> ResourceEvent | None:
    """Return the first failure of a resource. If no resource has failed, return the failure of the stack itself."""
    failures = [event for event in events if event.failed]
    of_resources = [event for event in failures if not event.of_stack]
    return next(iter(of_resources or failures), None)
