"""The execution of a change set: never twice, and only an operation that AWS has begun counts as begun."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.runs.execute import execute_change_set, has_begun, is_known
from cicd_templates.deploy.runs.journal import Entry
from tests.fakes.scripted_cloudformation import FakeClients, FakeCloudFormation, client_error, event

ENTRY = Entry("shipping-staging-keys", "keys", "arn:change-set", "arn:stack", False, "mine", "plan", 1, protected=False)


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
def test_requesting_an_execution_again_is_the_same_as_once(
    executed: str, described: str, tokens: tuple[str, ...]
) -> None:
    clients: Any = FakeClients(Executing(executed, described, *tokens))
    execute_change_set(clients, ENTRY)

    assert is_known(clients, ENTRY)


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
        execute_change_set(clients, ENTRY)


class WithoutStack(Executing):
    """A client that cannot read the events of the stack, for this reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__("ChangeSetNotFound", "ChangeSetNotFound")
        self.error = client_error(code, message)

    def get_paginator(self, name: str) -> Any:
        raise self.error


def test_what_is_gone_with_its_stack_is_not_known_and_what_is_hidden_is_an_error() -> None:
    gone: Any = FakeClients(WithoutStack("ValidationError", "Stack [x] does not exist"))
    hidden: Any = FakeClients(WithoutStack("AccessDenied", "not yours"))
    unread: Any = FakeClients(Executing("", "AccessDenied"))

    assert not is_known(gone, ENTRY)
    for clients, ask in ((hidden, is_known), (unread, is_known), (unread, has_begun)):
        with pytest.raises(ClientError):
            ask(clients, ENTRY)
