"""Plans the stacks of one wave together: selects the stacks that can be planned now, and builds one plan of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS, Steps, run_steps
from cicd_templates.deploy.change_sets.drift_reversal import DetectedDrift
from cicd_templates.deploy.change_sets.stack_status_remedies import NEXT, Next
from cicd_templates.deploy.plans.discard import discard_named, discard_planned
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.moved_inputs import readers_of_moved_values
from cicd_templates.deploy.plans.propose import DeployContext, propose
from cicd_templates.deploy.plans.read_ahead import ReadAhead
from cicd_templates.deploy.plans.seal import VALID_FOR
from cicd_templates.deploy.plans.survey import Survey, paths_read_by, survey
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.template import stack_graph
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate


def take_survey(context: DeployContext, stacks: Sequence[StackTemplate], ahead: ReadAhead | None = None) -> Survey:
    """Wait for AWS's answers about `stacks` and return them. If `ahead` is given, the answers come from `ahead`."""
    return run_steps(survey(context.clients, stacks, ahead), context.polling)


def blocked_stacks(known: Survey, stacks: Sequence[StackTemplate]) -> dict[str, tuple[str, ...]]:
    """Return the stacks that cannot be planned yet, each with the labels of the stacks that must be deployed first.

    A stack is blocked if it reads a value from another stack and one of these is true:
    - The other stack does not exist.
    - The other stack is blocked itself.
    - The other stack has not published the value yet. This is possible after an import.
    """
    # A stack whose first creation did not succeed does not count.
    existing = {
        name for name, stack in known.stacks.items() if NEXT[stack["StackStatus"]] not in (Next.CREATE, Next.RECREATE)
    }
    missing = unpublished(known, stacks)
    by_name = {stack.name: stack for stack in stacks}
    needed = stack_graph.producers(stack.links for stack in stacks)
    blocked: dict[str, tuple[str, ...]] = {}
    for name in (name for wave in stack_graph.waves(stack.links for stack in stacks) for name in wave):
        lacking = paths_read_by(by_name[name]) & missing
        after = {
            producer
            for producer in needed[name]
            if producer not in existing or producer in blocked or lacking & by_name[producer].links.publishes.keys()
        }
        if after:
            blocked[name] = tuple(sorted(by_name[producer].label for producer in after))
    return blocked


def unpublished(known: Survey, stacks: Sequence[StackTemplate]) -> set[str]:
    """Return the Parameter Store paths that `stacks` read and that have no value yet."""
    return {path for stack in stacks for path in paths_read_by(stack)} - known.values.keys()


@dataclass
class Wave:
    """A group of stacks that are planned together. The user sees and approves them as one plan.

    `drift` is None if no drift detection was made. `known` is a survey of the stacks. If `known` is None, the wave
    calls `survey`.
    """

    context: DeployContext
    stacks: Sequence[StackTemplate]
    plan_id: str
    propose: Callable[[DeployContext, StackTemplate, str, Survey], Steps[PlannedStack]] = propose
    drift: DetectedDrift | None = None
    known: Survey | None = None
    survey: Callable[[Clients, Sequence[StackTemplate]], Steps[Survey]] = survey
    planned: dict[str, PlannedStack] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    refused: RefusedError | None = None

    def __post_init__(self) -> None:
        """Prepare the wave without calling AWS. The validity of the plan begins now."""
        self._began = self.context.today()
        self._survey: Steps[Survey] | None = None
        if self.known is None:
            self._survey = self.survey(self.context.clients, self.stacks)
        self._steps = {} if self.known is None else self._proposals(self.known)

    def advance(self) -> bool:
        """Run one step, and return whether all stacks are planned.

        The first steps survey the stacks. Each later step continues the planning of every stack. Raises
        `DetachedError` if the credentials stop working.
        """
        if self._survey is not None and not self._advance_survey(self._survey):
            return False
        for name, steps in list(self._steps.items()):
            try:
                next(steps)
                continue
            except StopIteration as end:
                self.planned[name] = end.value
            except RefusedError as error:
                self.refused = self.refused or error
            except DetachedError:
                raise
            except AWS_ERRORS as error:
                self.failed[name] = explain(error)
            except CicdError as error:
                self.failed[name] = str(error)
            del self._steps[name]
        return not self._steps

    def _advance_survey(self, steps: Steps[Survey]) -> bool:
        """Run the next step of the survey. After the last step, prepare the proposals and return true."""
        try:
            next(steps)
            return False
        except StopIteration as end:
            self._steps = self._proposals(end.value)
        except DetachedError:
            raise
        except AWS_ERRORS as error:
            self.failed = dict.fromkeys((stack.name for stack in self.stacks), explain(error))
        self._survey = None
        return True

    def _proposals(self, known: Survey) -> dict[str, Steps[PlannedStack]]:
        return {stack.name: self.propose(self.context, stack, self.plan_id, known) for stack in self.stacks}

    def discard(self) -> None:
        """Delete the change sets of all stacks of the wave, even if CloudFormation is still creating them."""
        self._discard(self.stacks)

    def discard_failed(self) -> None:
        """Delete the change sets of the stacks that could not be planned."""
        self._discard(stack for stack in self.stacks if stack.name in self.failed)

    def _discard(self, stacks: Iterable[StackTemplate]) -> None:
        for stack in stacks:
            self.context.retry_call(functools.partial(self._discard_one, stack.name))

    def _discard_one(self, name: str) -> None:
        if planned := self.planned.get(name):
            discard_planned(self.context.clients, planned)
        else:
            discard_named(self.context.clients, name, self.plan_id)

    def plan(self, waits: Mapping[str, tuple[str, ...]], removed: Sequence[str] = ()) -> Plan:
        """Combine the plans of this wave's stacks into one plan.

        `waits` has the stacks that cannot be planned yet, each with the stacks that must be deployed before it.
        `removed` has the labels of stacks that are no longer rendered but still exist.
        """
        first = self.stacks[0]
        return Plan(
            id=self.plan_id,
            environment=first.links.environment,
            suffix=first.facts.suffix or "",
            account=first.account,
            region=first.region,
            caller=self.context.caller,
            revision=self.context.revision,
            local=self.context.clients.local,
            protected=first.protected,
            created=self._began,
            expires=self._began + VALID_FOR,
            stacks=tuple(self.planned[stack.name] for stack in self.stacks if stack.name in self.planned),
            moved=readers_of_moved_values([stack for stack in self.stacks if stack.name in self.planned], self.planned),
            waits=dict(waits),
            removed=tuple(removed),
            drift=self.drift.stacks if self.drift else None,
            kept_drift=self.drift.kept(self.stacks) if self.drift else {},
        )
