"""Carries a destruction out: rest, stacks in order, what is beside them, and an account of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError

from cicd_templates.deploy.aws.clients import Clients, explained
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.deploy.aws.resource_types.registry import operations_of
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.destruction.deletion import Voice, delete
from cicd_templates.deploy.destruction.drain import drain, stop_runs
from cicd_templates.deploy.destruction.inventory import Inventory, again
from cicd_templates.deploy.destruction.order import needed_by, walk
from cicd_templates.deploy.reporting import report
from cicd_templates.deploy.reporting.inventory_items import Item
from cicd_templates.deploy.reporting.report import Event, Reporter
from cicd_templates.errors import CicdError

NETWORK_INTERFACE = "AWS::EC2::NetworkInterface"
PIPELINE = "AWS::CodePipeline::Pipeline"
SERVICE = "AWS::ECS::Service"


@dataclass(frozen=True)
class Step:
    """The deletion of one stack, with its beginning and end in seconds of the same clock."""

    stack: str
    began: float
    ended: float
    reason: str = ""


@dataclass
class Journal:
    """What has been done, in the order of its end."""

    steps: list[Step] = field(default_factory=list)


class OneAtATime:
    """Hands events of several threads to a reporter one by one."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._speaking = threading.Lock()

    def report(self, event: Event) -> None:
        """Say it when nobody else does."""
        with self._speaking:
            self._reporter.report(event)

    def say(self, text: str) -> None:
        """Say a line."""
        self.report(report.Note(text))


class Stoppable:
    """What lets the threads that work on stacks end, each at its next pause or word."""

    def __init__(self) -> None:
        self.stopping = threading.Event()

    def check(self) -> None:
        """End the thread that calls it where the whole is to stop; no failure of its stack."""
        if self.stopping.is_set():
            raise KeyboardInterrupt

    def polling(self, polling: Polling) -> Polling:
        """`polling` with this at the end of each pause."""

        def sleep(seconds: float) -> None:
            polling.sleep(seconds)
            self.check()

        return replace(polling, sleep=sleep)


def execute(
    clients: Clients, inventory: Inventory, polling: Polling, reporter: Reporter, journal: Journal, *, unguard: bool
) -> None:
    """Delete what `inventory` says, and note each stack in `journal`.

    Raises `CicdError` that names the stacks whose deletion failed and what stayed for them; everything else is gone.
    """
    voice = OneAtATime(reporter)
    stacks = {stack.name: stack for stack in inventory.stacks}
    owned = [each for stack in inventory.stacks for each in stack.resources]
    stop_runs(clients, [each.physical_id for each in owned if each.resource_type == PIPELINE], polling, voice.say)
    drain(clients, [each for each in owned if each.resource_type == SERVICE], polling, voice.say)
    # A network interface keeps its subnet, so these go before the stacks; everything else when nothing writes any more.
    _delete_items(clients, [each for each in inventory.to_delete if each.resource_type == NETWORK_INTERFACE], voice)

    whole = Stoppable()

    def work(name: str) -> str:
        stack = stacks[name]
        began = polling.now()

        def say(text: str) -> None:
            voice.say(text)
            whole.check()

        def moved(event: ResourceEvent) -> None:
            voice.report(report.Moved(stack.label, event))

        reason = delete(clients, stack, whole.polling(polling), Voice(say, moved), unguard=unguard)
        ended = polling.now()
        journal.steps.append(Step(name, began, ended, reason))
        if reason:
            voice.report(report.Broke(stack.label, reason))
        else:
            gone = [each for each in stack.resources if not each.kept]
            voice.report(report.Succeeded(stack.label, "deleted", ended - began, len(gone)))
        return reason

    stuck: list[str] = []

    def refuse(name: str, readers: list[str]) -> None:
        stuck.append(stacks[name].label)
        voice.report(report.Broke(stacks[name].label, f"kept, because {', '.join(readers)} still needs it"))

    walk(needed_by(inventory.stacks), work, refuse, whole.stopping)
    failed = [stacks[step.stack].label for step in journal.steps if step.reason]
    if failed or stuck:
        raise CicdError(f"not destroyed: {', '.join([*failed, *stuck])}; the causes are above")
    meant = {(item.resource_type, item.name) for item in inventory.items}
    _delete_items(clients, [each for each in again(clients, inventory).to_delete if each.key in meant], voice)


def _delete_items(clients: Clients, items: Iterable[Item], voice: OneAtATime) -> None:
    """Delete what no stack deletes. What could not be is found again by the proof, which is what decides."""
    for item in items:
        leftover = operations_of(item.resource_type).leftover
        try:
            # Only what has a way to be deleted has such a fate.
            assert leftover is not None
            assert leftover.delete is not None
            leftover.delete(clients, item.name)
        except (ClientError, CicdError) as error:
            voice.say(f"{item.resource_type} {item.name}: {explained(error)}")
        else:
            voice.say(f"beside the stacks: deleted {item.resource_type} {item.name}")
