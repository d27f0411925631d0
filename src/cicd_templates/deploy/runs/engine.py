"""Deploys the stacks of an environment: plans changes, gets approval, executes the changes, and waits for their end.

The engine is one loop without threads. `next_step` decides which step is next. The engine performs the step and records
the outcome.

Stacks are deployed in parallel. The deployment of a stack starts as soon as all stacks whose values it reads are
deployed. If a stack fails, the stacks that depend on it are skipped, and all other stacks are still deployed.

The engine executes only a plan that was written, read back and compared with AWS. It never prints anything or asks the
user directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.aws.retry import AWS_ERRORS
from cicd_templates.deploy.change_sets.change_set_request import published
from cicd_templates.deploy.plans.discard import discard_planned, discard_plans
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.wave import Wave, blocked_stacks, take_survey
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.deploy.runs.approval import Approval, Confirm, DeclinedError
from cicd_templates.deploy.runs.journal import STARTED, Entry, Journal
from cicd_templates.deploy.runs.next_step import (
    AcceptUnchanged,
    CompareInputs,
    ExecuteStack,
    FailBlocked,
    Finish,
    Poll,
    StackPhase,
    StackRecord,
    StackStep,
    next_step,
)
from cicd_templates.deploy.runs.operations import Operations, discard_proposals
from cicd_templates.errors import CicdError, DetachedError, NoTerminalError, RefusedError
from cicd_templates.template import stack_graph
from cicd_templates.template.changes.planned_stack import PlannedStack
from cicd_templates.template.stack_template import StackTemplate


def ignore_approval() -> None:
    """Do nothing. This is the default for callers that do not need to know when a plan is approved."""


def ignore_stack(stack: StackTemplate) -> None:
    """Do nothing. This is the default for callers that do not need to know when a stack is deployed."""


class DeploymentEngine:
    """One deployment of one environment.

    - If `eager` is true, the engine creates change sets even while other stacks are being deployed. If it is false, the
      engine waits until no operation is in progress before it creates change sets and asks for approval.
    - `confirm` asks the user for approval.
    - `after` is called with each stack as soon as its reviewed template is deployed, even if nothing had to change.
    - `require_lock` is called before each execution. It raises `DetachedError` if another command may be working on the
      environment.
    """

    def __init__(
        self,
        context: DeployContext,
        stacks: Sequence[StackTemplate],
        journal: Journal,
        reporter: Reporter,
        confirm: Confirm,
        *,
        allowed: Iterable[str] = (),
        eager: bool = True,
        after: Callable[[StackTemplate], None] = ignore_stack,
        require_lock: Callable[[], None] = ignore_approval,
    ) -> None:
        self._context, self._journal, self._reporter = context, journal, reporter
        self._stacks = {stack.name: stack for stack in stacks}
        self._eager, self._after = eager, after
        self._approval = Approval(context, self._stacks, reporter, confirm, allowed)
        self._operations = Operations(context, self._stacks, journal, reporter, require_lock)
        reads_from = stack_graph.producers(stack.links for stack in stacks)
        self._records = {
            stack.name: StackRecord(stack.name, stack.label, frozenset(reads_from[stack.name])) for stack in stacks
        }
        self._waves: list[Wave] = []
        self._objection: CicdError | None = None
        # The phase of a stack after its plan is dropped. A run that executes a given plan does not plan stacks again.
        self._phase_after_drop = StackPhase.OUTDATED
        self._passed = ignore_approval

    def deploy(self, passed: Callable[[], None] = ignore_approval) -> None:
        """Deploy the reviewed template of every stack.

        Stacks are planned and approved in waves. A wave has all stacks whose input values have become available. When
        the first wave is approved, the engine calls `passed` and then starts the first operation.

        If a check of a wave fails, or if the user declines a wave, no further operation starts. The engine deletes all
        change sets that are not executed yet, and waits for the operations under way.

        Raises the error of the failed check, a `DeclinedError`, or a `CicdError` with the labels of failed stacks.
        """
        self._passed = passed
        self._run(self._deploy)

    def execute(
        self,
        plan: Plan,
        path: Path,
        environment: Sequence[StackTemplate],
        passed: Callable[[], None] = ignore_approval,
    ) -> list[StackTemplate]:
        """Execute `plan`. Return the stacks that need another plan because their input values were missing or changed.

        1. Compare the plan with AWS and with `environment`, which has all stacks of the environment in deploy order.
        2. Call `passed`, because the plan has passed all checks.
        3. Wait for the operations that an interrupted run has started.
        4. Execute the change sets of the plan.

        Raises `RefusedError` if the environment has changed since the plan was made. Changes by an interrupted run of
        this same plan are allowed. Also raises the errors of `deploy`.
        """
        rendered = {stack.name: stack for stack in environment}
        self._run(lambda: self._execute_plan(plan, path, rendered, passed))
        return [
            stack
            for stack in self._stacks.values()
            if self._records[stack.name].phase is StackPhase.OUTDATED or stack.label in plan.waits
        ]

    def _deploy(self) -> None:
        self._resume(None)
        discard_plans(self._context, next(iter(self._stacks.values())).links.environment)
        stacks = list(self._stacks.values())
        blocked = blocked_stacks(take_survey(self._context, stacks), stacks)
        for name in self._stacks:
            if self._records[name].phase is not StackPhase.FAILED:
                self._record(name, StackPhase.BLOCKED if name in blocked else StackPhase.READY)
        self._phase_after_drop = StackPhase.BLOCKED
        self._drive()

    def _execute_plan(
        self, plan: Plan, path: Path, environment: Mapping[str, StackTemplate], passed: Callable[[], None]
    ) -> None:
        begun = {name for name, entry in self._journal.entries.items() if entry.plan == str(path) and entry.begun}
        plan = self._approval.verify(plan, environment, begun)
        self._approval.refuse_losses(plan)
        self._approval.note_exempt(plan)
        passed()
        for name in begun & self._stacks.keys():
            self._record(name, StackPhase.DEPLOYED)
        self._resume(path)
        self._agree(plan, path, begun)
        self._drive()

    def _run(self, work: Callable[[], None]) -> None:
        """Run `work` to its end. If a stack or a check has failed by then, raises a `CicdError`.

        If `work` is interrupted, raises a `DetachedError` that lists the operations still under way in AWS.
        """
        try:
            work()
        except KeyboardInterrupt:
            raise self._detached("stopped") from None
        except DetachedError as error:
            raise self._detached(str(error)) from None
        except AWS_ERRORS as error:
            if self._operations.under_way or self._journal.unfinished:
                raise self._detached(explain(error)) from None
            raise
        self._journal.settle()
        self._approval.remove_files()
        if self._objection:
            raise self._objection
        failed = [record for record in self._records.values() if record.phase is StackPhase.FAILED]
        if failed:
            # First list the failed stacks of an interrupted run that are not part of this run. They may have caused the
            # other failures.
            labels = [record.label for record in sorted(failed, key=lambda record: record.name in self._stacks)]
            raise CicdError(f"not deployed: {', '.join(labels)}; the causes are above")

    def _detached(self, why: str) -> DetachedError:
        running = ", ".join(entry.label for entry in self._journal.unfinished)
        state = f"{running} still under way in AWS" if running else "nothing is under way"
        return DetachedError(f"{why}: {state}; run the same command again to continue", under_way=bool(running))

    # An interrupted run.

    def _resume(self, keep: Path | None) -> None:
        """Wait until the operations of an interrupted run have ended.

        Delete the change sets that the interrupted run did not execute. If `keep` is the file of a plan, do not delete
        the change sets of this plan.
        """
        discard_proposals(self._context, self._journal)
        for entry in list(self._journal.entries.values()):
            if entry.state == STARTED:
                self._resume_entry(entry)
            elif entry.plan != str(keep):
                self._operations.forget(entry)
        while self._operations.under_way:
            self._poll_operations()
            self._context.polling.pause(failures=self._operations.failed_polls)

    def _resume_entry(self, entry: Entry) -> None:
        # The interrupted run may have deployed stacks that are not part of this run.
        self._records.setdefault(entry.stack, StackRecord(entry.stack, entry.label))
        phases = {None: StackPhase.OUTDATED, True: StackPhase.EXECUTING, False: StackPhase.FAILED}
        self._record(entry.stack, phases[self._operations.resume(entry)])

    # The loop.

    def _drive(self) -> None:
        began = self._context.polling.now()
        while True:
            step = next_step(self._records, eager=self._eager, stopping=self._objection is not None)
            if isinstance(step, Finish):
                return
            if not isinstance(step, Poll):
                self._perform(step)
            elif not self._poll():
                waited = self._context.polling.now() - began
                self._context.polling.pause(waited, self._operations.failed_polls)

    def _perform(self, step: StackStep) -> None:
        match step:
            case FailBlocked(name, failed):
                if planned := self._records[name].planned:
                    self._drop(planned)
                self._fail(name, f"not started, because {', '.join(failed)} failed")
            case CompareInputs(planned):
                self._compare_inputs(planned)
            case ExecuteStack(name):
                accepted = self._operations.start(name)
                self._record(name, StackPhase.EXECUTING if accepted else StackPhase.FAILED)
            case AcceptUnchanged(name):
                self._record(name, StackPhase.UNCHANGED)
                self._after(self._stacks[name])
            case _:
                self._propose(step.names)

    def _record(
        self, name: str, phase: StackPhase, planned: PlannedStack | None = None, *, compared: bool = False
    ) -> None:
        self._records[name] = replace(self._records[name], phase=phase, planned=planned, compared=compared)

    def _fail(self, name: str, reason: str) -> None:
        self._record(name, StackPhase.FAILED)
        self._reporter.report(report.Broke(self._records[name].label, reason))

    def _poll(self) -> bool:
        """Advance every wave and poll every operation once. Return whether any wave or operation has ended."""
        ended = [wave for wave in self._waves if wave.advance()]
        for wave in ended:
            self._waves.remove(wave)
            self._approve(wave)
        return self._poll_operations() or bool(ended)

    def _poll_operations(self) -> bool:
        any_ended = False
        for outcome in self._operations.poll():
            any_ended = True
            self._record(outcome.stack, StackPhase.DEPLOYED if outcome.succeeded else StackPhase.FAILED)
            if outcome.succeeded and outcome.stack in self._stacks:
                self._after(self._stacks[outcome.stack])
        return any_ended

    # Planning.

    def _propose(self, names: Sequence[str]) -> None:
        wave = Wave(self._context, [self._stacks[name] for name in names], self._context.new_plan_id())
        self._journal.record_proposal(wave.plan_id, names)
        self._waves.append(wave)
        for name in names:
            self._record(name, StackPhase.PROPOSING)

    def _approve(self, wave: Wave) -> None:
        """Check the plan of a wave and ask the user to approve the plan.

        If a check fails or the user declines, delete all change sets of this run that are not executed yet.
        """
        try:
            if self._objection is None:
                self._agree_to(wave)
        except (RefusedError, DeclinedError, NoTerminalError) as error:
            self._objection = error
        if self._objection:
            wave.discard()
            for stack in wave.stacks:
                if self._records[stack.name].phase is not StackPhase.FAILED:
                    self._record(stack.name, StackPhase.UNPLANNED)
            for record in list(self._records.values()):
                if record.planned:
                    self._drop(record.planned)
        self._journal.remove_proposal(wave.plan_id)

    def _agree_to(self, wave: Wave) -> None:
        if wave.refused:
            raise wave.refused
        wave.discard_failed()
        for name, reason in wave.failed.items():
            self._fail(name, reason)
        plan, path = self._approval.approve(wave.plan({}))
        self._passed()
        self._passed = ignore_approval
        self._agree(plan, path, ())

    def _agree(self, plan: Plan, path: Path, begun: Iterable[str]) -> None:
        fresh = [stack for stack in plan.stacks if stack.name not in set(begun)]
        self._journal.plan(plan, path, [stack for stack in fresh if stack.change_set])
        for stack in fresh:
            self._record(stack.name, StackPhase.AGREED, stack)

    def _compare_inputs(self, planned: PlannedStack) -> None:
        """Delete the change set of a stack if an input value has changed since the stack was planned."""
        current = self._context.retry_call(lambda: published(self._context.clients, planned.inputs))
        if current == planned.inputs:
            self._record(planned.name, StackPhase.AGREED, planned, compared=True)
            return
        self._drop(planned)
        self._record(planned.name, self._phase_after_drop)
        note = f"{planned.label}: values that it reads have changed, so it is planned again"
        self._reporter.report(report.Note(note))

    def _drop(self, planned: PlannedStack) -> None:
        """Delete the change set of an approved stack and remove the stack from the run."""
        self._context.retry_call(lambda: discard_planned(self._context.clients, planned))
        self._journal.forget([planned.name])
        self._record(planned.name, StackPhase.UNPLANNED)
