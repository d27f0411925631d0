"""Executes a destruction: drains, deletes the stacks in order, then what no stack owns, and records each deletion."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.destruction.deletion import DeletionProgress, delete_stack
from cicd_templates.deploy.destruction.drain import drain, stop_runs
from cicd_templates.deploy.destruction.inventory import Inventory, retake_inventory
from cicd_templates.deploy.destruction.order import delete_in_order, stack_dependencies
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Item
from cicd_templates.deploy.reporting.report import Event, Reporter
from cicd_templates.errors import CicdError

NETWORK_INTERFACE = "AWS::EC2::NetworkInterface"
PIPELINE = "AWS::CodePipeline::Pipeline"
SERVICE = "AWS::ECS::Service"


@dataclass(frozen=True)
class StackDeletion:
    """The deletion of one stack. `began` and `ended` are seconds of one clock; `reason` is empty where it succeeded."""

    stack: str
    began: float
    ended: float
    reason: str = ""


@dataclass
class DestructionRecord:
    """The deletions of a destruction, in the order of their end, for its report.

    Nothing is continued from it, as a deployment is from its journal: a destruction that is run again looks at AWS.
    """

    deletions: list[StackDeletion] = field(default_factory=list)


class SerialReporter:
    """Passes the events of several threads to a reporter one at a time."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Report an event as soon as no other thread reports one."""
        with self._lock:
            self._reporter.report(event)

    def note(self, text: str) -> None:
        """Report a line of text."""
        self.report(report.Note(text))


class StopSignal:
    """Ends the threads that delete stacks, each at its next pause or note."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def check(self) -> None:
        """Raise `KeyboardInterrupt` once the destruction is to stop; that is no failure of the thread's stack."""
        if self.stopping.is_set():
            raise KeyboardInterrupt

    def interrupt(self, polling: Polling) -> Polling:
        """Return `polling` with a check at the end of each pause."""

        def sleep(seconds: float) -> None:
            polling.sleep(seconds)
            self.check()

        return replace(polling, sleep=sleep)


def execute_destruction(
    clients: Clients,
    inventory: Inventory,
    polling: Polling,
    reporter: Reporter,
    record: DestructionRecord,
    *,
    unguard: bool,
) -> None:
    """Delete what `inventory` lists, and add each stack to `record`.

    Raises `CicdError` that names the stacks that could not be deleted and those kept for them; all others are gone.
    """
    serial = SerialReporter(reporter)
    stacks = {stack.name: stack for stack in inventory.stacks}
    resources = [owned for stack in inventory.stacks for owned in stack.resources]
    pipelines = [owned.physical_id for owned in resources if owned.resource_type == PIPELINE]
    stop_runs(clients, pipelines, polling, serial.note)
    drain(clients, [owned for owned in resources if owned.resource_type == SERVICE], polling, serial.note)
    # A network interface keeps its subnet, so these go before the stacks; everything else when nothing writes any more.
    delete_items(clients, [item for item in inventory.to_delete if item.resource_type == NETWORK_INTERFACE], serial)

    signal = StopSignal()

    def delete(name: str) -> str:
        stack = stacks[name]
        began = polling.now()

        def note(text: str) -> None:
            serial.note(text)
            signal.check()

        def report_event(event: ResourceEvent) -> None:
            serial.report(report.Moved(stack.label, event))

        progress = DeletionProgress(note, report_event)
        reason = delete_stack(clients, stack, signal.interrupt(polling), progress, unguard=unguard)
        ended = polling.now()
        record.deletions.append(StackDeletion(name, began, ended, reason))
        if reason:
            serial.report(report.Broke(stack.label, reason))
        else:
            deleted = [owned for owned in stack.resources if not owned.kept]
            serial.report(report.Succeeded(stack.label, "deleted", ended - began, len(deleted)))
        return reason

    skipped: list[str] = []

    def skip(name: str, readers: list[str]) -> None:
        skipped.append(stacks[name].label)
        serial.report(report.Broke(stacks[name].label, f"kept, because {', '.join(readers)} still needs it"))

    delete_in_order(stack_dependencies(inventory.stacks), delete, skip, signal.stopping)
    failed = [stacks[deletion.stack].label for deletion in record.deletions if deletion.reason]
    if failed or skipped:
        raise CicdError(f"not destroyed: {', '.join([*failed, *skipped])}; the causes are above")
    listed = {item.key for item in inventory.items}
    remaining = retake_inventory(clients, inventory).to_delete
    delete_items(clients, [item for item in remaining if item.key in listed], serial)


def delete_items(clients: Clients, items: Iterable[Item], serial: SerialReporter) -> None:
    """Delete what no stack deletes. A failure is only noted: the proof finds what is left, and decides."""
    for item in items:
        leftover = operations_of(item.resource_type).leftover
        try:
            # Only an item of a type that can be deleted is listed for deletion.
            assert leftover is not None
            assert leftover.delete is not None
            leftover.delete(clients, item.name)
        except (ClientError, CicdError) as error:
            serial.note(f"{item.resource_type} {item.name}: {explain(error)}")
        else:
            serial.note(f"beside the stacks: deleted {item.resource_type} {item.name}")
