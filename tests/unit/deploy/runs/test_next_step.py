"""The decision table of a deployment: the next step by the phases of the stacks. No AWS is used."""

from __future__ import annotations

import pytest

from cicd_templates.deploy.runs.next_step import (
    MAX_OPERATIONS,
    AcceptUnchanged,
    CompareInputs,
    ExecuteStack,
    FailBlocked,
    Finish,
    NextStep,
    Poll,
    ProposeStacks,
    StackPhase,
    StackRecord,
    next_step,
)
from cicd_templates.template.changes.planned_stack import PlannedStack

READY, BLOCKED, AGREED = StackPhase.READY, StackPhase.BLOCKED, StackPhase.AGREED
PROPOSING, EXECUTING, FAILED = StackPhase.PROPOSING, StackPhase.EXECUTING, StackPhase.FAILED
DEPLOYED, UNCHANGED = StackPhase.DEPLOYED, StackPhase.UNCHANGED
UNPLANNED, OUTDATED = StackPhase.UNPLANNED, StackPhase.OUTDATED


def planned(name: str, *, changes: bool = True) -> PlannedStack:
    return PlannedStack(name, name.upper(), "digest", change_set=f"arn:{name}" if changes else "")


def stack(name: str, phase: StackPhase, *reads: str, changes: bool = True, compared: bool = False) -> StackRecord:
    plan = planned(name, changes=changes) if phase is AGREED else None
    return StackRecord(name, name.upper(), frozenset(reads), phase, plan, compared)


def decide(*stacks: StackRecord, eager: bool = True, stopping: bool = False) -> NextStep:
    return next_step({record.name: record for record in stacks}, eager=eager, stopping=stopping)


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        pytest.param([stack("a", READY), stack("b", READY)], ProposeStacks(("a", "b")), id="all that are ready"),
        pytest.param([stack("a", READY), stack("b", BLOCKED, "a")], ProposeStacks(("a",)), id="not what is blocked"),
        pytest.param([stack("a", READY), stack("b", READY, "a")], ProposeStacks(("a", "b")), id="ready and reads"),
        pytest.param([stack("a", DEPLOYED), stack("b", BLOCKED, "a")], ProposeStacks(("b",)), id="producer deployed"),
        pytest.param([stack("a", UNCHANGED), stack("b", BLOCKED, "a")], ProposeStacks(("b",)), id="producer unchanged"),
        pytest.param(
            [stack("a", DEPLOYED), stack("b", EXECUTING), stack("c", BLOCKED, "a", "b")],
            Poll(),
            id="one of two",
        ),
        pytest.param(
            [stack("a", DEPLOYED), stack("b", EXECUTING), stack("c", BLOCKED, "a")],
            ProposeStacks(("c",)),
            id="while another is under way",
        ),
    ],
)
def test_a_stack_is_proposed_when_all_that_it_reads_from_stands(stacks: list[StackRecord], expected: NextStep) -> None:
    assert decide(*stacks) == expected


@pytest.mark.parametrize("phase", [PROPOSING, EXECUTING])
def test_without_eager_nothing_is_proposed_while_something_is_under_way(phase: StackPhase) -> None:
    assert decide(stack("a", phase), stack("b", READY), eager=False) == Poll()
    assert decide(stack("a", DEPLOYED), stack("b", READY), eager=False) == ProposeStacks(("b",))


def test_what_is_approved_starts_before_anything_else_is_proposed() -> None:
    assert decide(stack("a", READY), stack("b", AGREED), eager=False) == ExecuteStack("b")


@pytest.mark.parametrize(
    ("stacks", "expected"),
    [
        pytest.param([stack("a", AGREED)], ExecuteStack("a"), id="a change set"),
        pytest.param([stack("a", AGREED, changes=False)], AcceptUnchanged("a"), id="nothing to change"),
        pytest.param([stack("a", UNPLANNED), stack("b", AGREED, "a")], ExecuteStack("b"), id="producer elsewhere"),
        pytest.param([stack("a", UNCHANGED), stack("b", AGREED, "a")], ExecuteStack("b"), id="producer unchanged"),
        pytest.param([stack("a", OUTDATED), stack("b", AGREED, "a")], ExecuteStack("b"), id="producer planned later"),
        pytest.param(
            [stack("a", DEPLOYED), stack("b", AGREED, "a")], CompareInputs(planned("b")), id="producer deployed since"
        ),
        pytest.param(
            [stack("a", DEPLOYED), stack("b", AGREED, "a", compared=True)], ExecuteStack("b"), id="and compared"
        ),
        pytest.param(
            [stack("a", DEPLOYED), stack("b", AGREED, "a", changes=False, compared=True)],
            AcceptUnchanged("b"),
            id="compared and nothing to change",
        ),
        pytest.param([stack("a", EXECUTING), stack("b", AGREED, "a")], Poll(), id="producer under way"),
        pytest.param([stack("a", PROPOSING), stack("b", AGREED, "a")], Poll(), id="producer being proposed"),
        pytest.param([stack("a", BLOCKED), stack("b", AGREED, "a")], ProposeStacks(("a",)), id="producer to propose"),
        pytest.param([stack("a", AGREED), stack("b", AGREED, "a")], ExecuteStack("a"), id="producer first"),
        pytest.param([stack("a", AGREED, "b"), stack("b", AGREED)], ExecuteStack("b"), id="whatever the order"),
    ],
)
def test_an_approved_stack_starts_when_all_that_it_reads_from_is_settled(
    stacks: list[StackRecord], expected: NextStep
) -> None:
    assert decide(*stacks) == expected


def test_no_more_operations_than_the_limit_are_under_way() -> None:
    running = [stack(f"s{number}", EXECUTING) for number in range(MAX_OPERATIONS)]

    assert decide(*running[1:], stack("more", AGREED)) == ExecuteStack("more")
    assert decide(*running, stack("more", AGREED)) == Poll()
    assert decide(*running, stack("more", AGREED), stack("same", AGREED, changes=False)) == AcceptUnchanged("same")


@pytest.mark.parametrize("phase", [READY, BLOCKED, AGREED])
@pytest.mark.parametrize("stopping", [False, True])
def test_what_reads_from_a_failed_stack_fails(phase: StackPhase, stopping: bool) -> None:
    stacks = [stack("a", FAILED), stack("b", FAILED), stack("c", UNCHANGED), stack("d", phase, "b", "a", "c")]

    assert decide(*stacks, stopping=stopping) == FailBlocked("d", ("A", "B"))


@pytest.mark.parametrize("phase", [UNPLANNED, PROPOSING, EXECUTING, DEPLOYED, UNCHANGED, OUTDATED, FAILED])
def test_what_has_begun_or_is_not_in_this_run_does_not_fail_with_what_it_reads_from(phase: StackPhase) -> None:
    expected = Poll() if phase in (PROPOSING, EXECUTING) else Finish()

    assert decide(stack("a", FAILED), stack("b", phase, "a")) == expected


def test_a_run_that_stops_proposes_nothing_and_waits_for_what_is_under_way() -> None:
    assert decide(stack("a", EXECUTING), stack("b", READY), stopping=True) == Poll()
    assert decide(stack("a", DEPLOYED), stack("b", READY), stopping=True) == Finish()


def test_a_run_is_finished_when_nothing_is_left_to_do() -> None:
    assert decide(stack("a", DEPLOYED), stack("b", UNCHANGED, "a"), stack("c", FAILED)) == Finish()
    assert decide() == Finish()
