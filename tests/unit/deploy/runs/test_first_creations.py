"""Unsuccessful first creations in every order before a successful one: declined, failed, discarded or killed.

The earlier attempts must not matter. Afterwards, the environment can be deployed, and it can be destroyed without
remainders, although CloudFormation gives a stack no tags before its first change set is executed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.destruction.destroy import destroy
from cicd_templates.deploy.destruction.guards import refuse_foreign_stacks
from cicd_templates.deploy.destruction.inventory import take_inventory
from cicd_templates.deploy.destruction.scope import scope_of
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError
from tests.fakes.simulated_aws import COMPLETE
from tests.unit.deploy.runs.test_deployment import BUCKET, DeployHarness

SEQUENCES = int(os.environ.get("SEQUENCES", "250"))
SEED = os.environ.get("SEED", "1")
# Parts run side by side, each with orders of its own.
PARTS = max(1, min(8, SEQUENCES // 10))
# As many as a first creation makes.
CALLS = 180
# Of a type that destroy cannot look up, and that the tagging API lists for a while after its deletion.
NEWS = {"Type": "AWS::SNS::Topic", "Properties": {}}
DISK = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


class Killed(BaseException):
    """Raised where the process is killed without another message."""


def kill(harness: DeployHarness, nth: int) -> None:
    """Kill the process at the `nth` call from now. From then on, its code makes no more calls."""
    left = [nth]

    def before(operation: str) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Killed

    harness.aws.faults.before = before


def refuse_change_sets(harness: DeployHarness) -> None:
    """Let CloudFormation create change sets and then find that they cannot be executed."""
    create = harness.aws.cloudformation.create_change_set

    def refused(**request: Any) -> Any:
        answer = create(**request)
        for stack in harness.aws.stacks.values():
            for change_set in stack.change_sets.values():
                change_set.reason = change_set.reason or "Transform AWS::Include failed with: it is not there"
        return answer

    setattr(harness.aws.cloudformation, "create_change_set", refused)  # noqa: B010 - a moment of CloudFormation
    with contextlib.suppress(CicdError):
        harness.plan()
    setattr(harness.aws.cloudformation, "create_change_set", create)  # noqa: B010 - a moment of CloudFormation


def fail(harness: DeployHarness, call: int) -> None:
    harness.aws.fails = {f"shipping-staging-{layer}" for layer in ("keys", "network")}
    harness.deploy()


def execute(harness: DeployHarness, call: int) -> None:
    harness.plan()
    if harness.path.exists():
        harness.execute()


def end_in_the_middle(harness: DeployHarness, call: int) -> None:
    kill(harness, call)
    (harness.plan if call % 2 else harness.deploy)()


def lose_the_folder(harness: DeployHarness, call: int) -> None:
    """Continue on another machine, which has neither the plans and journals nor the files of the lock."""
    shutil.rmtree(harness.context.state, ignore_errors=True)
    harness.knows_its_plans = False
    lock = deployment.lock_of(harness.context, harness.stacks)
    if holder := lock.holder():
        lock.break_by_name(holder.id)


def let_a_day_pass(harness: DeployHarness, call: int) -> None:
    harness.aws.clock.seconds += 25 * 3600.0
    harness.aws.catch_up()


# One command that ends so; a killed one ends at the call of that number.
ENDINGS: dict[str, Callable[[DeployHarness, int], Any]] = {
    "declined": lambda harness, call: harness.deploy(agree=False),
    "failed": fail,
    "planned": lambda harness, call: harness.plan(),
    "executed": execute,
    "discarded": lambda harness, call: deployment.discard(harness.context, harness.stacks),
    "refused": lambda harness, call: refuse_change_sets(harness),
    "killed": end_in_the_middle,
    "lost": lose_the_folder,
    "late": let_a_day_pass,
}


def after(folder: Path, protection: str, attempts: list[tuple[str, int]]) -> DeployHarness:
    harness = DeployHarness(folder / "state", protection)
    harness.stacks[0] = harness.keys(Data=BUCKET, News=NEWS)
    harness.context = replace(harness.context, wait_for_busy=True)
    for ending, call in attempts:
        with contextlib.suppress(CicdError, Killed, *AWS_ERRORS):
            ENDINGS[ending](harness, call)
        harness.aws.fails, harness.aws.faults.before = set(), lambda operation: None
    harness.aws.settle()
    return harness


def deploy_well(harness: DeployHarness) -> None:
    harness.deploy()

    assert {harness.status(layer) for layer in ("keys", "network", "service")} <= COMPLETE
    if not harness.knows_its_plans:
        # A change set may belong to a plan on another machine, which is valid for a day. Later ones are deleted.
        assert not any(stack.status == "REVIEW_IN_PROGRESS" for stack in harness.aws.stacks.values())
        let_a_day_pass(harness, 1)
        harness.deploy()
    assert harness.nothing_in_review()


def destroy_all(harness: DeployHarness) -> None:
    aws: Any = harness.aws
    aws.clock.sleep(3600.0)
    refuse_foreign_stacks(aws, harness.stacks)
    protected = harness.protection == "protected"
    inventory = take_inventory(aws, scope_of(harness.stacks), protected=protected)
    left = destroy(aws, inventory, aws.clock.polling(), harness, path=harness.context.state.parent / "report.json")

    assert [remainder for remainder in left if not remainder.explained] == []
    assert {stack.status for stack in harness.aws.stacks.values()} <= {"DELETE_COMPLETE"}


Then = Callable[[DeployHarness], None]
Test = Callable[..., None]


def every_ending(test: Test) -> Test:
    for ending in ENDINGS:
        for protection in ("disposable", "protected"):
            test = example(protection, [("planned", 1), (ending, 9)], [deploy_well, destroy_all])(test)
            test = example(protection, [(ending, 16)], [destroy_all])(test)
    # The killed plan leaves a change set on a stack that needs no change, and no file says whose it is.
    lost = [("executed", 1), ("declined", 1), ("killed", 8), ("lost", 1)]
    return example("disposable", lost, [deploy_well, destroy_all])(test)


THEN: tuple[list[Then], ...] = ([deploy_well, destroy_all], [destroy_all, deploy_well])
PROTECTIONS = ("disposable", "protected")


def any_order(longest: int) -> Callable[[Test], Test]:
    """Return a strategy for up to `longest` attempts in any order, each with one of the possible successors."""
    attempt = st.tuples(st.sampled_from(list(ENDINGS)), st.integers(1, CALLS))
    return given(
        protection=st.sampled_from(PROTECTIONS),
        attempts=st.lists(attempt, min_size=1, max_size=longest),
        then=st.sampled_from([*THEN, [deploy_well], [destroy_all]]),
    )


def orders() -> Iterator[list[tuple[str, int]]]:
    """Yield every order of two endings of any kind, and of up to three endings that users cause themselves.

    A killed attempt ends at each call that a first creation makes.
    """
    yield from ([("killed", call)] for call in range(1, CALLS + 1))
    yield from ([(ending, 9)] for ending in ENDINGS)
    yield from ([(first, 9), (second, 10)] for first, second in product(ENDINGS, repeat=2))
    yield from ([(ending, 1) for ending in three] for three in product(("declined", "failed", "planned"), repeat=3))


ORDERS = [pytest.param(each, id=" ".join(f"{name}-{call}" for name, call in each)) for each in orders()]


@pytest.mark.long
@pytest.mark.parametrize("attempts", ORDERS)
def test_a_successful_creation_and_a_destruction_follow_every_short_order_of_first_creations(
    attempts: list[tuple[str, int]],
) -> None:
    for protection, then in product(PROTECTIONS, THEN):
        follow(protection, attempts, then)


def test_a_first_creation_makes_no_more_calls_than_those_at_which_it_is_killed(tmp_path: Path) -> None:
    for protection in PROTECTIONS:
        harness = after(tmp_path / protection, protection, [])
        before = harness.aws.calls.total()
        harness.deploy()

        assert harness.aws.calls.total() - before <= CALLS


@every_ending
@any_order(5)
@settings(max_examples=10)
def test_a_successful_creation_and_a_destruction_follow_each_first_creation(
    protection: str, attempts: list[tuple[str, int]], then: list[Then]
) -> None:
    follow(protection, attempts, then)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_a_successful_creation_and_a_destruction_follow_first_creations_in_every_order(part: int) -> None:
    drawn = settings(max_examples=-(-SEQUENCES // PARTS), derandomize=False)(any_order(10)(follow))
    seed(f"{SEED}, part {part}")(drawn)()


def follow(protection: str, attempts: list[tuple[str, int]], then: list[Then]) -> None:
    """Make the attempts in a new folder, then do what must follow them."""
    folder = Path(tempfile.mkdtemp(dir=DISK, prefix="cicd-first-"))
    try:
        harness = after(folder, protection, attempts)
        for step in then:
            step(harness)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("step", [deploy_well, destroy_all])
def test_an_empty_stack_whose_change_set_was_deleted_by_hand_is_refused_with_its_command(
    tmp_path: Path, step: Then
) -> None:
    harness = after(tmp_path, "disposable", [("planned", 1), ("lost", 1)])
    for stack in harness.aws.stacks.values():
        stack.change_sets.clear()

    with pytest.raises(CicdError, match=r"its owner is unknown.*aws cloudformation delete-stack"):
        step(harness)


def test_a_plan_claims_the_empty_stack_whose_change_set_was_deleted_by_hand(tmp_path: Path) -> None:
    harness = after(tmp_path, "disposable", [("planned", 1)])
    for stack in harness.aws.stacks.values():
        stack.change_sets.clear()

    deploy_well(harness)
