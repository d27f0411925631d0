"""The events of a stack: those since the last call, and the first failure, which caused the others."""

from __future__ import annotations

from typing import Any

import pytest

from cicd_templates.deploy.change_sets.events import ResourceEvent, events_since, first_failure
from tests.fakes.scripted_cloudformation import FakeCloudFormation, event

STACK = "AWS::CloudFormation::Stack"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [
                event(5, "ROLLBACK_COMPLETE", "name", kind=STACK),
                event(4, "CREATE_FAILED", "C", "Resource creation cancelled"),
                event(3, "CREATE_FAILED", "B", "quota"),
                event(2, "CREATE_FAILED", "A", "bucket exists", "AWS::S3::Bucket"),
                event(1, "CREATE_FAILED", "name", "The following resource(s) failed", STACK),
            ],
            "bucket exists",
            id="a resource's before the stack's own and before cancellations",
        ),
        pytest.param(
            [event(1, "CREATE_FAILED", "name", "limit exceeded", STACK)],
            "limit exceeded",
            id="the stack's own where no resource has one",
        ),
    ],
)
def test_the_first_failure_explains_the_others(events: list[Any], expected: str) -> None:
    fake: Any = FakeCloudFormation(events=[events])
    cause = first_failure(events_since(fake, "arn:stack", set()))

    assert isinstance(cause, ResourceEvent)
    assert cause.reason == expected


def test_without_a_failure_there_is_no_cause() -> None:
    assert first_failure([]) is None


def test_each_event_is_read_once_oldest_first() -> None:
    first, second, third = (event(number, "CREATE_IN_PROGRESS") for number in (1, 2, 3))
    fake: Any = FakeCloudFormation(events=[[second, first], [third, second, first]])
    known: set[str] = set()

    assert [each.event_id for each in events_since(fake, "arn:stack", known)] == ["1", "2"]
    assert [each.event_id for each in events_since(fake, "arn:stack", known)] == ["3"]
