"""A scanner that needs its service, for a rehearsed build: gives the recorded report of the application instead.

The report is `rehearsal/<program>.json` in the source. It goes where the scanner would write it: into the file of an
option for JSON, otherwise to standard output.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FILE_OPTION = "--json-file-output="
# What a shell says of a program that is not there.
ABSENT = 127


def main(arguments: Sequence[str]) -> int:
    """Run the program that is the first argument; its exit code."""
    program, *rest = arguments
    if "--version" in rest:
        print(f"{program} recorded")
        return 0
    report = Path(os.environ["CODEBUILD_SRC_DIR"], "rehearsal", f"{program}.json")
    if not report.is_file():
        _note(f"{program} is not run, and there is no rehearsal/{program}.json in the source to take for its report")
        return ABSENT
    _note(f"{program} is not run; its report is the recorded one, rehearsal/{program}.json")
    target = next((each.removeprefix(FILE_OPTION) for each in rest if each.startswith(FILE_OPTION)), None)
    if target:
        Path(target).write_bytes(report.read_bytes())
    else:
        print(report.read_text())
    return 0


def _note(text: str) -> None:
    with Path(os.environ["REHEARSAL_NOTES"]).open("a") as notes:
        notes.write(f"{text}\n")
