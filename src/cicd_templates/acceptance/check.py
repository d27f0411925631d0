"""Defines a check: its name, the statement that it proves, its function, and its limits on the local AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cicd_templates.acceptance.commands import Commands
from cicd_templates.acceptance.project import EnvironmentAccess, Project
from cicd_templates.deploy.aws.polling import Polling
from cicd_templates.errors import CicdError


class CheckFailed(CicdError):  # noqa: N818 - the outcome of a check, not an error of this tool
    """Raised when a check finds that something does not work. The message becomes the result of the check."""


class CheckMustWait(CicdError):  # noqa: N818 - the outcome of a check, not an error of this tool
    """Raised when a check must wait, for example until an hour after the run destroyed its resources.

    The message says how long the check must wait.
    """


class LocalCoverage(StrEnum):
    """What a check can do on the local AWS: prove its statement, run its steps without proving it, or not run."""

    PROVEN = "shown"
    STEPS_ONLY = "walked through"
    NOT_POSSIBLE = "not possible here"


class State(StrEnum):
    """How a check ended, or why it did not run."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    WAITING = "waiting"
    NOT_POSSIBLE = "not possible here"


@dataclass(frozen=True)
class CheckContext:
    """The AWS clients, recorded facts and helper functions that a check uses.

    - `clients` returns the AWS clients of an environment, with the credentials of the user. A check uses these clients
      for resources that it creates, changes or reads itself.
    - `connect` returns the AWS clients of an environment, with temporary credentials from AssumeRole.
    - `post` sends a request and returns the status of the response. For TLS, it trusts only the certificates in its
      last argument.
    - `clock` returns the seconds since the epoch, and `pause` sleeps.
    - `facts` are the values that checks record for later checks. `save` writes them to the journal at once.
    """

    project: Project
    commands: Commands
    clients: Callable[[str], Any]
    connect: Callable[[str, Mapping[str, Any]], Any]
    post: Callable[[str, bytes, str], int]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    save: Callable[[], None]
    facts: MutableMapping[str, Any] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Return whether the run is on the local AWS."""
        return self.project.local

    def polling(self, seconds: float) -> Polling:
        """Return polling settings with `seconds` between two polls."""
        return Polling(poll_seconds=seconds, sleep=self.pause, now=self.clock)

    @property
    def access(self) -> dict[str, EnvironmentAccess]:
        """Return the account, region and credentials of each environment."""
        return self.project.access


@dataclass(frozen=True)
class Check:
    """A statement to prove, and the function that proves it.

    - `proves` is the statement, in one sentence.
    - `run` returns the answer, a sentence for the report, or raises `CheckFailed`. It must be safe to repeat at any
      time, because a continued run repeats the check that was interrupted.
    - `needs` lists the checks that must pass before this check.
    - If `safe_to_continue` is false and this check fails, only the checks whose `last` is true run afterwards.
    - `local_coverage` says what the check can do on the local AWS, and `local_limit` says why it cannot do more.
    - `question` is a question that the AWS documentation leaves open and that this check answers.
    """

    name: str
    proves: str
    run: Callable[[CheckContext], str]
    needs: tuple[str, ...] = ()
    safe_to_continue: bool = True
    last: bool = False
    local_coverage: LocalCoverage = LocalCoverage.PROVEN
    local_limit: str = ""
    question: str = ""


def require(condition: object, problem: str) -> None:
    """Raise `CheckFailed` with `problem` unless `condition` is true."""
    if not condition:
        raise CheckFailed(problem)
