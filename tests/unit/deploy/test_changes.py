"""Change sets: which kind for which state, nothing to change as a value, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.changes import (
    Change,
    ChangeSet,
    create_change_set,
    describe_stack,
    discard,
    total,
)
from cicd_templates.deploy.stacks import read_stacks
from cicd_templates.deploy.status import NEXT, Next
from cicd_templates.deploy.waiting import Patience
from cicd_templates.errors import CicdError, RefusedError
from tests.conftest import ROOT
from tests.unit.deploy.fake_cloudformation import FakeCloudFormation, client_error, stack

KEYS = next(stack for stack in read_stacks(ROOT / "out/staging") if stack.layer == "keys")


class FakeClients:
    """The one client that these calls use."""

    def __init__(self, cloudformation: FakeCloudFormation) -> None:
        self.cloudformation = cloudformation


def clock() -> Patience:
    """Each look takes a minute, and no time."""
    minutes = iter(range(10_000))
    return Patience(60.0, lambda seconds: None, lambda: next(minutes) * 60.0)


def created(fake: FakeCloudFormation) -> ChangeSet | None:
    return create_change_set(FakeClients(fake), KEYS, clock())  # type: ignore[arg-type] # the fake stands in


READY = {"Status": "CREATE_COMPLETE", "Changes": []}


@pytest.mark.parametrize("status", sorted(NEXT))
def test_every_status_has_its_one_next_step(status: str) -> None:
    fake = FakeCloudFormation([stack(status), None], [READY])
    expected = {
        Next.CREATE: ["create_change_set CREATE"],
        Next.UPDATE: ["create_change_set UPDATE"],
        Next.RECREATE: ["delete_stack", "create_change_set CREATE"],
    }
    if NEXT[status] in expected:
        assert created(fake) is not None
        assert fake.calls == expected[NEXT[status]]
    else:
        with pytest.raises(RefusedError, match=f"payments-staging-keys is in {status}: "):
            created(fake)
        assert fake.calls == []


def test_a_failed_creation_that_left_resources_is_a_persons_to_settle() -> None:
    resources = [
        {"LogicalResourceId": "Key", "ResourceStatus": "DELETE_FAILED"},
        {"LogicalResourceId": "Alias", "ResourceStatus": "DELETE_COMPLETE"},
    ]
    fake = FakeCloudFormation([stack("ROLLBACK_COMPLETE")], resources=resources)

    with pytest.raises(RefusedError, match=r"left Key; look at them, then `aws cloudformation delete-stack"):
        created(fake)
    assert fake.calls == []


@pytest.mark.parametrize("tags", [{"ManagedBy": "somebody"}, {"Project": "other"}])
def test_a_stack_that_is_not_ours_by_its_tags_is_refused(tags: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="so it is not touched"):
        created(FakeCloudFormation([stack("CREATE_COMPLETE", **tags)]))


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_change_is_a_value_and_its_change_set_goes(reason: str) -> None:
    fake = FakeCloudFormation([stack("CREATE_COMPLETE")], [{"Status": "FAILED", "StatusReason": reason}])

    assert created(fake) is None
    assert fake.calls == ["create_change_set UPDATE", "delete_change_set"]


def test_a_refused_change_set_says_why_and_leaves_no_shell() -> None:
    fake = FakeCloudFormation(
        [None, stack("REVIEW_IN_PROGRESS")], [{"Status": "FAILED", "StatusReason": "Transform failed"}]
    )

    with pytest.raises(CicdError, match="CloudFormation refuses the change set: Transform failed"):
        created(fake)
    assert fake.calls == ["create_change_set CREATE", "delete_change_set", "delete_stack"]


def test_all_pages_of_a_change_set_are_read() -> None:
    def page(logical_id: str, **more: Any) -> dict[str, Any]:
        change = {
            "Action": "Modify",
            "LogicalResourceId": logical_id,
            "ResourceType": "AWS::KMS::Key",
            "Replacement": "False",
            "Details": [{"Target": {"Name": "KeyPolicy"}}, {"Target": {"Attribute": "Tags"}}],
        }
        return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": change}], **more}

    fake = FakeCloudFormation(
        [stack("CREATE_COMPLETE")],
        [{"Status": "CREATE_IN_PROGRESS"}, page("A", NextToken="1"), page("B", NextToken="2"), page("C")],
    )
    change_set = created(fake)

    assert change_set is not None
    assert [change.logical_id for change in change_set.changes] == ["A", "B", "C"]
    assert change_set.changes[0] == Change("Modify", "A", "AWS::KMS::Key", "False", ("KeyPolicy",))


def test_a_change_set_that_never_ends_is_given_up_with_a_word() -> None:
    fake = FakeCloudFormation([None], [{"Status": "CREATE_IN_PROGRESS"}] * 20)

    with pytest.raises(CicdError, match="the change set of payments-staging-keys has not ended within 10 minutes"):
        created(fake)


@pytest.mark.parametrize(
    ("creates", "status", "others", "expected"),
    [
        pytest.param(False, "CREATE_COMPLETE", [], ["delete_change_set"], id="update"),
        pytest.param(True, "REVIEW_IN_PROGRESS", [], ["delete_change_set", "delete_stack"], id="empty shell"),
        pytest.param(True, "REVIEW_IN_PROGRESS", ["arn:other"], ["delete_change_set"], id="another waits"),
        pytest.param(True, "CREATE_COMPLETE", [], ["delete_change_set"], id="created meanwhile"),
        pytest.param(True, None, [], ["delete_change_set"], id="gone meanwhile"),
    ],
)
def test_discarding_leaves_nothing_of_ours_and_everything_of_others(
    creates: bool, status: str | None, others: list[str], expected: list[str]
) -> None:
    fake = FakeCloudFormation(
        [stack(status) if status else None], others=[{"ChangeSetId": other} for other in ["arn:change-set", *others]]
    )
    discard(FakeClients(fake), ChangeSet("arn:change-set", "arn:stack", creates, ()))  # type: ignore[arg-type] # a fake

    assert fake.calls == expected


def test_another_error_than_a_missing_stack_is_not_swallowed() -> None:
    class Refusing(FakeCloudFormation):
        def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - AWS's word
            raise client_error("AccessDenied", "not yours")

    with pytest.raises(ClientError, match="not yours"):
        describe_stack(FakeClients(Refusing()), "x")  # type: ignore[arg-type] # a fake


def test_replacements_are_counted_apart() -> None:
    changes = [
        Change("Add", "A", "T", ""),
        Change("Modify", "B", "T", "False"),
        Change("Modify", "C", "T", "Conditional"),
        Change("Modify", "D", "T", "True"),
        Change("Import", "E", "T", ""),
    ]

    assert total(changes) == {"Add": 1, "Modify": 1, "Replace": 2, "Import": 1}
