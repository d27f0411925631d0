"""Writes the files of the user's project that are committed to git. Replaces a file in one step."""

from __future__ import annotations

from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a new file beside `path`, then rename this file to `path`. Creates missing folders.

    Line ends are not translated. After an error or an interrupt, the old file remains, and the new file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(text.encode("utf-8"))
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # Python names no file in the error for a full disk, so add the path.
            error.filename = error.filename or str(path)
        raise
