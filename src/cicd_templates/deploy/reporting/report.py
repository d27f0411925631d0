"""What deployments and destructions say: events as values, and three ways of saying them.

A terminal gets tables and one live line, a log gets plain lines, a machine gets JSON lines. None of them decides
anything.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from cicd_templates import hints, plurals
from cicd_templates.deploy.change_sets.duration import format_duration
from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.deploy.diagnosis.diagnose import Diagnosis
from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.deploy.plans.text import planned_lines
from cicd_templates.deploy.reporting.inventory_items import Item, Remainder, item_lines, remainder_lines
from cicd_templates.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live


SIGN_OF_LIFE_SECONDS = 10.0


@dataclass(frozen=True)
class Heading:
    """An environment's work begins."""

    verb: str
    environment: str
    account: str
    region: str
    where: str


@dataclass(frozen=True)
class Planned:
    """A change set is ready to be looked at."""

    stack: str
    planned: PlannedStack


@dataclass(frozen=True)
class Unchanged:
    """CloudFormation found nothing to change."""

    stack: str


@dataclass(frozen=True)
class Waits:
    """A stack cannot be planned or deployed before others."""

    stack: str
    after: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """A stack's operation was asked for. `expected_seconds` is what it took the last time, where that is known."""

    stack: str
    creates: bool
    expected_seconds: float | None


@dataclass(frozen=True)
class Moved:
    """Something happened to a resource."""

    stack: str
    event: ResourceEvent


@dataclass(frozen=True)
class Succeeded:
    """A stack's operation succeeded."""

    stack: str
    verb: str
    seconds: float
    resources: int


@dataclass(frozen=True)
class Broke:
    """A stack's operation failed; `history` is the file of its events."""

    stack: str
    reason: str
    diagnosis: Diagnosis | None = None
    history: str = ""


@dataclass(frozen=True)
class Sealed:
    """A plan was written, for somebody to read and to deploy later. `allow` is what has to be named for that."""

    path: str
    digest: str
    expires: str
    local: bool
    allow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """Something to know."""

    text: str


@dataclass(frozen=True)
class Inventoried:
    """What an environment has, and what its destruction does with each."""

    environment: str
    items: tuple[Item, ...]

    def lines(self) -> list[str]:
        """It as a table."""
        return item_lines(self.environment, self.items)


@dataclass(frozen=True)
class Left:
    """What a destruction left of an environment."""

    environment: str
    remains: tuple[Remainder, ...]

    def lines(self) -> list[str]:
        """It by why each thing is left."""
        return remainder_lines(self.environment, self.remains)


Event = Heading | Planned | Unchanged | Waits | Started | Moved | Succeeded | Broke | Sealed | Note | Inventoried | Left


class Reporter(Protocol):
    """Takes events as they happen."""

    def report(self, event: Event) -> None:
        """Say it."""


def as_lines(event: Event) -> list[str]:
    """An event in plain words, without colour; nothing for what only a live line shows."""
    match event:
        case Heading():
            where = f" ({event.where})" if event.where else ""
            return ["", f"{event.verb} {event.environment}: account {event.account}, {event.region}{where}"]
        case Planned() | Unchanged() | Waits() | Sealed():
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
    """The event of a failure, with its diagnosis and the file of its events."""
    return Broke(stack, why.reason, why, str(history or ""))


def _plan_lines(event: Planned | Unchanged | Waits | Sealed) -> list[str]:
    match event:
        case Planned():
            return planned_lines(event.stack, event.planned)
        case Unchanged():
            return [f"  {event.stack}: nothing to change"]
        case Waits():
            return [f"  {event.stack}: waits, after {', '.join(event.after)}"]
    command = hints.make("deploy", PLAN=event.path, ALLOW=",".join(event.allow), LOCAL=event.local)
    lost = ["  it is refused unless what would be lost is allowed by name, as here"] if event.allow else []
    return [
        f"  written to {event.path}, which holds until {event.expires}",
        f"  read it as a page: {Path(event.path).with_suffix('.md')}",
        *lost,
        f"  deploy just that: {command}",
        f"  {digest_line(event.digest)}",
    ]


def digest_line(digest: str) -> str:
    """Return the words after a plan that say how to execute no other plan than it."""
    return f"to execute no other plan, add DIGEST={digest}"


def show(made: Plan, reporter: Reporter) -> None:
    """Report what a plan would do, stack by stack."""
    for stack in made.stacks:
        reporter.report(Planned(stack.label, stack) if stack.change_set else Unchanged(stack.label))
    for label, after in made.waits.items():
        reporter.report(Waits(label, after))


class PlainReporter:
    """Lines for logs and pipes. Of a long operation it shows a sign of life every ten seconds, not every event."""

    def __init__(self, stream: IO[str] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stdout
        self._now = now
        self._printed = now()

    def report(self, event: Event) -> None:
        """Print the event's lines at once, so that a log shows them while they happen."""
        lines = as_lines(event)
        if isinstance(event, Moved) and not lines and self._now() - self._printed >= SIGN_OF_LIFE_SECONDS:
            lines = [f"    {event.stack}: {event.event.status} {event.event.logical_id}"]
        for line in lines:
            print(printable(line), file=self._stream, flush=True)
            self._printed = self._now()


class JsonReporter:
    """One JSON object a line: `kind` names the event, the rest are its fields."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout

    def report(self, event: Event) -> None:
        """Print the event."""
        facts = {"kind": type(event).__name__.lower(), **asdict(event)}
        print(json.dumps(facts, default=str), file=self._stream, flush=True)


@dataclass
class Running:
    """What the live view shows of one stack."""

    began: float
    expected_seconds: float | None = None
    finished: int = 0
    last: str = ""


class TerminalReporter:
    """Colour, and one live line for each stack under way: how long it has been, how long it may be, what it does."""

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
            # Neither markup nor `:emoji:` in foreign text is rich's to read.
            style = _STYLES.get(type(event), "")
            self._console.print(printable(line), style=style, markup=False, emoji=False, highlight=False)

    def lines(self) -> list[str]:
        """The live view, a line for each stack under way, none longer than the terminal is wide."""
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
    """The reporter for standard output as it is: a terminal, or something that reads lines."""
    if as_json:
        return JsonReporter()
    if not sys.stdout.isatty():
        return PlainReporter()
    from rich.console import Console

    return TerminalReporter(Console())
