"""The journal of an environment: a file in which a run records its operations.

After an interruption, the next run reads the journal and continues these operations.

Only one run at a time can lock the journal of an environment. A run writes each entry before it calls AWS, because the
call may take effect even if the response is lost. This module does not call AWS.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO

from cicd_templates.deploy.plans.document import Plan
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.files.private_files import open_lock_file, write_privately
from cicd_templates.template.changes.planned_stack import PlannedStack

# The statuses that mean success. DELETE_COMPLETE is not among them: a creation that ends with it has failed.
DEPLOYED_STATUSES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
PLANNED, STARTED, ENDED = "planned", "started", "ended"


@dataclass(frozen=True)
class Entry:
    """One change set of a run, and how far its execution has progressed.

    `token` is the request token (ClientRequestToken) of the execution. Every retry uses the same token. `status` is the
    final status of the stack, or empty until the operation has ended.
    """

    stack: str
    label: str
    change_set: str
    stack_id: str
    creates: bool
    token: str
    plan: str
    resources: int
    protected: bool
    state: str = PLANNED
    status: str = ""

    @property
    def begun(self) -> bool:
        """Return whether the operation is under way or has succeeded."""
        return self.state == STARTED or self.status in DEPLOYED_STATUSES


class Journal:
    """The journal of one environment. Only one run on this machine can open the journal at a time."""

    def __init__(self, folder: Path, environment: str) -> None:
        self._file = folder / f"{environment}.json"
        self._lock_file = folder / f"{environment}.lock"
        self._environment = environment
        self._lock: IO[str] | None = None
        self._holder: dict[str, object] = {}
        self.entries: dict[str, Entry] = {}
        # For each plan id: the stacks in which that plan may have created change sets that no plan file lists yet.
        self.proposals: dict[str, list[str]] = {}
        self.durations: dict[str, float] = {}

    def open(self, today: datetime) -> Journal:
        """Lock the journal, and read the entries that an interrupted run has left.

        If the journal is already locked, raises a `RefusedError` with the process and host of the run that locked it.
        """
        self._lock = open_lock_file(self._lock_file)
        try:
            # The operating system releases the lock when the process ends, even if it crashes.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise RefusedError(
                f"{self._environment}: another run is working on this environment ({self._first()}); wait until that"
                " run ends, or stop it with Ctrl-C and start its command again to continue"
            ) from None
        try:
            self._read()
        except CicdError:
            self.close()
            raise
        self._holder = {"process": os.getpid(), "host": socket.gethostname(), "since": f"{today:%Y-%m-%d %H:%M:%S}"}
        self._write()
        return self

    def read(self) -> Journal:
        """Read the journal without locking it. Another run may be writing to it."""
        self._read()
        return self

    def __enter__(self) -> Journal:
        """Return the journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Unlock the journal."""
        self.close()

    def close(self) -> None:
        """Release the lock of the journal. Do not remove unfinished entries from the file."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _first(self) -> str:
        try:
            holder = json.loads(self._file.read_text())["holder"]
            return f"process {holder['process']} on {holder['host']}, since {holder['since']} UTC"
        except (OSError, ValueError, KeyError, TypeError):
            return "it has just started"

    def _read(self) -> None:
        try:
            facts = json.loads(self._file.read_text())
            self.entries = {each["stack"]: Entry(**each) for each in facts["entries"]}
            self.proposals = dict(facts["proposals"])
            self.durations = dict(facts["durations"])
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError):
            raise CicdError(
                f"{self._file}: not a valid journal of `make deploy`; check `make status` for operations under way,"
                " then remove the file"
            ) from None

    def _write(self) -> None:
        facts = {
            "holder": self._holder,
            "entries": [asdict(entry) for entry in self.entries.values()],
            "proposals": self.proposals,
            "durations": self.durations,
        }
        # The file is replaced by renaming, which is atomic: if the run is killed, the old or the new journal remains.
        write_privately(self._file, json.dumps(facts) + "\n")

    def record_proposal(self, plan_id: str, names: Iterable[str]) -> None:
        """Record that a plan is about to create change sets for the stacks in `names`."""
        self.proposals[plan_id] = list(names)
        self._write()

    def remove_proposal(self, plan_id: str) -> None:
        """Remove the record that a plan is creating change sets.

        Call this as soon as a plan file lists these change sets, or when they are deleted.
        """
        self.proposals.pop(plan_id, None)
        self._write()

    def plan(self, plan: Plan, path: Path, stacks: Iterable[PlannedStack]) -> None:
        """Record the change sets to be executed, each with the request token for its execution."""
        for stack in stacks:
            self.entries[stack.name] = Entry(
                stack.name,
                stack.label,
                stack.change_set,
                stack.stack_id,
                stack.creates,
                str(uuid.uuid5(uuid.NAMESPACE_URL, f"{plan.id} {stack.change_set}")),
                str(path),
                len(stack.changes),
                plan.protected,
            )
        self._write()

    def start(self, name: str) -> Entry:
        """Record that the execution of a change set is about to be requested."""
        self.entries[name] = replace(self.entries[name], state=STARTED)
        self._write()
        return self.entries[name]

    def cancel_start(self, name: str) -> None:
        """Record that AWS refused to execute a change set, so that the next run does not try to continue it."""
        self.entries[name] = replace(self.entries[name], state=PLANNED)
        self._write()

    @property
    def unfinished(self) -> list[Entry]:
        """Return the entries of the operations that have started and have no recorded end."""
        return [entry for entry in self.entries.values() if entry.state == STARTED]

    def end(self, name: str, status: str, seconds: float | None = None) -> None:
        """Record the final status of an operation and its duration, `seconds`.

        `seconds` is None if an earlier run started the operation. Then no duration is recorded.
        """
        entry = replace(self.entries[name], state=ENDED, status=status)
        self.entries[name] = entry
        if seconds is not None:
            self.durations[duration_key(entry)] = round(seconds, 1)
        self._write()

    def forget(self, names: Iterable[str]) -> None:
        """Remove the entries of the stacks with these names."""
        for name in names:
            self.entries.pop(name, None)
        self._write()

    def settle(self) -> None:
        """Remove the entries of ended operations. Call this at the end of a run."""
        self.forget([entry.stack for entry in self.entries.values() if entry.state == ENDED])


def duration_key(entry: Entry) -> str:
    """Return the key for an operation's duration in the journal: `create <stack>` or `update <stack>`."""
    return f"{'create' if entry.creates else 'update'} {entry.stack}"
