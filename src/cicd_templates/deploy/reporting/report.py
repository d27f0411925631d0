"""Defines the events of deployments and destructions, and three reporters that show them.

A terminal gets tables and live lines, a log gets plain lines, a program gets JSON lines. A reporter makes no decisions.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from cicd_templates import plurals
from cicd_templates.deploy.change_sets.drift import StackDrift
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis.diagnose import Diagnosis
from cicd_templates.deploy.plans.document import Plan
from cicd_templates.deploy.plans.text import drift_answer, drift_lines, planned_lines
from cicd_templates.deploy.reporting.inventory_items import Item, Remainder, item_lines, remainder_lines
from cicd_templates.deploy.reporting.plan_commands import deploy_command, digest_line
from cicd_templates.printable import printable
from cicd_templates.template.changes.duration import format_duration
from cicd_templates.template.changes.planned_stack import PlannedStack

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

SIGN_OF_LIFE_SECONDS = 10.0


@dataclass(frozen=True)
class Heading:
    """Event: a command begins its work on an environment."""

    verb: str
    environment: str
    account: str
    region: str
    where: str


@dataclass(frozen=True)
class Planned:
    """Event: a change set is ready for review."""

    stack: str
    planned: PlannedStack


@dataclass(frozen=True)
class Unchanged:
    """Event: CloudFormation found nothing to change."""

    stack: str


@dataclass(frozen=True)
class Waits:
    """Event: a stack can be planned and deployed only after the stacks in `after` are deployed."""

    stack: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Drifted:
    """Event: resources of a stack were changed outside CloudFormation, or drift detection could not check them."""

    drift: StackDrift


@dataclass(frozen=True)
class Started:
    """Event: an operation on a stack is about to begin.

    `expected_seconds` is the duration of the last operation of the same kind on this stack, or None.
    """

    stack: str
    creates: bool
    expected_seconds: float | None


@dataclass(frozen=True)
class Moved:
    """Event: CloudFormation reported something new about a resource."""

    stack: str
    event: ResourceEvent


@dataclass(frozen=True)
class Succeeded:
    """Event: an operation on a stack succeeded."""

    stack: str
    verb: str
    seconds: float
    resources: int


@dataclass(frozen=True)
class Broke:
    """Event: an operation on a stack failed. `history` is the path of a file with all events of the operation."""

    stack: str
    reason: str
    diagnosis: Diagnosis | None = None
    history: str = ""


@dataclass(frozen=True)
class Sealed:
    """Event: a plan was written to a file, so that it can be reviewed and deployed later.

    `allow` has the names of the stateful resources that the plan would replace or delete. To deploy the plan, the user
    must name each of these resources.
    """

    path: str
    digest: str
    expires: str
    local: bool
    allow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """Event: there is a remark for the user."""

    text: str


@dataclass(frozen=True)
class Inventoried:
    """Event: the inventory of an environment was taken. Each item says what a destruction does with a resource."""

    environment: str
    items: tuple[Item, ...]

    def lines(self) -> list[str]:
        """Return the inventory as the lines of a table."""
        return item_lines(self.environment, self.items)


@dataclass(frozen=True)
class Left:
    """Event: the resources in `remains` still exist after the destruction of an environment."""

    environment: str
    remains: tuple[Remainder, ...]

    def lines(self) -> list[str]:
        """Return the remaining resources as lines of text, grouped by reason."""
        return remainder_lines(self.environment, self.remains)


PlanEvent = Planned | Unchanged | Waits | Drifted | Sealed
Event = Heading | PlanEvent | Started | Moved | Succeeded | Broke | Note | Inventoried | Left


class Reporter(Protocol):
    """Shows the events of a deployment or destruction as they happen."""

    def report(self, event: Event) -> None:
        """Show the event."""


def as_lines(event: Event) -> list[str]:
    """Return an event as lines of plain text. The list is empty for events that show only progress."""
    match event:
        case Heading():
            where = f" ({event.where})" if event.where else ""
            return ["", f"{event.verb} {event.environment}: account {event.account}, {event.region}{where}"]
        case Planned() | Unchanged() | Waits() | Drifted() | Sealed():
            return _plan_lines(event)
        case Succeeded():
            return [
                f"  {event.stack}: {event.verb}, {plurals.counted(event.resources, 'resource')}, {event.seconds:.1f} s"
            ]
        case Broke():
            block = [*(event.diagnosis.lines if event.diagnosis else ())]
            block += [f"all its events: {event.history}"] if event.history else []
            return [f"  {event.stack}: FAILED: {event.reason}", *(f"      {line}" for line in block)]
        case Note():
            return [f"  {event.text}"]
        case Inventoried() | Left():
            return event.lines()
        case Moved() if event.event.failed:
            return [f"    {event.event.status} {event.event.logical_id}: {event.event.reason}"]
        case _:
            return []


def failure_event(stack: str, why: Diagnosis, history: Path | None) -> Broke:
    """Return the `Broke` event of a failed stack. `history` is the path of the file with the stack's events."""
    return Broke(stack, why.reason, why, str(history or ""))


