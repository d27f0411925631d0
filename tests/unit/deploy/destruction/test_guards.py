"""The checks that refuse a destruction, and the order of the deletions."""

from __future__ import annotations

import threading
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd_templates.deploy.destruction import guards
from cicd_templates.deploy.destruction.deletion_order import delete_in_order, stack_dependencies
from cicd_templates.deploy.destruction.deployed_stacks import Owned
from cicd_templates.errors import CicdError, ConfigurationError, RefusedError
from cicd_templates.template.stack_graph import Links, Read
from tests.fakes.rendered_stacks import rendered
from tests.fakes.scripted_aws import WHEN, aws, inventory, living, refusal

ROLE = Owned("delivery", "Role", "AWS::IAM::Role", "shipping-staging-delivery")
ROLE_ARN = "arn:aws:iam::222222222222:role/team/shipping-staging-delivery"


def links(name: str, *, reads: str = "", publishes: str = "", after: tuple[str, ...] = ()) -> Links:
    read = (Read("P", reads, is_list=False),) if reads else ()
    return Links(name, "staging", read, {publishes: False} if publishes else {}, after)


KEYS = living("shipping-staging-keys", links=links("shipping-staging-keys", publishes="/p/keys/Arn"))
DELIVERY = living("shipping-staging-delivery", ROLE)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (
            living("other", links=links("other", reads="/p/keys/Arn")),
            "other reads /p/keys/Arn of shipping-staging-keys; destroy other first: make destroy LAYER=other",
        ),
        (
            living("other", role=ROLE_ARN),
            "other cannot be deleted without the role shipping-staging-delivery of shipping-staging-delivery",
        ),
        (
            living("other", links=links("other", after=("elsewhere", "shipping-staging-delivery"))),
            "other can be deleted only while shipping-staging-delivery exists",
        ),
    ],
    ids=["a value", "the role that CloudFormation uses", "a declared need"],
)
def test_a_stack_that_a_remaining_stack_needs_is_not_destroyed(other: Any, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        guards.refuse_still_needed(inventory(stacks=(KEYS, DELIVERY), others=(other,)), local=False)


@pytest.mark.parametrize(
    ("tags", "local", "command"),
    [
        ({"Environment": "qa", "Layer": "network"}, False, "make destroy ENV=qa LAYER=network"),
        (
            {"Environment": "qa", "Suffix": "pr7", "Layer": "health", "Service": "till"},
            True,
            "make destroy ENV=qa SUFFIX=pr7 LAYER=health SERVICE=till LOCAL=1",
        ),
    ],
    ids=["another environment", "a service of a copy"],
)
def test_the_stack_to_destroy_first_is_named_by_its_own_environment_and_service(
    tags: dict[str, str], local: bool, command: str
) -> None:
    other = replace(living("other", role=ROLE_ARN), tags=tags)

    with pytest.raises(RefusedError) as refused:
        guards.refuse_still_needed(inventory(stacks=(DELIVERY,), others=(other,)), local=local)
    assert str(refused.value).endswith(f"; destroy other first: {command}")


POOL = Owned("users", "Pool", "AWS::Cognito::UserPool", "pool-1", protected_by="DeletionProtection")


def test_what_is_protected_from_deletion_is_named_before_anything_is_deleted() -> None:
    with pytest.raises(
        RefusedError,
        match=r"users/Pool \(AWS::Cognito::UserPool\) pool-1: first deploy a template with DeletionProtection off$",
    ):
        guards.refuse_undeletable(inventory(stacks=(living("shipping-staging-users", POOL),)))


@pytest.mark.parametrize(
    "owned",
    [
        replace(POOL, protected_by=""),
        replace(POOL, policy="RetainExceptOnCreate"),
        replace(POOL, resource_type="AWS::RDS::DBCluster"),
    ],
    ids=["not protected", "kept", "destroy lifts the protection"],
)
def test_deletable_and_kept_resources_refuse_no_destruction(owned: Owned) -> None:
    guards.refuse_undeletable(inventory(stacks=(living("shipping-staging-users", owned),)))


def test_an_independent_stack_refuses_no_destruction() -> None:
    other = living("other", links=links("other", reads="/elsewhere", after=("elsewhere",)), role="arn:x:role/theirs")

    guards.refuse_still_needed(inventory(stacks=(KEYS, DELIVERY), others=(other,)), local=False)


@pytest.mark.parametrize(
    ("confirmed", "typed", "raises"),
    [
        ("staging,tools", None, None),
        ("tools", None, RefusedError),
        (None, ["tools", "staging"], None),
        (None, ["tools", "y"], RefusedError),
        (None, None, ConfigurationError),
    ],
    ids=["named", "only one named", "typed", "something else typed", "nobody there"],
)
def test_the_names_must_be_repeated(
    confirmed: str | None, typed: list[str] | None, raises: type[CicdError] | None
) -> None:
    answers = iter(typed or [])
    ask = (lambda name: next(answers)) if typed else None
    if raises is None:
        guards.require_confirmed(["tools", "staging"], confirmed, ask)
        assert list(answers) == []
    else:
        with pytest.raises(raises):
            guards.require_confirmed(["tools", "staging"], confirmed, ask)


def test_the_stack_of_a_role_goes_after_the_stack_that_uses_it() -> None:
    service = living("shipping-staging-service", role=ROLE_ARN)
    own = living("shipping-staging-own", replace(ROLE, physical_id="own"), role="arn:aws:iam::2:role/own")

    assert stack_dependencies([DELIVERY, service, own]) == {
        "shipping-staging-delivery": set(),
        "shipping-staging-service": {"shipping-staging-delivery"},
        "shipping-staging-own": set(),
    }


def test_stacks_in_a_circle_are_named() -> None:
    with pytest.raises(CicdError, match=r"depend on each other in a cycle: (a, b, a|b, a, b)"):
        delete_in_order({"a": {"b"}, "b": {"a"}}, lambda name: "", lambda name, readers: None, Event())


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, set[str]], set[str]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    needed = {name: set(draw(st.lists(st.sampled_from(names[:at])))) if at else set() for at, name in enumerate(names)}
    return needed, set(draw(st.lists(st.sampled_from(names), max_size=2)))


