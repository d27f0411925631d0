"""Walks the stacks of an environment: looks, shows, asks, executes, watches. Knows no terminal, asks by a call.

One loop and no threads. Each stack starts as soon as what it reads from stands, side by side with others; a failure
stops what depends on it and nothing else. What is executed is a plan that was written, read back and compared.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import explained
from cicd_templates.deploy.aws.retry import FAULTS, expired, run_steps
from cicd_templates.deploy.change_sets.api import discard
from cicd_templates.deploy.change_sets.request import published
from cicd_templates.deploy.diagnosis.diagnose import FailureCollector
from cicd_templates.deploy.diagnosis.event_file import History
from cicd_templates.deploy.plans import document as plans
from cicd_templates.deploy.plans.discard import discard_named, discard_planned, discard_plans
from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.deploy.plans.page import plan_markdown
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.plans.text import change_sets
from cicd_templates.deploy.plans.verify import verify
from cicd_templates.deploy.plans.wave import Wave, blocked_stacks
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.deploy.runs.execute import execute, known
from cicd_templates.deploy.runs.journal import (
    PLANNED,
    STANDS,
    STARTED,
    Entry,
    Journal,
    duration_key,
)
from cicd_templates.deploy.runs.watch import Ended, Happened, Watch
from cicd_templates.errors import CicdError, DetachedError, RefusedError
from cicd_templates.template import links
from cicd_templates.template.stack_template import StackTemplate

Confirm = Callable[[str], bool]
# Operations under way at once. CloudFormation sets no such limit, but the services behind it throttle.
AT_ONCE = 20


class DeclinedError(CicdError):
    """The person at the keyboard said no."""


def nothing_more() -> None:
    """Nothing more to do before a plan is executed."""


def nothing_after(stack: StackTemplate) -> None:
    """Nothing more to do with a stack that stands."""


class DeploymentEngine:
    """One deployment of one environment; `after` is called with each stack that stands as it should.

    With `eager`, a stack is looked at as soon as what it reads stands, while others are under way; otherwise nothing is
    under way while somebody is asked.
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
        after: Callable[[StackTemplate], None] = nothing_after,
    ) -> None:
        self._context, self._journal, self._reporter, self._confirm = context, journal, reporter, confirm
        self._stacks = {stack.name: stack for stack in stacks}
        self._needed = links.producers(stack.links for stack in stacks)
        self._allowed, self._eager, self._after = tuple(allowed), eager, after
        self._watch = Watch(context.clients)
        self._todo: set[str] = set()
        self._first: set[str] = set()
        self._waves: list[Wave] = []
        self._agreed: dict[str, PlannedStack] = {}
        self._done: set[str] = set()
        self._executed: set[str] = set()
        self._broken: dict[str, str] = {}
        self._moved: set[str] = set()
        self._collectors: dict[str, FailureCollector] = {}
        self._histories: dict[str, History] = {}
        self._written: list[Path] = []
        self._stop: CicdError | None = None
        self._in_waves = False

    def deploy(self) -> None:
        """Bring every stack to its reviewed text, wave by wave. Raises `CicdError` that names the stacks that failed.

        A wave that a guard refuses or `confirm` declines is discarded; what is under way is waited for.
        """
        self._guarded(self._deploy)

    def execute(self, made: Plan, path: Path, passed: Callable[[], None] = nothing_more) -> list[StackTemplate]:
        """Execute exactly what a plan says; the stacks that have to be planned after it. Raises as `deploy`.

        Stacks of it that an interrupted run has begun are taken up; `RefusedError` where anything else has moved.
        `passed` is called when every guard has let it pass, before anything of it begins.
        """
        self._guarded(lambda: self._execute(made, path, passed))
        return [stack for stack in self._stacks.values() if stack.name in self._moved or stack.label in made.waits]

    def _deploy(self) -> None:
        self._take_up(None)
        discard_plans(self._context, next(iter(self._stacks.values())).links.environment)
        self._todo = set(self._stacks) - self._broken.keys()
        self._done.clear()
        self._executed.clear()
        self._first = self._stacks.keys() - blocked_stacks(self._context, list(self._stacks.values()))
        self._in_waves = True
        self._drive()

    def _execute(self, made: Plan, path: Path, passed: Callable[[], None]) -> None:
        self._refuse_losses(made)
        self._note_exempt(made)
        begun = {name for name, entry in self._journal.entries.items() if entry.plan == str(path) and entry.begun}
        run_steps(verify(self._context, made, self._stacks, begun), self._context.polling)
        passed()
        self._executed |= begun
        self._take_up(path)
        self._agree(made, path, begun)
        self._drive()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run `work` and say how it ended; what is under way when it has to end early is not lost from sight."""
        try:
            work()
        except KeyboardInterrupt:
            raise self._detached("stopped") from None
        except DetachedError as error:
            raise self._detached(str(error)) from None
        except FAULTS as error:
            if expired(error):
                raise self._detached(f"the credentials have ended ({explained(error)}); sign in again") from None
            if self._watch.entries or self._journal.unfinished:
                raise self._detached(explained(error)) from None
            raise
        self._journal.settle()
        for path in self._written:
            plans.remove(path)
        if self._stop:
            raise self._stop
        if self._broken:
            raise CicdError(f"not deployed: {', '.join(self._broken.values())}; the causes are above")

    def _detached(self, why: str) -> DetachedError:
        running = ", ".join(entry.label for entry in self._journal.unfinished)
        state = f"{running} still under way in AWS" if running else "nothing is under way"
        return DetachedError(f"{why}: {state}; the same command takes up where this one was")

    def _take_up(self, keep: Path | None) -> None:
        """Bring to its end what an interrupted run began, and discard what it did not; all but of the plan `keep`."""
        for plan_id, names in list(self._journal.proposals.items()):
            for name in names:
                self._context.retry_call(functools.partial(discard_named, self._context.clients, name, plan_id))
            self._journal.proposed(plan_id)
        for entry in list(self._journal.entries.values()):
            if entry.state == STARTED and not self._context.retry_call(
                functools.partial(known, self._context.clients, entry)
            ):
                told = f"{entry.label}: what an earlier run began is not known to AWS, so it is looked at anew"
                self._reporter.report(report.Note(told))
                self._journal.forget([entry.stack])
            elif entry.state == STARTED:
                self._reporter.report(report.Note(f"{entry.label}: taken up where an earlier run left it"))
                self._ask_for(entry, None)
            elif entry.plan != str(keep):
                if entry.state == PLANNED:
                    self._discard(entry)
                self._journal.forget([entry.stack])
        while self._watch.entries:
            self._observe()
            self._context.polling.pause(failures=self._watch.failures)

    def _drive(self) -> None:
        """The loop: until nothing is looked at, waits for its turn or is under way."""
        began = self._context.polling.now()
        while True:
            self._look_at_more()
            self._advance_waves()
            self._start()
            self._observe()
            if not (self._waves or self._agreed or self._watch.entries or self._lookable()):
                # What a last failure has made impossible.
                self._block(self._todo)
                return
            if self._waves or self._watch.entries:
                self._context.polling.pause(self._context.polling.now() - began, self._watch.failures)

    # Looking.

    def _lookable(self) -> list[str]:
        """What can be looked at now: at first what waits for nothing, then what comes after what is dealt with."""
        if self._stop or not (self._eager or self._idle):
            return []
        ready = [name for name in self._stacks if name in self._first or self._needed[name] <= self._done]
        return [name for name in ready if name in self._todo]

    @property
    def _idle(self) -> bool:
        # What is agreed to and cannot start yet waits for just this: for what it reads to be looked at again.
        return not (self._waves or self._watch.entries)

    def _look_at_more(self) -> None:
        self._block(self._todo)
        names = self._lookable()
        # What stands and is dealt with later counts once: after that only what is done does.
        self._first = set()
        if names:
            wave = Wave(self._context, [self._stacks[name] for name in names], uuid.uuid4().hex)
            self._journal.propose(wave.plan_id, names)
            self._waves.append(wave)
            self._todo -= set(names)

    def _block(self, names: Iterable[str]) -> None:
        """What depends on something broken is broken."""
        for name in [each for each in self._stacks if each in set(names)]:
            blocking = sorted(self._broken[each] for each in self._needed[name] & self._broken.keys())
            if blocking:
                self._break(name, self._stacks[name].label, f"not started, because of {', '.join(blocking)}")
                self._todo.discard(name)
                if planned := self._agreed.pop(name, None):
                    self._drop(planned)

    def _break(self, name: str, label: str, reason: str) -> None:
        self._broken[name] = label
        self._reporter.report(report.Broke(label, reason))

    def _advance_waves(self) -> None:
        for wave in list(self._waves):
            if not wave.advance():
                continue
            self._waves.remove(wave)
            self._stop = self._stop or self._objection(wave)
            if self._stop:
                wave.discard()
                for planned in self._agreed.values():
                    self._drop(planned)
                self._agreed.clear()
            self._journal.proposed(wave.plan_id)

    def _objection(self, wave: Wave) -> CicdError | None:
        """Consider a wave; a guard's refusal of it, or a person's."""
        try:
            self._consider(wave)
        except (RefusedError, DeclinedError) as error:
            return error
        return None

    def _consider(self, wave: Wave) -> None:
        """Seal what a wave found, show it, guard it, ask, and take it back from its file as it was shown."""
        if wave.refused:
            raise wave.refused
        wave.discard_failed()
        for name, reason in wave.failed.items():
            self._break(name, self._stacks[name].label, reason)
        made = wave.sealed({})
        path = self._context.plans / f"{made.environment}.{made.id[:8]}.json"
        report.show(made, self._reporter)
        self._note_exempt(made)
        self._refuse_losses(made)
        if made.changing:
            if not self._confirm(f"Execute {change_sets(made)} on {made.environment}?"):
                raise DeclinedError(f"{made.environment}: declined, nothing of this was executed")
            plans.write(made, path, plan_markdown(made))
            self._written.append(path)
            made = plans.read(path)
            run_steps(verify(self._context, made, self._stacks), self._context.polling)
        self._agree(made, path, ())

    def _refuse_losses(self, made: Plan) -> None:
        labels = {label for stack in self._stacks.values() for label in (stack.label, stack.name)}
        for name in plans.unfitting(made, self._allowed, labels):
            self._allowed = tuple(each for each in self._allowed if each != name)
            self._reporter.report(report.Note(f"ALLOW={name}: nothing of this name would be lost"))
        plans.refuse_losses(made, self._allowed, self._context.recorded)

    def _note_exempt(self, made: Plan) -> None:
        for loss in plans.exempt(made, self._context.recorded):
            self._reporter.report(report.Note(f"{loss.words}; only recorded by the local AWS, so it is let pass"))

    # Executing.

    def _agree(self, made: Plan, path: Path, begun: Iterable[str]) -> None:
        fresh = [stack for stack in made.stacks if stack.name not in set(begun)]
        self._journal.plan(made, path, [stack for stack in fresh if stack.change_set])
        self._agreed.update({stack.name: stack for stack in fresh})

    def _start(self) -> None:
        """Begin with each stack whose turn it is: everything that it reads from has been dealt with."""
        self._block(self._agreed)
        for name, planned in list(self._agreed.items()):
            unsettled = self._needed[name] & (
                self._agreed.keys() | self._todo | {entry.stack for entry in self._watch.entries} | self._looked_at
            )
            if unsettled or (planned.change_set and len(self._watch.entries) >= AT_ONCE):
                continue
            del self._agreed[name]
            if self._needed[name] & self._executed and self._has_moved(planned):
                self._look_again(planned)
            elif planned.change_set:
                self._begin(name)
            else:
                self._stand(name)

    @property
    def _looked_at(self) -> set[str]:
        return {stack.name for wave in self._waves for stack in wave.stacks}

    def _has_moved(self, planned: PlannedStack) -> bool:
        """Whether what was just executed has published other values than the plan was made with."""
        now = self._context.retry_call(lambda: published(self._context.clients, planned.inputs))
        return now != planned.inputs

    def _look_again(self, planned: PlannedStack) -> None:
        self._drop(planned)
        self._moved.add(planned.name)
        self._reporter.report(report.Note(f"{planned.label}: values that it reads have moved, so it is planned again"))
        if self._in_waves:
            self._todo.add(planned.name)

    def _drop(self, planned: PlannedStack) -> None:
        self._context.retry_call(lambda: discard_planned(self._context.clients, planned))
        self._journal.forget([planned.name])

    def _begin(self, name: str) -> None:
        entry = self._journal.start(name)
        self._reporter.report(
            report.Started(entry.label, entry.creates, self._journal.durations.get(duration_key(entry)))
        )
        self._ask_for(entry, self._context.polling.now())

    def _ask_for(self, entry: Entry, began: float | None) -> None:
        try:
            self._context.retry_call(lambda: execute(self._context.clients, entry))
        except ClientError as error:
            if expired(error):
                raise
            # What AWS has refused has not begun, so nothing of it is taken up later.
            self._journal.unstart(entry.stack)
            self._discard(entry)
            self._break(entry.stack, entry.label, explained(error))
        else:
            self._watch.add(entry, began)

    def _discard(self, entry: Entry) -> None:
        self._context.retry_call(
            lambda: discard(self._context.clients, entry.change_set, entry.stack_id, creates=entry.creates)
        )
        self._journal.forget([entry.stack])

    def _observe(self) -> None:
        for news in self._watch.look() if self._watch.entries else ():
            if isinstance(news, Ended):
                self._end(news)
            else:
                self._tell(news)

    def _end(self, ended: Ended) -> None:
        entry, now = ended.entry, self._context.polling.now()
        seconds = None if ended.began is None else now - ended.began
        self._journal.end(entry.stack, ended.status, seconds)
        self._executed.add(entry.stack)
        if ended.status not in STANDS:
            self._fail(entry, ended.status)
            return
        verb = "created" if entry.creates else "updated"
        self._reporter.report(report.Succeeded(entry.label, verb, seconds or 0.0, entry.resources))
        if entry.protected:
            self._context.retry_call(lambda: self._protect(entry))
        if entry.stack in self._stacks:
            self._stand(entry.stack)

    def _fail(self, entry: Entry, status: str) -> None:
        self._broken[entry.stack] = entry.label
        stack = self._stacks.get(entry.stack)
        if stack is None:
            self._reporter.report(report.Broke(entry.label, f"the stack ended in {status}"))
            return
        collector = self._collectors.pop(entry.stack, FailureCollector(self._context.clients, stack))
        diagnosis = collector.diagnosis(entry.stack_id, status, entry.token)
        history = self._histories[entry.token].path if entry.token in self._histories else None
        self._reporter.report(report.broke(entry.label, diagnosis, history))

    def _tell(self, news: Happened) -> None:
        """Show what happened to a resource, and look at once at what failed, while its tasks and logs are there."""
        entry = news.entry
        self._reporter.report(report.Moved(entry.label, news.event))
        file = self._context.state / "failures" / f"{entry.stack}-{entry.token}.jsonl"
        self._histories.setdefault(entry.token, History(file)).add(news.event)
        if entry.stack in self._stacks:
            collector = self._collectors.setdefault(
                entry.stack, FailureCollector(self._context.clients, self._stacks[entry.stack])
            )
            collector.see(news.event)

    def _protect(self, entry: Entry) -> None:
        self._context.clients.cloudformation.update_termination_protection(
            StackName=entry.stack_id, EnableTerminationProtection=True
        )

    def _stand(self, name: str) -> None:
        self._done.add(name)
        self._after(self._stacks[name])
