"""Replaces scanners that need an external service or are not installed. A rehearsed build gets a recorded report.

The recorded report is the file `rehearsal/<program>.json` in the source. Like the real scanner, this program writes the
report to the file of the option `--json-file-output`, or by default to standard output.

If there is no recorded report, this program fails. There is one exception, because every new project uses pip-audit.
Without a recorded report of pip-audit, this program writes a report without findings, and the result of the rehearsal
gets a note that pip-audit was not run.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cicd_templates.rehearsal.build_tools import SYSTEM_PATH
from cicd_templates.rehearsal.programs.requirements_file import package_lines
from cicd_templates.rehearsal.result import NOT_SHOWN

FILE_OPTION = "--json-file-output="
PLACEHOLDER_NOTE = (
    f"{NOT_SHOWN}known vulnerabilities of the packages, because pip-audit is not run; set TOOLS= to a virtual"
    " environment that contains pip-audit, or commit a report of pip-audit as rehearsal/pip-audit.json"
)
# The exit code with which a shell reports a missing command.
COMMAND_NOT_FOUND = 127


def main(arguments: Sequence[str]) -> int:
    """Act as the scanner whose name is the first argument, and return an exit code."""
    program, *rest = arguments
    report = Path(os.environ["CODEBUILD_SRC_DIR"], "rehearsal", f"{program}.json")
    if "--version" in rest:
        print(f"{program} {_version_of(report)} (not run; its report is a recorded one)")
        return 0
    if rest[:2] == ["config", "get"]:
        # The settings of npm need no service. Without npm on this machine, they are unknown.
        npm = shutil.which(program.partition("-")[0], path=SYSTEM_PATH)
        found = subprocess.run([npm, *rest], capture_output=True, text=True) if npm else None  # noqa: S603 - of a preset
        print(found.stdout.strip() if found else "")
        return 0
    if not report.is_file() and program == "pip-audit":
        _add_note(PLACEHOLDER_NOTE)
        try:
            packages = list(_packages(rest))
        except OSError as error:
            print(f"ERROR: Could not open requirements file: {error}", file=sys.stderr)
            return 1
        print(json.dumps({"dependencies": packages, "fixes": []}))
        return 0
    if not report.is_file():
        _add_note(
            f"{program} is not run, and its recorded report rehearsal/{program}.json is missing in the source;"
            f" run {program} yourself, and commit its report under this name"
        )
        return COMMAND_NOT_FOUND
    _add_note(
        f"{program} is not installed; instead, the recorded report rehearsal/{program}.json is used, which you can"
        " replace with your own"
    )
    target = next((each.removeprefix(FILE_OPTION) for each in rest if each.startswith(FILE_OPTION)), None)
    if target:
        Path(target).write_bytes(report.read_bytes())
    else:
        print(report.read_text())
    return 0


def _packages(arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the pinned packages of the `--requirement` files, in the format of pip-audit's reports."""
    for option, path in itertools.pairwise(arguments):
        if option == "--requirement":
            for line in package_lines(Path(path)):
                name, _, version = line.partition("==")
                # A package without an exact version is listed without one: only pip could resolve it.
                number = next(iter(version.split()), "")
                yield {"name": name.partition("[")[0].strip(), "version": number, "vulns": []}


def _version_of(report: Path) -> str:
    """Return the version in a report. Return `0` if the report has none, because the gate requires a digit."""
    try:
        content = json.loads(report.read_text())
    except (OSError, ValueError):
        return "0"
    version = content.get("version") if isinstance(content, dict) else None
    return version if isinstance(version, str) else "0"


def _add_note(text: str) -> None:
    with Path(os.environ["REHEARSAL_NOTES"]).open("a") as notes:
        notes.write(f"{text}\n")
