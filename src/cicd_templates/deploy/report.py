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
from typing import IO, TYPE_CHECKING, Any, Protocol

from cicd_templates import words
from cicd_templates.deploy.changes import Change, ChangeSet, total
from cicd_templates.deploy.destruction.items import Item, Remainder, item_lines, remainder_lines
from cicd_templates.deploy.diagnose import Diagnosis
from cicd_templates.deploy.events import ResourceEvent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


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
    change_set: ChangeSet


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
    """A stack's operation failed."""

    stack: str
    reason: str
    diagnosis: Diagnosis | None = None


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


Event = Heading | Planned | Unchanged | Waits | Moved | Succeeded | Broke | Note | Inventoried | Left


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
        case Planned():
            verb = "create" if event.change_set.creates else "update"
            lines = [f"  {event.stack}: {verb}, {counted(event.change_set.changes)}"]
            # Of a creation every line would say "Add"; its file says it better.
            return lines + (
                [] if event.change_set.creates else [f"    {row}" for row in rows(event.change_set.changes)]
            )
        case Unchanged():
            return [f"  {event.stack}: nothing to change"]
        case Waits():
            return [f"  {event.stack}: waits, after {', '.join(event.after)}"]
        case Succeeded():
            return [
                f"  {event.stack}: {event.verb}, {words.counted(event.resources, 'resource')}, {event.seconds:.1f} s"
            ]
        case Broke():
            block = event.diagnosis.lines if event.diagnosis else ()
            return [f"  {event.stack}: FAILED: {event.reason}", *(f"      {line}" for line in block)]
        case Note():
            return [f"  {event.text}"]
        case Inventoried() | Left():
            return event.lines()
        case Moved() if event.event.failed:
            return [f"    {event.event.status} {event.event.logical_id}: {event.event.reason}"]
        case _:
            return []


def broke(stack: str, why: str | Diagnosis) -> Broke:
    """The event of a failure, with its diagnosis where there is one."""
    return Broke(stack, why.reason, why) if isinstance(why, Diagnosis) else Broke(stack, why)


def counted(changes: tuple[Change, ...]) -> str:
    """The number of changes by action: `3 Add, 1 Modify`."""
    return ", ".join(f"{count} {action}" for action, count in total(changes).items()) or "outputs or tags only"


def rows(changes: tuple[Change, ...]) -> list[str]:
    """One line a change: action, logical id, type, and what replacing it means."""
    return [
        f"{change.action:<7} {change.logical_id}  {change.resource_type}{_replacement(change)}"
        + (f"  [{', '.join(change.properties)}]" if change.properties else "")
        for change in changes
    ]


def _replacement(change: Change) -> str:
    return {"True": "  REPLACED", "Conditional": "  maybe replaced"}.get(change.replacement, "")


class PlainReporter:
    """Lines for logs and pipes. Of a long operation it shows a sign of life every ten seconds, not every event."""

    def __init__(self, stream: IO[str] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stdout
        self._now = now
        self._said = now()

    def report(self, event: Event) -> None:
        """Print the event's lines at once, so that a log shows them while they happen."""
        lines = as_lines(event)
        if isinstance(event, Moved) and not lines and self._now() - self._said >= SIGN_OF_LIFE_SECONDS:
            lines = [f"    {event.stack}: {event.event.status} {event.event.logical_id}"]
        for line in lines:
            print(line, file=self._stream, flush=True)
            self._said = self._now()


class JsonReporter:
    """One JSON object a line: `kind` names the event, the rest are its fields."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout

    def report(self, event: Event) -> None:
        """Print the event."""
        facts = {"kind": type(event).__name__.lower(), **asdict(event)}
        print(json.dumps(facts, default=str), file=self._stream, flush=True)


class TerminalReporter:
    """Colour, tables for updates, and one live line for what is under way."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Status | None = None
        self._finished = 0

    def report(self, event: Event) -> None:
        """Show the event."""
        if isinstance(event, Moved):
            self._moved(event)
            if not event.event.failed:
                return
        else:
            self._end_live_line()
        if isinstance(event, Planned) and event.change_set.changes and not event.change_set.creates:
            self._console.print(f"  [bold]{event.stack}[/]: update, {counted(event.change_set.changes)}")
            self._console.print(_table(event.change_set.changes))
            return
        for line in as_lines(event):
            self._console.print(line, style=_STYLES.get(type(event), ""), markup=False, highlight=False)

    def _moved(self, event: Moved) -> None:
        if event.event.status.endswith("_COMPLETE"):
            self._finished += 1
        text = f"  {event.stack}: {self._finished} done, {event.event.logical_id} {event.event.status}"
        if self._live is None:
            self._live = self._console.status(text)
            self._live.start()
        self._live.update(text)

    def _end_live_line(self) -> None:
        self._finished = 0
        if self._live is not None:
            self._live.stop()
            self._live = None


_STYLES: dict[type[Any], str] = {Heading: "bold", Unchanged: "dim", Succeeded: "green", Broke: "bold red"}


def _table(changes: tuple[Change, ...]) -> Any:
    from rich.table import Table

    table = Table("action", "resource", "type", "replacement", box=None, padding=(0, 2, 0, 4), header_style="dim")
    for change in changes:
        table.add_row(change.action, change.logical_id, change.resource_type, _replacement(change).strip() or "no")
    return table


def reporter(*, as_json: bool) -> Reporter:
    """The reporter for standard output as it is: a terminal, or something that reads lines."""
    if as_json:
        return JsonReporter()
    if not sys.stdout.isatty():
        return PlainReporter()
    from rich.console import Console

    return TerminalReporter(Console())
