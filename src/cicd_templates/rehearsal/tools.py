"""The tools of a build: a prepared virtual environment, and replacements for programs that are not available.

The prepared environment replaces the one that a build would install. It has no pip, so that no build can change it.
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

# By the name of a program, the module of `programs` that runs instead, and what its arguments begin with. Those of a
# service need it: without a token its report is a recorded one.
CONTAINER_PROGRAMS = {"aws": ("aws", ""), "docker": ("docker", "")}
SERVICE_PROGRAMS = {"snyk": ("recorded", "snyk"), "safety": ("recorded", "safety")}
# A command that fetches something from the network before the work begins.
DOWNLOAD = re.compile(r"\bpip3? install\b|https?://|\b(?:curl|wget) |\b(?:npm|yarn|apt-get|apk|dnf|yum) \w")
DOWNLOADING_PHASES = ("install", "pre_build")
PIN = re.compile(r"^\s*([A-Za-z0-9._-]+)==(\S+) --hash", re.MULTILINE)
# What a container has for itself and the processes of a machine share.
SHARED = re.compile(r"/tmp(?=[/\s\"'])")  # noqa: S108 - looked for, not used
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class BuildTools:
    """A prepared virtual environment with the tools of the checks."""

    prefix: Path

    def installed(self) -> dict[str, str]:
        """Return the versions of its packages, by normalised name."""
        folders = [str(path) for path in self.prefix.glob("lib/python*/site-packages")]
        found = importlib.metadata.distributions(path=folders)
        return {_normalised(each.name): each.version for each in found}

    def comparison(self, commands: Iterable[str]) -> str:
        """Return how what `commands` would have installed is here, in a line."""
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
        """Return an environment in `folder` that shares what this one has, without pip; its programs."""
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (folder / "lib").symlink_to((self.prefix / "lib").resolve())
        (folder / "pyvenv.cfg").write_text((self.prefix / "pyvenv.cfg").read_text())
        for path in (self.prefix / "bin").iterdir():
            if not path.name.startswith("pip"):
                (programs / path.name).symlink_to(path.absolute())
        return programs


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def download_commands(phase: str, commands: Iterable[str]) -> Iterator[str]:
    """Return those commands of a phase that would fetch something before the work begins."""
    return (each for each in commands if phase in DOWNLOADING_PHASES and DOWNLOAD.search(each))


def write_programs(folder: Path, programs: Mapping[str, tuple[str, str]]) -> None:
    """Put programs of these names into `folder`; they run in this interpreter, which has botocore."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (module, first) in programs.items():
        code = f"import sys; from cicd_templates.rehearsal.programs.{module} import main; sys.exit(main(sys.argv[1:]))"
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -c {shlex.quote(code)} {first} "$@"\n')
        path.chmod(0o755)


def with_private_tmp(text: str, temporary: Path) -> str:
    """Return `text` of a build with `/tmp` in a folder: a container has its own, a process here has not."""
    return SHARED.sub(lambda found: str(temporary), text)


def search_path(*folders: Path) -> str:
    """Return the PATH of a build: these folders, then the system's."""
    return os.pathsep.join([*map(str, folders), SYSTEM_PATH])
