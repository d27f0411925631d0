"""Writes committed files of the user's project. It replaces each file as a whole instead of rewriting it in place."""

from __future__ import annotations

from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a new file beside `path`, then rename it to `path`; missing folders are created.

    Line ends are not translated. If anything fails or interrupts, the old file stays, and the new one is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(text.encode("utf-8"))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
