"""Reports the progress of the demo: shows a summary line per environment, and keeps every event for the log file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cicd_templates.cli import terminal
from cicd_templates.deploy.reporting.report import Broke, Event, Left, Started, Succeeded, as_lines
from cicd_templates.plurals import counted
from cicd_templates.printable import printable

NAME_WIDTH = 14


class DemoReporter:
    """Counts the stacks and resources for the summary line of each environment. Shows each failure immediately."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._under_way: Callable[[str], None] = lambda line: None
        self._stacks: Counter[str] = Counter()
        self._resources = self._remains = 0

    @property
    def text(self) -> str:
        """Return every event and every note so far, as text for the log file."""
        return "".join(f"{printable(line)}\n" for line in self._lines)

    def note(self, line: str) -> None:
        """Add `line` to the lines that will be written to the log file."""
        self._lines.append(line)

    def begin(self, under_way: Callable[[str], None]) -> None:
        """Begin the next environment: set the numbers of stacks and resources to zero.

        From now on, `report` calls `under_way` with the name of each stack on which an operation starts.
        """
        self._under_way = under_way
        self._stacks.clear()
        self._resources = self._remains = 0

    def report(self, event: Event) -> None:
        """Count the event, add it to the lines for the log file, and show it if it is a failure."""
        self._lines += as_lines(event)
        match event:
            case Started():
                self._under_way(event.stack)
            case Succeeded():
                self._stacks[event.verb] += 1
                self._resources += event.resources
            case Left():
                self._remains = len(event.remains)
            case Broke():
                for line in as_lines(event):
                    terminal.show(line)

    def summary(self, environment: str) -> str:
        """Return a line of at most 80 columns: what was done to an environment since the last call of `begin`."""
        done = ", ".join(f"{counted(count, 'stack')} {verb}" for verb, count in self._stacks.items())
        left = f"; {self._remains} left, explained" if self._remains else ""
        return f"     {environment:<{NAME_WIDTH}} {done}, {counted(self._resources, 'resource')}{left}"
