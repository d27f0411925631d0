"""Watching an operation: every event once, oldest first, and the outcome that CloudFormation reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cicd_templates.deploy.runs.journal import Entry
from cicd_templates.deploy.runs.watch import OperationEnded, Watch, ending, operation_events
from tests.fakes.scripted_cloudformation import FakeClients, FakeCloudFormation, event, stack
from tests.fakes.simulated_aws import EPOCH

STACK = "AWS::CloudFormation::Stack"
ENTRY = Entry("shipping-staging-keys", "keys", "arn:change-set", "arn:stack", False, "t", "plan", 1, protected=False)


def watched(fake: FakeCloudFormation) -> tuple[str, list[str]]:
    """Return the status in which the operation of `ENTRY` ended, and the ids of its events in the reported order."""
    clients: Any = FakeClients(fake)
    watch = Watch(clients)
    watch.add(ENTRY, 0.0)
    seen: list[str] = []
    while True:
        for news in watch.poll():
            if isinstance(news, OperationEnded):
                assert watch.entries == []
                return news.status, seen
            seen.append(news.event.event_id)


def own(number: int, status: str, token: str) -> dict[str, Any]:
    return {
        **event(number, status, "name", kind=STACK),
        "ClientRequestToken": token,
        "Timestamp": EPOCH + timedelta(number),
    }


def other(number: int, status: str) -> dict[str, Any]:
    """Return an event of a resource."""
    return {**event(number, status), "ClientRequestToken": "t", "Timestamp": EPOCH + timedelta(number)}


def test_every_event_is_reported_once_oldest_first() -> None:
    fake = FakeCloudFormation(
        [stack("CREATE_IN_PROGRESS"), stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE")],
        events=[
            [own(1, "CREATE_IN_PROGRESS", "t")],
            [other(2, "CREATE_IN_PROGRESS"), own(1, "CREATE_IN_PROGRESS", "t")],
            [own(4, "CREATE_COMPLETE", "t"), other(3, "CREATE_COMPLETE"), other(2, "CREATE_IN_PROGRESS")],
        ],
    )

    assert watched(fake) == ("CREATE_COMPLETE", ["1", "2", "3", "4"])


def test_the_end_of_the_operation_before_is_not_the_end_of_this_one() -> None:
    before, begun = own(1, "CREATE_COMPLETE", "before"), own(2, "UPDATE_IN_PROGRESS", "t")
    ended = own(3, "UPDATE_ROLLBACK_COMPLETE", "t")
    fake = FakeCloudFormation(
        # CloudFormation still shows the old state at the first look, and once more behind its own event.
        [stack("CREATE_COMPLETE"), stack("CREATE_COMPLETE"), stack("UPDATE_ROLLBACK_COMPLETE")],
        events=[[before], [begun, before], [ended, begun, before]],
    )

    assert watched(fake) == ("UPDATE_ROLLBACK_COMPLETE", ["2", "3"])


def test_a_stack_that_is_gone_was_deleted() -> None:
    events = [own(2, "DELETE_COMPLETE", "t"), own(1, "CREATE_FAILED", "t")]

    assert watched(FakeCloudFormation([None], events=[events])) == ("DELETE_COMPLETE", ["1", "2"])


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
