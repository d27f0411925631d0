"""Writes state files that only their owner can read. Replaces a file in one step; never changes it in place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from cicd_templates.files.paths import STATE
from cicd_templates.files.replacement import replacing

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def write_privately(path: Path, text: str) -> None:
    """Replace the file `path` with a new file that contains `text`. A reader never sees a half-written file.

    The new file gets mode 0600, whatever mode the old file had. Creates missing folders with `make_private_folder`.
    """
    _write(path, (text,))


def write_lines_privately(path: Path, lines: Iterable[str]) -> None:
    """Replace the file `path` as `write_privately` does. Each of `lines` is written before the next one is made."""
    _write(path, (part for line in lines for part in (line, "\n")))


def _write(path: Path, parts: Iterable[str]) -> None:
    make_private_folder(path.parent)
    # O_EXCL does not follow links.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with replacing(path) as temporary, open(os.open(temporary, flags, FILE_MODE), "w", encoding="utf-8") as stream:
        stream.writelines(parts)
        stream.flush()
        os.fsync(stream.fileno())


def open_lock_file(path: Path) -> IO[str]:
    """Open or create an empty file for `flock`, and set its mode to 0600.

    The file is never replaced, because another process may have locked it. Raises `OSError` if `path` is a symbolic
    link.
    """
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)
    return open(descriptor, "a", encoding="utf-8")


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents with mode 0700.

    If `.state` or a folder inside it exists with another mode, it gets mode 0700. The mode of other existing folders is
    not changed, because they belong to the user.
    """
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=FOLDER_MODE, exist_ok=True)
        elif STATE.name in part.parts and part.stat().st_mode & 0o077:
            part.chmod(FOLDER_MODE)
