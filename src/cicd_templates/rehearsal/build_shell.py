"""Runs the phases of a build in one shell, as CodeBuild does, and records their times and failures."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cicd_templates.local import orphans
from cicd_templates.rehearsal.buildspec import Phase

# If one of these phases fails, CodeBuild runs no further phase:
# https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases
STOPPING = ("install", "pre_build")
BUILD_LOG = "build.log"
EXPORTS_FILE = "exports"
JOIN_SECONDS = 5.0


@dataclass(frozen=True)
class BuildOutcome:
    """The outcome of a build: seconds of each phase, the first failed command, exported variables and the log."""

    seconds: Mapping[str, float]
    failed: str
    exported: Mapping[str, str]
    log: str


def run_phases(
    phases: Sequence[Phase],
    exported: Sequence[str],
    *,
    shell: str,
    source: Path,
    folder: Path,
    environment: Mapping[str, str],
    limit_seconds: float,
) -> BuildOutcome:
    """Run the phases. The current folder is `source`. Write the scripts and the log to `folder`.

    After `limit_seconds`, all processes are killed.
    """
    script = folder / "phases.sh"
    script.write_text(_script(phases, exported, folder))
    marks: list[tuple[float, str]] = []
    late = ""
    with subprocess.Popen(  # noqa: S603 - the reviewed build specification, in a folder of its own
        [shell, str(script)],
        cwd=source,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        reader = threading.Thread(target=_collect_marks, args=(process.stdout, marks), daemon=True)
        reader.start()
        try:
            with orphans.prevented(process.pid):
                process.wait(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            late = f"was still running after {limit_seconds:.0f} s, the project's timeout"
        finally:
            # Kill the processes that the build left in the background, too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            reader.join(JOIN_SECONDS)
    return _read_outcome(marks, late, folder)


def _collect_marks(stream: IO[str], marks: list[tuple[float, str]]) -> None:
    for line in stream:
        marks.append((time.monotonic(), line.strip()))


def _script(phases: Sequence[Phase], exported: Sequence[str], folder: Path) -> str:
    """Return a script that runs all commands in one shell, so that each command sees the variables set before it.

    The script never puts `||` after a command, because a shell ignores `set -e` in a command before `||`.
    """
    lines = ["_stopped=''", f"exec 3>&1 >{shlex.quote(str(folder / BUILD_LOG))} 2>&1", "_failed=''"]
    for phase in phases:
        lines += ['if [ -z "$_stopped" ]; then', f"echo begin {phase.name} >&3", "_skip=''"]
        for number, command in enumerate(phase.commands):
            lines += ['if [ -z "$_skip" ]; then', *_command(folder, phase.name, f"{phase.name}-{number}", command)]
            lines += ["fi"]
        for number, command in enumerate(phase.finally_):
            lines += _command(folder, phase.name, f"{phase.name}-finally-{number}", command)
        if phase.name in STOPPING:
            lines += ['_stopped="$_failed"']
        lines += [f"echo end {phase.name} >&3", "fi"]
    lines += [f"printf '%s\\0' \"{name}=${name}\" >>{shlex.quote(str(folder / EXPORTS_FILE))}" for name in exported]
    lines += ["echo finished >&3"]
    return "\n".join(lines) + "\n"


def _command(folder: Path, phase: str, name: str, command: str) -> list[str]:
    path = folder / f"{name}.sh"
    path.write_text(command + "\n")
    return [
        f"echo command {name} >&3",
        f". {shlex.quote(str(path))}",
        "_status=$?",
        f'if [ "$_status" != 0 ]; then echo failed {name} "$_status" >&3; _failed={phase}; _skip=1; fi',
    ]


def _read_outcome(marks: list[tuple[float, str]], late: str, folder: Path) -> BuildOutcome:
    began: dict[str, float] = {}
    seconds: dict[str, float] = {}
    failed = command = ""
    for at, line in marks:
        word, _, rest = line.partition(" ")
        if word == "begin":
            began[rest] = at
        elif word == "end":
            seconds[rest] = at - began[rest]
        elif word == "command":
            command = rest
        elif word == "failed":
            name, _, status = rest.partition(" ")
            failed = failed or f"{_command_label(name)} failed with exit code {status}"
    if late:
        failed = f"{_command_label(command)} {late}"
    elif not marks or marks[-1][1] != "finished":
        failed = failed or (
            f"{_command_label(command)} terminated the shell" if command else "the shell could not start"
        )
    exports = folder / EXPORTS_FILE
    pairs = exports.read_text(errors="replace").split("\0")[:-1] if exports.exists() else []
    log = folder / BUILD_LOG
    text = log.read_text(errors="replace") if log.is_file() else ""
    return BuildOutcome(seconds, failed, dict(pair.split("=", 1) for pair in pairs), text)


def _command_label(name: str) -> str:
    phase, _, number = name.rpartition("-")
    return f"command {int(number) + 1} of phase {phase}"
