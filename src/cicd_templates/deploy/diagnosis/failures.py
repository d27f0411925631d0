"""What went wrong in one operation on a stack, from CloudFormation's own account of it, the first cause first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.events import CONSEQUENCES, FAILED_STATUSES

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK_TYPE = "AWS::CloudFormation::Stack"
# With these an operation begins; a rollback is the end of the operation that it undoes.
BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "REVIEW_IN_PROGRESS"}
)
# Where no resource failed, the stack's own event has the reason: a parameter that does not resolve, a role that
# CloudFormation may not assume.
OF_THE_STACK = FAILED_STATUSES | {
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
}


@dataclass(frozen=True)
class Failure:
    """Something that failed by itself. `path` is where in the template, such as `/Resources/Key/Properties/Tags`."""

    time: datetime
    logical_id: str
    resource_type: str
    physical_id: str
    reason: str
    path: str = ""


def failures(client: CloudFormationClient, stack_id: str, token: str | None = None) -> list[Failure]:
    """The failures of the operation with that request token, or of the latest one, the first cause first.

    Cancellations are dropped, which other failures caused; so are the stack's own events where a resource's explain
    them. Empty where the operation succeeded or CloudFormation names nothing.
    """
    operation = _operation(client, stack_id, token)
    of_resources = [
        _failure(event)
        for event in operation
        if event.get("ResourceType") != STACK_TYPE and event.get("ResourceStatus") in FAILED_STATUSES
    ]
    of_resources += _detailed(client, {event["OperationId"] for event in operation if event.get("OperationId")})
    of_the_stack = [
        _failure(event)
        for event in operation
        if event.get("ResourceType") == STACK_TYPE and event.get("ResourceStatus") in OF_THE_STACK
    ]
    own = {(each.logical_id, each.reason): each for each in sorted(of_resources, key=_time, reverse=True)}
    causes = [each for each in own.values() if each.reason not in CONSEQUENCES]
    return sorted(causes or (each for each in of_the_stack if each.reason), key=_time)


def _time(failure: Failure) -> datetime:
    return failure.time


def _operation(client: CloudFormationClient, stack_id: str, token: str | None) -> list[Mapping[str, Any]]:
    """The events of one operation and its rollback, newest first; of the latest where none has the token."""
    latest: list[Mapping[str, Any]] | None = None
    events: list[Mapping[str, Any]] = []
    deletion: list[Mapping[str, Any]] | None = None
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for event in (event for page in pages for event in page["StackEvents"]):
        if deletion is not None:
            if event.get("ClientRequestToken") != deletion[-1].get("ClientRequestToken"):
                return deletion
            # What a failed creation left is deleted in the same operation, whose cause comes before.
            deletion = None
        events.append(event)
        if event.get("ResourceType") != STACK_TYPE or event.get("ResourceStatus") not in BEGINNINGS:
            continue
        if token not in (None, event.get("ClientRequestToken")):
            latest = latest or events
            events = []
        elif event["ResourceStatus"] == "DELETE_IN_PROGRESS" and event.get("ClientRequestToken"):
            deletion = list(events)
        else:
            return events
    return deletion or latest or events


def _failure(event: Mapping[str, Any]) -> Failure:
    return Failure(
        event["Timestamp"],
        event.get("LogicalResourceId", ""),
        event.get("ResourceType", ""),
        event.get("PhysicalResourceId", ""),
        event.get("ResourceStatusReason", ""),
    )


def _detailed(client: CloudFormationClient, operations: set[str]) -> Iterator[Failure]:
    """What only DescribeEvents tells: hooks and validations that failed, each with its place in the template.

    Whoever may not call it, or talks to an AWS that does not have it, still has the stack's events.
    """
    for operation in sorted(operations):
        try:
            pages = client.get_paginator("describe_events").paginate(
                OperationId=operation, Filters={"FailedEvents": True}
            )
            found = [event for page in pages for event in page["OperationEvents"]]
        except ClientError:
            return
        for event in found:
            match event.get("EventType"):
                case "VALIDATION_ERROR" if event.get("ValidationFailureMode") != "WARN":
                    reason = f"{event.get('ValidationName', 'validation')}: {event.get('ValidationStatusReason', '')}"
                case "HOOK_INVOCATION_ERROR" if event.get("HookFailureMode") != "WARN":
                    reason = f"the hook {event.get('HookType', '')} refused it: {event.get('HookStatusReason', '')}"
                case "PROVISIONING_ERROR":
                    reason = event.get("ResourceStatusReason", "")
                case _:
                    continue
            yield Failure(
                event["Timestamp"],
                event.get("LogicalResourceId", ""),
                event.get("ResourceType", ""),
                event.get("PhysicalResourceId", ""),
                reason,
                event.get("ValidationPath", ""),
            )
