"""Replaces a file in one step, for the modules that write files. It never changes a file in place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a new file beside `path`. At the end of the `with` block, rename the new file to `path`.

    The caller writes the new file. After an error or an interrupt, the old file remains, and the new file is removed.
    The message of an `OSError` contains `path`, because the user does not know the path of the new file.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        # A killed process may have left a file or a symbolic link.
        temporary.unlink(missing_ok=True)
        yield temporary
        temporary.replace(path)
    except BaseException as error:
        # On a read-only file system, the new file cannot be removed either.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        # For a full disk, Python names no file. For a failed rename, it names both.
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)
            # The message of an error whose second name is None would end with `-> None`.
            del error.filename2
        raise
