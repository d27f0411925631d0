"""The events of a failed operation on disk, as soon as one failed: CloudFormation deletes a failed creation itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cicd_templates.deploy.change_sets.events import ResourceEvent
from cicd_templates.private_files import write_privately


class EventFile:
    """What happened to one stack in one operation. `path` is its file, one event a line as JSON, once there is one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._events: list[ResourceEvent] = []
        self.path: Path | None = None

    def add(self, event: ResourceEvent) -> None:
        """Take the next event. What cannot be written changes nothing for the operation: then there is no file."""
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
