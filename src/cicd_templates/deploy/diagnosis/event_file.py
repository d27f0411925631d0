"""The file of a failed operation's events, because CloudFormation deletes a failed creation with its events."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.private_files import write_privately


class EventFile:
    """The events of one stack in one operation. `path` is their file, one JSON event a line, once one has failed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._events: list[ResourceEvent] = []
        self.path: Path | None = None

    def add(self, event: ResourceEvent) -> None:
        """Add the next event, and write the file once an event failed. Without a file where it cannot be written."""
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