def _plan_lines(event: PlanEvent) -> list[str]:
    match event:
        case Planned():
            return planned_lines(event.stack, event.planned)
        case Unchanged():
            return [f"  {event.stack}: nothing to change"]
        case Waits():
            return [f"  {event.stack}: waits for {', '.join(event.after)}"]
        case Drifted():
            return drift_lines(event.drift)
    command = deploy_command(event.path, event.allow, local=event.local)
    lost = "  the deployment is refused unless each lost resource is allowed by name, as in the command below"
    return [
        f"  written to {event.path}, valid until {event.expires}",
        f"  to review it, open: {Path(event.path).with_suffix('.html')} (or, as text, {Path(event.path).stem}.md)",
        *([lost] if event.allow else ()),
        f"  deploy exactly this plan: {command}",
        f"  {digest_line(event.digest)}",
    ]


def report_plan(made: Plan, reporter: Reporter) -> None:
    """Report what a plan would change, stack by stack."""
    for stack in made.stacks:
        reporter.report(Planned(stack.label, stack) if stack.is_changing else Unchanged(stack.label))
    for label, after in made.waits.items():
        reporter.report(Waits(label, after))
    if made.drift is not None:
        for drift in (each for each in made.drift if not each.is_clean):
            reporter.report(Drifted(drift))
        reporter.report(Note(f"changed outside CloudFormation: {drift_answer([made])}"))


class PlainReporter:
    """Prints plain lines, for logs and pipes.

    Prints each failure of a resource at once. Prints a resource's progress only if nothing was printed for ten seconds.
    """

    def __init__(self, stream: IO[str] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stdout
        self._now = now
        self._printed = now()

    def report(self, event: Event) -> None:
        """Print an event as lines, without buffering."""
        lines = as_lines(event)
        if isinstance(event, Moved) and not lines and self._now() - self._printed >= SIGN_OF_LIFE_SECONDS:
            lines = [f"    {event.stack}: {event.event.status} {event.event.logical_id}"]
        for line in lines:
            print(printable(line), file=self._stream, flush=True)
            self._printed = self._now()


class JsonReporter:
    """Prints each event as a JSON object on one line.

    The key `kind` has the type of the event. The other keys are the fields of the event.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout

    def report(self, event: Event) -> None:
        """Print the event."""
        facts = {"kind": type(event).__name__.lower(), **asdict(event)}
        print(json.dumps(facts, default=str), file=self._stream, flush=True)


@dataclass
class Running:
    """The state of one stack's status line on a terminal."""

    began: float
    expected_seconds: float | None = None
    finished: int = 0
    last: str = ""


class TerminalReporter:
    """Prints in colour.

    Each stack in progress has a status line with its elapsed time, expected time and latest event.
    """

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now
        self._running: dict[str, Running] = {}
        self._live: Live | None = None

    def report(self, event: Event) -> None:
        """Show the event."""
        match event:
            case Started():
                self._running[event.stack] = Running(self._now(), event.expected_seconds)
            case Moved():
                running = self._running.setdefault(event.stack, Running(self._now()))
                running.finished += event.event.status.endswith("_COMPLETE")
                running.last = f"{event.event.logical_id} {event.event.status}"
            case Succeeded() | Broke():
                self._running.pop(event.stack, None)
        self._refresh()
        for line in as_lines(event):
            # Text from AWS may contain what rich takes for markup or `:emoji:` codes; print it as it is.
            style = _STYLES.get(type(event), "")
            self._console.print(printable(line), style=style, markup=False, emoji=False, highlight=False)

    def lines(self) -> list[str]:
        """Return the status line of each stack in progress, cut to the width of the terminal."""
        rows = []
        for stack, running in self._running.items():
            expected = f" of about {format_duration(running.expected_seconds)}" if running.expected_seconds else ""
            elapsed = format_duration(self._now() - running.began)
            text = f"  {stack}: {elapsed}{expected}, {running.finished} done, {running.last}"
            rows.append(printable(text)[: self._console.width - 1])
        return rows

    def _refresh(self) -> None:
        from rich.live import Live
        from rich.text import Text

        if self._running and self._live is None:
            self._live = Live(
                get_renderable=lambda: Text("\n".join(self.lines())), console=self._console, transient=True
            )
            self._live.start()
        elif not self._running and self._live is not None:
            self._live.stop()
            self._live = None


_STYLES: dict[type[Any], str] = {Heading: "bold", Unchanged: "dim", Succeeded: "green", Broke: "bold red"}


def reporter(*, as_json: bool) -> Reporter:
    """Return the reporter for standard output: the JSON reporter, the terminal reporter, or the plain reporter."""
    if as_json:
        return JsonReporter()
    if not sys.stdout.isatty():
        return PlainReporter()
    from rich.console import Console

    return TerminalReporter(Console())
