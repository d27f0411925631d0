"""A plan whose answers other threads read: the same plan, the same errors, and no call more than without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.readers import Readers
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.read_ahead import LONGEST_AGE_SECONDS, ReadAhead
from cicd_templates.deploy.runs import deployment
from cicd_templates.errors import CicdError
from tests.fakes.simulated_aws import error
from tests.unit.deploy.runs.test_deployment import TOPIC, DeployHarness

ROLE = "/shipping/staging/delivery/RoleArn"
READ = ("DescribeStacks", "GetParameters", "GetTemplate", "ListChangeSets")


@pytest.fixture
def harness(tmp_path: Path) -> DeployHarness:
    """An environment of three stacks, all of them deployed."""
    harness = DeployHarness(tmp_path)
    harness.deploy()
    return harness


@pytest.fixture
def readers() -> Iterator[Readers]:
    with Readers(3) as readers:
        yield readers


def read_ahead(harness: DeployHarness, readers: Readers) -> ReadAhead:
    return ReadAhead(readers, harness.aws, harness.stacks, harness.aws.clock.now)  # type: ignore[arg-type] # it stands in


def plan(harness: DeployHarness, ahead: ReadAhead | None) -> Plan:
    return deployment.plan(harness.context, harness.stacks, harness, ahead=ahead)


def counted(harness: DeployHarness, work: Callable[[], object]) -> Counter[str]:
    """Return how often `work` makes each of the calls that are read ahead."""
    before = harness.aws.calls.copy()
    work()
    return Counter({name: harness.aws.calls[name] - before[name] for name in READ})


def test_only_what_belongs_to_all_stacks_is_read_twice(harness: DeployHarness, readers: Readers) -> None:
    each = {"GetTemplate": 3, "ListChangeSets": 3}
    ahead = counted(harness, lambda: plan(harness, read_ahead(harness, readers)))

    assert ahead == {"DescribeStacks": 2, "GetParameters": 2, **each}
    assert counted(harness, lambda: plan(harness, None)) == {"DescribeStacks": 1, "GetParameters": 1, **each}


def test_the_plan_is_the_same(harness: DeployHarness, readers: Readers) -> None:
    harness.stacks[1] = harness.network(More=TOPIC)
    made, expected = plan(harness, read_ahead(harness, readers)), plan(harness, None)

    assert [stack.label for stack in made.changing] == ["network"]
    assert [replace(stack, change_set="", stack_id="") for stack in made.stacks] == [
        replace(stack, change_set="", stack_id="") for stack in expected.stacks
    ]


def test_only_stacks_that_may_be_unchanged_are_read(harness: DeployHarness, readers: Readers) -> None:
    network = harness.aws.named("shipping-staging-network")
    assert network is not None
    network.status = "UPDATE_ROLLBACK_COMPLETE"
    harness.stacks += [harness.made("storage"), harness.made("cluster")]
    harness.protection = "protected"
    harness.stacks[0] = harness.made("keys", deployed_as=ROLE)
    ahead = read_ahead(harness, readers)

    assert ahead.existing.keys() == {f"shipping-staging-{layer}" for layer in ("keys", "network", "service")}
    assert harness.stacks[0].protected
    assert set(ahead.bodies) == set(ahead.change_sets) == {"shipping-staging-service"}


@pytest.mark.parametrize("operation", READ)
def test_a_call_that_was_throttled_is_made_again(harness: DeployHarness, readers: Readers, operation: str) -> None:
    throttle_once(harness, operation)
    made = plan(harness, read_ahead(harness, readers))

    assert [stack.label for stack in made.stacks] == ["keys", "network", "service"]
    assert made.empty


def throttle_once(harness: DeployHarness, operation: str) -> None:
    left = [1]

    def before(called: str) -> None:
        if called == operation and left.pop(0) if left else False:
            raise error("Throttling", "Rate exceeded", operation)

    harness.aws.faults.before = before


@pytest.mark.parametrize("operation", READ)
def test_a_refusal_is_reported_as_without_reading_ahead(
    harness: DeployHarness, readers: Readers, operation: str
) -> None:
    harness.aws.denied.add(operation)
    outcomes = []
    for ahead in (read_ahead(harness, readers), None):
        harness.events.clear()
        with pytest.raises((ClientError, CicdError)) as refused:
            plan(harness, ahead)
        outcomes.append((str(refused.value), harness.lines()))

    assert outcomes[0] == outcomes[1]
    assert "not authorized to perform" in "".join((outcomes[0][0], *outcomes[0][1]))


@pytest.mark.parametrize("interrupted", [False, True], ids=["a plan", "an interrupted plan"])
def test_the_account_is_read_again_after_the_last_plan_is_discarded(
    harness: DeployHarness, readers: Readers, interrupted: bool
) -> None:
    harness.stacks.append(harness.made("storage"))
    made = plan(harness, None)
    if interrupted:
        harness.path.unlink()
        with deployment.journal_of(harness.context, harness.stacks) as journal:
            journal.record_proposal(made.id, [stack.name for stack in made.changing])
    ahead = read_ahead(harness, readers)
    in_review = ahead.existing["shipping-staging-storage"]
    made = plan(harness, ahead)

    # Discarding the plan deletes the empty stack, which the answer that was read before still has.
    assert in_review["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert [(stack.label, stack.creates) for stack in made.changing] == [("storage", True)]


@pytest.mark.parametrize(("age", "calls"), [(LONGEST_AGE_SECONDS, 0), (LONGEST_AGE_SECONDS + 1, 1)])
def test_old_answers_are_read_again(harness: DeployHarness, readers: Readers, age: float, calls: int) -> None:
    ahead = read_ahead(harness, readers)
    first = ahead.existing
    harness.aws.clock.seconds += age

    def refreshed() -> None:
        ahead.refresh()
        assert ahead.existing == first

    assert counted(harness, refreshed)["DescribeStacks"] == calls


def test_a_deployment_after_the_answers_counts(harness: DeployHarness, readers: Readers) -> None:
    ahead, stacks = read_ahead(harness, readers), list(harness.stacks)
    answers = [ahead.existing, ahead.values, [body.result() for body in ahead.bodies.values()]]
    harness.aws.clock.seconds += 20
    harness.stacks[1] = harness.network(More=TOPIC)
    harness.deploy()
    harness.stacks[:] = stacks

    assert all(answers)
    assert [stack.label for stack in plan(harness, ahead).changing] == ["network"]


def test_the_values_are_read_after_the_stacks(harness: DeployHarness, readers: Readers) -> None:
    order: list[str] = []
    harness.aws.faults.before = order.append
    plan(harness, read_ahead(harness, readers))

    assert [name for name in order if name in READ[:2]][-2:] == ["DescribeStacks", "GetParameters"]
