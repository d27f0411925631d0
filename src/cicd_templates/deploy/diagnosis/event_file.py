"""Saves the events of a failed operation in a file, because CloudFormation may delete the stack with its events."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.private_files import write_privately


class EventFile:
    """The events of one operation on one stack.

    `path` is None until an event reports a failure. Then it is the file with all events, one JSON object per line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._events: list[ResourceEvent] = []
        self.path: Path | None = None

    def add(self, event: ResourceEvent) -> None:
        """Add the next event. Once an event reports a failure, write the file; `path` is None if that fails."""
        self._events.append(event)
        if not any(each.failed for each in self._events):
            return
        lines = [json.dumps(asdict(each), default=str) + "\n" for each in self._events]
        try:
            write_privately(self._file, "".join(lines))
        except OSError:
            self.path = None
        else:
            self.path = self._file
