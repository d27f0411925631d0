"""Executes a destruction in three steps.

1. Stop the pipeline runs, the services and the jobs.
2. Delete the stacks in order.
3. Delete the resources that belong to no stack.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from botocore.exceptions import BotoCoreError, ClientError

from cicd_templates.deploy.aws.clients import Clients, explain
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.aws.retry import ignore_transient
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.destruction.deletion import DeletionProgress, delete_stack
from cicd_templates.deploy.destruction.deletion_order import delete_in_order, stack_dependencies
from cicd_templates.deploy.destruction.deployed_stacks import DeployedStack, Owned
from cicd_templates.deploy.destruction.drain import drain, stop_jobs, stop_runs, suspend_scaling
from cicd_templates.deploy.destruction.inventory import Inventory, retake_inventory
from cicd_templates.deploy.destruction.removal_commands import state_of
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Item
from cicd_templates.deploy.reporting.report import Event, Reporter
from cicd_templates.errors import CicdError, DetachedError

VPC_ENDPOINT = "AWS::EC2::VPCEndpoint"
NETWORK_INTERFACE = "AWS::EC2::NetworkInterface"
PIPELINE_TYPE = "AWS::CodePipeline::Pipeline"
# The types of resources that keep a network from being deleted, in the order in which to delete these resources.
BLOCKING_TYPES = (VPC_ENDPOINT, NETWORK_INTERFACE, "AWS::EC2::SecurityGroup")
ENDPOINT_SECONDS = 900.0
SCALABLE_TARGET_TYPE = "AWS::ApplicationAutoScaling::ScalableTarget"
SERVICE_TYPE = "AWS::ECS::Service"
SCHEDULE_TYPE, DEFINITION_TYPE = "AWS::Scheduler::Schedule", "AWS::ECS::TaskDefinition"


@dataclass(frozen=True)
class StackDeletion:
    """A deletion of a stack. `began` and `ended` are clock values in seconds; `reason` is empty after a success."""

    stack: str
    began: float
    ended: float
    reason: str = ""


@dataclass
class DestructionRecord:
    """The stack deletions of one destruction, in the order in which they ended. The report lists them.

    This record is not a journal. If a destruction was interrupted, the next one does not use the record: it asks AWS
    which stacks still exist.
    """

    deletions: list[StackDeletion] = field(default_factory=list)


class SerialReporter:
    """A reporter that several threads can use at the same time. It passes one event at a time to another reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()

    def report(self, event: Event) -> None:
        """Pass an event to the reporter as soon as no other thread is reporting."""
        with self._lock:
            self._reporter.report(event)

    def note(self, text: str) -> None:
        """Report a line of text as an event."""
        self.report(report.Note(text))


class StopSignal:
    """A signal to end all threads of a destruction. A thread ends when it next pauses or reports its progress."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if the destruction must stop.

        The exception ends this thread. The stack that the thread is deleting does not count as failed.
        """
        if self.stopping.is_set():
            raise KeyboardInterrupt

    def interrupt(self, polling: Polling) -> Polling:
        """Return a copy of `polling` that can be interrupted: its `sleep` first pauses, then calls `check`."""

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
    require_lock: Callable[[], None],
) -> None:
    """Delete what `inventory` lists, and add each stack deletion to `record`.

    - If `unguard` is true, the termination protection of each stack is switched off before the stack is deleted.
    - `require_lock` is called before each stack is deleted. It raises `DetachedError` if another command may be
      working on the environment.
    - If a stack cannot be deleted, the stacks on which it depends remain, too. All other stacks are deleted. Then
      `CicdError` is raised with the names of the remaining stacks.
    """
    serial = SerialReporter(reporter)
    stacks = {stack.name: stack for stack in inventory.stacks}
    resources = [owned for stack in inventory.stacks for owned in stack.resources]
    pipelines = [owned.physical_id for owned in resources if owned.resource_type == PIPELINE_TYPE]
    stop_runs(clients, pipelines, polling, serial.note)
    suspend_scaling(clients, [owned for owned in resources if owned.resource_type == SCALABLE_TARGET_TYPE])
    drain(clients, [owned for owned in resources if owned.resource_type == SERVICE_TYPE], polling, serial.note)
    cluster = f"{inventory.scope.prefix}cluster"
    stop_jobs(clients, _job_definitions(resources), cluster, serial.note)
    # Items that do not block the deletion of a stack are deleted last, when nothing writes to them any more.
    delete_blocking_items(clients, inventory.to_delete, polling, serial)

    signal = StopSignal()

    def delete(name: str) -> str:
        stack = stacks[name]
        require_lock()
        began = polling.now()

        def note(text: str) -> None:
            serial.note(text)
            signal.check()

        def report_event(event: ResourceEvent) -> None:
            serial.report(report.Moved(stack.label, event))

        progress = DeletionProgress(note, report_event)
        reason = delete_stack(clients, stack, signal.interrupt(polling), progress, unguard=unguard)
        _stop_late_runs(clients, stack, cluster, serial.note)
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
        serial.report(report.Broke(stacks[name].label, f"kept, because it is still needed by {', '.join(readers)}"))

    delete_in_order(stack_dependencies(inventory.stacks), delete, skip, signal.stopping)
    failed = [stacks[deletion.stack].label for deletion in record.deletions if deletion.reason]
    if failed or skipped:
        raise CicdError(f"not destroyed: {', '.join([*failed, *skipped])}; the causes are above")
    listed = {item.key for item in inventory.items}
    remaining = retake_inventory(clients, inventory).to_delete
    delete_items(clients, [item for item in remaining if item.key in listed], serial)


