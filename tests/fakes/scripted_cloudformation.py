"""A fake CloudFormation that answers from a script, for states that the local AWS cannot reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError


def client_error(code: str, message: str, operation: str = "DescribeStacks") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def event(
    number: int, status: str, logical_id: str = "R", reason: str = "", kind: str = "AWS::S3::Bucket"
) -> dict[str, Any]:
    return {
        "EventId": str(number),
        "Timestamp": datetime(2026, 1, 1, tzinfo=UTC),
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


@dataclass
class FakeCloudFormation:
    """A fake CloudFormation.

    `stacks` has the answers to consecutive descriptions of one stack; the last one is repeated.

    None means that the stack does not exist. `listed` are the stacks in the list of all stacks. Each other field has
    the pages of the call with its name. `calls` keeps the calls.
    """

    stacks: list[Mapping[str, Any] | None] = field(default_factory=lambda: [None])
    change_sets: list[Mapping[str, Any]] = field(default_factory=list)
    resources: Sequence[Mapping[str, Any]] = ()
    events: list[Sequence[Mapping[str, Any]]] = field(default_factory=lambda: [()])
    others: Sequence[Mapping[str, Any]] = ()
    template: Any = "Resources: {}"
    listed: Sequence[Mapping[str, Any]] = ()
    calls: list[str] = field(default_factory=list)

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - AWS's word
        found = self.stacks.pop(0) if len(self.stacks) > 1 else self.stacks[0]
        if found is None:
            raise client_error("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [found]}

    def describe_change_set(self, **request: Any) -> Any:
        return self.change_sets.pop(0)

    def delete_change_set(self, **request: Any) -> None:
        self.calls.append("delete_change_set")

    def delete_stack(self, **request: Any) -> None:
        self.calls.append("delete_stack")

    def get_template(self, **request: Any) -> Any:
        return {"TemplateBody": self.template}

    def get_paginator(self, name: str) -> Any:
        pages: dict[str, Callable[[], Any]] = {
            "describe_stacks": lambda: [{"Stacks": self.listed}],
            "list_stack_resources": lambda: [{"StackResourceSummaries": self.resources}],
            "list_change_sets": lambda: [{"Summaries": self.others}],
            "describe_stack_events": lambda: [{"StackEvents": self._events()}],
        }

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[Any]:
                return iter(pages[name]())

        return Paginator()

    def _events(self) -> Sequence[Mapping[str, Any]]:
        return self.events.pop(0) if len(self.events) > 1 else self.events[0]


def stack(status: str, **tags: str) -> dict[str, Any]:
    """Return a stack as CloudFormation describes it. By default, its tags say that it is ours."""
    known = {"ManagedBy": "cicd-templates", "Project": "shipping", **tags}
    return {
        "StackId": "arn:stack",
        "StackName": "shipping-staging-keys",
        "StackStatus": status,
        "Tags": [{"Key": key, "Value": value} for key, value in known.items()],
    }


class FakeClients:
    """Clients with only one client, which is the one that these calls use."""

    endpoint_url = None
    profile = None
    region = "eu-central-1"

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.cloudformation = cloudformation
