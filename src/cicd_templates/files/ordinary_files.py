"""Finds links and special files in a rendered folder. This module neither reads nor changes a file.

The target of a link can change without any change in the folder, so a link never counts as a rendered file.
"""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

from cicd_templates.errors import CicdError


def find_link(root: Path, path: str) -> Path | None:
    """Return the first symbolic link on the way from `root` to the file `path`, or None.

    The link can be the file itself or a folder between `root` and the file.
    """
    steps = [root / path, *(root / parent for parent in PurePosixPath(path).parents[:-1])]
    return next((step for step in reversed(steps) if step.is_symlink()), None)


def refuse_special(path: Path) -> None:
    """Raise `CicdError` if `path` is a folder, a named pipe or a device. Raises `OSError` if `path` does not exist."""
    # Nobody may ever write to a named pipe, so reading it would not end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise CicdError(f"{path}: is not an ordinary file; remove it")
