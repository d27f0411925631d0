"""Executes the change sets of one run, polls the operations, and reports and records their results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import explain
from cicd_templates.deploy.aws.retry import retry_new_role, run_steps
from cicd_templates.deploy.change_sets.ownership import discard_change_set
from cicd_templates.deploy.diagnosis.diagnose import FailureCollector
from cicd_templates.deploy.diagnosis.event_file import EventFile
from cicd_templates.deploy.plans.discard import discard_named
from cicd_templates.deploy.plans.propose import DeployContext
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.report import Reporter
from cicd_templates.deploy.runs.execute import execute_change_set, is_known
from cicd_templates.deploy.runs.journal import DEPLOYED_STATUSES, PLANNED, Entry, Journal, duration_key
from cicd_templates.deploy.runs.watch import EventSeen, OperationEnded, Watch
from cicd_templates.template.stack_template import StackTemplate


@dataclass(frozen=True)
class Outcome:
    """The result of an operation on a stack: whether it succeeded."""

    stack: str
    succeeded: bool


class Operations:
    """The operations in progress in one environment.

    The journal records an operation before AWS gets the request.
    """

    def __init__(
        self,
        context: DeployContext,
        stacks: Mapping[str, StackTemplate],
        journal: Journal,
        reporter: Reporter,
        require_lock: Callable[[], None],
    ) -> None:
        self._context, self._stacks, self._journal, self._reporter = context, stacks, journal, reporter
        self._require_lock = require_lock
        self._watch = Watch(context.clients)
        self._collectors: dict[str, FailureCollector] = {}
        self._event_files: dict[str, EventFile] = {}

    @property
    def under_way(self) -> bool:
        """Return whether any operation is still under way in AWS."""
        return bool(self._watch.entries)

    @property
    def failed_polls(self) -> int:
        """Return how many consecutive polls have failed."""
        return self._watch.failures

    def start(self, name: str) -> bool:
        """Execute the change set of a stack. Return whether AWS accepted the request. Report a refusal by AWS."""
        self._require_lock()
        entry = self._journal.start(name)
        expected = self._journal.durations.get(duration_key(entry))
        self._reporter.report(report.Started(entry.label, entry.creates, expected))
        return self._execute(entry, self._context.polling.now())

    def resume(self, entry: Entry) -> bool | None:
        """Repeat the execution request of an interrupted run, with the same token.

        Returns whether AWS accepted the request, or None if AWS does not know the operation.
        """
        if not self._context.retry_call(lambda: is_known(self._context.clients, entry)):
            note = (
                f"{entry.label}: AWS does not know the operation that an earlier run requested, so a new plan is made"
                " for the stack"
            )
            self._reporter.report(report.Note(note))
            self._journal.forget([entry.stack])
            return None
        self._reporter.report(report.Note(f"{entry.label}: continuing the operation that an earlier run began"))
        self._require_lock()
        return self._execute(entry, None)

    def _execute(self, entry: Entry, began: float | None) -> bool:
        try:
            execution = retry_new_role(lambda: execute_change_set(self._context.clients, entry), self._context.polling)
            run_steps(execution, self._context.polling)
        except ClientError as error:
            # A refused operation has not begun, so a later run must not resume it.
            self._journal.cancel_start(entry.stack)
            self._discard(entry)
            self._reporter.report(report.Broke(entry.label, explain(error)))
            return False
        self._watch.add(entry, began)
        return True

    def poll(self) -> Iterator[Outcome]:
        """Poll every operation once, report new events, and yield the outcome of each operation that has ended.

        Raises `DetachedError` if the credentials have expired, or if too many consecutive polls have failed.
        """
        for news in self._watch.poll() if self.under_way else ():
            if isinstance(news, EventSeen):
                self._report_event(news)
            else:
                yield self._end(news)

    def _report_event(self, news: EventSeen) -> None:
        """Report an event of a resource.

        If the resource failed, also read the details of the failure from the AWS service of the resource. A rollback
        can delete these details, so they must be read now.
        """
        entry = news.entry
        self._reporter.report(report.Moved(entry.label, news.event))
        file = self._context.state / "failures" / f"{entry.stack}-{entry.token}.jsonl"
        self._event_files.setdefault(entry.token, EventFile(file)).add(news.event)
        if stack := self._stacks.get(entry.stack):
            collector = self._collectors.setdefault(entry.stack, FailureCollector(self._context.clients, stack))
            collector.collect(news.event)

    def _end(self, ended: OperationEnded) -> Outcome:
        entry, now = ended.entry, self._context.polling.now()
        seconds = None if ended.began is None else now - ended.began
        self._journal.end(entry.stack, ended.status, seconds)
        if ended.status not in DEPLOYED_STATUSES:
            self._report_failure(entry, ended.status)
            return Outcome(entry.stack, succeeded=False)
        verb = "created" if entry.creates else "updated"
        self._reporter.report(report.Succeeded(entry.label, verb, seconds or 0.0, entry.resources))
        if entry.protected:
            self._context.retry_call(lambda: self._protect(entry))
        return Outcome(entry.stack, succeeded=True)

    def _report_failure(self, entry: Entry, status: str) -> None:
        stack = self._stacks.get(entry.stack)
        if stack is None:
            self._reporter.report(report.Broke(entry.label, f"the stack ended in {status}"))
            return
        collector = self._collectors.pop(entry.stack, FailureCollector(self._context.clients, stack))
        diagnosis = collector.diagnosis(entry.stack_id, status, entry.token)
        history = self._event_files[entry.token].path if entry.token in self._event_files else None
        self._reporter.report(report.failure_event(entry.label, diagnosis, history))

    def _protect(self, entry: Entry) -> None:
        self._context.clients.cloudformation.update_termination_protection(
            StackName=entry.stack_id, EnableTerminationProtection=True
        )

    def forget(self, entry: Entry) -> None:
        """Remove an entry from the journal. If its change set was not executed, delete the change set."""
        if entry.state == PLANNED:
            self._discard(entry)
        else:
            self._journal.forget([entry.stack])

    def _discard(self, entry: Entry) -> None:
        self._context.retry_call(
            lambda: discard_change_set(self._context.clients, entry.change_set, entry.stack_id, creates=entry.creates)
        )
        self._journal.forget([entry.stack])


def discard_proposals(context: DeployContext, journal: Journal) -> None:
    """Delete the change sets that an interrupted run created but did not list in a plan file."""
    for plan_id, names in list(journal.proposals.items()):
        for name in names:
            context.retry_call(functools.partial(discard_named, context.clients, name, plan_id))
        journal.remove_proposal(plan_id)
