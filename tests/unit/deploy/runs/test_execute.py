"""Following an operation: every event once, the first real cause, and CloudFormation's word as the outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.change_sets.events import ResourceEvent, events_since, first_failure
from cicd_templates.deploy.runs.execute import (
    Done,
    Failed,
    begun,
    execute,
    follow,
    known,
)
from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.deploy.runs.watch import ending, operation_events
from tests.fakes.scripted_cloudformation import (
    FakeClients,
    FakeCloudFormation,
    client_error,
    clock,
    event,
    stack,
)
from tests.fakes.simulated_aws import EPOCH

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


ENTRY = Entry("payments-staging-keys", "keys", "arn:change-set", "arn:stack", False, "mine", "plan", 1, protected=False)


class Executing(FakeCloudFormation):
    """Answers ExecuteChangeSet and DescribeChangeSet with these codes or, for the latter, this status."""

    def __init__(self, executed: str, described: str, *tokens: str) -> None:
        events = [
            [{**event(number, "UPDATE_COMPLETE"), "ClientRequestToken": token} for number, token in enumerate(tokens)]
        ]
        super().__init__(events=events)  # type: ignore[arg-type] # lists of dicts
        self.executed, self.described = executed, described

    def execute_change_set(self, **request: Any) -> None:
        if self.executed:
            raise client_error(self.executed, "no", "ExecuteChangeSet")

    def describe_change_set(self, **request: Any) -> Any:
        if self.described.isupper():
            return {"ExecutionStatus": self.described}
        raise client_error(self.described, "no", "DescribeChangeSet")


@pytest.mark.parametrize(
    ("executed", "described", "tokens"),
    [
        pytest.param("", "AVAILABLE", (), id="the first time"),
        pytest.param("InvalidChangeSetStatus", "EXECUTE_IN_PROGRESS", (), id="under way"),
        pytest.param("InvalidChangeSetStatus", "EXECUTE_FAILED", (), id="failed already"),
        pytest.param("ChangeSetNotFound", "ChangeSetNotFound", ("others", "mine"), id="gone, and its events are there"),
    ],
)
def test_asking_for_an_execution_again_is_the_same_as_once(
    executed: str, described: str, tokens: tuple[str, ...]
) -> None:
    clients: Any = FakeClients(Executing(executed, described, *tokens))
    execute(clients, ENTRY)

    assert known(clients, ENTRY)


@pytest.mark.parametrize(
    ("executed", "described"),
    [
        pytest.param("InvalidChangeSetStatus", "OBSOLETE", id="made obsolete by another"),
        pytest.param("ChangeSetNotFound", "ChangeSetNotFound", id="gone, and nothing happened"),
        pytest.param("AccessDenied", "AVAILABLE", id="not allowed"),
    ],
)
def test_an_execution_that_was_refused_has_not_begun(executed: str, described: str) -> None:
    clients: Any = FakeClients(Executing(executed, described, "others"))

    with pytest.raises(ClientError):
        execute(clients, ENTRY)


class WithoutStack(Executing):
    """Whose stack's events cannot be read, for this reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("ChangeSetNotFound", "ChangeSetNotFound")
        self.error = client_error(code, message)

    def get_paginator(self, name: str) -> Any:
        raise self.error


def test_what_is_gone_with_its_stack_is_not_known_and_what_is_hidden_is_an_error() -> None:
    gone: Any = FakeClients(WithoutStack("ValidationError", "Stack [x] does not exist"))
    hidden: Any = FakeClients(WithoutStack("AccessDenied", "not yours"))
    unread: Any = FakeClients(Executing("", "AccessDenied"))

    assert not known(gone, ENTRY)
    for clients, ask in ((hidden, known), (unread, known), (unread, begun)):
        with pytest.raises(ClientError):
            ask(clients, ENTRY)


def own(number: int, status: str, token: str) -> dict[str, Any]:
    return {
        **event(number, status, "name", kind=STACK),
        "ClientRequestToken": token,
        "Timestamp": EPOCH + timedelta(number),
    }


@pytest.mark.parametrize(
    ("events", "described", "expected"),
    [
        pytest.param([own(1, "UPDATE_IN_PROGRESS", "t")], "UPDATE_IN_PROGRESS", "", id="under way"),
        pytest.param([own(1, "UPDATE_IN_PROGRESS", "t")], "CREATE_COMPLETE", "", id="a description of before"),
        pytest.param(
            [own(1, "CREATE_COMPLETE", "before"), own(2, "UPDATE_IN_PROGRESS", "t")],
            "CREATE_COMPLETE",
            "",
            id="the end of the operation before",
        ),
        pytest.param([own(2, "UPDATE_COMPLETE", "t")], "UPDATE_COMPLETE", "UPDATE_COMPLETE", id="both agree"),
        pytest.param([own(2, "UPDATE_COMPLETE", "t")], "UPDATE_IN_PROGRESS", "", id="an event before its description"),
        pytest.param(
            [own(3, "UPDATE_IN_PROGRESS", "other"), own(2, "UPDATE_COMPLETE", "t")],
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE",
            id="another operation has begun since",
        ),
        pytest.param(
            [own(3, "DELETE_IN_PROGRESS", "t"), own(2, "ROLLBACK_COMPLETE", "t")],
            "DELETE_IN_PROGRESS",
            "",
            id="on the way",
        ),
        pytest.param([], "CREATE_COMPLETE", "", id="no event yet"),
    ],
)
def test_an_operation_has_ended_when_cloudformation_says_so_twice(events: Any, described: str, expected: str) -> None:
    assert ending(events, described, "t") == expected


def test_events_are_read_back_to_the_operations_first_page() -> None:
    pages = [["t", "x"], ["t"], ["before"], ["long ago"]]

    class Paged:
        def get_paginator(self, name: str) -> Any:
            class Paginator:
                @staticmethod
                def paginate(**request: Any) -> Any:
                    for tokens in pages:
                        yield {"StackEvents": [{"ClientRequestToken": token} for token in tokens]}

            return Paginator()

    client: Any = Paged()
    entry = replace(ENTRY, token="t")

    assert [event["ClientRequestToken"] for event in operation_events(client, entry)] == ["t", "x", "t"]