@given(graphs())
def test_even_after_failures_a_stack_is_deleted_only_after_all_that_need_it(
    graph: tuple[dict[str, set[str]], set[str]],
) -> None:
    needed, failing = graph
    gone: list[str] = []
    refused: dict[str, list[str]] = {}
    lock = threading.Lock()

    def work(name: str) -> str:
        with lock:
            assert all(reader in gone for reader, producers in needed.items() if name in producers)
            if name in failing:
                return "broken"
            gone.append(name)
        return ""

    delete_in_order(needed, work, refused.__setitem__, Event())
    stuck = {name for name in needed if name not in gone}
    assert {name for name in stuck if name not in refused} <= failing
    for name, readers in refused.items():
        assert readers
        assert all(reader in stuck and name in needed[reader] for reader in readers)


def test_a_stopped_deletion_run_begins_nothing_more_and_waits_for_its_threads() -> None:
    stopping, begun, ended = Event(), [], []

    def work(name: str) -> str:
        begun.append(name)
        if name == "a":
            raise KeyboardInterrupt
        assert stopping.wait(10)
        ended.append(name)
        return ""

    needed: dict[str, set[str]] = {name: set() for name in "abcdefgh"}
    with pytest.raises(KeyboardInterrupt):
        delete_in_order(needed, work, lambda name, readers: None, stopping)
    assert len(begun) < len(needed)
    assert sorted(ended) == sorted(set(begun) - {"a"})


def test_only_a_stack_of_somebody_else_with_a_name_of_ours_is_refused() -> None:
    ours, absent, theirs = (rendered(label) for label in ("keys", "network", "storage"))
    tags = {ours.name: [{"Key": key, "Value": value} for key, value in ours.tags.items()], theirs.name: []}

    def described(StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's word
        if StackName not in tags:
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        stack = {"StackName": StackName, "StackStatus": "CREATE_COMPLETE", "Tags": tags[StackName]}
        return {"Stacks": [{**stack, "StackId": StackName, "CreationTime": WHEN}]}

    fake: Any = aws(cloudformation={"describe_stacks": described})
    guards.refuse_foreign_stacks(fake, [absent, ours])
    with pytest.raises(RefusedError, match=rf"{theirs.name}: a stack of this name exists"):
        guards.refuse_foreign_stacks(fake, [absent, ours, theirs])
