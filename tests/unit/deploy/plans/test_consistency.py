"""Each contradiction between a plan file and the templates becomes one line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cicd_templates.deploy.plans.consistency import inconsistencies, made_by_plan
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import plan_change_set_name, template_digest
from cicd_templates.template.changes.planned_stack import PlannedStack
from tests.fakes.rendered_stacks import rendered

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
ID = "0f" * 16
STACKS = {stack.name: stack for stack in (rendered("keys"), rendered("network"))}
CLOUDFORMATION = "arn:aws:cloudformation:eu-central-1:222222222222"


def planned(name: str, change_set: str = "", stack_id: str = "") -> PlannedStack:
    stack = STACKS[name]
    return PlannedStack(name, stack.label, template_digest(stack), change_set=change_set, stack_id=stack_id)


PLAN = Plan(
    id=ID,
    environment="staging",
    suffix="",
    account="222222222222",
    region="eu-central-1",
    caller="arn:aws:iam::222222222222:user/a",
    revision="",
    local=False,
    protected=False,
    created=NOW - timedelta(hours=1),
    expires=NOW + timedelta(hours=1),
    stacks=(planned("shipping-staging-keys"), planned("shipping-staging-network")),
)
CHANGE_SET = f"{CLOUDFORMATION}:changeSet/{plan_change_set_name(ID)}/1"
STACK_ID = f"{CLOUDFORMATION}:stack/shipping-staging-keys/1"


def test_a_plan_as_it_was_made_has_no_contradiction() -> None:
    own = planned("shipping-staging-keys", CHANGE_SET, STACK_ID)

    assert list(inconsistencies(replace(PLAN, stacks=(own, PLAN.stacks[1])), STACKS, NOW, local=False)) == []
    waiting = replace(PLAN, stacks=(own,), waits={"network": ("keys",)})
    assert list(inconsistencies(waiting, STACKS, NOW, local=False)) == []


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ({"local": True}, "the plan is for the local AWS"),
        ({"id": "x"}, "the plan's id does not have the form of an id from `make plan`"),
        (
            {"environment": "production"},
            "the plan is for the environment production, but the templates are for staging",
        ),
        ({"protected": True}, "the plan and the templates disagree on whether the environment is protected"),
        ({"stacks": PLAN.stacks[::-1]}, "the stacks are not in the order of their dependencies"),
        ({"stacks": (PLAN.stacks[0],) * 2}, "keys: the plan lists it 2 times"),
        ({"stacks": (replace(PLAN.stacks[0], name="shipping-staging-old"),)}, "keys: is no longer rendered"),
        ({"stacks": (replace(PLAN.stacks[0], label="k"), PLAN.stacks[1])}, "keys: the label in the plan is k"),
        (
            {"waits": {"keys": ("network",)}},
            "keys: the plan leaves this stack to a later plan, although this plan deploys the stack or the stack is"
            " not rendered",
        ),
        (
            {"removed": ("old", "keys")},
            "keys: the plan says that this stack is no longer rendered, but the stack is rendered",
        ),
        (
            {"region": "eu-west-1"},
            "keys: the stack is for 222222222222 in eu-central-1, but the plan is for 222222222222 in eu-west-1",
        ),
    ],
)
def test_each_contradiction_is_named(edited: dict[str, object], expected: str) -> None:
    plan = replace(PLAN, **edited)  # type: ignore[arg-type] # the fields of the table

    assert expected in list(inconsistencies(plan, STACKS, NOW, local=False))


def test_a_template_that_was_changed_after_the_plan_is_named_with_its_file() -> None:
    edited = replace(PLAN.stacks[0], template_sha256="0" * 64)

    assert list(inconsistencies(replace(PLAN, stacks=(edited,)), STACKS, NOW, local=False)) == [
        f"keys: the file {STACKS['shipping-staging-keys'].path} was changed after the plan was made"
    ]


@pytest.mark.parametrize(
    ("change_set", "stack_id", "own"),
    [
        (CHANGE_SET, STACK_ID, True),
        ("changes", STACK_ID, False),
        (CHANGE_SET, "shipping-staging-keys", False),
        (CHANGE_SET.replace(ID, "f0" * 16), STACK_ID, False),
        (CHANGE_SET, STACK_ID.replace("-keys", "-network"), False),
        (CHANGE_SET.replace("222222222222", "111111111111"), STACK_ID, False),
        (CHANGE_SET, STACK_ID.replace("eu-central-1", "eu-west-1"), False),
    ],
)
def test_a_change_set_is_a_plans_own_only_by_both_of_its_arns(change_set: str, stack_id: str, own: bool) -> None:
    stack = planned("shipping-staging-keys", change_set, stack_id)

    assert made_by_plan(PLAN, stack) is own
    said = "keys: the change set was not made by this plan" in list(
        inconsistencies(replace(PLAN, stacks=(stack,)), STACKS, NOW, local=False)
    )
    assert said is not own
