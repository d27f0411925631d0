"""Replaces pip in a rehearsed build. It installs nothing, but refuses requirements that pip would refuse.

With `--require-hashes`, or if any package has a hash, every package needs an exact version and a hash:
https://pip.pypa.io/en/stable/topics/secure-installs/
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cicd_templates.rehearsal.programs.requirements_file import REQUIREMENT_OPTION, package_lines

UNPINNED = "In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:"
UNHASHED = "Hashes are required in --require-hashes mode, but they are missing from these requirements:"


def main(arguments: Sequence[str]) -> int:
    """Check the requirements files in the arguments, and return the exit code that pip would return."""
    rest = arguments[1:]
    for option, value in itertools.pairwise(rest):
        if option == "--target":
            Path(value).mkdir(parents=True, exist_ok=True)
    try:
        lines = [line for path in _requirements_files(rest) for line in package_lines(path)]
    except OSError as error:
        print(f"ERROR: Could not open requirements file: {error}", file=sys.stderr)
        return 1
    if "--require-hashes" in rest or any("--hash" in line for line in lines):
        unhashed = [line for line in lines if "--hash=" not in line]
        unpinned = [line for line in unhashed if not re.search(r"===?[^*]+$", line.partition(";")[0])]
        for message, refused in ((UNPINNED, unpinned), (UNHASHED, unhashed)):
            if refused:
                print("\n    ".join([f"ERROR: {message}", *refused]), file=sys.stderr)
                return 1
    return 0


def _requirements_files(arguments: Sequence[str]) -> Iterator[Path]:
    for number, argument in enumerate(arguments):
        if found := REQUIREMENT_OPTION.fullmatch(argument):
            yield Path(found[1] or arguments[number + 1])
