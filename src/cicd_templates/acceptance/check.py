"""What a check is: a name, what it proves, the function, and how it counts on the local AWS.

This module runs no check.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cicd_templates.acceptance.commands import Commands
from cicd_templates.acceptance.project import Place, Project
from cicd_templates.errors import CicdError


class CheckFailed(CicdError):  # noqa: N818 - the outcome of a check, not an error of this tool
    """A check found that something does not work. The message becomes the answer of the check."""


class NotYet(CicdError):  # noqa: N818 - the outcome of a check, not an error of this tool
    """A check must wait, for example for an hour after the destruction. The message says until when."""


class Here(StrEnum):
    """How far a check goes on the local AWS."""

    SHOWN = "shown"
    WALKED_THROUGH = "walked through"
    NOT_POSSIBLE = "not possible here"


class State(StrEnum):
    """How a check ended, or why it did not run."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    NOT_POSSIBLE = "not possible here"


@dataclass(frozen=True)
class Bench:
    """What a check works with.

    `clients` returns the AWS clients of an environment with the credentials of the user, for what the check itself
    makes, changes and reads. `facts` are what checks remember for later checks; they are written to the journal.
    `clock` returns the seconds since the epoch, `pause` sleeps, and
    `save` writes the facts to the journal at once.
    """

    project: Project
    commands: Commands
    clients: Callable[[str], Any]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    save: Callable[[], None]
    facts: MutableMapping[str, Any] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Return whether the run is on the local AWS."""
        return self.project.local

    @property
    def places(self) -> dict[str, Place]:
        """Return where each environment is."""
        return self.project.places


@dataclass(frozen=True)
class Check:
    """One thing that is proven.

    `proves` is one sentence. `run` returns the answer, a sentence for the report, or raises `CheckFailed`; it can be
    repeated at any time, because a run that was killed repeats the check that was interrupted. `needs` are the checks
    that must have passed before. After a failure the run continues if `safe_to_continue` is true; otherwise only the
    checks that are `last` are run. `here` is how far the check goes on the local AWS, and `because` says why it does
    not go further.
    """

    name: str
    proves: str
    run: Callable[[Bench], str]
    needs: tuple[str, ...] = ()
    safe_to_continue: bool = True
    last: bool = False
    here: Here = Here.SHOWN
    because: str = ""


def require(condition: object, problem: str) -> None:
    """Raise `CheckFailed` with `problem` unless `condition` is true."""
    if not condition:
        raise CheckFailed(problem)
