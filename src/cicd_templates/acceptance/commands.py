"""Runs the commands of this tool in the project of the acceptance run, as a user would: each in a separate process.

If the run is killed, its current command is killed, too. The continued run repeats this command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cicd_templates.errors import CicdError, DetachedError

LAST_LINES = 5
DETACHED = DetachedError.exit_code
# The variables with which botocore chooses credentials. AWS_SESSION_TOKEN also has an older name.
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
)
# The prefix of environment variables that set options. The commands do not get the user's own variables.
OWN_PREFIX = "CICD_TEMPLATES_"


class CommandFailed(CicdError):  # noqa: N818 - the outcome of a command
    """Raised when a command ends with an exit code that the check does not expect."""


@dataclass(frozen=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    output: str
    errors: str = ""

    @property
    def last_lines(self) -> str:
        """Join the last lines of the command's output into one line, and return it.

        The lines of standard output come before those of standard error.
        """
        lines = [*self.output.strip().splitlines()[-LAST_LINES:], *self.errors.strip().splitlines()[-LAST_LINES:]]
        return " / ".join(line.strip() for line in lines)


@dataclass(frozen=True)
class Commands:
    """Runs commands of this tool, each in its own process.

    - `folder` is the working directory of each command.
    - `tool` is the checkout of this tool: the folder that contains `templates/`.
    - `held` is the file descriptor of the acceptance run's lock. Each command inherits the file descriptor. So if the
      acceptance run is killed, the lock is held until the command ends.
    """

    folder: Path
    tool: Path
    suffix: str
    local: bool
    held: int | None = None

    def run(
        self,
        verb: str,
        *arguments: str,
        expected: Collection[int] = (0,),
        credentials: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a command without input, and return its exit code and output.

        `credentials` are temporary credentials from AssumeRole. If they are given, they replace all credentials in the
        command's environment variables.

        After Ctrl-C or SIGTERM, interrupt the command, wait until it has ended, and raise `DetachedError`.

        Raises an error if the exit code is not in `expected`: `DetachedError` if the code says that the command's work
        in AWS continues, and `CommandFailed` for every other code.
        """
        command = [sys.executable, "-m", "cicd_templates", verb, *arguments]
        process: subprocess.Popen[str] | None = None
        try:
            with _interrupts_held_back():
                process = self._begin(command, credentials)
            output, errors = process.communicate()
        except KeyboardInterrupt:
            if process is None:
                raise
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
            stopped = Answer(process.returncode, output, errors)
            raise DetachedError(f"`{verb}` was interrupted: {stopped.last_lines}") from None
        answer = Answer(process.returncode, output, errors)
        if answer.code == DETACHED and DETACHED not in expected:
            raise DetachedError(answer.last_lines)
        if answer.code not in expected:
            raise CommandFailed(f"`{verb}` ended with {answer.code}: {answer.last_lines}")
        return answer

    def on(
        self,
        verb: str,
        environment: str,
        *arguments: str,
        expected: Collection[int] = (0,),
        credentials: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a command for an environment of the acceptance run, in AWS or in the local AWS."""
        where = ["--env", environment, "--suffix", self.suffix, *(["--local"] if self.local else [])]
        return self.run(verb, *where, *arguments, expected=expected, credentials=credentials)

    def _begin(self, command: list[str], credentials: Mapping[str, str] | None) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=self.folder,
            env=self._variables(credentials),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=() if self.held is None else (self.held,),
            # A terminal sends Ctrl-C to its whole process group. The command is in a separate group, so it gets the
            # interrupt only once, from `run`. A second interrupt would prevent the command from stopping cleanly.
            process_group=0,
        )

    def _variables(self, credentials: Mapping[str, str] | None) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith(OWN_PREFIX)}
        if credentials is not None:
            names = {"AccessKeyId": CREDENTIALS[0], "SecretAccessKey": CREDENTIALS[1], "SessionToken": CREDENTIALS[2]}
            given = {name: value for name, value in given.items() if name not in CREDENTIALS}
            given |= {variable: credentials[name] for name, variable in names.items()}
        # The `templates/` in the project's folder contains no code, so Python imports the code from the folder of the
        # tool.
        return {**given, "PYTHONPATH": str(self.tool)}


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Delay SIGINT and SIGTERM until the end of the `with` block. Then deliver the first signal that arrived.

    The block starts a process. An interrupt during the start could leave a process for which nobody waits.
    """
    pending: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda received, frame: pending.append(received)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if pending:
            signal.raise_signal(pending[0])
