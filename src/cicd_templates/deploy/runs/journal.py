"""The journal of a deployment: its operations, kept on disk so that an interrupted run can be resumed.

One run at a time holds the journal of an environment. Each entry is written before its call, because the call may take
effect although its answer is lost. Calls no AWS.
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

from cicd_templates.deploy.plans.document import Plan, PlannedStack
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.private_files import open_lock_file, write_privately

# A creation that ends in DELETE_COMPLETE has failed, so that status is not among these.
DEPLOYED_STATUSES = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
PLANNED, STARTED, ENDED = "planned", "started", "ended"


@dataclass(frozen=True)
class Entry:
    """One change set of a run, and how far it is. `token` is the request token of its execution, also the second time.

    `status` is the stack's where the operation has ended.
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
        """Return whether it is recorded as started or has succeeded; one that failed has to be planned again."""
        return self.state == STARTED or self.status in DEPLOYED_STATUSES


class Journal:
    """The journal of one environment, held against every other run on this machine while it is open."""

    def __init__(self, folder: Path, environment: str) -> None:
        self._file = folder / f"{environment}.json"
        self._lock_file = folder / f"{environment}.lock"
        self._environment = environment
        self._lock: IO[str] | None = None
        self._holder: dict[str, object] = {}
        self.entries: dict[str, Entry] = {}
        # Stacks in which a plan may have made change sets that are not written down yet, by the plan's id.
        self.proposals: dict[str, list[str]] = {}
        self.durations: dict[str, float] = {}

    def open(self, today: datetime) -> Journal:
        """Hold the environment and read what an interrupted run left.

        Raises `RefusedError` that names the run that holds it.
        """
        self._lock = open_lock_file(self._lock_file)
        try:
            # The system gives it back whenever the process ends, however it ends: no lock of a dead run is left.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise RefusedError(
                f"{self._environment}: another run is at work on it ({self._first()}); wait for its end, or stop"
                " it with Ctrl-C, after which the same command takes up where it was"
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
        """Read the journal without holding the environment; another run may hold it."""
        self._read()
        return self

    def __enter__(self) -> Journal:
        """Return the journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the environment."""
        self.close()

    def close(self) -> None:
        """Release the environment; unfinished entries stay in the file."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _first(self) -> str:
        try:
            holder = json.loads(self._file.read_text())["holder"]
            return f"process {holder['process']} on {holder['host']}, since {holder['since']} UTC"
        except (OSError, ValueError, KeyError, TypeError):
            return "it has just begun"

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
                f"{self._file}: not a journal as `make deploy` writes it; see `make status` for what is under way, then"
                " remove the file"
            ) from None

    def _write(self) -> None:
        facts = {
            "holder": self._holder,
            "entries": [asdict(entry) for entry in self.entries.values()],
            "proposals": self.proposals,
            "durations": self.durations,
        }
        # Renaming is all or nothing: a run that is killed leaves the journal as it was before or after.
        write_privately(self._file, json.dumps(facts, indent=2) + "\n")

    def record_proposal(self, plan_id: str, names: Iterable[str]) -> None:
        """Record that a plan is about to create change sets in the stacks `names`."""
        self.proposals[plan_id] = list(names)
        self._write()

    def remove_proposal(self, plan_id: str) -> None:
        """Remove the record of a plan whose change sets are in its file or discarded."""
        self.proposals.pop(plan_id, None)
        self._write()

    def plan(self, plan: Plan, path: Path, stacks: Iterable[PlannedStack]) -> None:
        """Record the change sets to be executed, each with a request token that stays the same for every retry."""
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
        """Record that the execution is requested, before it is."""
        self.entries[name] = replace(self.entries[name], state=STARTED)
        self._write()
        return self.entries[name]

    def cancel_start(self, name: str) -> None:
        """Record that AWS refused the execution, so that no later run resumes it."""
        self.entries[name] = replace(self.entries[name], state=PLANNED)
        self._write()

    @property
    def unfinished(self) -> list[Entry]:
        """Return the operations that were started and have not been seen to end."""
        return [entry for entry in self.entries.values() if entry.state == STARTED]

    def end(self, name: str, status: str, seconds: float | None = None) -> None:
        """Record how an operation has ended, and how long it took where it was watched from its beginning."""
        entry = replace(self.entries[name], state=ENDED, status=status)
        self.entries[name] = entry
        if seconds is not None:
            self.durations[duration_key(entry)] = round(seconds, 1)
        self._write()

    def forget(self, names: Iterable[str]) -> None:
        """Remove the entries of the stacks `names`."""
        for name in names:
            self.entries.pop(name, None)
        self._write()

    def settle(self) -> None:
        """Remove the entries that have ended, at the end of a run."""
        self.forget([entry.stack for entry in self.entries.values() if entry.state == ENDED])


def duration_key(entry: Entry) -> str:
    """Return the key of an operation's duration; a creation takes longer than an update, so each has its own."""
    return f"{'create' if entry.creates else 'update'} {entry.stack}"
