"""Finds the failures of one operation on a stack in CloudFormation's events. The root cause comes first."""

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
# The statuses with which an operation begins. A rollback is not among them: it belongs to the operation that it undoes.
BEGINNINGS = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "REVIEW_IN_PROGRESS"}
)
# If no resource failed, the reason is in the stack's own event. For example, a parameter cannot be resolved, or
# CloudFormation may not assume the role.
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
    """A failure that was not caused by another failure.

    `path` is the failure's place in the template, such as `/Resources/Key/Properties/Tags`.
    """

    time: datetime
    logical_id: str
    resource_type: str
    physical_id: str
    reason: str
    path: str = ""


def failures(client: CloudFormationClient, stack_id: str, token: str | None = None) -> list[Failure]:
    """Return the failures of resources in one operation on a stack, oldest first.

    If no resource has failed, return the failures of the stack itself. A resource that was only cancelled has not
    failed. If the operation succeeded, or if CloudFormation gives no reason, the result is empty.

    `token` is the request token of the operation. None means the latest operation.
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
    """Return the events of the operation with the request token `token`, including its rollback, newest first.

    If `token` is None, or if no event has this token, return the events of the latest operation.
    """
    latest: list[Mapping[str, Any]] | None = None
    events: list[Mapping[str, Any]] = []
    deletion: list[Mapping[str, Any]] | None = None
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for event in (event for page in pages for event in page["StackEvents"]):
        if deletion is not None:
            if event.get("ClientRequestToken") != deletion[-1].get("ClientRequestToken"):
                return deletion
            # CloudFormation deletes a stack after its failed creation. The deletion has the same token, so continue to
            # the older events, which have the cause.
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
    """Yield the failures of hooks, validations and resources in `operations`, as DescribeEvents returns them.

    The failure of a validation has a path in the template. If DescribeEvents fails, for example because IAM denies the
    call, the result is empty. The diagnosis then uses only the events of the stack.
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
                    reason = (
                        f"the hook {event.get('HookType', '')} refused the change: {event.get('HookStatusReason', '')}"
                    )
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
