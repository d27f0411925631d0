"""Reads the packages of a requirements file: https://pip.pypa.io/en/stable/reference/requirements-file-format/."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

REQUIREMENT_OPTION = re.compile(r"(?:-r|--requirement)[ =]*(.*)")
COMMENT = re.compile(r"(?:^|\s)#.*")


def package_lines(path: Path, including: tuple[Path, ...] = ()) -> Iterator[str]:
    """Yield the lines with packages, in the file and in the files that it includes. Other lines are left out.

    `including` are the files that directly or indirectly include this file. Raises `OSError` if a file cannot be read,
    or if a file includes itself. pip also refuses a file that includes itself.
    """
    if path.resolve() in including:
        raise OSError(errno.ELOOP, "it includes itself", str(path))
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    for line in (COMMENT.sub("", line).strip() for line in text.splitlines()):
        if included := REQUIREMENT_OPTION.fullmatch(line):
            yield from package_lines(path.parent / included[1], (*including, path.resolve()))
        elif line and not line.startswith("-"):
            yield line
