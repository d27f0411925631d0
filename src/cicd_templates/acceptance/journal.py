"""Records the progress of an acceptance run in `.state/acceptance/journal.json`, so that a killed run can continue.

The journal file is replaced atomically after each change. It contains names of the run's resources, so only its owner
can read it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd_templates.acceptance.check import State
from cicd_templates.errors import CicdError, RefusedError
from cicd_templates.files.paths import STATE
from cicd_templates.files.private_files import open_lock_file, write_privately

FOLDER = STATE / "acceptance"
JOURNAL, LOCK = "journal.json", "lock"
FORMAT = 1
LETTERS = "abcdefghijkmnpqrstuvwxyz"
SUFFIX_LENGTH = 5


@dataclass(frozen=True)
class Entry:
    """The result of a check: its state, its answer, its duration in seconds, and when it began."""

    state: State
    answer: str
    seconds: float = 0.0
    began: str = ""


@dataclass
class Journal:
    """The progress of a run. `accounts` are the accounts and regions of the run."""

    path: Path
    suffix: str
    local: bool
    accounts: Mapping[str, str]
    began: str
    running: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """Record that a check begins."""
        self.running = name
        self.save()

    def end(self, name: str, entry: Entry) -> None:
        """Record the result of a check, and its facts for later checks."""
        self.running = ""
        self.entries[name] = entry
        self.save()

    def save(self) -> None:
        """Replace the journal file atomically."""
        document = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("suffix", "local", "accounts", "began", "running", "facts")},
            "entries": {name: dataclasses.asdict(entry) for name, entry in self.entries.items()},
        }
        write_privately(self.path, json.dumps(document, indent=2) + "\n")

    def remove(self) -> None:
        """Remove the journal of a run that is finished."""
        self.path.unlink(missing_ok=True)


def new_journal(path: Path, accounts: Mapping[str, str], began: str, *, local: bool) -> Journal:
    """Return the journal of a new run. The run's resources get a new suffix, which begins with a letter."""
    suffix = "".join(secrets.choice(LETTERS) for _ in range(SUFFIX_LENGTH))
    return Journal(path, suffix, local, dict(accounts), began)


def read_journal(path: Path) -> Journal | None:
    """Return the journal of an unfinished run, or None. Raises `CicdError` if the file has another format."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("format") != FORMAT:
            raise ValueError("another format")
        entries = {
            name: Entry(**{**entry, "state": State(entry["state"])}) for name, entry in document.pop("entries").items()
        }
        return Journal(path, entries=entries, **document)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CicdError(
            f"{path}: another version of `make acceptance` wrote this file; delete the resources of its run, which "
            f"have the tag Project=acceptance, then remove the file"
        ) from None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Lock the acceptance run in `folder`, and yield the file descriptor of the lock.

    Commands that the run starts inherit this descriptor, so the lock is held until the run and its commands have ended.
    If the run is killed, it can be continued only after its last command has ended. Raises `RefusedError` if another
    process holds the lock.
    """
    with open_lock_file(folder / LOCK) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RefusedError(
                f"another acceptance run, or a command of a killed run, is still running; wait until it ends (it "
                f"holds the lock {folder / LOCK})"
            ) from None
        yield stream.fileno()
