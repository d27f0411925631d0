"""Provides the tools of a build: a prepared virtual environment, and replacements for unavailable programs.

A real build creates a virtual environment and installs the tools with pip. A rehearsed build uses the prepared
environment, which already has the tools. It runs a replacement of pip, which installs nothing, but refuses the
requirements that pip would refuse.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Each replaced program, with the module in `programs` that runs instead and the first argument of that module. The
# programs in SERVICE_PROGRAMS need an external service. If a build has no token for that service, the program outputs a
# recorded report. PUBLIC_SERVICE_PROGRAMS need no token. They run if they are in the prepared environment; otherwise
# they output a recorded report as well.
PIP_PROGRAMS = {"pip": ("pip", ""), "pip3": ("pip", "")}
CONTAINER_PROGRAMS = {"aws": ("aws", ""), "docker": ("docker", "")}
SERVICE_PROGRAMS = {"snyk": ("recorded", "snyk"), "safety": ("recorded", "safety")}
PUBLIC_SERVICE_PROGRAMS = {
    "npm": ("recorded", "npm-audit"),
    "pip-audit": ("recorded", "pip-audit"),
    "semgrep": ("recorded", "semgrep"),
}
# Commands that download something before the actual work of a build begins.
DOWNLOAD = re.compile(r"\bpip3? install\b|https?://|\b(?:curl|wget) |\b(?:npm|yarn|apt-get|apk|dnf|yum) \w")
# A call of the program that replaces pip. `python -m pip` does not call that program.
REPLACED_PIP = re.compile(r"(?<!-m )\bpip3? install\b")
# A command that writes a file, such as a script. Comments in the file may contain addresses that nothing downloads.
WRITTEN_FILE = re.compile(r"^cat > \S+ <<'(\w+)'\n.*?^\1$", re.DOTALL | re.MULTILINE)
DOWNLOADING_PHASES = ("install", "pre_build")
PIP = re.compile(r"pip[\d.]*")
PIN = re.compile(r"^\s*([A-Za-z0-9._-]+)==(\S+) --hash", re.MULTILINE)
# Each container has its own /tmp, but all processes of this machine share one.
SHARED = re.compile(r"/tmp(?=[/\s\"'])")  # noqa: S108 - looked for, not used
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class BuildTools:
    """A prepared virtual environment with the tools of the checks."""

    prefix: Path

    def installed(self) -> dict[str, str]:
        """Return the versions of the installed packages, keyed by the normalised package name."""
        folders = [str(path) for path in self.prefix.glob("lib/python*/site-packages")]
        found = importlib.metadata.distributions(path=folders)
        return {_normalised(each.name): each.version for each in found}

    def lacks(self, program: str) -> bool:
        """Return whether `program` is not installed. A rehearsed build then uses a recorded report, if there is one."""
        return not (self.prefix / "bin" / program).exists()

    def installs_replaced_program(self, command: str) -> bool:
        """Return whether `command` installs a program that does not run in the rehearsal, such as pip-audit.

        The rehearsal uses a recorded report instead, so the versions of the program's packages do not matter.
        """
        names = {_normalised(name) for name, _ in PIN.findall(command)}
        return any(program in names and self.lacks(program) for program in PUBLIC_SERVICE_PROGRAMS)

    def comparison(self, commands: Iterable[str]) -> str:
        """Return one line that compares the installed package versions with the versions pinned in `commands`."""
        pins = {_normalised(name): version for text in commands for name, version in PIN.findall(text)}
        here = self.installed()
        other = [
            f"{name} {here.get(name, 'missing')} instead of {version}"
            for name, version in sorted(pins.items())
            if here.get(name) != version
        ]
        same = f"{len(pins) - len(other)} of {len(pins)} packages have the pinned version"
        return f"{same}; {', '.join(other)}" if other else same

    def link_into(self, folder: Path) -> Path:
        """Create a copy of this virtual environment in `folder`. The copy consists of links and lacks pip.

        Return the folder with the programs of the copy.
        """
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (folder / "lib").symlink_to((self.prefix / "lib").resolve())
        (folder / "pyvenv.cfg").write_text((self.prefix / "pyvenv.cfg").read_text())
        for path in (self.prefix / "bin").iterdir():
            if not PIP.fullmatch(path.name):
                (programs / path.name).symlink_to(path.absolute())
        return programs


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def download_commands(phase: str, commands: Iterable[str]) -> Iterator[str]:
    """Return those `commands` of a build phase that download something before the actual work."""
    return (each for each in commands if phase in DOWNLOADING_PHASES and DOWNLOAD.search(WRITTEN_FILE.sub("", each)))


def only_checks_hashes(command: str) -> bool:
    """Return whether a command downloads nothing except packages whose hashes pip checks.

    A rehearsal can run this command, because it replaces pip with a program that checks the hashes and downloads
    nothing.
    """
    without_files = WRITTEN_FILE.sub("", command)
    return "--require-hashes" in without_files and not DOWNLOAD.search(REPLACED_PIP.sub("", without_files))


def write_programs(folder: Path, programs: Mapping[str, tuple[str, str]]) -> None:
    """Write a script to `folder` for each of the `programs` that a rehearsal replaces.

    The scripts run in the Python interpreter of this program, which has botocore.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, (module, first) in programs.items():
        code = f"import sys; from cicd_templates.rehearsal.programs.{module} import main; sys.exit(main(sys.argv[1:]))"
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -c {shlex.quote(code)} {first} "$@"\n')
        path.chmod(0o755)


def with_private_tmp(text: str, temporary: Path) -> str:
    """Replace `/tmp` in `text` by the folder `temporary`, because all processes of this machine share `/tmp`."""
    return SHARED.sub(lambda found: str(temporary), text)


def search_path(*folders: Path) -> str:
    """Return the PATH of a build: `folders`, then the system's folders."""
    return os.pathsep.join([*map(str, folders), SYSTEM_PATH])
