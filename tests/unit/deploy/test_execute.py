"""Following an operation: every event once, the first real cause, and CloudFormation's word as the outcome."""

from __future__ import annotations

import pytest

from cicd_templates.deploy.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.execute import Done, Failed, follow
from tests.unit.deploy.fake_cloudformation import FakeClients, FakeCloudFormation, clock, event, stack

STACK = "AWS::CloudFormation::Stack"


def followed(fake: FakeCloudFormation) -> tuple[Done | Failed, list[str]]:
    seen: list[str] = []
    outcome = follow(
        FakeClients(fake),  # type: ignore[arg-type] # the fake stands in
        "arn:stack",
        "name",
        clock(),
        lambda each: seen.append(each.event_id),
        set(),
    )
    return outcome, seen


def test_every_event_is_told_once_oldest_first() -> None:
    fake = FakeCloudFormation(
        [stack("REVIEW_IN_PROGRESS"), stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE")],
        events=[
            [event(1, "CREATE_IN_PROGRESS", "name", kind=STACK)],
            [event(2, "CREATE_IN_PROGRESS"), event(1, "CREATE_IN_PROGRESS", "name", kind=STACK)],
            [event(3, "CREATE_COMPLETE", "name", kind=STACK), event(2, "CREATE_IN_PROGRESS")],
        ],
    )
    outcome, seen = followed(fake)

    assert outcome == Done("CREATE_COMPLETE", {})
    assert seen == ["1", "2", "3"]


def test_a_rollback_that_completes_is_a_failure_with_its_first_cause() -> None:
    fake = FakeCloudFormation(
        [stack("ROLLBACK_COMPLETE")],
        events=[
            [
                event(5, "ROLLBACK_COMPLETE", "name", kind=STACK),
                event(4, "CREATE_FAILED", "C", "Resource creation cancelled"),
                event(3, "CREATE_FAILED", "B", "quota"),
                event(2, "CREATE_FAILED", "A", "bucket exists", "AWS::S3::Bucket"),
                event(1, "CREATE_FAILED", "name", "The following resource(s) failed", STACK),
            ]
        ],
    )
    outcome, _ = followed(fake)

    assert isinstance(outcome, Failed)
    assert outcome.reason == "A (AWS::S3::Bucket): bucket exists"


def test_a_failure_without_a_failed_event_says_so() -> None:
    own = event(1, "UPDATE_ROLLBACK_FAILED", "name", kind=STACK)
    outcome, _ = followed(FakeCloudFormation([stack("UPDATE_ROLLBACK_FAILED")], events=[[own]]))

    assert isinstance(outcome, Failed)
    assert outcome.reason == "the stack ended in UPDATE_ROLLBACK_FAILED and its events name no cause"


def test_a_stack_that_is_gone_was_deleted() -> None:
    assert followed(FakeCloudFormation([None]))[0] == Done("DELETE_COMPLETE", {})


def test_the_stacks_own_failure_is_the_cause_where_no_resource_has_one() -> None:
    known: set[str] = set()
    fake = FakeCloudFormation(events=[[event(1, "CREATE_FAILED", "name", "limit exceeded", STACK)]])
    events = events_since(fake, "arn:stack", known)  # type: ignore[arg-type] # the fake stands in
    cause = first_failure(events)

    assert isinstance(cause, ResourceEvent)
    assert cause.reason == "limit exceeded"
    assert first_failure([]) is None


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "CREATE_FAILED"])
def test_outputs_come_with_success_only(status: str) -> None:
    described = stack(status) | {"Outputs": [{"OutputKey": "K", "OutputValue": "v"}]}
    outcome, _ = followed(FakeCloudFormation([described], events=[[event(1, status, "name", kind=STACK)]]))

    if status == "CREATE_COMPLETE":
        assert outcome == Done(status, {"K": "v"})
    else:
        assert isinstance(outcome, Failed)


def test_the_end_of_the_operation_before_is_not_the_end_of_this_one() -> None:
    before, begun = event(1, "CREATE_COMPLETE", "name", kind=STACK), event(2, "UPDATE_IN_PROGRESS", "name", kind=STACK)
    ended = event(3, "UPDATE_ROLLBACK_COMPLETE", "name", kind=STACK)
    fake = FakeCloudFormation(
        # CloudFormation still shows the old state at the first look, and once more behind its own event.
        [stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")],
        events=[[before], [begun, before], [ended, begun, before]],
    )
    outcome = follow(
        FakeClients(fake),  # type: ignore[arg-type] # the fake stands in
        "arn:stack",
        "name",
        clock(),
        lambda each: None,
        {"1"},
    )

    assert isinstance(outcome, Failed)
    assert outcome.status == "UPDATE_ROLLBACK_COMPLETE"
