"""Finds links and special files in a rendered folder, and reads a file that is not special. No function changes a file.

The target of a link can change without any change in the folder, so a link never counts as a rendered file.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from cicd_templates.errors import CicdError


def find_link(root: Path, path: str) -> Path | None:
    """Return the first symbolic link on the way from `root` to the file `path`, or None.

    The link can be the file itself or a folder between `root` and the file.
    """
    step = str(root)
    for name in PurePosixPath(path).parts:
        step = os.path.join(step, name)
        if os.path.islink(step):
            return Path(step)
    return None


def refuse_special(path: Path) -> None:
    """Raise `CicdError` if `path` is a folder, a named pipe or a device. Raises `OSError` if `path` does not exist."""
    # Nobody may ever write to a named pipe, so reading it would not end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise CicdError(f"{path}: is not an ordinary file; remove it")


def read_ordinary(path: Path) -> bytes:
    """Return the content of a file that a user named.

    Raises `OSError` for a named pipe or a device, because reading it might never end.
    """
    mode = path.stat().st_mode
    # Reading a folder fails with an error that says what it is.
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "not an ordinary file", str(path))
    return path.read_bytes()
