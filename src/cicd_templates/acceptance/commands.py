"""Runs the commands of this tool in the project of the acceptance run, as a user would: each in a separate process.

A kill at any moment therefore has the same effect as a killed command, and the run continues in the commands' own ways.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from cicd_templates.errors import CicdError, DetachedError

LAST_LINES = 5
DETACHED = DetachedError.exit_code
# Variables that would steer the commands from outside.
OWN_PREFIX = "CICD_TEMPLATES_"


class CommandFailed(CicdError):  # noqa: N818 - the outcome of a command
    """A command ended with an exit code that the check does not expect."""


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    output: str
    errors: str = ""

    @property
    def last_lines(self) -> str:
        """Return the end of the command's output on one line. Its error messages come last."""
        lines = [*self.output.strip().splitlines()[-LAST_LINES:], *self.errors.strip().splitlines()[-LAST_LINES:]]
        return " / ".join(line.strip() for line in lines)


@dataclass(frozen=True)
class Commands:
    """The commands of this tool, in `folder`.

    `tool` is the folder with `templates/`. `options` are added to every command that takes them. `held` is the file
    descriptor of the lock of the run, which a command keeps: if the run is killed, the next run waits for the command.
    """

    folder: Path
    tool: Path
    suffix: str
    local: bool
    held: int | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, verb: str, *arguments: str, expected: Collection[int] = (0,), text: str | None = None) -> Answer:
        """Run a command and return how it ended. Its standard input is `text`, which is never a terminal.

        Raises `CommandFailed` if the exit code is not in `expected`. Raises `DetachedError` if the command itself had
        to stop while AWS continues.
        """
        command = [sys.executable, "-m", "cicd_templates", verb, *arguments]
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            cwd=self.folder,
            env=self._variables(),
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
            pass_fds=() if self.held is None else (self.held,),
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        if answer.code == DETACHED and DETACHED not in expected:
            raise DetachedError(answer.last_lines)
        if answer.code not in expected:
            raise CommandFailed(f"`{verb}` ended with {answer.code}: {answer.last_lines}")
        return answer

    def on(self, verb: str, environment: str, *arguments: str, expected: Collection[int] = (0,)) -> Answer:
        """Run a command on the copy of `environment` that the run makes, on the AWS of the run."""
        local = ["--local"] if self.local else []
        return self.run(verb, "--env", environment, "--suffix", self.suffix, *local, *arguments, expected=expected)

    def _variables(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith(OWN_PREFIX)}
        # The folder has a `templates/` without code; the code is the tool's.
        return {**given, "PYTHONPATH": str(self.tool), **self.environment}
