"""Files of state: readable by their owner alone, and replaced as a whole instead of rewritten in place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from cicd_templates.paths import STATE

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def write_privately(path: Path, text: str) -> None:
    """Write `text` to a new file beside `path` and move it there, so that no reader sees half of it.

    The file has mode 0600, whatever mode it replaces. Folders that are created have 0700; an existing folder is
    tightened to 0700 inside `.state` alone, because any other folder belongs to the user.
    """
    make_private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.new")
    # What a killed process left, which may also be a link; O_EXCL follows none.
    temporary.unlink(missing_ok=True)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def open_lock_file(path: Path) -> IO[str]:
    """Open an empty file for `flock`; another process may hold it, so it is never replaced. Its mode becomes 0600.

    Raises `OSError` where `path` is a link.
    """
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, FILE_MODE)
    return open(descriptor, "a", encoding="utf-8")


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents with mode 0700; tighten `.state` and the folders in it."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=FOLDER_MODE, exist_ok=True)
        elif STATE.name in part.parts and part.stat().st_mode & 0o077:
            part.chmod(FOLDER_MODE)
