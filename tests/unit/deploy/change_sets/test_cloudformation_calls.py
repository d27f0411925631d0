"""Change sets are described with all their pages, with and without property values."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.cloudformation_calls import describe, describe_stack, validations
from cicd_templates.deploy.plans.discard import discard_named
from tests.fakes.scripted_cloudformation import FakeClients, FakeCloudFormation, client_error


class Change:
    """One resource of a change set, with or without its values."""

    def __init__(self, logical_id: str, *properties: str) -> None:
        self.logical_id, self.properties = logical_id, properties

    def entry(self, valued: bool) -> dict[str, Any]:
        values = {"BeforeValue": "1", "AfterValue": "2"} if valued else {}
        details = [{"Target": {"Attribute": "Properties", "Name": name, **values}} for name in self.properties]
        change = {
            "Action": "Modify",
            "LogicalResourceId": self.logical_id,
            "ResourceType": "AWS::KMS::Key",
            "Replacement": "False",
            "Details": details,
        }
        return {"Type": "Resource", "ResourceChange": change}


class Describing:
    """A client that describes one change set:

    `plain` in pages of one change, and `valued` with some changes missing.
    """

    def __init__(self, plain: list[Change], valued: list[Change], events: Any = ()) -> None:
        self.plain, self.valued, self.events = plain, valued, events

    def describe_change_set(self, **request: Any) -> Any:
        valued = request.get("IncludePropertyValues", False)
        changes = self.valued if valued else self.plain
        start = int(request.get("NextToken", 0))
        return {
            "ChangeSetId": "arn",
            "StackId": "stack",
            "Status": "CREATE_COMPLETE",
            "Changes": [{"Type": "Hook"}, *(change.entry(valued) for change in changes[start : start + 1])],
            **({"NextToken": str(start + 1)} if start + 1 < len(changes) else {}),
        }

    def get_paginator(self, name: str) -> Any:
        if isinstance(self.events, Exception):
            raise self.events

        class Paginator:
            @staticmethod
            def paginate(**request: Any) -> Any:
                return [{"OperationEvents": [event]} for event in self.events]

        return Paginator()


def test_all_pages_are_read_and_what_one_side_leaves_out_the_other_has() -> None:
    client: Any = Describing([Change("A", "Description"), Change("B", "Enabled", "Tags")], [Change("B", "Enabled")])
    described = describe(client, "arn")

    assert described is not None
    assert [change.logical_id for change in described.changes] == ["A", "B"]
    a, b = described.changes
    assert (a.details[0].name, a.details[0].after) == ("Description", "")
    assert [(detail.name, detail.before, detail.after) for detail in b.details] == [
        ("Enabled", "1", "2"),
        ("Tags", "", ""),
    ]


def test_a_change_that_only_the_side_with_values_has_counts_as_well() -> None:
    client: Any = Describing([Change("A", "X")], [Change("A", "X"), Change("C", "Y")])
    described = describe(client, "arn")

    assert described is not None
    assert [change.logical_id for change in described.changes] == ["A", "C"]


WARNING = {
    "ValidationStatus": "FAILED",
    "ValidationFailureMode": "WARN",
    "ValidationName": "BUCKET_EMPTINESS_VALIDATION",
    "ValidationPath": "/Resources/Logs",
    "ValidationStatusReason": "not empty",
}
ERROR = {"ValidationStatus": "FAILED", "LogicalResourceId": "Logs", "ValidationStatusReason": "taken"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param([{"ValidationStatus": "SKIPPED"}, {"EventType": "STACK_EVENT"}], (), id="nothing failed"),
        pytest.param(
            [WARNING, ERROR],
            (
                "warning: BUCKET_EMPTINESS_VALIDATION at /Resources/Logs: not empty",
                "error: validation at Logs: taken",
            ),
            id="a warning and an error",
        ),
        pytest.param(client_error("AccessDenied", "DescribeEvents"), (), id="not allowed"),
        pytest.param(client_error("InvalidAction", "DescribeEvents"), (), id="not there"),
    ],
)
def test_validations_are_also_reported_for_a_change_set_that_was_created(
    events: Any, expected: tuple[str, ...]
) -> None:
    client: Any = Describing([Change("A")], [Change("A")], events)
    described = describe(client, "arn")

    assert described is not None
    assert described.findings == expected


def test_another_fault_of_the_validations_is_not_swallowed() -> None:
    client: Any = Describing([], [], client_error("Throttling", "slow down"))

    with pytest.raises(ClientError, match="slow down"):
        validations(client, "arn")


class Gone(FakeCloudFormation):
    def describe_change_set(self, **request: Any) -> Any:
        raise client_error("ChangeSetNotFound", "gone")


class Refusing(FakeCloudFormation):
    def describe_change_set(self, **request: Any) -> Any:
        raise client_error("AccessDenied", "not yours")

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - AWS's word
        raise client_error("AccessDenied", "not yours")


def test_a_change_set_that_is_gone_is_none_and_one_that_is_hidden_is_an_error() -> None:
    gone: Any = Gone()
    refusing: Any = Refusing()

    assert describe(gone, "arn") is None
    with pytest.raises(ClientError, match="not yours"):
        describe(refusing, "arn")


def test_another_error_than_what_is_meant_is_not_swallowed() -> None:
    clients: Any = FakeClients(Refusing())

    with pytest.raises(ClientError, match="not yours"):
        describe_stack(clients, "x")
    with pytest.raises(ClientError, match="not yours"):
        discard_named(clients, "stack", "plan")
