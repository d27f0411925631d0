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
    """Raised when a check cannot finish yet and must be repeated later. The message says when to try again.

    For example, one check can run only when an hour has passed since the run destroyed its resources.
    """


class LocalCoverage(StrEnum):
    """What a check can do on the local AWS: prove its statement, run its steps without a proof, or not run at all."""

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

    - `clients(environment)` returns AWS clients with the user's credentials. A check uses them for resources that the
      check itself creates, changes or reads.
    - `connect(environment, credentials)` returns AWS clients with temporary credentials from AssumeRole.
    - `post(url, body, certificates)` sends a request and returns the status of the response. For TLS, it trusts only
      these certificates.
    - `clock` returns the seconds since the epoch, and `pause` sleeps.
    - `facts` are the values that checks record for later checks. `save` immediately writes the facts to the journal.
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
    - `run` executes the check. It returns a sentence for the report, or raises `CheckFailed`. An interrupted check is
      repeated, so `run` must be safe to repeat.
    - `needs` lists the checks that must pass before this check.
    - `safe_to_continue`: If it is false and this check fails, only the checks with `last=True` still run. These checks
      remove the resources of the run.
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
    """Raise `CheckFailed` with `problem` if `condition` is false."""
    if not condition:
        raise CheckFailed(problem)
