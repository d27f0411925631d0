"""Destroy, where the local AWS cannot get to."""

from __future__ import annotations

from typing import Any

import pytest
from cicd_templates.deploy.destroy import _owned, destroy
from cicd_templates.deploy.emptying import empty_bucket

from cicd_templates.deploy.report import Broke, Event
from cicd_templates.deploy.stacks import read_stacks
from cicd_templates.deploy.waiting import Patience
from cicd_templates.errors import CicdError
from cicd_templates.targets import Target
from tests.conftest import ROOT
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation, stack
from tests.unit.deploy.test_changes import FakeClients, clock

KEYS = [stack for stack in read_stacks(ROOT / "out/staging") if stack.layer == "keys"]


class Listening:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def report(self, event: Event) -> None:
        self.events.append(event)


def test_a_stack_with_an_operation_under_way_is_left_alone() -> None:
    fake, reporter = FakeCloudFormation([stack("UPDATE_IN_PROGRESS")]), Listening()

    with pytest.raises(CicdError, match="not destroyed: keys"):
        destroy(FakeClients(fake), KEYS, clock(), reporter)  # type: ignore[arg-type] # the fake stands in
    assert fake.calls == []
    (broke,) = reporter.events
    assert isinstance(broke, Broke)
    assert "is in UPDATE_IN_PROGRESS: another operation is running" in broke.reason


@pytest.mark.parametrize(
    "template",
    [
        "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    DeletionPolicy: Retain\n",
        {"Resources": {"Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain"}}},
    ],
    ids=["YAML comes as text", "JSON comes parsed"],
)
def test_the_policies_are_those_that_were_deployed(template: Any) -> None:
    resources = [
        {
            "LogicalResourceId": "Key",
            "ResourceType": "T",
            "PhysicalResourceId": "k",
            "ResourceStatus": "CREATE_COMPLETE",
        },
        {
            "LogicalResourceId": "Old",
            "ResourceType": "T",
            "PhysicalResourceId": "o",
            "ResourceStatus": "CREATE_COMPLETE",
        },
        {
            "LogicalResourceId": "Gone",
            "ResourceType": "T",
            "PhysicalResourceId": "g",
            "ResourceStatus": "DELETE_COMPLETE",
        },
        {"LogicalResourceId": "Never", "ResourceType": "T", "ResourceStatus": "CREATE_FAILED"},
    ]
    fake = FakeCloudFormation(resources=resources, template=template)
    owned = _owned(FakeClients(fake), KEYS[0])  # type: ignore[arg-type] # the fake stands in

    assert [(each.logical_id, each.policy) for each in owned] == [("Key", "Retain"), ("Old", "Delete")]


def test_a_shell_without_resources_is_asked_for_no_template() -> None:
    class Shell(FakeCloudFormation):
        def get_template(self, **request: Any) -> Any:
            raise AssertionError("a shell has none")

    assert _owned(FakeClients(Shell()), KEYS[0]) == []  # type: ignore[arg-type] # the fake stands in


def test_an_object_that_s3_keeps_is_named() -> None:
    class S3:
        def get_paginator(self, name: str) -> Any:
            pages = {"list_object_versions": [{"Versions": [{"Key": "k", "VersionId": "1"}]}]}

            class Paginator:
                def paginate(self, **request: str) -> Any:
                    return pages[name]

            return Paginator()

        def delete_objects(self, **request: Any) -> Any:
            return {"Errors": [{"Key": "k", "Code": "AccessDenied", "Message": "locked"}]}

    class Clients:
        s3 = S3()

    with pytest.raises(CicdError, match="b/k: S3 keeps it: AccessDenied: locked"):
        empty_bucket(Clients(), "b")  # type: ignore[arg-type] # the fake stands in


def test_on_aws_itself_nothing_is_only_recorded() -> None:
    target = Target(KEYS, KEYS, FakeClients(FakeCloudFormation()), Patience(), None)  # type: ignore[arg-type] # a fake

    assert (target.notes(), target.recorded_remains()) == ([], [])
    assert target.heading("Deploying").where == ""


def test_a_wait_ends_with_what_it_waited_for() -> None:
    with pytest.raises(CicdError, match="x has not ended within 1 minutes; it goes on in AWS"):
        clock().until(lambda: False, "x", 60)
