"""The root cause of an operation: only its own events count, without failures that other failures caused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cicd_templates.deploy.diagnosis.failures import STACK_TYPE, failures
from tests.fakes.answering_aws import FakeAws, denied


def event(second: int, status: str, logical_id: str = "stack", reason: str = "", **more: str) -> dict[str, Any]:
    kind = STACK_TYPE if logical_id == "stack" else "AWS::S3::Bucket"
    return {
        "EventId": str(second),
        "StackId": "arn:stack",
        "StackName": "s",
        "Timestamp": datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **more,
    }


def found(*events: dict[str, Any], token: str | None = None, detailed: Any = None, per_page: int = 2) -> list[str]:
    newest_first = [{"StackEvents": list(events[::-1][at : at + per_page])} for at in range(0, len(events), per_page)]
    fake = FakeAws(
        {
            "cloudformation.describe_stack_events": newest_first,
            "cloudformation.describe_events": detailed or [{"OperationEvents": []}],
        }
    )
    return [
        f"{each.logical_id}: {each.reason}{each.path}" for each in failures(fake.cloudformation, "arn:stack", token)
    ]


EARLIER = (event(1, "CREATE_IN_PROGRESS", ClientRequestToken="t1"), event(2, "CREATE_FAILED", "Old", "of another time"))
BEGIN = event(10, "UPDATE_IN_PROGRESS", ClientRequestToken="t2", reason="User Initiated")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            (
                *EARLIER,
                BEGIN,
                event(12, "UPDATE_FAILED", "B", "second"),
                event(11, "UPDATE_FAILED", "A", "first"),
                event(13, "UPDATE_FAILED", "C", "Resource update cancelled"),
                event(14, "UPDATE_ROLLBACK_IN_PROGRESS", reason="The following resource(s) failed to update: [A, B]."),
                event(15, "UPDATE_ROLLBACK_COMPLETE"),
            ),
            ["A: first", "B: second"],
            id="cancellations and the stack's own words are dropped, the order is that of time",
        ),
        pytest.param(
            (*EARLIER, BEGIN, event(11, "UPDATE_ROLLBACK_IN_PROGRESS", reason="Parameter X does not resolve")),
            ["stack: Parameter X does not resolve"],
            id="where no resource failed, the stack says it",
        ),
        pytest.param((*EARLIER, BEGIN, event(11, "UPDATE_COMPLETE")), [], id="a success"),
        pytest.param((event(2, "CREATE_FAILED", "Old", "lost beginning"),), ["Old: lost beginning"], id="no beginning"),
        pytest.param((), [], id="no events"),
    ],
)
def test_the_latest_operation_names_its_causes(events: tuple[dict[str, Any], ...], expected: list[str]) -> None:
    assert found(*events) == expected


@pytest.mark.parametrize(
    ("token", "expected"),
    [("t1", ["Old: of another time"]), ("t2", ["A: of now"]), ("unknown", ["A: of now"])],
)
def test_an_operation_is_found_by_its_request_token(token: str, expected: list[str]) -> None:
    events = (*EARLIER, BEGIN, event(11, "UPDATE_FAILED", "A", "of now"))

    assert found(*events, token=token) == expected


def detail(second: int, kind: str, **more: str) -> dict[str, Any]:
    return {"EventId": str(second), "Timestamp": datetime(2026, 1, 1, tzinfo=UTC), "EventType": kind, **more}


def test_validations_and_hooks_are_reported_with_their_place_and_warnings_are_not() -> None:
    details = [
        {
            "OperationEvents": [
                detail(
                    1,
                    "VALIDATION_ERROR",
                    LogicalResourceId="A",
                    ValidationName="NAME_CONFLICT_VALIDATION",
                    ValidationStatusReason="taken",
                    ValidationFailureMode="FAIL",
                    ValidationPath="/Resources/A/Properties/Name",
                ),
                detail(2, "VALIDATION_ERROR", LogicalResourceId="B", ValidationFailureMode="WARN"),
            ]
        },
        {
            "OperationEvents": [
                detail(3, "HOOK_INVOCATION_ERROR", LogicalResourceId="C", HookType="My::Hook", HookStatusReason="no"),
                detail(4, "HOOK_INVOCATION_ERROR", LogicalResourceId="D", HookFailureMode="WARN"),
                detail(5, "PROVISIONING_ERROR", LogicalResourceId="E", ResourceStatusReason="quota"),
                detail(6, "STACK_EVENT", LogicalResourceId="F", ResourceStatusReason="reported already"),
            ]
        },
    ]

    assert sorted(found({**BEGIN, "OperationId": "o-1"}, detailed=details)) == [
        "A: NAME_CONFLICT_VALIDATION: taken/Resources/A/Properties/Name",
        "C: the hook My::Hook refused the change: no",
        "E: quota",
    ]


def test_who_may_not_ask_for_details_still_has_the_stacks_events() -> None:
    events = ({**BEGIN, "OperationId": "o-1"}, event(11, "UPDATE_FAILED", "A", "of now", OperationId="o-1"))

    assert found(*events, detailed=denied("DescribeEvents")) == ["A: of now"]


def test_a_deletion_of_its_own_is_not_mixed_with_what_was_before() -> None:
    from cicd_templates.deploy.diagnosis.failures import _operation

    own = {
        "ResourceType": "AWS::CloudFormation::Stack",
        "ResourceStatus": "DELETE_IN_PROGRESS",
        "ClientRequestToken": "d",
    }
    before = {
        "ResourceType": "AWS::CloudFormation::Stack",
        "ResourceStatus": "CREATE_COMPLETE",
        "ClientRequestToken": "c",
    }

    class Client:
        def get_paginator(self, name: str) -> Any:
            class Paginator:
                @staticmethod
                def paginate(**request: Any) -> Any:
                    return [{"StackEvents": [own, before]}]

            return Paginator()

    client: Any = Client()
    assert _operation(client, "stack", "d") == [own]