def _stop_late_runs(clients: Clients, stack: DeployedStack, cluster: str, note: Callable[[str], None]) -> None:
    """Stop the running tasks of the jobs in `stack`, which has just been deleted.

    A schedule in `stack` can start a task just before the deletion. If the task keeps running, CloudFormation later
    fails to delete the task's security group or cluster. An error of AWS is reported, not raised.
    """
    try:
        stop_jobs(clients, _job_definitions(stack.resources), cluster, note)
    except DetachedError:
        raise
    except (BotoCoreError, ClientError, CicdError) as error:
        note(f"{stack.label}: the tasks were not stopped: {explain(error)}")


def _job_definitions(resources: Sequence[Owned]) -> list[Owned]:
    """Return the task definitions of jobs, which are the task definitions in stacks with a schedule."""
    scheduled = {owned.stack for owned in resources if owned.resource_type == SCHEDULE_TYPE}
    return [owned for owned in resources if owned.resource_type == DEFINITION_TYPE and owned.stack in scheduled]


def delete_blocking_items(clients: Clients, items: Iterable[Item], polling: Polling, serial: SerialReporter) -> None:
    """Delete items that would block the deletion of a VPC: endpoints, then network interfaces, then security groups.

    The order matters: an endpoint owns network interfaces, and these use a security group.
    """
    by_type = {kind: [item for item in items if item.resource_type == kind] for kind in BLOCKING_TYPES}
    for kind, blocking in by_type.items():
        delete_items(clients, blocking, serial)
        if kind == VPC_ENDPOINT and blocking:
            _wait_for_endpoints(clients, [item.name for item in blocking], polling, serial)


def _wait_for_endpoints(clients: Clients, names: list[str], polling: Polling, serial: SerialReporter) -> None:
    gone = ignore_transient(lambda: not any(state_of(clients, VPC_ENDPOINT, name) for name in names))
    try:
        polling.until(gone, f"the deletion of {', '.join(names)}", ENDPOINT_SECONDS)
    except DetachedError:
        raise
    except CicdError as error:
        serial.note(str(error))


def delete_items(clients: Clients, items: Iterable[Item], serial: SerialReporter) -> None:
    """Delete `items`, which belong to no stack. Report failed deletions, and continue with the next item."""
    for item in items:
        leftover = operations_of(item.resource_type).leftover
        try:
            # An item is listed for deletion only if destroy can delete its type.
            assert leftover is not None
            assert leftover.delete is not None
            leftover.delete(clients, item.name)
        except DetachedError:
            raise
        except (ClientError, CicdError) as error:
            serial.note(f"{item.resource_type} {item.name}: {explain(error)}")
        else:
            serial.note(f"outside the stacks: deleted {item.resource_type} {item.name}")
