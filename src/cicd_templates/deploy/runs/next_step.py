"""The decision table of a deployment. It determines the next step from the phases of all stacks. Does not call AWS.

`DeploymentEngine` performs each step and records the outcome. Only this module decides which step is next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cicd_templates.template.changes.planned_stack import PlannedStack

# The maximum number of operations that run at the same time. CloudFormation has no such limit, but the services that
# it calls throttle requests.
MAX_OPERATIONS = 20


class StackPhase(Enum):
    """How far the deployment of one stack has progressed."""

    UNPLANNED = "this run does not deploy the stack"
    READY = "the change set can be created now"
    BLOCKED = "other stacks must be deployed before the change set can be created, because the stack reads their values"
    PROPOSING = "the change set is being created"
    AGREED = "the plan was approved, but other stacks must be deployed first, because the stack reads their values"
    EXECUTING = "the operation is under way"
    DEPLOYED = "the operation succeeded"
    UNCHANGED = "the stack is deployed, and its plan changes nothing"
    OUTDATED = "the plan of the stack was discarded, so the stack must be planned again after this run"
    FAILED = "the stack, or a stack whose values it reads, could not be planned or deployed"


_UNDER_WAY = frozenset({StackPhase.PROPOSING, StackPhase.EXECUTING})
_STANDING = frozenset({StackPhase.DEPLOYED, StackPhase.UNCHANGED})
_TO_PROPOSE = frozenset({StackPhase.READY, StackPhase.BLOCKED})
# While a stack is in one of these phases, the stacks that read from it are not executed.
_UNSETTLED = _UNDER_WAY | _TO_PROPOSE | {StackPhase.AGREED}


@dataclass(frozen=True)
class StackRecord:
    """The progress of one stack in a run. `planned` is set only in the phase AGREED.

    `compared` is true if the step `CompareInputs` found that the input values of the stack still equal the values in
    its plan.
    """

    name: str
    label: str
    reads_from: frozenset[str] = frozenset()
    phase: StackPhase = StackPhase.UNPLANNED
    planned: PlannedStack | None = None
    compared: bool = False


@dataclass(frozen=True)
class FailBlocked:
    """Mark the stack `name` as failed, because it reads values from failed stacks.

    `failed` has the labels of these failed stacks.
    """

    name: str
    failed: tuple[str, ...]


@dataclass(frozen=True)
class CompareInputs:
    """Read the current input values of a stack, and compare them with the input values in its plan.

    If the deployment of another stack has changed one of these values, the stack must be planned again.
    """

    planned: PlannedStack


@dataclass(frozen=True)
class ExecuteStack:
    """Execute the change set of a stack."""

    name: str


@dataclass(frozen=True)
class AcceptUnchanged:
    """Mark the stack `name` as deployed. Its plan contains no changes, so nothing is executed."""

    name: str


@dataclass(frozen=True)
class ProposeStacks:
    """Create change sets for these stacks. The user sees and approves them as one plan."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Poll:
    """Wait for the operations that are under way."""


@dataclass(frozen=True)
class Finish:
    """End the run: nothing is under way, and nothing more can be done."""


StackStep = FailBlocked | CompareInputs | ExecuteStack | AcceptUnchanged | ProposeStacks
NextStep = StackStep | Poll | Finish


def next_step(records: Mapping[str, StackRecord], *, eager: bool = True, stopping: bool = False) -> NextStep:
    """Return the next step of a deployment. `records` maps the name of each stack to its record, in deploy order.

    If `eager` is true, change sets are created even while operations are under way. If `stopping` is true, no more
    change sets are created.
    """
    if step := next(_failures(records), None) or next(_starts(records), None):
        return step
    under_way = any(record.phase in _UNDER_WAY for record in records.values())
    if not stopping and (eager or not under_way) and (names := tuple(_proposable(records))):
        return ProposeStacks(names)
    return Poll() if under_way else Finish()


def _failures(records: Mapping[str, StackRecord]) -> Iterator[FailBlocked]:
    for record in records.values():
        if record.phase in _TO_PROPOSE or record.phase is StackPhase.AGREED:
            failed = [records[name].label for name in record.reads_from if records[name].phase is StackPhase.FAILED]
            if failed:
                yield FailBlocked(record.name, tuple(sorted(failed)))


def _starts(records: Mapping[str, StackRecord]) -> Iterator[CompareInputs | ExecuteStack | AcceptUnchanged]:
    """Yield the next step of each approved stack that does not have to wait.

    A stack that reads values from other stacks waits until this run has deployed the other stacks. A stack with a
    change set also waits while `MAX_OPERATIONS` operations are under way.
    """
    executing = sum(record.phase is StackPhase.EXECUTING for record in records.values())
    for record in records.values():
        producers = {records[name].phase for name in record.reads_from}
        if record.planned is None or record.phase is not StackPhase.AGREED or producers & _UNSETTLED:
            continue
        if record.planned.change_set and executing >= MAX_OPERATIONS:
            continue
        if StackPhase.DEPLOYED in producers and not record.compared:
            yield CompareInputs(record.planned)
        elif record.planned.change_set:
            yield ExecuteStack(record.name)
        else:
            yield AcceptUnchanged(record.name)


def _proposable(records: Mapping[str, StackRecord]) -> Iterator[str]:
    for record in records.values():
        standing = all(records[name].phase in _STANDING for name in record.reads_from)
        if record.phase is StackPhase.READY or (record.phase is StackPhase.BLOCKED and standing):
            yield record.name
