"""Saves the events of a failed operation in a file, because CloudFormation may delete them with the stack."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.files.private_files import write_privately


class EventFile:
    """Collects the events of one operation on one stack. If an event reports a failure, saves the events in a file.

    The file has one JSON object per line. `path` is the path of the file, or None while there is no failure.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._events: list[ResourceEvent] = []
        self.path: Path | None = None

    def add(self, event: ResourceEvent) -> None:
        """Add `event`. If this event or an earlier one reports a failure, write all events to the file.

        If the file cannot be written, `path` becomes None.
        """
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
