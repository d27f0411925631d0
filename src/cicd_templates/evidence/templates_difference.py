"""Compares the templates of a release with the templates of the previous release, file by file.

The archives are not trusted: they may have been made to harm the program that reads them.
"""

from __future__ import annotations

import difflib
import io
import zipfile
from dataclasses import dataclass

# The largest total size of all files in an archive, and the largest size of a file whose lines are compared.
MOST_BYTES = 100_000_000
LONGEST_COMPARED = 2_000_000


@dataclass(frozen=True)
class TemplatesDifference:
    """The diff of each changed file, keyed by file name. If the archives could not be compared, `problem` says why."""

    files: dict[str, str]
    problem: str = ""

    @property
    def text(self) -> str:
        """The diffs of all changed files, as one patch."""
        return f"{self.problem}\n" if self.problem else "".join(self.files.values())


def compare_templates(before: bytes, after: bytes) -> TemplatesDifference:
    """Compare the files of two archives, and return the differences."""
    try:
        old, new = _files(before), _files(after)
    except Exception as error:
        # zipfile documents BadZipFile, but a hostile archive can raise any error of its decompressors.
        return TemplatesDifference({}, f"The templates cannot be compared: {type(error).__name__}: {error}")
    differing = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return TemplatesDifference({name: _difference(name, old.get(name), new.get(name)) for name in differing})


def _files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        size = sum(entry.file_size for entry in entries)
        if size > MOST_BYTES:
            raise ValueError(f"an archive has {size} bytes in total, but at most {MOST_BYTES} are read")
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("an archive has two files with the same name")
        return {entry.filename: archive.read(entry) for entry in entries}


def _difference(name: str, before: bytes | None, after: bytes | None) -> str:
    if max(len(before or b""), len(after or b"")) > LONGEST_COMPARED:
        return f"--- {name}\n+++ {name}\n@@ the file differs, and is too long to be compared @@\n"
    lines = difflib.unified_diff(_lines(before), _lines(after), _label(name, before), _label(name, after), lineterm="")
    return "".join(f"{line}\n" for line in lines) or f"--- {name}\n+++ {name}\n@@ only the line endings differ @@\n"


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode(errors="replace").splitlines()


def _label(name: str, content: bytes | None) -> str:
    return "/dev/null" if content is None else name
