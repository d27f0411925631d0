"""Replaces a scanner that needs an external service in a rehearsed build. It outputs a recorded report.

The report is `rehearsal/<program>.json` in the source. Like the real scanner, this program writes the report to the
file that `--json-file-output` names, or otherwise to standard output.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FILE_OPTION = "--json-file-output="
# The exit code with which a shell reports a missing command.
COMMAND_NOT_FOUND = 127


def main(arguments: Sequence[str]) -> int:
    """Run the replacement for the program that the first argument names, and return its exit code."""
    program, *rest = arguments
    if "--version" in rest:
        # The gate accepts a version only if it contains a digit.
        print(f"{program} 0 (replaced by a recorded report)")
        return 0
    report = Path(os.environ["CODEBUILD_SRC_DIR"], "rehearsal", f"{program}.json")
    if not report.is_file():
        _add_note(f"{program} is not run, and the source has no recorded report rehearsal/{program}.json")
        return COMMAND_NOT_FOUND
    _add_note(f"{program} is not run; its report is the recorded rehearsal/{program}.json")
    target = next((each.removeprefix(FILE_OPTION) for each in rest if each.startswith(FILE_OPTION)), None)
    if target:
        Path(target).write_bytes(report.read_bytes())
    else:
        print(report.read_text())
    return 0


def _add_note(text: str) -> None:
    with Path(os.environ["REHEARSAL_NOTES"]).open("a") as notes:
        notes.write(f"{text}\n")
