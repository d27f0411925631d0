"""Writes the files that the user commits to git. Each file is replaced completely or not at all."""

from __future__ import annotations

from pathlib import Path

from cicd_templates.files.replacement import replacing


def replace_file(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to a new file beside `path`, then rename this file to `path`. Creates missing folders.

    Line ends are not translated. After an error or an interrupt, the old file remains, and the new file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
